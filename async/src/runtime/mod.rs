//! Ready-made drivers for runtimes. Each is a feature of this crate.

#[cfg(feature = "async-io")]
pub mod async_io;
#[cfg(feature = "tokio")]
pub mod tokio;

/// Lets the tasks run that are ready now.
#[cfg(any(feature = "async-io", feature = "tokio"))]
async fn after_the_others() {
    let mut has_waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return std::task::Poll::Ready(());
        }
        // Not the runtime's own yield, which asks the kernel for events first.
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
