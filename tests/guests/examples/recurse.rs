//! Recurses until its stack is used up, when the request has `x-recurse`.

use weir::Request;

#[derive(Default)]
struct Recurse;

#[weir::filter]
impl Recurse {
    fn on_request(&self, request: &Request) {
        if request.header("x-recurse").is_some() {
            std::hint::black_box(deeper(1));
        }
    }
}

#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    std::hint::black_box(deeper(std::hint::black_box(depth + 1))) + 1
}
