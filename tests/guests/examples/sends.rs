//! Has files of its directory sent, as `x-do` says: `look` for some in order, `on` if there is none; and what is refused.

use serde::Deserialize;
use weir::files::{Directory, File, Missing};
use weir::{Fault, Flow, Reply, Request, Response, Result};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    directory: Option<Directory>,
}

struct Sends(Directory);

#[weir::filter]
impl Sends {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config.directory.unwrap_or("/directory".into())))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        self.send(request)
    }

    fn on_request_body(&self, request: &mut Request, _: &mut weir::Body) -> Result {
        self.look(request, Missing::NotFound)
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        if request.header("x-late").is_some() {
            response.set_header("x-said", said(&self.0.send([File::new("a")], Missing::NotFound)))?;
        }
        Ok(())
    }
}

impl Sends {
    fn send(&self, request: &mut Request) -> Result {
        let one = |file: File| said(&self.0.send([file], Missing::NotFound));
        let refused = match request.header_str("x-do").unwrap_or_default().as_str() {
            "look" => return self.look(request, Missing::NotFound),
            "on" => return self.look(request, Missing::Next),
            "later" => return request.buffer(1 << 10),
            "none" => said(&self.0.send([], Missing::NotFound)),
            "many" => said(&self.0.send(vec![File::new("a"); 65], Missing::NotFound)),
            "long" => one(File::new("a".repeat(4097))),
            "path" => one(File::new(request.header_str("x-path").unwrap_or_default().replace("NUL", "\0"))),
            "status" => one(File::new("a").status(204)),
            "header" => one(File::new("a").header("content-length", "3")),
            "name" => one(File::new("a").header("a b", "3")),
            "location" => one(File::new("a").leads_to("/a\r\nx: y")),
            "other" => said(&Directory::from("/other").send([File::new("a")], Missing::NotFound)),
            "reply" => {
                self.0.send([File::new("a")], Missing::NotFound)?;
                "reply".to_owned()
            }
            _ => return Ok(Flow::Next),
        };
        Reply::new(200).text(refused).send("said")
    }

    fn look(&self, request: &Request, missing: Missing) -> Result {
        let paths = request.header_str("x-path").unwrap_or_default();
        let files = paths.split(',').map(|path| match path.split_once('>') {
            Some((path, location)) => File::new(path).leads_to(location),
            None => File::new(path).header("x-file", path).header("etag", "\"own\""),
        });
        self.0.send(files, missing)
    }
}

fn said(result: &Result) -> String {
    match result {
        Ok(_) => "()".to_owned(),
        Err(error) => error.refusal().map_or("failed".to_owned(), |refusal| refusal.name().to_owned()),
    }
}
