//! Traces: where they go, and what they may use.

use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};

use super::Check;
use super::upstreams::Upstreams;
use crate::config::fault::quoted;
use crate::config::file::File;
use crate::config::forms::{self, Compression, Trust};
use crate::config::{Located, Traces};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;

impl Check {
    /// Where traces go, if anywhere.
    pub(super) fn traces(&mut self, file: &File, upstreams: &mut Upstreams) -> Option<Traces> {
        let written = file.traces.as_ref()?;
        let upstream = upstreams.find(self, &written.upstream);
        let headers = written.headers.iter().flat_map(|fields| &fields.0);
        let headers = headers.filter_map(|(name, value)| self.field(name, value)).collect();
        let path = written.path.as_ref().map_or("/v1/traces", |path| &path.value);
        if !path.starts_with('/') || PathAndQuery::try_from(path).is_err() {
            let place = written.path.as_ref().map_or(written.place, |path| path.place);
            self.fault(place, format!("{} is not a path", quoted(path))).help =
                Some("write the path at which the collector takes spans, as in /v1/traces".into());
        }
        let service = written.service.as_ref().map_or("weir", |service| &service.value);
        if service.is_empty() || service.len() > 255 {
            let place = written.service.as_ref().map_or(written.place, |service| service.place);
            self.fault(place, "the name of a service has from 1 to 255 bytes");
        }
        let mut traces = Traces {
            upstream: String::new(),
            path: path.to_owned(),
            headers,
            gzip: written.compression == Some(Compression::Gzip),
            sample: written.sample.map_or(0.01, |sample| sample.0),
            trusts_all: written.trust == Some(Trust::All),
            service: service.to_owned(),
            timeout: Duration::from_secs(10),
            retry: Duration::from_secs(60),
            batch_spans: 512,
            batch_delay: Duration::from_secs(1),
            queue_exchanges: 2048,
            queue_size: 16 << 20,
        };
        let what = "a collector may take from 10ms to 5m to answer";
        self.time(&mut traces.timeout, written.timeout.as_ref(), 10..=5 * MINUTE, what);
        self.time(&mut traces.retry, written.retry.as_ref(), 0..=60 * MINUTE, "spans are sent again for up to 1h");
        if let Some(batch) = &written.batch {
            super::limits::set(&mut traces.batch_spans, batch.spans.as_ref());
            let what = "a batch waits from 1ms to 1m for more spans";
            self.time(&mut traces.batch_delay, batch.delay.as_ref(), 1..=MINUTE, what);
        }
        if let Some(queue) = &written.queue {
            super::limits::set(&mut traces.queue_exchanges, queue.exchanges.as_ref());
            let range = 64 << 10..=1 << 30;
            self.size(&mut traces.queue_size, queue.size.as_ref(), &range, "what waits takes from 64KiB to 1GiB");
        }
        traces.upstream.clone_from(&upstreams.all[upstream?].name);
        Some(traces)
    }

    /// A field that the collector wants to see.
    fn field(&mut self, name: &Located<String>, value: &forms::Secret) -> Option<(HeaderName, HeaderValue)> {
        let field = HeaderName::from_bytes(name.value.as_bytes());
        let is_taken = |field: &HeaderName| {
            ["content-type", "content-encoding", "content-length", "transfer-encoding", "connection", "host"]
                .contains(&field.as_str())
        };
        let Some(field) = field.ok().filter(|field| !is_taken(field)) else {
            self.fault(name.place, format!("{} is not a field that can be set here", quoted(&name.value))).help =
                Some("write the name of the field that the collector wants, as in authorization".into());
            return None;
        };
        let secret = self.secret(value)?;
        match HeaderValue::from_str(secret.reveal()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                Some((field, value))
            }
            Err(_) => {
                self.fault(name.place, format!("the value of {} cannot stand in a field", quoted(&name.value))).help =
                    Some("it must be one line of ASCII".into());
                None
            }
        }
    }
}
