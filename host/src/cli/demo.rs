//! `weir demo`: a proxy, a chain and a small server behind it in one process, and what to try with them.
//!
//! The proxy is the real one, on a configuration that an operator could have written.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::spawn_local;

use super::run::{block_on, drain, engine};
use super::signals::Signals;
use crate::config::{self, Source};
use crate::listen;
use crate::server::{self, Inherited, Notify, Server};

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Where the proxy listens; if the default is taken, a free port is found
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Write the demonstration into this folder as a project of its own, and end
    #[arg(long, value_name = "FOLDER", conflicts_with = "listen")]
    write: Option<PathBuf>,
}

pub(super) fn demo(options: &Options) -> anyhow::Result<()> {
    if let Some(folder) = &options.write {
        return write(folder);
    }
    block_on(async {
        let mut signals = Signals::new()?;
        let upstream = TcpListener::bind("127.0.0.1:0").await?;
        let behind = upstream.local_addr()?;
        spawn_local(serve(upstream));
        let text = config(options.listen.unwrap_or_else(default_address), behind);
        let source = Source { path: PathBuf::from("demo.yaml"), text: text.clone() };
        let load = move || config::parse(Source { path: source.path.clone(), text: source.text.clone() });
        let source = server::Source { name: "the demonstration".to_owned(), is_watched: false, load: Arc::new(load) };
        let server = Server::start(source, Arc::new(engine()?), Inherited::default()).await?;
        for (.., address) in server.addresses() {
            println!("{}", introduction(&text, address));
        }
        signals.ended().await;
        drain(server, signals, &Notify::default()).await;
        Ok(())
    })
}

/// 127.0.0.1:8080 if it is free.
fn default_address() -> SocketAddr {
    let usual = SocketAddr::from(([127, 0, 0, 1], 8080));
    if listen::bind(usual).is_ok() { usual } else { SocketAddr::from(([127, 0, 0, 1], 0)) }
}

fn config(listen: SocketAddr, behind: SocketAddr) -> String {
    format!(
        "version: 1
listeners:
  public: {{ address: \"{listen}\" }}
upstreams:
  app: {{ endpoints: [\"http://{behind}\"] }}
  down: {{ endpoints: [\"http://127.0.0.1:1\"] }}
sites:
  - chain:
      - request-id
    routes:
      - {{ path: /*, upstream: app }}
      - {{ path: /down/*, upstream: down }}
"
    )
}

/// The demonstration as files: the configuration, a small server to put behind it, and what to do with them.
fn write(folder: &Path) -> anyhow::Result<()> {
    let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
    let behind = SocketAddr::from(([127, 0, 0, 1], 9000));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let files = [
        ("weir.yaml", config(listen, behind)),
        ("app.py", include_str!("demo/app.py").to_owned()),
        ("README.md", include_str!("demo/README.md").to_owned()),
    ];
    for (name, _) in &files {
        let path = folder.join(name);
        anyhow::ensure!(!path.exists(), "{} is there already; name another folder", path.display());
    }
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    println!("go on with {}", folder.join("README.md").display());
    Ok(())
}

fn introduction(config: &str, address: SocketAddr) -> String {
    let config = config.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "weir serves http://{address} with this configuration:\n
{config}
Try, from another terminal:

  curl -i http://{address}/hello
    200 from the small server behind the proxy. It names the x-request-id that the filter gave it;
    the response has the same one.

  curl -i -d 'some text' http://{address}/echo
    200 and `some text`, through both ways.

  curl -N http://{address}/clock
    five lines, one each half second, as they are made: nothing is buffered.

  curl -i http://{address}/down/
    502: the server of that route cannot be reached. The filter ran for that answer too.

  curl -i -H 'Host:' http://{address}/hello
    400: a request must name one host.

Each leaves a line here. Ctrl-C ends it."
    )
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        spawn_local(async move {
            let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
            // A client that leaves early is no fault of the demonstration.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Answer {
    let body = match request.uri().path() {
        "/echo" => {
            let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            return Response::new(Full::new(body).boxed());
        }
        "/clock" => return Response::new(clock()),
        path => {
            let id = request.headers().get("x-request-id").map_or("none", |id| id.to_str().unwrap_or("not text"));
            format!("hello from behind the proxy\npath: {path}\nx-request-id: {id}\n")
        }
    };
    let mut response = Response::new(Full::new(body.into()).boxed());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Five lines, half a second apart.
fn clock() -> BoxBody<Bytes, Infallible> {
    let (lines, stream) = tokio::sync::mpsc::channel(1);
    spawn_local(async move {
        for tick in 1..=5 {
            if lines.send(Bytes::from(format!("tick {tick}\n"))).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    Lines(stream).boxed()
}

struct Lines(tokio::sync::mpsc::Receiver<Bytes>);

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut().0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}
