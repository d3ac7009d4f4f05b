//! Who is let in: the networks of the configuration and those of documents, each document read again only when it is
//! another one.

use std::cell::RefCell;
use std::net::IpAddr;

use weir::network::{Network, Table};
use weir::{Document, Result};

use crate::text::Reading;

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
    Reading(&'a Document),
    /// A list of which there is no good copy yet, so that nobody can say.
    Missing(&'a Document),
}

impl Lists {
    pub(crate) fn new(written: Vec<(Network, Verdict)>, documents: Vec<List>, is_closed: bool) -> Self {
        Self { written: Table::new(written), documents, is_closed }
    }

    /// What the lists say about an address.
    pub(crate) fn find(&self, address: IpAddr) -> Result<Found<'_>> {
        let mut best = self.written.find(address);
        for list in &self.documents {
            let found = match list.find(address)? {
                Said::Network(found) => found,
                Said::Reading => return Ok(Found::Reading(&list.document)),
                Said::Nothing => return Ok(Found::Missing(&list.document)),
            };
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
    document: Document,
    verdict: Verdict,
    copy: RefCell<Copy>,
}

/// What this instance has of a document.
#[derive(Default)]
struct Copy {
    /// The version that was taken last, whether or not it is broken; 0 is none.
    version: u64,
    /// The same, as far as it is not read yet: a long one takes several hooks.
    reading: Option<Reading>,
    /// The last one that was sound.
    table: Option<Table<Verdict>>,
}

/// What a list says about an address.
enum Said {
    /// The network of the list that it is in.
    Network(Option<(Network, Verdict)>),
    /// There is no list yet, but the next hook has more of it.
    Reading,
    /// There is no list.
    Nothing,
}

impl List {
    pub(crate) fn of(document: Document, verdict: Verdict) -> Self {
        Self { document, verdict, copy: RefCell::default() }
    }

    fn find(&self, address: IpAddr) -> Result<Said> {
        let mut copy = self.copy.borrow_mut();
        if copy.version != self.document.version()?
            && let Some(document) = self.document.read()?
        {
            copy.version = document.version;
            copy.reading = Some(Reading::of(document.bytes));
        }
        self.read(&mut copy);
        Ok(match &copy.table {
            Some(table) => Said::Network(table.find(address)),
            None if copy.reading.is_some() => Said::Reading,
            None => Said::Nothing,
        })
    }

    /// Goes on with what is to be read.
    fn read(&self, copy: &mut Copy) {
        let Some(reading) = &mut copy.reading else { return };
        match reading.go_on() {
            Ok(None) => return,
            Ok(Some(networks)) => {
                copy.table = Some(Table::new(networks.into_iter().map(|network| (network, self.verdict))));
            }
            Err(why) => {
                let name = match self.verdict {
                    Verdict::Allow => "allow_list",
                    Verdict::Deny => "deny_list",
                };
                let instead = if copy.table.is_some() { "the one before it stays" } else { "there is none before it" };
                weir::error!("`{name}` is broken at {why}; {instead}");
            }
        }
        copy.reading = None;
    }
}
