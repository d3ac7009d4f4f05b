//! Says in the log how the exchange ended.

use weir::Completion;

#[derive(Default)]
struct Summary;

#[weir::filter]
impl Summary {
    fn on_complete(&self, completion: &Completion) {
        let Completion { status, ended, received, sent, duration, until_response, .. } = completion;
        let is_timed = !duration.is_zero() && until_response.is_none_or(|until| until <= *duration);
        let (status, ended) = (status.unwrap_or(0), format!("{ended:?}"));
        weir::info!(
            "summary: status {status} {ended} received {received} sent {sent} head {} timed {is_timed}",
            until_response.is_some()
        );
    }
}
