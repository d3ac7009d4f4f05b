//! Only here because a package needs a library; the filters are in `examples/`.
