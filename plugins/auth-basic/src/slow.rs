//! Slow hashes of passwords, as they are written: which ones the host can check, and which nobody should.

/// Bytes of a password that bcrypt takes; what follows would not count.
pub(crate) const BCRYPT_TAKES: usize = 72;

/// KiB that argon2 may take.
const MOST_MEMORY: u64 = 64 << 10;

/// KiB over all passes.
const MOST_PASSED: u64 = 640 << 10;

const MOST_ROUNDS: u64 = 2_000_000;

const GOOD: &str = "make one with `htpasswd -nB NAME`";

/// Whether this is bcrypt's.
pub(crate) fn is_bcrypt(hash: &str) -> bool {
    ["$2a$", "$2b$", "$2y$"].iter().any(|kind| hash.starts_with(kind))
}

/// Whether the host can check this hash within its bounds; if not, what is wrong. What was written is not repeated: it may
/// be a password.
pub(crate) fn check(hash: &str) -> Result<(), String> {
    let fields: Vec<&str> = hash.split('$').collect();
    let fault = match fields.as_slice() {
        ["", "2a" | "2b" | "2y", cost, digest] => bcrypt(cost, digest),
        ["", "argon2id" | "argon2i" | "argon2d", "v=16" | "v=19", costs, salt, digest]
        | ["", "argon2id" | "argon2i" | "argon2d", costs, salt, digest] => argon2(costs, salt, digest),
        ["", "pbkdf2-sha256" | "pbkdf2-sha512", rounds, salt, digest] => pbkdf2(rounds, salt, digest),
        ["", "2a" | "2b" | "2y" | "argon2id" | "argon2i" | "argon2d" | "pbkdf2-sha256" | "pbkdf2-sha512", ..] => {
            Some("this hash is not whole")
        }
        ["", "apr1" | "1", ..] => Some("MD5 is no slow hash"),
        ["", "5" | "6", ..] => Some("hashes of crypt's SHA-2 are not known here"),
        ["", "y" | "7", ..] => Some("hashes of yescrypt and scrypt are not known here"),
        _ if hash.starts_with("{SHA}") || hash.starts_with("{SSHA}") => Some("SHA-1 is no slow hash"),
        _ => Some("this is no slow hash, but a password itself or one of crypt's oldest hashes"),
    };
    fault.map_or(Ok(()), |fault| Err([fault, "; ", GOOD].concat()))
}

fn bcrypt(cost: &str, digest: &str) -> Option<&'static str> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    match number(cost) {
        _ if cost.len() != 2 || digest.len() != 53 || !digest.bytes().all(is_letter) => Some("this hash is not whole"),
        Some(4..=14) => None,
        _ => Some("bcrypt has a cost from 4 to 14 here, more takes too long"),
    }
}

fn argon2(costs: &str, salt: &str, digest: &str) -> Option<&'static str> {
    let (Some(memory), Some(passes), Some(1..)) = (cost(costs, "m="), cost(costs, "t="), cost(costs, "p=")) else {
        return Some("this hash is not whole");
    };
    if !is_base64(salt) || !is_base64(digest) {
        return Some("this hash is not whole");
    }
    let is_too_much = memory > MOST_MEMORY || memory.saturating_mul(passes) > MOST_PASSED;
    is_too_much.then_some("argon2 takes up to 64 MiB here, and 640 MiB over all passes")
}

/// One of argon2's parameters.
fn cost(costs: &str, name: &str) -> Option<u64> {
    costs.split(',').find_map(|cost| number(cost.strip_prefix(name)?))
}

fn pbkdf2(written: &str, salt: &str, digest: &str) -> Option<&'static str> {
    match rounds(written) {
        _ if !is_base64(salt) || !is_base64(digest) => Some("this hash is not whole"),
        Some(1..=MOST_ROUNDS) => None,
        Some(1..) => Some("PBKDF2 has up to 2,000,000 rounds here"),
        _ => Some("this hash is not whole"),
    }
}

fn rounds(written: &str) -> Option<u64> {
    let rounds = written.strip_prefix("i=").unwrap_or(written);
    number(rounds.split_once(",l=").map_or(rounds, |(rounds, _)| rounds))
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Without padding; passlib writes `.` where others write `+`.
fn is_base64(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+./".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn hashes_that_the_host_checks_are_taken() {
        for hash in [
            // htpasswd -nbBC 4, python's bcrypt, argon2-cffi, passlib.
            "$2y$04$gLhv8Gn0NwE3p8W3lM6LHO5u5G1VQXQ1JvB9YjJrU2oR0mM1m7m8K",
            "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
            "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4bSnJ0",
            "$argon2id$m=16,t=2,p=1$MTIzNDU2Nzg$TbRNLPOkXTmJyCjtdbzVYg",
            "$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk",
            "$pbkdf2-sha512$i=210000,l=64$c29tZXNhbHQ$RdescudvJCsgt3ub",
        ] {
            assert_eq!(check(hash), Ok(()), "{hash}");
        }
    }

    #[test]
    fn others_are_refused_with_what_to_do_and_never_repeated() {
        for (hash, words) in [
            ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "SHA-1"),
            ("$apr1$VZqaXSY4$hk7pSrYS1LnYdKyhkCKuN1", "MD5"),
            ("$6$rounds=5000$saltsalt$digest", "SHA-2"),
            ("$y$j9T$salt$digest", "yescrypt"),
            ("rqXexS6ZhobKA", "crypt's oldest"),
            ("sesame", "a password itself"),
            ("", "no slow hash"),
            ("$2y$04$short", "not whole"),
            ("$2y$15$gLhv8Gn0NwE3p8W3lM6LHO5u5G1VQXQ1JvB9YjJrU2oR0mM1m7m8K", "from 4 to 14"),
            ("$2y$4$gLhv8Gn0NwE3p8W3lM6LHO5u5G1VQXQ1JvB9YjJrU2oR0mM1m7m8K", "not whole"),
            ("$argon2id$v=19$m=65537,t=1,p=1$c29tZXNhbHQ$RdescudvJCsg", "64 MiB"),
            ("$argon2id$v=19$m=65536,t=11,p=1$c29tZXNhbHQ$RdescudvJCsg", "640 MiB"),
            ("$argon2id$v=19$t=1,p=1$c29tZXNhbHQ$RdescudvJCsg", "not whole"),
            ("$argon2id$v=19$m=16,t=1,p=1$c29tZXNhbHQ", "not whole"),
            ("$pbkdf2-sha256$2000001$c29tZXNhbHQ$RdescudvJCsg", "2,000,000"),
            ("$pbkdf2-sha256$many$c29tZXNhbHQ$RdescudvJCsg", "not whole"),
            ("$pbkdf2-sha256$29000$$RdescudvJCsg", "not whole"),
        ] {
            let why = check(hash).unwrap_err();
            assert!(why.contains(words) && why.contains("htpasswd -nB"), "{hash}: {why}");
            assert!(hash.is_empty() || !why.contains(hash), "{why}");
        }
    }
}
