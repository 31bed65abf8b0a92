//! Information about a VM object.

use crate::handle::Name;
use crate::raw;
use crate::types::koid::Koid;
use crate::types::rights::Rights;

bitflags::bitflags! {
    /// What is true of a VM object, in [`VmoInfo`] (`ZX_INFO_VMO_…`). The names and numbers are those of `zx`.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(VmoInfoFlags::VIA_HANDLE.bits(), 8);
    /// ```
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(transparent)]
    pub struct VmoInfoFlags: u32 {
        /// It is made of memory, page by page: every VM object is.
        const PAGED = 1 << 0;
        /// Its size can be set. In C a bit of `create_options` says so, as in late 2018.
        const RESIZABLE = 1 << 1;
        /// It is a clone of another VM object. It shares no pages with that one: the bytes were copied when it was made.
        const IS_COW_CLONE = 1 << 2;
        /// It was found by a handle: [`VmoInfo::handle_rights`] has the rights of that handle.
        const VIA_HANDLE = 1 << 3;
        /// It was found by a mapping. A mapping keeps its object by a handle that is not the program's.
        const VIA_MAPPING = 1 << 4;
    }
}

/// Information about a VM object (`zx_info_vmo_t`): the result of [`Vmo::info`](crate::Vmo::info), and
/// an element of that of [`Process::info_vmos_vec`](crate::Process::info_vmos_vec). Other threads may change the
/// object while the fields are read, so the fields need not be of one moment.
///
/// ```
/// use jacinth::*;
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = Vmo::create_named(1 << 30, &Name::new("frames")?)?;
/// vmo.write(b"jacinth", 5 << 20)?;
/// let info = vmo.info()?;
/// assert_eq!((info.koid, info.name, info.size_bytes), (vmo.koid()?, Name::new("frames")?, 1 << 30));
/// assert_eq!(info.flags, VmoInfoFlags::PAGED | VmoInfoFlags::RESIZABLE | VmoInfoFlags::VIA_HANDLE);
/// assert_eq!(info.committed_bytes, 4096); // The rest has no memory.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VmoInfo {
    /// The object's koid.
    pub koid: Koid,
    /// Its name, or an empty one.
    pub name: Name,
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// The koid of the object that it is a clone of: [`Koid::INVALID`] when that parent has ended, and for an object that is no
    /// clone.
    pub parent_koid: Koid,
    /// How many clones of it live.
    pub num_children: usize,
    /// How many ranges of this process's address space it is mapped to. Mappings of other processes are not known, and do not
    /// count.
    pub num_mappings: usize,
    /// 1 if it is mapped in this process, or else 0.
    pub share_count: usize,
    /// What is true of it.
    pub flags: VmoInfoFlags,
    /// How many of its bytes have memory, in whole pages. Pages that were swapped out count. In a process that has closed the
    /// arena's descriptor, all bytes that have address space count.
    pub committed_bytes: u64,
    /// The rights of the handle; none with [`VmoInfoFlags::VIA_MAPPING`].
    pub handle_rights: Rights,
}

impl From<raw::VmoInfo> for VmoInfo {
    fn from(known: raw::VmoInfo) -> Self {
        let via = if known.rights.is_some() { VmoInfoFlags::VIA_HANDLE } else { VmoInfoFlags::VIA_MAPPING };
        let mut flags = VmoInfoFlags::PAGED | via;
        flags.set(VmoInfoFlags::RESIZABLE, known.is_resizable);
        flags.set(VmoInfoFlags::IS_COW_CLONE, known.parent_koid.is_some());
        Self {
            koid: Koid::from_raw(known.koid),
            name: Name::from_padded(known.name),
            size_bytes: known.size_bytes,
            parent_koid: known.parent_koid.map_or(Koid::INVALID, Koid::from_raw),
            num_children: known.children,
            num_mappings: known.mappings,
            share_count: known.mappings.min(1),
            flags,
            committed_bytes: known.committed_bytes,
            handle_rights: known.rights.map_or(Rights::NONE, Rights::from),
        }
    }
}
