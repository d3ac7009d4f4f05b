//! OTLP: batches of spans as a collector takes them, and what it answers. The numbers are those of the protocol's
//! `trace.proto` and `trace_service.proto`, version 1.

use std::fmt::Display;

use super::protobuf::{self, Message, Value};

/// The semantic conventions that attributes follow.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.26.0";

/// What a span stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

/// A span without its attributes and events.
#[derive(Debug)]
pub(super) struct Span<'a> {
    pub(super) trace: u128,
    pub(super) id: u64,
    pub(super) parent: u64,
    /// Whether the parent is another process's.
    pub(super) is_remote: bool,
    pub(super) flags: u8,
    pub(super) state: &'a str,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Nanoseconds since 1970.
    pub(super) began: u64,
    pub(super) ended: u64,
    /// What went wrong, if it did; may be empty.
    pub(super) failed: Option<&'a str>,
}

/// Spans that go to the collector together.
#[derive(Debug, Default)]
pub struct Batch {
    spans: Message,
    count: u64,
}

impl Batch {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Bytes that they take.
    pub fn size(&self) -> usize {
        self.spans.len()
    }

    /// The request's body, for a service of this name.
    pub fn request(&self, service: &str) -> Vec<u8> {
        let mut request = Message::default();
        request.message(1, |of_resource| {
            of_resource.message(1, |resource| {
                let mut attributes = Attributes { message: resource, field: 1 };
                attributes.text("service.name", service);
                attributes.text("service.version", env!("CARGO_PKG_VERSION"));
            });
            of_resource.message(2, |of_scope| {
                of_scope.message(1, |scope| {
                    scope.bytes(1, b"weir");
                    scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
                });
                of_scope.fields(&self.spans);
            });
            of_resource.bytes(3, SCHEMA.as_bytes());
        });
        request.into_bytes()
    }

    pub(super) fn add(&mut self, span: &Span<'_>, more: impl FnOnce(&mut Writer<'_>)) {
        self.count += 1;
        self.spans.message(2, |message| {
            message.bytes(1, &span.trace.to_be_bytes());
            message.bytes(2, &span.id.to_be_bytes());
            if !span.state.is_empty() {
                message.bytes(3, span.state.as_bytes());
            }
            if span.parent != 0 {
                message.bytes(4, &span.parent.to_be_bytes());
            }
            message.bytes(5, span.name.as_bytes());
            message.number(6, span.kind as u64);
            message.fixed64(7, span.began);
            message.fixed64(8, span.ended);
            more(&mut Writer(message));
            if let Some(why) = span.failed {
                message.message(15, |status| {
                    if !why.is_empty() {
                        status.bytes(2, why.as_bytes());
                    }
                    // Error.
                    status.number(3, 2);
                });
            }
            // Above the W3C's flags: it is known whether the parent is remote, and it is.
            let remote = if span.is_remote { 0x300 } else { 0x100 };
            message.fixed32(16, u32::from(span.flags) | if span.parent == 0 { 0 } else { remote });
        });
    }
}

/// Writes what a span has besides.
pub(super) struct Writer<'a>(&'a mut Message);

impl Writer<'_> {
    pub(super) fn attributes(&mut self) -> Attributes<'_> {
        Attributes { message: self.0, field: 9 }
    }

    /// Something that happened at this time, in nanoseconds since 1970.
    pub(super) fn event(&mut self, name: &str, at: u64, more: impl FnOnce(&mut Attributes<'_>)) {
        self.0.message(11, |event| {
            event.fixed64(1, at);
            event.bytes(2, name.as_bytes());
            more(&mut Attributes { message: event, field: 3 });
        });
    }
}

/// Writes attributes, each with its own name.
pub(super) struct Attributes<'a> {
    message: &'a mut Message,
    field: u32,
}

impl Attributes<'_> {
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.value(name, |value| value.bytes(1, text.as_bytes()));
    }

    /// If there is one.
    pub(super) fn said(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    pub(super) fn display(&mut self, name: &str, value: impl Display) {
        self.text(name, &value.to_string());
    }

    pub(super) fn number(&mut self, name: &str, number: u64) {
        self.value(name, |value| value.number(3, number));
    }

    pub(super) fn flag(&mut self, name: &str, flag: bool) {
        self.value(name, |value| value.number(2, flag.into()));
    }

    fn value(&mut self, name: &str, write: impl FnOnce(&mut Message)) {
        self.message.message(self.field, |attribute| {
            attribute.bytes(1, name.as_bytes());
            attribute.message(2, write);
        });
    }
}

/// Of an answer that takes the request: how many spans it does not take, and why.
pub fn rejected(answer: &[u8]) -> (u64, String) {
    let (mut count, mut why) = (0, String::new());
    let partial = protobuf::fields(answer).filter_map(|field| match field {
        (1, Value::Bytes(partial)) => Some(partial),
        _ => None,
    });
    for field in partial.flat_map(protobuf::fields) {
        match field {
            // Nobody counts below zero.
            (1, Value::Number(number)) => count = number.min(u64::from(u32::MAX)),
            (2, Value::Bytes(text)) => why = String::from_utf8_lossy(text).chars().take(200).collect(),
            _ => {}
        }
    }
    (count, why)
}
