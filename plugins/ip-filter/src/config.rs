//! The entry's `config`, and what becomes of it.

use std::time::Duration;

use serde::Deserialize;
use weir::network::Network;
use weir::{Document, Faults, config};

use crate::lists::{List, Lists, Verdict};
use crate::{IpFilter, text};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Addresses and networks that are let in. With this or `allow_list`, all others are refused.
    #[serde(default)]
    allow: Vec<String>,
    /// Addresses and networks that are refused.
    #[serde(default)]
    deny: Vec<String>,
    /// A document with more of `allow`, one in each line.
    allow_list: Option<Document>,
    /// A document with more of `deny`, one in each line.
    deny_list: Option<Document>,
    /// How often documents are read anew, from `1s` on.
    #[serde(default = "minute")]
    #[weir(default = "1m")]
    refresh: config::Duration,
    /// Whose address counts.
    #[serde(default)]
    #[weir(default = "client")]
    address: Of,
    /// The status for those who are refused, 400 to 599.
    #[serde(default = "forbidden")]
    #[weir(default = 403)]
    status: u16,
    /// Why, in access records: a word in kebab-case.
    #[serde(default = "reason")]
    #[weir(default = "ip-denied")]
    reason: String,
    /// What those who are refused read.
    #[serde(default = "message")]
    #[weir(default = "Forbidden")]
    message: String,
    /// Refuse nobody; the log says who would have been.
    #[serde(default)]
    dry_run: bool,
}

/// Whose address counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Of {
    /// The client's; behind trusted proxies what they say.
    #[default]
    Client,
    /// That of the connection, whoever it is.
    Peer,
}

fn minute() -> config::Duration {
    Duration::from_secs(60).into()
}

fn forbidden() -> u16 {
    403
}

fn reason() -> String {
    "ip-denied".to_owned()
}

fn message() -> String {
    "Forbidden".to_owned()
}

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> IpFilter {
        if self.allow.is_empty() && self.deny.is_empty() && self.allow_list.is_none() && self.deny_list.is_none() {
            let message = "no list says who is let in or refused; write `allow`, `deny`, `allow_list` or `deny_list`";
            faults.at("", message);
        }
        let mut networks = Vec::new();
        for (pointer, written, verdict) in
            [("/allow", &self.allow, Verdict::Allow), ("/deny", &self.deny, Verdict::Deny)]
        {
            for (index, written) in written.iter().enumerate() {
                match written.parse::<Network>() {
                    Ok(network) => networks.push((network, verdict)),
                    Err(error) => {
                        let words = ["`", written, "` is ", &error.to_string()].concat();
                        faults.at(&[pointer, "/", &index.to_string()].concat(), &words);
                    }
                }
            }
            if written.len() > text::MOST {
                let most = text::MOST.to_string();
                faults.at(pointer, &["a list has at most ", &most, " networks"].concat());
            }
        }
        if self.refresh.get() < Duration::from_secs(1) {
            faults.at("/refresh", "documents are read at most once in 1s");
        }
        if !(400..600).contains(&self.status) {
            faults.at("/status", "those who are refused get a status from 400 to 599");
        }
        if self.reason.is_empty()
            || !self.reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            faults.at("/reason", "a reason is a word of small letters, digits and hyphens");
        }
        if self.message.len() > LONGEST {
            faults.at("/message", "a message has at most 4 KiB");
        }
        let is_closed = !self.allow.is_empty() || self.allow_list.is_some();
        let mut list = |document: Option<Document>, verdict, pointer: &str| {
            let document = document?;
            if let Err(refusal) = document.keep_fresh(self.refresh.get()) {
                let words = ["the host does not keep it fresh: ", refusal.name()].concat();
                faults.at(pointer, &words);
            }
            Some(List::of(document, verdict))
        };
        let documents =
            [list(self.allow_list, Verdict::Allow, "/allow_list"), list(self.deny_list, Verdict::Deny, "/deny_list")];
        IpFilter {
            lists: Lists::new(networks, documents.into_iter().flatten().collect(), is_closed),
            of: self.address,
            status: self.status,
            reason: self.reason,
            message: self.message,
            is_dry: self.dry_run,
        }
    }
}

const LONGEST: usize = 4 << 10;
