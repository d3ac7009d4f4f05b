//! Uses `files`, for which its configuration has no field: nothing can grant that.

use weir::files::{File, Missing};

#[derive(Default)]
struct Ungranted;

#[weir::filter]
impl Ungranted {
    fn on_request(&self) -> weir::Result {
        weir::Directory::from("/directory").send([File::new("a")], Missing::NotFound)
    }
}
