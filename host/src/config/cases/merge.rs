//! Parts of a file of cases, put together before they are read: what a case says goes over what holds for all.

use std::rc::Rc;

use super::super::tree::{Key, Kind, Node};

/// RFC 7396 with a difference: a `null` for what is not there below stays, because in a filter's configuration it may
/// mean something.
pub(super) fn merge(below: &Rc<Node>, above: &Rc<Node>) -> Rc<Node> {
    let (Kind::Map(old), Kind::Map(new)) = (&below.kind, &above.kind) else { return Rc::clone(above) };
    let mut entries: Vec<(Key, Rc<Node>)> = Vec::with_capacity(old.len() + new.len());
    for (key, value) in old {
        match new.iter().find(|(other, _)| other.name == key.name) {
            None => entries.push((copy(key), Rc::clone(value))),
            Some((_, value)) if matches!(value.kind, Kind::Nothing) => {}
            Some((key, more)) => entries.push((copy(key), merge(value, more))),
        }
    }
    let is_new = |key: &Key| old.iter().all(|(other, _)| other.name != key.name);
    entries.extend(new.iter().filter(|(key, _)| is_new(key)).map(|(key, value)| (copy(key), Rc::clone(value))));
    Rc::new(Node { place: above.place, kind: Kind::Map(entries) })
}

/// The entries of a map that are wanted, as a map in the same place.
pub(super) fn part(node: &Node, wanted: impl Fn(&str) -> bool) -> Rc<Node> {
    let Kind::Map(entries) = &node.kind else {
        return Rc::new(Node { place: node.place, kind: Kind::Map(Vec::new()) });
    };
    let entries = entries.iter().filter(|(key, _)| wanted(&key.name));
    let entries = entries.map(|(key, value)| (copy(key), Rc::clone(value))).collect();
    Rc::new(Node { place: node.place, kind: Kind::Map(entries) })
}

/// The value of a key.
pub(super) fn value<'a>(node: &'a Node, name: &str) -> Option<&'a Rc<Node>> {
    match &node.kind {
        Kind::Map(entries) => entries.iter().find(|(key, _)| key.name == name).map(|(_, value)| value),
        _ => None,
    }
}

pub(super) fn copy(key: &Key) -> Key {
    Key { name: key.name.clone(), place: key.place }
}
