//! One socket that several processes write and several read.

use super::{READABLE, WRITABLE};
use crate::measure::shared::SharedStream;
use crate::process::team::{Part, Seat};
use anyhow::{Context as _, Result};
use jacinth::{MonotonicInstant, Rights, Socket, Status, Supervisor};
use std::process::{Child, Command};

/// One end, of which other processes have duplicates.
pub struct SharedSocket(Socket);

impl SharedStream for SharedSocket {
    const WHO: &'static str = crate::measure::jacinth::WHO;

    /// Each process has a duplicate as its startup handle.
    fn starter() -> Result<impl FnMut(&Seat, &mut Command) -> Result<Child>> {
        let supervisor = Supervisor::get()?;
        let (written, read) = Socket::create(Default::default()).context("making a socket")?;
        Ok(move |seat: &Seat, program: &mut Command| {
            let end = if seat.part == Part::Writer { &written } else { &read };
            Ok(supervisor.spawn(program, end.duplicate(Rights::SAME_RIGHTS)?)?)
        })
    }

    fn take() -> Result<Self> {
        Ok(Self(jacinth::take_startup_handle()?.into()))
    }

    fn write(&self, chunk: &[u8]) -> Result<()> {
        let mut left = chunk;
        while !left.is_empty() {
            match self.0.write(left) {
                Ok(written) => left = &left[written..],
                Err(Status::SHOULD_WAIT) => {
                    self.0.wait_one(WRITABLE, MonotonicInstant::INFINITE).to_result()?;
                }
                Err(status) => return Err(status.into()),
            }
        }
        Ok(())
    }

    fn read(&self, into: &mut [u8]) -> Result<usize> {
        loop {
            match self.0.read(into) {
                Ok(read) => return Ok(read),
                Err(Status::SHOULD_WAIT) => {
                    self.0.wait_one(READABLE, MonotonicInstant::INFINITE).to_result()?;
                }
                Err(Status::PEER_CLOSED) => return Ok(0),
                Err(status) => return Err(status.into()),
            }
        }
    }
}
