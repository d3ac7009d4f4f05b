//! Schemas that lead back to themselves without going a step deeper into the value: looking would never end.

use super::compile::Compiler;
use super::{Id, Rule};

/// How far a schema has been looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    No,
    Inside,
    Done,
}

/// Notes each loop as a fault of the schema in which it begins.
pub(super) fn check(compiler: &mut Compiler<'_>) {
    let (list, spots) = compiler.compiled();
    let mut seen = vec![Seen::No; list.len()];
    let mut loops = Vec::new();
    for start in 0..u32::try_from(list.len()).unwrap_or(u32::MAX) {
        let mut path: Vec<(Id, Vec<Id>)> = Vec::new();
        let mut next = Some(start);
        loop {
            if let Some(id) = next.take() {
                match seen.get_mut(id as usize) {
                    Some(state @ Seen::No) => {
                        *state = Seen::Inside;
                        let rules = list.get(id as usize).map(|schema| schema.rules.as_slice()).unwrap_or_default();
                        path.push((id, rules.iter().flat_map(in_place).collect()));
                    }
                    Some(Seen::Inside) => loops.push(id),
                    _ => {}
                }
            }
            let Some((id, inside)) = path.last_mut() else { break };
            match inside.pop() {
                Some(inner) => next = Some(inner),
                None => {
                    if let Some(state) = seen.get_mut(*id as usize) {
                        *state = Seen::Done;
                    }
                    path.pop();
                }
            }
        }
    }
    let loops: Vec<_> = loops.iter().filter_map(|id| spots.get(id).copied()).collect();
    for spot in loops {
        compiler.fault(spot, "this leads back to itself without looking at anything: no value could ever be checked");
    }
}

/// The schemas that look at the same value.
fn in_place(rule: &Rule) -> Vec<Id> {
    match rule {
        Rule::Ref(id) | Rule::DynamicRef(_, id) | Rule::Not(id) | Rule::DependentSchema(_, id) => vec![*id],
        Rule::AllOf(ids) | Rule::AnyOf(ids) | Rule::OneOf(ids) => ids.clone(),
        Rule::If(condition, then, otherwise) => [Some(*condition), *then, *otherwise].into_iter().flatten().collect(),
        _ => Vec::new(),
    }
}
