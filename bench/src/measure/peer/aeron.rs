//! Aeron's IPC, as its own samples run it: an exclusive publication and a subscription each way, over streams with
//! terms have their usual length. Both sides ask again and again. A message is offered: claiming its place is slower.
//!
//! The media driver is a thread of the near process that sleeps when it has no work. No message passes through
//! it, but it cleans read messages and moves the senders' limits, and so takes a share of a processor while messages
//! stream.
//!
//! Streams are files in a folder of the driver's. The folder goes as soon as both processes have mapped them: from
//! then on no file stays behind, however the processes end.

use crate::measure::{Carrier, End, Stage};
use crate::process::link::Reply;
use anyhow::{Context as _, Result, ensure};
use rusteron_client::{
    AERON_IPC_STREAM, Aeron, AeronContext, AeronExclusivePublication, AeronSubscription, Handlers,
};
use rusteron_media_driver::bindings::aeron_threading_mode_t::AERON_THREADING_MODE_SHARED;
use rusteron_media_driver::{AeronDriver, AeronDriverContext};
use std::ffi::CString;
use std::hint::spin_loop;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// One end of both streams.
pub struct Ipc {
    out: AeronExclusivePublication,
    back: AeronSubscription,
    /// Of the near end. It goes last: fields are dropped in this order.
    _driver: Option<AeronDriver>,
}

/// The stream from the near end to the far one.
const THERE: i32 = 1;
/// The stream from the far end to the near one.
const BACK: i32 = 2;

/// The longest that anything takes to be set up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where Aeron keeps its files by itself: in memory.
const MEMORY: &str = "/dev/shm";

/// A media driver at work: one thread, bound to no processor, for its users do not bind it to one that spins.
fn driver(stage: &Stage<'_>, folder: &str) -> Result<AeronDriver> {
    let start = || -> Result<AeronDriver> {
        let context = AeronDriverContext::new()?;
        context.set_dir(&CString::new(folder)?)?;
        context.set_threading_mode(AERON_THREADING_MODE_SHARED)?;
        context.set_shared_idle_strategy(c"backoff")?;
        // Memory that is not there is an error now, not a signal later.
        context.set_term_buffer_sparse_file(false)?;
        let driver = AeronDriver::new(&context)?;
        driver.start(false)?;
        Ok(driver)
    };
    stage.cores.map_or_else(start, |cores| cores.unbound(start)).context("starting a media driver")
}

impl Ipc {
    /// The end that sends by stream `out`, of the driver with this folder.
    fn new(folder: &str, out: i32, back: i32, driver: Option<AeronDriver>) -> Result<Self> {
        let context = AeronContext::new()?;
        context.set_dir(&CString::new(folder)?)?;
        // As Aeron's own benchmarks do: without this an attempt would meet every page for the first time.
        context.set_pre_touch_mapped_memory(true)?;
        // The one that it has otherwise ends the process.
        context.set_error_handler(Some(|code: i32, what: &str| eprintln!("aeron: {what} ({code})")))?;
        let client = Aeron::new(&context)?;
        client.start()?;
        let out = client.add_exclusive_publication(AERON_IPC_STREAM, out, CONNECT_TIMEOUT)?;
        let back = client.add_subscription(
            AERON_IPC_STREAM,
            back,
            Handlers::NONE,
            Handlers::NONE,
            CONNECT_TIMEOUT,
        )?;
        Ok(Self { out, back, _driver: driver })
    }

    /// Waits for the other end, and for its stream to be mapped.
    fn connect(&self) -> Result<()> {
        let start = Instant::now();
        while !self.out.is_connected() || self.back.image_count()? == 0 {
            ensure!(start.elapsed() < CONNECT_TIMEOUT, "the other end does not come");
            sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

impl<const BYTES: usize> Carrier<BYTES> for Ipc {
    const WHO: &'static str = "aeron";

    /// The ends do not, but the driver does. The processor that it then takes from one of them is part of the time
    /// measured.
    const SLEEPS: bool = true;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("jacinth-bench-").tempdir_in(MEMORY)?;
        // One that the driver makes: of one that is there it suspects that another driver has it.
        let inside = folder.path().join("aeron");
        let inside = inside.to_str().context("a folder whose name is no text")?;
        let near = Self::new(inside, THERE, BACK, Some(driver(stage, inside)?))?;
        stage.link.send(&inside)?;
        stage.link.expect_ready()?;
        near.connect()?;
        folder.close().context("removing the media driver's folder")?;
        Ok(near)
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        let folder: String = stage.link.receive()?.context("no folder came")?;
        let far = Self::new(&folder, BACK, THERE, None)?;
        far.connect()?;
        stage.link.send(&Reply::Ready)?;
        Ok(far)
    }
}

impl<const BYTES: usize> End<BYTES> for Ipc {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        loop {
            match self.out.offer(message) {
                Ok(_) => return Ok(()),
                // Without an end that reads it can be tried again, but in vain.
                Err(error) => {
                    ensure!(error.is_retryable() && self.out.is_connected(), "offering a message: {error}")
                }
            }
            spin_loop();
        }
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        let mut came = 0;
        let mut take = |message: &[u8], _| {
            came = message.len();
            if came == BYTES {
                into.copy_from_slice(message);
            }
        };
        while self.back.poll_fn(&mut take, 1)? == 0 {
            spin_loop();
        }
        ensure!(came == BYTES, "{came} bytes came, not {BYTES}");
        Ok(())
    }
}
