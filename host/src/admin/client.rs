//! Asking a running proxy.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpStream, UnixStream};
use tokio::task::spawn_local;

use super::serve::Stream;

/// A reload compiles filters; nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A view of a large configuration has some MiB.
const LARGEST: usize = 256 << 20;

/// Where a proxy is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// An address.
    Tcp(SocketAddr),
    /// A socket of the file system.
    Unix(PathBuf),
}

impl fmt::Display for At {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// One question.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Where the proxy's admin address is.
    pub at: At,
    /// What it wants to be shown.
    pub token: Option<&'a str>,
    /// `GET`, `POST` for an order, or `PUT` for a component.
    pub method: Method,
    /// As in `/status`.
    pub path: &'a str,
    /// A component to send.
    pub component: Option<Bytes>,
}

/// Status and JSON of the answer.
pub async fn call(call: &Call<'_>) -> anyhow::Result<(StatusCode, Value)> {
    let at = &call.at;
    tokio::time::timeout(PATIENCE, exchange(call))
        .await
        .map_err(|_| anyhow!("{at} did not answer within {PATIENCE:?}"))?
}

async fn exchange(call: &Call<'_>) -> anyhow::Result<(StatusCode, Value)> {
    let at = &call.at;
    let nobody = || format!("no weir answers on {at}; is it running, with this `admin` address?");
    let (stream, host): (Box<dyn Stream>, _) = match at {
        At::Tcp(address) => (Box::new(TcpStream::connect(address).await.with_context(nobody)?), address.to_string()),
        At::Unix(path) => (Box::new(UnixStream::connect(path).await.with_context(nobody)?), "localhost".to_owned()),
    };
    let strange = || format!("{at} is not the admin address of a weir");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    spawn_local(connection);
    let mut request = Request::builder().method(&call.method).uri(call.path).header(header::HOST, host);
    if let Some(token) = call.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = match &call.component {
        Some(component) => {
            request = request.header(header::CONTENT_TYPE, "application/wasm");
            component.clone()
        }
        None if call.method == Method::POST => {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Bytes::from_static(b"{}")
        }
        None => Bytes::new(),
    };
    let answer = sender.send_request(request.body(Full::new(body))?).await.with_context(strange)?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LARGEST).collect().await;
    let body = body.map_err(|error| anyhow!("the answer of {at} broke off: {error}"))?.to_bytes();
    let value = serde_json::from_slice(&body).with_context(strange)?;
    Ok((status, value))
}
