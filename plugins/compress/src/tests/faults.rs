//! What is wrong in a configuration is told, all of it.

use weir::testing::Host;

use crate::Compress;

#[test]
fn every_fault_is_told_at_its_place() {
    let config = r#"{
        "types": ["text", "text/html; charset=utf-8", "*/*", "a/b*", "*+", "text/*"],
        "codings": ["gzip", "br", "gzip"],
        "level": {"gzip": 0, "br": 7, "zstd": 10},
        "request": {"max": "0B", "ratio": 0, "buffer": "2MiB"}
    }"#;
    let faults = Host::new().configure::<Compress>(config).err().unwrap();
    let mut places: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    places.sort_unstable();
    let wanted = [
        "/codings/2",
        "/level/br",
        "/level/gzip",
        "/level/zstd",
        "/request/buffer",
        "/request/max",
        "/request/ratio",
        "/types/0",
        "/types/1",
        "/types/2",
        "/types/3",
        "/types/4",
    ];
    assert_eq!(places, wanted);
    for config in [r#"{"codings": []}"#, r#"{"codings": ["deflate"]}"#, r#"{"min_size": 5}"#, r#"{"pad": 1}"#] {
        assert!(Host::new().configure::<Compress>(config).is_err(), "{config}");
    }
    let many = vec!["\"a/b\""; 129].join(",");
    let faults = Host::new().configure::<Compress>(&format!("{{\"types\": [{many}]}}")).err().unwrap();
    assert_eq!(faults.iter().next().unwrap().pointer, "/types");
}

#[test]
fn the_schema_tells_the_default_types() {
    let schema = weir::testing::schema::<crate::config::Config>();
    for kind in crate::media::USUAL {
        assert!(schema.contains(&format!("\"{kind}\"")), "{kind}");
    }
}
