//! Processes. So far they are names: see [`task`](super::task). What they tell is how many handles they have, and the own one which VM
//! objects it has.

use crate::handle::NullableHandle;
use crate::object::{MapInfo, VmoInfo};
use crate::raw;
use crate::types::object_type::ObjectType;
use crate::types::status::Status;

/// A process. Follows `docs/objects/process.md`, as far as processes are objects here: it has a koid, a name and user signals, and
/// can be sent. [`process_self`](crate::process_self) has the calling one.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let own: Unowned<'_, Process> = process_self()?.cast();
/// let again: Process = own.duplicate(Rights::SAME_RIGHTS)?;
/// assert_eq!(again.koid()?, process_self()?.koid()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it closes its handle"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Process(pub(super) NullableHandle);

impl Process {
    /// How many handles the process has, by type. A debugging aid: the threads of the process may open and close handles
    /// meanwhile, and handles in messages are no process's.
    ///
    /// It works for every process of the arena, and gives no handles for one that is dead. The process is the one that
    /// [`process_self`](crate::process_self) was called in.
    ///
    /// Follows `ZX_INFO_PROCESS_HANDLE_STATS` in `docs/syscalls/object_get_info.md`. Needs
    /// [`Rights::INSPECT`](crate::Rights::INSPECT).
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`] for an owner that was made of another
    /// object's value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let own: Unowned<'_, Process> = process_self()?.cast();
    /// let (_ours, theirs) = Channel::create();
    /// let stats = own.handle_stats()?;
    /// assert_eq!((stats.of(ObjectType::CHANNEL), stats.of(ObjectType::PROCESS)), (2, 1));
    /// assert_eq!(stats.total(), stats.iter().map(|(_, handles)| handles).sum());
    /// drop(theirs);
    /// assert_eq!(own.handle_stats()?.of(ObjectType::CHANNEL), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn handle_stats(&self) -> Result<ProcessHandleStats, Status> {
        let counts = raw::process_handle_counts(self.raw_handle())?;
        let by_type = (0..).map(ObjectType::from_raw).zip(counts).filter(|(_, handles)| *handles != 0);
        Ok(ProcessHandleStats { by_type: by_type.collect() })
    }

    /// The VM objects of the process: one element for each handle, with [`VmoInfoFlags::VIA_HANDLE`](crate::VmoInfoFlags), then
    /// one for each range that is mapped, with `VIA_MAPPING`. So one object may appear several times. A debugging aid: the threads
    /// of the process may open, close, map and unmap meanwhile.
    ///
    /// It works for the calling process alone, as today's Zircon permits; late 2018 permits it for others alone. Follows
    /// `ZX_INFO_PROCESS_VMOS` in `docs/syscalls/object_get_info.md`. Needs [`Rights::INSPECT`](crate::Rights::INSPECT).
    ///
    /// # Errors
    /// [`Status::NOT_SUPPORTED`] for another process; [`Status::ACCESS_DENIED`], [`Status::BAD_HANDLE`];
    /// [`Status::WRONG_TYPE`] for an owner that was made of another object's value.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let own: Unowned<'_, Process> = process_self()?.cast();
    /// let vmo = Vmo::create(1 << 20)?;
    /// vmo.write(b"jacinth", 0)?;
    /// let vmar: Unowned<'_, Vmar> = vmar_root_self()?.cast();
    /// vmar.map(0, &vmo, 0, 4096, VmarFlags::PERM_READ)?;
    /// drop(vmo); // The mapping keeps the object.
    /// let vmos = own.info_vmos_vec()?;
    /// assert_eq!((vmos.len(), vmos[0].committed_bytes), (1, 4096));
    /// assert!(vmos[0].flags.contains(VmoInfoFlags::VIA_MAPPING));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn info_vmos_vec(&self) -> Result<Vec<VmoInfo>, Status> {
        let vmos = raw::process_vmos(self.raw_handle())?;
        Ok(vmos.into_iter().map(VmoInfo::from).collect())
    }

    /// The tree of the process's address space, each node before its children: the address space, its one region, and the ranges
    /// that VM objects are mapped to, in the order of addresses. What the system maps by other means is not among them: the
    /// program, its heap and stacks. A debugging aid, as [`info_vmos_vec`](Self::info_vmos_vec).
    ///
    /// It works for the calling process alone. Follows `ZX_INFO_PROCESS_MAPS` in `docs/syscalls/object_get_info.md`. Needs
    /// [`Rights::INSPECT`](crate::Rights::INSPECT).
    ///
    /// # Errors
    /// Those of [`info_vmos_vec`](Self::info_vmos_vec).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let own: Unowned<'_, Process> = process_self()?.cast();
    /// let vmar: Unowned<'_, Vmar> = vmar_root_self()?.cast();
    /// let vmo = Vmo::create_named(8192, &Name::new("frames")?)?;
    /// let address = vmar.map(0, &vmo, 0, 8192, VmarFlags::PERM_READ)?;
    /// let maps = own.info_maps_vec()?;
    /// assert_eq!((maps.len(), maps[2].base, maps[2].name), (3, address, Name::new("frames")?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn info_maps_vec(&self) -> Result<Vec<MapInfo>, Status> {
        raw::process_maps(self.raw_handle()).map(MapInfo::tree)
    }
}

/// How many handles a process has, by type (`zx_info_process_handle_stats_t`): the result of
/// [`Process::handle_stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProcessHandleStats {
    /// The types with handles, in the order of their numbers.
    by_type: Vec<(ObjectType, u32)>,
}

impl ProcessHandleStats {
    /// The number of handles to objects of this type.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(ProcessHandleStats::default().of(ObjectType::EVENT), 0);
    /// ```
    #[must_use]
    pub fn of(&self, object_type: ObjectType) -> u32 {
        self.iter().find(|(listed, _)| *listed == object_type).map_or(0, |(_, handles)| handles)
    }

    /// Each type that the process has handles to, with their number, in the order of the types' numbers.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let _event = Event::create();
    /// let own: Unowned<'_, Process> = process_self()?.cast();
    /// for (object_type, handles) in own.handle_stats()?.iter() {
    ///     println!("{object_type}: {handles}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (ObjectType, u32)> + '_ {
        self.by_type.iter().copied()
    }

    /// The number of all handles.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert_eq!(ProcessHandleStats::default().total(), 0);
    /// ```
    #[must_use]
    pub fn total(&self) -> u32 {
        self.iter().map(|(_, handles)| handles).sum()
    }
}
