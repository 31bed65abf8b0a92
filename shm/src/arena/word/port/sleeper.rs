//! Who has ever slept at a port: one thread, several threads of one process, or several processes.
//!
//! A packet wakes one thread if all sleepers are of one process: a process that is stopped, or dies, does so with all its
//! threads. With several processes it wakes all: the one that is woken alone might be stopped. So it does once an event loop
//! has slept there, by a descriptor: it may never look again.

use crate::arena::word::reference::{ProcessIndex, Tag};
use crate::arena::word::{Field, debug_as_fields};

/// The word of a port that says who sleeps there. All-zero: none has ever slept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sleepers(pub(crate) u64);

debug_as_fields!(Sleepers { is_one_process, is_one_thread });

impl Sleepers {
    const SEVERAL_PROCESSES: u64 = 1 << 63;
    const SEVERAL_THREADS: u64 = 1 << 62;
    const EPOCH: Field<24, 32> = Field;
    const PROCESS: Field<12, 12> = Field;
    const TAG: Field<0, 12> = Field;

    /// One thread of a process, which is in this use of its row.
    pub(crate) fn one(process: ProcessIndex, epoch: u32, tag: Tag) -> Self {
        let process = Self::PROCESS.of(process.0.into()) | Self::EPOCH.of(epoch.into());
        Self(process | Self::TAG.of(tag.0.into()))
    }

    /// An event loop, which may take no packet when it is woken: as several processes.
    pub(crate) fn event_loop() -> Self {
        Self(Self::SEVERAL_PROCESSES)
    }

    fn same_process(self, other: Self) -> bool {
        (Self::PROCESS.get(self.0), Self::EPOCH.get(self.0))
            == (Self::PROCESS.get(other.0), Self::EPOCH.get(other.0))
    }

    /// With `one` among them: a thread, or an event loop.
    pub(crate) fn with(self, one: Self) -> Self {
        if self.0 == 0 || self == one {
            one
        } else if one.is_one_process() && self.is_one_process() && self.same_process(one) {
            // The tag of the first: the next comparison is the same.
            Self(
                self.0
                    | if self.0 & Self::TAG_MASK == one.0 & Self::TAG_MASK {
                        0
                    } else {
                        Self::SEVERAL_THREADS
                    },
            )
        } else {
            Self(Self::SEVERAL_PROCESSES)
        }
    }

    const TAG_MASK: u64 = 0xfff;

    pub(crate) fn is_one_process(self) -> bool {
        self.0 & Self::SEVERAL_PROCESSES == 0
    }

    pub(crate) fn is_one_thread(self) -> bool {
        self.is_one_process() && self.0 & Self::SEVERAL_THREADS == 0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn sleepers_only_become_more() {
        let one = |process, epoch, tag| Sleepers::one(ProcessIndex(process), epoch, Tag(tag));
        let first = Sleepers(0).with(one(3, 1, 7));
        assert_eq!((first, first.is_one_thread()), (one(3, 1, 7), true));
        assert_eq!(first.with(one(3, 1, 7)), first);
        let threads = first.with(one(3, 1, 8));
        assert!(!threads.is_one_thread() && threads.is_one_process());
        assert_eq!(threads.with(one(3, 1, 7)), threads);
        for other in [one(4, 1, 7), one(3, 2, 7)] {
            let processes = threads.with(other);
            assert!(!processes.is_one_process() && !processes.is_one_thread());
            assert_eq!(processes.with(one(3, 1, 7)), processes);
            assert!(!first.with(other).is_one_process());
        }
        let event_loop = Sleepers::event_loop();
        for before in [Sleepers(0), first, threads] {
            let after = before.with(event_loop);
            assert!(!after.is_one_process());
            assert_eq!((after.with(event_loop), after.with(first)), (after, after));
        }
    }
}
