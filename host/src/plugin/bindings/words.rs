//! The contract's enums.

use wasmtime::component::{ComponentType, Lift, Lower};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($case:ident = $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[allow(clippy::enum_variant_names)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
        #[component(enum)]
        #[repr(u8)]
        pub(in crate::plugin) enum $name {
            $(#[component(name = $word)] $case),*
        }
    )*};
}

words! {
    /// `types.flow`.
    Flow {
        Next = "next",
        Stop = "stop",
        Pause = "pause",
    }

    /// `types.refusal`.
    Refusal {
        InvalidName = "invalid-name",
        InvalidValue = "invalid-value",
        Forbidden = "forbidden",
        TooLarge = "too-large",
        WrongHook = "wrong-hook",
        Denied = "denied",
    }

    /// `types.message`.
    Message {
        Request = "request",
        Response = "response",
    }

    /// `response.origin`.
    Origin {
        Upstream = "upstream",
        Filter = "filter",
        Host = "host",
    }

    /// `log.level`.
    Level {
        Error = "error",
        Warn = "warn",
        Info = "info",
        Debug = "debug",
    }

    /// `resumption.ended`.
    Ended {
        Done = "done",
        OverLimit = "over-limit",
        TimedOut = "timed-out",
        Failed = "failed",
    }

    /// `resumption.operation`.
    Awaited {
        Body = "body",
        Document = "document",
    }

    /// `files.missing`.
    Missing {
        NotFound = "not-found",
        Next = "next",
    }

    /// `completion.ending`.
    Ending {
        Complete = "complete",
        ClientGone = "client-gone",
        UpstreamFailed = "upstream-failed",
        TimedOut = "timed-out",
        TooLarge = "too-large",
        FilterFailed = "filter-failed",
    }

    /// `setup.hook`.
    Hook {
        OnRequest = "on-request",
        OnResponse = "on-response",
        OnComplete = "on-complete",
    }

    /// `body.coding`.
    Coding {
        Gzip = "gzip",
        Brotli = "brotli",
        Zstd = "zstd",
        Deflate = "deflate",
    }

    /// `crypto.hash`.
    Hash {
        Sha1 = "sha1",
        Sha256 = "sha256",
        Sha384 = "sha384",
        Sha512 = "sha512",
    }

    /// `crypto.signature`.
    Signature {
        Rs256 = "rs256",
        Rs384 = "rs384",
        Rs512 = "rs512",
        Ps256 = "ps256",
        Ps384 = "ps384",
        Ps512 = "ps512",
        Es256 = "es256",
        Es384 = "es384",
        Es512 = "es512",
        Eddsa = "eddsa",
    }

    /// `kv.error`.
    KvError {
        Denied = "denied",
        TooLarge = "too-large",
        NotANumber = "not-a-number",
        Unsupported = "unsupported",
        TimedOut = "timed-out",
        Unavailable = "unavailable",
    }

    /// `http-client.error`.
    CallError {
        Denied = "denied",
        InvalidRequest = "invalid-request",
        TooMany = "too-many",
        TooLarge = "too-large",
        TimedOut = "timed-out",
        Failed = "failed",
    }

    /// `password.error`.
    PasswordError {
        UnknownFormat = "unknown-format",
        TooCostly = "too-costly",
        Overloaded = "overloaded",
    }
}
