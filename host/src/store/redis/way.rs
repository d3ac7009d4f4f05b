//! From addresses to a connection that can be asked: dialling, logging in, and finding out which server it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::health::saying;
use super::resp::{self, Value};
use super::settings::{Address, Dial, Login, Wire};

/// What a server has to be ready in, at least: a connection is more than an operation.
const PATIENCE: Duration = Duration::from_secs(1);

/// A sentinel is there to answer at once; others are.
const SENTINEL: Duration = Duration::from_millis(250);

/// Why there is no connection, in words.
pub(super) type Trouble = String;

/// Which server it is.
#[derive(Debug)]
pub(super) enum Find {
    At(Address),
    Master {
        sentinels: Vec<Address>,
        name: String,
        login: Login,
        /// Which of them is asked first: the one that answered last.
        first: AtomicUsize,
    },
}

/// The way to a server.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) dial: Arc<dyn Dial>,
    pub(super) find: Find,
    pub(super) login: Login,
    pub(super) database: u16,
    pub(super) patience: Duration,
}

/// How long a connection may take to be ready, where operations may take so long.
pub(super) fn patience(timeout: Duration) -> Duration {
    timeout.max(PATIENCE)
}

impl Way {
    /// A connection that is logged in, on its database, to a server that answers.
    pub(super) async fn connect(&self) -> Result<Box<dyn Wire>, Trouble> {
        match &self.find {
            Find::At(address) => self.ready(address, false).await,
            Find::Master { .. } => self.ready(&self.master().await?, true).await,
        }
    }

    async fn ready(&self, address: &Address, is_master: bool) -> Result<Box<dyn Wire>, Trouble> {
        let ready = async {
            let mut session = Session::open(&*self.dial, address, &self.login).await?;
            if self.database != 0 {
                let number = self.database.to_string();
                let selected = session.ask(&[b"SELECT", number.as_bytes()]).await?;
                granted(&selected, "the database cannot be used")?;
            }
            if is_master {
                let role = session.ask(&[b"ROLE"]).await?;
                if !is_unheard(&role) {
                    is_a_master(&role)?;
                }
            }
            let there = session.ask(&[b"PING"]).await?;
            if !is_unheard(&there) {
                granted(&there, "it does not serve")?;
            }
            session.into_wire()
        };
        let at = |why| match &self.find {
            Find::At(_) => why,
            Find::Master { name, .. } => format!("`{name}` is at {address}, and {why}"),
        };
        timeout(self.patience, ready).await.unwrap_or_else(|_| Err(silent(self.patience))).map_err(at)
    }

    /// Where the sentinels say that the master is.
    async fn master(&self) -> Result<Address, Trouble> {
        let Find::Master { sentinels, name, login, first } = &self.find else { return Err("nobody knows it".into()) };
        let mut trouble = String::new();
        let begin = first.load(Ordering::Relaxed);
        for turn in 0..sentinels.len() {
            let index = (begin + turn) % sentinels.len();
            let sentinel = &sentinels[index];
            let asking = async {
                let mut session = Session::open(&*self.dial, sentinel, login).await?;
                session.ask(&[b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", name.as_bytes()]).await
            };
            let limit = self.patience.min(SENTINEL.max(self.patience / 4));
            let said = timeout(limit, asking).await.unwrap_or_else(|_| Err(silent(limit)));
            let why = match said.map(|said| address_of(&said)) {
                Ok(Ok(address)) => {
                    first.store(index, Ordering::Relaxed);
                    return Ok(address);
                }
                Ok(Err(why)) | Err(why) => why,
            };
            if !trouble.is_empty() {
                trouble += "; ";
            }
            trouble += &format!("the sentinel {sentinel}: {why}");
        }
        Err(trouble)
    }
}

/// Asks one question on a connection of its own.
pub(super) async fn ask(
    dial: &dyn Dial,
    address: &Address,
    login: &Login,
    limit: Duration,
    question: &[&[u8]],
) -> Result<Value, Trouble> {
    let asking = async {
        let mut session = Session::open(dial, address, login).await?;
        session.ask(question).await
    };
    timeout(limit, asking).await.unwrap_or_else(|_| Err(silent(limit)))
}

pub(super) fn silent(limit: Duration) -> Trouble {
    format!("it did not answer within {limit:?}")
}

/// A connection on which is asked and answered in turn.
struct Session {
    wire: Box<dyn Wire>,
    come: BytesMut,
}

impl Session {
    async fn open(dial: &dyn Dial, address: &Address, login: &Login) -> Result<Self, Trouble> {
        let wire = dial.dial(address).await.map_err(|error| error.to_string())?;
        let mut session = Self { wire, come: BytesMut::new() };
        if let Some(password) = &login.password {
            let said = match &login.user {
                Some(user) => session.ask(&[b"AUTH", user.as_bytes(), password.as_bytes()]).await,
                None => session.ask(&[b"AUTH", password.as_bytes()]).await,
            };
            let user = login.user.as_deref().unwrap_or("default");
            granted(&said?, &format!("it does not let the user `{user}` in"))?;
        }
        Ok(session)
    }

    async fn ask(&mut self, question: &[&[u8]]) -> Result<Value, Trouble> {
        let mut bytes = Vec::new();
        resp::command(&mut bytes, question);
        self.wire.write_all(&bytes).await.map_err(|error| error.to_string())?;
        self.wire.flush().await.map_err(|error| error.to_string())?;
        loop {
            if let Some(value) = resp::take(&mut self.come).map_err(|_| garbage())? {
                return Ok(value);
            }
            match self.wire.read_buf(&mut self.come).await {
                Ok(0) => return Err("it closed the connection".into()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// Nothing may be left that was not asked for: it would be taken for the first answer.
    fn into_wire(self) -> Result<Box<dyn Wire>, Trouble> {
        if self.come.is_empty() { Ok(self.wire) } else { Err(garbage()) }
    }
}

pub(super) fn garbage() -> Trouble {
    "it answers what is not Redis's protocol".into()
}

fn granted(said: &Value, what: &str) -> Result<(), Trouble> {
    match said {
        Value::Text(_) => Ok(()),
        Value::Error(words) if words.starts_with("NOAUTH") => {
            Err(format!("it wants a password: write `password` beside `redis` ({})", saying(words)))
        }
        Value::Error(words) => Err(format!("{what}: {}", saying(words))),
        // Somebody who only repeats what is asked, or speaks of something else.
        _ => Err(garbage()),
    }
}

/// Whether the user lacks the right to ask that: then it is not needed.
fn is_unheard(said: &Value) -> bool {
    matches!(said, Value::Error(words) if words.starts_with("NOPERM"))
}

fn is_a_master(said: &Value) -> Result<(), Trouble> {
    let Value::List(parts) = said else { return granted(said, "it does not say whether it is the master") };
    match parts.first() {
        Some(Value::Text(role)) if &role[..] == b"master" => Ok(()),
        Some(Value::Text(role)) => Err(format!("that is a {} now", saying(&String::from_utf8_lossy(role)))),
        _ => Err(garbage()),
    }
}

fn address_of(said: &Value) -> Result<Address, Trouble> {
    match said {
        Value::List(parts) => match &parts[..] {
            [Value::Text(host), Value::Text(port)] => address(host, port).ok_or_else(garbage),
            _ => Err(garbage()),
        },
        Value::Nil => Err("it does not know that master: write the name in its `sentinel monitor`".into()),
        Value::Error(words) => Err(saying(words)),
        _ => Err(garbage()),
    }
}

fn address(host: &[u8], port: &[u8]) -> Option<Address> {
    let host = std::str::from_utf8(host).ok().filter(|host| !host.is_empty())?.to_owned();
    let port = std::str::from_utf8(port).ok()?.parse().ok().filter(|port| *port != 0)?;
    Some(Address { host, port })
}
