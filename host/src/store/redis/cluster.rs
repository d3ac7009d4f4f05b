//! A cluster: which server has which slot, kept as the servers tell, and operations that follow when a slot has moved.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::super::Error;
use super::health::{Counts, Health, ServerState, saying};
use super::link::{Answer, Link, Request};
use super::resp::{self, Value};
use super::settings::{Address, Dial, Settings};
use super::way::{self, Find, Trouble, Way, garbage};

/// Slots of every cluster.
const SLOTS: u16 = 16_384;

/// Servers that are believed to be in one.
const MOST_SERVERS: usize = 1000;

/// How often an operation follows.
const MOST_TURNS: usize = 5;

/// The map is fetched anew when something does not fit, with such pauses, and so often in any case.
const PAUSE: Duration = Duration::from_millis(200);
const INTERVAL: Duration = Duration::from_secs(15);

/// A cluster of servers.
#[derive(Debug)]
pub(super) struct Cluster {
    settings: Arc<Settings>,
    dial: Arc<dyn Dial>,
    runtime: Handle,
    counts: Arc<Counts>,
    health: Health,
    map: RwLock<Map>,
    /// The map does not fit any more.
    stale: Arc<Notify>,
    /// Whether there was an answer to the question for the map, good or bad.
    asked: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Map {
    links: HashMap<Address, Arc<Link>>,
    /// By slot; empty before the first map.
    slots: Vec<Option<Arc<Link>>>,
}

/// Where an operation is to go instead.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// The slot is there from now on.
    Moved(u16, Address),
    /// This one key is there, on its way.
    Ask(Address),
}

impl Cluster {
    pub(super) fn open(
        runtime: &Handle,
        settings: &Arc<Settings>,
        dial: &Arc<dyn Dial>,
        counts: &Arc<Counts>,
    ) -> Arc<Self> {
        let cluster = Arc::new(Self {
            settings: Arc::clone(settings),
            dial: Arc::clone(dial),
            runtime: runtime.clone(),
            counts: Arc::clone(counts),
            health: Health::new(&settings.name.as_str().into(), "its cluster".to_owned()),
            map: RwLock::default(),
            stale: Arc::default(),
            asked: watch::Sender::new(false),
        });
        runtime.spawn(keep(Arc::downgrade(&cluster)));
        cluster
    }

    /// Each server.
    pub(super) fn servers(&self) -> Vec<ServerState> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let mut servers: Vec<_> = map.links.values().map(|link| link.health.state()).collect();
        if servers.is_empty() {
            servers.push(self.health.state());
        }
        servers.sort_by(|one, other| one.server.cmp(&other.server));
        servers
    }

    /// Sends commands, each about keys of one slot, wherever that is. They are all sent before the first answer is waited
    /// for; those that have to follow are sent again in their order.
    pub(super) async fn ask(&self, asked: Vec<(u16, Request)>, until: Instant) -> Vec<Result<Value, Error>> {
        let mut sent = Vec::with_capacity(asked.len());
        for (slot, request) in asked {
            let first = self.link(slot, until).await.and_then(|link| link.send(request.clone(), until));
            sent.push((request, first));
        }
        let mut values = Vec::with_capacity(sent.len());
        for (request, first) in sent {
            let value = match first {
                Ok(first) => self.follow(first, &request, until).await,
                Err(error) => Err(error),
            };
            if value.as_ref().map_or(true, is_stale) {
                self.stale.notify_one();
            }
            values.push(value);
        }
        values
    }

    async fn follow(&self, mut answer: Answer, request: &Request, until: Instant) -> Result<Value, Error> {
        for _ in 0..MOST_TURNS {
            // Of a guest the first reply is to `ASKING`.
            let value = answer.comes().await?.pop().ok_or(Error::Unavailable)?;
            answer = match turn(&value) {
                None => return Ok(value),
                Some(Turn::Moved(slot, to)) => {
                    self.stale.notify_one();
                    self.at(&to, Some(slot))?.send(request.clone(), until)?
                }
                Some(Turn::Ask(to)) => self.at(&to, None)?.send(with_leave(request), until)?,
            };
        }
        Err(Error::Unavailable)
    }

    /// The server that has a slot; waits if nobody knows yet.
    async fn link(&self, slot: u16, until: Instant) -> Result<Arc<Link>, Error> {
        let find = || {
            let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
            map.slots.get(usize::from(slot)).cloned().flatten()
        };
        if let Some(link) = find() {
            return Ok(link);
        }
        let mut asked = self.asked.subscribe();
        let waited = timeout_at(until, asked.wait_for(|asked| *asked)).await;
        waited.map_err(|_| Error::TimedOut)?.map_err(|_| Error::Unavailable)?;
        find().ok_or_else(|| {
            self.stale.notify_one();
            Error::Unavailable
        })
    }

    /// The server at an address, which may be new, and may have a slot from now on.
    fn at(&self, address: &Address, slot: Option<u16>) -> Result<Arc<Link>, Error> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let link = match map.links.get(address) {
            Some(link) => Arc::clone(link),
            None if map.links.len() >= MOST_SERVERS => return Err(Error::Unavailable),
            None => self.open_link(address),
        };
        map.links.insert(address.clone(), Arc::clone(&link));
        if let Some(owner) = slot.and_then(|slot| map.slots.get_mut(usize::from(slot))) {
            *owner = Some(Arc::clone(&link));
        }
        Ok(link)
    }

    fn open_link(&self, address: &Address) -> Arc<Link> {
        let Settings { name, login, timeout, .. } = &*self.settings;
        let way = Way {
            dial: Arc::clone(&self.dial),
            find: Find::At(address.clone()),
            login: login.clone(),
            database: 0,
            patience: way::patience(*timeout),
        };
        let health = Health::new(&name.as_str().into(), address.to_string());
        let fallen = Some(Arc::clone(&self.stale));
        Arc::new(Link::open(&self.runtime, way, *timeout, health, &self.counts, fallen))
    }

    /// Fetches the map from the first server that has one.
    async fn fetch(&self, seeds: &[Address]) -> Result<(), Trouble> {
        let known: Vec<Address> = {
            let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
            let (up, down): (Vec<_>, Vec<_>) = map.links.iter().partition(|(_, link)| link.health.is_up());
            up.into_iter()
                .map(|(address, _)| address.clone())
                .chain(seeds.iter().cloned())
                .chain(down.into_iter().map(|(address, _)| address.clone()))
                .collect()
        };
        let mut trouble = String::new();
        let limit = way::patience(self.settings.timeout);
        for address in known {
            let said = way::ask(&*self.dial, &address, &self.settings.login, limit, &[b"CLUSTER", b"SLOTS"]).await;
            match said.and_then(|said| ranges(&said, &address)) {
                Ok(ranges) => {
                    self.take(&ranges);
                    return Ok(());
                }
                Err(why) => trouble = format!("{address}: {why}"),
            }
        }
        Err(trouble)
    }

    /// From now on this is the map. Servers that are not in it are let go.
    fn take(&self, ranges: &[(u16, u16, Address)]) {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        let mut links = HashMap::new();
        let mut slots = vec![None; usize::from(SLOTS)];
        for (first, last, address) in ranges.iter().take(usize::from(SLOTS)) {
            let link = links
                .entry(address.clone())
                .or_insert_with(|| map.links.get(address).map_or_else(|| self.open_link(address), Arc::clone));
            slots[usize::from(*first)..=usize::from(*last)].fill(Some(Arc::clone(link)));
        }
        *map = Map { links, slots };
    }
}

/// Keeps the map, as long as there is a cluster.
async fn keep(cluster: Weak<Cluster>) {
    loop {
        let stale = {
            let Some(cluster) = cluster.upgrade() else { return };
            let super::settings::Servers::Cluster(seeds) = &cluster.settings.servers else { return };
            match cluster.fetch(seeds).await {
                Ok(()) => cluster.health.up(),
                Err(why) => {
                    cluster.health.down(&why);
                    cluster.stale.notify_one();
                }
            }
            cluster.asked.send_replace(true);
            Arc::clone(&cluster.stale)
        };
        sleep(PAUSE).await;
        let _ = timeout(INTERVAL, stale.notified()).await;
    }
}

/// What `CLUSTER SLOTS` says: first slot, last slot, and the server that has them.
fn ranges(said: &Value, asked: &Address) -> Result<Vec<(u16, u16, Address)>, Trouble> {
    let said = match said {
        Value::List(ranges) => ranges,
        Value::Error(words) => return Err(saying(words)),
        _ => return Err(garbage()),
    };
    let range = |range: &Value| {
        let Value::List(parts) = range else { return None };
        let [Value::Number(first), Value::Number(last), Value::List(server), ..] = &parts[..] else { return None };
        let slot = |number: &i64| u16::try_from(*number).ok().filter(|slot| *slot < SLOTS);
        let (first, last) = (slot(first)?, slot(last)?);
        let (Some(host), Some(Value::Number(port))) = (server.first(), server.get(1)) else { return None };
        let host = match host {
            Value::Text(host) if !host.is_empty() && &host[..] != b"?" => String::from_utf8(host.to_vec()).ok()?,
            // A server that does not know its own name is the one that was asked.
            _ => asked.host.clone(),
        };
        let port = u16::try_from(*port).ok().filter(|port| *port != 0)?;
        (first <= last).then_some((first, last, Address { host, port }))
    };
    let ranges: Option<Vec<_>> = said.iter().map(range).collect();
    match ranges {
        Some(ranges) if ranges.is_empty() => Err("its cluster has given no slots to anybody".into()),
        Some(ranges) => Ok(ranges),
        None => Err(garbage()),
    }
}

/// The same request of a server that has the slot only in part yet.
fn with_leave(request: &Request) -> Request {
    let mut bytes = Vec::with_capacity(request.bytes.len() + 32);
    resp::command(&mut bytes, &[b"ASKING"]);
    bytes.extend_from_slice(&request.bytes);
    Request { bytes: Bytes::from(bytes), commands: request.commands + 1 }
}

fn turn(reply: &Value) -> Option<Turn> {
    let Value::Error(words) = reply else { return None };
    let mut words = words.split(' ');
    let (kind, slot, server) = (words.next()?, words.next()?, words.next()?);
    let (host, port) = server.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let address = Address { host, port: port.parse().ok()? };
    match kind {
        _ if address.host.is_empty() => None,
        "MOVED" => Some(Turn::Moved(slot.parse().ok().filter(|slot| *slot < SLOTS)?, address)),
        "ASK" => Some(Turn::Ask(address)),
        _ => None,
    }
}

fn is_stale(reply: &Value) -> bool {
    matches!(reply, Value::Error(words) if words.starts_with("CLUSTERDOWN") || words.starts_with("READONLY"))
}

/// The slot of a key, as the servers compute it: of what is in the first braces, if anything is.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let inner = &key[open + 1..];
        let close = inner.iter().position(|byte| *byte == b'}').filter(|close| *close > 0)?;
        Some(&inner[..close])
    });
    let crc = tag.unwrap_or(key).iter().fold(0_u16, |crc, byte| {
        (0..8)
            .fold(crc ^ (u16::from(*byte) << 8), |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the cluster's specification, and of `CLUSTER KEYSLOT`.
    #[test]
    fn slots_are_those_of_the_servers() {
        assert_eq!(slot(b"123456789"), 0x31C3 % SLOTS);
        assert_eq!(slot(b"foo"), 12182);
        assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_ne!(slot(b"foo{}{bar}"), slot(b"bar"));
        assert_eq!(slot(b""), 0);
    }

    #[test]
    fn turns_are_read_as_they_are_written() {
        let error = |words: &str| Value::Error(words.into());
        let at = |host: &str| Address { host: host.into(), port: 6381 };
        assert_eq!(turn(&error("MOVED 3999 127.0.0.1:6381")), Some(Turn::Moved(3999, at("127.0.0.1"))));
        assert_eq!(turn(&error("ASK 3999 ::1:6381")), Some(Turn::Ask(at("::1"))));
        for none in ["MOVED 3999 :6381", "MOVED 99999 a:6381", "MOVED", "ERR a b:1", "MOVED 1 a:b", "ASK 1 a"] {
            assert_eq!(turn(&error(none)), None, "{none}");
        }
    }
}
