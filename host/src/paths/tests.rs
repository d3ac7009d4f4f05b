use super::*;

fn normal(path: &str) -> Result<Cow<'_, str>, Ambiguous> {
    normalize(path, Rules::default())
}

fn kept(path: &str) -> Result<Cow<'_, str>, Ambiguous> {
    normalize(path, Rules { encoded_slash: EncodedSlash::Keep, merge_slashes: false })
}

fn merged(path: &str) -> Result<Cow<'_, str>, Ambiguous> {
    normalize(path, Rules { encoded_slash: EncodedSlash::Keep, merge_slashes: true })
}

#[test]
fn a_path_in_its_one_spelling_is_not_copied() {
    for path in
        ["/", "/agents/research/query", "//", "/a//b/", "/a%20b/%E2%82%AC", "/.well-known/x", "/...", "/a.", "/;p=1,2"]
    {
        assert!(matches!(normal(path), Ok(Cow::Borrowed(same)) if same == path), "{path}");
    }
}

#[test]
fn dot_segments_are_resolved_in_every_spelling() {
    for (path, expected) in [
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("/a/b/.", "/a/b/"),
        ("/.", "/"),
        ("/..", "/"),
        ("/../../a", "/a"),
        ("/a/%2e%2E/b", "/b"),
        ("/a/.%2e/b", "/b"),
        ("/a/%2E/b", "/a/b"),
        ("/a//../b", "/a/b"),
        ("/./.", "/"),
        ("/.//a", "//a"),
        ("/a/.../b", "/a/.../b"),
        ("/a/.%2E.", "/a/..."),
        ("/a/%252e%252e/b", "/a/%252e%252e/b"),
    ] {
        assert_eq!(normal(path).unwrap(), expected, "{path}");
    }
}

#[test]
fn escapes_have_one_spelling() {
    for (path, expected) in [
        ("/%61%7e%2d%5F", "/a~-_"),
        ("/%c3%a9", "/%C3%A9"),
        ("/\u{e9}", "/%C3%A9"),
        ("/%3b%3D", "/%3B%3D"),
        ("/\"<>^`{|} ", "/%22%3C%3E%5E%60%7B%7C%7D%20"),
        ("/[x]?#", "/%5Bx%5D%3F%23"),
        ("/a/%62/../c", "/a/c"),
    ] {
        assert_eq!(normal(path).unwrap(), expected, "{path}");
    }
}

#[test]
fn what_is_ambiguous_is_refused_with_its_place() {
    for (path, expected, says) in [
        ("", Ambiguous::NotAbsolute, "the path does not begin with / at byte 0"),
        ("*", Ambiguous::NotAbsolute, "the path does not begin with / at byte 0"),
        ("/a%2fb", Ambiguous::EncodedSlash(2), "an encoded slash at byte 2"),
        ("/a\\b", Ambiguous::Backslash(2), "a backslash at byte 2"),
        ("/a/%5c", Ambiguous::Backslash(3), "a backslash at byte 3"),
        ("/\0", Ambiguous::Nul(1), "a NUL at byte 1"),
        ("/%00", Ambiguous::Nul(1), "a NUL at byte 1"),
        ("/%0a", Ambiguous::Control(1), "a control character at byte 1"),
        ("/\t", Ambiguous::Control(1), "a control character at byte 1"),
        ("/%7f", Ambiguous::Control(1), "a control character at byte 1"),
        ("/%", Ambiguous::Escape(1), "an invalid escape at byte 1"),
        ("/%2", Ambiguous::Escape(1), "an invalid escape at byte 1"),
        ("/%G1", Ambiguous::Escape(1), "an invalid escape at byte 1"),
        ("/%%32f", Ambiguous::Escape(1), "an invalid escape at byte 1"),
        // Also behind a place where the path changes, and in a segment that would be taken away.
        ("/a/../%2F", Ambiguous::EncodedSlash(6), "an encoded slash at byte 6"),
        ("/%2F/..", Ambiguous::EncodedSlash(1), "an encoded slash at byte 1"),
    ] {
        let refused = normal(path).unwrap_err();
        assert_eq!((refused, refused.to_string().as_str()), (expected, says), "{path:?}");
    }
}

#[test]
fn a_kept_slash_is_part_of_its_segment() {
    assert_eq!(kept("/a%2fb/../c").unwrap(), "/c");
    assert_eq!(kept("/a%2Fb").unwrap(), "/a%2Fb");
    assert_eq!(merged("/a/%2F/%2f%2f//b").unwrap(), "/a/%2F/%2F%2F/b");
}

#[test]
fn dots_beside_a_kept_slash_are_refused() {
    for path in ["/a/..%2Fb", "/a%2F..", "/a%2f%2e%2e%2Fb", "/x/.%2Fa", "/a%2F../b"] {
        assert!(matches!(kept(path), Err(Ambiguous::EncodedDotSegment(_))), "{path}");
    }
    for path in ["/..a%2Fb", "/a%2F...", "/v1.%2F.b"] {
        assert!(matches!(kept(path), Ok(Cow::Borrowed(_))), "{path}");
    }
}

#[test]
fn runs_of_slashes_are_merged_before_dots_are_resolved() {
    for (path, expected) in [("//", "/"), ("///a//b//", "/a/b/"), ("/a//../b", "/b"), ("/a//%2e%2e//b", "/b")] {
        assert_eq!(merged(path).unwrap(), expected, "{path}");
    }
}

#[test]
fn a_prefix_is_taken_away_at_a_segments_end() {
    for (path, prefix, expected) in [
        ("/a", "/a", "/"),
        ("/a?x", "/a", "/?x"),
        ("/a/", "/a", "/"),
        ("/a/b?x", "/a", "/b?x"),
        ("/ab", "/a", "/ab"),
        ("/b/a", "/a", "/b/a"),
        ("/a/b", "", "/a/b"),
        ("/?x", "", "/?x"),
        ("/a//b", "/a", "//b"),
        ("/?/a", "/a", "/?/a"),
    ] {
        let left = strip(path, prefix);
        assert_eq!(left, expected, "{path} - {prefix}");
        assert_eq!(matches!(left, Cow::Owned(_)), path == "/a?x", "{path} - {prefix}");
    }
}
