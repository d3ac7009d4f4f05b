//! What a filter learns when something is over: what it paused for, or the exchange.

use wasmtime::component::LinkerInstance;
use wasmtime::{Result, format_err};

use super::Store;
use crate::plugin::bindings::{Ended, Ending, Message, Summary};
use crate::plugin::exchange;
use crate::plugin::hook::Hook;
use crate::plugin::instance::Guest;
use crate::plugin::steering::{self, Outcome};

pub(super) fn link_resumption(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("outcome", |store: Store<'_>, (): ()| {
        about(store.data())?;
        let paused = store.data().exchange()?.paused.as_ref();
        let ended = match paused.and_then(|paused| paused.outcome) {
            Some(Outcome::Done) => Ended::Done,
            Some(Outcome::OverLimit) => Ended::OverLimit,
            Some(Outcome::TimedOut) => Ended::TimedOut,
            Some(Outcome::Failed) | None => Ended::Failed,
        };
        Ok((ended,))
    })?;
    linker.func_wrap("about", |store: Store<'_>, (): ()| {
        let about = match about(store.data())? {
            steering::Message::Request => Message::Request,
            steering::Message::Response => Message::Response,
        };
        Ok((about,))
    })
}

fn about(guest: &Guest) -> Result<steering::Message> {
    match guest.hook {
        Hook::Resume(message) => Ok(message),
        hook => Err(format_err!("`{}` resumes nothing: this can be called in `on-resume` only", hook.name())),
    }
}

pub(super) fn link_completion(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("read", |store: Store<'_>, (): ()| {
        let summary = store.data().exchange()?.summary.as_deref();
        let summary = summary.ok_or_else(|| format_err!("the exchange is not over: call this in `on-complete`"))?;
        Ok((Summary {
            status: summary.status,
            ended: match summary.ending {
                exchange::Ending::Complete => Ending::Complete,
                exchange::Ending::ClientGone => Ending::ClientGone,
                exchange::Ending::UpstreamFailed => Ending::UpstreamFailed,
                exchange::Ending::TimedOut => Ending::TimedOut,
                exchange::Ending::TooLarge => Ending::TooLarge,
                exchange::Ending::FilterFailed => Ending::FilterFailed,
            },
            received: summary.received,
            sent: summary.sent,
            duration: summary.duration,
            until_response: summary.until_response,
        },))
    })
}
