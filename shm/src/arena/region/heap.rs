//! An arena on the heap: for unit tests, and for models, because loom's atomics are larger than the machine's.

use super::Region;
use core::alloc::Layout;
use core::ptr::NonNull;

/// Zeroed, page-aligned heap memory.
pub(crate) struct Heap {
    base: NonNull<u8>,
    layout: Layout,
    /// The words that lie here are promises of these.
    #[cfg(loom)]
    _words: Box<crate::sync::WordPool>,
}

impl Heap {
    /// # Panics
    /// When `len_bytes` is 0 or the allocator has no memory left.
    pub(crate) fn new(len_bytes: usize) -> Self {
        assert!(len_bytes > 0, "an arena has at least a header");
        let layout = Layout::from_size_align(len_bytes, 4096).expect("a length that fits an address space");
        // SAFETY: the layout's size is not zero.
        let base = unsafe { std::alloc::alloc_zeroed(layout) };
        let base = NonNull::new(base).unwrap_or_else(|| std::alloc::handle_alloc_error(layout));
        Self {
            base,
            layout,
            #[cfg(loom)]
            _words: crate::sync::WordPool::begin(),
        }
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this very layout; `Shared` types need no drop.
        unsafe { std::alloc::dealloc(self.base.as_ptr(), self.layout) }
    }
}

// SAFETY: plain memory, aligned to a page, owned by this value.
unsafe impl Region for Heap {
    fn base(&self) -> NonNull<u8> {
        self.base
    }

    fn len_bytes(&self) -> usize {
        self.layout.size()
    }
}

// SAFETY: the memory is reached only through `Shared` types, which are `Sync`.
unsafe impl Send for Heap {}

// SAFETY: as for `Send`.
unsafe impl Sync for Heap {}
