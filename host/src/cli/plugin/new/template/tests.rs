//! The filter's code under the host of a test, in this process: for logic. `cases.yaml` has the whole filter in its
//! sandbox.

use weir::Flow;
use weir::testing::Host;

use super::RequireHeader;

#[test]
fn requests_without_the_header_are_refused() {
    let mut host = Host::new();
    let filter: RequireHeader = host.configure(r#"{"header": "x-version", "values": ["1", "2"]}"#).unwrap();
    assert_eq!(host.on_request(&filter), Flow::Stop);
    let reply = host.reply.take().unwrap();
    assert_eq!((reply.status, reply.code.as_str()), (400, "header-missing"));

    host.request.header("x-version", "2");
    assert_eq!(host.on_request(&filter), Flow::Next);
}

#[test]
fn a_name_that_is_none_is_refused_at_its_place() {
    let faults = Host::new().configure::<RequireHeader>(r#"{"header": "x version"}"#).err().unwrap();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/header"]);
}
