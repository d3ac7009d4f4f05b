//! The schemas of the types that configurations are made of.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Node, Schema};
use crate::{Directory, Document, Secret, Store, Upstream};

macro_rules! schemas {
    ($($type:ty, $node:expr, $default:expr;)*) => {$(
        impl Schema for $type {
            const SCHEMA: &'static Node = &$node;
            const DEFAULT: Option<&'static str> = $default;
        }
    )*};
}

const fn integer(minimum: Option<i64>, maximum: Option<u64>) -> Node {
    Node::Integer { minimum, maximum }
}

schemas! {
    bool, Node::Boolean, Some("false");
    u8, integer(Some(0), Some(u8::MAX as u64)), Some("0");
    u16, integer(Some(0), Some(u16::MAX as u64)), Some("0");
    u32, integer(Some(0), Some(u32::MAX as u64)), Some("0");
    u64, integer(Some(0), None), Some("0");
    // On the component's machine.
    usize, integer(Some(0), Some(u32::MAX as u64)), Some("0");
    i8, integer(Some(i8::MIN as i64), Some(i8::MAX as u64)), Some("0");
    i16, integer(Some(i16::MIN as i64), Some(i16::MAX as u64)), Some("0");
    i32, integer(Some(i32::MIN as i64), Some(i32::MAX as u64)), Some("0");
    i64, integer(None, None), Some("0");
    isize, integer(Some(i32::MIN as i64), Some(i32::MAX as u64)), Some("0");
    std::num::NonZeroU8, integer(Some(1), Some(u8::MAX as u64)), None;
    std::num::NonZeroU16, integer(Some(1), Some(u16::MAX as u64)), None;
    std::num::NonZeroU32, integer(Some(1), Some(u32::MAX as u64)), None;
    std::num::NonZeroU64, integer(Some(1), None), None;
    f32, Node::Number, Some("0.0");
    f64, Node::Number, Some("0.0");
    String, Node::String, Some("\"\"");
    char, Node::Marked(r#""type":"string","minLength":1,"maxLength":1"#), None;
    (), Node::Null, None;
    IpAddr, Node::String, None;
    Ipv4Addr, Node::String, None;
    Ipv6Addr, Node::String, None;
    serde_json::Value, Node::Any, Some("null");
    serde_json::Map<String, serde_json::Value>, Node::Map(&Node::Any), Some("{}");
    Upstream, Node::Marked(r#""type":"string","x-weir":"upstream""#), None;
    Store, Node::Marked(r#""type":"string","x-weir":"store""#), Some("\"local\"");
    Directory, Node::Marked(r#""type":"string","x-weir":"directory""#), None;
    Document, Node::Marked(concat!(
        r#""x-weir":"document","oneOf":["#,
        r#"{"type":"object","properties":{"upstream":{"type":"string"},"path":{"type":"string"},"#,
        r#""follow":{"oneOf":[{"type":"string"},{"type":"object","properties":{"pointer":{"type":"string"},"#,
        r#""upstream":{"type":"string"}},"required":["pointer"],"additionalProperties":false}]}},"#,
        r#""required":["upstream","path"],"additionalProperties":false},"#,
        r#"{"type":"object","properties":{"file":{"type":"string"}},"required":["file"],"additionalProperties":false}]"#,
    )), None;
    Secret, Node::Marked(concat!(
        r#""x-weir":"secret","oneOf":["#,
        r#"{"type":"object","properties":{"env":{"type":"string"}},"required":["env"],"additionalProperties":false},"#,
        r#"{"type":"object","properties":{"file":{"type":"string"}},"required":["file"],"additionalProperties":false}]"#,
    )), None;
}

macro_rules! lists {
    ($([$($parameters:tt)*] $type:ty;)*) => {$(
        impl<$($parameters)*> Schema for $type {
            const SCHEMA: &'static Node = &Node::Array(T::SCHEMA);
            const DEFAULT: Option<&'static str> = Some("[]");
        }
    )*};
}

lists! {
    [T: Schema] Vec<T>;
    [T: Schema] BTreeSet<T>;
    [T: Schema, S] HashSet<T, S>;
}

impl<K, V: Schema> Schema for BTreeMap<K, V> {
    const SCHEMA: &'static Node = &Node::Map(V::SCHEMA);
    const DEFAULT: Option<&'static str> = Some("{}");
}

impl<K, V: Schema, S> Schema for HashMap<K, V, S> {
    const SCHEMA: &'static Node = &Node::Map(V::SCHEMA);
    const DEFAULT: Option<&'static str> = Some("{}");
}

impl<T: Schema> Schema for Option<T> {
    const SCHEMA: &'static Node = &Node::Optional(T::SCHEMA);
    const OPTIONAL: bool = true;
}

impl<T: Schema> Schema for Box<T> {
    const SCHEMA: &'static Node = T::SCHEMA;
    const DEFAULT: Option<&'static str> = T::DEFAULT;
    const OPTIONAL: bool = T::OPTIONAL;
}

impl Schema for Cow<'_, str> {
    const SCHEMA: &'static Node = String::SCHEMA;
    const DEFAULT: Option<&'static str> = String::DEFAULT;
}
