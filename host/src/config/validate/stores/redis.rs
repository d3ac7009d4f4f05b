//! Stores on Redis: where the servers are, and as whom they are asked.

use std::time::Duration;

use super::Check;
use crate::config::fault::quoted;
use crate::config::file::{RedisSentinels, RedisStore, StoreTls};
use crate::config::forms::RedisServers;
use crate::config::validate::upstreams::{authority, is_host};
use crate::config::{Fault, Located, Redis, RedisServer, RedisTls, Servers};

/// Every key costs the server so many bytes.
const LONGEST_PREFIX: usize = 64;

const LIKE: &str = "write host and port, as in redis://10.0.0.5:6379, or rediss:// for TLS";
const PASSWORD: &str = "write the password beside it: `password: { env: NAME }`, or `{ file: PATH }`";

/// What a URL says.
struct Url {
    server: RedisServer,
    user: Option<String>,
    database: u16,
    is_tls: bool,
}

/// What all URLs of a store say together.
#[derive(Default)]
struct Urls {
    servers: Vec<RedisServer>,
    user: Option<String>,
    database: u16,
    is_tls: bool,
}

impl Check {
    pub(super) fn redis(&mut self, written: &RedisStore) -> Option<Redis> {
        let password = written.password.as_ref().map(|password| self.secret(password));
        let tls = written.tls.as_ref().map(|tls| self.redis_tls(tls)).unwrap_or_default();
        let prefix = written.prefix.as_ref().map_or("weir:", |prefix| &prefix.value);
        if let Some(written) = written.prefix.as_ref().filter(|prefix| prefix.value.len() > LONGEST_PREFIX) {
            let message = format!("this prefix has {} bytes, and one may have {LONGEST_PREFIX}", written.value.len());
            self.fault(written.place, message).help = Some("every key begins with it, so a short one is better".into());
        }
        let mut timeout = Duration::from_millis(100);
        self.time(&mut timeout, written.timeout.as_ref(), 1..=10_000, "a store's operation takes from 1ms to 10s");
        let place = written.redis.place;
        let (urls, found) = match &written.redis.value {
            RedisServers::One(url) => {
                let urls = self.urls(std::slice::from_ref(url), 6379);
                let one = urls.servers.first().cloned().map(Servers::One);
                (urls, one)
            }
            RedisServers::Cluster(cluster) => {
                let urls = self.urls(&cluster.cluster.value, 6379);
                if urls.database != 0 {
                    let message = "a cluster has no database but 0";
                    self.fault(place, message).help = Some("leave the number out".into());
                }
                self.not_none(&cluster.cluster, "a cluster has no server", "cluster: [redis://10.0.0.5:6379]");
                let all = (!urls.servers.is_empty()).then(|| Servers::Cluster(urls.servers.clone()));
                (urls, all)
            }
            RedisServers::Sentinels(behind) => self.sentinels(behind),
        };
        let user = match &written.user {
            Some(user) if urls.user.as_ref().is_some_and(|other| *other != user.value) => {
                let message = format!("the URL names another user than {}", quoted(&user.value));
                self.fault(user.place, message).help = Some("write the user once".into());
                None
            }
            Some(user) => Some(user.value.clone()),
            None => urls.user,
        };
        if user.is_some() && written.password.is_none() {
            self.fault(place, "a user needs a password").help = Some(PASSWORD.into());
        }
        if let Some(written) = written.tls.as_ref().filter(|_| found.is_some() && !urls.is_tls) {
            self.fault(written.place, "no server here speaks TLS, so `tls` does nothing").help =
                Some("write rediss:// if they do, or remove `tls`".into());
        }
        Some(Redis {
            servers: found?,
            user,
            password: password.unwrap_or_default(),
            database: urls.database,
            tls: urls.is_tls.then_some(tls),
            prefix: prefix.to_owned(),
            timeout,
        })
    }

    /// The user and the database are those of the server that the sentinels name.
    fn sentinels(&mut self, written: &RedisSentinels) -> (Urls, Option<Servers>) {
        let mut urls = self.urls(&written.sentinels.value, 26_379);
        if urls.database != 0 {
            self.fault(written.sentinels.place, "a sentinel has no databases").help =
                Some("write `database` beside `master`".into());
        }
        let password = written.password.as_ref().map(|password| self.secret(password)).unwrap_or_default();
        let user = urls.user.take();
        if user.is_some() && written.password.is_none() {
            let help = "write `password` beside `sentinels`: it is the one that they ask for";
            self.fault(written.sentinels.place, "a user needs a password").help = Some(help.into());
        }
        self.not_none(&written.sentinels, "there is nobody to ask", "sentinels: [redis://10.0.0.5:26379]");
        if written.master.value.is_empty() || written.master.value.contains(char::is_whitespace) {
            let message = format!("{} is not the name of a master", quoted(&written.master.value));
            self.fault(written.master.place, message).help =
                Some("write the name in `sentinel monitor NAME ...` of the sentinels' configuration".into());
        }
        urls.database = written.database.as_ref().map_or(0, |number| u16::try_from(number.value.0).unwrap_or(0));
        let servers = (!urls.servers.is_empty()).then(|| Servers::Sentinels {
            sentinels: urls.servers.clone(),
            master: written.master.value.clone(),
            user,
            password,
        });
        (urls, servers)
    }

    fn not_none(&mut self, list: &Located<Vec<Located<String>>>, what: &str, like: &str) {
        if list.value.is_empty() {
            self.missing(list.place, what, &format!("write `{like}`"));
        }
    }

    /// What these say together: one user, one database, TLS for all or none.
    fn urls(&mut self, written: &[Located<String>], port: u16) -> Urls {
        let mut all = Urls::default();
        for written in written {
            let url = match url(&written.value, port) {
                Ok(url) => url,
                Err(fault) => {
                    self.faults.push(Fault { place: Some(written.place), ..fault });
                    continue;
                }
            };
            if all.servers.is_empty() {
                (all.user, all.database, all.is_tls) = (url.user.clone(), url.database, url.is_tls);
            }
            let differs = [
                (all.is_tls != url.is_tls, "TLS for some of these and not for others"),
                (all.user != url.user, "another user here than before"),
                (all.database != url.database, "another database here than before"),
            ];
            if let Some((_, what)) = differs.into_iter().find(|(differs, _)| *differs) {
                self.fault(written.place, format!("there is {what}")).help =
                    Some("write all of them alike but for host and port".into());
            } else if all.servers.contains(&url.server) {
                self.fault(written.place, "this server stands here twice").help = Some("write it once".into());
            } else {
                all.servers.push(url.server);
            }
        }
        all
    }

    fn redis_tls(&mut self, written: &StoreTls) -> RedisTls {
        if let Some(name) = written.server_name.as_ref().filter(|name| !is_host(&name.value)) {
            self.fault(name.place, format!("{} is not a host name", quoted(&name.value))).help =
                Some("write the name that the certificates have, as in redis.example.com".into());
        }
        RedisTls {
            ca: written.ca.as_ref().map(|ca| Located { value: self.path(ca), place: ca.place }),
            server_name: written.server_name.as_ref().map(|name| name.value.clone()),
        }
    }
}

/// Reads `redis://user@host:port/database`. The fault has no place, and does not show what may be a password.
fn url(text: &str, port: u16) -> Result<Url, Fault> {
    let wrong = |why: &str| Fault::nowhere(format!("{} {why}", quoted(text))).help(LIKE);
    let (is_tls, rest) = match (text.strip_prefix("redis://"), text.strip_prefix("rediss://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) if text.contains('@') => {
            return Err(Fault::nowhere("this is not a redis:// or rediss:// URL").help(LIKE).secret());
        }
        (None, None) => return Err(wrong("is not a redis:// or rediss:// URL")),
    };
    // A password may hold any of `@`, `/` and `:`.
    let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
    if user.is_some_and(|user| user.contains([':', '/', '@', '%'])) {
        let message = "a password does not stand in the configuration, and a user has none of `:`, `/`, `@` and `%`";
        return Err(Fault::nowhere(message).help(PASSWORD).secret());
    }
    let (rest, database) = rest.split_once('/').unwrap_or((rest, ""));
    let database = if database.is_empty() { Ok(0) } else { database.parse() };
    let database = database.map_err(|_| wrong("names no database: they are numbers from 0 to 65535"))?;
    let (host, written) = authority(rest).map_err(wrong)?;
    let user = user.filter(|user| !user.is_empty()).map(str::to_owned);
    Ok(Url { server: RedisServer { host, port: written.unwrap_or(port) }, user, database, is_tls })
}
