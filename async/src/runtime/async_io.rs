//! Driving the reactor on async-io, which smol and async-std use: feature `async-io`.

use super::after_the_others;
use crate::reactor::driver::Driver;
use async_io::Async;
use jacinth::Status;

/// Drives the reactor as a task, until the reactor's port is closed. Spawn it:
///
/// ```
/// use futures::FutureExt;
/// use jacinth::{Config, Supervisor};
/// use jacinth_async::{Driver, Timer, runtime};
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let driver = Driver::install()?;
/// async_io::block_on(async {
///     futures::select! {
///         driven = runtime::async_io::drive(driver).boxed().fuse() => driven,
///         timed = Timer::new(std::time::Duration::from_millis(1)).fuse() => timed,
///     }
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// While packets come soon, the task spins: it wakes itself, and other tasks run in between. An executor decides how often it
/// asks the kernel for events meanwhile: `async_io::block_on` each time.
///
/// # Errors
/// As [`Driver::turn`]; [`Status::IO`] when async-io refuses the descriptor.
pub async fn drive(driver: Driver) -> Result<(), Status> {
    let driver = Async::new_nonblocking(driver).map_err(|_| Status::IO)?;
    loop {
        while driver.get_ref().turn()? {
            after_the_others().await;
        }
        driver.readable().await.map_err(|_| Status::IO)?;
    }
}
