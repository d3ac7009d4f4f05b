//! Never ends when the request has `x-spin`.

use weir::Request;

#[derive(Default)]
struct Spin;

#[weir::filter]
impl Spin {
    fn on_request(&self, request: &Request) {
        if request.header("x-spin").is_some() {
            let mut count = 0_u64;
            loop {
                count = std::hint::black_box(count.wrapping_add(1));
            }
        }
    }
}
