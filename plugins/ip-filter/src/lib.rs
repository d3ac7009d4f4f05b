//! `ip-filter`: lets clients in or refuses them by their address. Of the networks that an address is in, the most specific
//! decides, whichever list it stands in; in the same one twice, it is refused.

mod config;
mod lists;
mod text;

use std::net::IpAddr;

use config::{Config, Of};
use lists::{Found, Lists};
use weir::{Faults, Flow, Reply, Request, Result, Resumed, exchange};

struct IpFilter {
    lists: Lists,
    of: Of,
    status: u16,
    reason: String,
    message: String,
    is_dry: bool,
}

#[weir::filter]
impl IpFilter {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(&mut faults);
        faults.or(filter)
    }

    fn on_request(&self, _request: &Request) -> Result {
        match self.find()? {
            Found::Missing(list) | Found::Reading(list) => list.refresh(),
            found => self.decide(&found),
        }
    }

    /// A list that was not there has been asked for; or there is time to read on.
    fn on_resume(&self, _resumed: &mut Resumed) -> Result {
        match self.find()? {
            Found::Reading(list) => list.refresh(),
            found => self.decide(&found),
        }
    }
}

impl IpFilter {
    fn find(&self) -> Result<Found<'_>> {
        let address = match self.of {
            Of::Client => exchange::client_address(),
            Of::Peer => exchange::peer_address(),
        };
        let parsed: IpAddr =
            address.parse().map_err(|_| weir::Error::new(["`", &address, "` is no address"].concat()))?;
        self.lists.find(parsed)
    }

    fn decide(&self, found: &Found<'_>) -> Result {
        let (status, code, detail) = match found {
            Found::Allowed => return Ok(Flow::Next),
            Found::Denied(why) => (self.status, self.reason.as_str(), why.as_str()),
            Found::Missing(_) | Found::Reading(_) => {
                (503, "no-list", "a list has not been read since the start; the log says why")
            }
        };
        if self.is_dry {
            weir::info!("would refuse with {status}: {detail}");
            exchange::note("would-refuse");
            return Ok(Flow::Next);
        }
        let message = if status == self.status { &self.message } else { "Not available now" };
        Reply::new(status).text([message, "\n"].concat()).detail(detail).send(code)
    }
}

#[cfg(test)]
mod tests;
