//! Permits of a shared store, given out by several processes.

use std::time::Duration;

use super::{begin, filter, passed, passes, refusal, told};
use crate::RateLimit;
use weir::store::Error;
use weir::testing::Host;

/// Processes with stores of their own and one that they share: each call is of one of them.
struct Fleet {
    host: Host,
    processes: Vec<RateLimit>,
}

impl Fleet {
    /// In the test's host a process is a store of its own.
    fn new(processes: usize, config: &str) -> Self {
        let mut host = Host::new();
        begin(&mut host, 3600);
        let processes = (0..processes).map(|index| {
            let own = format!("process-{index}");
            host.stores.add(&own);
            filter(&mut host, &format!(r#"{{"window": "1h", "store": "shared", "local_store": "{own}", {config}}}"#))
        });
        Self { processes: processes.collect(), host }
    }

    fn passes(&mut self, process: usize) -> bool {
        passes(&mut self.host, &self.processes[process])
    }
}

#[test]
fn a_batch_is_taken_once_and_given_out_here() {
    let mut fleet = Fleet::new(1, r#""limit": 100, "local_batch": 10"#);
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 30), 30);
    let takings = |host: &Host, what: &str| host.metrics.value("takings", &[what]);
    assert_eq!((takings(&fleet.host, "batch"), takings(&fleet.host, "single")), (Some(3.0), None));
    // What clients are told counts what this process has not given out.
    assert!(fleet.passes(0));
    let (_, left) = told(&mut fleet.host, &fleet.processes[0]);
    assert_eq!(left, "\"default\";r=69;t=3600");
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 200), 69);
    assert_eq!(refusal(&fleet.host, "ratelimit").as_deref(), Some("\"default\";r=0;t=3600"));
    assert_eq!(refusal(&fleet.host, "retry-after").as_deref(), Some("3600"));
}

#[test]
fn together_they_never_admit_more_and_less_by_a_batch_of_each_other_at_most() {
    for (processes, batch, limit) in [(4, 20, 1000), (4, 20, 50), (6, 3, 100), (3, 100, 100), (2, 2, 3)] {
        let mut fleet = Fleet::new(processes, &format!(r#""limit": {limit}, "local_batch": {batch}"#));
        let (mut admitted, mut seed, mut first) = (0, 3_usize, None);
        for _ in 0..20 * limit {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if fleet.passes((seed >> 33) % processes) {
                admitted += 1;
            } else {
                first.get_or_insert(admitted);
            }
        }
        // When the first is refused, the others have less than a batch each; in the end all of it was given out.
        let unused = (processes - 1) * (batch - 1);
        assert_eq!(admitted, limit, "{processes} {batch}");
        assert!(first.unwrap() + unused >= limit, "{first:?} of {limit} by {processes} in batches of {batch}");
    }
}

#[test]
fn several_instances_of_a_process_use_its_batches_together() {
    let mut fleet = Fleet::new(1, r#""limit": 100, "local_batch": 10"#);
    let config = r#"{"window": "1h", "store": "shared", "local_store": "process-0", "limit": 100, "local_batch": 10}"#;
    for _ in 0..3 {
        let other = filter(&mut fleet.host, config);
        fleet.processes.push(other);
    }
    let admitted = (0..400).filter(|index| fleet.passes(index % 4)).count();
    assert_eq!(admitted, 100);
    assert_eq!(fleet.host.metrics.value("takings", &["batch"]), Some(10.0));
}

#[test]
fn a_batch_is_for_its_window_only() {
    let mut fleet = Fleet::new(2, r#""limit": 10, "local_batch": 10"#);
    assert!(fleet.passes(0) && !fleet.passes(1));
    begin(&mut fleet.host, 3600);
    assert_eq!(passed(&mut fleet.host, &fleet.processes[1], 20), 10);
    assert!(!fleet.passes(0));
}

#[test]
fn who_finds_a_batch_on_its_way_takes_a_single_permit() {
    let mut fleet = Fleet::new(1, r#""limit": 100, "local_batch": 10"#);
    assert!(fleet.passes(0));
    // Another instance is about to take the next one.
    let taken = format!("{:?}", fleet.host.stores);
    let begin = taken.find("given/").expect("permits were given out here") + "given/".len();
    let key = taken[begin..].split('"').next().unwrap().to_owned();
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 9), 9);
    fleet.host.stores.set("process-0", &format!("refill/{key}"), "1");
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 3), 3);
    assert_eq!(fleet.host.metrics.value("takings", &["single"]), Some(3.0));
    assert_eq!(fleet.host.metrics.value("takings", &["batch"]), Some(1.0));
}

#[test]
fn who_finds_nothing_left_asks_again_after_a_second() {
    let mut fleet = Fleet::new(2, r#""limit": 10, "local_batch": 10"#);
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 10), 10);
    assert_eq!(passed(&mut fleet.host, &fleet.processes[1], 50), 0);
    assert_eq!(refusal(&fleet.host, "ratelimit").as_deref(), Some("\"default\";r=0;t=3600"));
    assert_eq!(fleet.host.metrics.value("takings", &["empty"]), Some(1.0));
    // The store is not needed for that, either.
    fleet.host.stores.fail_one("shared", Some(Error::Unavailable));
    assert_eq!(passed(&mut fleet.host, &fleet.processes[1], 50), 0);
    assert_eq!(fleet.host.reply.as_ref().unwrap().code, "limited");
    fleet.host.stores.fail_one("shared", None);
    // Somebody gives some back.
    let stores = format!("{:?}", fleet.host.stores);
    let begin = stores.find("given/").expect("permits were given out") + "given/".len();
    let key = stores[begin..].split('"').next().unwrap().to_owned();
    fleet.host.stores.set("shared", &key, "7");
    assert!(!fleet.passes(1));
    fleet.host.now += Duration::from_secs(1);
    assert_eq!(passed(&mut fleet.host, &fleet.processes[1], 50), 3);
    assert_eq!(fleet.host.metrics.value("takings", &["empty"]), Some(2.0));
}

#[test]
fn several_limits_give_back_what_the_last_one_refuses() {
    let limits = r#""local_batch": 2, "limits": [
        {"name": "all", "limit": 10, "window": "1h", "key": "everyone"},
        {"name": "each", "limit": 2, "window": "1h"}
    ]"#;
    let mut host = Host::new();
    begin(&mut host, 3600);
    let limit = filter(&mut host, &format!(r#"{{"store": "shared", {limits}}}"#));
    let mut admitted = Vec::new();
    for client in ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"] {
        host.exchange.client_address = client.to_owned();
        admitted.push(passed(&mut host, &limit, 30));
    }
    assert_eq!(admitted, [2, 2, 2, 2, 2, 0]);
    assert_eq!(refusal(&host, "ratelimit").as_deref(), Some("\"all\";r=0;t=3600"));
}

#[test]
fn while_the_shared_store_fails_a_batch_is_still_given_out() {
    let mut fleet = Fleet::new(1, r#""limit": 100, "local_batch": 10, "on_store_failure": "closed""#);
    assert!(fleet.passes(0));
    fleet.host.stores.fail_one("shared", Some(Error::Unavailable));
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 20), 9);
    assert_eq!(fleet.host.reply.as_ref().unwrap().code, "store-failed");
    fleet.host.stores.fail_one("shared", None);
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 200), 90);
}

#[test]
fn a_process_without_room_for_batches_takes_single_permits() {
    let mut fleet = Fleet::new(1, r#""limit": 100, "local_batch": 10"#);
    fleet.host.stores.fail_one("process-0", Some(Error::TooLarge));
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 200), 100);
    assert_eq!(fleet.host.metrics.value("takings", &["single"]), Some(100.0));
}

#[test]
fn requests_that_cost_more_than_what_is_left_of_a_batch_take_another_one() {
    let mut fleet = Fleet::new(1, r#""limit": 20, "local_batch": 4, "cost": {"methods": {"POST": 5}}"#);
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 3), 3);
    fleet.host.request.method("POST");
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 10), 3);
    fleet.host.request.method("GET");
    assert_eq!(passed(&mut fleet.host, &fleet.processes[0], 10), 2);
}
