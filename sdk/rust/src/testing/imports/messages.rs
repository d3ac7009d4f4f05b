//! The request and the response.

/// The functions that both messages have.
macro_rules! fields {
    ($message:ident, $editing:ident) => {
        pub(crate) fn header(name: &str) -> Option<Vec<u8>> {
            header_values(name).into_iter().next()
        }

        pub(crate) fn sole_header(name: &str) -> Result<Option<Vec<u8>>, ()> {
            let mut values = header_values(name).into_iter();
            let value = values.next();
            if values.next().is_none() { Ok(value) } else { Err(()) }
        }

        pub(crate) fn header_values(name: &str) -> Vec<Vec<u8>> {
            let named = |(field, value): &(String, Vec<u8>)| field.eq_ignore_ascii_case(name).then(|| value.clone());
            current(|host| host.$message.fields.iter().filter_map(named).collect())
        }

        pub(crate) fn headers(max: u32) -> Vec<(String, Vec<u8>)> {
            current(|host| host.$message.fields.iter().take(max as usize).cloned().collect())
        }

        pub(crate) fn set_header(name: &str, value: &[u8]) -> Result<(), Refusal> {
            edit(|message| {
                check(name, value)?;
                let place = message.fields.iter().position(|(field, _)| field.eq_ignore_ascii_case(name));
                message.remove(name);
                let place = place.unwrap_or(message.fields.len());
                message.fields.insert(place, (name.to_owned(), value.to_vec()));
                Ok(())
            })
        }

        pub(crate) fn append_header(name: &str, value: &[u8]) -> Result<(), Refusal> {
            edit(|message| {
                check(name, value)?;
                message.fields.push((name.to_owned(), value.to_vec()));
                Ok(())
            })
        }

        pub(crate) fn remove_header(name: &str) -> Result<(), Refusal> {
            edit(|message| {
                check(name, b"")?;
                message.remove(name);
                Ok(())
            })
        }

        fn edit(change: impl FnOnce(&mut Head) -> Result<(), Refusal>) -> Result<(), Refusal> {
            current(|host| match host.phase.about() {
                Some(Message::$editing) => change(&mut host.$message),
                _ => Err(Refusal::WrongHook),
            })
        }
    };
}

pub(crate) mod request {
    use crate::testing::current;
    use crate::testing::message::{Message as Of, NewQuery, RequestHead, check};
    use crate::{Message, Refusal};

    type Head = Of<RequestHead>;

    pub(crate) fn method() -> String {
        current(|host| host.request.head.method.clone())
    }

    pub(crate) fn scheme() -> String {
        current(|host| host.request.head.scheme.clone())
    }

    pub(crate) fn authority() -> String {
        current(|host| host.request.head.authority.clone())
    }

    pub(crate) fn path() -> String {
        current(|host| host.request.head.path.clone())
    }

    pub(crate) fn query() -> Option<String> {
        current(|host| host.request.head.query.clone())
    }

    pub(crate) fn upstream_path() -> String {
        current(|host| host.request.upstream_path().to_owned())
    }

    pub(crate) fn upstream_query() -> Option<String> {
        current(|host| host.request.upstream_query().map(str::to_owned))
    }

    /// As long as a path with its query may be.
    const LONGEST_TARGET: usize = 8 << 10;

    fn fits(path: &str, query: Option<&str>) -> Result<(), Refusal> {
        let length = path.len() + query.map_or(0, |query| query.len() + 1);
        if length > LONGEST_TARGET { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    pub(crate) fn set_path(path: &str) -> Result<(), Refusal> {
        edit(|request| {
            let is_odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'?' | b'#' | b'\\');
            if !path.starts_with('/') || path.bytes().any(is_odd) {
                return Err(Refusal::InvalidValue);
            }
            fits(path, request.upstream_query())?;
            request.head.upstream_path = Some(path.to_owned());
            Ok(())
        })
    }

    pub(crate) fn set_query(query: Option<&str>) -> Result<(), Refusal> {
        edit(|request| {
            if query.is_some_and(|query| query.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'#')) {
                return Err(Refusal::InvalidValue);
            }
            fits(request.upstream_path(), query)?;
            request.head.upstream_query = Some(NewQuery(query.map(str::to_owned)));
            Ok(())
        })
    }

    pub(crate) fn conceal_parameter(name: &str) -> Result<(), Refusal> {
        if name.is_empty() || name.len() > 256 {
            return Err(Refusal::InvalidName);
        }
        let query = upstream_query();
        edit(|request| {
            let is_named = |parameter: &&str| {
                decoded(parameter.split_once('=').map_or(*parameter, |(name, _)| name)) == name.as_bytes()
            };
            if query.as_deref().is_some_and(|query| query.split('&').any(|parameter| is_named(&parameter))) {
                let left: Vec<&str> =
                    query.iter().flat_map(|query| query.split('&')).filter(|other| !is_named(other)).collect();
                let left = left.join("&");
                request.head.upstream_query = Some(NewQuery((!left.is_empty()).then_some(left)));
            }
            Ok(())
        })?;
        current(|host| host.concealed.push(name.to_owned()));
        Ok(())
    }

    /// A parameter's name without its escapes.
    fn decoded(name: &str) -> Vec<u8> {
        let (mut rest, mut decoded) = (name.as_bytes(), Vec::with_capacity(name.len()));
        while let Some((first, behind)) = rest.split_first() {
            let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
            let escaped = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let escaped = escaped.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
            decoded.push(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }));
            rest = if escaped.is_some() { &behind[2..] } else { behind };
        }
        decoded
    }

    fields!(request, Request);
}

pub(crate) mod response {
    use crate::testing::current;
    use crate::testing::message::{Message as Of, ResponseHead, check};
    use crate::{Message, Origin, Refusal};

    type Head = Of<ResponseHead>;

    pub(crate) fn status() -> u16 {
        current(|host| host.response.head.status)
    }

    pub(crate) fn source() -> Origin {
        current(|host| host.response.head.source)
    }

    pub(crate) fn set_status(status: u16) -> Result<(), Refusal> {
        let has_no_body = |status| matches!(status, 101 | 204 | 205 | 304);
        edit(|response| {
            if !(200..600).contains(&status) {
                return Err(Refusal::InvalidValue);
            }
            if status != response.head.status && (has_no_body(status) || has_no_body(response.head.status)) {
                return Err(Refusal::Forbidden);
            }
            response.head.status = status;
            Ok(())
        })
    }

    fields!(response, Response);
}

/// Acts on the message that the running hook is about.
macro_rules! steer {
    (|$message:ident| $act:expr) => {
        crate::testing::current(|host| match host.phase.about() {
            Some(crate::Message::Request) => {
                let $message = &mut host.request;
                $act
            }
            Some(crate::Message::Response) => {
                let $message = &mut host.response;
                $act
            }
            None => Err(crate::Refusal::WrongHook),
        })
    };
}

pub(crate) mod body {
    use crate::testing::current;
    use crate::testing::hooks::Armed;
    use crate::{Coding, Refusal};

    const MOST: usize = 1 << 20;

    pub(crate) fn buffer(max: u32) -> Result<(), Refusal> {
        current(|host| match host.phase.about() {
            None => Err(Refusal::WrongHook),
            Some(_) if max as usize > MOST => Err(Refusal::TooLarge),
            Some(_) => {
                host.armed = Some(Armed::Body(max.into()));
                Ok(())
            }
        })
    }

    pub(crate) fn size() -> Result<u32, Refusal> {
        steer!(|message| if message.buffered {
            Ok(u32::try_from(message.bytes.len()).unwrap_or(u32::MAX))
        } else {
            Err(Refusal::WrongHook)
        })
    }

    pub(crate) fn read(offset: u32, length: u32) -> Result<Vec<u8>, Refusal> {
        steer!(|message| {
            if !message.buffered {
                return Err(Refusal::WrongHook);
            }
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            Ok(message.bytes.iter().skip(offset).take((length as usize).min(MOST)).copied().collect())
        })
    }

    pub(crate) fn replace(bytes: &[u8]) -> Result<(), Refusal> {
        if bytes.len() > MOST {
            return Err(Refusal::TooLarge);
        }
        steer!(|message| {
            message.bytes = bytes.to_vec();
            message.replaced = true;
            for field in ["content-encoding", "content-md5", "digest", "etag"] {
                message.remove(field);
            }
            Ok(())
        })
    }

    pub(crate) fn encode(coding: Coding, level: Option<u8>) -> Result<(), Refusal> {
        let most = match coding {
            Coding::Gzip | Coding::Deflate | Coding::Zstd => 9,
            Coding::Brotli => 6,
        };
        steer!(|message| {
            let least = u8::from(coding != Coding::Brotli);
            if level.is_some_and(|level| !(least..=most).contains(&level)) || message.get("content-encoding").is_some()
            {
                return Err(Refusal::InvalidValue);
            }
            // What described the old bytes goes, and a validator holds weakly.
            for field in ["content-length", "accept-ranges", "content-md5", "digest"] {
                message.remove(field);
            }
            for (field, value) in &mut message.fields {
                if field.eq_ignore_ascii_case("etag") && !value.starts_with(b"W/") {
                    value.splice(..0, *b"W/");
                }
            }
            message.fields.push(("content-encoding".to_owned(), name(coding).into()));
            message.encoded = Some((coding, level));
            Ok(())
        })
    }

    pub(crate) fn decode(coding: Coding, max: u64) -> Result<(), Refusal> {
        steer!(|message| {
            if message.get("content-encoding") != Some(name(coding)) {
                return Err(Refusal::InvalidValue);
            }
            message.remove("content-encoding");
            message.decoded = Some((coding, max));
            Ok(())
        })
    }

    pub(crate) fn decode_within(coding: Coding, max: u64, ratio: u32) -> Result<(), Refusal> {
        decode(coding, max)?;
        steer!(|message| {
            message.decoded_within = Some(ratio);
            Ok(())
        })
    }

    fn name(coding: Coding) -> &'static str {
        match coding {
            Coding::Gzip => "gzip",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
            Coding::Deflate => "deflate",
        }
    }
}

pub(crate) mod chunks {
    use crate::Refusal;

    pub(crate) fn rewrite() -> Result<(), Refusal> {
        steer!(|message| {
            message.rewritten = true;
            Ok(())
        })
    }

    pub(crate) fn observe() -> Result<(), Refusal> {
        steer!(|message| {
            message.observed = true;
            Ok(())
        })
    }

    pub(crate) fn pin() -> Result<(), Refusal> {
        steer!(|message| {
            message.pinned = true;
            Ok(())
        })
    }
}
