//! Chains of filters that do this and that, by the dice, against the onion as it is meant: a model beside the proxy.

use std::fmt::Write as _;

use weir_tests::{Client, Origin, Proxy, command};

/// What a hook of the model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Next,
    Answer,
    Stop,
    Trap,
    Pause,
}

impl Act {
    fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Answer => "answer",
            Self::Stop => "stop",
            Self::Trap => "trap",
            Self::Pause => "pause",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Filter {
    is_open: bool,
    is_excepted: bool,
    /// To the one before it.
    is_alternative: bool,
    /// On the request's way, and once resumed; then on the response's.
    acts: [[Act; 2]; 2],
    complete: Act,
}

/// What must come of a request through these filters.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    status: u16,
    marks: Vec<String>,
    /// Marks that the upstream gets, if anything.
    sent: Option<Vec<String>>,
    calls: Vec<String>,
}

/// How a filter's part in one direction ends.
#[derive(PartialEq)]
enum Part {
    Passes,
    Answers,
    Fails,
}

impl Filter {
    fn runs(self, name: usize, way: usize, calls: &mut Vec<String>) -> Part {
        let hook = ["request", "response"][way];
        let [first, resumed] = self.acts[way];
        calls.push(format!("{name} {hook}"));
        let mut act = first;
        if first == Act::Pause {
            // It may pause 16 times for one message.
            let times = if resumed == Act::Pause { 16 } else { 1 };
            calls.extend(std::iter::repeat_n(format!("{name} {hook}-resumed"), times));
            act = if resumed == Act::Pause { Act::Trap } else { resumed };
        }
        match act {
            Act::Next => Part::Passes,
            Act::Answer => Part::Answers,
            Act::Stop | Act::Trap | Act::Pause => Part::Fails,
        }
    }
}

/// The chain's filters with their numbers; those of one group are alternatives.
fn groups(filters: &[Filter]) -> Vec<Vec<(usize, &Filter)>> {
    let mut groups: Vec<Vec<(usize, &Filter)>> = Vec::new();
    for (index, filter) in filters.iter().enumerate() {
        match groups.last_mut().filter(|_| filter.is_alternative) {
            Some(group) => group.push((index, filter)),
            None => groups.push(vec![(index, filter)]),
        }
    }
    groups
}

/// The onion, as it is meant.
fn model(filters: &[Filter]) -> Outcome {
    let mut outcome = Outcome { status: 200, sent: Some(Vec::new()), ..Outcome::default() };
    let mut source = "upstream";
    let (mut back, mut told) = (Vec::new(), Vec::new());
    'chain: for group in groups(filters) {
        let mut first = None;
        for (index, filter) in group.into_iter().filter(|(_, filter)| !filter.is_excepted) {
            match filter.runs(index, 0, &mut outcome.calls) {
                Part::Passes => {
                    back.push(index);
                    told.push(index);
                    outcome.sent.as_mut().unwrap().push(index.to_string());
                    continue 'chain;
                }
                Part::Answers => {
                    first.get_or_insert((410 + u16::try_from(index).unwrap(), "filter", Some(index)));
                }
                Part::Fails if filter.is_open => continue 'chain,
                Part::Fails => {
                    first.get_or_insert((500, "host", None));
                }
            }
        }
        if let Some((status, by, who)) = first {
            (outcome.status, source, outcome.sent) = (status, by, None);
            told.extend(who);
            break;
        }
    }
    for index in back.into_iter().rev() {
        match filters[index].runs(index, 1, &mut outcome.calls) {
            Part::Passes => outcome.marks.push(format!("{index} origin::{source}")),
            Part::Answers => {
                (outcome.status, source) = (410 + u16::try_from(index).unwrap(), "filter");
                outcome.marks.clear();
            }
            Part::Fails => {
                told.retain(|told| *told != index);
                if !filters[index].is_open {
                    (outcome.status, source) = (500, "host");
                    outcome.marks.clear();
                }
            }
        }
    }
    outcome.calls.extend(told.iter().rev().map(|index| format!("{index} complete")));
    outcome
}

/// A generator with a seed, so that a case that fails can be had again.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn act(&mut self, mild: u64) -> Act {
        match self.throw(mild) {
            0 => Act::Answer,
            1 => Act::Stop,
            2 => Act::Trap,
            3 | 4 => Act::Pause,
            _ => Act::Next,
        }
    }

    fn filter(&mut self) -> Filter {
        let mut way = || [self.act(14), self.act(8)];
        let acts = [way(), way()];
        Filter {
            is_open: self.throw(3) == 0,
            is_excepted: self.throw(8) == 0,
            is_alternative: self.throw(2) == 0,
            acts,
            complete: if self.throw(8) == 0 { Act::Trap } else { Act::Next },
        }
    }
}

fn entry((index, filter): (usize, &Filter)) -> String {
    let [[request, request_resumed], [response, response_resumed]] = filter.acts.map(|way| way.map(Act::name));
    let policy = if filter.is_open { "open" } else { "closed" };
    let except = if filter.is_excepted { "except: [/*], " } else { "" };
    format!(
        "{{ plugin: script, name: f{index}, on_failure: {policy}, {except}config: {{ name: \"{index}\", status: {}, \
         request: {request}, request_resumed: {request_resumed}, response: {response}, \
         response_resumed: {response_resumed}, complete: {} }} }}, ",
        410 + index,
        filter.complete.name()
    )
}

fn entries(filters: &[Filter]) -> String {
    let mut entries = String::new();
    for group in groups(filters) {
        let alternatives: String = group.iter().copied().map(entry).collect();
        if group.len() > 1 {
            write!(entries, "{{ any_of: [{alternatives}] }}, ").unwrap();
        } else {
            entries += &alternatives;
        }
    }
    entries
}

/// The head of an answer over HTTP/2.
fn over_http2(proxy: &Proxy, path: &str) -> String {
    let mut curl = command("curl", "curl");
    curl.args(["-sS", "--http2-prior-knowledge", "--max-time", "20", "-i"]);
    let output = curl.arg(format!("http://{}{path}", proxy.address)).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn any_chain_is_an_onion() {
    let mut dice = Dice(7);
    let cases: Vec<Vec<Filter>> = (0..300).map(|_| (0..=dice.throw(5)).map(|_| dice.filter()).collect()).collect();
    let origin = Origin::text("whole");
    let mut proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("script", "script", "quarantine: off")
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address));
    for (number, filters) in cases.iter().enumerate() {
        proxy = proxy.route_to(&format!("/{number}/*"), "app", &format!("chain: [{}]", entries(filters)));
    }
    let proxy = proxy.start();
    let models: Vec<Outcome> = cases.iter().map(|filters| model(filters)).collect();
    // Some of everything, or the dice prove nothing.
    for status in [200, 410, 412, 500] {
        assert!(models.iter().filter(|outcome| outcome.status == status).count() > 5, "{status}");
    }
    let mut client = Client::connect(proxy.address);
    for (number, expected) in models.iter().enumerate() {
        let reply = if number % 2 == 0 {
            client.get(&format!("/{number}/"), "")
        } else {
            client.send(format!("POST /{number}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"));
            client.reply()
        };
        let seen = (reply.status, reply.values("x-mark"));
        let marks: Vec<&str> = expected.marks.iter().map(String::as_str).collect();
        assert_eq!(seen, (expected.status, marks), "{number}: {:#?}", cases[number]);
        if let Some(sent) = &expected.sent {
            let received = origin.next();
            assert_eq!(received.values("x-mark"), *sent, "{number}");
            assert_eq!(received.body, if number % 2 == 0 { b"".as_slice() } else { b"body" }, "{number}");
        }
    }
    assert!(origin.arrived().is_empty(), "an answered request went to the upstream");
    // Some of them over HTTP/2, each by a curl of its own: that of Debian cannot reuse such a connection.
    for (number, expected) in models.iter().enumerate().step_by(3) {
        let head = over_http2(&proxy, &format!("/{number}/"));
        assert!(head.starts_with(&format!("HTTP/2 {}", expected.status)), "{number}: {head}\n{:#?}", cases[number]);
        let marks: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix("x-mark: ")).collect();
        assert_eq!(marks, expected.marks, "{number} over HTTP/2");
    }
    // Every call of every filter, in order.
    let times = |number: usize| if number.is_multiple_of(3) { 2 } else { 1 };
    let total = models.iter().enumerate().map(|(number, outcome)| times(number) * outcome.calls.len()).sum();
    proxy.log.wait_many("called ", total);
    let lines = proxy.log.so_far();
    let calls: Vec<&str> = lines.iter().filter_map(|line| line.split("called ").nth(1)?.split('"').next()).collect();
    for (number, expected) in models.iter().enumerate() {
        let route = format!(" /{number}/*");
        let calls: Vec<&str> = calls.iter().filter_map(|call| call.strip_suffix(&route)).collect();
        let expected: Vec<&str> = expected.calls.iter().map(String::as_str).collect();
        assert_eq!(calls, expected.repeat(times(number)), "{number}: {:#?}", cases[number]);
    }
}
