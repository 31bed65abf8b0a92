//! Ready-made drivers for runtimes. Each is a feature of this crate.

#[cfg(feature = "async-io")]
pub mod async_io;
#[cfg(feature = "tokio")]
pub mod tokio;

/// Looks again before it arms, after packets have come: the tasks that they woke run meanwhile, and more may follow.
#[cfg(any(feature = "async-io", feature = "tokio"))]
pub(crate) async fn take_all_ready(driver: &crate::reactor::driver::Driver) -> Result<(), jacinth::Status> {
    while driver.take_ready()? > 0 {
        after_the_others().await;
    }
    Ok(())
}

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
