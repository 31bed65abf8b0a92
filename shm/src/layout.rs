//! Where everything lies in an arena: fixed by a [`Config`] at creation, recomputed and compared at attach.
//!
//! ```text
//!  header │ process rows │ thread rows │ watches │ objects │ bodies │ names │ handle tables │ maps │ descriptors │ block pools
//!           4 lines        4 lines       33 lines  1 line    4 lines  2 lines one word an     1 bit  half a line   class 0 … 16
//!           a process      a thread      and 1 bit an object a channel        entry, a page-  a      a block       256 B … 16 MiB
//!                                        a thread                             aligned region  thing
//!                                                                             a process
//! ```
//!
//! The maps say which objects and which blocks are free: one for objects, one for each class of blocks. Beside the first is
//! a word for each page of objects, and beside each of the latter a bit a block that says which were freed lately.
//!
//! INV-LAYOUT-1: after attach nothing here is read from the arena again: the numbers live in private memory.
//! INV-LAYOUT-2: sections follow each other in this order without overlap, each on a page of its own.

use crate::block::Descriptor;
use crate::free_map::{MapLayout, MapWord, WORD_BITS};
use crate::object::{Body, Name, Object};
use crate::owner::{ProcessRow, ThreadRow};
use crate::region::Shared;
use crate::sync::{AtomicU64, Shadow};
use crate::watch::WatchRow;
use core::marker::PhantomData;
use core::mem::size_of;

/// The bytes of a cache line, the unit of everything that processes write beside each other.
pub(crate) const LINE_BYTES: usize = 64;
/// Words in a line.
pub(crate) const LINE_WORDS: usize = 8;
/// Lines in a block of class 0; each further class doubles.
pub(crate) const CLASS_0_LINES: usize = 4;
/// The most block classes: the largest block has 16 MiB.
pub(crate) const MAX_CLASSES: usize = 17;

/// Numbers of a [`Config`].
const CONFIG_WORDS: usize = 12;

/// The machine's pages.
pub(crate) const PAGE_BYTES: usize = 4096;
const MAGIC: u64 = u64::from_le_bytes(*b"jacinth\x01");
/// Thread rows beyond `max_threads`, the first ones: for what must not fail for want of a row (`Thread::join_reserve`).
pub(crate) const RESERVED_THREADS: u32 = if cfg!(loom) { 0 } else { 32 };

/// Changes whenever a word's meaning does.
pub(crate) const VERSION: u64 = 6;

/// Sixty-four bytes of payload, message headers or handle records.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [AtomicU64; LINE_WORDS], pub(crate) Shadow);

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Line {}

/// One entry of a handle table.
#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct EntryCell(pub(crate) AtomicU64);

// SAFETY: one atomic word; zero is its default.
unsafe impl Shared for EntryCell {}

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

    fn to_words(&self) -> [u64; CONFIG_WORDS] {
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
    fn from_words(words: [u64; CONFIG_WORDS]) -> Self {
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

/// The size of a block of this class.
pub(crate) const fn block_bytes(class: usize) -> usize {
    (CLASS_0_LINES * LINE_BYTES) << class
}

/// The smallest class whose blocks have at least `lines` lines.
pub(crate) const fn class_of_lines(lines: usize) -> usize {
    let mut class = 0;
    while (CLASS_0_LINES << class) < lines && class < usize::BITS as usize / 2 {
        class += 1;
    }
    class
}

/// The first page of an arena: what it is, its numbers, and the few words that belong to all.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Header {
    magic: AtomicU64,
    version: AtomicU64,
    layout_hash: AtomicU64,
    total_bytes: AtomicU64,
    _line_0: [AtomicU64; 4],
    config: [AtomicU64; CONFIG_WORDS],
    _line_1: [AtomicU64; 16 - CONFIG_WORDS],
    /// The next koid not yet given to a thread's range.
    pub(crate) next_koid: AtomicU64,
    /// Objects that were ever used are below this slot.
    pub(crate) objects_fresh: AtomicU64,
    /// Thread rows that were ever used are below this tag.
    pub(crate) threads_fresh: AtomicU64,
    /// Nonzero once an audit failed: every call then gives an error.
    pub(crate) poisoned: AtomicU64,
    /// Which process runs the supervisor: see `leader`.
    pub(crate) leader: AtomicU64,
    /// Dead processes whose threads' intents have been settled.
    pub(crate) deaths: AtomicU64,
    /// How often processes have asked others for what those keep: see `keeper`.
    pub(crate) asked: AtomicU64,
    _line_2: [AtomicU64; 1],
    /// Blocks of a class that were ever used, since the end of them was last given back, are below this index.
    pub(crate) blocks_fresh: [AtomicU64; MAX_CLASSES],
    /// The generation with which blocks of a class begin: see `trim`.
    pub(crate) first_generation: [AtomicU64; MAX_CLASSES],
}

// SAFETY: atomic words only; zero is their default.
unsafe impl Shared for Header {}

/// `count` values of `T` at an offset of the arena.
pub(crate) struct Section<T> {
    pub(crate) offset_bytes: usize,
    pub(crate) count: usize,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Section<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Section<T> {}

/// Where a map of free things lies, and its levels in there.
pub(crate) struct Map {
    pub(crate) section: Section<MapWord>,
    pub(crate) levels: MapLayout,
}

/// Lays sections one after another, each starting on a page.
struct Builder {
    next_bytes: usize,
}

impl Builder {
    fn section<T: Shared>(&mut self, count: usize) -> Section<T> {
        let offset_bytes = self.next_bytes;
        let len_bytes = count.checked_mul(size_of::<T>()).expect("validated limits fit the address space");
        self.next_bytes = (offset_bytes + len_bytes).next_multiple_of(PAGE_BYTES);
        Section { offset_bytes, count, of: PhantomData }
    }

    fn map(&mut self, things: usize) -> Map {
        let levels = MapLayout::new(things);
        Map { section: self.section(levels.words()), levels }
    }
}

/// The whole geometry, in private memory.
pub(crate) struct Layout {
    pub(crate) config: Config,
    pub(crate) header: Section<Header>,
    pub(crate) processes: Section<ProcessRow>,
    pub(crate) threads: Section<ThreadRow>,
    /// What each thread's wait watches: see `watch`.
    pub(crate) watches: Section<WatchRow>,
    /// Which threads' waits watch anything.
    pub(crate) watching: Section<MapWord>,
    pub(crate) objects: Section<Object>,
    pub(crate) bodies: Section<Body>,
    pub(crate) names: Section<Name>,
    pub(crate) entries: Section<EntryCell>,
    /// Entries in one process's region: a whole number of pages.
    pub(crate) entries_per_process: usize,
    /// Which objects are free.
    pub(crate) object_map: Map,
    /// A word for each page of objects: see `slot_pages`.
    pub(crate) slot_pages: Section<MapWord>,
    /// Which blocks are, class by class.
    pub(crate) block_maps: Vec<Map>,
    /// Which blocks were freed lately, by leaf of their maps: see `give_back`.
    pub(crate) freed_lately: Vec<Section<MapWord>>,
    pub(crate) descriptors: Vec<Section<Descriptor>>,
    pub(crate) pools: Vec<Section<Line>>,
    pub(crate) total_bytes: usize,
}

impl Layout {
    /// Lays out an arena for `config`, which has been validated.
    pub(crate) fn new(config: &Config) -> Self {
        let mut at = Builder { next_bytes: 0 };
        let header = at.section(1);
        // Row 0, tag 0 and index 0 mean "nobody" and "invalid": one more of each.
        let processes = at.section(config.max_processes as usize + 1);
        let threads = at.section((RESERVED_THREADS + config.max_threads) as usize + 1);
        let watches = at.section(threads.count);
        let watching = at.section(threads.count.div_ceil(WORD_BITS));
        let objects = at.section(config.max_objects as usize);
        let bodies = at.section(config.max_objects as usize);
        let names = at.section(config.max_objects as usize);
        let mut entries_per_process = config.max_handles_per_process as usize + 1;
        if !cfg!(loom) {
            entries_per_process = entries_per_process.next_multiple_of(PAGE_BYTES / 8);
        }
        let entries = at.section(processes.count * entries_per_process);
        let classes = config.classes();
        let blocks = |class| config.blocks_of_class(class);
        let object_map = at.map(objects.count);
        let slot_pages = at.section(objects.count.div_ceil(WORD_BITS));
        let block_maps = (0..classes).map(|class| at.map(blocks(class))).collect();
        let freed_lately = (0..classes).map(|class| at.section(blocks(class).div_ceil(WORD_BITS))).collect();
        let descriptors = (0..classes).map(|class| at.section(blocks(class))).collect();
        let pools = (0..classes).map(|class| at.section(blocks(class) * (CLASS_0_LINES << class))).collect();
        let total_bytes = at.next_bytes;
        Self {
            config: Config { socket_path: None, ..config.clone() },
            header,
            processes,
            threads,
            watches,
            watching,
            objects,
            bodies,
            names,
            entries,
            entries_per_process,
            object_map,
            slot_pages,
            block_maps,
            freed_lately,
            descriptors,
            pools,
            total_bytes,
        }
    }

    /// A number that differs whenever two builds or two configurations would disagree about any byte.
    fn hash(&self) -> u64 {
        let sizes = [
            size_of::<Header>(),
            size_of::<ProcessRow>(),
            size_of::<ThreadRow>(),
            size_of::<WatchRow>(),
            size_of::<Object>(),
            size_of::<Body>(),
            size_of::<Name>(),
            size_of::<MapWord>(),
            size_of::<Descriptor>(),
            size_of::<Line>(),
            self.entries_per_process,
            self.total_bytes,
        ];
        let words = self.config.to_words().into_iter().chain(sizes.map(|size| size as u64));
        // FNV-1a over words: not against forgery, only against mistakes.
        words.fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01b3))
    }

    /// Writes the header's description; the magic last, so that a half-made arena is no arena.
    pub(crate) fn write(&self, header: &Header) {
        use crate::sync::Relaxed;
        // Relaxed, the magic too: the arena is handed on once it is made, and with that all of this is seen.
        header.version.store(VERSION, Relaxed);
        header.layout_hash.store(self.hash(), Relaxed);
        header.total_bytes.store(self.total_bytes as u64, Relaxed);
        for (cell, word) in header.config.iter().zip(self.config.to_words()) {
            cell.store(word, Relaxed);
        }
        header.next_koid.store(crate::object::FIRST_KOID, Relaxed);
        header.threads_fresh.store(1, Relaxed);
        header.magic.store(MAGIC, Relaxed);
    }

    /// Reads and checks the header's description of an arena of `actual_bytes`.
    #[cfg(not(loom))]
    pub(crate) fn read(header: &Header, actual_bytes: u64) -> Result<Self, crate::arena::AttachError> {
        use crate::arena::AttachError;
        use crate::sync::Relaxed;
        // Relaxed: as in `write`.
        if header.magic.load(Relaxed) != MAGIC {
            return Err(AttachError::NotAnArena);
        }
        let found = header.version.load(Relaxed);
        if found != VERSION {
            return Err(AttachError::AnotherVersion { found, expected: VERSION });
        }
        let config = Config::from_words(core::array::from_fn(|i| header.config[i].load(Relaxed)));
        config.validate()?;
        let layout = Self::new(&config);
        let expected_bytes = layout.total_bytes as u64;
        if header.total_bytes.load(Relaxed) != expected_bytes
            || header.layout_hash.load(Relaxed) != layout.hash()
        {
            return Err(AttachError::LayoutMismatch);
        }
        if actual_bytes != expected_bytes {
            return Err(AttachError::Truncated { actual_bytes, expected_bytes });
        }
        Ok(layout)
    }
}

#[cfg(not(loom))]
const _: () = {
    assert!(size_of::<Line>() == LINE_BYTES);
    assert!(size_of::<Object>() == LINE_BYTES);
    assert!(WORD_BITS * size_of::<Object>() == PAGE_BYTES);
    assert!(size_of::<Body>() == 4 * LINE_BYTES);
    assert!(size_of::<Name>() == 2 * LINE_BYTES);
    assert!(size_of::<ThreadRow>() == 4 * LINE_BYTES);
    assert!(size_of::<WatchRow>() == 33 * LINE_BYTES);
    assert!(size_of::<ProcessRow>() == 4 * LINE_BYTES);
    assert!(size_of::<MapWord>() == 8);
    assert!(size_of::<Descriptor>() == 32);
    assert!(size_of::<Header>() <= PAGE_BYTES);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_checked_and_the_error_names_it() {
        let bad = Config { max_processes: 0, ..Config::default() };
        assert_eq!(bad.validate().unwrap_err().to_string(), "max_processes is 0, not within 1 to 4095");
        let bad = Config { first_segment_messages: 12, ..Config::default() };
        assert!(bad.validate().unwrap_err().field.contains("power of two"));
        assert!(Config::default().validate().is_ok());
    }

    #[test]
    fn sections_do_not_overlap() {
        let layout = Layout::new(&Config::default());
        assert!(layout.processes.offset_bytes >= size_of::<Header>());
        let end = layout.pools.last().unwrap();
        assert!(end.offset_bytes + end.count * size_of::<Line>() <= layout.total_bytes);
        for pair in layout.pools.windows(2) {
            assert!(pair[0].offset_bytes + pair[0].count * size_of::<Line>() <= pair[1].offset_bytes);
        }
    }

    #[test]
    fn classes_double_from_four_lines() {
        assert_eq!(class_of_lines(1), 0);
        assert_eq!(class_of_lines(4), 0);
        assert_eq!(class_of_lines(5), 1);
        assert_eq!(class_of_lines(65536 / 64), 8);
        assert_eq!(Config::default().classes(), 17);
    }
}
