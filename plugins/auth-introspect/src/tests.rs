//! The filter under the host of a test, with an endpoint that says what the test wants.

mod answers;
mod keeping;
mod pacing;
mod requests;

use std::cell::RefCell;
use std::rc::Rc;

use weir::Flow;
use weir::testing::{Answered, Asked, Host, answer};
use weir::upstream::{Answer, Error};

use super::AuthIntrospect;

/// What the endpoint says next, and what it was asked.
#[derive(Clone)]
struct Says {
    next: Rc<RefCell<Result<Answer, Error>>>,
    asked: Rc<RefCell<Vec<Asked>>>,
}

impl Says {
    fn answer(&self, answer: Answer) {
        *self.next.borrow_mut() = Ok(answer);
    }

    fn json(&self, body: &str) {
        self.answer(answer(200, body));
    }

    fn with(&self, body: &str, field: &str, value: &str) {
        let mut said = answer(200, body);
        said.headers.push((field.to_owned(), value.as_bytes().to_vec()));
        self.answer(said);
    }

    fn fails(&self, error: Error) {
        *self.next.borrow_mut() = Err(error);
    }

    /// How often it was asked.
    fn count(&self) -> usize {
        self.asked.borrow().len()
    }
}

const CLIENT: &str =
    r#""endpoint": {"upstream": "auth", "path": "/introspect"}, "client": {"id": "weir", "secret": "hush"}"#;

fn config(more: &str) -> String {
    ["{", CLIENT, if more.is_empty() { "" } else { ", " }, more, "}"].concat()
}

/// A host with an endpoint that calls every token active and ada's.
fn host() -> (Host, Says) {
    let mut host = Host::new();
    let says =
        Says { next: Rc::new(RefCell::new(Ok(answer(200, r#"{"active":true,"sub":"ada"}"#)))), asked: Rc::default() };
    let own = says.clone();
    host.secret("hush", "sesame");
    host.grant_vars(&["user.", "auth."]);
    host.upstream("auth", move |asked| {
        own.asked.borrow_mut().push(asked.clone());
        own.next.borrow().clone()
    });
    (host, says)
}

fn filter(host: &mut Host, more: &str) -> AuthIntrospect {
    host.configure(&config(more)).unwrap()
}

/// A request with this token.
fn present(host: &mut Host, filter: &AuthIntrospect, token: &str) -> Flow {
    host.request.fields.clear();
    host.request.header("authorization", ["Bearer ", token].concat());
    host.vars.clear();
    host.on_request(filter)
}

/// What a request with this token is answered; it does not go on.
fn refused(host: &mut Host, filter: &AuthIntrospect, token: &str) -> Answered {
    assert_eq!(present(host, filter, token), Flow::Stop);
    host.reply.take().unwrap()
}
