//! Driving the reactor on tokio: feature `tokio`.

use super::after_the_others;
use crate::reactor::driver::{Driver, Turn};
use jacinth::Status;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Handle, RuntimeFlavor};

/// More than a wait takes by default. `set_spin` may ask for longer ones.
const STEPS_IN_A_ROW: u32 = 128;

/// Drives the reactor as a task of tokio, until the reactor's port is closed. Spawn it:
///
/// ```
/// use jacinth::{Config, Supervisor};
/// use jacinth_async::{Driver, Timer, runtime};
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
/// # runtime.block_on(async {
/// tokio::spawn(runtime::tokio::drive(Driver::install()?));
/// Timer::new(std::time::Duration::from_millis(1)).await?;
/// # Ok::<(), jacinth::Status>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`Driver::turn`]; [`Status::IO`] when tokio refuses the descriptor.
///
/// # Panics
/// Outside a runtime of tokio with I/O enabled.
pub async fn drive(driver: Driver) -> Result<(), Status> {
    #[allow(
        deprecated,
        reason = "its successor is unsafe; a driver has one descriptor, which is open for as long as it lives"
    )]
    let driver = AsyncFd::with_interest(driver, Interest::READABLE).map_err(|_| Status::IO)?;
    let is_alone = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
    let mut steps: u32 = 0;
    loop {
        loop {
            match driver.get_ref().take_packets()? {
                Turn::Took => after_the_others().await,
                // The runtime asks the kernel for events, and polls the future of its `block_on`: it does neither while a
                // task is ready.
                Turn::Waits if is_alone => tokio::task::yield_now().await,
                // Other workers do both. A yield for each step would wake an idle one each time.
                Turn::Waits => {
                    steps = steps.wrapping_add(1);
                    if steps.is_multiple_of(STEPS_IN_A_ROW) {
                        after_the_others().await;
                    }
                }
                Turn::Armed => break,
            }
        }
        // An event that came before belongs to an earlier sleep: it only costs a look.
        driver.readable().await.map_err(|_| Status::IO)?.clear_ready();
    }
}
