//! What is wrong with a configuration is told, all of it at once.

use crate::RateLimit;
use weir::testing::Host;

fn faults(config: &str) -> Vec<String> {
    let mut host = Host::new();
    host.stores.add("shared");
    let faults = host.configure::<RateLimit>(config).err().unwrap_or_default();
    faults.iter().map(|fault| fault.pointer.clone()).collect()
}

#[test]
fn faults_are_told_where_they_are() {
    for (config, pointers) in [
        ("{}", vec![""]),
        (r#"{"limit": 1}"#, vec![""]),
        (r#"{"window": "1m"}"#, vec![""]),
        (r#"{"limit": 0, "window": "1500ms"}"#, vec!["/window", "/limit"]),
        (r#"{"limit": 1, "window": "745h"}"#, vec!["/window"]),
        (r#"{"limit": 1, "window": "744h"}"#, vec![]),
        (
            r#"{"limit": 2000000000, "window": "1s", "status": 200, "ipv6_prefix": 0}"#,
            vec!["/ipv6_prefix", "/status", "/limit"],
        ),
        (r#"{"limit": 1, "window": "1s", "key": "ip"}"#, vec!["/key"]),
        (r#"{"limit": 1, "window": "1s", "key": []}"#, vec!["/key"]),
        (r#"{"limit": 1, "window": "1s", "key": {"all": []}}"#, vec!["/key"]),
        (r#"{"limit": 1, "window": "1s", "key": ["everyone", "client.ip"]}"#, vec!["/key"]),
        (r#"{"limit": 1, "window": "1s", "key": 7}"#, vec!["/key"]),
        (r#"{"limit": 1, "window": "1s", "key": {"any": ["path"]}}"#, vec!["/key/any"]),
        (r#"{"limit": 5, "window": "1s", "cost": 6}"#, vec!["/cost"]),
        (r#"{"limit": 5, "window": "1s", "cost": {"methods": {"post": 1, "PUT": 6}}}"#, vec!["/cost/methods", "/cost"]),
        (r#"{"limit": 5, "window": "1s", "cost": {"default": 2}}"#, vec!["/cost"]),
        (r#"{"limit": 5, "window": "1s", "cost": {"answer": "2GiB"}}"#, vec!["/cost/answer"]),
        (r#"{"limit": 5, "window": "1s", "cost": {"answer": "1KiB"}, "algorithm": "token-bucket"}"#, vec!["/cost"]),
        (r#"{"limit": 5, "window": "1s", "burst": 2}"#, vec!["/burst"]),
        (r#"{"limit": 5, "window": "1s", "burst": 2, "cost": 3, "algorithm": "token-bucket"}"#, vec!["/cost"]),
        (r#"{"limit": 2000000, "window": "1s", "algorithm": "token-bucket"}"#, vec!["/limit"]),
        (r#"{"limit": 1, "window": "24h", "burst": 63, "algorithm": "token-bucket"}"#, vec!["/limit"]),
        (r#"{"limit": 5, "window": "1s", "by": {"var": "header:plan", "limits": {}}}"#, vec!["/by/var", "/by/limits"]),
        (r#"{"limit": 5, "window": "1s", "by": {"var": "user.plan", "limits": {"a/b": 0}}}"#, vec!["/by/limits/a~1b"]),
        (r#"{"limit": 5, "window": "1s", "cost": 2, "by": {"var": "user.plan", "limits": {"a": 1}}}"#, vec!["/cost"]),
        (r#"{"limit": 5, "window": "1s", "name": "No Word"}"#, vec!["/name"]),
        (
            r#"{"limit": 5, "window": "1s", "limits": [{"name": "a", "limit": 1, "window": "1s"}]}"#,
            vec!["/limit", "/window"],
        ),
        (
            r#"{"limits": [{"name": "a", "limit": 1, "window": "1s"}, {"name": "a", "limit": 1, "window": "1s", "key": "x"}]}"#,
            vec!["/limits/1/name", "/limits/1/key"],
        ),
        (r#"{"limits": [{"name": "a", "limit": 1}]}"#, vec!["/limits/0"]),
        (r#"{"limit": 5, "window": "1s", "local_batch": 2}"#, vec!["/local_batch"]),
        (r#"{"limit": 5, "window": "1s", "store": "shared", "local_batch": 0}"#, vec!["/local_batch"]),
        (r#"{"limit": 5, "window": "1s", "store": "shared", "local_batch": 6}"#, vec!["/local_batch"]),
        (r#"{"limit": 5, "window": "1s", "store": "shared", "local_batch": 5}"#, vec![]),
        (
            r#"{"limit": 5, "window": "1s", "store": "shared", "local_batch": 5, "algorithm": "sliding-window"}"#,
            vec!["/local_batch"],
        ),
        (
            r#"{"limit": 5, "window": "1s", "store": "shared", "local_batch": 5, "cost": {"answer": "1KiB"}}"#,
            vec!["/local_batch"],
        ),
        (r#"{"limit": 5, "window": "1s", "on_store_failure": "ignore"}"#, vec!["/on_store_failure"]),
        (r#"{"limit": 5, "window": "1s", "per": "ip"}"#, vec!["/per"]),
    ] {
        assert_eq!(faults(config), pointers, "{config}");
    }
    let message = format!(r#"{{"limit": 1, "window": "1s", "message": "{}"}}"#, "x".repeat(5000));
    assert_eq!(faults(&message), ["/message"]);
    let one = |index| format!(r#"{{"name": "n{index}", "limit": 1, "window": "1s"}}"#);
    let many: Vec<String> = (0..17).map(one).collect();
    assert_eq!(faults(&format!(r#"{{"limits": [{}]}}"#, many.join(","))), ["/limits"]);
}
