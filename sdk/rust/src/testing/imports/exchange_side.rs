//! The exchange, and answering in it.

pub(crate) mod exchange {
    use crate::Refusal;
    use crate::exchange::TlsFacts;
    use crate::testing::hooks::Phase;
    use crate::testing::{Host, current};

    pub(crate) fn id() -> String {
        current(|host| host.exchange.id.clone())
    }

    pub(crate) fn site() -> String {
        current(|host| host.exchange.site.clone())
    }

    pub(crate) fn route() -> String {
        current(|host| host.exchange.route.clone())
    }

    pub(crate) fn listener() -> String {
        current(|host| host.exchange.listener.clone())
    }

    pub(crate) fn client_address() -> String {
        current(|host| host.exchange.client_address.clone())
    }

    pub(crate) fn peer_address() -> String {
        current(|host| host.exchange.peer_address.clone())
    }

    pub(crate) fn is_peer_trusted() -> bool {
        current(|host| host.exchange.is_peer_trusted)
    }

    pub(crate) fn tls() -> Option<TlsFacts> {
        current(|host| host.exchange.tls.clone())
    }

    pub(crate) fn elapsed() -> u64 {
        current(|host| u64::try_from(host.exchange.elapsed.as_micros()).unwrap_or(u64::MAX))
    }

    pub(crate) fn slot() -> Vec<u8> {
        current(|host| host.slot.clone())
    }

    pub(crate) fn set_slot(value: &[u8]) -> Result<(), Refusal> {
        if value.len() > 64 << 10 {
            return Err(Refusal::TooLarge);
        }
        current(|host| host.slot = value.to_vec());
        Ok(())
    }

    pub(crate) fn var(name: &str) -> Option<String> {
        current(|host| host.vars.get(name).cloned())
    }

    pub(crate) fn set_var(name: &str, value: &str) -> Result<(), Refusal> {
        current(|host| {
            may_set(host, name)?;
            if value.len() > 8 << 10 || (host.vars.len() >= 128 && !host.vars.contains_key(name)) {
                return Err(Refusal::TooLarge);
            }
            host.vars.insert(name.to_owned(), value.to_owned());
            Ok(())
        })
    }

    pub(crate) fn remove_var(name: &str) -> Result<(), Refusal> {
        current(|host| {
            may_set(host, name)?;
            host.vars.remove(name);
            Ok(())
        })
    }

    pub(crate) fn note(code: &str) {
        current(|host| host.notes.push(code.to_owned()));
    }

    fn may_set(host: &Host, name: &str) -> Result<(), Refusal> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
        };
        if host.phase == Phase::Complete {
            return Err(Refusal::WrongHook);
        }
        if name.len() > 64 || !name.split('.').all(is_word) {
            return Err(Refusal::InvalidName);
        }
        match &host.granted_vars {
            Some(prefixes) if !prefixes.iter().any(|prefix| name.starts_with(prefix.as_str())) => Err(Refusal::Denied),
            _ => Ok(()),
        }
    }
}

pub(crate) mod resumption {
    use crate::testing::current;
    use crate::testing::hooks::{Phase, phase};
    use crate::{Ended, Message, Operation};

    pub(crate) fn outcome() -> Ended {
        about();
        current(|host| host.outcome)
    }

    pub(crate) fn about() -> Message {
        match phase() {
            Phase::Resume(about) => about,
            _ => panic!("what came of a pause is known in the hook after it only"),
        }
    }

    pub(crate) fn waited_for() -> Operation {
        about();
        current(|host| host.waited_for)
    }
}

pub(crate) mod completion {
    use crate::bindings::completion::Summary;
    use crate::testing::current;
    use crate::testing::hooks::{Phase, phase};

    pub(crate) fn read() -> Summary {
        assert_eq!(phase(), Phase::Complete, "how an exchange ended is known in `on_complete` only");
        let duration = super::exchange::elapsed();
        current(|host| Summary {
            status: Some(host.response.head.status),
            ended: host.exchange.ended,
            received: host.exchange.received,
            sent: host.exchange.sent,
            duration,
            until_response: Some(duration),
        })
    }
}

pub(crate) mod reply {
    use crate::testing::message::check;
    use crate::testing::{Answered, current};
    use crate::{Reason, Refusal};

    pub(crate) fn send(status: u16, headers: &[(String, Vec<u8>)], body: &[u8], why: &Reason) -> Result<(), Refusal> {
        if !(200..600).contains(&status) {
            return Err(Refusal::InvalidValue);
        }
        if body.len() > 1 << 20 {
            return Err(Refusal::TooLarge);
        }
        headers.iter().try_for_each(|(name, value)| check(name, value))?;
        current(|host| {
            if host.phase.about().is_none() {
                return Err(Refusal::WrongHook);
            }
            host.reply = Some(Answered {
                status,
                headers: headers.to_vec(),
                body: body.to_vec(),
                trailers: Vec::new(),
                code: why.code.clone(),
                detail: why.detail.clone(),
            });
            Ok(())
        })
    }

    pub(crate) fn add_trailer(name: &str, value: &[u8]) -> Result<(), Refusal> {
        check(name, value)?;
        current(|host| match &mut host.reply {
            Some(reply) => {
                reply.trailers.push((name.to_owned(), value.to_vec()));
                Ok(())
            }
            None => Err(Refusal::WrongHook),
        })
    }
}

pub(crate) mod variables {
    use super::exchange::{remove_var, set_var};
    use crate::Refusal;
    use crate::bindings::variables::Variable;

    pub(crate) fn set_vars(variables: &[Variable<'_>]) -> Result<(), Refusal> {
        variables.iter().try_for_each(|variable| match variable.value {
            Some(value) => set_var(variable.name, value),
            None => remove_var(variable.name),
        })
    }
}
