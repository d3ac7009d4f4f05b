//! A record as a line. Every exchange may have one, so it is put together by hand: the formatters of the standard library
//! take six times as long.

use std::io::Write;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::time;

/// What is known about an exchange when it is over.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its id.
    pub exchange: &'a str,
    /// Its trace, if that is recorded.
    pub trace: Option<&'a str>,
    /// The peer's address.
    pub client: IpAddr,
    /// As sent.
    pub method: &'a str,
    /// As the client named it, if it did.
    pub host: Option<&'a str>,
    /// The path in its one spelling, and the query.
    pub target: &'a str,
    /// None if the client left before there was one.
    pub status: Option<u16>,
    /// Bytes of the response's body.
    pub bytes: u64,
    /// From the request's head to the response's last byte.
    pub duration: Duration,
    /// When that was.
    pub ended_at: Instant,
    /// The route's name.
    pub route: Option<&'a str>,
    /// The server that it came from, if it did.
    pub endpoint: Option<&'a str>,
    /// Who made the response: `upstream`, `host` or a filter's name.
    pub by: &'a str,
    /// Why, if it is not the upstream's.
    pub reason: Option<&'a str>,
    /// More of it.
    pub detail: Option<&'a str>,
    /// `complete`, or who ended it early.
    pub ended: &'a str,
}

/// How long the time of day is taken from the clock that counts.
const LOOK: Duration = Duration::from_secs(1);

/// The time of day, without looking at its clock for each record; and the second that was written last, as text: most
/// records are of the same one as the one before.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    /// The same moment by both clocks, the day's since 1970.
    looked: Option<(Instant, Duration)>,
    second: u64,
    /// `2026-01-31T12:34:56`.
    text: String,
}

impl Stamp {
    /// The time of day at a moment that has just been.
    fn at(&mut self, moment: Instant) -> Duration {
        if let Some((instant, time)) = self.looked
            && let Some(since) = moment.checked_duration_since(instant).filter(|since| *since < LOOK)
        {
            return time + since;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.looked = Some((moment, now));
        now
    }

    fn write(&mut self, now: Duration, line: &mut Vec<u8>) {
        if self.second != now.as_secs() || self.text.is_empty() {
            self.second = now.as_secs();
            self.text = time::rfc3339(UNIX_EPOCH + now);
            self.text.truncate("2026-01-31T12:34:56".len());
        }
        line.extend_from_slice(self.text.as_bytes());
        thousandths(now.subsec_millis().into(), line);
        line.push(b'Z');
    }
}

impl Record<'_> {
    pub(super) fn json(&self, stamp: &mut Stamp, line: &mut Vec<u8>) {
        let now = stamp.at(self.ended_at);
        line.extend_from_slice(b"{\"time\":\"");
        stamp.write(now, line);
        line.extend_from_slice(b"\",\"exchange\":\"");
        line.extend_from_slice(self.exchange.as_bytes());
        line.extend_from_slice(b"\",\"client\":\"");
        address(self.client, line);
        line.extend_from_slice(b"\",\"status\":");
        match self.status {
            Some(status) => decimal(status.into(), line),
            None => line.extend_from_slice(b"null"),
        }
        line.extend_from_slice(b",\"bytes\":");
        decimal(self.bytes, line);
        line.extend_from_slice(b",\"ms\":");
        let micros = u64::try_from(self.duration.as_micros()).unwrap_or(u64::MAX);
        decimal(micros / 1000, line);
        thousandths(micros % 1000, line);
        field(b",\"method\":", Some(self.method), line);
        field(b",\"host\":", self.host, line);
        field(b",\"target\":", Some(self.target), line);
        field(b",\"route\":", self.route, line);
        field(b",\"endpoint\":", self.endpoint, line);
        field(b",\"by\":", Some(self.by), line);
        field(b",\"reason\":", self.reason, line);
        field(b",\"detail\":", self.detail, line);
        field(b",\"ended\":", Some(self.ended), line);
        field(b",\"trace\":", self.trace, line);
        line.extend_from_slice(b"}\n");
    }

    pub(super) fn for_people(&self, line: &mut Vec<u8>) {
        let status = self.status.map_or("---".to_owned(), |status| status.to_string());
        let milliseconds = self.duration.as_secs_f64() * 1e3;
        let host = self.host.unwrap_or_default().escape_debug();
        let target = self.target.escape_debug();
        let _ =
            write!(line, "{status} {} {host}{target} {}B {milliseconds:.1}ms by {}", self.method, self.bytes, self.by);
        for more in [self.reason, self.detail.filter(|detail| !detail.is_empty())].into_iter().flatten() {
            let _ = write!(line, ": {}", more.escape_debug());
        }
        if self.ended != "complete" {
            let _ = write!(line, " ({})", self.ended);
        }
        let _ = writeln!(line, " [{}]", self.exchange);
    }
}

/// A key and its value, if there is one.
fn field(key: &[u8], value: Option<&str>, line: &mut Vec<u8>) {
    let Some(value) = value else { return };
    line.extend_from_slice(key);
    // Looking at all bytes without stopping is the compiler's to do many at a time.
    let needs = |byte: u8| u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    if value.bytes().fold(0, |found, byte| found | needs(byte)) == 0 {
        line.push(b'"');
        line.extend_from_slice(value.as_bytes());
        line.push(b'"');
    } else {
        let _ = serde_json::to_writer(line, value);
    }
}

fn decimal(mut number: u64, line: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = digit(number % 10);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    line.extend_from_slice(&digits[first..]);
}

/// `.042`, of less than a thousand.
fn thousandths(number: u64, line: &mut Vec<u8>) {
    line.extend_from_slice(&[b'.', digit(number / 100), digit(number / 10 % 10), digit(number % 10)]);
}

fn digit(number: u64) -> u8 {
    b"0123456789"[usize::from(number.to_le_bytes()[0] % 10)]
}

fn address(address: IpAddr, line: &mut Vec<u8>) {
    match address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            decimal(first.into(), line);
            for part in rest {
                line.push(b'.');
                decimal(part.into(), line);
            }
        }
        IpAddr::V6(address) => drop(write!(line, "{address}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record<'static> {
        Record {
            exchange: "0123456789abcdef0123456789abcdef",
            trace: None,
            client: [192, 0, 2, 107].into(),
            method: "GET",
            host: Some("example.com"),
            target: "/",
            status: Some(200),
            bytes: 0,
            duration: Duration::from_nanos(1_234_567_890),
            ended_at: Instant::now(),
            route: None,
            endpoint: None,
            by: "upstream",
            reason: None,
            detail: None,
            ended: "complete",
        }
    }

    fn read(record: &Record<'_>) -> serde_json::Value {
        let mut line = Vec::new();
        record.json(&mut Stamp::default(), &mut line);
        assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        serde_json::from_slice(&line).unwrap()
    }

    #[test]
    fn numbers_and_addresses_are_written_as_the_standard_library_writes_them() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, u64::MAX] {
            let mut line = Vec::new();
            decimal(number, &mut line);
            assert_eq!(String::from_utf8(line).unwrap(), number.to_string());
        }
        for text in ["0.0.0.0", "255.255.255.255", "10.0.200.9", "::1", "2001:db8::ff"] {
            let mut line = Vec::new();
            address(text.parse().unwrap(), &mut line);
            assert_eq!(String::from_utf8(line).unwrap(), text);
        }
        assert_eq!(read(&record())["ms"].to_string(), "1234.567");
        let brief = Record { duration: Duration::from_micros(42), ..record() };
        assert_eq!(read(&brief)["ms"].to_string(), "0.042");
    }

    #[test]
    fn whatever_stands_in_a_text_it_is_read_back() {
        for text in ["", "plain", "a\"b", "a\\b", "line\nline\r\t\0\u{1f}", "\u{7f}\u{2028}ü\u{1f980}", "</script>"] {
            let read = read(&Record { target: text, detail: Some(text), ..record() });
            assert_eq!((read["target"].as_str(), read["detail"].as_str()), (Some(text), Some(text)));
        }
    }

    #[test]
    fn the_time_of_day_follows_its_clock() {
        let (mut stamp, began) = (Stamp::default(), Instant::now());
        let time = stamp.at(began);
        assert_eq!(stamp.at(began + Duration::from_millis(999)), time + Duration::from_millis(999));
        // Whatever the moment, it is looked at again after a second, and when moments go back.
        for moment in [began + Duration::from_hours(1), began] {
            let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            assert!(stamp.at(moment).abs_diff(real) < Duration::from_mins(1));
        }
    }

    #[test]
    fn the_second_is_written_anew_when_it_is_another_one() {
        let mut stamp = Stamp::default();
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (999, "1970-01-01T00:00:00.999Z"),
            (1_001, "1970-01-01T00:00:01.001Z"),
            (951_782_400_020, "2000-02-29T00:00:00.020Z"),
            (951_782_399_020, "2000-02-28T23:59:59.020Z"),
        ] {
            let mut line = Vec::new();
            stamp.write(Duration::from_millis(millis), &mut line);
            assert_eq!(String::from_utf8(line).unwrap(), text);
        }
    }
}
