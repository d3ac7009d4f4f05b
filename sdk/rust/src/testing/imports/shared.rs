//! What the filter shares with others: stores, documents, files, upstreams.

pub(crate) mod kv {
    use crate::bindings::kv::{Operation, Stand, Step};
    use crate::store::{Error, Outcome};
    use crate::testing::stores::Slot;
    use crate::testing::{Host, current};

    fn within<T>(store: &str, key: &str, act: impl FnOnce(Slot<'_>) -> Result<T, Error>) -> Result<T, Error> {
        current(|host: &mut Host| act(host.stores.open(store, key, host.now)?))
    }

    pub(crate) fn get(store: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        within(store, key, |slot| Ok(slot.get()))
    }

    pub(crate) fn set(store: &str, key: &str, value: &[u8], ttl: Option<u64>) -> Result<(), Error> {
        within(store, key, |slot| slot.set(value, ttl))
    }

    pub(crate) fn set_durable(store: &str, key: &str, _: &[u8], _: Option<u64>) -> Result<(), Error> {
        within(store, key, |_| Err(Error::Unsupported))
    }

    pub(crate) fn remove(store: &str, key: &str) -> Result<bool, Error> {
        within(store, key, |slot| Ok(slot.delete()))
    }

    pub(crate) fn increment(store: &str, key: &str, by: u64, ttl: Option<u64>) -> Result<i64, Error> {
        let by = i64::try_from(by).map_err(|_| Error::NotANumber)?;
        within(store, key, |slot| slot.increment(by, ttl))
    }

    pub(crate) fn decrement(store: &str, key: &str, by: u64, ttl: Option<u64>) -> Result<i64, Error> {
        let by = i64::try_from(by).map_err(|_| Error::NotANumber)?;
        within(store, key, |slot| slot.increment(-by, ttl))
    }

    pub(crate) fn compare_and_swap(
        store: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        ttl: Option<u64>,
    ) -> Result<bool, Error> {
        within(store, key, |slot| {
            if slot.get().as_deref() != expected {
                return Ok(false);
            }
            match new {
                Some(new) => slot.set(new, ttl)?,
                None => {
                    slot.delete();
                }
            }
            Ok(true)
        })
    }

    pub(crate) fn batch(store: &str, operations: &[Operation]) -> Result<Vec<Outcome>, Error> {
        if operations.len() > 64 {
            return Err(Error::TooLarge);
        }
        let one = |operation: &Operation| match operation {
            Operation::Get(key) => get(store, key).map(Outcome::Value),
            Operation::Set(entry) => set(store, &entry.key, &entry.value, entry.ttl).map(|()| Outcome::Done),
            Operation::Remove(key) => remove(store, key).map(Outcome::Removed),
            Operation::Increment(add) => increment(store, &add.key, add.by, add.ttl).map(Outcome::Number),
            Operation::Decrement(add) => decrement(store, &add.key, add.by, add.ttl).map(Outcome::Number),
        };
        Ok(operations.iter().map(|operation| one(operation).unwrap_or_else(Outcome::Failed)).collect())
    }

    pub(crate) fn advance(store: &str, steps: &[Step]) -> Result<Vec<Stand>, Error> {
        const EXACT: i64 = 1 << 53;
        if steps.len() > 64 || steps.iter().any(|step| step.key.len() > 1 << 10) {
            return Err(Error::TooLarge);
        }
        let is_exact = |number: i64| (-EXACT..=EXACT).contains(&number);
        let are_exact =
            |step: &Step| i64::try_from(step.by).is_ok_and(is_exact) && is_exact(step.floor) && is_exact(step.most);
        if !steps.iter().all(are_exact) {
            return Err(Error::NotANumber);
        }
        // Also without a step it is found that there is no such store.
        within(store, "", |_| Ok(()))?;
        let mut stands = Vec::new();
        for step in steps {
            let stand = within(store, &step.key, |slot| slot.step(step))?;
            stands.push(stand);
            if !stand.taken {
                break;
            }
        }
        Ok(stands)
    }
}

pub(crate) mod documents {
    use crate::Refusal;
    use crate::bindings::documents::Document;
    use crate::testing::current;
    use crate::testing::hooks::Armed;
    use crate::testing::sources::Document as Kept;

    fn of<T>(handle: &str, look: impl FnOnce(&Kept) -> T) -> Result<T, Refusal> {
        current(|host| host.sources.documents.get(handle).map(look).ok_or(Refusal::Denied))
    }

    pub(crate) fn version(handle: &str) -> Result<u64, Refusal> {
        of(handle, |document| document.version)
    }

    pub(crate) fn read(handle: &str) -> Result<Option<Document>, Refusal> {
        of(handle, |document| {
            let fetched = u64::try_from(document.fetched.as_nanos()).unwrap_or(u64::MAX);
            document.text.clone().map(|text| Document { version: document.version, text, fetched })
        })
    }

    pub(crate) fn refresh(handle: &str) -> Result<(), Refusal> {
        version(handle)?;
        current(|host| match host.phase.about() {
            Some(_) => {
                host.armed = Some(Armed::Document(handle.to_owned()));
                Ok(())
            }
            None => Err(Refusal::WrongHook),
        })
    }
}

pub(crate) mod files {
    use crate::bindings::files::{Candidate, Missing};
    use crate::testing::hooks::{Looked, Phase};
    use crate::testing::message::check;
    use crate::testing::{Answered, current};
    use crate::{Message, Refusal};

    fn is_path(path: &str) -> bool {
        path.split('/').all(|name| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0']))
    }

    pub(crate) fn send(directory: &str, candidates: &[Candidate], missing: Missing) -> Result<(), Refusal> {
        let is_sound = |candidate: &Candidate| {
            let is_status = match candidate.status {
                200 | 400..=599 => candidate.location.is_none(),
                301 | 302 | 303 | 307 | 308 => candidate.location.is_some(),
                _ => false,
            };
            is_status && is_path(&candidate.path)
        };
        if candidates.len() > 64 || candidates.iter().any(|candidate| candidate.path.len() > 4096) {
            return Err(Refusal::TooLarge);
        }
        for (name, value) in candidates.iter().flat_map(|candidate| &candidate.headers) {
            check(name, value)?;
        }
        if candidates.is_empty() || !candidates.iter().all(is_sound) {
            return Err(Refusal::InvalidValue);
        }
        current(|host| {
            if !matches!(host.phase, Phase::Request | Phase::Resume(Message::Request)) {
                return Err(Refusal::WrongHook);
            }
            let files = host.sources.directories.get(directory).ok_or(Refusal::Denied)?;
            let found = candidates.iter().find_map(|candidate| Some((candidate, files.get(&candidate.path)?)));
            let answered = |status, headers, body: &[u8], code: &str, detail: &str| Answered {
                status,
                headers,
                body: body.to_vec(),
                trailers: Vec::new(),
                code: code.to_owned(),
                detail: detail.to_owned(),
            };
            host.looked = Some(match (found, missing) {
                (None, Missing::Next) => Looked::GoesOn,
                (None, Missing::NotFound) => {
                    Looked::Answered(answered(404, Vec::new(), b"404 Not Found\n", "no-file", ""))
                }
                (Some((candidate, text)), _) => {
                    let mut headers = candidate.headers.clone();
                    let (code, body) = match &candidate.location {
                        Some(location) => {
                            headers.push(("location".to_owned(), location.clone().into_bytes()));
                            ("redirect", &[][..])
                        }
                        None => ("file", text.as_slice()),
                    };
                    Looked::Answered(answered(candidate.status, headers, body, code, &candidate.path))
                }
            });
            Ok(())
        })
    }
}

pub(crate) mod http_client {
    use crate::bindings::http_client::{Request, Response};
    use crate::testing::{Asked, CURRENT, current};
    use crate::upstream::Error;

    pub(crate) fn send(request: &Request) -> Result<Response, Error> {
        let asked = Asked {
            method: request.method.clone(),
            target: request.target.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        };
        // The test's function may be asked while nothing is borrowed only: it may look at a host of its own.
        let mut answers = current(|host| host.sources.upstreams.remove(&request.upstream)).ok_or(Error::Denied)?;
        let answer = answers(&asked);
        CURRENT.with_borrow_mut(|host| {
            if let Some(host) = host {
                host.sources.upstreams.insert(request.upstream.clone(), answers);
            }
        });
        let answer = answer?;
        if answer.body.len() > request.max_body.unwrap_or(1 << 20) as usize {
            return Err(Error::TooLarge);
        }
        Ok(Response { status: answer.status, headers: answer.headers, body: answer.body })
    }

    /// There is one exchange here, so nobody to share it with.
    pub(crate) fn send_shared(key: &str, request: &Request) -> Result<Response, Error> {
        if key.len() > 1 << 10 {
            return Err(Error::InvalidRequest);
        }
        current(|host| host.shared.push(key.to_owned()));
        send(request)
    }

    pub(crate) fn send_all(requests: &[Request]) -> Vec<Result<Response, Error>> {
        requests.iter().map(send).collect()
    }
}
