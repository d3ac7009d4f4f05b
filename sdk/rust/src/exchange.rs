//! The current exchange, as the host sees it, and what a filter keeps with it.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Refusal;
use crate::bindings::variables::Variable;
use crate::host::{exchange, variables};

pub use crate::bindings::exchange::TlsFacts;

/// The exchange's id, 32 hexadecimal digits: what the access log names.
pub fn id() -> String {
    exchange::id()
}

/// The name of the site that was chosen.
pub fn site() -> String {
    exchange::site()
}

/// The name of the route that was chosen; "" if none was found.
pub fn route() -> String {
    exchange::route()
}

/// The name of the listener that the request came in by.
pub fn listener() -> String {
    exchange::listener()
}

/// The client's address, without port: behind trusted proxies what they say, else the peer's.
pub fn client_address() -> String {
    exchange::client_address()
}

/// The address of the peer that the connection came from.
pub fn peer_address() -> String {
    exchange::peer_address()
}

/// Whether the operator trusts that peer to speak for others.
pub fn is_peer_trusted() -> bool {
    exchange::is_peer_trusted()
}

/// How the connection is protected, if it is.
pub fn tls() -> Option<TlsFacts> {
    exchange::tls()
}

/// The time since the request's head was there.
pub fn elapsed() -> Duration {
    Duration::from_micros(exchange::elapsed())
}

/// What this filter stored with [`set_slot`] in an earlier hook of this exchange; empty at first.
pub fn slot() -> Vec<u8> {
    exchange::slot()
}

/// Replaces the slot, at most 64 KiB.
pub fn set_slot(value: &[u8]) -> Result<(), Refusal> {
    exchange::set_slot(value)
}

/// The slot as a value: what [`set_state`] stored in an earlier hook of this exchange, `None` before that.
///
/// ```
/// use weir::exchange;
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Seen {
///     user: String,
/// }
///
/// # weir::testing::Host::new().enter(|| -> weir::Result<()> {
/// exchange::set_state(&Seen { user: "ada".into() })?;
/// let seen: Option<Seen> = exchange::state()?;
/// assert_eq!(seen.unwrap().user, "ada");
/// # Ok(()) }).unwrap();
/// ```
pub fn state<T: DeserializeOwned>() -> crate::Result<Option<T>> {
    let slot = exchange::slot();
    if slot.is_empty() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&slot)?))
}

/// Stores a value in the slot, as JSON.
pub fn set_state<T: Serialize + ?Sized>(state: &T) -> crate::Result<()> {
    exchange::set_slot(&serde_json::to_vec(state)?)?;
    Ok(())
}

/// A variable of the exchange: what the filters before this one found out, as `user.id`.
pub fn var(name: &str) -> Option<String> {
    exchange::var(name)
}

/// Sets a variable for all filters that follow. A prefix that is not the entry's own name must be granted.
///
/// ```
/// use weir::{Refusal, exchange, testing::Host};
///
/// let mut host = Host::new();
/// host.grant_vars(&["user."]);
/// host.enter(|| {
///     assert_eq!(exchange::set_var("user.id", "ada"), Ok(()));
///     assert_eq!(exchange::set_var("auth.role", "admin"), Err(Refusal::Denied));
///     assert_eq!(exchange::var("user.id").as_deref(), Some("ada"));
/// });
/// ```
pub fn set_var(name: &str, value: impl AsRef<str>) -> Result<(), Refusal> {
    exchange::set_var(name, value.as_ref())
}

/// Removes a variable. Removing what is not there is fine.
pub fn remove_var(name: &str) -> Result<(), Refusal> {
    exchange::remove_var(name)
}

/// Sets several variables in one call, and removes those without a value: quicker than one after the other. It ends at
/// the first that is refused.
///
/// ```
/// # use weir::{exchange, testing::Host};
/// # Host::new().enter(|| {
/// exchange::set_vars([("user.id", Some("ada")), ("auth.roles", None)]).unwrap();
/// assert_eq!((exchange::var("user.id").as_deref(), exchange::var("auth.roles")), (Some("ada"), None));
/// # });
/// ```
pub fn set_vars<'a>(vars: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Result<(), Refusal> {
    let variables: Vec<_> = vars.into_iter().map(|(name, value)| Variable { name, value }).collect();
    variables::set_vars(&variables)
}

/// Sets a variable to a list, for all filters that follow: compact JSON, `["a","b"]`.
///
/// ```
/// # use weir::{exchange, testing::Host};
/// # Host::new().enter(|| {
/// exchange::set_list("auth.roles", &["admin", "staff"]).unwrap();
/// assert_eq!(exchange::var("auth.roles").as_deref(), Some(r#"["admin","staff"]"#));
/// assert_eq!(exchange::list("auth.roles"), ["admin", "staff"]);
/// // Another text is a list of one.
/// exchange::set_var("auth.role", "admin").unwrap();
/// assert_eq!(exchange::list("auth.role"), ["admin"]);
/// assert!(exchange::list("auth.groups").is_empty());
/// # });
/// ```
pub fn set_list<T: AsRef<str>>(name: &str, items: &[T]) -> Result<(), Refusal> {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    // Texts are always JSON.
    let text = serde_json::to_string(&items).map_err(|_| Refusal::InvalidValue)?;
    exchange::set_var(name, &text)
}

/// A variable as a list: what [`set_list`] set; another text is a list of one, and a variable that is not there is none.
pub fn list(name: &str) -> Vec<String> {
    let Some(text) = exchange::var(name) else { return Vec::new() };
    match text.starts_with('[').then(|| serde_json::from_str(&text)) {
        Some(Ok(items)) => items,
        _ => vec![text],
    }
}

/// Says why the running hook decided as it does, where it does not answer: `cache-miss`, `anonymous`.
pub fn note(code: &str) {
    exchange::note(code);
}
