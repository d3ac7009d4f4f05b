//! Reads and writes fields as text, as languages do in which text is not bytes, and answers so when asked.

use weir::{Flow, Request, Response};

#[allow(unsafe_code, missing_docs, unreachable_pub, missing_debug_implementations, clippy::all, clippy::pedantic)]
mod raw {
    wit_bindgen::generate!({ path: "../../wit", world: "capabilities" });
}
use raw::weir::filter::types::{Reason, Refusal};
use raw::weir::filter::{reply, request, response};

#[derive(Default)]
struct Texts;

#[weir::filter]
impl Texts {
    fn on_request(&self, asked: &mut Request) -> Flow {
        let name = request::header_text("x-name").unwrap_or("nobody".into());
        asked.remove_header("x-name").expect("any field may go");
        if request::header_text("x-answer").is_some() {
            let why = Reason { code: "asked".into(), detail: String::new() };
            let split = reply::send_text(200, &[("x-a".into(), "b\r\nx-evil: c".into())], "", &why);
            let fields = [("x-split".to_owned(), word(split))];
            reply::send_text(200, &fields, &format!("hello {name}\n"), &why).expect("it is a good answer");
            return Flow::Stop;
        }
        let refused = word(request::set_header_text("x-evil", "a\u{0}b"));
        request::set_header_text("x-greeting", &format!("grüß dich, {name}; {refused}")).expect("it is a field");
        Flow::Next
    }

    fn on_response(&self, _response: &mut Response) {
        let made = response::header_text("x-made").unwrap_or_default();
        response::set_header_text("x-made", &format!("{made}!")).expect("it is a field");
    }
}

fn word(result: Result<(), Refusal>) -> String {
    result.map_or_else(|refusal| refusal.name().to_owned(), |()| "done".to_owned())
}
