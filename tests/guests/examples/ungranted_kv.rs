//! Uses `kv`, for which its configuration has no field: nothing can grant that.

#[derive(Default)]
struct Ungranted;

#[weir::filter]
impl Ungranted {
    fn on_request(&self) {
        assert!(weir::Store::local().get("key").is_ok());
    }
}
