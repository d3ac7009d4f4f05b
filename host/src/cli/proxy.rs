//! `weir proxy`: one listener, one upstream, no file.
//!
//! The configuration is one that an operator could have written, and `--print` shows it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::run::serve;
use crate::config::{self, Source};
use crate::server;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The server behind the proxy, as in `http://127.0.0.1:3000`; several are asked in turn
    #[arg(long, value_name = "URL", required = true)]
    to: Vec<String>,
    /// A filter of the chain, by its plugin's name; the first is the outermost
    #[arg(long = "plugin", value_name = "NAME")]
    plugins: Vec<String>,
    /// Print the configuration that this stands for, and end
    #[arg(long)]
    print: bool,
}

pub(super) fn proxy(options: &Options) -> anyhow::Result<()> {
    let text = text(options);
    if options.print {
        print!("{text}");
        return Ok(());
    }
    let load = move || config::parse(Source { path: PathBuf::from("(command line)"), text: text.clone() });
    serve(server::Source { name: "the command line".to_owned(), is_watched: false, load: Arc::new(load) })
}

fn text(options: &Options) -> String {
    let quoted = |text: &String| serde_json::Value::from(text.as_str()).to_string();
    let list = |items: &[String]| items.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let chain = match options.plugins.as_slice() {
        [] => String::new(),
        plugins => format!("chain: [{}]\n    ", list(plugins)),
    };
    format!(
        "version: 1\nlisteners:\n  main: {{ address: \"{}\" }}\nupstreams:\n  app: {{ endpoints: [{}] }}\nsites:\n  - \
         {chain}routes:\n      - {{ path: /*, upstream: app }}\n",
        options.listen,
        list(&options.to),
    )
}
