//! Headers whose value is one of a few words.

use weir::Faults;

/// The words that a header can have.
pub(crate) struct Known {
    pointer: &'static str,
    words: &'static [&'static str],
    /// Whether several can stand there, of which a browser takes the last that it knows.
    is_list: bool,
}

pub(crate) const FRAMES: Known = one("/frame_options", &["DENY", "SAMEORIGIN"]);
pub(crate) const TYPES: Known = one("/content_type_options", &["nosniff"]);
pub(crate) const OPENER: Known = one(
    "/cross_origin_opener_policy",
    &["same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"],
);
pub(crate) const EMBEDDER: Known =
    one("/cross_origin_embedder_policy", &["require-corp", "credentialless", "unsafe-none"]);
pub(crate) const RESOURCE: Known = one("/cross_origin_resource_policy", &["same-origin", "same-site", "cross-origin"]);
pub(crate) const REFERRER: Known = Known {
    pointer: "/referrer_policy",
    words: &[
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ],
    is_list: true,
};

const fn one(pointer: &'static str, words: &'static [&'static str]) -> Known {
    Known { pointer, words, is_list: false }
}

impl Known {
    /// Notes what is none of the words.
    pub(crate) fn check(&self, faults: &mut Faults, value: &str) {
        let written: Vec<&str> = if self.is_list { value.split(',').map(str::trim).collect() } else { vec![value] };
        for word in written {
            if !self.words.iter().any(|known| known.eq_ignore_ascii_case(word)) {
                let known = self.words.join("`, `");
                let message = ["`", word, "` is not a word of this header; there are `", &known, "`"].concat();
                faults.at(self.pointer, &message);
            }
        }
    }
}
