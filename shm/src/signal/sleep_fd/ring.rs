//! The kernel sleeps: a `FUTEX_WAIT` operation of an io_uring, with a timeout linked to it.
//!
//! The kernel completes the operation as work of the thread that submitted it. A thread that sleeps in a system call is
//! taken out of it for that, so `epoll_wait` may give EINTR. If the thread has ended, the kernel cancels its operations:
//! the sleep ends, and the owner looks again.

use crate::arena::error::{Error, Result};
use crate::process::Process;
use crate::signal::eventcount::Armed;
use crate::sync::{DEADLINE_INFINITE_NS, low_half};
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{TimeoutFlags, Timespec};
use io_uring::{IoUring, Probe, opcode};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

/// `FUTEX2_SIZE_U32` of `<linux/futex.h>`, without `FUTEX2_PRIVATE`: other processes wake.
const SIZE_U32: u32 = 2;
/// `FUTEX_BITSET_MATCH_ANY`.
const ANY: u64 = 0xffff_ffff;
/// The sleep and its timeout.
const ENTRIES: u32 = 2;
/// The user data of a sleep's completion. Those of timeouts have 0, and tell nothing.
const SLEEP: u64 = 1;
const REFUSED: Error = Error::NoResources("the kernel's memory for io_uring");

/// An io_uring, in which at most one sleep goes on.
pub(crate) struct Ring {
    ring: IoUring,
    is_asleep: bool,
    /// The deadline of the last sleep, at one address until the kernel has read it.
    deadline: Box<Timespec>,
    /// Keeps the arena mapped: the kernel compares its words.
    _process: Arc<Process>,
}

impl Ring {
    /// `None` where the kernel has no such operation, or refuses it to this process.
    pub(super) fn new(process: &Arc<Process>) -> Option<Self> {
        let ring = IoUring::new(ENTRIES).ok()?;
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe).ok()?;
        let is_known =
            [opcode::FutexWait::CODE, opcode::LinkTimeout::CODE].iter().all(|code| probe.is_supported(*code));
        let deadline = Box::new(Timespec::new());
        is_known.then(|| Self { ring, is_asleep: false, deadline, _process: process.clone() })
    }

    pub(super) fn is_asleep(&mut self) -> bool {
        for completion in self.ring.completion() {
            self.is_asleep &= completion.user_data() != SLEEP;
        }
        self.is_asleep
    }

    pub(super) fn start(&mut self, (word, expected): Armed<'_>, until_ns: i64) -> Result<()> {
        let futex = low_half(word).as_ptr().cast_const();
        let sleep = opcode::FutexWait::new(futex, expected.into(), ANY, SIZE_U32).build().user_data(SLEEP);
        // After a submission that the kernel refused, the last sleep is still in the queue. It expects an older count, so
        // it ends at once, and the owner looks again.
        if self.ring.submission().is_empty() {
            if until_ns == DEADLINE_INFINITE_NS {
                self.push(&[sleep])?;
            } else {
                let deadline_ns = until_ns.max(0) as u64;
                let (seconds, rest_ns) = (deadline_ns / 1_000_000_000, deadline_ns % 1_000_000_000);
                *self.deadline = Timespec::new().sec(seconds).nsec(rest_ns as u32);
                let timeout =
                    opcode::LinkTimeout::new(&raw const *self.deadline).flags(TimeoutFlags::ABS).build();
                self.push(&[sleep.flags(Flags::IO_LINK), timeout])?;
            }
        }
        self.ring.submit().map_err(|_| REFUSED)?;
        self.is_asleep = true;
        Ok(())
    }

    fn push(&mut self, entries: &[Entry]) -> Result<()> {
        // SAFETY: the kernel reads two addresses, and writes neither: that of a word of the arena, which `_process` keeps
        // mapped, and that of the deadline, which lies in a box of `self`. Both outlive the ring.
        unsafe { self.ring.submission().push_multiple(entries) }.map_err(|_| REFUSED)
    }
}

impl AsRawFd for Ring {
    fn as_raw_fd(&self) -> RawFd {
        self.ring.as_raw_fd()
    }
}
