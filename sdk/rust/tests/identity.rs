//! What filters that say who somebody is use, under the host of a test.

use weir::document::{Parse, Parsed, State};
use weir::testing::Host;
use weir::{Document, Ended, Fault, Flow, Refusal, Reply, Request, Resumed, Upstream, exchange, setup, upstream};

struct Identity;

#[weir::filter]
impl Identity {
    fn configure() -> Result<Self, Fault> {
        setup::own_header("X-User-Id")?;
        assert_eq!(setup::own_header("content-length"), Err(Refusal::Forbidden));
        assert_eq!(setup::own_header("x user"), Err(Refusal::InvalidName));
        Ok(Self)
    }

    fn on_request(&self, request: &mut Request) -> weir::Result<()> {
        request.conceal_parameter("key")?;
        assert_eq!(request.conceal_parameter(""), Err(Refusal::InvalidName));
        request.set_header("x-user-id", "ada")?;
        Ok(())
    }
}

#[test]
fn own_fields_of_clients_are_gone_in_every_spelling() {
    let mut host = Host::new();
    let identity: Identity = host.configure("{}").unwrap();
    for name in ["x-user-id", "X_User_Id", "x-user.id", "x-user-ids"] {
        host.request.header(name, "root");
    }
    host.on_request(&identity);
    let names: Vec<&str> = host.request.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names, host.request.get("x-user-id")), (vec!["x-user-ids", "x-user-id"], Some("ada")));
}

#[test]
fn concealed_parameters_are_left_out_and_the_others_stay() {
    for (query, left) in [
        ("key=1", None),
        ("a=%31&k%65y=x=y&&b;c&key&d=+", Some("a=%31&&b;c&d=+")),
        ("keys=1&Key=2&k%zzey", Some("keys=1&Key=2&k%zzey")),
        ("a+b=1", Some("a+b=1")),
    ] {
        let mut host = Host::new();
        let identity: Identity = host.configure("{}").unwrap();
        host.request.query(query);
        host.on_request(&identity);
        assert_eq!(host.request.upstream_query(), left, "{query}");
    }
}

#[test]
fn a_shared_request_has_a_key_of_a_bounded_length() {
    let mut host = Host::new();
    host.upstream("auth", |_| Ok(weir::testing::answer(200, "yes")));
    host.enter(|| {
        let call = |key: &str| Upstream::from("auth").get("/").send_shared(key);
        assert_eq!(call(&"k".repeat(1024)).unwrap().body, b"yes");
        assert_eq!(call(&"k".repeat(1025)).unwrap_err(), upstream::Error::InvalidRequest);
        assert_eq!(Upstream::from("other").get("/").send_shared("k").unwrap_err(), upstream::Error::Denied);
    });
}

#[test]
fn lists_in_variables_are_read_as_they_were_set() {
    Host::new().enter(|| {
        for items in [&[][..], &["a"], &["a \"b\"", "", "é,[1]"]] {
            exchange::set_list("auth.roles", items).unwrap();
            assert_eq!(exchange::list("auth.roles"), items);
        }
        for (text, items) in [("admin", &["admin"][..]), ("[1,2]", &["[1,2]"]), ("[\"a\"", &["[\"a\""]), ("", &[""])] {
            exchange::set_var("auth.role", text).unwrap();
            assert_eq!(exchange::list("auth.role"), items);
        }
        assert_eq!(exchange::list("auth.none"), Vec::<String>::new());
    });
}

/// Lines, two in each hook; `!` cannot be read.
struct Lines;

impl Parse for Lines {
    type Value = Vec<String>;
    type Part = (Vec<String>, usize);

    fn begin(&self, text: Vec<u8>) -> Self::Part {
        (String::from_utf8_lossy(&text).lines().map(str::to_owned).collect(), 0)
    }

    fn go_on(&self, (lines, read): &mut Self::Part) -> Result<Option<Vec<String>>, String> {
        *read += 2;
        match lines.iter().take(*read).position(|line| line == "!") {
            Some(index) => Err(format!("line {}: what is that?", index + 1)),
            None => Ok((*read >= lines.len()).then(|| std::mem::take(lines))),
        }
    }
}

struct Names(Parsed<Lines>);

#[weir::filter]
impl Names {
    fn configure(names: Document) -> Result<Self, Fault> {
        Ok(Self(Parsed::new(names, "names", Lines)))
    }

    fn on_request(&self, _request: &Request) -> weir::Result {
        match self.0.look()? {
            State::Ready(names) => Reply::new(200).text(names.join(",")).send("names"),
            State::Reading | State::Missing => self.0.refresh(),
        }
    }

    fn on_resume(&self, _resumed: &mut Resumed) -> weir::Result {
        match self.0.look()? {
            State::Ready(names) => Reply::new(200).text(names.join(",")).send("names"),
            State::Reading => self.0.refresh(),
            State::Missing => Reply::new(503).send("no-names"),
        }
    }
}

fn said(host: &mut Host) -> (u16, String) {
    let reply = host.reply.take().unwrap();
    (reply.status, reply.text().unwrap_or_default().to_owned())
}

#[test]
fn a_long_document_is_read_in_parts_and_the_last_good_one_counts_meanwhile() {
    let mut host = Host::new();
    host.document("names", Some("a\nb\nc\nd\ne"));
    let names: Names = host.configure(r#""names""#).unwrap();
    assert_eq!((host.on_request(&names), names.0.version()), (Flow::Pause, 0));
    assert_eq!(host.on_resume(&names), Flow::Pause);
    assert_eq!(host.on_resume(&names), Flow::Stop);
    assert_eq!((said(&mut host), names.0.version()), ((200, "a,b,c,d,e".to_owned()), 1));

    host.document("names", Some("f\ng\nh"));
    host.on_request(&names);
    assert_eq!((said(&mut host).1.as_str(), names.0.version()), ("a,b,c,d,e", 1));
    host.on_request(&names);
    assert_eq!((said(&mut host).1.as_str(), names.0.version()), ("f,g,h", 2));

    host.document("names", Some("i\nj\n!"));
    for _ in 0..3 {
        host.on_request(&names);
        assert_eq!((said(&mut host).1.as_str(), names.0.version()), ("f,g,h", 2));
    }
    let lines: Vec<&str> = host.log.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines, ["`names` cannot be read: line 3: what is that?; what it was before counts"]);
}

#[test]
fn a_document_that_was_never_good_is_missing() {
    for text in [None, Some("!")] {
        let mut host = Host::new();
        host.document("names", text);
        let names: Names = host.configure(r#""names""#).unwrap();
        assert_eq!(host.on_request(&names), Flow::Pause);
        host.pause_ends(Ended::Failed);
        assert_eq!(host.on_resume(&names), Flow::Stop);
        assert_eq!(said(&mut host).0, 503);
        assert_eq!(host.log.len(), usize::from(text.is_some()));
    }
}
