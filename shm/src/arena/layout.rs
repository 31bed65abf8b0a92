//! The place of everything in an arena: fixed by a [`Config`] at creation, recomputed and compared at attach.
//!
//! ```text
//!  header │ process rows │ thread rows │ watches │ objects │ bodies │ names │ cookies │ handle tables │ maps │ descriptors │ pools
//!           8 lines        4 lines       33 lines  1 line    4 lines  2 lines 1 line    one word an     1 bit  half a line   blocks: class 0 … 16
//!           a process      a thread      and 1 bit an object a channel                  entry, a page-  a      a block       256 B … 16 MiB
//!                                        a thread                                       aligned region  thing                extents: class 17 … 29
//!                                                                                       a process                            4 KiB … 64 GiB
//! ```
//!
//! The maps say which objects and which blocks are free: one map for objects, and one for each class of blocks. Beside
//! the map of objects is one word for each page of objects. Beside each map of blocks is one bit for each block, which
//! says whether the block was freed lately.
//!
//! INV-LAYOUT-1: after attach no part of the layout is read from the arena again: the numbers live in private memory.
//! INV-LAYOUT-2: sections follow each other in this order without overlap, each on a page of its own.

use crate::arena::config::{Config, RESERVED_THREADS};
use crate::arena::header::{Header, MAGIC, VERSION};
use crate::arena::record::block::Descriptor;
use crate::arena::record::free_map::{MapLayout, MapWord, WORD_BITS};
use crate::arena::record::line::{EntryCell, Line};
use crate::arena::record::object::{CookieJars, Name, Object, ObjectBody};
use crate::arena::record::row::{ProcessRow, ThreadRow};
use crate::arena::record::watch::WatchRow;
use crate::arena::region::Shared;
use crate::arena::size_class::SizeClass;
use core::marker::PhantomData;
use core::mem::size_of;

/// The size of the machine's pages.
pub(crate) const PAGE_BYTES: usize = 4096;

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

/// The section of a map of free items, and the map's levels in it.
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
        // Checked: a product that wrapped would lay sections over each other, and every later check would accept them.
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
    /// The observers of each thread's wait: see `signal/watch`.
    pub(crate) watches: Section<WatchRow>,
    /// One bit for each thread row: its thread is in a wait with observers.
    pub(crate) watching: Section<MapWord>,
    pub(crate) objects: Section<Object>,
    pub(crate) bodies: Section<ObjectBody>,
    pub(crate) names: Section<Name>,
    pub(crate) cookies: Section<CookieJars>,
    pub(crate) entries: Section<EntryCell>,
    /// Entries in one process's region: a whole number of pages.
    pub(crate) entries_per_process: usize,
    /// The map of free objects.
    pub(crate) object_map: Map,
    /// One word for each page of objects: see `memory/slot_pages`.
    pub(crate) slot_pages: Section<MapWord>,
    /// The maps of free blocks, class by class.
    pub(crate) block_maps: Vec<Map>,
    /// Blocks that were freed lately, one word for each leaf of their maps: see `memory/decommit`.
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
        // Row 0, tag 0 and index 0 mean "none" and "invalid", so each section has one more.
        let processes = at.section(config.max_processes as usize + 1);
        let threads = at.section((RESERVED_THREADS + config.max_threads) as usize + 1);
        let watches = at.section(threads.count);
        let watching = at.section(threads.count.div_ceil(WORD_BITS));
        // The last one is the root directory, which no process has made and no limit counts.
        let objects = at.section(config.max_objects as usize + 1);
        // Apart from the objects: a page of bodies that no channel ever used costs no memory. The same goes for names and cookies.
        let bodies = at.section(objects.count);
        let names = at.section(objects.count);
        let cookies = at.section(objects.count);
        let mut entries_per_process = config.max_handles_per_process as usize + 1;
        if !cfg!(loom) {
            // Whole pages, so that the table of a dead process can be given back without its neighbours.
            entries_per_process = entries_per_process.next_multiple_of(PAGE_BYTES / 8);
        }
        let entries = at.section(processes.count * entries_per_process);
        // A class that the arena lacks has sections without blocks, so that a class is an index everywhere.
        let classes = &SizeClass::ALL;
        let blocks = |class: &SizeClass| config.blocks_of_class(*class);
        let object_map = at.map(config.max_objects as usize);
        let slot_pages = at.section(objects.count.div_ceil(WORD_BITS));
        let block_maps = classes.iter().map(|class| at.map(blocks(class))).collect();
        let freed_lately =
            classes.iter().map(|class| at.section(blocks(class).div_ceil(WORD_BITS))).collect();
        let descriptors = classes.iter().map(|class| at.section(blocks(class))).collect();
        let pools = classes.iter().map(|class| at.section(blocks(class) * class.lines())).collect();
        let total_bytes = at.next_bytes;
        Self {
            // The path is no part of the format: a process that attaches must compute the same layout without it.
            config: Config { socket_path: None, ..config.clone() },
            header,
            processes,
            threads,
            watches,
            watching,
            objects,
            bodies,
            names,
            cookies,
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

    /// The size classes of its blocks.
    pub(crate) fn classes(&self) -> impl Iterator<Item = SizeClass> + use<'_> {
        SizeClass::ALL.into_iter().filter(|class| self.has_class(*class))
    }

    /// Whether it has blocks of this class.
    #[inline(always)]
    pub(crate) fn has_class(&self, class: SizeClass) -> bool {
        self.descriptors.get(class.index()).is_some_and(|section| section.count > 0)
    }

    /// A number that differs whenever two builds or two configurations would disagree about any byte.
    fn hash(&self) -> u64 {
        let sizes = [
            size_of::<Header>(),
            size_of::<ProcessRow>(),
            size_of::<ThreadRow>(),
            size_of::<WatchRow>(),
            size_of::<Object>(),
            size_of::<ObjectBody>(),
            size_of::<Name>(),
            size_of::<CookieJars>(),
            size_of::<MapWord>(),
            size_of::<Descriptor>(),
            size_of::<Line>(),
            self.entries_per_process,
            self.total_bytes,
        ];
        let words = self.config.to_words().into_iter().chain(sizes.map(|size| size as u64));
        // FNV-1a over words. It detects mistakes, and does not protect against forgery.
        words.fold(0xcbf2_9ce4_8422_2325, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01b3))
    }

    /// Writes the header's description. The magic comes last, so a half-made arena is not an arena.
    pub(crate) fn write(&self, header: &Header) {
        use crate::sync::Relaxed;
        // Relaxed, also for the magic: the file is passed on only when the arena is complete, and passing it on orders
        // these stores before every load by another process.
        header.version.store(VERSION, Relaxed);
        header.layout_hash.store(self.hash(), Relaxed);
        header.total_bytes.store(self.total_bytes as u64, Relaxed);
        for (cell, word) in header.config.iter().zip(self.config.to_words()) {
            cell.store(word, Relaxed);
        }
        header.next_koid.store(crate::arena::record::object::FIRST_KOID, Relaxed);
        header.threads_hwm.store(1, Relaxed);
        header.magic.store(MAGIC, Relaxed);
    }

    /// Reads and checks the header's description of an arena of `actual_bytes`.
    #[cfg(not(loom))]
    pub(crate) fn read(
        header: &Header,
        actual_bytes: u64,
    ) -> Result<Self, crate::arena::attach_error::AttachError> {
        use crate::arena::attach_error::AttachError;
        use crate::sync::Relaxed;
        // Relaxed: as in `write`.
        if header.magic.load(Relaxed) != MAGIC {
            return Err(AttachError::NotAnArena);
        }
        let found = header.version.load(Relaxed);
        if found != VERSION {
            return Err(AttachError::AnotherVersion { found, expected: VERSION });
        }
        // The words are copied once and checked as a copy. A later change in the header has no effect (INV-LAYOUT-1).
        let config = Config::from_words(core::array::from_fn(|i| header.config[i].load(Relaxed)));
        // First: the sums of the layout below must not overflow.
        config.validate()?;
        let layout = Self::new(&config);
        let expected_bytes = layout.total_bytes as u64;
        // The hash also covers the sizes of the records, so two builds with other records refuse each other's arenas.
        if header.total_bytes.load(Relaxed) != expected_bytes
            || header.layout_hash.load(Relaxed) != layout.hash()
        {
            return Err(AttachError::LayoutMismatch);
        }
        // The size that the system reports: an access past the end of the file would raise SIGBUS.
        if actual_bytes != expected_bytes {
            return Err(AttachError::Truncated { actual_bytes, expected_bytes });
        }
        Ok(layout)
    }
}

#[cfg(not(loom))]
const _: () = {
    use crate::arena::record::line::LINE_BYTES;

    assert!(size_of::<Line>() == LINE_BYTES);
    assert!(size_of::<Object>() == LINE_BYTES);
    assert!(WORD_BITS * size_of::<Object>() == PAGE_BYTES);
    assert!(size_of::<ObjectBody>() == 4 * LINE_BYTES);
    assert!(size_of::<Name>() == 2 * LINE_BYTES);
    assert!(size_of::<CookieJars>() == LINE_BYTES);
    assert!(size_of::<ThreadRow>() == 4 * LINE_BYTES);
    assert!(size_of::<WatchRow>() == 33 * LINE_BYTES);
    assert!(size_of::<ProcessRow>() == 8 * LINE_BYTES);
    assert!(size_of::<MapWord>() == 8);
    assert!(size_of::<Descriptor>() == 32);
    assert!(size_of::<Header>() <= PAGE_BYTES);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_names_the_bad_limit() {
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
    fn the_default_has_every_size_class() {
        assert_eq!(Layout::new(&Config::default()).classes().collect::<Vec<_>>(), SizeClass::ALL);
    }
}
