//! Writes a thousand lines to the log in one hook.

#[derive(Default)]
struct Flood;

#[weir::filter]
impl Flood {
    fn on_request(&self) {
        for line in 0..1000 {
            weir::warn!("flood {line}");
        }
    }
}
