//! `GET /metrics`: in which format, how it is sent, and that only one is made at a time.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::asked::Asked;
use super::exposition::{Family, Format, write};
use super::orders::Order;
use super::reply::{self, Refusal};
use super::route::{Answering, Kind, Parameter};
use crate::coding::{Coding, Encoder};

/// Whoever asks while the text is made for another waits, so that readers cannot fill the memory.
static TURN: Mutex<()> = Mutex::const_new(());

/// The fastest level: it takes nine tenths away already.
const LEVEL: u8 = 1;

/// With ten thousand busy routes there are megabytes of them.
pub(super) const PARAMETERS: &[Parameter] =
    &[Parameter::optional("routes", Kind::Number(0, 1), "0 leaves out what is counted of each route.")];

pub(super) fn show(asked: Asked) -> Answering {
    Box::pin(async move {
        let _turn = TURN.lock().await;
        let with_routes = asked.parameter("routes") != Some("0");
        let families = asked.ask(|answer| Order::Metrics(with_routes, answer)).await?;
        let format = format(asked.request.headers());
        let is_encoded = takes_gzip(asked.request.headers());
        // A proxy of many routes has megabytes to say, and this thread accepts connections.
        let made = spawn_blocking(move || make(&families, format, is_encoded)).await;
        let (text, is_encoded) = made.map_err(|_| Refusal::ending())?;
        let mut answer = reply::bytes(StatusCode::OK, format.content_type(), text);
        let fields = answer.headers_mut();
        fields.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
        if is_encoded {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(answer)
    })
}

/// The text, and whether it is encoded.
fn make(families: &[Family], format: Format, is_encoded: bool) -> (Bytes, bool) {
    let text = write(families, format);
    let encoded = || {
        let (mut encoder, mut out) = (Encoder::new(Coding::Gzip, Some(LEVEL)).ok()?, Vec::new());
        encoder.push(text.as_bytes(), &mut out).ok()?;
        encoder.finish(&mut out).ok()?;
        Some(out)
    };
    match is_encoded.then(encoded).flatten() {
        Some(encoded) => (encoded.into(), true),
        None => (text.into(), false),
    }
}

/// `OpenMetrics` only for those who would rather have it, or as well: everybody else understands the older format.
fn format(headers: &HeaderMap) -> Format {
    let (mut open, mut text) = (0, 0);
    for (name, weight) in weighed(headers, header::ACCEPT) {
        match name.as_str() {
            "application/openmetrics-text" => open = open.max(weight),
            "text/plain" | "text/*" | "*/*" => text = text.max(weight),
            _ => {}
        }
    }
    if open > 0 && open >= text { Format::OpenMetrics } else { Format::Prometheus }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    weighed(headers, header::ACCEPT_ENCODING).any(|(name, weight)| weight > 0 && (name == "gzip" || name == "x-gzip"))
}

/// The items of a field, in lower case and without parameters, and their weights in thousandths. A version of the format
/// that is not spoken here weighs nothing.
fn weighed(headers: &HeaderMap, field: HeaderName) -> impl Iterator<Item = (String, u16)> {
    let values = headers.get_all(field).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|item| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let mut weight = 1000;
        for (key, value) in parts.filter_map(|part| part.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 1000")]
                "q" => weight = (value.trim().parse::<f64>().unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0) as u16,
                "version" if name == "application/openmetrics-text" && value.trim_matches('"') != "1.0.0" => weight = 0,
                _ => {}
            }
        }
        (name, weight)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(accept: &str) -> Format {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        format(&headers)
    }

    #[test]
    fn readers_get_the_format_that_they_would_rather_have() {
        // As Prometheus 2.42 asks, and as one without OpenMetrics does.
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(chosen(prometheus), Format::OpenMetrics);
        assert_eq!(chosen("text/plain;version=0.0.4;q=1,*/*;q=0.1"), Format::Prometheus);
        assert_eq!(chosen("*/*"), Format::Prometheus);
        assert_eq!(chosen("text/plain, application/openmetrics-text;q=0.5"), Format::Prometheus);
        assert_eq!(chosen("application/openmetrics-text; version=2.0.0"), Format::Prometheus);
        assert_eq!(chosen("application/openmetrics-text; q=0"), Format::Prometheus);
        assert_eq!(chosen("application/openmetrics-text; q=x"), Format::Prometheus);
        assert_eq!(format(&HeaderMap::new()), Format::Prometheus);
    }
}
