//! `weir schema`.

use crate::config;

pub(super) fn schema() {
    println!("{:#}", config::schema());
}
