//! From a pattern's text to a tree.

use std::iter::Peekable;
use std::str::Chars;

use super::set::Set;

/// A part of a pattern.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Empty,
    One(Set),
    /// `^`
    Start,
    /// `$`
    End,
    /// `\b`, or if not `\B`.
    Boundary(bool),
    /// One behind the other.
    Row(Vec<Node>),
    /// One of these.
    Choice(Vec<Node>),
    /// So many times, endlessly many without an upper end.
    Repeat(Box<Node>, u32, Option<u32>),
}

/// Groups in groups.
const DEEPEST: u32 = 24;

/// Of one quantifier.
const MOST_TIMES: u32 = 1000;

type Parsed<T> = Result<T, String>;

/// Reads a pattern, or says what is wrong with it.
pub(super) fn parse(pattern: &str) -> Parsed<Node> {
    let mut parser = Parser { chars: pattern.chars().peekable(), depth: 0 };
    let node = parser.choice()?;
    match parser.chars.next() {
        None => Ok(node),
        Some(_) => Err("a `)` closes nothing".into()),
    }
}

struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
    depth: u32,
}

fn wrong<T>(what: &str) -> Parsed<T> {
    Err(what.to_owned())
}

/// A character, or several that an escape stands for.
enum Member {
    Char(u32),
    Set(Set),
}

impl Parser<'_> {
    fn eat(&mut self, wanted: char) -> bool {
        self.chars.next_if_eq(&wanted).is_some()
    }

    fn choice(&mut self) -> Parsed<Node> {
        let mut rows = vec![self.row()?];
        while self.eat('|') {
            rows.push(self.row()?);
        }
        Ok(if rows.len() == 1 { rows.pop().unwrap_or(Node::Empty) } else { Node::Choice(rows) })
    }

    fn row(&mut self) -> Parsed<Node> {
        let mut parts = Vec::new();
        while let Some(next) = self.chars.peek()
            && !matches!(next, '|' | ')')
        {
            let part = self.part()?;
            parts.push(self.quantified(part)?);
        }
        Ok(Node::Row(parts))
    }

    fn part(&mut self) -> Parsed<Node> {
        Ok(match self.chars.next() {
            Some('^') => Node::Start,
            Some('$') => Node::End,
            Some('.') => Node::One(Set::dot()),
            Some('(') => return self.group(),
            Some('[') => Node::One(self.class()?),
            Some('\\') => match self.chars.peek() {
                Some('b' | 'B') => Node::Boundary(self.chars.next() == Some('b')),
                _ => Node::One(match self.escape()? {
                    Member::Char(code) => Set::of(&[(code, code)]),
                    Member::Set(set) => set,
                }),
            },
            Some('*' | '+' | '?') => return wrong("nothing stands before a quantifier"),
            Some(character) => Node::One(Set::of(&[(character.into(), character.into())])),
            None => Node::Empty,
        })
    }

    fn group(&mut self) -> Parsed<Node> {
        if self.depth == DEEPEST {
            return wrong("groups are nested too deeply");
        }
        if self.eat('?') {
            match self.chars.next() {
                Some(':') => {}
                Some('<') if !matches!(self.chars.peek(), Some('=' | '!')) => {
                    if !self.chars.by_ref().any(|character| character == '>') {
                        return wrong("the name of a group does not end");
                    }
                }
                Some('=' | '!' | '<') => return wrong("look-ahead and look-behind are not supported"),
                _ => return wrong("this kind of group is not supported"),
            }
        }
        self.depth += 1;
        let node = self.choice()?;
        self.depth -= 1;
        if self.eat(')') { Ok(node) } else { wrong("a `(` is not closed") }
    }

    fn quantified(&mut self, node: Node) -> Parsed<Node> {
        let (least, most) = match self.chars.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match counts(self.chars.clone()) {
                Some((least, most, length)) => {
                    // The closing brace is taken below.
                    self.chars.nth(length - 2);
                    (least, most)
                }
                None => return Ok(node),
            },
            _ => return Ok(node),
        };
        self.chars.next();
        // Whether it is lazy changes what is captured, never whether it fits.
        self.eat('?');
        if matches!(node, Node::Start | Node::End | Node::Boundary(_)) {
            return wrong("an assertion cannot be repeated");
        }
        if least > MOST_TIMES || most.is_some_and(|most| most > MOST_TIMES) {
            return wrong("a quantifier goes up to 1000");
        }
        if most.is_some_and(|most| most < least) {
            return wrong("the numbers of a quantifier are the wrong way round");
        }
        if matches!(self.chars.peek(), Some('*' | '+' | '?')) {
            return wrong("a quantifier follows another one");
        }
        Ok(Node::Repeat(Box::new(node), least, most))
    }

    fn class(&mut self) -> Parsed<Set> {
        let is_inverse = self.eat('^');
        let (mut ranges, mut properties) = (Vec::new(), Vec::new());
        loop {
            if self.eat(']') {
                return Ok(Set::new(&ranges, properties, is_inverse));
            }
            let from = match self.member()? {
                Member::Char(code) => code,
                Member::Set(set) => {
                    set.add_to(&mut ranges, &mut properties);
                    continue;
                }
            };
            let mut ahead = self.chars.clone();
            if ahead.next() != Some('-') || matches!(ahead.next(), Some(']') | None) {
                ranges.push((from, from));
                continue;
            }
            self.chars.next();
            match self.member()? {
                Member::Char(to) if to < from => return wrong("a range ends before it begins"),
                Member::Char(to) => ranges.push((from, to)),
                Member::Set(set) => {
                    // `[a-\d]`: a hyphen between things that are no ends of a range.
                    ranges.extend_from_slice(&[(from, from), ('-'.into(), '-'.into())]);
                    set.add_to(&mut ranges, &mut properties);
                }
            }
        }
    }

    fn member(&mut self) -> Parsed<Member> {
        match self.chars.next() {
            None => wrong("a `[` is not closed"),
            Some('\\') if self.eat('b') => Ok(Member::Char(8)),
            Some('\\') => self.escape(),
            Some(character) => Ok(Member::Char(character.into())),
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Parsed<Member> {
        let Some(letter) = self.chars.next() else { return wrong("nothing follows a backslash") };
        if let Some(set) = Set::class(letter) {
            return Ok(Member::Set(set));
        }
        Ok(Member::Char(match letter {
            't' => 9,
            'n' => 10,
            'v' => 11,
            'f' => 12,
            'r' => 13,
            '0' if !self.chars.peek().is_some_and(char::is_ascii_digit) => 0,
            'c' => match self.chars.next() {
                Some(letter) if letter.is_ascii_alphabetic() => u32::from(letter) % 32,
                _ => return wrong("`\\c` needs a letter"),
            },
            'x' => self.hex(2)?,
            'u' => return self.unicode().map(Member::Char),
            'p' | 'P' => return self.property(letter == 'P').map(Member::Set),
            '0'..='9' | 'k' => return wrong("references to groups are not supported"),
            letter if letter.is_alphanumeric() => return Err(format!("there is no escape `\\{letter}`")),
            character => character.into(),
        }))
    }

    fn hex(&mut self, digits: u32) -> Parsed<u32> {
        let mut code = 0;
        for _ in 0..digits {
            let Some(digit) = self.chars.next().and_then(|digit| digit.to_digit(16)) else {
                return wrong("an escape has too few hexadecimal digits");
            };
            code = code << 4 | digit;
        }
        Ok(code)
    }

    fn unicode(&mut self) -> Parsed<u32> {
        if self.eat('{') {
            let digits: String = self.chars.by_ref().take_while(|character| *character != '}').take(7).collect();
            let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
            return code.map(u32::from).ok_or_else(|| "there is no such character".to_owned());
        }
        let high = self.hex(4)?;
        if !(0xD800..0xDC00).contains(&high) {
            return Ok(high);
        }
        if !(self.eat('\\') && self.eat('u')) {
            return wrong("half of a surrogate pair is no character");
        }
        match self.hex(4)? {
            low @ 0xDC00..0xE000 => Ok(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)),
            _ => wrong("half of a surrogate pair is no character"),
        }
    }

    fn property(&mut self, is_inverse: bool) -> Parsed<Set> {
        if !self.eat('{') {
            return wrong("`\\p` needs a property in braces");
        }
        let name: String = self.chars.by_ref().take_while(|character| *character != '}').take(64).collect();
        match Set::property(&name, is_inverse) {
            Some(set) => Ok(set),
            None => Err(format!("the property `\\p{{{name}}}` is not supported")),
        }
    }
}

/// `{3}`, `{3,}` or `{3,5}`, and how many characters it has; anything else is text.
fn counts(chars: Peekable<Chars<'_>>) -> Option<(u32, Option<u32>, usize)> {
    let text: String = chars.skip(1).take(24).take_while(|character| *character != '}').collect();
    let length = text.len() + 2;
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u32::MAX))
    };
    match text.split_once(',') {
        None => number(&text).map(|times| (times, Some(times), length)),
        Some((least, "")) => number(least).map(|least| (least, None, length)),
        Some((least, most)) => Some((number(least)?, Some(number(most)?), length)),
    }
}
