//! Where clients and operators connect.

use std::net::{IpAddr, SocketAddr};

use super::Check;
use super::upstreams::is_host;
use crate::config::fault::quoted;
use crate::config::file::{self, File};
use crate::config::forms;
use crate::config::{
    Admin, AdminAddress, AdminTls, Certificate, Config, Fault, Listener, ListenerLimits, Located, Network, Secret, Tls,
};

/// What systems allow.
const LONGEST_SOCKET: usize = 100;

impl Check {
    pub(super) fn listeners(&mut self, file: &File) -> Vec<Listener> {
        if file.listeners.0.is_empty() {
            self.missing(
                file.place,
                "there is no listener",
                "write `listeners: { public: { address: 127.0.0.1:8080 } }`",
            );
        }
        let mut listeners: Vec<Listener> = Vec::new();
        for (name, listener) in file.listeners.sound() {
            let Some(address) = self.address(&listener.address) else { continue };
            let same = listeners.iter().find(|known| clash(known.address, address));
            if let Some(same) = same {
                let (place, message) = (same.place, format!("`{}` listens on {} already", same.name, same.address));
                let fault = self.fault(listener.address.place, message);
                fault.also = Some((place, "here before".into()));
                fault.help = Some("give each listener an address of its own".into());
            }
            if let (Some(tls), Some(_)) = (&listener.tls, &listener.redirect) {
                self.fault(tls.place, "a listener that redirects to https cannot speak TLS itself").help =
                    Some("remove `redirect`, or make a listener without `tls` for it".into());
            }
            listeners.push(Listener {
                name: name.value.clone(),
                address,
                place: listener.address.place,
                tls: listener.tls.as_ref().map(|tls| self.tls(tls)),
                redirect: listener.redirect.as_ref().map(|redirect| redirect.0),
                trusted_proxies: self.networks(listener.trusted_proxies.as_deref().unwrap_or_default()),
                limits: self.listener_limits(listener),
            });
        }
        // Whoever looks at them finds them in one order, whatever that in the file is.
        listeners.sort_by(|one, other| one.name.cmp(&other.name));
        listeners
    }

    pub(super) fn admin(&mut self, admin: &file::Admin, listeners: &[Listener]) -> Option<Admin> {
        let address = self.admin_address(&admin.address)?;
        let tcp = match address {
            AdminAddress::Tcp(address) => Some(address),
            AdminAddress::Unix(_) => None,
        };
        let clashes = |known: &&Listener| tcp.is_some_and(|address| clash(known.address, address));
        if let Some(same) = listeners.iter().find(clashes) {
            let message = format!("`{}` listens on {} already", same.name, same.address);
            let fault = self.fault(admin.address.place, message);
            fault.also = Some((same.place, "here".into()));
            fault.help = Some("give operators an address of their own, as 127.0.0.1:9180".into());
        }
        let token = admin.token.as_ref().map(|secret| self.secret(secret));
        let is_local = tcp.is_none_or(|address| address.ip().is_loopback());
        let tls = admin.tls.as_ref();
        let knows_callers = token.is_some() || tls.is_some_and(|tls| tls.client_ca.is_some());
        if !is_local && !knows_callers {
            self.fault(admin.address.place, format!("whoever reaches {address} could reload and inspect this proxy"))
                .help = Some("use 127.0.0.1, or add `token: { env: NAME }` or `token: { file: PATH }`".into());
        } else if !is_local && tls.is_none() {
            let message = format!("the token is sent to {address} as it is: who reads it on the way can use it");
            let help = "add `tls: { certificates: [{ cert: admin.pem, key: admin.key }] }`";
            self.warnings.push(Fault::new(admin.address.place, message).help(help));
        }
        if let (Some(tls), None) = (tls, tcp) {
            self.fault(tls.place, "a socket of the file system does not speak TLS").help =
                Some("remove `tls`: only the user that runs weir may use the socket".into());
        }
        let tls = tls.map(|tls| AdminTls {
            certificates: self.certificates(&tls.certificates),
            client_ca: tls.client_ca.as_ref().map(|ca| Located { value: self.path(ca), place: ca.place }),
        });
        Some(Admin {
            address: Located { value: address, place: admin.address.place },
            token: token.flatten(),
            hosts: self.admin_hosts(admin),
            tls,
            has_open_probes: admin.probes.map_or(is_local, |probes| probes == forms::Probes::Open),
        })
    }

    fn admin_address(&mut self, address: &Located<String>) -> Option<AdminAddress> {
        let Some(path) = address.value.strip_prefix("unix:") else {
            return self.address(address).map(AdminAddress::Tcp);
        };
        let path = self.path(&Located { value: path.to_owned(), place: address.place });
        if path.as_os_str().len() > LONGEST_SOCKET {
            let message = format!("the path of a socket has at most {LONGEST_SOCKET} bytes, this one has more");
            self.fault(address.place, message).help = Some("write a shorter one, as in unix:/run/weir.sock".into());
        }
        Some(AdminAddress::Unix(path))
    }

    fn admin_hosts(&mut self, admin: &file::Admin) -> Vec<String> {
        let written = admin.hosts.as_ref().map(|hosts| hosts.0.as_slice()).unwrap_or_default();
        for host in written.iter().filter(|host| !is_host(&host.value)) {
            self.fault(host.place, format!("{} is not a host name", quoted(&host.value))).help =
                Some("write the name by which operators call it, without a port".into());
        }
        written.iter().map(|host| host.value.to_ascii_lowercase()).collect()
    }

    pub(super) fn secret(&mut self, secret: &forms::Secret) -> Option<Secret> {
        let read = match secret {
            forms::Secret::Env(name) => Secret::of_environment(&name.value, name.place),
            forms::Secret::File(path) => Secret::of_file(&self.path(path), path.place),
        };
        read.map_err(|fault| self.faults.push(fault)).ok()
    }

    /// Warns of listeners whose clients are never served.
    pub(super) fn idle_listeners(&mut self, config: &Config) {
        let is_served =
            |index| config.sites.iter().any(|site| site.listeners.as_ref().is_none_or(|on| on.contains(&index)));
        for (index, listener) in config.listeners.iter().enumerate() {
            if listener.redirect.is_none() && !is_served(index) {
                let message = format!("no site is on the listener `{}`: every request there gets a 404", listener.name);
                let help = "add it to the `listeners` of a site, or remove it";
                self.warnings.push(Fault::new(listener.place, message).help(help));
            }
        }
    }

    fn address(&mut self, address: &Located<String>) -> Option<SocketAddr> {
        let parsed = address.value.parse().ok();
        if parsed.is_none() {
            self.fault(address.place, format!("{} is not an address to listen on", quoted(&address.value))).help =
                Some("write an IP address and a port, as in 127.0.0.1:8080, 0.0.0.0:80 or \"[::]:80\"".into());
        }
        parsed
    }

    fn tls(&mut self, tls: &file::Tls) -> Tls {
        Tls { certificates: self.certificates(&tls.certificates) }
    }

    fn certificates(&mut self, written: &Located<Vec<file::Certificate>>) -> Vec<Certificate> {
        if written.value.is_empty() {
            let help = "write `certificates: [{ cert: site.pem, key: site.key }]`";
            self.missing(written.place, "TLS needs a certificate", help);
        }
        let located = |check: &Self, path: &Located<String>| Located { value: check.path(path), place: path.place };
        let certificate =
            |pair: &file::Certificate| Certificate { cert: located(self, &pair.cert), key: located(self, &pair.key) };
        written.value.iter().map(certificate).collect()
    }

    fn networks(&mut self, written: &[Located<String>]) -> Vec<Network> {
        let mut networks = Vec::new();
        for text in written {
            match network(&text.value) {
                Some(network) => networks.push(network),
                None => {
                    self.fault(text.place, format!("{} is neither an address nor a network", quoted(&text.value)))
                        .help = Some("write 10.0.0.7, 10.0.0.0/8 or \"fd00::/8\"".into());
                }
            }
        }
        networks
    }

    fn listener_limits(&mut self, listener: &file::Listener) -> ListenerLimits {
        let mut limits = ListenerLimits::default();
        if let Some(written) = &listener.limits {
            if let Some(connections) = &written.connections {
                limits.connections = usize::try_from(connections.value.0).unwrap_or(usize::MAX);
            }
            if let Some(header) = &written.header {
                limits.header = usize::try_from(header.value.0).unwrap_or(usize::MAX);
                if !(8 << 10..=1 << 20).contains(&limits.header) {
                    self.fault(header.place, "a head's limit is from 8KiB to 1MiB");
                }
            }
        }
        if let Some(head) = listener.timeouts.as_ref().and_then(|timeouts| timeouts.head.as_ref()) {
            limits.head = self.limit(head);
        }
        limits
    }
}

/// Whether one listener on each address is one too many.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let is_any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port()
        && one.port() != 0
        && one.is_ipv4() == other.is_ipv4()
        && (is_any || one.ip() == other.ip())
}

/// An address, or a network.
fn network(text: &str) -> Option<Network> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(Some(most), |prefix| prefix.parse().ok())?;
    (prefix <= most).then_some(Network { address, prefix })
}
