//! Stores on servers: taken over from the snapshot before if nothing about them changed, connections and all.

use std::sync::Arc;

use super::Snapshot;
use crate::config::{self, Config, Fault, Kept, RedisServer, Secret};
use crate::plugin::Remotes;
use crate::store::redis::{Address, Login, Redis, Servers, Settings, Tls};
use crate::upstream::Dial;

/// The configuration's. Nobody is connected to: that begins when the configuration is taken over.
pub(super) fn of(config: &Config, before: Option<&Snapshot>, faults: &mut Vec<Fault>) -> Remotes {
    let mut remotes = Remotes::new();
    for store in &config.stores {
        let Kept::Redis(redis) = &store.kept else { continue };
        let name = &store.name.value;
        match settings(name, redis).and_then(|settings| {
            let kept = before.and_then(|before| before.remotes.get(name));
            match kept.filter(|kept| *kept.settings() == settings) {
                Some(kept) => Ok(Arc::clone(kept)),
                None => open(store, redis, settings),
            }
        }) {
            Ok(store) => drop(remotes.insert(name.clone(), store)),
            Err(fault) => faults.push(fault),
        }
    }
    remotes
}

fn open(store: &config::Store, redis: &config::Redis, settings: Settings) -> Result<Arc<Redis>, Fault> {
    let place = redis.tls.as_ref().and_then(|tls| tls.ca.as_ref()).map_or(store.name.place, |ca| ca.place);
    let dial = Dial::new(settings.tls.as_ref()).map_err(|why| {
        Fault::new(place, why).help("name a PEM file of the authorities that count as the store's `tls.ca`")
    })?;
    Ok(Arc::new(Redis::new(settings, Arc::new(dial))))
}

/// The same in the words of the store's room; reads the file of authorities.
fn settings(name: &str, redis: &config::Redis) -> Result<Settings, Fault> {
    let address = |server: &RedisServer| Address { host: server.host.clone(), port: server.port };
    let all = |servers: &[RedisServer]| servers.iter().map(address).collect();
    let login = |user: Option<&String>, password: Option<&Secret>| Login {
        user: user.cloned(),
        password: password.map(|secret| secret.reveal().to_owned()),
    };
    Ok(Settings {
        name: name.to_owned(),
        servers: match &redis.servers {
            config::Servers::One(server) => Servers::One(address(server)),
            config::Servers::Cluster(servers) => Servers::Cluster(all(servers)),
            config::Servers::Sentinels { sentinels, master, user, password } => Servers::Sentinels {
                sentinels: all(sentinels),
                master: master.clone(),
                login: login(user.as_ref(), password.as_ref()),
            },
        },
        login: login(redis.user.as_ref(), redis.password.as_ref()),
        database: redis.database,
        tls: redis.tls.as_ref().map(tls).transpose()?,
        prefix: redis.prefix.clone(),
        timeout: redis.timeout,
    })
}

fn tls(tls: &config::RedisTls) -> Result<Tls, Fault> {
    let read = |ca: &config::Located<std::path::PathBuf>| {
        let read = std::fs::read(&ca.value);
        read.map_err(|error| Fault::new(ca.place, format!("cannot read {}: {error}", ca.value.display())))
    };
    Ok(Tls { ca: tls.ca.as_ref().map(read).transpose()?, server_name: tls.server_name.clone() })
}
