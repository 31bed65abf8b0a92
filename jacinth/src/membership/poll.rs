//! Waiting for descriptors, with a timeout, through interruptions by signals.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Waits until one of them is ready, for `at_most` if that is given. Gives how many are ready; 0 after the timeout.
pub(crate) fn wait_for(fds: &mut [PollFd<'_>], at_most: Option<Duration>) -> io::Result<usize> {
    let end = at_most.map(|at_most| Instant::now() + at_most);
    loop {
        let left = end.map(|end| {
            let left = end.saturating_duration_since(Instant::now());
            Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() }
        });
        match poll(fds, left.as_ref()) {
            // A signal handler has run. The system never restarts a poll.
            Err(rustix::io::Errno::INTR) => {}
            polled => return Ok(polled?),
        }
    }
}

/// Whether a poll reports the descriptor: bytes to read, an end of file, a death, or that it is closed.
pub(crate) fn is_ready(fd: impl AsFd) -> bool {
    wait_for(&mut [PollFd::new(&fd, PollFlags::IN)], Some(Duration::ZERO)).is_ok_and(|ready| ready > 0)
}
