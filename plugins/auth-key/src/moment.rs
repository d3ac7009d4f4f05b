//! Times as operators write them (RFC 3339): `2027-01-01T00:00:00Z`.

/// Seconds since 1970; none if that is no such time.
pub(crate) fn read(written: &str) -> Option<u64> {
    let (date, rest) = written.split_once(['T', 't'])?;
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
    let (clock, zone) = rest.split_at_checked(8)?;
    let mut clock = clock.split(':');
    let (hour, minute, second) = (number(clock.next()?, 2)?, number(clock.next()?, 2)?, number(clock.next()?, 2)?);
    let is_day = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day) && date.next().is_none();
    if !is_day || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    u64::try_from(seconds - offset(zone)?).ok()
}

/// What a zone is ahead of UTC, in seconds; parts of a second may stand before it.
fn offset(zone: &str) -> Option<i64> {
    let zone = match zone.strip_prefix('.') {
        Some(parts) => {
            let zone = parts.trim_start_matches(|digit: char| digit.is_ascii_digit());
            (zone.len() < parts.len()).then_some(zone)?
        }
        None => zone,
    };
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, ahead) = zone.split_at_checked(1)?;
    let (hours, minutes) = ahead.split_once(':')?;
    let ahead = number(hours, 2)? * 3600 + number(minutes, 2)? * 60;
    match sign {
        "+" if ahead < 86_400 => Some(ahead),
        "-" if ahead < 86_400 => Some(-ahead),
        _ => None,
    }
}

fn number(digits: &str, length: usize) -> Option<i64> {
    let is_number = digits.len() == length && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// A year begins with its March here, so that the day that comes and goes is its last one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn times_are_read_as_other_programs_read_them() {
        // Each as `date -d ... +%s` says.
        for (written, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2027-01-01T00:00:00Z", 1_798_761_600),
            ("2027-01-01t00:00:00.999z", 1_798_761_600),
            ("2027-01-01T01:30:00+01:30", 1_798_761_600),
            ("2026-12-31T16:00:00-08:00", 1_798_761_600),
            ("2100-03-01T12:00:00Z", 4_107_585_600),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!(read(written), Some(seconds), "{written}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for written in [
            "",
            "tomorrow",
            "2027-01-01",
            "2027-01-01T00:00:00",
            "2027-13-01T00:00:00Z",
            "2027-02-29T00:00:00Z",
            "2027-04-31T00:00:00Z",
            "2027-00-10T00:00:00Z",
            "2027-1-1T00:00:00Z",
            "2027-01-01T24:00:00Z",
            "2027-01-01T00:60:00Z",
            "2027-01-01T00:00:00.Z",
            "2027-01-01T00:00:00+1",
            "2027-01-01T00:00:00+24:00",
            "2027-01-01T00:00:00Zulu",
            "2027-01-01 00:00:00Z",
            "+027-01-01T00:00:00Z",
            "1960-01-01T00:00:00Z",
            "2027-01-01T00:00:0üZ",
        ] {
            assert_eq!(read(written), None, "{written}");
        }
    }
}
