//! The limits of an arena: chosen by its creator, written into its header, and read again by each process that attaches.

use crate::arena::record::line::LINE_BYTES;
use crate::arena::size_class::{MAX_CLASSES, block_bytes, class_of_lines};

/// Numbers of a [`Config`].
pub(crate) const CONFIG_WORDS: usize = 12;

/// Thread rows beyond `max_threads`, the first ones: for what must not fail for want of a row (`Thread::join_reserve`).
pub(crate) const RESERVED_THREADS: u32 = if cfg!(loom) { 0 } else { 32 };

/// The limits of an arena, all fixed when it is created.
///
/// Memory is committed when it is first touched, so generous limits cost address space and nothing else. Of that the
/// default takes some 18 GB, as `VmSize` shows and `ulimit -v` counts: `pool_bytes` for each of 17 size classes. `VmRSS`
/// shows what is real.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How many processes may be attached at once. 1 to 4,095; default 64.
    pub max_processes: u32,
    /// How many threads, of all processes together, may use the arena at once. 1 to 4,063; default 1,024.
    pub max_threads: u32,
    /// How many of them may be one process's. 1 to 4,063; default 896, seven eighths of the default `max_threads`. Where
    /// `max_threads` is less, that alone applies. A thread beyond it can still close handles, and nothing else.
    pub max_threads_per_process: u32,
    /// How many objects may exist at once; the two ends of a pair are one object. Up to 8,388,607; default
    /// 1,048,576.
    pub max_objects: u32,
    /// How many of them one process may have made, whoever holds them now. Up to 8,388,607; default 917,504, seven
    /// eighths of the default `max_objects`. Where `max_objects` is less, that alone applies.
    pub max_objects_per_process: u32,
    /// How many handles one process may hold at once. Up to 1,048,575; default 262,143. Each process has a table
    /// of its own for them, so all processes together may have `max_processes` times as many.
    pub max_handles_per_process: u32,
    /// How many messages may be pending in one direction of a channel before a write gives
    /// `ZX_ERR_SHOULD_WAIT`. Up to 1,048,576; default 8,192.
    pub max_pending_messages: u32,
    /// How many messages that were written at ends which one process holds may be pending at once, in all its
    /// channels together. Up to 1,073,741,824; default 7,340,032, seven eighths of what one size class of the default
    /// pools has room for. A process that has so many gets `ZX_ERR_NO_RESOURCES` from a write until some are read. So does
    /// a channel, in one direction, that has eight times as many as are left to its process.
    pub max_pending_messages_per_process: u32,
    /// How many messages the first ring of a direction holds; later ones are four times the last. A power of
    /// two from 2 to 8,192; default 8.
    pub first_segment_messages: u32,
    /// The bytes reserved for blocks of each size class. Default 1 GiB.
    pub pool_bytes: u64,
    /// How much of it, of each size class, one process may have taken; at least one block of each. Up to 1 TiB;
    /// default 896 MiB, seven eighths of the default `pool_bytes`. Where `pool_bytes` is less, that alone applies.
    pub max_block_bytes_per_process: u64,
    /// The largest zero-copy loan, in bytes; rounded up to a power of two, at most 16 MiB, which is the
    /// default. Messages of the full 65,536 bytes with 64 handles need at least 128 KiB here.
    pub max_loan_bytes: u64,
    /// Where the supervisor listens for processes that join. Default `None`: in a new folder in `XDG_RUNTIME_DIR`, or
    /// among the temporary files. No limit, and not kept in the arena: it is whoever makes the supervisor that reads it.
    ///
    /// Name a path, and a service that is started again is found where it was. A socket that a dead arena has left
    /// there is replaced. The folder is made if it is missing (the one above is not), and must be this user's or root's,
    /// without others who can write to it, unless its sticky bit is set. The length of a path is limited by what a folder
    /// may be called; where there is no `/proc`, to 103 bytes.
    pub socket_path: Option<std::path::PathBuf>,
}

impl Default for Config {
    /// The documented defaults. Under valgrind, whose tools keep books of every page of address space, `pool_bytes` is
    /// 16 MiB and `max_objects` 65,536.
    fn default() -> Self {
        #[cfg(not(loom))]
        if crate::sync::is_under_valgrind() {
            return Self { pool_bytes: 16 << 20, max_objects: 1 << 16, ..Self::plain() };
        }
        Self::plain()
    }
}

impl Config {
    fn plain() -> Self {
        Self {
            max_processes: 64,
            max_threads: 1024,
            max_threads_per_process: 1024 / 8 * 7,
            max_objects: 1 << 20,
            max_objects_per_process: (1 << 20) / 8 * 7,
            max_handles_per_process: (1 << 18) - 1,
            max_pending_messages: 8192,
            max_pending_messages_per_process: 7 << 20,
            first_segment_messages: 8,
            pool_bytes: 1 << 30,
            max_block_bytes_per_process: (1 << 30) / 8 * 7,
            max_loan_bytes: 16 << 20,
            socket_path: None,
        }
    }
}

/// A limit of a [`Config`], or a number of an arena's header, that is out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}, not within {least} to {most}")]
pub struct OutOfRange {
    /// The name of the limit.
    pub field: &'static str,
    /// What it was.
    pub value: u64,
    /// The least it may be.
    pub least: u64,
    /// The most it may be.
    pub most: u64,
}

impl Config {
    /// Checks every limit against its documented range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let within = |field, value: u64, least: u64, most: u64| match value {
            value if (least..=most).contains(&value) => Ok(()),
            value => Err(OutOfRange { field, value, least, most }),
        };
        within("max_processes", self.max_processes.into(), 1, 0xfff)?;
        let most_threads = u64::from(0xfff - RESERVED_THREADS);
        within("max_threads", self.max_threads.into(), 1, most_threads)?;
        within("max_objects", self.max_objects.into(), 1, (1 << 23) - 1)?;
        within("max_handles_per_process", self.max_handles_per_process.into(), 1, (1 << 20) - 1)?;
        within("max_pending_messages", self.max_pending_messages.into(), 1, 1 << 20)?;
        within("first_segment_messages", self.first_segment_messages.into(), 2, 8192)?;
        if !self.first_segment_messages.is_power_of_two() {
            let value = self.first_segment_messages.into();
            return Err(OutOfRange {
                field: "first_segment_messages (a power of two)",
                value,
                least: 2,
                most: 8192,
            });
        }
        within("pool_bytes", self.pool_bytes, 256, 1 << 40)?;
        within("max_loan_bytes", self.max_loan_bytes, 256, 16 << 20)?;
        within("max_objects_per_process", self.max_objects_per_process.into(), 1, (1 << 23) - 1)?;
        within("max_block_bytes_per_process", self.max_block_bytes_per_process, 256, 1 << 40)?;
        let pending = self.max_pending_messages_per_process.into();
        within("max_pending_messages_per_process", pending, 1, 1 << 30)?;
        within("max_threads_per_process", self.max_threads_per_process.into(), 1, most_threads)
    }

    pub(crate) fn to_words(&self) -> [u64; CONFIG_WORDS] {
        [
            self.max_processes.into(),
            self.max_threads.into(),
            self.max_objects.into(),
            self.max_handles_per_process.into(),
            self.max_pending_messages.into(),
            self.first_segment_messages.into(),
            self.pool_bytes,
            self.max_loan_bytes,
            self.max_objects_per_process.into(),
            self.max_block_bytes_per_process,
            self.max_pending_messages_per_process.into(),
            self.max_threads_per_process.into(),
        ]
    }

    #[cfg(not(loom))]
    pub(crate) fn from_words(words: [u64; CONFIG_WORDS]) -> Self {
        // A number too large for its field becomes the largest, which `validate` then refuses.
        let narrow = |word: u64| u32::try_from(word).unwrap_or(u32::MAX);
        Self {
            max_processes: narrow(words[0]),
            max_threads: narrow(words[1]),
            max_objects: narrow(words[2]),
            max_handles_per_process: narrow(words[3]),
            max_pending_messages: narrow(words[4]),
            first_segment_messages: narrow(words[5]),
            pool_bytes: words[6],
            max_loan_bytes: words[7],
            max_objects_per_process: narrow(words[8]),
            max_block_bytes_per_process: words[9],
            max_pending_messages_per_process: narrow(words[10]),
            max_threads_per_process: narrow(words[11]),
            socket_path: None,
        }
    }

    /// How many objects one process may have made; `None` where that is no less than there can be.
    pub(crate) fn object_quota(&self) -> Option<u64> {
        (self.max_objects_per_process < self.max_objects).then_some(self.max_objects_per_process.into())
    }

    /// How many blocks of `class` one process may have taken; `None` where that is no less than there are.
    pub(crate) fn block_quota(&self, class: usize) -> Option<u64> {
        if class >= self.classes() {
            return None;
        }
        let block_bytes = block_bytes(class);
        let quota = (self.max_block_bytes_per_process / block_bytes as u64).max(1);
        (quota < self.blocks_of_class(class) as u64).then_some(quota)
    }

    /// How many messages one process may have pending; `None` where that is no less than there can be.
    pub(crate) fn message_quota(&self) -> Option<u64> {
        let all = 2 * u64::from(self.max_objects) * u64::from(self.max_pending_messages);
        let quota = u64::from(self.max_pending_messages_per_process);
        (quota < all).then_some(quota)
    }

    pub(crate) fn classes(&self) -> usize {
        let lines = self.max_loan_bytes.div_ceil(LINE_BYTES as u64) as usize;
        (class_of_lines(lines) + 1).min(MAX_CLASSES)
    }

    pub(crate) fn blocks_of_class(&self, class: usize) -> usize {
        let block_bytes = block_bytes(class);
        // 22 bits of a block's name are its index.
        (self.pool_bytes as usize / block_bytes).clamp(1, (1 << 22) - 1)
    }
}
