//! The drafts of JSON Schema that are known, and how they differ.

/// A draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draft {
    Seven,
    TwentyTwenty,
}

/// What schemas stand in a keyword's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    One,
    List,
    Map,
    /// One, or a list of them.
    OneOrList,
    /// A map in which lists of names may stand, too.
    Dependencies,
}

const TWENTY_TWENTY: &str = "json-schema.org/draft/2020-12/schema";
const SEVEN: &str = "json-schema.org/draft-07/schema";

impl Draft {
    /// The draft that a `$schema` names.
    pub(super) fn named(uri: &str) -> Option<Self> {
        let uri = uri.strip_suffix('#').unwrap_or(uri);
        match uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")) {
            Some(TWENTY_TWENTY) => Some(Self::TwentyTwenty),
            Some(SEVEN) => Some(Self::Seven),
            _ => None,
        }
    }

    /// The schemas in this keyword's value.
    pub(super) fn holds(self, keyword: &str) -> Option<Holds> {
        Some(match (keyword, self) {
            ("items", Self::Seven) => Holds::OneOrList,
            ("dependencies", _) => Holds::Dependencies,
            ("additionalItems", Self::Seven)
            | ("contentSchema" | "unevaluatedItems" | "unevaluatedProperties" | "items", Self::TwentyTwenty)
            | ("additionalProperties" | "contains" | "else" | "if" | "not" | "propertyNames" | "then", _) => Holds::One,
            ("prefixItems", Self::TwentyTwenty) | ("allOf" | "anyOf" | "oneOf", _) => Holds::List,
            ("$defs" | "dependentSchemas", Self::TwentyTwenty)
            | ("definitions" | "patternProperties" | "properties", _) => Holds::Map,
            _ => return None,
        })
    }

    /// Whether what stands beside a `$ref` counts.
    pub(super) fn ref_has_siblings(self) -> bool {
        self == Self::TwentyTwenty
    }
}
