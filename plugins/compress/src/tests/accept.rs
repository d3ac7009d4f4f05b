//! The negotiation.

use weir::Coding::{self, Brotli, Gzip, Zstd};

use crate::accept::Accept;

const ALL: [Coding; 3] = [Zstd, Gzip, Brotli];

fn rank(values: &[&str]) -> (Vec<Coding>, bool) {
    let values: Vec<Vec<u8>> = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    let accept = Accept::of(&values);
    (accept.rank(ALL.into_iter()), accept.refuses_identity())
}

#[test]
fn the_client_weighs_and_of_the_same_weight_the_operator_chooses() {
    let table: &[(&[&str], &[Coding])] = &[
        (&["gzip"], &[Gzip]),
        (&["GZip"], &[Gzip]),
        (&["x-gzip"], &[Gzip]),
        (&["gzip, deflate, br, zstd"], &[Zstd, Gzip, Brotli]),
        (&["gzip", "br"], &[Gzip, Brotli]),
        (&["gzip;q=0.5, br;q=0.8, zstd;q=0.8"], &[Zstd, Brotli, Gzip]),
        (&["gzip;q=0.999, br;q=1.000"], &[Brotli, Gzip]),
        (&["gzip ; Q=0.5 ,br; q=0.4"], &[Gzip, Brotli]),
        (&["*"], &[Zstd, Gzip, Brotli]),
        (&["*;q=0.5, gzip"], &[Gzip, Zstd, Brotli]),
        (&["br;q=0, *"], &[Zstd, Gzip]),
        (&["gzip, *;q=0"], &[Gzip]),
        (&["gzip;q=0"], &[]),
        (&["gzip;q=0.001"], &[Gzip]),
        (&[""], &[]),
        (&[" , ,"], &[]),
        (&["deflate"], &[]),
        (&["compress, sdch"], &[]),
        // As it is, if the client likes that better.
        (&["identity"], &[]),
        (&["identity, gzip;q=0.5"], &[]),
        (&["identity;q=0.5, gzip;q=0.5"], &[Gzip]),
        (&["identity;q=0.5, gzip;q=0.4, br;q=0.6"], &[Brotli]),
        (&["identity, gzip, br"], &[Gzip, Brotli]),
        // Twice: the first counts.
        (&["gzip;q=0, gzip"], &[]),
        (&["gzip;q=0.5, x-gzip;q=0, br;q=0.4"], &[Gzip, Brotli]),
    ];
    for (values, wanted) in table {
        assert_eq!(rank(values).0, *wanted, "{values:?}");
    }
}

#[test]
fn what_is_malformed_counts_as_not_there() {
    for malformed in [
        "gzip;q=2",
        "gzip;q=1.001",
        "gzip;q=0.1234",
        "gzip;q=-1",
        "gzip;q=.5",
        "gzip;q=",
        "gzip;q",
        "gzip;level",
        "gz ip",
        "gzip\u{fc}",
        "*;q=x",
        "* gzip",
    ] {
        assert_eq!(rank(&[&format!("{malformed}, br;q=0.1")]), (vec![Brotli], false), "{malformed}");
    }
    // A parameter that is no weight changes nothing.
    assert_eq!(rank(&["gzip;level=9;q=0.5, br;q=0.4"]).0, [Gzip, Brotli]);
    // What cannot be read is no member, and no more than 32 are read.
    let values = [vec![0xff, 0xfe], b"gzip".to_vec()];
    assert_eq!(Accept::of(&values).rank(ALL.into_iter()), [Gzip]);
    assert_eq!(rank(&[&("x,".repeat(31) + "gzip")]).0, [Gzip]);
    assert_eq!(rank(&[&("x,".repeat(32) + "gzip")]).0, []);
}

#[test]
fn a_client_may_refuse_what_is_not_encoded() {
    for (value, refuses) in [
        ("gzip", false),
        ("gzip, identity;q=0", true),
        ("gzip, *;q=0", true),
        ("gzip, *;q=0, identity;q=0.1", false),
        ("gzip, identity;q=0.0", true),
        ("gzip, identity;q=x", false),
    ] {
        assert_eq!(rank(&[value]), (vec![Gzip], refuses), "{value}");
    }
}
