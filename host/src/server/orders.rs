//! Doing what operators ask for.

use super::Server;
use super::inspect::{InForce, failures};
use super::swap::Swap;
use crate::admin::Order;

/// What comes after an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Then {
    /// Nothing else.
    GoOn,
    /// The end, by a drain.
    End,
}

impl Server {
    /// Does what was ordered, and answers; what takes long is begun, and answered when it is done.
    pub(super) fn obey(&mut self, order: Order) -> Then {
        // Who asked may have gone.
        match order {
            Order::Status(answer) => drop(answer.send(self.status())),
            Order::Reload(answer) => self.reload(Some(answer)),
            Order::Drain(answer) => {
                self.pulse.drain();
                let _ = answer.send(());
                return Then::End;
            }
            Order::Config(answer) => self.show(answer, InForce::configuration),
            Order::Listeners(answer) => drop(answer.send(self.listeners())),
            Order::Sites(page, answer) => self.show(answer, move |now| now.sites(page)),
            Order::Routes(wanted, page, answer) => self.show(answer, move |now| now.routes(&wanted, page)),
            Order::Explain(supposed, answer) => self.show(answer, move |now| now.explain(&supposed)),
            Order::Chains(site, page, answer) => self.show(answer, move |now| now.chains(&site, page)),
            Order::Plugins(page, answer) => {
                let versions = self.versions.views();
                self.show(answer, move |now| now.plugins(page, versions));
            }
            Order::Swap(upload, answer) => self.swap(Swap::uploaded(upload, answer)),
            Order::Rollback(plugin, answer) => self.swap(Swap::rollback(plugin, answer)),
            Order::Upstreams(page, answer) => self.show(answer, move |now| now.upstreams(page)),
            Order::Upstream(name, answer) => self.show(answer, move |now| now.upstream(&name)),
            Order::DrainEndpoint(wanted, answer) => self.show(answer, move |now| now.drain_endpoint(&wanted)),
            Order::Documents(page, answer) => self.show(answer, move |now| now.documents(page)),
            Order::Failures(answer) => self.show(answer, |_| failures()),
            Order::Quarantine(answer) => self.show(answer, InForce::quarantine),
        }
        Then::GoOn
    }
}
