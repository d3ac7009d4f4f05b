//! Doing what operators ask for.

use super::Server;
use super::inspect::{InForce, failures};
use super::swap::Swap;
use crate::admin::{Listeners, Order};

impl Server {
    /// Does what was ordered, and answers; what takes long is begun, and answered when it is done.
    pub(super) fn obey(&mut self, order: Order) {
        // Who asked may have gone.
        match order {
            Order::Status(answer) => drop(answer.send(self.status())),
            Order::Metrics(with_routes, answer) => {
                let figures = self.figures();
                tokio::task::spawn_blocking(move || drop(answer.send(figures.collect(with_routes))));
            }
            Order::Reload(answer) => self.reload(Some(answer)),
            Order::Upgrade(answer) => self.upgrade_for(Some(answer)),
            Order::Drain(answer) => {
                // Whoever runs the server sees it, and goes on with the drain.
                self.retire();
                let _ = answer.send(());
            }
            Order::Config(known, answer) => {
                let number = self.number;
                self.show(answer, move |now| (known != Some(number)).then(|| (number, now.configuration())));
            }
            Order::Listeners(answer) => {
                let _ = answer.send(Listeners { listeners: self.listener_views() });
            }
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
            Order::Stories(wanted, answer) => self.stories(wanted, answer),
            Order::Story(id, answer) => self.story(id, answer),
            Order::Failures(answer) => self.show(answer, |_| failures()),
            Order::Quarantine(answer) => self.show(answer, InForce::quarantine),
        }
    }
}
