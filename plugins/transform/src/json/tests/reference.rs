//! The same operations on trees, as simply as they can be said, beside the editing of text.

use proptest::prelude::*;

use super::{mask, path, relocate, remove, rename, set};
use crate::json::Operation;
use crate::json::Program;
use crate::json::path::Step;

/// A document whose texts, keys and numbers stand as they are spelt.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    /// A number, a word or a text with its quotes.
    Leaf(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

fn plain(spelt: &str) -> String {
    serde_json::from_str(spelt).unwrap()
}

fn is_index(step: &Step, index: usize) -> bool {
    match step {
        Step::Key(_, number) => *number == Some(u32::try_from(index).unwrap()),
        Step::Index(number) => *number == u32::try_from(index).unwrap(),
        Step::Each | Step::EachElement => true,
        Step::Deep => false,
    }
}

fn is_key(step: &Step, key: &str) -> bool {
    match step {
        Step::Key(wanted, _) => **wanted == *plain(key),
        Step::Each => true,
        _ => false,
    }
}

impl Tree {
    /// Every object or list that the last of these steps leads into.
    fn parents(&mut self, steps: &[Step], act: &mut dyn FnMut(&mut Tree, &Step)) {
        match steps {
            [] => {}
            [Step::Deep, rest @ ..] => {
                self.parents(rest, act);
                match self {
                    Tree::Leaf(_) => {}
                    Tree::List(items) => items.iter_mut().for_each(|item| item.parents(steps, act)),
                    Tree::Object(members) => members.iter_mut().for_each(|(_, value)| value.parents(steps, act)),
                }
            }
            [last] => act(self, last),
            [step, rest @ ..] => match self {
                Tree::Leaf(_) => {}
                Tree::List(items) => {
                    let there = items.iter_mut().enumerate().filter(|(index, _)| is_index(step, *index));
                    there.for_each(|(_, item)| item.parents(rest, act));
                }
                Tree::Object(members) => {
                    members
                        .iter_mut()
                        .filter(|(key, _)| is_key(step, key))
                        .for_each(|(_, value)| value.parents(rest, act));
                }
            },
        }
    }

    fn remove(&mut self, steps: &[Step]) {
        self.parents(steps, &mut |parent, last| match parent {
            Tree::Leaf(_) => {}
            Tree::List(items) => {
                let mut index = 0;
                items.retain(|_| {
                    index += 1;
                    !is_index(last, index - 1)
                });
            }
            Tree::Object(members) => members.retain(|(key, _)| !is_key(last, key)),
        });
    }

    fn values(&mut self, steps: &[Step], change: &mut dyn FnMut(&mut Tree)) {
        self.parents(steps, &mut |parent, last| match parent {
            Tree::Leaf(_) => {}
            Tree::List(items) => {
                items
                    .iter_mut()
                    .enumerate()
                    .filter(|(index, _)| is_index(last, *index))
                    .for_each(|(_, item)| change(item));
            }
            Tree::Object(members) => {
                members.iter_mut().filter(|(key, _)| is_key(last, key)).for_each(|(_, value)| change(value));
            }
        });
    }

    fn rename(&mut self, steps: &[Step], to: &str) {
        let to = format!("\"{to}\"");
        self.parents(steps, &mut |parent, last| {
            if let Tree::Object(members) = parent
                && members.iter().any(|(key, _)| is_key(last, key))
            {
                members.retain(|(key, _)| plain(key) != plain(&to));
                members.iter_mut().filter(|(key, _)| is_key(last, key)).for_each(|(key, _)| key.clone_from(&to));
            }
        });
    }

    fn set(&mut self, steps: &[Step], value: &Tree) {
        match (steps, self) {
            ([step, rest @ ..], Tree::List(items)) => {
                for (_, item) in items.iter_mut().enumerate().filter(|(index, _)| is_index(step, *index)) {
                    if rest.is_empty() { item.clone_from(value) } else { item.set(rest, value) }
                }
            }
            ([step, rest @ ..], Tree::Object(members)) => {
                let mut is_there = false;
                for (_, member) in members.iter_mut().filter(|(key, _)| is_key(step, key)) {
                    is_there = true;
                    if rest.is_empty() { member.clone_from(value) } else { member.set(rest, value) }
                }
                let can_make = rest.iter().all(|step| matches!(step, Step::Key(_, None)));
                if let Step::Key(key, _) = step
                    && !is_there
                    && can_make
                {
                    let mut made = Tree::Object(Vec::new());
                    if rest.is_empty() {
                        made.clone_from(value);
                    } else {
                        made.set(rest, value);
                    }
                    members.push((format!("\"{key}\""), made));
                }
            }
            _ => {}
        }
    }

    fn find(&mut self, steps: &[Step]) -> Option<Tree> {
        let mut found = None;
        self.values(steps, &mut |value| found = Some(value.clone()));
        found
    }

    fn mask(&mut self, keep: usize) {
        *self = match self {
            Tree::Leaf(leaf) if leaf == "null" => return,
            Tree::Leaf(leaf) if !matches!(leaf.as_str(), "true" | "false") => {
                let value = if leaf.starts_with('"') { plain(leaf) } else { leaf.clone() };
                let characters: Vec<char> = value.chars().collect();
                let kept = &characters[characters.len() - keep.min(characters.len() / 2)..];
                Tree::Leaf(serde_json::to_string(&format!("****{}", kept.iter().collect::<String>())).unwrap())
            }
            _ => Tree::Leaf("\"****\"".to_owned()),
        };
    }

    /// With spaces that follow from `spaces`.
    fn write(&self, spaces: &mut u64, text: &mut String) {
        let mut space = |text: &mut String| {
            *spaces = spaces.rotate_left(7).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            text.push_str(["", "", " ", "\n\t", " \r\n"][usize::try_from(*spaces >> 61).unwrap() % 5]);
        };
        space(text);
        match self {
            Self::Leaf(leaf) => text.push_str(leaf),
            Self::List(items) => {
                text.push('[');
                for (index, item) in items.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    item.write(spaces, text);
                }
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    text.push_str(if index > 0 { "," } else { "" });
                    text.push_str(key);
                    text.push(':');
                    value.write(spaces, text);
                }
                text.push('}');
            }
        }
        text.push_str(["", " "][usize::from(*spaces & 8 != 0)]);
    }

    /// Reads what is known to be JSON.
    fn read(text: &mut &str) -> Self {
        *text = text.trim_start();
        let tree = match text.as_bytes()[0] {
            open @ (b'[' | b'{') => {
                let (mut items, mut members) = (Vec::new(), Vec::new());
                *text = text[1..].trim_start();
                while !text.starts_with([']', '}']) {
                    if open == b'[' {
                        items.push(Self::read(text));
                    } else {
                        let Self::Leaf(key) = Self::read(text) else { panic!("{text}") };
                        *text = text.strip_prefix(':').unwrap();
                        members.push((key, Self::read(text)));
                    }
                    if let Some(rest) = text.strip_prefix(',') {
                        *text = rest.trim_start();
                    }
                }
                *text = &text[1..];
                if open == b'[' { Self::List(items) } else { Self::Object(members) }
            }
            _ => {
                let length = match text.strip_prefix('"') {
                    Some(inside) => {
                        let mut escaped = false;
                        let end = inside.find(|character| {
                            let ends = character == '"' && !escaped;
                            escaped = character == '\\' && !escaped;
                            ends
                        });
                        end.unwrap() + 2
                    }
                    None => text.find([',', ']', '}', ' ', '\n', '\r', '\t']).unwrap_or(text.len()),
                };
                let (leaf, rest) = text.split_at(length);
                *text = rest;
                Self::Leaf(leaf.to_owned())
            }
        };
        *text = text.trim_start();
        tree
    }
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("\"a\""),
        Just("\"b\""),
        Just("\"c\""),
        Just("\"\\u0061\""),
        Just("\"0\""),
        Just("\"1\""),
        Just("\"\""),
        Just("\"e\\\"f\""),
        Just("\"longer key é\"")
    ]
    .prop_map(str::to_owned)
}

fn leaves() -> impl Strategy<Value = Tree> {
    let spelt = prop_oneof![
        Just("1.0"),
        Just("-0"),
        Just("1e400"),
        Just("12345678901234567890"),
        Just("1E+2"),
        Just("null"),
        Just("true"),
        Just("false"),
        Just("\"\""),
        Just("\"4111111111111111\""),
        Just("\"\\u0061b\\/\\n\""),
        Just("\"a, b]}\""),
        Just("\"\\ud83d\\ude00é\"")
    ];
    spelt.prop_map(|leaf| Tree::Leaf(leaf.to_owned()))
}

fn trees() -> impl Strategy<Value = Tree> {
    leaves().prop_recursive(5, 40, 5, |inner| {
        let object = prop::collection::vec((keys(), inner.clone()), 0..5).prop_map(|mut members| {
            // Which of two with one key counts is not the same everywhere, so the reference has none.
            let mut seen = Vec::new();
            members.retain(|(key, _)| {
                let is_new = !seen.contains(&plain(key));
                seen.push(plain(key));
                is_new
            });
            Tree::Object(members)
        });
        prop_oneof![object, prop::collection::vec(inner, 0..5).prop_map(Tree::List)]
    })
}

#[derive(Clone, Debug)]
enum Asked {
    Remove(String),
    Rename(String, String),
    Mask(String, usize),
    Set(String),
    Relocate(String, String, bool),
}

fn paths() -> impl Strategy<Value = String> {
    let step =
        prop_oneof![Just("a"), Just("b"), Just("c"), Just("*"), Just("[*]"), Just("[0]"), Just("[1]"), Just("**")];
    prop::collection::vec(step, 0..3).prop_flat_map(|steps| {
        prop_oneof![Just("a"), Just("b"), Just("c"), Just("*"), Just("[1]")].prop_map(move |last| {
            let mut steps = steps.clone();
            steps.push(last);
            steps.dedup_by(|one, other| *one == "**" && *other == "**");
            let mut text = String::new();
            for step in steps {
                if !text.is_empty() && !step.starts_with('[') {
                    text.push('.');
                }
                text.push_str(step);
            }
            text
        })
    })
}

fn pointers() -> impl Strategy<Value = String> {
    let token = prop_oneof![Just("/a"), Just("/b"), Just("/c"), Just("/0"), Just("/1"), Just("/")];
    prop::collection::vec(token, 1..4).prop_map(|tokens| tokens.concat())
}

fn asked() -> impl Strategy<Value = Asked> {
    let either = || prop_oneof![paths(), pointers()];
    prop_oneof![
        either().prop_map(Asked::Remove),
        (either(), 0..5_usize).prop_map(|(at, keep)| Asked::Mask(at, keep)),
        (either(), prop_oneof![Just("a"), Just("b"), Just("z")]).prop_filter_map("a member", |(at, to)| {
            let is_other = path(&at).key().is_some_and(|key| key != to);
            is_other.then(|| Asked::Rename(at, to.to_owned()))
        }),
        either().prop_filter("not deep", |at| !path(at).is_deep()).prop_map(Asked::Set),
        (pointers(), pointers(), any::<bool>())
            .prop_filter("apart", |(from, to, _)| !path(from).meets(&path(to)))
            .prop_map(|(from, to, keeps)| Asked::Relocate(from, to, keeps)),
    ]
}

fn operation(asked: &Asked) -> Operation {
    match asked {
        Asked::Remove(at) => remove(at),
        Asked::Rename(at, to) => rename(at, to),
        Asked::Mask(at, keep) => mask(at, *keep),
        Asked::Set(at) => set(at),
        Asked::Relocate(from, to, keeps) => relocate(from, to, *keeps),
    }
}

fn on_tree(tree: &mut Tree, asked: &Asked) {
    match asked {
        Asked::Remove(at) => tree.remove(&path(at).0),
        Asked::Rename(at, to) => tree.rename(&path(at).0, to),
        Asked::Mask(at, keep) => tree.values(&path(at).0, &mut |value| value.mask(*keep)),
        Asked::Set(at) => tree.set(&path(at).0, &Tree::List(vec![Tree::Leaf("7".to_owned())])),
        Asked::Relocate(from, to, keeps) => {
            if let Some(value) = tree.find(&path(from).0) {
                // Where it goes is seen before it leaves.
                tree.set(&path(to).0, &value);
                if !keeps {
                    tree.remove(&path(from).0);
                }
            }
        }
    }
}

fn compact(tree: &Tree) -> String {
    let mut text = String::new();
    tree.write(&mut 0, &mut text);
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn text_is_edited_as_trees_are(tree in trees(), asked in prop::collection::vec(asked(), 1..6), spaces: u64) {
        let mut document = String::new();
        tree.write(&mut (spaces | 1), &mut document);
        let mut wanted = tree.clone();
        for asked in &asked {
            on_tree(&mut wanted, asked);
        }
        let changed = Program::new(asked.iter().map(operation).collect(), false).run(&document, &[Some("[7]")]).unwrap();
        prop_assert!(changed.is_some() || wanted == tree);
        let changed = changed.unwrap_or(document);
        prop_assert_eq!(compact(&Tree::read(&mut changed.as_str())), compact(&wanted), "{}", changed);
    }

    #[test]
    fn what_is_read_is_what_other_strict_readers_read(tree in trees(), spaces: u64, place: prop::sample::Index, byte in prop_oneof![Just(b'"'), Just(b'\\'), Just(b','), Just(b'{'), Just(b']'), Just(b'0'), Just(b'u'), Just(b'.'), Just(b' '), Just(0x01), any::<u8>()]) {
        let mut document = String::new();
        tree.write(&mut (spaces | 1), &mut document);
        // Other readers have numbers that are too large for them.
        let mut bytes = document.replace("1e400", "1e40").into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(broken) = std::str::from_utf8(&bytes) {
            let read = Program::new(vec![remove("/none")], false).run(broken, &[]);
            let is_json = serde_json::from_str::<serde_json::Value>(broken);
            let is_too_large = is_json.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
            prop_assert!(is_too_large || read.is_ok() == is_json.is_ok(), "{broken}: {read:?}, {is_json:?}");
        }
    }
}
