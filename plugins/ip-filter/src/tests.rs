//! Who is let in, under the host of a test.

use std::time::Duration;

use super::IpFilter;
use weir::testing::Host;
use weir::{Ended, Flow, Level};

fn filter(host: &mut Host, config: &str) -> IpFilter {
    // Those that the configurations name; there is no copy yet.
    for handle in ["list", "partners", "bad"] {
        host.document(handle, None);
    }
    host.configure(config).unwrap()
}

/// Whether the clients are let in.
fn passes(config: &str, clients: &[(&str, bool)]) {
    let mut host = Host::new();
    let filter = filter(&mut host, config);
    for (client, is_let_in) in clients {
        host.exchange.client_address = (*client).to_owned();
        let wanted = if *is_let_in { Flow::Next } else { Flow::Stop };
        assert_eq!(host.on_request(&filter), wanted, "{client} with {config}");
    }
}

#[test]
fn an_allow_list_refuses_everyone_else_and_a_deny_list_nobody_else() {
    passes(
        r#"{"allow": ["10.0.0.0/8", "2001:db8::/32"]}"#,
        &[
            ("10.1.2.3", true),
            ("11.0.0.1", false),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("::ffff:10.0.0.1", true),
        ],
    );
    passes(
        r#"{"deny": ["10.0.0.0/8", "::ffff:192.0.2.0/120"]}"#,
        &[("10.1.2.3", false), ("11.0.0.1", true), ("::1", true), ("192.0.2.9", false), ("::ffff:192.0.2.9", false)],
    );
    passes(r#"{"deny": ["::/0"]}"#, &[("2001:db8::1", false), ("10.0.0.1", true), ("::ffff:10.0.0.1", true)]);
}

#[test]
fn the_most_specific_network_decides_and_in_a_tie_the_refusal() {
    let config =
        r#"{"allow": ["10.0.0.0/8", "10.1.2.3", "192.0.2.1"], "deny": ["10.1.0.0/16", "192.0.2.1", "0.0.0.0/0"]}"#;
    passes(
        config,
        &[("10.0.0.1", true), ("10.1.0.1", false), ("10.1.2.3", true), ("192.0.2.1", false), ("198.51.100.1", false)],
    );
}

#[test]
fn the_answer_is_as_configured_and_says_nothing_of_the_lists() {
    let mut host = Host::new();
    let usual = filter(&mut host, r#"{"allow": ["10.0.0.0/8"], "deny": ["192.0.2.0/24"]}"#);
    host.on_request(&usual);
    let reply = host.reply.take().unwrap();
    assert_eq!((reply.status, reply.text(), reply.code.as_str()), (403, Some("Forbidden\n"), "ip-denied"));
    assert_eq!(reply.detail, "192.0.2.1 is in 192.0.2.0/24");
    host.exchange.client_address = "2001:db8::1".into();
    host.on_request(&usual);
    assert_eq!(host.reply.take().unwrap().detail, "2001:db8::1 is in no network that is let in");

    let own = filter(&mut host, r#"{"deny": ["::/0"], "status": 451, "reason": "sanctions", "message": "Not here"}"#);
    host.on_request(&own);
    let reply = host.reply.take().unwrap();
    assert_eq!((reply.status, reply.text(), reply.code.as_str()), (451, Some("Not here\n"), "sanctions"));
}

#[test]
fn the_clients_address_counts_or_the_peers() {
    for (address, flow) in [("client", Flow::Stop), ("peer", Flow::Next)] {
        let mut host = Host::new();
        let filter = filter(&mut host, &format!(r#"{{"allow": ["10.0.0.0/8"], "address": "{address}"}}"#));
        host.exchange.peer_address = "10.0.0.1".into();
        assert_eq!(host.on_request(&filter), flow);
    }
}

#[test]
fn a_dry_run_refuses_nobody_and_says_whom_it_would() {
    let mut host = Host::new();
    let filter = filter(&mut host, r#"{"deny": ["192.0.2.0/24"], "deny_list": "list", "dry_run": true}"#);
    host.document("list", Some(""));
    assert_eq!(host.on_request(&filter), Flow::Next);
    assert_eq!(host.log, [(Level::Info, "would refuse with 403: 192.0.2.1 is in 192.0.2.0/24".to_owned())]);
    assert_eq!(host.notes, ["would-refuse"]);
    host.exchange.client_address = "10.0.0.1".into();
    assert_eq!((host.on_request(&filter), host.log.len()), (Flow::Next, 1));
}

#[test]
fn a_list_is_read_again_only_when_it_is_another_one() {
    let mut host = Host::new();
    let filter = filter(&mut host, r#"{"deny_list": "list", "refresh": "5m"}"#);
    assert_eq!(host.kept_fresh["list"], Duration::from_secs(300));
    host.document("list", Some("10.0.0.0/8\n"));
    assert_eq!(host.on_request(&filter), Flow::Next);
    host.document("list", Some("# now\n192.0.2.0/24\n"));
    assert_eq!(host.on_request(&filter), Flow::Stop);
    // A broken one changes nothing, and is told once.
    host.document("list", Some("10.0.0.0/8\nnonsense\n"));
    for _ in 0..3 {
        assert_eq!(host.on_request(&filter), Flow::Stop);
    }
    let (level, line) = &host.log[0];
    assert_eq!((*level, host.log.len()), (Level::Error, 1));
    assert!(
        line.starts_with("`deny_list` cannot be read: line 2: `nonsense`")
            && line.ends_with("what it was before counts"),
        "{line}"
    );
    host.document("list", Some("10.0.0.0/8\n"));
    assert_eq!(host.on_request(&filter), Flow::Next);
}

#[test]
fn documents_and_what_is_written_count_together() {
    let mut host = Host::new();
    let filter = filter(&mut host, r#"{"allow": ["10.0.0.0/8"], "allow_list": "partners", "deny_list": "bad"}"#);
    host.document("partners", Some("192.0.2.0/24"));
    host.document("bad", Some("192.0.2.66\n10.6.0.0/16"));
    for (client, flow) in [
        ("10.0.0.1", Flow::Next),
        ("10.6.0.1", Flow::Stop),
        ("192.0.2.1", Flow::Next),
        ("192.0.2.66", Flow::Stop),
        ("198.51.100.1", Flow::Stop),
    ] {
        host.exchange.client_address = client.to_owned();
        assert_eq!(host.on_request(&filter), flow, "{client}");
    }
    // An empty list of those who are let in lets nobody in.
    host.document("partners", Some(""));
    host.exchange.client_address = "192.0.2.1".into();
    assert_eq!(host.on_request(&filter), Flow::Stop);
}

#[test]
fn without_a_list_requests_wait_for_it_and_are_then_refused() {
    let mut host = Host::new();
    let waits = filter(&mut host, r#"{"deny_list": "list", "message": "Go away"}"#);
    host.document("list", None);
    assert_eq!(host.on_request(&waits), Flow::Pause);
    host.document_becomes("list", "10.0.0.0/8");
    assert_eq!(host.on_resume(&waits), Flow::Next);

    for broken in [None, Some("nonsense")] {
        let mut host = Host::new();
        let waits = filter(&mut host, r#"{"deny_list": "list", "message": "Go away"}"#);
        host.document("list", broken);
        assert_eq!(host.on_request(&waits), Flow::Pause);
        host.pause_ends(Ended::Failed);
        assert_eq!(host.on_resume(&waits), Flow::Stop);
        let reply = host.reply.take().unwrap();
        assert_eq!((reply.status, reply.text(), reply.code.as_str()), (503, Some("Not available now\n"), "no-list"));
    }
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    let faults = |config: &str| {
        let faults = Host::new().configure::<IpFilter>(config).err().expect("it is refused");
        faults.iter().map(|fault| fault.pointer.clone()).collect::<Vec<_>>()
    };
    assert_eq!(faults("{}"), [""]);
    assert_eq!(
        faults(r#"{"allow": ["10.0.0.0/8", "10.0.0.0/33", "localhost"], "deny": [""]}"#),
        ["/allow/1", "/allow/2", "/deny/0"]
    );
    assert_eq!(
        faults(r#"{"deny": ["::1"], "status": 200, "reason": "No Way", "refresh": "500ms"}"#),
        ["/refresh", "/status", "/reason"]
    );
    assert_eq!(faults(r#"{"deny": ["::1"], "refresh": "soon"}"#), ["/refresh"]);
    assert_eq!(faults(r#"{"deny": ["::1"], "address": "proxy"}"#), ["/address"]);
    let many = format!(r#"{{"deny": [{}"::1"], "message": "{}"}}"#, r#""::1", "#.repeat(20_000), "x".repeat(5000));
    assert_eq!(faults(&many), ["/deny", "/message"]);
}

#[test]
fn a_long_list_is_read_in_several_hooks_and_the_one_before_counts_meanwhile() {
    let long = "10.0.0.0/8\n".repeat(4_500) + "192.0.2.0/24";
    let mut host = Host::new();
    let waits = filter(&mut host, r#"{"deny_list": "list"}"#);
    host.document("list", Some(&long));
    assert_eq!(host.on_request(&waits), Flow::Pause);
    // The rest of it, and then the table.
    assert_eq!([(); 2].map(|()| host.on_resume(&waits)), [Flow::Pause; 2]);
    assert_eq!(host.on_resume(&waits), Flow::Stop);
    assert_eq!(host.reply.take().unwrap().status, 403);

    let other = long.replace("192.0.2.0/24", "198.51.100.0/24");
    host.document("list", Some(&other));
    let flows = [(); 5].map(|()| host.on_request(&waits));
    assert_eq!(flows, [Flow::Stop, Flow::Stop, Flow::Stop, Flow::Next, Flow::Next]);
}
