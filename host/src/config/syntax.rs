//! What is wrong with a text that is not YAML, in an operator's words. The place is known already.

use granit_parser::ErrorKind;

/// What is wrong, and what to do. `before` and `after` are what stands around the place.
pub(super) fn words(kind: &ErrorKind, before: &str, after: &str) -> (String, String) {
    if before.ends_with('$') && after.starts_with('{') || before.ends_with("${") {
        let help = "put quotes around it: `\"${NAME}\"`; braces mean a map where there are none";
        return ("`${...}` without quotes among brackets".into(), help.into());
    }
    let (what, help) = match kind {
        ErrorKind::UnclosedQuotedScalar => {
            ("this quote is not closed", "end the text with the quote that it begins with")
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            let what = format!("this `{open}` is closed by `{close}`");
            return (what, "one is missing or one too many between them; each is closed by its own kind".into());
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofImplicitFlowMapping => {
            ("this bracket is not closed", "close it, on this line or further down")
        }
        ErrorKind::MisplacedFlowCollectionEnd => ("this bracket closes nothing", "remove it, or open one before it"),
        ErrorKind::ExpectedFlowMappingSeparator => {
            ("a `,` or `}` is missing here", "write commas between the entries, and close the bracket")
        }
        ErrorKind::ExpectedFlowSequenceSeparator => {
            ("a `,` or `]` is missing here", "write commas between the items, and close the bracket")
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `:` cannot stand here",
            "put quotes around a text that has `: ` in it; if this is a key, the line before lacks its `:`",
        ),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("this line has no `:`", "write `key: value`, with a space behind the colon")
        }
        ErrorKind::UnknownAnchor => (
            "`*` refers to an anchor, and there is none of this name",
            "put quotes around a text that begins with `*`, as in \"*.example.com\"; an anchor is written `&name`",
        ),
        ErrorKind::MissingAnchorOrAliasName => (
            "a name is missing behind this `*` or `&`",
            "put quotes around a text that begins so, as in \"*.example.com\"",
        ),
        ErrorKind::UnexpectedCharacter { character } => {
            let what = format!("a text cannot begin with `{}`", character.escape_default());
            return (what, "put quotes around it".into());
        }
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::ExpectedDocumentStart => (
            "this line is indented like nothing before it",
            "begin lines that belong together in the same column; those that belong to one, further right",
        ),
        ErrorKind::UnknownQuotedScalarEscape => {
            ("a `\\` in this text begins no escape", "write `\\\\` for one, or put the text in single quotes")
        }
        ErrorKind::InvalidTrailingDoubleQuotedScalar | ErrorKind::InvalidTrailingSingleQuotedScalar => (
            "something stands behind the closing quote",
            "a comma may be missing before it; otherwise put all of the text in the quotes",
        ),
        other => {
            let help = "look at the indentation, and at colons, quotes and brackets on this line and the one before";
            return (format!("this is not YAML: {other}"), help.into());
        }
    };
    (what.into(), help.into())
}
