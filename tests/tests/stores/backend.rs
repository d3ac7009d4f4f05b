//! What the suite asks of a kind of store.

/// A kind of store, ready to be used by proxies.
pub(crate) trait Backend {
    /// Whether values are there for the next process.
    const IS_KEPT: bool;

    /// Starts what it needs, with nothing in it.
    fn start() -> Self;

    /// What stands in the configuration behind the store's name: `{ memory: 1MiB }`.
    fn declaration(&self) -> String;
}

/// The suite for one kind of store: a module of this name, with a test for each part.
#[macro_export]
macro_rules! conforms {
    ($name:ident, $backend:ty) => {
        mod $name {
            use super::*;
            use $crate::suite;

            $crate::conforms!(@ $backend:
                values_are_what_was_written,
                keys_and_values_are_any_bytes,
                values_go_when_their_time_is_over,
                numbers_are_added_to,
                a_swap_compares,
                a_batch_does_one_after_the_other,
                steps_stay_within_their_bound,
                a_step_renews_the_time_and_an_addition_does_not,
                what_is_beyond_a_limit_is_refused,
                entries_never_see_each_others_keys,
                additions_of_many_are_all_counted,
                one_of_many_wins_a_swap,
                many_never_advance_beyond_the_bound,
                a_reload_keeps_values,
                another_process_finds_what_was_kept,
            );
        }
    };
    (@ $backend:ty: $($part:ident),* $(,)?) => {$(
        #[test]
        fn $part() {
            suite::$part(&mut suite::Bed::<$backend>::start());
        }
    )*};
}
