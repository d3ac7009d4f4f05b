//! What becomes of messages, under the host of a test.

mod bodies;
mod faults;
mod heads;

use super::Transform;
use weir::testing::{Answered, Host};
use weir::{Faults, Flow};

fn filter(host: &mut Host, config: &str) -> Transform {
    host.configure(config).unwrap_or_else(|faults| panic!("{config}: {faults:?}"))
}

/// Lets the request pass, with its body if the filter waits for it.
fn request(host: &mut Host, config: &str) -> Flow {
    let filter = filter(host, config);
    match host.on_request(&filter) {
        Flow::Pause => host.on_resume(&filter),
        flow => flow,
    }
}

fn response(host: &mut Host, config: &str) -> Flow {
    let filter = filter(host, config);
    match host.on_response(&filter) {
        Flow::Pause => host.on_resume(&filter),
        flow => flow,
    }
}

/// The answer in place of the message.
fn refused(host: &mut Host, flow: Flow) -> Answered {
    assert_eq!(flow, Flow::Stop);
    host.reply.take().unwrap()
}

fn faults(config: &str) -> Vec<(String, String)> {
    let faults: Faults =
        Host::new().configure::<Transform>(config).err().unwrap_or_else(|| panic!("{config} is taken"));
    faults.iter().map(|fault| (fault.pointer.clone(), fault.message.clone())).collect()
}
