//! Dates, times (RFC 3339, 5.6) and durations (its appendix A).

/// `2027-01-31`
pub(super) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = bytes else { return false };
    let (Some(century), Some(year), Some(month), Some(day)) =
        (two(*y1, *y2), two(*y3, *y4), two(*m1, *m2), two(*d1, *d2))
    else {
        return false;
    };
    let year = century * 100 + year;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// `2027-01-31T23:59:00Z`
pub(super) fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else { return false };
    is_date(date) && rest.strip_prefix(['T', 't']).is_some_and(is_time)
}

/// `23:59:00.5+01:00`; a leap second is the last one of a day in UTC.
pub(super) fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else { return false };
    let [h1, h2, b':', m1, m2, b':', s1, s2] = clock.as_bytes() else { return false };
    let (Some(hour @ 0..24), Some(minute @ 0..60), Some(second @ 0..61)) =
        (two(*h1, *h2), two(*m1, *m2), two(*s1, *s2))
    else {
        return false;
    };
    let zone = match rest.strip_prefix('.') {
        Some(rest) => {
            let zone = rest.trim_start_matches(|character: char| character.is_ascii_digit());
            if zone.len() == rest.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    let ahead = match zone.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (Some(hours @ 0..24), Some(minutes @ 0..60)) = (two(*h1, *h2), two(*m1, *m2)) else { return false };
            let minutes = hours * 60 + minutes;
            if *sign == b'+' { minutes } else { DAY - minutes }
        }
        _ => return false,
    };
    second < 60 || (hour * 60 + minute + DAY - ahead) % DAY == DAY - 1
}

/// In minutes.
const DAY: u32 = 24 * 60;

/// `P1Y2M3DT4H5M6S` or `P1W`
pub(super) fn is_duration(text: &str) -> bool {
    let Some(text) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = text.strip_suffix('W') {
        return is_number(weeks);
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    match time {
        Some(time) => (date.is_empty() || is_row(date, "YMD")) && is_row(time, "HMS"),
        None => is_row(date, "YMD"),
    }
}

/// Numbers, each with one of these letters, in their order and without a gap between the first and the last.
fn is_row(mut text: &str, letters: &str) -> bool {
    let mut left = letters;
    let mut is_first = true;
    while !text.is_empty() {
        let Some(end) = text.find(|character: char| !character.is_ascii_digit()) else { return false };
        let (number, rest) = text.split_at(end);
        let Some(letter) = rest.chars().next() else { return false };
        let Some(place) = left.find(letter).filter(|place| is_first || *place == 0) else { return false };
        if !is_number(number) {
            return false;
        }
        is_first = false;
        left = left.get(place + 1..).unwrap_or_default();
        text = rest.get(letter.len_utf8()..).unwrap_or_default();
    }
    !is_first
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn two(high: u8, low: u8) -> Option<u32> {
    let digit = |byte: u8| char::from(byte).to_digit(10);
    Some(digit(high)? * 10 + digit(low)?)
}
