//! Alternatives of a chain: they stand side by side, and what is said of their group is said of each.

use std::sync::Arc;

use super::{Chains, Wanted};
use crate::config::entries::Alternative;
use crate::config::filters::{AddedAlternatives, Alternatives};
use crate::config::read::OneOrMore;
use crate::config::validate::Check;
use crate::config::{AnyOf, Fault, Link, Located, OnFailure, Owner, Place, alternatives};

/// Alternatives as they are written, in a chain or added to one.
pub(super) struct Written<'a> {
    any_of: &'a Located<Vec<Located<Alternative>>>,
    name: Option<&'a Located<String>>,
    except: Option<&'a OneOrMore<Located<String>>>,
}

macro_rules! written {
    ($any_of:ty) => {
        impl<'a> From<&'a $any_of> for Written<'a> {
            fn from(written: &'a $any_of) -> Self {
                Self { any_of: &written.any_of, name: written.name.as_ref(), except: written.except.as_ref() }
            }
        }
    };
}
written!(Alternatives);
written!(AddedAlternatives);

impl<'a> Chains<'a> {
    /// A link for each alternative.
    pub(super) fn any_of(
        &mut self,
        check: &mut Check,
        written: &Written<'a>,
        place: Place,
        owner: &Owner,
    ) -> Vec<Link> {
        let at = written.any_of.place;
        match written.any_of.value.as_slice() {
            [] => check.missing(at, "`any_of` has no alternatives", "write `any_of: [NAME, NAME]`"),
            [_] if check.was_read => check.warnings.push(
                Fault::new(at, "`any_of` has one alternative only").help("write it without `any_of`, or name another"),
            ),
            _ => {}
        }
        let except = check.except(written.except);
        let place = written.name.map_or(place, |name| name.place);
        let group = Arc::new(AnyOf { name: written.name.map(|name| name.value.clone()), place });
        let mut links = Vec::with_capacity(written.any_of.value.len());
        for alternative in &written.any_of.value {
            let link = match &alternative.value {
                Alternative::Name(name) if self.index.contains_key(name.as_str()) => {
                    let message = format!("an alternative is one filter, and `{name}` is a chain");
                    check.fault(alternative.place, message).help =
                        Some("write the filter that decides, and the others behind `any_of`".into());
                    None
                }
                Alternative::Name(name) => self.short(check, name, alternative.place, owner),
                Alternative::Long(long) => self.long(check, &Wanted::from(&**long), alternative.place, owner),
            };
            links.extend(link.map(|mut link| {
                link.except.extend(except.iter().cloned());
                Link { any_of: Some(Arc::clone(&group)), ..link }
            }));
        }
        links
    }

    /// The names of the chain: of its entries, and of groups of them.
    pub(super) fn names<'b>(&'b self, links: &'b [Link]) -> impl Iterator<Item = (&'b str, Place)> {
        links.iter().enumerate().flat_map(|(at, link)| {
            let group = link.any_of.as_deref().filter(|_| alternatives(links, at).start == at);
            let group = group.and_then(|group| Some((group.name.as_deref()?, group.place)));
            let entry = &self.entries[link.entry];
            group.into_iter().chain([(entry.name.as_str(), entry.place)])
        })
    }

    /// Whether the link is an alternative of the group of this name.
    pub(super) fn is_group(link: &Link, name: &str) -> bool {
        link.any_of.as_ref().is_some_and(|group| group.name.as_deref() == Some(name))
    }

    /// An override is about one entry.
    pub(super) fn not_one(&self, check: &mut Check, links: &[Link], name: &Located<String>) {
        let names: Vec<&str> = links.iter().map(|link| self.entries[link.entry].name.as_str()).collect();
        check.fault(name.place, format!("`{}` is a group of alternatives, not one entry", name.value)).help =
            Some(format!("override each by its name: {}", names.join(", ")));
    }

    /// An alternative that goes on when it fails lets pass what no alternative has looked at.
    pub(super) fn check_alternatives(&self, check: &mut Check, links: &[Link]) {
        for link in links.iter().filter(|link| link.any_of.is_some()) {
            let entry = &self.entries[link.entry];
            if entry.on_failure == OnFailure::Open {
                let message = format!(
                    "while `{}` fails, it lets every request pass, and no other alternative is asked",
                    entry.name
                );
                check.warnings.push(
                    Fault::new(entry.changed.unwrap_or(entry.place), message)
                        .help("remove `on_failure: open`: then the next alternative is asked when it fails"),
                );
            }
        }
    }
}
