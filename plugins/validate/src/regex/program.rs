//! A pattern as steps of a machine that is in many places at once, and reads each character once.

use super::parse::{Node, parse};
use super::set::Set;
use crate::steps::{Steps, TooComplex};

#[derive(Debug)]
enum Step {
    One(Set),
    Start,
    End,
    Boundary(bool),
    Split(u32, u32),
    Go(u32),
    Found,
}

/// A pattern, ready to be looked for.
#[derive(Debug)]
pub(crate) struct Program {
    steps: Vec<Step>,
}

/// Where the machine is; kept from one text to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    now: Vec<u32>,
    next: Vec<u32>,
    /// In which round each step was reached last.
    reached: Vec<u32>,
    round: u32,
    /// How many were, in this round.
    entered: u32,
    pending: Vec<u32>,
}

/// More would make each character too slow.
const MOST_STEPS: usize = 2000;

const TOO_LARGE: &str = "the pattern is too large: what its quantifiers count is written out, up to 2000 steps";

impl Program {
    /// Reads a pattern, or says what is wrong with it.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let mut program = Self { steps: Vec::new() };
        program.add(&parse(pattern, true)?)?;
        program.push(Step::Found)?;
        Ok(program)
    }

    fn here(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    fn push(&mut self, step: Step) -> Result<u32, String> {
        if self.steps.len() >= MOST_STEPS {
            return Err(TOO_LARGE.to_owned());
        }
        let here = self.here();
        self.steps.push(step);
        Ok(here)
    }

    fn set(&mut self, at: u32, step: Step) {
        if let Some(place) = self.steps.get_mut(at as usize) {
            *place = step;
        }
    }

    fn add(&mut self, node: &Node) -> Result<(), String> {
        match node {
            Node::Empty => {}
            Node::One(set) => drop(self.push(Step::One(set.clone()))?),
            Node::Start => drop(self.push(Step::Start)?),
            Node::End => drop(self.push(Step::End)?),
            Node::Boundary(is_one) => drop(self.push(Step::Boundary(*is_one))?),
            Node::Row(parts) => parts.iter().try_for_each(|part| self.add(part))?,
            Node::Choice(rows) => {
                let mut ends = Vec::new();
                for (index, row) in rows.iter().enumerate() {
                    if index + 1 == rows.len() {
                        self.add(row)?;
                        break;
                    }
                    let split = self.push(Step::Found)?;
                    self.add(row)?;
                    ends.push(self.push(Step::Found)?);
                    self.set(split, Step::Split(split + 1, self.here()));
                }
                let end = self.here();
                for from in ends {
                    self.set(from, Step::Go(end));
                }
            }
            Node::Repeat(node, least, most) => {
                for _ in 0..*least {
                    let before = self.here();
                    self.add(node)?;
                    if self.here() == before {
                        // Nothing, however often, is nothing.
                        return Ok(());
                    }
                }
                match most {
                    None => {
                        let split = self.push(Step::Found)?;
                        self.add(node)?;
                        self.push(Step::Go(split))?;
                        self.set(split, Step::Split(split + 1, self.here()));
                    }
                    Some(most) => {
                        let mut splits = Vec::new();
                        for _ in *least..*most {
                            splits.push(self.push(Step::Found)?);
                            self.add(node)?;
                        }
                        let end = self.here();
                        for split in splits {
                            self.set(split, Step::Split(split + 1, end));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the pattern is found anywhere in the text.
    pub(crate) fn finds(&self, text: &str, scratch: &mut Scratch, steps: &mut Steps) -> Result<bool, TooComplex> {
        // Rounds are counted on from text to text, so what was reached before need not be forgotten.
        if scratch.reached.len() < self.steps.len() {
            scratch.reached.resize(self.steps.len(), 0);
        }
        scratch.now.clear();
        let is_anchored = matches!(self.steps.first(), Some(Step::Start));
        let mut before = None;
        let mut chars = text.chars();
        loop {
            let next = chars.next();
            // The places of the last character were noted without looking past it.
            scratch.round += 1;
            let mut places = std::mem::take(&mut scratch.now);
            scratch.next.clear();
            let entry = (before.is_none() || !is_anchored).then_some(0);
            for place in places.drain(..).chain(entry) {
                if self.enter(place, (before, next), scratch) {
                    return Ok(true);
                }
            }
            steps.take(1 + std::mem::take(&mut scratch.entered))?;
            let Some(character) = next else { return Ok(false) };
            for place in &scratch.next {
                if let Some(Step::One(set)) = self.steps.get(*place as usize)
                    && set.contains(character)
                {
                    places.push(place + 1);
                }
            }
            if places.is_empty() && is_anchored {
                return Ok(false);
            }
            scratch.now = places;
            before = next;
        }
    }

    /// Follows what reads no character, from one step on; whether that is the end.
    fn enter(&self, place: u32, (before, next): (Option<char>, Option<char>), scratch: &mut Scratch) -> bool {
        scratch.pending.clear();
        scratch.pending.push(place);
        while let Some(place) = scratch.pending.pop() {
            match scratch.reached.get_mut(place as usize) {
                Some(round) if *round != scratch.round => *round = scratch.round,
                _ => continue,
            }
            scratch.entered += 1;
            match self.steps.get(place as usize) {
                Some(Step::One(_)) => scratch.next.push(place),
                Some(Step::Start) if before.is_none() => scratch.pending.push(place + 1),
                Some(Step::End) if next.is_none() => scratch.pending.push(place + 1),
                Some(Step::Boundary(is_one)) if (Set::is_word(before) != Set::is_word(next)) == *is_one => {
                    scratch.pending.push(place + 1);
                }
                Some(Step::Split(one, other)) => scratch.pending.extend([*other, *one]),
                Some(Step::Go(to)) => scratch.pending.push(*to),
                Some(Step::Found) => return true,
                Some(Step::Start | Step::End | Step::Boundary(_)) | None => {}
            }
        }
        false
    }
}
