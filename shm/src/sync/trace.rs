//! Events for a person who looks for the reason why a program does not go on: sleep, wake, create, close, recover.
//!
//! They exist only with the feature `tracing`. Without it the macro expands to nothing, so an operation pays nothing for
//! them.

/// A `tracing` event of the target `jacinth_shm`, at level TRACE.
macro_rules! trace_event {
    ($($event:tt)*) => {
        #[cfg(feature = "tracing")]
        tracing::trace!(target: "jacinth_shm", $($event)*);
    };
}
pub(crate) use trace_event;
