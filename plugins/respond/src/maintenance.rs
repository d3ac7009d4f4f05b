//! Who is let in while it is closed, and when others may come again.

use std::net::IpAddr;
use std::time::Duration;

use weir::network::Network;
use weir::template::Part;
use weir::{Faults, exchange};

use crate::answer::Field;

/// Networks that are let in.
pub(crate) struct Maintenance(Vec<Network>);

/// They are looked at one by one; more belong into `ip-filter`.
const MOST: usize = 64;

impl Maintenance {
    pub(crate) fn new(allow: &[String], faults: &mut Faults) -> Self {
        let pointer = "/maintenance/allow";
        if allow.len() > MOST {
            faults.at(pointer, "there are more than 64 networks here");
        }
        let mut networks = Vec::new();
        for (index, written) in allow.iter().enumerate() {
            match written.parse::<Network>() {
                Ok(network) => networks.push(network),
                Err(error) => {
                    let words = ["`", written, "` is ", &error.to_string()].concat();
                    faults.at(&[pointer, "/", &index.to_string()].concat(), &words);
                }
            }
        }
        Self(networks)
    }

    /// Whether the client is let in all the same.
    pub(crate) fn is_let_in(&self) -> bool {
        let address: Option<IpAddr> = exchange::client_address().parse().ok();
        address.is_some_and(|address| self.0.iter().any(|network| network.contains(address)))
    }
}

/// The field that says when to come again.
pub(crate) fn retry_after(time: Duration, faults: &mut Faults) -> Field {
    if time.subsec_nanos() != 0 || time.is_zero() {
        faults.at("/maintenance/retry_after", "clients wait for whole seconds, at least `1s`");
    }
    ("retry-after".to_owned(), vec![Part::Text(time.as_secs().to_string())])
}
