//! What was decided about exchanges that are over.

use crate::admin::schema::view;

view! {
    /// Exchanges that are over, the newest first.
    struct Stories {
        /// They.
        stories: Vec<Story>,
        /// What there is to be found.
        kept: KeptStories,
    }
}

view! {
    /// What is kept of exchanges.
    struct KeptStories {
        /// Refusals and failures.
        refused_or_failed: usize,
        /// Those that had to make room for newer ones, or came too many at once.
        gone: u64,
        /// Samples of the rest.
        sampled: usize,
        /// One in so many of the rest is kept; 0 for none. Null if nothing at all is kept.
        sample: Option<u32>,
    }
}

view! {
    /// Who decided what about an exchange.
    struct Story {
        /// Its id.
        id: String,
        /// The id that its response had, if that was another one.
        request_id: Option<String>,
        /// When it began.
        time: String,
        /// Who asked.
        client: String,
        /// Where it came in.
        listener: String,
        /// What was asked.
        method: String,
        /// Of whom, if it was said.
        host: Option<String>,
        /// Path and query.
        target: String,
        /// What was answered; null if the client had gone.
        status: Option<u16>,
        /// Who made the response: `upstream`, `host`, `client` or a filter's name.
        by: String,
        /// Why, in a word.
        reason: Option<String>,
        /// Why, in more words.
        detail: Option<String>,
        /// `complete`, or who ended it early.
        ended: String,
        /// Bytes of the response's body.
        bytes: u64,
        /// Milliseconds to the response's head, as far as that is known.
        response_ms: Option<f64>,
        /// Milliseconds to the end.
        ms: f64,
        /// What serves it.
        site: Option<StoryPlace>,
        /// What serves it.
        route: Option<StoryPlace>,
        /// The filters, outermost first.
        chain: Vec<StoryFilter>,
        /// What they did, in order.
        hooks: Vec<StoryHook>,
        /// Hooks there was no room for.
        hooks_missed: usize,
        /// Who was asked for a response.
        upstream: Option<StoryUpstream>,
    }
}

view! {
    /// A part of the configuration.
    struct StoryPlace {
        /// Its name.
        name: String,
        /// Its file and line, as in `weir.yaml:7`.
        line: String,
    }
}

view! {
    /// A filter of the chain.
    struct StoryFilter {
        /// Its name.
        name: String,
        /// Its file and line.
        line: String,
        /// Where a route changes it.
        changed: Option<String>,
        /// What becomes of exchanges when it fails: `open` or `closed`.
        on_failure: &'static str,
        /// Whether the request came to it.
        reached: bool,
        /// The group of alternatives (`any_of`) that it is in, from 1: of each group one that lets pass is enough.
        any_of: Option<usize>,
    }
}

view! {
    /// A hook of a filter.
    struct StoryHook {
        /// The filter's name.
        filter: String,
        /// Its place in the chain, from 0.
        position: usize,
        /// As the contract calls it.
        hook: &'static str,
        /// `next`, `answer`, `set-aside` (an answer that was not sent, because another alternative decided), `pause`,
        /// `failed`, `quarantine` and `except` (not called), or `unfinished` (it waited when the exchange ended).
        flow: &'static str,
        /// Why, in a word.
        reason: Option<String>,
        /// Why, in more words.
        detail: Option<String>,
        /// Milliseconds from the exchange's begin.
        at_ms: f64,
        /// Milliseconds on the worker's thread.
        ms: f64,
        /// Milliseconds in which it waited.
        waited_ms: f64,
        /// Pieces of a body, if it is about one.
        pieces: Option<u64>,
    }
}

view! {
    /// Who was asked for a response.
    struct StoryUpstream {
        /// Its name.
        name: String,
        /// Its endpoints that were asked, in order.
        attempts: Vec<StoryAttempt>,
    }
}

view! {
    /// An endpoint that was asked.
    struct StoryAttempt {
        /// Host and port.
        endpoint: String,
        /// Milliseconds from the exchange's begin.
        at_ms: f64,
        /// Milliseconds to the response's head or the error; null if neither came.
        ms: Option<f64>,
        /// Whether a connection was opened for it.
        is_new: bool,
        /// What went wrong.
        error: Option<String>,
    }
}
