//! Options and operations of VM objects.

bitflags::bitflags! {
    /// Options of a new VM object, with the numbers of late 2018.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(VmoOptions::NON_RESIZABLE.bits(), 1);
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct VmoOptions: u32 {
        /// Its size cannot be set (`ZX_VMO_NON_RESIZABLE`).
        const NON_RESIZABLE = 1;
    }
}

bitflags::bitflags! {
    /// Options of a clone of a VM object, with the numbers of late 2018.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(VmoChildOptions::COPY_ON_WRITE.bits(), 1);
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct VmoChildOptions: u32 {
        /// The clone has the bytes of its parent, and its own from then on (`ZX_VMO_CLONE_COPY_ON_WRITE`). Each clone has it.
        const COPY_ON_WRITE = 1;
        /// The size of the clone cannot be set (`ZX_VMO_CLONE_NON_RESIZEABLE`).
        const NON_RESIZABLE = 2;
    }
}

/// An operation on a range of a VM object (`ZX_VMO_OP_…`).
///
/// ```
/// # use jacinth::*;
/// assert_eq!(VmoOp::DECOMMIT.into_raw(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct VmoOp(u32);

impl VmoOp {
    /// The system provides memory for the pages now, and not when they are first touched. Needs
    /// [`Rights::WRITE`](crate::Rights::WRITE). A range that ends behind the object is cut.
    pub const COMMIT: Self = Self(1);
    /// The memory of the pages goes back to the system, and they are 0. Needs [`Rights::WRITE`](crate::Rights::WRITE). A
    /// range that ends behind the object is cut.
    pub const DECOMMIT: Self = Self(2);
    /// Not supported, as in Zircon.
    pub const LOCK: Self = Self(3);
    /// Not supported, as in Zircon.
    pub const UNLOCK: Self = Self(4);
    /// The caches of this machine agree by themselves: only the range is checked. Needs
    /// [`Rights::READ`](crate::Rights::READ).
    pub const CACHE_SYNC: Self = Self(6);
    /// As [`CACHE_SYNC`](Self::CACHE_SYNC). Needs [`Rights::WRITE`](crate::Rights::WRITE).
    pub const CACHE_INVALIDATE: Self = Self(7);
    /// As [`CACHE_SYNC`](Self::CACHE_SYNC). Needs [`Rights::READ`](crate::Rights::READ).
    pub const CACHE_CLEAN: Self = Self(8);
    /// As [`CACHE_SYNC`](Self::CACHE_SYNC). Needs [`Rights::READ`](crate::Rights::READ).
    pub const CACHE_CLEAN_INVALIDATE: Self = Self(9);

    /// The operation with this number, if there is one or not.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(VmoOp::from_raw(1), VmoOp::COMMIT);
    /// ```
    #[must_use]
    pub const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// Its number.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(VmoOp::COMMIT.into_raw(), 1);
    /// ```
    #[must_use]
    pub const fn into_raw(self) -> u32 {
        self.0
    }
}

bitflags::bitflags! {
    /// How memory is mapped, with the numbers of late 2018.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!((VmarFlags::PERM_READ | VmarFlags::PERM_WRITE).bits(), 3);
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct VmarFlags: u32 {
        /// The memory can be read (`ZX_VM_PERM_READ`).
        const PERM_READ = 1;
        /// The memory can be written (`ZX_VM_PERM_WRITE`).
        const PERM_WRITE = 1 << 1;
        /// The memory can be executed (`ZX_VM_PERM_EXECUTE`).
        const PERM_EXECUTE = 1 << 2;
        /// At the address that is given, if nothing is there (`ZX_VM_SPECIFIC`).
        const SPECIFIC = 1 << 4;
        /// In the place of what is there (`ZX_VM_SPECIFIC_OVERWRITE`): not supported.
        const SPECIFIC_OVERWRITE = 1 << 5;
        /// Pages that have memory are read in now (`ZX_VM_MAP_RANGE`): a hint.
        const MAP_RANGE = 1 << 10;
        /// Only if the object's size cannot be set (`ZX_VM_REQUIRE_NON_RESIZABLE`).
        const REQUIRE_NON_RESIZABLE = 1 << 11;
    }
}
