//! Many at the same time, on all workers of one process.

use std::collections::BTreeMap;

use crate::{crowd, limited};

#[test]
fn of_two_thousand_at_once_exactly_as_many_are_let_through_as_the_limit_says() {
    for algorithm in ["fixed-window", "sliding-window", "token-bucket"] {
        // Nothing comes back within the test.
        let config = format!("limit: 300, window: 744h, algorithm: {algorithm}");
        let (proxy, origin) = limited(&config, |builder| builder);
        let answers = crowd(2000, &[proxy.address.port()]);
        assert_eq!(answers, BTreeMap::from([(200, 300), (429, 1700)]), "{algorithm}");
        assert_eq!(origin.arrived().len(), 300);
    }
}
