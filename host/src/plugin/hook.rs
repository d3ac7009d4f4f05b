//! The hooks that a component may export, and what a filter may do in each.

use wasmtime::component::{Component, ComponentExportIndex};

use super::contract::{PACKAGE, VERSION};
use super::steering::Message;

/// Which hook is running; what a call of the filter may do depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Configure,
    Request,
    Response,
    Resume(Message),
    Rewrite(Message),
    Observe(Message),
    Complete,
    Tick,
}

/// As many as there are besides `configure`.
pub(super) const EXPORTS: usize = 9;

/// These, by their index.
const HOOKS: [Hook; EXPORTS] = [
    Hook::Request,
    Hook::Response,
    Hook::Resume(Message::Request),
    Hook::Rewrite(Message::Request),
    Hook::Rewrite(Message::Response),
    Hook::Observe(Message::Request),
    Hook::Observe(Message::Response),
    Hook::Complete,
    Hook::Tick,
];

impl Hook {
    /// The message whose head and body the hook may change.
    pub(super) fn about(self) -> Option<Message> {
        match self {
            Self::Request | Self::Resume(Message::Request) => Some(Message::Request),
            Self::Response | Self::Resume(Message::Response) => Some(Message::Response),
            _ => None,
        }
    }

    pub(super) fn index(self) -> usize {
        match self {
            Self::Request => 0,
            Self::Response => 1,
            Self::Resume(_) => 2,
            Self::Rewrite(message) => 3 + message as usize,
            Self::Observe(message) => 5 + message as usize,
            Self::Complete => 7,
            Self::Tick | Self::Configure => 8,
        }
    }

    /// The same, short.
    pub(super) fn number(self) -> u8 {
        u8::try_from(self.index()).expect("there are few hooks")
    }

    /// The name of the exported hook with this index.
    pub(super) fn name_of(index: usize) -> &'static str {
        HOOKS.get(index).copied().map_or("", Self::name)
    }

    /// As the contract calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Request => "on-request",
            Self::Response => "on-response",
            Self::Resume(_) => "on-resume",
            Self::Rewrite(Message::Request) => "on-request-chunk",
            Self::Rewrite(Message::Response) => "on-response-chunk",
            Self::Observe(Message::Request) => "observe-request-chunk",
            Self::Observe(Message::Response) => "observe-response-chunk",
            Self::Complete => "on-complete",
            Self::Tick => "on-tick",
        }
    }
}

/// Where a component exports its hooks.
pub(super) struct Exports {
    pub(super) configure: ComponentExportIndex,
    hooks: [Option<ComponentExportIndex>; EXPORTS],
}

impl Exports {
    /// None if `configure` is missing.
    pub(super) fn of(component: &Component) -> Option<Self> {
        // Function and interface have the same name.
        let find = |hook: Hook| {
            let interface = component.get_export_index(None, format!("{PACKAGE}/{}@{VERSION}", hook.name()))?;
            component.get_export_index(Some(&interface), hook.name())
        };
        Some(Self { configure: find(Hook::Configure)?, hooks: HOOKS.map(find) })
    }

    pub(super) fn get(&self, hook: Hook) -> Option<&ComponentExportIndex> {
        match hook {
            Hook::Configure => Some(&self.configure),
            hook => self.hooks[hook.index()].as_ref(),
        }
    }
}
