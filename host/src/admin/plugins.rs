//! Components from operators' hands: received, compared with the digest that was meant, and handed on.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use hyper::body::Body;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::asked::{Asked, bytes};
use super::orders::Order;
use super::reply::{Refusal, json};
use super::route::Answering;
use super::views::Swapped;

/// Bytes of a component. The largest that are in sight are language runtimes with 12-18 MB.
pub(super) const LARGEST: usize = 64 << 20;

/// How long one may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What components are sent as.
pub(super) const TYPES: &[&str] = &["application/wasm", "application/octet-stream"];

/// A component for a plugin's name.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The plugin's name.
    pub plugin: String,
    /// All of it.
    pub component: Bytes,
    /// SHA-256.
    pub digest: [u8; 32],
    /// How that differs from what was meant, if it does.
    pub differs: Option<String>,
    /// Whether it counts although it was refused before, or wants more than was granted.
    pub force: bool,
    /// How long it took to come.
    pub received: Duration,
}

/// Why no other component serves.
#[derive(Clone, Debug)]
pub enum NotSwapped {
    /// There is no such plugin.
    Unknown(String),
    /// It was refused before, or there is nothing to go back to.
    Conflict(String),
    /// Something is wrong with it.
    Faulty(String),
}

/// What comes of a swap.
pub type SwapAnswer = oneshot::Sender<Result<Swapped, NotSwapped>>;

impl std::fmt::Display for NotSwapped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Unknown(words) | Self::Conflict(words) | Self::Faulty(words)) = self;
        formatter.write_str(words)
    }
}

impl From<NotSwapped> for Refusal {
    fn from(refused: NotSwapped) -> Self {
        match refused {
            NotSwapped::Unknown(words) => Self::not_found(words),
            NotSwapped::Conflict(words) => Self::new(StatusCode::CONFLICT, words),
            NotSwapped::Faulty(words) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, words),
        }
    }
}

/// `PUT /plugins/{plugin}`.
pub(super) fn swap(mut asked: Asked) -> Answering {
    Box::pin(async move {
        let force = asked.parameter("force") == Some("true");
        let desk = Rc::clone(&asked.desk);
        // Whole components are held until they serve or are refused: few at a time.
        let Ok(_turn) = desk.uploads.try_acquire() else {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "other components are being swapped in; try again",
            ));
        };
        let began = Instant::now();
        // Who says so beforehand need not send it all.
        if asked.request.body().size_hint().lower() > LARGEST as u64 {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("a component has at most {LARGEST} bytes"),
            ));
        }
        let component = bytes(asked.request.body_mut(), LARGEST, PATIENCE).await?;
        let received = began.elapsed();
        let digest: [u8; 32] = Sha256::digest(&component).into();
        let differs = differs(&digest, asked.parameter("sha256"), asked.request.headers());
        let upload = Upload { plugin: asked.text("plugin"), component, digest, differs, force, received };
        let swapped = asked.ask(move |answer| Order::Swap(upload, answer)).await??;
        Ok(json(StatusCode::OK, &swapped))
    })
}

/// `POST /plugins/{plugin}/rollback`.
pub(super) fn rollback(asked: Asked) -> Answering {
    Box::pin(async move {
        let plugin = asked.text("plugin");
        let swapped = asked.ask(move |answer| Order::Rollback(plugin, answer)).await??;
        Ok(json(StatusCode::OK, &swapped))
    })
}

/// How the digest differs from that which the query or a field (RFC 9530) says.
fn differs(digest: &[u8; 32], query: Option<&str>, headers: &HeaderMap) -> Option<String> {
    let (is, encoded) = (hex(digest), base64(digest));
    let fields = ["content-digest", "repr-digest"].into_iter().flat_map(|name| headers.get_all(name));
    let members = fields.filter_map(|field| field.to_str().ok()).flat_map(|field| field.split(','));
    let said = members.filter_map(|member| member.trim().strip_prefix("sha-256=:")?.split(':').next());
    // As it was sent: whoever sent it knows it so.
    let field = said.filter(|meant| *meant != encoded).map(|meant| format!("{meant:.64} in base64")).next();
    let meant = query.filter(|meant| !meant.eq_ignore_ascii_case(&is)).map(str::to_ascii_lowercase).or(field)?;
    Some(format!("the component's SHA-256 is {is}, and not {meant}: it was changed on its way, or it is another one"))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_in_its_rfc() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
