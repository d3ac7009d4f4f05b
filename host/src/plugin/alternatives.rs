//! An exchange while alternatives of its chain are asked: what the first of them answered, and how it was before the one
//! that is asked now changed it.
//!
//! An alternative that does not let the request pass leaves nothing behind, for what two of them found out must never mix.
//! What it changes is kept before it does, and only then: one that lets pass without a change costs no copy.

use bytes::Bytes;
use http::header::WWW_AUTHENTICATE;
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode, response};

use super::bindings::Refusal;
use super::error::Failed;
use super::exchange::{Exchange, Origin};
use super::fields;
use super::steering::{Message, Stage};
use super::vars::{self, Name};

/// What there is to know of a group whose alternatives are asked.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// How the first ended that did not let the request pass.
    pub(super) first: Option<SetAside>,
    before: Before,
}

/// How an alternative ended that did not let the request pass.
#[derive(Debug)]
pub(super) struct SetAside {
    /// Its place in the chain.
    pub(super) position: usize,
    pub(super) ended: Ended,
}

#[derive(Debug)]
pub(super) enum Ended {
    Answered(Box<Set>),
    Failed(Failed),
}

/// An answer that was not sent.
#[derive(Debug)]
pub(super) struct Set {
    head: response::Parts,
    body: Option<Bytes>,
    trailers: Option<HeaderMap>,
    origin: Origin,
}

impl Set {
    /// The code of its reason.
    pub(super) fn code(&self) -> &str {
        match &self.origin {
            Origin::Filter(answer) => &answer.code,
            Origin::Upstream | Origin::Host => "",
        }
    }

    /// Takes the challenges of another one: a client that is asked for credentials is told all that would do.
    pub(super) fn challenge(&mut self, other: &Self) {
        if self.head.status != StatusCode::UNAUTHORIZED || other.head.status != StatusCode::UNAUTHORIZED {
            return;
        }
        for challenge in other.head.headers.get_all(WWW_AUTHENTICATE) {
            if !self.head.headers.get_all(WWW_AUTHENTICATE).iter().any(|known| known == challenge) {
                // Without room the client does with those that it has.
                let _ = fields::append(&mut self.head.headers, (WWW_AUTHENTICATE, challenge.clone()));
            }
        }
    }
}

/// What the alternative that is asked has changed, as it was before.
#[derive(Debug, Default)]
struct Before {
    head: Option<Box<(HeaderMap, Option<PathAndQuery>)>>,
    vars: Vec<(Name, Option<String>)>,
    steering: Option<Box<Steered>>,
}

/// What filters before the group asked for about the request's body.
#[derive(Debug)]
struct Steered {
    /// How many stages were there.
    stages: usize,
    /// These, if the body was replaced.
    gone: Option<Vec<Stage>>,
    buffered: Option<Bytes>,
    replaced: Option<Bytes>,
}

impl Exchange {
    /// Takes the answer out that an alternative has just made.
    pub(super) fn take_answer(&mut self) -> Option<Set> {
        let head = self.response.take()?;
        let origin = std::mem::replace(&mut self.origin, Origin::Upstream);
        Some(Set { head, body: self.body.take(), trailers: self.trailers.take(), origin })
    }

    /// Makes it the response.
    pub(super) fn give_answer(&mut self, set: Set) {
        self.answer(set.head, set.body, set.origin);
        self.trailers = set.trailers;
    }

    /// The request's head, or its target, is about to be changed.
    pub(super) fn before_edit(&mut self) {
        if let Some(asking) = self.asking.as_deref_mut()
            && asking.before.head.is_none()
        {
            asking.before.head = Some(Box::new((self.request.headers.clone(), self.target.clone())));
        }
    }

    /// The target as it was before the alternative that is asked has changed it, or the head.
    pub(super) fn target_before(&mut self) -> Option<&mut Option<PathAndQuery>> {
        self.asking.as_deref_mut()?.before.head.as_deref_mut().map(|(_, target)| target)
    }

    /// A variable is about to be changed.
    pub(super) fn before_var(&mut self, name: Name) -> Result<(), Refusal> {
        let Some(asking) = self.asking.as_deref() else { return Ok(()) };
        let kept = &asking.before.vars;
        if kept.iter().any(|(known, _)| known.as_str() == name.as_str()) {
            return Ok(());
        }
        if kept.len() >= vars::MOST {
            return Err(Refusal::TooLarge);
        }
        let value = self.memory().and_then(|memory| memory.vars.get(name.as_str()).map(str::to_owned));
        if let Some(asking) = self.asking.as_deref_mut() {
            asking.before.vars.push((name, value));
        }
        Ok(())
    }

    /// What filters asked for about the request's body is about to be changed.
    pub(super) fn before_steering(&mut self) {
        if self.asking.as_ref().is_none_or(|asking| asking.before.steering.is_some()) {
            return;
        }
        let steering = self.steer(Message::Request);
        let kept = Box::new(Steered {
            stages: steering.stages.len(),
            gone: None,
            buffered: steering.buffered.clone(),
            replaced: steering.replaced.clone(),
        });
        if let Some(asking) = self.asking.as_deref_mut() {
            asking.before.steering = Some(kept);
        }
    }

    /// Takes away what a body would have passed.
    pub(super) fn drop_stages(&mut self, message: Message) {
        let mut gone = std::mem::take(&mut self.steer(message).stages);
        let asking = self.asking.as_deref_mut();
        if let Some(kept) =
            asking.and_then(|asking| asking.before.steering.as_deref_mut()).filter(|kept| kept.gone.is_none())
        {
            gone.truncate(kept.stages);
            kept.gone = Some(gone);
        }
    }

    /// Whether an alternative that may yet be set aside has asked for something about the request's body.
    pub(super) fn is_steered_on_trial(&self) -> bool {
        self.asking.as_ref().is_some_and(|asking| asking.before.steering.is_some())
    }

    /// All that the alternative changed is as it was before it was asked.
    pub(super) fn undo(&mut self) {
        let Some(asking) = self.asking.as_deref_mut() else { return };
        let Before { head, vars, steering } = std::mem::take(&mut asking.before);
        if let Some(head) = head {
            (self.request.headers, self.target) = *head;
        }
        if !vars.is_empty() {
            let mut memory = self.memory_mut();
            for (name, value) in vars {
                memory.vars.remove(name);
                if let Some(value) = value {
                    // It was there before.
                    let _ = memory.vars.set(name, value);
                }
            }
        }
        if let Some(kept) = steering {
            let steering = self.steer(Message::Request);
            match kept.gone {
                Some(stages) => steering.stages = stages,
                None => steering.stages.truncate(kept.stages),
            }
            (steering.buffered, steering.replaced) = (kept.buffered, kept.replaced);
        }
    }
}
