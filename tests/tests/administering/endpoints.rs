//! Endpoints that are drained by order, and the proxy that is.

use std::io::{Read, Write};

use weir_tests::{Client, Origin, Proxy, get, weir};

use super::{Administered, administered, curl};

fn body(door: &Administered) -> String {
    get(door.proxy.address, "/").text()
}

fn drain(door: &Administered, origin: &Origin, how: &str) -> serde_json::Value {
    let (status, view) = door.order(&format!("/upstreams/app/endpoints/{}/{how}", origin.address));
    assert_eq!(status, 200, "{view}");
    view
}

#[test]
fn a_drained_endpoint_gets_no_new_exchanges_and_those_in_progress_end() {
    let slow = Origin::raw(|_, stream| {
        let mut go = [0; 1];
        stream.read_exact(&mut go).is_ok()
            && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").is_ok()
    });
    let other = Origin::text("other");
    let two = format!("{{ endpoints: [\"http://{}\", \"http://{}\"] }}", slow.address, other.address);
    let builder = Proxy::builder().top("workers: 1").upstream("app", &two).route_to("/*", "app", "priority: 1");
    let door = administered(&builder, "");
    // The first turn is the slow one's.
    let mut client = Client::connect(door.proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    slow.next();
    let view = drain(&door, &slow, "drain");
    assert!(view["draining"] == true && view["in_progress"] == 1, "{view}");
    for _ in 0..6 {
        assert_eq!(body(&door), "other");
    }
    assert!(slow.arrived().is_empty());
    let status = door.view("/status");
    assert_eq!(status["drift"][0]["name"], format!("app {}", slow.address));
    let said = weir().args(["status", "--admin", &door.url("")]).output().unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains(&format!("app {}", slow.address)) && said.contains("no new exchanges"), "{said}");
    // A reload that changes the upstream keeps the order, for the endpoint is still there.
    let third = Origin::text("third");
    let three = two.replace("] }", &format!(", \"http://{}\"] }}", third.address));
    let changed = Proxy::builder().top("workers: 1").upstream("app", &three).route_to("/*", "app", "priority: 1");
    door.proxy.write(&changed.top("admin: { address: \"127.0.0.1:0\" }"));
    assert_eq!(door.order("/reload").0, 200);
    let mut bodies: Vec<String> = (0..6).map(|_| body(&door)).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies, ["other", "third"]);
    // What was in progress ends as it would have.
    client.send("1\r\nx\r\n0\r\n\r\n");
    assert_eq!(client.reply().text(), "done");
    assert_eq!(drain(&door, &slow, "undrain")["draining"], false);
    assert_eq!(door.view("/status")["drift"].as_array().unwrap().len(), 0);
}

#[test]
fn where_all_endpoints_are_drained_clients_are_told_to_come_back() {
    let origin = Origin::text("here");
    let door = administered(&Proxy::builder().route("/*", "app", origin.address), "");
    assert_eq!(body(&door), "here");
    drain(&door, &origin, "drain");
    assert_eq!(get(door.proxy.address, "/").status, 503);
    assert_eq!(door.proxy.record(2)["reason"], "drained");
    assert_eq!(door.view("/failures")["upstreams"][0]["code"], "drained");
    drain(&door, &origin, "undrain");
    assert_eq!(body(&door), "here");
}

#[test]
fn endpoints_are_named_as_they_are_and_what_is_not_there_is_told() {
    let origin = Origin::text("x");
    let inline = format!("\"http://{}\"", origin.address);
    let door = administered(&Proxy::builder().route_to("/*", &inline, "priority: 1"), "");
    let name = format!("http:%2F%2F{}", origin.address);
    assert_eq!(door.order(&format!("/upstreams/{name}/endpoints/{}/drain", origin.address)).0, 200);
    assert_eq!(door.view(&format!("/upstreams/{name}"))["endpoints"][0]["draining"], true);
    let (status, said) = door.order(&format!("/upstreams/{name}/endpoints/127.0.0.1:1/drain"));
    assert!(status == 404 && said["error"].as_str().unwrap().contains(&origin.address.to_string()), "{said}");
    let (status, said) = door.order("/upstreams/none/endpoints/127.0.0.1:1/drain");
    assert!(status == 404 && said["error"].as_str().unwrap().contains("GET /upstreams"), "{said}");
    assert_eq!(door.order(&format!("/upstreams/{name}/endpoints/{}/dry", origin.address)).0, 404);
}

/// Probes first, then nobody comes in any more, and what is in progress ends.
#[test]
fn a_drain_by_order_ends_the_proxy_when_its_exchanges_have_ended() {
    let origin = Origin::raw(|_, stream| {
        let mut go = [0; 1];
        stream.read_exact(&mut go).is_ok()
            && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").is_ok()
    });
    let mut door = administered(&Proxy::builder().route("/*", "app", origin.address), "");
    assert_eq!(door.view("/ready")["ready"], true);
    let mut client = Client::connect(door.proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    origin.next();
    assert_eq!(door.order("/drain"), (200, serde_json::json!({ "draining": true })));
    let (status, view) = curl(&[&door.url("/ready")]);
    assert!(status == 503 && view["reasons"][0] == "it is draining", "{status} {view}");
    assert_eq!(curl(&[&door.url("/live")]).0, 200);
    door.proxy.log.wait("draining");
    client.send("1\r\nx\r\n0\r\n\r\n");
    assert_eq!(client.reply().text(), "done");
    assert!(door.proxy.exit().success());
}

#[test]
fn a_worker_that_does_not_look_up_from_its_work_is_not_alive() {
    let spinning = Proxy::builder().top("workers: 2").limited_guest("spin", "spin", "", "cpu: 2300ms");
    let door = administered(&spinning, "");
    assert_eq!(door.view("/live")["live"], true);
    let mut client = Client::connect(door.proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Spin: yes\r\n\r\n");
    let deadline = std::time::Instant::now() + weir_tests::PATIENCE;
    let said = loop {
        let (status, view) = curl(&[&door.url("/live")]);
        if status == 503 {
            break view;
        }
        assert!(std::time::Instant::now() < deadline, "a worker that spins is not noticed");
    };
    let reasons = said["reasons"].as_array().unwrap();
    assert!(reasons.len() == 1 && reasons[0].as_str().unwrap().contains("has not responded"), "{said}");
    // The hook is cut off at its limit, and the worker works again.
    assert_eq!(client.reply().status, 500);
    door.view_when("/live", |view| view["live"] == true);
}
