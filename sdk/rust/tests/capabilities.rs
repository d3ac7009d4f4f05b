//! Capabilities under the host of a test: what filters' own tests rely on.

use std::time::Duration;

use weir::crypto::{self, Hash, PublicKey, Signature};
use weir::store::{self, Outcome, Stand, Step};
use weir::testing::{Host, answer};
use weir::{Fault, Faults, Refusal, Request, Result, Secret, Store, Upstream, metrics, setup, upstream};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_store_keeps_values_for_their_time() {
    let mut host = Host::new();
    host.stores.set("shared", "greeting", "hello");
    host.enter(|| -> Result<()> {
        let store = Store::from("shared");
        assert_eq!(store.get("greeting")?, Some(b"hello".to_vec()));
        assert!(store.remove("greeting")?);
        assert!(!store.remove("greeting")?);
        store.set("short", "x", Some(Duration::from_secs(1)))?;
        assert_eq!(store.increment("count", 2, Some(Duration::from_secs(1)))?, 2);
        assert_eq!(store.decrement("count", 5, None)?, -3);
        assert_eq!(store.get("count")?, Some(b"-3".to_vec()));
        assert_eq!(store.increment("short", 1, None), Err(store::Error::NotANumber));
        assert!(!store.compare_and_swap("cas", Some(b"a"), Some(b"b"), None)?);
        assert!(store.compare_and_swap("cas", None, Some(b"b"), None)?);
        assert!(store.compare_and_swap("cas", Some(b"b"), None, None)?);
        assert_eq!(Store::local().get("short")?, None);
        assert_eq!(Store::from("nobody").get("short"), Err(store::Error::Denied));
        assert_eq!(store.set_durable("x", "y", None), Err(store::Error::Unsupported));
        let outcomes = store.batch().set("b", "1", None).increment("b", 1, None).get("b").remove("b").run()?;
        assert!(matches!(
            &outcomes[..],
            [Outcome::Done, Outcome::Number(2), Outcome::Value(Some(value)), Outcome::Removed(true)] if value == b"2"
        ));
        Ok(())
    })
    .unwrap();
    host.advance(Duration::from_secs(1));
    host.enter(|| {
        assert_eq!(Store::from("shared").get("short"), Ok(None));
        assert_eq!(Store::from("shared").increment("count", 1, None), Ok(1));
    });
    host.stores.fail(Some(store::Error::Unavailable));
    let error = host.enter(|| -> Result<()> { Ok(Store::local().set("x", "y", None)?) }).unwrap_err();
    assert_eq!(error.to_string(), "the store did not do it: unavailable");
}

#[test]
fn steps_stay_within_their_bound_and_renew_their_time() {
    let mut host = Host::new();
    let minute = Duration::from_secs(60);
    let step = |by: u64, most: i64| Step::new("n", by, most).living(minute);
    host.enter(|| -> Result<()> {
        let store = Store::local();
        assert_eq!(store.advance_one(&step(3, 5))?, Stand { value: 3, taken: true });
        assert_eq!(store.advance_one(&step(3, 5))?, Stand { value: 3, taken: false });
        let steps = [Step::new("m", 1, 20).from(10), step(1, 5), step(2, 5), Step::new("last", 1, 1)];
        let stands = store.advance(&steps)?;
        assert_eq!(stands.iter().map(|stand| stand.value).collect::<Vec<_>>(), [11, 4, 4]);
        assert_eq!(store.get("last")?, None, "what comes after the first that is not taken is not tried");
        store.set("text", "x", None)?;
        assert_eq!(store.advance_one(&Step::new("text", 1, 5)), Err(store::Error::NotANumber));
        assert_eq!(store.advance_one(&step(1 << 54, 5)), Err(store::Error::NotANumber));
        assert_eq!(store.advance(&vec![step(1, 5); 65]).unwrap_err(), store::Error::TooLarge);
        assert_eq!(Store::from("nobody").advance(&[]).unwrap_err(), store::Error::Denied);
        Ok(())
    })
    .unwrap();
    host.advance(Duration::from_secs(59));
    host.enter(|| assert_eq!(Store::local().advance_one(&step(1, 5)).unwrap().value, 5));
    host.advance(Duration::from_secs(59));
    host.enter(|| assert!(!Store::local().advance_one(&step(1, 5)).unwrap().taken));
    host.advance(Duration::from_secs(1));
    host.enter(|| assert_eq!(Store::local().advance_one(&step(1, 5)).unwrap().value, 1));
}

#[derive(serde::Deserialize)]
struct Count {
    asked: u32,
    by: String,
}

#[test]
fn upstreams_answer_as_the_test_says() {
    let mut host = Host::new();
    let mut asked = 0;
    host.upstream("policy", move |request| {
        asked += 1;
        match request.target.as_str() {
            "/slow" => Err(upstream::Error::TimedOut),
            "/count" => Ok(answer(
                200,
                format!("{{\"asked\": {asked}, \"by\": {:?}}}", request.get("x-user").unwrap_or_default()),
            )),
            _ => Ok(answer(404, request.body.clone())),
        }
    });
    host.enter(|| -> Result<()> {
        let policy = Upstream::from("policy");
        let count: Count =
            policy.get("/count").header("x-user", "ada").timeout(Duration::from_secs(1)).send()?.json()?;
        assert_eq!((count.asked, count.by.as_str()), (1, "ada"));
        let answers = upstream::send_all([
            policy.get("/slow"),
            policy.post("/echo").json(&[1, 2])?,
            Upstream::from("nobody").get("/"),
            policy.call("PUT", "/echo").body("long").max_body(3),
        ]);
        assert_eq!(answers[0].as_ref().unwrap_err(), &upstream::Error::TimedOut);
        assert_eq!(answers[1].as_ref().unwrap().body, b"[1,2]");
        assert_eq!(answers[2].as_ref().unwrap_err(), &upstream::Error::Denied);
        assert_eq!(answers[3].as_ref().unwrap_err(), &upstream::Error::TooLarge);
        Ok(())
    })
    .unwrap();
}

#[test]
fn secrets_stay_behind_their_handles() {
    let mut host = Host::new();
    host.secret("/key", "sesame");
    host.enter(|| {
        let key = Secret::from("/key");
        assert_eq!(key.equals("sesame"), Ok(true));
        assert_eq!(key.equals("sesam"), Ok(false));
        assert_eq!(key.reveal(), Ok(b"sesame".to_vec()));
        assert_eq!(key.hmac(Hash::Sha256, b"x"), crypto::hmac(Hash::Sha256, b"sesame", b"x"));
        assert_eq!(Secret::from("/other").reveal(), Err(Refusal::Denied));
    });
}

/// RFC 3174, FIPS 180-4, and RFC 4231 with keys shorter and longer than a block.
#[test]
fn digests_are_real() {
    Host::new().enter(|| {
        assert_eq!(hex(&crypto::digest(Hash::Sha1, b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hex(&crypto::digest(Hash::Sha1, &vec![b'a'; 1_000_000])),
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f"
        );
        for (length, digest) in [
            (55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
            (56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
            (64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
        ] {
            assert_eq!(hex(&crypto::digest(Hash::Sha1, &vec![b'a'; length])), digest, "{length}");
        }
        assert_eq!(
            hex(&crypto::digest(Hash::Sha256, b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hex(&crypto::hmac(Hash::Sha256, b"Jefe", b"what do ya want for nothing?").unwrap()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = "Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(&crypto::hmac(Hash::Sha512, &[0xAA; 131], long.as_bytes()).unwrap())[..32],
            *"80b24263c7c1a3ebb71493c1dd7be8b4"
        );
    });
}

#[test]
fn signatures_are_what_the_test_says() {
    let mut host = Host::new();
    host.signatures(|_, message, signature| message == signature);
    host.enter(|| {
        let key = PublicKey::ed25519([0; 32]).unwrap();
        assert_eq!(key.verify(Signature::Eddsa, b"m", b"m"), Ok(true));
        assert_eq!(key.verify(Signature::Eddsa, b"m", b"n"), Ok(false));
        assert_eq!(key.verify(Signature::Rs256, b"m", b"m"), Err(Refusal::InvalidValue));
    });
}

#[test]
fn time_and_chance_are_the_tests() {
    let mut host = Host::new();
    host.now = Duration::from_secs(100);
    host.advance(Duration::from_millis(5));
    assert_eq!(host.enter(weir::clock::now), Duration::from_millis(100_005));
    let first = host.enter(|| (weir::random::number(), weir::random::bytes(3)));
    let mut again = Host::new();
    assert_eq!(again.enter(|| (weir::random::number(), weir::random::bytes(3))), first);
    again.seed = 2;
    assert_ne!(again.enter(|| (weir::random::number(), weir::random::bytes(3))), first);
    host.password("$2b$x", "right");
    host.enter(|| {
        assert_eq!(weir::password::verify("$2b$x", "right"), Ok(true));
        assert_eq!(weir::password::verify("$2b$x", "wrong"), Ok(false));
        assert_eq!(weir::password::verify("plain", "right"), Err(weir::password::Error::UnknownFormat));
    });
}

#[derive(serde::Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    keys: weir::Document,
    #[serde(default)]
    names: Vec<String>,
}

struct Declares {
    seen: metrics::Counter<2>,
    size: metrics::Histogram,
    open: metrics::Gauge,
}

#[weir::filter]
impl Declares {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        config.keys.keep_fresh(Duration::from_secs(30))?;
        setup::tick(Duration::from_millis(1));
        setup::skip(setup::Hook::OnComplete);
        let mut faults = Faults::default();
        for (index, name) in config.names.iter().enumerate().filter(|(_, name)| name.is_empty()) {
            faults.push(Fault::at(format!("/names/{index}"), format!("{name:?} is no name")));
        }
        faults.or(Self {
            seen: setup::counter("seen", "Seen", ["method", "site"])?,
            size: setup::histogram("size", "Sizes", [], &[1.0, 2.0])?,
            open: setup::gauge("open", "Open", [])?,
        })
    }

    fn on_request(&self, request: &Request) {
        self.seen.add([&request.method(), "a"], 2);
        self.size.observe([], 1.5);
        self.size.observe([], 3.0);
        self.open.set([], 4.0);
    }
}

#[test]
fn what_configure_asks_for_is_seen() {
    let mut host = Host::new();
    host.document("/keys", None);
    let filter: Declares = host.configure(r#"{"keys": "/keys"}"#).unwrap();
    assert_eq!(host.tick, Some(Duration::from_millis(100)));
    assert_eq!(host.skipped, [setup::Hook::OnComplete]);
    assert_eq!(host.kept_fresh["/keys"], Duration::from_secs(30));
    host.on_request(&filter);
    host.on_request(&filter);
    assert_eq!(host.metrics.value("seen", &["GET", "a"]), Some(4.0));
    assert_eq!(host.metrics.value("seen", &["PUT", "a"]), None);
    assert_eq!(host.metrics.observed("size", &[]), [1.5, 3.0, 1.5, 3.0]);
    assert_eq!(host.metrics.value("open", &[]), Some(4.0));
}

#[test]
fn faults_have_places() {
    let faults = |json: &str| -> Vec<(String, String)> {
        let mut host = Host::new();
        host.document("/keys", None);
        let faults = host.configure::<Declares>(json).err().unwrap();
        faults.iter().map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
    };
    assert_eq!(
        faults(r#"{"keys": "/keys", "names": ["", "a", ""]}"#),
        [("/names/0".into(), "\"\" is no name".into()), ("/names/2".into(), "\"\" is no name".into())]
    );
    assert_eq!(
        faults(r#"{"keys": "/keys", "names": ["a", 7]}"#),
        [("/names/1".into(), "expected a string, found 7".into())]
    );
    let [(pointer, message)] = faults(r#"{"keys": "/elsewhere"}"#).try_into().unwrap();
    assert_eq!((pointer.as_str(), message.as_str()), ("", "the host refused what the filter asks of it: denied"));
}
