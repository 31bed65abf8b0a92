//! Memory for an arena: a mapping that processes share, or the heap for models and unit tests.
//!
//! Both give a base address that stays valid and never moves while the region lives. What lies there is
//! typed by [`Section`](crate::arena::layout::Section)s, whose element types are [`Shared`].

use core::ptr::NonNull;

mod heap;
#[cfg(not(loom))]
pub(crate) mod held;

#[cfg(not(loom))]
mod limited;

#[cfg(not(loom))]
mod mmap;

pub(crate) use heap::Heap;

#[cfg(not(loom))]
pub use limited::Limited;

#[cfg(not(loom))]
pub(crate) use mmap::{Mapped, create_memfd};

/// What an arena may hold: types made of atomic words alone.
///
/// # Safety
/// Every bit pattern is a valid value, all-zero bytes are `Self::default()` (outside the models), every
/// access through `&Self` is atomic, and dropping does nothing.
pub(crate) unsafe trait Shared: Default + Sync {}

/// A stretch of memory that stays where it is.
///
/// # Safety
/// `base` is 64-byte aligned and valid for reads and writes of `len_bytes` until the region is dropped.
pub(crate) unsafe trait Region: Send + Sync {
    fn base(&self) -> NonNull<u8>;
    fn len_bytes(&self) -> usize;

    /// Gives the whole pages among these bytes back to the system, and says how many bytes they are. They read as zero
    /// in every process from then on, and cost memory again once they are next touched, be it by a load. So the caller must have made
    /// sure that their content is nobody's: blocks that are free, say.
    ///
    /// Nothing is given back, and nothing changes, where the region has no memory to give (the heap: the models and
    /// unit tests see their bytes unchanged) or the process has locked it (`mlockall(2)`).
    fn give_back(&self, _offset_bytes: usize, _len_bytes: usize) -> usize {
        0
    }

    /// The file behind the memory, where there is one, and the program has not closed it.
    #[cfg(not(loom))]
    fn file(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        None
    }

    /// Which file is behind the memory, also when it is closed.
    #[cfg(not(loom))]
    fn file_id(&self) -> Option<crate::arena::region::held::FileId> {
        None
    }
}
