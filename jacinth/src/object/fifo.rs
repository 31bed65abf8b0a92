//! Fifos: two queues of elements of one size, for the small change of programs that share memory.

use crate::detail;
use crate::handle::{Name, NullableHandle};
use crate::raw;
use crate::types::rights::Rights;
use crate::types::status::Status;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The most bytes that each direction of a fifo may hold: 4,096.
pub const MAX_FIFO_BYTES: usize = raw::MAX_FIFO_BYTES;

/// One end of a fifo. It reads elements of type `R`, and writes elements of type `W`. Follows `docs/objects/fifo.md`.
///
/// All elements have one size, and arrive in their order. Several threads and processes may use one end: there may be
/// duplicates of its handle. An element goes to one of the readers, and is never written or read in part, also when a
/// process is killed meanwhile.
///
/// The element types are those of plain data, by [`zerocopy`]: any bytes are an element, and an element has no padding.
/// The two types must have one size. The two ends need not name the same types, as the arena knows only the size.
/// `Fifo`, without a type, is a fifo whose type is not known yet: [`cast`](Self::cast) gives it one.
///
/// ```
/// use jacinth::*;
/// use zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Buffer {
///     offset: u32,
///     length: u32,
/// }
///
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Fifo::<Buffer>::create(512)?;
/// ours.write(&[Buffer { offset: 0, length: 100 }, Buffer { offset: 4096, length: 70 }])?;
/// theirs.wait_one(Signals::FIFO_READABLE, MonotonicInstant::INFINITE).to_result()?;
/// let mut buffers = [Buffer { offset: 0, length: 0 }; 16];
/// assert_eq!(theirs.read(&mut buffers)?, 2);
/// assert_eq!(buffers[1], Buffer { offset: 4096, length: 70 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping an end of a fifo closes it, and its peer is told"]
#[repr(transparent)]
pub struct Fifo<R = UnspecifiedFifoElement, W = R>(
    pub(super) NullableHandle,
    pub(super) PhantomData<fn(R, W)>,
);

/// The element of a fifo whose type is not known: it cannot be read or written.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, _theirs) = Fifo::<u64>::create(16)?;
/// let unspecified: Fifo<UnspecifiedFifoElement> = ours.downcast();
/// let ours: Fifo<u64> = unspecified.cast();
/// ours.write_one(&7)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct UnspecifiedFifoElement;

impl<R: IntoBytes + FromBytes, W: IntoBytes + FromBytes> Fifo<R, W> {
    /// Makes a fifo, with room for `elem_count` elements in each direction. Each end has [`Rights::FIFO_DEFAULT`]. As in
    /// `zx` it gives an error, and does not panic, when there is no room.
    ///
    /// Follows `docs/syscalls/fifo_create.md`.
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] when `elem_count` is no power of two, when the elements have no size, and when they are more
    /// than [`MAX_FIFO_BYTES`] together; [`Status::INVALID_ARGS`] when `R` and `W` are not of one size.
    /// [`Status::NO_MEMORY`] when the arena's pools are exhausted; [`Status::NO_RESOURCES`] when it has no room for another
    /// object, or this process's share of objects, handles or memory is used up. [`Status::BAD_STATE`] in a process that is
    /// attached to no arena.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// // One end sends numbers, and gets pairs back.
    /// let (client, server) = Fifo::<[u16; 2], u32>::create(1024)?;
    /// client.write_one(&0x0002_0001)?;
    /// assert_eq!(server.read_one()?, 0x0002_0001_u32);
    /// assert_eq!(Fifo::<u32>::create(2048).err(), Some(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(elem_count: usize) -> Result<(Self, Fifo<W, R>), Status> {
        Self::create_with_rights(elem_count, Rights::FIFO_DEFAULT)
    }

    /// Makes a fifo with this name on both ends, and handles with [`Rights::PROPERTY`] beside the default rights; see
    /// [`Event::create_named`](crate::Event::create_named).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Fifo::<u64>::create_named(16, &Name::new("free buffers")?)?;
    /// assert_eq!(ours.get_name()?, "free buffers");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_named(elem_count: usize, name: &Name) -> Result<(Self, Fifo<W, R>), Status> {
        let pair = Self::create_with_rights(elem_count, Rights::FIFO_DEFAULT | Rights::PROPERTY)?;
        pair.0.set_name(name)?;
        pair.1.set_name(name)?;
        Ok(pair)
    }

    fn create_with_rights(elem_count: usize, rights: Rights) -> Result<(Self, Fifo<W, R>), Status> {
        if size_of::<R>() != size_of::<W>() {
            return Err(detail::because(Status::INVALID_ARGS, "the elements of a fifo have one size"));
        }
        let (first, second) = raw::fifo_create(elem_count, size_of::<R>(), rights)?;
        Ok((Self::from_value(first), Fifo::from_value(second)))
    }

    /// Reads elements: as many as there are and as fit into `elements`. Gives how many. While others read at the same end,
    /// the rest of `elements` may have changed too.
    ///
    /// Follows `docs/syscalls/fifo_read.md`. Needs [`Rights::READ`].
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when there is none; [`Status::PEER_CLOSED`] when there is none and the other end is closed;
    /// [`Status::OUT_OF_RANGE`] when `elements` is empty, or the fifo's elements are not of the size of `R`;
    /// [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Fifo::<u32>::create(16)?;
    /// ours.write(&[1, 2, 3])?;
    /// let mut elements = [0; 2];
    /// assert_eq!((theirs.read(&mut elements)?, elements), (2, [1, 2]));
    /// drop(ours);
    /// assert_eq!((theirs.read(&mut elements)?, elements), (1, [3, 2])); // What was written can still be read.
    /// assert_eq!(theirs.read(&mut elements), Err(Status::PEER_CLOSED));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn read(&self, elements: &mut [R]) -> Result<usize, Status> {
        raw::fifo_read(self.raw_handle(), size_of::<R>(), elements.as_mut_bytes())
    }

    /// Reads one element.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Fifo::<u32>::create(16)?;
    /// assert_eq!(theirs.read_one(), Err(Status::SHOULD_WAIT));
    /// ours.write_one(&7)?;
    /// assert_eq!(theirs.read_one(), Ok(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn read_one(&self) -> Result<R, Status> {
        let mut element = R::new_zeroed();
        self.read(std::slice::from_mut(&mut element))?;
        Ok(element)
    }

    /// Writes elements: as many as there is room for. Gives how many.
    ///
    /// Follows `docs/syscalls/fifo_write.md`. Needs [`Rights::WRITE`].
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when the fifo is full; [`Status::PEER_CLOSED`] when the other end is closed;
    /// [`Status::OUT_OF_RANGE`] when `elements` is empty, or the fifo's elements are not of the size of `W`;
    /// [`Status::ACCESS_DENIED`]; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`]. Only once this end has had a second
    /// handle, each write takes a block of memory, until its elements are read: [`Status::NO_MEMORY`] when the arena's
    /// pools are exhausted, and [`Status::NO_RESOURCES`] beyond this process's quota of memory.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Fifo::<u32>::create(4)?;
    /// assert_eq!(ours.write(&[1, 2, 3]), Ok(3));
    /// assert_eq!(ours.write(&[4, 5, 6]), Ok(1)); // There is room for one more.
    /// assert_eq!(ours.write(&[5, 6]), Err(Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn write(&self, elements: &[W]) -> Result<usize, Status>
    where
        W: Immutable,
    {
        raw::fifo_write(self.raw_handle(), size_of::<W>(), elements.as_bytes())
    }

    /// Writes one element.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Fifo::<u32>::create(1)?;
    /// ours.write_one(&7)?;
    /// assert_eq!(ours.write_one(&8), Err(Status::SHOULD_WAIT));
    /// assert_eq!(theirs.read_one(), Ok(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn write_one(&self, element: &W) -> Result<(), Status>
    where
        W: Immutable,
    {
        self.write(std::slice::from_ref(element)).map(drop)
    }
}

impl Fifo {
    /// Makes a fifo of elements whose size is known only when the program runs, with room for `elem_count` elements of
    /// `elem_size` bytes in each direction. Each end has [`Rights::FIFO_DEFAULT`].
    ///
    /// # Errors
    /// As [`create`](Self::create), with [`Status::OUT_OF_RANGE`] for an `elem_size` of 0.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Fifo::create_of_size(8, 3)?;
    /// assert_eq!(ours.write_bytes(3, b"abcdef"), Ok(2));
    /// assert_eq!(theirs.cast::<[u8; 3], [u8; 3]>().read_one()?, *b"abc");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create_of_size(elem_count: usize, elem_size: usize) -> Result<(Self, Self), Status> {
        let (first, second) = raw::fifo_create(elem_count, elem_size, Rights::FIFO_DEFAULT)?;
        Ok((Self::from_value(first), Self::from_value(second)))
    }

    /// Writes elements of `elem_size` bytes: as many whole ones of `bytes` as there is room for. Gives how many.
    ///
    /// # Errors
    /// As [`write`](Self::write), with [`Status::OUT_OF_RANGE`] when `bytes` has no whole element, or `elem_size` is not
    /// the fifo's.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, _theirs) = Fifo::create_of_size(8, 3)?;
    /// assert_eq!(ours.write_bytes(3, b"abcdefg"), Ok(2)); // The last byte is no element.
    /// assert_eq!(ours.write_bytes(4, b"abcd"), Err(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_bytes(&self, elem_size: usize, bytes: &[u8]) -> Result<usize, Status> {
        raw::fifo_write(self.raw_handle(), elem_size, bytes)
    }

    /// Reads elements of `elem_size` bytes: as many as there are and as fit into `bytes`. Gives how many.
    ///
    /// # Errors
    /// As [`read`](Self::read), with [`Status::OUT_OF_RANGE`] when `bytes` has no room for an element, or `elem_size` is
    /// not the fifo's.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Fifo::create_of_size(8, 3)?;
    /// ours.write_bytes(3, b"abcdef")?;
    /// let mut bytes = [0; 3];
    /// assert_eq!((theirs.read_bytes(3, &mut bytes), &bytes), (Ok(1), b"abc"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_bytes(&self, elem_size: usize, bytes: &mut [u8]) -> Result<usize, Status> {
        raw::fifo_read(self.raw_handle(), elem_size, bytes)
    }

    /// This fifo, with types of elements. They are not checked: reads and writes of another size than the fifo's give
    /// [`Status::OUT_OF_RANGE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Fifo::create_of_size(16, 8)?;
    /// ours.cast::<u64, u64>().write_one(&7)?;
    /// assert_eq!(theirs.cast::<u32, u32>().read_one(), Err(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn cast<R, W>(self) -> Fifo<R, W> {
        Fifo::from(self.0)
    }
}

impl<R, W> Fifo<R, W> {
    /// This fifo, without types of elements.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Fifo::<u16>::create(16)?;
    /// ours.write_one(&0x6261)?;
    /// let mut bytes = [0; 2];
    /// theirs.downcast().read_bytes(2, &mut bytes)?;
    /// assert_eq!(&bytes, b"ab");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn downcast(self) -> Fifo {
        Fifo::from(self.0)
    }
}

/// As [`cast`](Fifo::cast).
impl<R: FromBytes + IntoBytes, W: FromBytes + IntoBytes> From<Fifo> for Fifo<R, W> {
    fn from(unspecified: Fifo) -> Self {
        unspecified.cast()
    }
}

// Derived ones would ask for the same of the elements.

impl<R, W> PartialEq for Fifo<R, W> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<R, W> Eq for Fifo<R, W> {}

impl<R, W> PartialOrd for Fifo<R, W> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R, W> Ord for Fifo<R, W> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<R, W> Hash for Fifo<R, W> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
