//! VM objects: memory that programs share by sending a handle.

mod info;
mod map_info;

pub use info::{VmoInfo, VmoInfoFlags};
pub use map_info::{MapDetails, MapInfo, MappingDetails};

use crate::handle::{Name, NullableHandle};
use crate::raw;
use crate::types::rights::Rights;
use crate::types::status::Status;
use crate::types::vmo::{VmoChildOptions, VmoOp, VmoOptions};
use zerocopy::{FromBytes, IntoBytes};

/// A VM object (VMO): bytes in pages, which every process that has a handle reads and writes. Follows
/// `docs/objects/vm_object.md`.
///
/// Sending a handle shares the bytes, however many they are: nothing is copied. The bytes live as long as there is a handle,
/// also one in a message, whichever process dies. They begin as zeros and take memory where they are written, so an object
/// may be far larger than the memory of the machine. A copy that is read or written is not atomic: if another thread writes
/// the same bytes at that time, or its process is killed, the two may mix.
///
/// ```
/// use jacinth::*;
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// let vmo = Vmo::create(16 << 20)?;
/// vmo.write(b"a large message", 1 << 20)?;
/// ours.write(b"", &mut [vmo.into()])?;
///
/// let mut message = MessageBuf::new();
/// theirs.read(&mut message)?;
/// let vmo: Vmo = message.take_handle(0).unwrap().into();
/// let mut bytes = [0; 15];
/// vmo.read(&mut bytes, 1 << 20)?;
/// assert_eq!(&bytes, b"a large message");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping the last handle to a VM object frees its memory"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Vmo(pub(super) NullableHandle);

impl Vmo {
    /// Makes a VM object of `size` bytes, rounded up to whole pages of 4,096 bytes, which can be resized. It has
    /// [`Rights::VMO_DEFAULT`].
    ///
    /// Follows `docs/syscalls/vmo_create.md`. As in `zx` it gives an error, and does not panic, when there is no room.
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] when no VM object can be so large. [`Status::NO_MEMORY`] when none of this arena can
    /// ([`Config::vmo_pool_bytes`](crate::Config::vmo_pool_bytes)). [`Status::NO_RESOURCES`] when the arena has no room for
    /// another object, or this process's share of objects or handles is used up. [`Status::BAD_STATE`] in a process that is
    /// attached to no arena.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(5000)?;
    /// assert_eq!(vmo.get_size()?, 8192);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(size: u64) -> Result<Self, Status> {
        Self::create_with_opts(VmoOptions::empty(), size)
    }

    /// Makes a VM object with options.
    ///
    /// # Errors
    /// As [`create`](Self::create), and [`Status::INVALID_ARGS`] for options that do not exist.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create_with_opts(VmoOptions::NON_RESIZABLE, 4096)?;
    /// assert_eq!(vmo.set_size(8192), Err(Status::UNAVAILABLE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_with_opts(opts: VmoOptions, size: u64) -> Result<Self, Status> {
        raw::vmo_create(size, opts.bits(), Rights::VMO_DEFAULT).map(Self::from_value)
    }

    /// Makes a VM object with this name.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create_named(4096, &Name::new("frames")?)?;
    /// assert_eq!(vmo.get_name()?, "frames");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(size: u64, name: &Name) -> Result<Self, Status> {
        let vmo = Self::create(size)?;
        vmo.set_name(name)?;
        Ok(vmo)
    }

    /// Fills `data` with the bytes from `offset` on. Bytes that were never written are 0.
    ///
    /// Follows `docs/syscalls/vmo_read.md`. Needs [`Rights::READ`].
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] when the object has fewer bytes; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`],
    /// [`Status::ACCESS_DENIED`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(4096)?;
    /// vmo.write(&[1, 2, 3], 4093)?;
    /// let mut bytes = [9; 4];
    /// vmo.read(&mut bytes, 4092)?;
    /// assert_eq!(bytes, [0, 1, 2, 3]);
    /// assert_eq!(vmo.read(&mut bytes, 4093), Err(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn read(&self, data: &mut [u8], offset: u64) -> Result<(), Status> {
        raw::vmo_read(self.raw_handle(), data, offset)
    }

    /// Reads `length` values, the first of which begins at byte `offset`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(4096)?;
    /// vmo.write(&[1, 0, 2, 0], 8)?;
    /// assert_eq!(vmo.read_to_vec::<u16>(8, 3)?, [1, 2, 0]);
    /// assert_eq!(vmo.read_to_vec::<u16>(8, u64::MAX), Err(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_to_vec<T: Copy + FromBytes + IntoBytes>(
        &self,
        offset: u64,
        length: u64,
    ) -> Result<Vec<T>, Status> {
        // Before memory is taken for them: the length may be any number.
        let bytes = length.checked_mul(size_of::<T>() as u64).and_then(|bytes| bytes.checked_add(offset));
        if bytes.is_none_or(|end| self.get_size().is_ok_and(|size| end > size)) {
            return Err(crate::detail::because(Status::OUT_OF_RANGE, "the VM object has fewer bytes"));
        }
        let length = usize::try_from(length).map_err(|_| Status::OUT_OF_RANGE)?;
        let mut values = vec![T::new_zeroed(); length];
        self.read(values.as_mut_bytes(), offset)?;
        Ok(values)
    }

    /// Reads a value that begins at byte `offset`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(4096)?;
    /// vmo.write(&7_u32.to_ne_bytes(), 64)?;
    /// assert_eq!(vmo.read_to_object::<u32>(64)?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_to_object<T: FromBytes + IntoBytes>(&self, offset: u64) -> Result<T, Status> {
        let mut value = T::new_zeroed();
        self.read(value.as_mut_bytes(), offset)?;
        Ok(value)
    }

    /// Writes `data` from `offset` on.
    ///
    /// Follows `docs/syscalls/vmo_write.md`. Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] when the object has fewer bytes: none is written then. [`Status::NO_MEMORY`] when the
    /// arena's address space for VM objects is used up, and [`Status::NO_RESOURCES`] when this process's share of it is
    /// ([`Config::vmo_pool_bytes`](crate::Config::vmo_pool_bytes)); then the first bytes may be written.
    /// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(4096)?;
    /// vmo.write(b"jacinth", 100)?;
    /// let reader = vmo.duplicate(Rights::READ)?;
    /// assert_eq!(reader.write(b"zircon!", 100), Err(Status::ACCESS_DENIED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn write(&self, data: &[u8], offset: u64) -> Result<(), Status> {
        raw::vmo_write(self.raw_handle(), data, offset)
    }

    /// The size in bytes: whole pages.
    ///
    /// Follows `docs/syscalls/vmo_get_size.md`. Needs no right.
    ///
    /// # Errors
    /// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(Vmo::create(1)?.get_size()?, 4096);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn get_size(&self) -> Result<u64, Status> {
        raw::vmo_get_size(self.raw_handle())
    }

    /// Information about the object: its koid, name and size, its clones, its mappings here, and how much memory it takes. A
    /// debugging aid.
    ///
    /// Follows `ZX_INFO_VMO` in `docs/syscalls/object_get_info.md`. Needs no right. It asks the system once for each run of
    /// pages that have memory.
    ///
    /// # Errors
    /// [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(8192)?;
    /// let child = vmo.create_child(VmoChildOptions::COPY_ON_WRITE, 0, 4096)?;
    /// assert_eq!(vmo.info()?.num_children, 1);
    /// assert_eq!(child.info()?.parent_koid, vmo.koid()?);
    /// assert!(child.info()?.flags.contains(VmoInfoFlags::IS_COW_CLONE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn info(&self) -> Result<VmoInfo, Status> {
        raw::vmo_info(self.raw_handle()).map(VmoInfo::from)
    }

    /// Sets the size, rounded up to whole pages. New bytes are 0. The memory of bytes that are cut goes back to the system.
    ///
    /// Follows `docs/syscalls/vmo_set_size.md`. Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::UNAVAILABLE`] for an object that was made with [`VmoOptions::NON_RESIZABLE`]; [`Status::OUT_OF_RANGE`] when
    /// no VM object of this arena can be so large; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`],
    /// [`Status::ACCESS_DENIED`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(4096)?;
    /// vmo.set_size(10_000)?;
    /// assert_eq!(vmo.get_size()?, 12_288);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_size(&self, size: u64) -> Result<(), Status> {
        raw::vmo_set_size(self.raw_handle(), size)
    }

    /// An operation on the pages that `size` bytes from `offset` on touch.
    ///
    /// Follows `docs/syscalls/vmo_op_range.md`. [`VmoOp`] says which right each needs.
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] when the range begins behind the end, or a cache operation's range ends behind it;
    /// [`Status::INVALID_ARGS`] for an operation that does not exist, and for a cache operation on no bytes;
    /// [`Status::NOT_SUPPORTED`] for [`VmoOp::LOCK`] and [`VmoOp::UNLOCK`]; [`Status::NO_MEMORY`] when
    /// [`VmoOp::COMMIT`] finds none; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`], [`Status::ACCESS_DENIED`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(1 << 20)?;
    /// vmo.write(b"jacinth", 0)?;
    /// vmo.op_range(VmoOp::DECOMMIT, 0, 4096)?;
    /// assert_eq!(vmo.read_to_object::<[u8; 7]>(0)?, [0; 7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn op_range(&self, op: VmoOp, offset: u64, size: u64) -> Result<(), Status> {
        raw::vmo_op_range(self.raw_handle(), op.into_raw(), offset, size)
    }

    /// Clones the object: makes one of `size` bytes with those of this one from `offset` on. Its handle has the rights of this one,
    /// and [`Rights::WRITE`].
    ///
    /// Follows `docs/syscalls/vmo_clone.md`; `zx` has this name for it. Needs [`Rights::DUPLICATE`] and [`Rights::READ`]. The
    /// bytes are copied at once: later writes to either object do not show in the other. While a clone lives, this object
    /// lacks [`Signals::VMO_ZERO_CHILDREN`](crate::Signals::VMO_ZERO_CHILDREN).
    ///
    /// # Errors
    /// Those of [`raw::vmo_clone`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let vmo = Vmo::create(4096)?;
    /// vmo.write(b"jacinth", 0)?;
    /// let child = vmo.create_child(VmoChildOptions::COPY_ON_WRITE, 0, 4096)?;
    /// child.write(b"J", 0)?;
    /// assert_eq!(&child.read_to_object::<[u8; 7]>(0)?, b"Jacinth");
    /// assert_eq!(&vmo.read_to_object::<[u8; 7]>(0)?, b"jacinth");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_child(&self, opts: VmoChildOptions, offset: u64, size: u64) -> Result<Self, Status> {
        raw::vmo_clone(self.raw_handle(), opts.bits(), offset, size).map(Self::from_value)
    }
}
