//! Redis's protocol (RESP2): commands as bytes, and replies read from what has come so far. Whatever comes is read within
//! bounds, and never trusted to end.

use bytes::{Buf, Bytes, BytesMut};

/// Bytes of one value: more than any that is written here.
const LARGEST: usize = 8 << 20;
/// Values of a list.
const LONGEST: usize = 1 << 16;
/// Bytes of a line: an error's words.
const LONGEST_LINE: usize = 64 << 10;
/// Bytes of a reply, with all that is in it.
const MOST: usize = 16 << 20;
/// Lists in lists.
const DEEPEST: usize = 8;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Nil,
    Text(Bytes),
    Number(i64),
    List(Vec<Value>),
    /// The server's words.
    Error(Box<str>),
}

/// What came is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbage;

/// Appends a command.
pub(super) fn command(out: &mut Vec<u8>, parts: &[&[u8]]) {
    number(out, b'*', parts.len());
    for part in parts {
        number(out, b'$', part.len());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    }
}

fn number(out: &mut Vec<u8>, kind: u8, number: usize) {
    out.push(kind);
    out.extend_from_slice(number.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Takes a reply off what has come, if it has come whole.
pub(super) fn take(come: &mut BytesMut) -> Result<Option<Value>, Garbage> {
    let mut rest = &come[..];
    let Some(value) = value(&mut rest, DEEPEST)? else { return if come.len() > MOST { Err(Garbage) } else { Ok(None) } };
    let length = come.len() - rest.len();
    come.advance(length);
    Ok(Some(value))
}

fn value(rest: &mut &[u8], depth: usize) -> Result<Option<Value>, Garbage> {
    let Some(line) = line(rest)? else { return Ok(None) };
    let (kind, line) = line.split_first().ok_or(Garbage)?;
    Ok(Some(match kind {
        b'+' => Value::Text(Bytes::copy_from_slice(line)),
        b'-' => Value::Error(String::from_utf8_lossy(line).into()),
        b':' => Value::Number(whole(line)?),
        b'$' => {
            let Some(length) = length(line, LARGEST)? else { return Ok(Some(Value::Nil)) };
            let Some((text, after)) = rest.split_at_checked(length) else { return Ok(None) };
            let Some((end, after)) = after.split_at_checked(2) else { return Ok(None) };
            if end != b"\r\n" {
                return Err(Garbage);
            }
            *rest = after;
            Value::Text(Bytes::copy_from_slice(text))
        }
        b'*' => {
            let Some(length) = length(line, LONGEST)? else { return Ok(Some(Value::Nil)) };
            let below = depth.checked_sub(1).ok_or(Garbage)?;
            // What is promised may never come: no room is made for it beforehand.
            let mut values = Vec::new();
            for _ in 0..length {
                let Some(value) = value(rest, below)? else { return Ok(None) };
                values.push(value);
            }
            Value::List(values)
        }
        _ => return Err(Garbage),
    }))
}

/// Up to the end of a line, which is taken off, too.
fn line<'a>(rest: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Garbage> {
    let looked = &rest[..rest.len().min(LONGEST_LINE)];
    let Some(end) = looked.iter().position(|byte| *byte == b'\n') else {
        return if looked.len() == LONGEST_LINE { Err(Garbage) } else { Ok(None) };
    };
    let line = looked[..end].strip_suffix(b"\r").ok_or(Garbage)?;
    *rest = &rest[end + 1..];
    Ok(Some(line))
}

/// None for what is not there: -1.
fn length(line: &[u8], most: usize) -> Result<Option<usize>, Garbage> {
    match whole(line)? {
        -1 => Ok(None),
        length => usize::try_from(length).ok().filter(|length| *length <= most).map(Some).ok_or(Garbage),
    }
}

fn whole(line: &[u8]) -> Result<i64, Garbage> {
    std::str::from_utf8(line).ok().and_then(|text| text.parse().ok()).ok_or(Garbage)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// Every reply is the same in however many pieces it comes, and nothing of the next one is taken.
    #[test]
    fn replies_are_read_as_they_come() {
        let whole = b"+OK\r\n-ERR no\r\n:-7\r\n$5\r\na\r\nbc\r\n$-1\r\n$0\r\n\r\n*3\r\n:1\r\n*1\r\n$1\r\nx\r\n$-1\r\n*-1\r\n*0\r\n";
        let wanted = vec![
            text("OK"),
            Value::Error("ERR no".into()),
            Value::Number(-7),
            text("a\r\nbc"),
            Value::Nil,
            text(""),
            Value::List(vec![Value::Number(1), Value::List(vec![text("x")]), Value::Nil]),
            Value::Nil,
            Value::List(Vec::new()),
        ];
        for size in 1..whole.len() {
            let (mut come, mut read) = (BytesMut::new(), Vec::new());
            for piece in whole.chunks(size) {
                come.extend_from_slice(piece);
                while let Some(value) = take(&mut come).unwrap() {
                    read.push(value);
                }
            }
            assert_eq!(read, wanted, "in pieces of {size}");
            assert!(come.is_empty());
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let deep = "*1\r\n".repeat(DEEPEST + 1);
        let endless = "+".repeat(LONGEST_LINE);
        for garbage in [
            "HTTP/1.1 400 Bad Request\r\n",
            "\r\n",
            "+OK\n",
            ":1x\r\n",
            ":99999999999999999999\r\n",
            "$-2\r\n",
            "$8388609\r\n",
            "$1\r\nabc",
            "*65537\r\n",
            "*99999999999999\r\n",
            &deep,
            &endless,
        ] {
            assert_eq!(take(&mut BytesMut::from(garbage)), Err(Garbage), "{garbage:.40}");
        }
        // Each is short enough, and they never end.
        let many = format!("*65536\r\n{}", "$1048576\r\n".to_owned() + &"x".repeat(1 << 20) + "\r\n");
        let mut come = BytesMut::from(many.as_str());
        assert_eq!(take(&mut come), Ok(None));
        let one = come.split_off("*65536\r\n".len());
        (0..17).for_each(|_| come.extend_from_slice(&one));
        assert_eq!(take(&mut come), Err(Garbage));
    }
}
