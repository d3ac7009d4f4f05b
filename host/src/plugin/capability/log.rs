//! Lines in the proxy's log. A filter cannot forge one, and cannot drown the others.

use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmStr};

use super::Store;
use crate::plugin::bindings::Level;
use crate::plugin::instance::Guest;

const LONGEST_LINE: usize = 4 << 10;
const MOST_LINES: u32 = 32;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("write", |mut store: Store<'_>, (level, message): (Level, WasmStr)| {
        store.data_mut().lines += 1;
        let text = match store.data().lines {
            lines if lines <= MOST_LINES => escape(&message.to_str(&store)?),
            lines if lines == MOST_LINES + 1 => {
                format!("more than {MOST_LINES} lines in one hook; the rest is left out")
            }
            _ => return Ok(()),
        };
        let filter = store.data().entry.name.as_str();
        let exchange = store.data().exchange.as_ref().map(|exchange| tracing::field::display(exchange.id));
        match level {
            Level::Error => tracing::error!(filter, exchange, "{text}"),
            Level::Warn => tracing::warn!(filter, exchange, "{text}"),
            Level::Info => tracing::info!(filter, exchange, "{text}"),
            Level::Debug => tracing::debug!(filter, exchange, "{text}"),
        }
        Ok(())
    })
}

/// The message on one line, cut to its limit.
fn escape(message: &str) -> String {
    let mut text = String::with_capacity(message.len().min(LONGEST_LINE));
    for character in message.chars() {
        if text.len() >= LONGEST_LINE {
            text.push_str(" ...");
            break;
        }
        if character.is_control() { text.extend(character.escape_default()) } else { text.push(character) }
    }
    text
}
