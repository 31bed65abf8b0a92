//! Plain memory shared by two processes, for the bare limits: words on cache lines of their own, and slots of bytes.
//!
//! This file has nearly all the `unsafe` of the package (the rest is a call of iceoryx2's). All bounds are checked once, when
//! a [`Word`] or [`Slots`] is made; the bare limits run without checks.
//!
//! * INV-SHARED-1: the file never shrinks while mapped (both processes are this program, and neither truncates it
//!   after [`Memory::create`]), so every address inside the mapping stays readable and writable.
//! * INV-SHARED-2: each line is used either as a word or as part of slots, never as both: the layout constants of
//!   the user (`measure/limit/ring.rs`) say which.

#![allow(unsafe_code)]

use anyhow::{Context as _, Result, ensure};
use memmap2::MmapRaw;
use rustix::fs::MemfdFlags;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

/// The bytes of a cache line.
pub const LINE_BYTES: usize = 64;

/// A mapped memfd.
#[derive(Clone)]
pub struct Memory {
    map: Arc<MmapRaw>,
    file: Arc<OwnedFd>,
}

impl Memory {
    /// New memory of `len_bytes`, all zero, every page of it already touched.
    pub fn create(len_bytes: usize) -> Result<Self> {
        let file = rustix::fs::memfd_create("bench-limit", MemfdFlags::CLOEXEC).context("memfd_create")?;
        rustix::fs::ftruncate(&file, len_bytes as u64).context("ftruncate")?;
        Self::open(file)
    }

    /// Maps the memory that the other process made.
    pub fn open(file: OwnedFd) -> Result<Self> {
        let map = memmap2::MmapOptions::new().populate().map_raw(&file).context("mmap")?;
        Ok(Self { map: Arc::new(map), file: Arc::new(file) })
    }

    /// The file, to be passed to the other process.
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The atomic word `A` at the start of line `line`.
    pub fn word<A: Atomic>(&self, line: usize) -> Result<Word<A>> {
        let at = self.address(line * LINE_BYTES, LINE_BYTES)?;
        Ok(Word { at: at.cast(), _map: Arc::clone(&self.map), _is: PhantomData })
    }

    /// `count` slots of `BYTES` bytes each from line `line` on; `count` is a power of two.
    pub fn slots<const BYTES: usize>(&self, line: usize, count: usize) -> Result<Slots<BYTES>> {
        ensure!(count.is_power_of_two(), "{count} slots: not a power of two");
        let at = self.address(line * LINE_BYTES, count * BYTES)?;
        Ok(Slots { at, mask: count - 1, _map: Arc::clone(&self.map) })
    }

    fn address(&self, offset: usize, len_bytes: usize) -> Result<NonNull<u8>> {
        let end = offset.checked_add(len_bytes).context("overflow")?;
        ensure!(
            end <= self.map.len(),
            "{offset}+{len_bytes} is past the end of the memory ({})",
            self.map.len()
        );
        // `wrapping_add` is safe, and exact here: `offset` is inside the mapping.
        Ok(NonNull::new(self.map.as_mut_ptr().wrapping_add(offset)).expect("a mapping is never at address 0"))
    }
}

/// The atomics that a [`Word`] can be.
pub trait Atomic: sealed::Sealed {}
impl Atomic for std::sync::atomic::AtomicU32 {}
impl Atomic for std::sync::atomic::AtomicU64 {}

mod sealed {
    /// Valid for every bit pattern, at most [`super::LINE_BYTES`] big, aligned to at most that.
    pub trait Sealed {}
    impl Sealed for std::sync::atomic::AtomicU32 {}
    impl Sealed for std::sync::atomic::AtomicU64 {}
}

/// An atomic in shared memory, alone on its line.
pub struct Word<A> {
    at: NonNull<A>,
    _map: Arc<MmapRaw>,
    _is: PhantomData<A>,
}

impl<A: Atomic> Deref for Word<A> {
    type Target = A;

    #[inline(always)]
    fn deref(&self) -> &A {
        // SAFETY: `at` is the start of a whole line inside the mapping (checked in `Memory::word`; the mapping is
        // page-aligned, so the line is aligned for `A`), which `_map` keeps mapped (INV-SHARED-1). `A` is one of the
        // sealed atomics, valid for any bits; others only touch it as an atomic (INV-SHARED-2).
        unsafe { self.at.as_ref() }
    }
}

/// Slots of `BYTES` bytes in shared memory. The ring above decides which side may touch which slot.
pub struct Slots<const BYTES: usize> {
    at: NonNull<u8>,
    mask: usize,
    _map: Arc<MmapRaw>,
}

impl<const BYTES: usize> Slots<BYTES> {
    /// The number of slots.
    pub fn count(&self) -> usize {
        self.mask + 1
    }

    /// Copies `from` into the slot of `position`.
    #[inline(always)]
    pub fn write(&self, position: u64, from: &[u8; BYTES]) {
        // SAFETY: the masked index is below the count, so the slot is inside the range checked by `Memory::slots`,
        // kept mapped by `_map` (INV-SHARED-1). `from` is private memory of BYTES bytes and so does not overlap. The
        // ring's positions, published by Release and read by Acquire, keep the other side away meanwhile.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), self.slot(position), BYTES) }
    }

    /// Copies the slot of `position` out.
    #[inline(always)]
    pub fn read(&self, position: u64, into: &mut [u8; BYTES]) {
        // SAFETY: as in `write`, in the other direction; any bits are valid bytes.
        unsafe { std::ptr::copy_nonoverlapping(self.slot(position), into.as_mut_ptr(), BYTES) }
    }

    /// Looks at the slot of `position` where it lies.
    #[inline(always)]
    pub fn look<T>(&self, position: u64, look: impl FnOnce(&[u8; BYTES]) -> T) -> T {
        // SAFETY: the slot is inside the mapping, as in `write`, and any bits are valid bytes. The positions, published by Release
        // and read by Acquire, keep the other side from writing until the caller has given the slot back, which is after this.
        look(unsafe { &*self.slot(position).cast() })
    }

    #[inline(always)]
    fn slot(&self, position: u64) -> *mut u8 {
        let offset = (position as usize & self.mask) * BYTES;
        // SAFETY: `offset + BYTES` is at most the length that `Memory::slots` found inside one mapping.
        unsafe { self.at.as_ptr().add(offset) }
    }
}
