//! Memory for an arena: a mapping that processes share, or the heap for models and unit tests.
//!
//! Both give a base address that stays valid and does not move while the region lives. The types in it are those of the
//! [`Section`](crate::arena::layout::Section)s, whose elements are [`Shared`].

use core::ptr::NonNull;

mod heap;
#[cfg(not(loom))]
pub(crate) mod held;

#[cfg(not(loom))]
mod limited;

#[cfg(not(loom))]
mod mmap;
#[cfg(not(loom))]
pub(crate) mod window;

pub(crate) use heap::Heap;

#[cfg(not(loom))]
pub use limited::Limited;

#[cfg(not(loom))]
pub(crate) use mmap::{Mapped, create_memfd};

/// The element types of an arena: made of atomic words alone.
///
/// # Safety
/// Every bit pattern is a valid value, all-zero bytes are `Self::default()` (outside the models), every
/// access through `&Self` is atomic, and dropping runs no code.
pub(crate) unsafe trait Shared: Default + Sync {}

/// A stretch of memory at a fixed address.
///
/// # Safety
/// `base` is 64-byte aligned and valid for reads and writes of `len_bytes` until the region is dropped.
pub(crate) unsafe trait Region: Send + Sync {
    fn base(&self) -> NonNull<u8>;
    fn len_bytes(&self) -> usize;

    /// Gives back the whole pages among these bytes to the system, and returns how many bytes they are. From then on
    /// they read as zero in every process. They cost memory again when they are next touched, even by a load. So the
    /// caller must ensure that no thread needs their content, for example because they are free blocks.
    ///
    /// Returns 0 and changes no byte if the region has no pages to give (the heap: the models and unit tests see their
    /// bytes unchanged), or if the process has locked its memory (`mlockall(2)`).
    fn decommit(&self, _offset_bytes: usize, _len_bytes: usize) -> usize {
        0
    }

    /// The first bytes from `offset_bytes` up to `end_bytes` that may be other than 0: where they begin and end. `None`: none.
    fn data(&self, offset_bytes: usize, end_bytes: usize) -> Option<(usize, usize)> {
        (offset_bytes < end_bytes).then_some((offset_bytes, end_bytes))
    }

    /// Makes the system provide memory for all pages of these bytes, whose content stays. `false`: it has none left.
    fn commit(&self, _offset_bytes: usize, _len_bytes: usize) -> bool {
        true
    }

    /// The file of the memory. `None` if it has none, or the program has closed the file.
    #[cfg(not(loom))]
    fn file(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// The same file, open for reading alone. `None` also if the system does not let it be opened.
    #[cfg(not(loom))]
    fn file_for_reading(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// The identity of the memory's file, also after the program has closed the file.
    #[cfg(not(loom))]
    fn file_id(&self) -> Option<crate::arena::region::held::FileId> {
        None
    }
}
