//! Who issues tokens and says what they are worth: a process of Python's own HTTP server, `PyJWT` and `OpenSSL`.
//!
//! `/jwks`, `/.well-known/openid-configuration`, `/introspect` (RFC 7662) and `/authorize` (decides policies) answer as a good
//! server would, until a test says otherwise with [`Issuer::answer`]. Everything that it is asked can be read with
//! [`Issuer::requests`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::dialogue::Dialogue;
use crate::{Authority, base64url, command, from_base64url};

/// A running issuer; dropping it ends it.
#[derive(Debug)]
pub struct Issuer {
    /// Where it serves.
    pub address: SocketAddr,
    ca: Option<PathBuf>,
    dialogue: Dialogue,
    _folder: TempDir,
}

/// A key that it made with `openssl genpkey`.
#[derive(Clone, Debug)]
pub struct Key {
    /// What it is called.
    pub kid: String,
    /// What it is for.
    pub alg: String,
    /// PKCS #8; empty for a shared secret.
    pub private_pem: String,
    /// `SubjectPublicKeyInfo`; empty for a shared secret.
    pub public_pem: String,
    /// As a JWKS has it; a secret's has `k`.
    pub jwk: Value,
    /// With its private members.
    pub private_jwk: Value,
}

impl Key {
    /// A shared secret, as it stands in a file.
    pub fn secret(&self) -> Vec<u8> {
        from_base64url(self.jwk["k"].as_str().expect("it is a shared secret"))
    }
}

impl Issuer {
    /// One over HTTP.
    pub fn start() -> Self {
        Self::with(&[], None)
    }

    /// One over HTTPS, with a certificate of this authority for 127.0.0.1.
    pub fn over_tls(authority: &Authority) -> Self {
        let (certificate, key) = authority.certify("127.0.0.1");
        Self::with(&[&certificate, &key], Some(authority.file()))
    }

    fn with(files: &[&Path], ca: Option<PathBuf>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("issuer.py");
        std::fs::write(&program, include_str!("issuer.py")).unwrap();
        command("openssl", "openssl");
        let mut python = Command::new(libraries().join("bin/python3"));
        python.arg(program).args(files);
        let dialogue = Dialogue::start(python);
        let port = dialogue.said().as_u64().and_then(|port| u16::try_from(port).ok()).expect("it says its port");
        Self { address: SocketAddr::from(([127, 0, 0, 1], port)), ca, dialogue, _folder: folder }
    }

    /// Its origin, which is the `issuer` that it describes itself with.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.ca.is_some() { "https" } else { "http" }, self.address)
    }

    /// The body of an upstream of the configuration: `builder.upstream("auth", &issuer.upstream())`.
    pub fn upstream(&self) -> String {
        let tls = self.ca.as_ref().map(|ca| format!(", tls: {{ ca: \"{}\" }}", ca.display())).unwrap_or_default();
        format!("{{ endpoints: [\"{}\"]{tls} }}", self.url())
    }

    /// Makes a key for this algorithm (`ES256`; for `HS256` and the like a secret of 64 letters), which is not published yet.
    pub fn key(&self, kid: &str, alg: &str) -> Key {
        let made = self.dialogue.ask(&json!({ "do": "key", "kid": kid, "alg": alg }));
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Key {
            kid: kid.to_owned(),
            alg: alg.to_owned(),
            private_pem: text("private_pem"),
            public_pem: text("public_pem"),
            jwk: made["jwk"].clone(),
            private_jwk: made["private_jwk"].clone(),
        }
    }

    /// From now on `/jwks` has these keys.
    pub fn publish(&self, keys: &[&Key]) {
        self.publish_jwks(&keys.iter().map(|key| key.jwk.clone()).collect::<Vec<_>>());
    }

    /// From now on `/jwks` has these keys, whatever they are.
    pub fn publish_jwks(&self, keys: &[Value]) {
        self.dialogue.ask(&json!({ "do": "publish", "keys": keys }));
    }

    /// A token as `PyJWT` makes it.
    pub fn token(&self, key: &Key, claims: &Value) -> String {
        self.token_with(key, &key.alg, &json!({}), claims)
    }

    /// The same by another algorithm of the key's type, and with more members of the header (`null` takes one out).
    pub fn token_with(&self, key: &Key, alg: &str, header: &Value, claims: &Value) -> String {
        let order = json!({ "do": "token", "kid": key.kid, "alg": alg, "header": header, "claims": claims });
        text(&self.dialogue.ask(&order))
    }

    /// A token of these bytes as they are, rightly signed.
    pub fn sign(&self, key: &Key, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let input = format!("{}.{}", base64url(header), base64url(payload));
        self.sign_input(key, &input)
    }

    /// The same, the first two parts being encoded already.
    pub fn sign_input(&self, key: &Key, input: &str) -> String {
        let order = json!({ "do": "sign", "kid": key.kid, "alg": key.alg, "input": input });
        format!("{input}.{}", text(&self.dialogue.ask(&order)))
    }

    /// A token whose signature is an HMAC (`HS256`) with these bytes as the secret.
    pub fn hmac(&self, alg: &str, secret: impl AsRef<[u8]>, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let order = json!({ "do": "hmac", "alg": alg, "key": base64url(secret), "input": input });
        format!("{input}.{}", text(&self.dialogue.ask(&order)))
    }

    /// Whether `PyJWT` accepts a token with the published keys. The rules: `algorithms`, `audience`, `issuer`, `leeway`
    /// (seconds), `required`.
    pub fn accepts(&self, token: &str, rules: &Value) -> bool {
        let said = self.dialogue.ask(&json!({ "do": "verdict", "token": token, "rules": rules }));
        said["accepted"].as_bool().expect("a verdict")
    }

    /// What `/introspect` answers about this token: `{ "active": true, "sub": "ada" }`. Of others it says that they are not
    /// active.
    pub fn introspects(&self, token: &str, answer: &Value) {
        self.dialogue.ask(&json!({ "do": "introspects", "token": token, "answer": answer }));
    }

    /// Who may introspect: `{ "id": ..., "secret": ... }`, or `{ "bearer": ... }` as well. In the beginning it is `weir` with
    /// `an introspection secret`.
    pub fn client(&self, client: &Value) {
        self.dialogue.ask(&json!({ "do": "client", "client": client }));
    }

    /// From now on this path answers so:
    ///
    /// * `status` and `fields`: other than 200 and none;
    /// * `json`, `text` (as HTML) or `huge` (so many bytes of JSON): the body;
    /// * `hold: true`: not before [`Issuer::mend`];
    /// * `hang_up: true`: ends the connection instead;
    /// * `when`: only requests with this text in their body. The last rule that fits a request counts.
    pub fn answer(&self, path: &str, how: &Value) {
        let mut order = how.clone();
        order["do"] = "answer".into();
        order["path"] = path.into();
        self.dialogue.ask(&order);
    }

    /// This path answers as usual again; who was held gets its answer.
    pub fn mend(&self, path: &str) {
        self.dialogue.ask(&json!({ "do": "mend", "path": path }));
    }

    /// What this path was asked: `method`, `path`, `target` (with the query), `fields` (small names) and `body`; once there
    /// were so many.
    pub fn requests(&self, path: &str, count: usize) -> Vec<Value> {
        let known = self.dialogue.ask(&json!({ "do": "requests", "path": path, "count": count }));
        let known = known.as_array().expect("a list").clone();
        assert!(known.len() >= count, "{path} was asked {} times, not {count}: {known:#?}", known.len());
        known
    }

    /// How often this path was asked so far.
    pub fn count(&self, path: &str) -> usize {
        self.requests(path, 0).len()
    }
}

/// Tokens by the library `jose` of Node.
#[derive(Debug)]
pub struct Jose {
    dialogue: Dialogue,
    _folder: TempDir,
}

impl Jose {
    /// Starts it.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("jose.mjs");
        std::fs::write(&program, include_str!("jose.mjs")).unwrap();
        let mut node = command("node", "nodejs");
        node.arg(program).arg(libraries().join("jose.mjs"));
        Self { dialogue: Dialogue::start(node), _folder: folder }
    }

    /// A token; the header has the key's `alg` and `kid` and what is here.
    pub fn token(&self, key: &Key, header: &Value, claims: &Value) -> String {
        let mut whole = json!({ "alg": key.alg, "kid": key.kid });
        whole.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
        text(&self.dialogue.ask(&json!({ "key": key.private_jwk, "header": whole, "claims": claims })))
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The folder of `PyJWT` and `jose` under target/; they are fetched on demand.
fn libraries() -> PathBuf {
    static LIBRARIES: OnceLock<PathBuf> = OnceLock::new();
    LIBRARIES
        .get_or_init(|| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/jose");
            let python = folder.join("bin/python3");
            let has_python = || {
                let imported =
                    Command::new(&python).args(["-c", "import jwt, cryptography"]).stderr(Stdio::null()).status();
                imported.is_ok_and(|status| status.success())
            };
            if !has_python() {
                let made = command("python3", "python3").args(["-m", "venv"]).arg(&folder).status();
                let got = Command::new(&python).args(["-m", "pip", "install", "-q", "pyjwt[crypto]"]).status();
                assert!(
                    made.is_ok() && got.is_ok() && has_python(),
                    "this test needs PyJWT: apt-get install python3-venv, and a package index"
                );
            }
            let has_node = || folder.join("node_modules/jose/package.json").is_file();
            if !has_node() {
                let mut npm = command("npm", "npm");
                npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).arg("jose@5");
                let got = npm.status();
                assert!(
                    got.is_ok() && has_node(),
                    "this test needs Node's jose: apt-get install npm, and its registry"
                );
            }
            folder
        })
        .clone()
}
