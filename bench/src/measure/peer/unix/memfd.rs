//! A memfd of 16 MiB passed over a Unix socket, mapped by the other process, looked at, and let go.

use super::fd::{give, take};
use crate::measure::{Measurement, Sample, Stage, Unit, round_trips};
use crate::process::link::{Reply, seqpacket_pair};
use anyhow::{Context as _, Result};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::{dup, write};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::hint::black_box;

/// The bytes that are handed over.
pub const BYTES: usize = 16 << 20;

/// Reads a byte of the first page and one of the last.
///
/// # Safety
/// [`BYTES`] bytes are mapped at the address, for reading.
#[expect(unsafe_code, reason = "mapped memory is read")]
pub unsafe fn look_at(address: usize) {
    for offset in [0, BYTES - 1] {
        let byte = std::ptr::with_exposed_provenance::<u8>(address + offset);
        // SAFETY: the caller's promise.
        black_box(unsafe { byte.read_volatile() });
    }
}

/// The measurement.
pub struct MemfdHandover;

impl Measurement for MemfdHandover {
    fn who(&self) -> &'static str {
        "unix_memfd"
    }

    fn what(&self) -> &'static str {
        "handover_16MiB"
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let (socket, theirs) = seqpacket_pair()?;
        stage.link.send_fd(&theirs)?;
        drop(theirs);
        stage.link.expect_ready()?;
        let memory = memfd_create("handover", MemfdFlags::CLOEXEC)?;
        ftruncate(&memory, BYTES as u64)?;
        let ones = vec![1; BYTES];
        let mut written = 0;
        while written < BYTES {
            written += write(&memory, &ones[written..])?;
        }
        let latency = round_trips(stage.effort, || {
            // As a handle that is sent is a new one, and comes back.
            give(&socket, dup(&memory)?)?;
            drop(take(&socket)?.context("the far side closed the socket")?);
            Ok(())
        })?;
        drop(socket);
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    #[expect(unsafe_code, reason = "memory is mapped, read and unmapped")]
    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let socket = stage.link.receive_fd()?;
        stage.link.send(&Reply::Ready)?;
        let mut count = 0;
        while let Some(memory) = take(&socket)? {
            // SAFETY: new pages, at an address of the kernel's choice.
            let address =
                unsafe { mmap(std::ptr::null_mut(), BYTES, ProtFlags::READ, MapFlags::SHARED, &memory, 0)? };
            // SAFETY: so many bytes were just mapped.
            unsafe { look_at(address.expose_provenance()) };
            // SAFETY: no reference to them is left.
            unsafe { munmap(address, BYTES)? };
            give(&socket, memory)?;
            count += 1;
        }
        stage.link.send(&Reply::Done(count))
    }
}
