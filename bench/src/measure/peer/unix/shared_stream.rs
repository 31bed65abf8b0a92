//! A Unix stream socket pair, each end of which is one descriptor that several processes have inherited.

use crate::measure::peer::until_done;
use crate::measure::shared::SharedStream;
use crate::process::team::{Part, Seat};
use anyhow::{Context as _, Result};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, socketpair};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

/// One end.
pub struct SharedUnixStream(OwnedFd);

impl SharedStream for SharedUnixStream {
    const WHO: &'static str = "unix_stream";

    /// Each process has its end as its standard output.
    fn starter() -> Result<impl FnMut(&Seat, &mut Command) -> Result<Child>> {
        let (written, read) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        Ok(move |seat: &Seat, program: &mut Command| {
            let end = if seat.part == Part::Writer { &written } else { &read };
            Ok(program.stdout(Stdio::from(end.try_clone()?)).spawn()?)
        })
    }

    fn take() -> Result<Self> {
        let end = rustix::stdio::stdout().try_clone_to_owned().context("standard output is no socket")?;
        // So that the end is closed with the owner of the copy.
        rustix::stdio::dup2_stdout(File::open("/dev/null")?)?;
        Ok(Self(end))
    }

    fn write(&self, chunk: &[u8]) -> Result<()> {
        let mut left = chunk;
        while !left.is_empty() {
            let sent = until_done(|| rustix::net::send(&self.0, left, SendFlags::NOSIGNAL))?;
            left = &left[sent..];
        }
        Ok(())
    }

    fn read(&self, into: &mut [u8]) -> Result<usize> {
        let (_, got) = until_done(|| rustix::net::recv(&self.0, &mut *into, RecvFlags::empty()))?;
        Ok(got)
    }
}
