//! For how long an answer may be kept (RFC 9111, 5.2.2): as long as it says itself, and not at all if it does not.

use std::time::Duration;

use weir::upstream::Answer;

/// None if it may not be kept. What is contradictory or misspelt is kept for the shorter time.
pub(crate) fn lifetime(answer: &Answer) -> Option<Duration> {
    let (mut shared, mut any) = (None, None);
    for (_, value) in answer.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("cache-control")) {
        for directive in std::str::from_utf8(value).ok()?.split(',') {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            let seconds = || seconds(value.trim().trim_matches('"'));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" | "private" => return None,
                "s-maxage" => shared = Some(shared.unwrap_or(u64::MAX).min(seconds())),
                "max-age" => any = Some(any.unwrap_or(u64::MAX).min(seconds())),
                _ => {}
            }
        }
    }
    let age = answer.header("age").and_then(|age| std::str::from_utf8(age).ok()).map_or(0, |age| seconds(age.trim()));
    let left = shared.or(any)?.saturating_sub(age);
    (left > 0).then(|| Duration::from_secs(left))
}

/// A number of seconds; what is none is 0.
fn seconds(text: &str) -> u64 {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than a number has are a long time, too.
    if is_number { text.parse().unwrap_or(u64::MAX) } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::lifetime;
    use weir::testing;

    #[test]
    fn an_answer_is_kept_as_long_as_it_says_and_not_without() {
        for (headers, seconds) in [
            (vec![], None),
            (vec![("Cache-Control", "max-age=60")], Some(60)),
            (vec![("cache-control", "Max-Age=\"60\", must-revalidate")], Some(60)),
            (vec![("cache-control", "max-age=60, s-maxage=5")], Some(5)),
            (vec![("cache-control", "max-age=5"), ("cache-control", "s-maxage=60")], Some(60)),
            (vec![("cache-control", "max-age=60, max-age=30")], Some(30)),
            (vec![("cache-control", "max-age=60"), ("age", "45")], Some(15)),
            (vec![("cache-control", "max-age=60"), ("age", "60")], None),
            (vec![("cache-control", "max-age=0")], None),
            (vec![("cache-control", "max-age=-5")], None),
            (vec![("cache-control", "max-age=soon, s-maxage=")], None),
            (vec![("cache-control", "max-age=99999999999999999999999")], Some(u64::MAX)),
            (vec![("cache-control", "no-store, max-age=60")], None),
            (vec![("cache-control", "max-age=60"), ("cache-control", "no-cache")], None),
            (vec![("cache-control", "private, max-age=60")], None),
            (vec![("expires", "Thu, 01 Jan 2099 00:00:00 GMT")], None),
        ] {
            let mut answer = testing::answer(200, "");
            answer.headers = headers.iter().map(|(name, value)| ((*name).into(), value.as_bytes().into())).collect();
            assert_eq!(lifetime(&answer), seconds.map(Duration::from_secs), "{headers:?}");
        }
    }
}
