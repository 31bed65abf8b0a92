//! The arena: a region, its layout, and checked access from an index to a record.
//!
//! INV-ARENA-1: every index that comes out of the arena goes through one of these functions. An index out of range
//! gives [`Error::Corrupt`] and is never used for an access.

pub(crate) mod arena_ref;
pub(crate) mod attach_error;
pub(crate) mod config;
pub(crate) mod copy;
pub(crate) mod error;
pub(crate) mod header;
mod high_water;
pub(crate) mod layout;
pub(crate) mod record;
pub(crate) mod region;
pub(crate) mod segment;
pub(crate) mod segment_chain;
pub(crate) mod size_class;
pub(crate) mod word;

use crate::arena::attach_error::AttachError;
use crate::arena::config::Config;
use crate::arena::error::{Error, Result};
use crate::arena::header::Header;
use crate::arena::layout::{Layout, PAGE_BYTES, Section};
use crate::arena::record::block::Descriptor;
use crate::arena::record::free_map::{MapWord, WORD_BITS};
use crate::arena::record::line::{EntryCell, LINE_WORDS, Line};
use crate::arena::record::object::{CookieJar, Direction, Name, Object, ObjectBody};
use crate::arena::record::row::{ProcessRow, ThreadRow};
use crate::arena::record::watch::WatchRow;
use crate::arena::region::{Heap, Region, Shared};
use crate::arena::size_class::SizeClass;
use crate::arena::word::block::{BlockId, BlockRun};
use crate::arena::word::handle::EntryIndex;
use crate::arena::word::intent::HandleLocation;
use crate::arena::word::reference::{ObjectRef, ProcessIndex, Slot, Tag};
#[cfg(loom)]
use crate::sync::Release;
use crate::sync::{AtomicU64, Futex, Relaxed};
use core::ops::Range;
use core::ptr::NonNull;
#[cfg(not(loom))]
use std::os::fd::BorrowedFd;
#[cfg(not(loom))]
use std::os::fd::OwnedFd;

/// A mapped arena. Cheap to share: one for each process is enough.
pub struct Arena {
    base: NonNull<u8>,
    header: NonNull<Header>,
    pub(crate) layout: Layout,
    futex: Futex,
    region: Box<dyn Region>,
}

// SAFETY: `base` points into `region`, which is `Send + Sync`, and is only read through `Shared` types.
unsafe impl Send for Arena {}

// SAFETY: as for `Send`.
unsafe impl Sync for Arena {}

impl core::fmt::Debug for Arena {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Arena")
            .field("bytes", &self.region.len_bytes())
            .field("config", self.config())
            .finish()
    }
}

impl Arena {
    /// A new arena in a sealed, sparse memfd.
    #[cfg(not(loom))]
    pub fn create(config: &Config) -> core::result::Result<Self, AttachError> {
        config.validate()?;
        let layout = Layout::new(config);
        // The file has its final size and its seals before it is mapped, so no process can shrink it under a mapping
        // (SIGBUS).
        let file = region::create_memfd(layout.total_bytes)?;
        let arena = Self::over(Box::new(region::Mapped::new(file)?), layout);
        arena.layout.write(arena.header());
        arena.header().draw_id()?;
        Ok(arena)
    }

    /// Attaches to the arena in `file`, after all checks of the file and of its header.
    #[cfg(not(loom))]
    pub fn attach(file: OwnedFd) -> core::result::Result<Self, AttachError> {
        let region = crate::arena::region::Mapped::new(file)?;
        let actual_bytes = region.len_bytes() as u64;
        // SAFETY: a mapping has at least one page, which holds a `Header`; any bytes are a valid one.
        let header = unsafe { region.base().cast::<Header>().as_ref() };
        // Before any other part of the arena is touched: until the layout is checked against the size, an index may
        // lead outside.
        let layout = Layout::read(header, actual_bytes)?;
        Ok(Self::over(Box::new(region), layout))
    }

    /// A new arena on the heap of this process, for models and unit tests.
    pub fn heap(config: &Config) -> core::result::Result<Self, AttachError> {
        config.validate()?;
        let layout = Layout::new(&config.on_the_heap());
        let arena = Self::over(Box::new(Heap::new(layout.total_bytes)), layout);
        #[cfg(loom)]
        arena.construct_in_place();
        arena.layout.write(arena.header());
        Ok(arena)
    }

    fn over(region: Box<dyn Region>, layout: Layout) -> Self {
        debug_assert!(layout.total_bytes <= region.len_bytes());
        // The base stays valid when the box moves: it points to the mapping, and not into the box.
        let base = region.base();
        // SAFETY: inside the region by the layout.
        let header = unsafe { base.add(layout.header.offset_bytes).cast() };
        Self { base, header, layout, futex: Futex::new(), region }
    }

    /// The file of the arena, to be sent to another process. `None` if the arena has no file, or the program has closed
    /// the file.
    #[cfg(not(loom))]
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        self.region.file()
    }

    /// The arena's file, open for reading alone: what is mapped from it cannot be made writable.
    #[cfg(not(loom))]
    pub(crate) fn file_for_reading(&self) -> Option<BorrowedFd<'_>> {
        self.region.file_for_reading()
    }

    /// The identity of the arena's file, also after the program has closed the file.
    #[cfg(not(loom))]
    pub fn file_id(&self) -> Option<crate::arena::region::held::FileId> {
        self.region.file_id()
    }

    /// The limits that the arena was created with.
    pub fn config(&self) -> &Config {
        &self.layout.config
    }

    /// The size of the arena in address space, in bytes.
    pub fn len_bytes(&self) -> usize {
        self.region.len_bytes()
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn futex(&self) -> &Futex {
        &self.futex
    }

    #[inline(always)]
    fn at<T: Shared>(&self, section: Section<T>, index: usize) -> Option<&T> {
        // Every index that was read from the arena comes through this check. `count` is private, so no other process
        // can widen it.
        if index >= section.count {
            return None;
        }
        // SAFETY: the layout keeps every section inside the region (`over`), aligned to a page, and `index`
        // is inside the section; `T: Shared` accepts any bytes and only ever accesses them atomically.
        Some(unsafe { self.base.add(section.offset_bytes).cast::<T>().add(index).as_ref() })
    }

    /// All of a section.
    pub(crate) fn all<T: Shared>(&self, section: Section<T>) -> &[T] {
        // SAFETY: the layout keeps every section inside the region (`over`), aligned to a page; `T: Shared` accepts any
        // bytes and only ever accesses them atomically.
        unsafe {
            let first = self.base.add(section.offset_bytes).cast::<T>();
            core::slice::from_raw_parts(first.as_ptr(), section.count)
        }
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: as in `at`: the layout keeps the header inside the region.
        unsafe { self.header.as_ref() }
    }

    #[inline(always)]
    pub(crate) fn object(&self, slot: Slot) -> Result<&Object> {
        self.at(self.layout.objects, slot.index()).ok_or(Error::Corrupt("an object's slot is out of range"))
    }

    #[inline(always)]
    pub(crate) fn body(&self, slot: Slot) -> Result<&ObjectBody> {
        self.at(self.layout.bodies, slot.index()).ok_or(Error::Corrupt("an object's slot is out of range"))
    }

    /// The direction that `writer` writes, of an object with rings.
    #[inline(always)]
    pub(crate) fn direction(&self, writer: ObjectRef) -> Result<&Direction> {
        Ok(&self.body(writer.slot())?.directions[writer.side()])
    }

    pub(crate) fn name(&self, slot: Slot) -> Result<&Name> {
        self.at(self.layout.names, slot.index()).ok_or(Error::Corrupt("an object's slot is out of range"))
    }

    /// The cookie of one side of an object.
    pub(crate) fn cookie_jar(&self, object: ObjectRef) -> Result<&CookieJar> {
        let jars = self.at(self.layout.cookies, object.slot().index());
        Ok(&jars.ok_or(Error::Corrupt("an object's slot is out of range"))?.sides[object.side()])
    }

    /// The signals and the event count of one side of an object.
    #[inline(always)]
    pub(crate) fn state(&self, object: ObjectRef) -> Result<&AtomicU64> {
        Ok(&self.object(object.slot())?.state[object.side()])
    }

    /// The indices of all process rows.
    pub(crate) fn process_rows(&self) -> impl Iterator<Item = ProcessIndex> + use<> {
        (1..self.layout.processes.count as u16).map(ProcessIndex)
    }

    pub(crate) fn process(&self, row: ProcessIndex) -> Result<&ProcessRow> {
        self.at(self.layout.processes, row.0.into()).ok_or(Error::Corrupt("a process row is out of range"))
    }

    pub(crate) fn thread(&self, tag: Tag) -> Result<&ThreadRow> {
        self.at(self.layout.threads, tag.0.into()).ok_or(Error::Corrupt("a thread row is out of range"))
    }

    pub(crate) fn watch(&self, tag: Tag) -> Result<&WatchRow> {
        self.at(self.layout.watches, tag.0.into()).ok_or(Error::Corrupt("a thread row is out of range"))
    }

    /// One bit for each thread row: its thread is in a wait with observers.
    pub(crate) fn watching(&self) -> &[MapWord] {
        self.all(self.layout.watching)
    }

    /// The word of `watching` with the bit of this thread row, and the bit.
    pub(crate) fn watching_bit(&self, tag: Tag) -> Result<(&AtomicU64, u64)> {
        let (word, bit) = (usize::from(tag.0) / WORD_BITS, usize::from(tag.0) % WORD_BITS);
        let word = self.watching().get(word).ok_or(Error::Corrupt("a thread row is out of range"))?;
        Ok((&word.0, 1 << bit))
    }

    #[inline(always)]
    pub(crate) fn entry(&self, process: ProcessIndex, index: EntryIndex) -> Option<&AtomicU64> {
        // Without this check, a large index would lead into the next process's table, which `at` accepts.
        if index.0 as usize >= self.layout.entries_per_process {
            return None;
        }
        let index = usize::from(process.0) * self.layout.entries_per_process + index.0 as usize;
        self.at::<EntryCell>(self.layout.entries, index).map(|cell| &cell.0)
    }

    #[inline]
    pub(crate) fn descriptor(&self, block: BlockId) -> Result<&Descriptor> {
        let section = self.layout.descriptors.get(block.class().index()).copied();
        section
            .and_then(|section| self.at(section, block.index().as_usize()))
            .ok_or(Error::Corrupt("a block is out of range"))
    }

    /// The word of a page of objects: see `memory/slot_pages`.
    pub(crate) fn slot_page(&self, page: usize) -> Result<&AtomicU64> {
        let word = self.at(self.layout.slot_pages, page).map(|word| &word.0);
        word.ok_or(Error::Corrupt("an object's slot is out of range"))
    }

    /// The lines of a block.
    #[inline]
    pub(crate) fn lines(&self, block: BlockId) -> Result<&[Line]> {
        let (class, index) = (block.class(), block.index().as_usize());
        let section = self
            .layout
            .pools
            .get(class.index())
            .copied()
            .ok_or(Error::Corrupt("a block's class is out of range"))?;
        // The product below fits: an index has 22 bits, and a block has at most 2³⁰ lines. So it wraps only to save the
        // check.
        let lines = class.lines();
        let first =
            self.at(section, index.wrapping_mul(lines)).ok_or(Error::Corrupt("a block is out of range"))?;
        // SAFETY: a pool holds whole blocks, so if the block's first line is inside the pool, all its lines are;
        // `Line: Shared` as in `at`.
        Ok(unsafe { core::slice::from_raw_parts(first, lines) })
    }

    /// The word that says which blocks of a leaf of the map were freed lately: see `memory/decommit`.
    pub(crate) fn freed_lately(&self, class: SizeClass, leaf: usize) -> Result<&AtomicU64> {
        let section = self.layout.freed_lately.get(class.index()).copied();
        let word = section.and_then(|section| self.at(section, leaf)).map(|word| &word.0);
        word.ok_or(Error::Corrupt("a block's leaf is out of range"))
    }

    /// Gives back the memory of `count` blocks, in whole pages. Returns how many bytes that is. The caller owns the
    /// blocks.
    pub(crate) fn decommit_blocks(&self, first: BlockId, count: usize) -> Result<usize> {
        let lines = self.lines(first)?;
        // `lines` has checked the class.
        let section = self.layout.pools[first.class().index()];
        let (from, len) = (first.index().as_usize() * lines.len(), count * lines.len());
        if from + len > section.count {
            return Err(Error::Corrupt("a block is out of range"));
        }
        // SAFETY: `first` is the line `from` of its pool, and the pool holds `len` lines from there on, as was just
        // checked; `Line: Shared` as in `at`.
        Ok(self.decommit(unsafe { core::slice::from_raw_parts(lines.as_ptr(), len) }))
    }

    /// Gives back the whole pages of these blocks' descriptors.
    pub(crate) fn decommit_descriptors(&self, blocks: &BlockRun) {
        let Some(section) = self.layout.descriptors.get(blocks.class.index()) else { return };
        // Only whole pages are given back. A page at either end stays if it has descriptors of other blocks too.
        let (first, end) = (blocks.indices.start as usize, (blocks.indices.end as usize).min(section.count));
        let bytes = size_of::<Descriptor>();
        self.region.decommit(section.offset_bytes + first * bytes, end.saturating_sub(first) * bytes);
    }

    /// Gives back the memory of a page of objects, and of the bodies, names and cookies of the same slots. Returns how many
    /// bytes that is. `None` if the kernel refuses to free the page of objects: then the objects are unchanged. The
    /// caller owns all the slots until the page of objects reads as zero; that page goes last.
    pub(crate) fn forget_slots(&self, page: u32) -> Option<usize> {
        let first = page as usize * WORD_BITS;
        let layout = &self.layout;
        // A last page that the slots do not fill is kept.
        if first + WORD_BITS > layout.objects.count {
            return None;
        }
        // The models have no pages: they store zeros. ORDER: Release: the kernel would clear the page after all stores
        // that came before.
        #[cfg(loom)]
        for object in &self.all(layout.objects)[first..first + WORD_BITS] {
            object.state.iter().for_each(|state| state.store(0, Release));
            object.lifecycle.store(0, Release);
        }
        // The objects go last: while a lifecycle word is not zero, the slot is still owned by the caller, so no other
        // thread uses its body, its name or its cookies.
        let bodies = self.decommit_some(layout.bodies, first, WORD_BITS);
        let names = self.decommit_some(layout.names, first, WORD_BITS);
        let cookies = self.decommit_some(layout.cookies, first, WORD_BITS);
        let objects = self.decommit_some(layout.objects, first, WORD_BITS);
        let all = bodies + names + cookies + objects;
        (cfg!(loom) || objects == WORD_BITS * size_of::<Object>()).then_some(all)
    }

    /// Gives back the whole pages among `count` values of a section.
    fn decommit_some<T: Shared>(&self, section: Section<T>, first: usize, count: usize) -> usize {
        self.region.decommit(section.offset_bytes + first * size_of::<T>(), count * size_of::<T>())
    }

    /// Gives back the pages of these entries of a handle table. `false` if the kernel refuses: then the entries are
    /// unchanged.
    pub(crate) fn decommit_entries(&self, process: ProcessIndex, entries: Range<u32>) -> bool {
        let in_a_page = PAGE_BYTES / size_of::<EntryCell>();
        // The rest of the last page is of the same table: a table fills whole pages.
        let (first, end) = (entries.start as usize, (entries.end as usize).next_multiple_of(in_a_page));
        let per_process = self.layout.entries_per_process;
        if usize::from(process.0) >= self.layout.processes.count || first >= end || end > per_process {
            return false;
        }
        let before = usize::from(process.0) * per_process + first;
        let offset_bytes = self.layout.entries.offset_bytes + before * size_of::<EntryCell>();
        let len_bytes = (end - first) * size_of::<EntryCell>();
        self.region.decommit(offset_bytes, len_bytes) == len_bytes
    }

    /// Gives back the whole pages of these lines to the system, and returns how many bytes they are: see
    /// [`Region::decommit`]. `lines` belongs to this arena, and no thread needs its content.
    pub(crate) fn decommit(&self, lines: &[Line]) -> usize {
        let offset_bytes = lines.as_ptr().addr().wrapping_sub(self.base.as_ptr().addr());
        self.region.decommit(offset_bytes, size_of_val(lines))
    }

    /// The first of these bytes of a block's lines that may be other than 0: where they begin and end.
    pub(crate) fn data_in(&self, lines: &[Line], bytes: Range<usize>) -> Option<(usize, usize)> {
        let base = self.offset_of(lines);
        let (first, past) = self.region.data(base + bytes.start, base + bytes.end)?;
        Some((first - base, past - base))
    }

    /// Where these lines, which belong to this arena, begin in its file.
    pub(crate) fn offset_of(&self, lines: &[Line]) -> usize {
        lines.as_ptr().addr().wrapping_sub(self.base.as_ptr().addr())
    }

    /// Makes the system provide memory for these lines, whose content stays. `false`: it has none left.
    pub(crate) fn commit(&self, lines: &[Line]) -> bool {
        let offset_bytes = lines.as_ptr().addr().wrapping_sub(self.base.as_ptr().addr());
        self.region.commit(offset_bytes, size_of_val(lines))
    }

    /// The word of a record, in a handle table or in a message.
    #[inline]
    pub(crate) fn record(&self, location: HandleLocation) -> Result<&AtomicU64> {
        match location {
            HandleLocation::Entry { process, index } => {
                self.entry(process, index).ok_or(Error::Corrupt("a handle entry is out of range"))
            }
            HandleLocation::Transit { block, word } => {
                let lines = self.lines(block)?;
                // `word` is from a header or an intent, so the block may be too short for it.
                let (line, word) = (word as usize / LINE_WORDS, word as usize % LINE_WORDS);
                let word = lines.get(line).map(|line| &line.0[word]);
                word.ok_or(Error::Corrupt("a handle in transit is out of range"))
            }
        }
    }

    /// Makes every further call fail. Called when a consistency check fails: to go on could only spread the damage.
    pub(crate) fn poison(&self) {
        // Relaxed: the flag publishes no other store, and calls in progress go on anyway.
        self.header().poisoned.store(1, Relaxed);
    }

    /// Whether a consistency check has failed.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        // Relaxed: as in `poison`.
        self.header().poisoned.load(Relaxed) != 0
    }

    /// Takes `count` koids that no other caller gets.
    pub(crate) fn take_koids(&self, count: u64) -> u64 {
        // Relaxed: only uniqueness matters, and a read-modify-write gives that.
        self.header().next_koid.fetch_add(count, Relaxed)
    }
}

#[cfg(loom)]
mod model {
    //! loom's atomics must be constructed in place.
    use super::*;

    impl Arena {
        pub(super) fn construct_in_place(&self) {
            let layout = &self.layout;
            self.construct(layout.header);
            self.construct(layout.processes);
            self.construct(layout.threads);
            self.construct(layout.watches);
            self.construct(layout.watching);
            self.construct(layout.objects);
            self.construct(layout.bodies);
            self.construct(layout.names);
            self.construct(layout.cookies);
            self.construct(layout.entries);
            self.construct(layout.object_map.section);
            self.construct(layout.slot_pages);
            layout.block_maps.iter().for_each(|map| self.construct(map.section));
            layout.freed_lately.iter().for_each(|section| self.construct(*section));
            layout.descriptors.iter().for_each(|section| self.construct(*section));
            layout.pools.iter().for_each(|section| self.construct(*section));
        }

        fn construct<T: Shared>(&self, section: Section<T>) {
            for index in 0..section.count {
                // SAFETY: inside the region by the layout; no other thread has the arena yet.
                unsafe { self.base.add(section.offset_bytes).cast::<T>().add(index).write(T::default()) };
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::block::BlockIndex;

    #[test]
    fn pages_of_a_block_are_decommitted() {
        let arena = Arena::create(&Config::default()).unwrap();
        let lines = arena.lines(BlockId::new(SizeClass::new(6), BlockIndex(1))).unwrap();
        lines.iter().for_each(|line| line.0[0].store(7, Relaxed));
        assert_eq!(arena.decommit(&lines[..64]), 4096);
        assert_eq!(lines[0].0[0].load(Relaxed), 0);
        assert_eq!(lines[64].0[0].load(Relaxed), 7);
    }

    #[test]
    fn a_heap_arena_decommits_nothing() {
        let arena = Arena::heap(&Config { pool_bytes: 1 << 20, max_loan_bytes: 1 << 20, ..small() }).unwrap();
        let lines = arena.lines(BlockId::new(SizeClass::new(6), BlockIndex(1))).unwrap();
        lines[0].0[0].store(7, Relaxed);
        assert_eq!(arena.decommit(lines), 0);
        assert_eq!(lines[0].0[0].load(Relaxed), 7);
    }

    fn small() -> Config {
        Config {
            max_objects: 16,
            max_handles_per_process: 511,
            max_processes: 2,
            max_threads: 4,
            ..Config::default()
        }
    }
}
