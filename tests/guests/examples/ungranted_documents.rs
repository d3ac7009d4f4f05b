//! Uses `documents`, for which its configuration has no field: nothing can grant that.

#[derive(Default)]
struct Ungranted;

#[weir::filter]
impl Ungranted {
    fn on_request(&self) {
        assert!(weir::Document::from("/document").version().is_ok());
    }
}
