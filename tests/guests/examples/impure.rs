//! Calls in `configure` what its configuration says, which only `log` and `setup` allow.

use serde::Deserialize;
use weir::{Document, Fault, Secret, Store, Upstream, clock, crypto, exchange, password, random};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    calls: String,
    store: Option<Store>,
    secret: Option<Secret>,
    document: Option<Document>,
    upstream: Option<Upstream>,
}

struct Impure;

#[weir::filter]
impl Impure {
    fn configure(config: Config) -> Result<Self, Fault> {
        weir::info!("configured");
        let made = match config.calls.as_str() {
            "clock" => format!("{:?}", clock::now()),
            "random" => random::number().to_string(),
            "crypto" => format!("{:?}", crypto::digest(crypto::Hash::Sha256, b"a")),
            "kv" => format!("{:?}", config.store.unwrap_or_default().get("key")),
            "secrets" => format!("{:?}", config.secret.unwrap_or("/secret".into()).equals("x")),
            "documents" => format!("{:?}", config.document.unwrap_or("/document".into()).version()),
            "http-client" => format!("{:?}", config.upstream.unwrap_or("app".into()).get("/").send()),
            "password" => format!("{:?}", password::verify("$2b$", "x")),
            "exchange" => exchange::id(),
            _ => String::new(),
        };
        if made.is_empty() { Ok(Self) } else { Err(Fault::at("/calls", format!("made {made}"))) }
    }

    fn on_request(&self) {}
}
