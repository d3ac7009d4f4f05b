//! Who is let in: the networks of the configuration and those of documents, each document read again only when it is
//! another one.

use std::net::IpAddr;

use weir::document::{Parsed, State};
use weir::network::{Network, Table};
use weir::{Document, Result};

use crate::text::Text;

/// What a network's addresses meet. Of both for the same network, the greater one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Allow,
    Deny,
}

/// All lists of an entry.
pub(crate) struct Lists {
    written: Table<Verdict>,
    documents: Vec<List>,
    /// Whether those whom no list names are refused.
    is_closed: bool,
}

/// What is found about an address.
pub(crate) enum Found<'a> {
    Allowed,
    /// And why.
    Denied(String),
    /// A list is being read for the first time; its document can be waited for.
    Reading(&'a List),
    /// A list of which there is no good copy yet, so that nobody can say.
    Missing(&'a List),
}

impl Lists {
    pub(crate) fn new(written: Vec<(Network, Verdict)>, documents: Vec<List>, is_closed: bool) -> Self {
        Self { written: Table::new(written), documents, is_closed }
    }

    /// What the lists say about an address.
    pub(crate) fn find(&self, address: IpAddr) -> Result<Found<'_>> {
        let mut best = self.written.find(address);
        for list in &self.documents {
            let found = match list.networks.look()? {
                State::Ready(networks) => networks.find(address),
                State::Reading => return Ok(Found::Reading(list)),
                State::Missing => return Ok(Found::Missing(list)),
            };
            let found = found.map(|(network, ())| (network, list.verdict));
            best = best.into_iter().chain(found).max_by_key(|(network, verdict)| (network.bits(), *verdict));
        }
        Ok(match best {
            Some((_, Verdict::Allow)) => Found::Allowed,
            None if !self.is_closed => Found::Allowed,
            Some((network, Verdict::Deny)) => {
                Found::Denied([&address.to_string(), " is in ", &network.to_string()].concat())
            }
            None => Found::Denied([&address.to_string(), " is in no network that is let in"].concat()),
        })
    }
}

/// A list that is a document.
pub(crate) struct List {
    networks: Parsed<Text>,
    verdict: Verdict,
}

impl List {
    pub(crate) fn of(document: Document, verdict: Verdict) -> Self {
        let name = match verdict {
            Verdict::Allow => "allow_list",
            Verdict::Deny => "deny_list",
        };
        Self { networks: Parsed::new(document, name, Text), verdict }
    }

    /// Has it read on, or fetched.
    pub(crate) fn refresh(&self) -> Result {
        self.networks.refresh()
    }
}
