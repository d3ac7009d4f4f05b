//! Requests with codings.

use weir::testing::Host;
use weir::{Coding, Flow};

use crate::Compress;

const DECODE: &str = r#"{"request": {"decode": true}}"#;

fn request(codings: &[&str], config: &str) -> (Host, Flow) {
    let mut host = Host::new();
    host.request.method("POST").body("{}");
    for coding in codings {
        host.request.header("content-encoding", coding);
    }
    let filter: Compress = host.configure(config).unwrap();
    let flow = host.on_request(&filter);
    if flow == Flow::Pause {
        assert_eq!(host.on_resume(&filter), Flow::Next);
    }
    (host, flow)
}

#[test]
fn known_codings_are_decoded_within_limits() {
    for (names, coding) in [
        (&["gzip"][..], Coding::Gzip),
        (&["X-Gzip"], Coding::Gzip),
        (&["BR"], Coding::Brotli),
        (&["zstd"], Coding::Zstd),
        (&["deflate"], Coding::Deflate),
        (&["identity", "gzip"], Coding::Gzip),
        (&["identity, gzip"], Coding::Gzip),
    ] {
        let (host, flow) = request(names, DECODE);
        assert_eq!((flow, host.request.decoded), (Flow::Pause, Some((coding, 10 << 20))), "{names:?}");
        assert_eq!((host.request.decoded_within, host.request.get("content-encoding")), (Some(100), None), "{names:?}");
    }
    let (host, _) = request(&["gzip"], r#"{"request": {"decode": true, "max": "1MiB", "ratio": 20}}"#);
    assert_eq!((host.request.decoded, host.request.decoded_within), (Some((Coding::Gzip, 1 << 20)), Some(20)));
}

#[test]
fn others_are_refused_with_what_would_do() {
    for names in [&["compress"][..], &["gzip, gzip"], &["gzip", "gzip"], &["gzip;x=1"], &["br, zstd"]] {
        let (host, flow) = request(names, DECODE);
        let reply = host.reply.unwrap();
        assert_eq!((flow, reply.status, reply.code.as_str()), (Flow::Stop, 415, "unknown-coding"), "{names:?}");
        assert_eq!(reply.get("accept-encoding"), Some("gzip, br, zstd, deflate"), "{names:?}");
    }
}

#[test]
fn bodies_without_a_coding_and_entries_that_do_not_decode_change_nothing() {
    for (names, config) in
        [(&[][..], DECODE), (&["identity"], DECODE), (&[""], DECODE), (&["gzip"], "{}"), (&["unknown"], "{}")]
    {
        let (host, flow) = request(names, config);
        assert_eq!((flow, host.request.decoded), (Flow::Next, None), "{names:?} {config}");
        assert_eq!(host.request.all("content-encoding"), names, "{names:?} {config}");
    }
}
