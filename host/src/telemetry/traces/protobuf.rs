//! Protocol Buffers, as far as OTLP needs them: writing messages, and reading the fields of one.

/// A message that is being written.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Fields that were written before, as they are.
    pub(super) fn fields(&mut self, fields: &Self) {
        self.0.extend_from_slice(&fields.0);
    }

    pub(super) fn number(&mut self, field: u32, number: u64) {
        self.tag(field, 0);
        self.varint(number);
    }

    pub(super) fn fixed32(&mut self, field: u32, number: u32) {
        self.tag(field, 5);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn fixed64(&mut self, field: u32, number: u64) {
        self.tag(field, 1);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.tag(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A message in this one. Its length stands before it, so that it moves when it is there.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.tag(field, 2);
        let start = self.0.len();
        write(self);
        let end = self.0.len();
        self.varint((end - start) as u64);
        let length = self.0.len() - end;
        self.0[start..].rotate_right(length);
    }

    fn tag(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    fn varint(&mut self, mut number: u64) {
        while let Some(low) = u8::try_from(number & 0x7f).ok().filter(|_| number >= 0x80) {
            self.0.push(low | 0x80);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).unwrap_or(0));
    }
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message; it ends where the message is none.
pub(super) fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, Value<'_>)> {
    std::iter::from_fn(move || {
        let tag = varint(&mut message)?;
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut message)?),
            1 => Value::Bytes(take(&mut message, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut message)?).ok()?;
                Value::Bytes(take(&mut message, length)?)
            }
            5 => Value::Bytes(take(&mut message, 4)?),
            _ => return None,
        };
        Some((tag >> 3, value))
    })
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(taken)
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(message, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let long = "x".repeat(300);
        let mut message = Message::default();
        message.number(1, 0);
        message.number(16, u64::MAX);
        message.bytes(2, b"text");
        message.fixed64(3, 0x0102);
        message.fixed32(4, 3);
        message.message(5, |inner| {
            inner.bytes(1, long.as_bytes());
            inner.message(2, |innermost| innermost.number(1, 128));
        });
        let bytes = message.into_bytes();
        let read: Vec<_> = fields(&bytes).collect();
        assert_eq!(read[..2], [(1, Value::Number(0)), (16, Value::Number(u64::MAX))]);
        assert_eq!(read[2..4], [(2, Value::Bytes(b"text")), (3, Value::Bytes(&[2, 1, 0, 0, 0, 0, 0, 0]))]);
        assert_eq!(read[4], (4, Value::Bytes(&[3, 0, 0, 0])));
        let (5, Value::Bytes(inner)) = read[5] else { panic!("{read:?}") };
        let inner: Vec<_> = fields(inner).collect();
        assert_eq!(inner[0], (1, Value::Bytes(long.as_bytes())));
        assert_eq!(inner[1], (2, Value::Bytes(&[8, 128, 1])));
        assert_eq!((inner.len(), read.len()), (2, 6));
    }

    #[test]
    fn what_is_no_message_ends_early() {
        for bytes in [
            &[0x80][..],
            &[10, 5, 1],
            &[9, 1],
            &[13, 1],
            &[11],
            &[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        ] {
            assert_eq!(fields(bytes).count(), 0, "{bytes:?}");
        }
    }
}
