//! Information about the address space of a process.

use crate::handle::Name;
use crate::raw;
use crate::types::koid::Koid;
use crate::types::vmo::VmarFlags;

/// A node of the tree of an address space (`zx_info_maps_t`): an element of the result of
/// [`Process::info_maps_vec`](crate::Process::info_maps_vec).
///
/// ```
/// use jacinth::*;
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let own: Unowned<'_, Process> = process_self()?.cast();
/// let maps = own.info_maps_vec()?;
/// assert_eq!((maps[0].depth, *maps[0].details()), (0, MapDetails::AddressSpace));
/// assert_eq!((maps[1].depth, *maps[1].details()), (1, MapDetails::Vmar));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MapInfo {
    /// The name of the VM object that is mapped. Empty if it has none, and for nodes that are no mappings.
    pub name: Name,
    /// The first address.
    pub base: usize,
    /// The size, in bytes.
    pub size: usize,
    /// 0 for the address space, 1 for its region, 2 for a mapping.
    pub depth: usize,
    details: MapDetails,
}

/// What a node of an address space is.
///
/// ```
/// # use jacinth::*;
/// assert_eq!(MapDetails::Vmar.as_mapping(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapDetails {
    /// The whole address space.
    AddressSpace,
    /// A region: the one that [`vmar_root_self`](crate::vmar_root_self) names.
    Vmar,
    /// A range that a VM object is mapped to.
    Mapping(MappingDetails),
}

/// A range of an address space that a VM object is mapped to (`zx_info_maps_mapping_t`).
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let vmo = Vmo::create(8192)?;
/// let vmar: Unowned<'_, Vmar> = vmar_root_self()?.cast();
/// let address = vmar.map(0, &vmo, 4096, 4096, VmarFlags::PERM_READ)?;
/// let own: Unowned<'_, Process> = process_self()?.cast();
/// let maps = own.info_maps_vec()?;
/// let details = maps[2].details().as_mapping().unwrap();
/// assert_eq!((maps[2].base, maps[2].size, details.vmo_offset), (address, 4096, 4096));
/// assert_eq!((details.vmo_koid, details.mmu_flags), (vmo.koid()?, VmarFlags::PERM_READ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MappingDetails {
    /// The access to it: the PERM flags.
    pub mmu_flags: VmarFlags,
    /// The koid of the VM object.
    pub vmo_koid: Koid,
    /// Which byte of the object is at the first address.
    pub vmo_offset: u64,
    /// How many bytes of the range have memory, as in [`VmoInfo::committed_bytes`](crate::VmoInfo::committed_bytes).
    pub committed_bytes: usize,
}

impl MapInfo {
    /// What the node is.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let own: Unowned<'_, Process> = process_self()?.cast();
    /// assert!(own.info_maps_vec()?.iter().all(|node| node.details().as_mapping().is_none()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn details(&self) -> &MapDetails {
        &self.details
    }

    /// The tree with these mappings: the address space, its region, and the mappings.
    pub(crate) fn tree(mappings: Vec<raw::MappedRange>) -> Vec<Self> {
        // A region of all addresses: an offset in it is an address.
        let all = |depth, details| Self { name: Name::default(), base: 0, size: ALL_BYTES, depth, details };
        let nodes = [all(0, MapDetails::AddressSpace), all(1, MapDetails::Vmar)];
        nodes.into_iter().chain(mappings.into_iter().map(Self::of_mapping)).collect()
    }

    fn of_mapping(known: raw::MappedRange) -> Self {
        let details = MapDetails::Mapping(MappingDetails {
            mmu_flags: VmarFlags::from_bits_retain(known.access.bits()),
            vmo_koid: Koid::from_raw(known.vmo_koid),
            vmo_offset: known.vmo_offset,
            committed_bytes: known.committed_bytes as usize,
        });
        Self { name: Name::from_padded(known.vmo_name), base: known.base, size: known.len, depth: 2, details }
    }
}

/// All whole pages that have an address.
const ALL_BYTES: usize = usize::MAX - 4095;

impl MapDetails {
    /// The mapping, if it is one.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(MapDetails::AddressSpace.as_mapping(), None);
    /// ```
    #[must_use]
    pub fn as_mapping(&self) -> Option<&MappingDetails> {
        if let Self::Mapping(details) = self { Some(details) } else { None }
    }
}
