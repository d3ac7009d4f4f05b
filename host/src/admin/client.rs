//! Asking a running proxy.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::spawn_local;

/// A reload compiles filters; nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// One question.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Where the proxy's admin address is.
    pub address: SocketAddr,
    /// What it wants to be shown.
    pub token: Option<&'a str>,
    /// `GET` or `POST`.
    pub method: Method,
    /// As in `/status`.
    pub path: &'a str,
}

/// Status and JSON of the answer.
pub async fn call(call: &Call<'_>) -> anyhow::Result<(StatusCode, Value)> {
    let address = call.address;
    tokio::time::timeout(PATIENCE, exchange(call))
        .await
        .map_err(|_| anyhow!("{address} did not answer within {PATIENCE:?}"))?
}

async fn exchange(call: &Call<'_>) -> anyhow::Result<(StatusCode, Value)> {
    let address = call.address;
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("no weir answers on {address}; is it running, with this `admin` address?"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    spawn_local(connection);
    let mut request = Request::builder().method(&call.method).uri(call.path).header(header::HOST, address.to_string());
    if let Some(token) = call.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    let value =
        serde_json::from_slice(&body).with_context(|| format!("{address} is not the admin address of a weir"))?;
    Ok((status, value))
}
