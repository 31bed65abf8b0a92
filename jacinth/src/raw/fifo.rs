//! Fifos by a handle's value.

use crate::attachment::current_thread::with_thread;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm as shm;
use std::mem::MaybeUninit;

/// The most bytes that each direction of a fifo may hold.
pub use shm::MAX_FIFO_BYTES;

/// Makes a fifo, with room for `elem_count` elements of `elem_size` bytes in each direction. Gives the value of a handle
/// to each end.
///
/// Follows `docs/syscalls/fifo_create.md`.
///
/// # Errors
/// [`Status::OUT_OF_RANGE`] when `elem_count` or `elem_size` is 0, when `elem_count` is no power of two, and when their
/// product is more than [`MAX_FIFO_BYTES`]. [`Status::NO_MEMORY`] when the arena's pools are exhausted;
/// [`Status::NO_RESOURCES`] when the arena or this process's share of it is full.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::fifo_create(64, 8, Rights::FIFO_DEFAULT)?;
/// raw::close_many(&[one, other])?;
/// assert_eq!(raw::fifo_create(63, 8, Rights::FIFO_DEFAULT), Err(Status::OUT_OF_RANGE));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fifo_create(elem_count: usize, elem_size: usize, rights: Rights) -> Result<(u32, u32), Status> {
    let (first, second) = with_thread(|thread| thread.fifo_create(elem_count, elem_size, rights.into()))?;
    Ok((first.0, second.0))
}

/// Writes elements of `elem_size` bytes to a fifo: as many whole ones of `bytes` as there is room for. Gives how many.
///
/// Follows `docs/syscalls/fifo_write.md`. Needs [`Rights::WRITE`].
///
/// # Errors
/// In this order: [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::PEER_CLOSED`];
/// [`Status::OUT_OF_RANGE`] when `bytes` has no element, or `elem_size` is not the fifo's; [`Status::SHOULD_WAIT`] when
/// the fifo is full. Only once this end has had a second handle, each write takes a block of memory, until its elements are
/// read: [`Status::NO_MEMORY`] when the arena's pools are exhausted, and [`Status::NO_RESOURCES`] beyond this process's
/// quota of memory.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::fifo_create(2, 3, Rights::FIFO_DEFAULT)?;
/// assert_eq!(raw::fifo_write(one, 3, b"abcdefghi"), Ok(2)); // There is no room for the third.
/// assert_eq!(raw::fifo_write(one, 3, b"ghi"), Err(Status::SHOULD_WAIT));
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn fifo_write(value: u32, elem_size: usize, bytes: &[u8]) -> Result<usize, Status> {
    with_thread(|thread| thread.fifo_write(shm::HandleValue(value), Rights::WRITE.into(), elem_size, bytes))
}

/// Reads elements of `elem_size` bytes from a fifo: as many as there are and as fit into `bytes`. Gives how many. While
/// others read at the same end, the rest of `bytes` may have changed too.
///
/// Follows `docs/syscalls/fifo_read.md`. Needs [`Rights::READ`].
///
/// # Errors
/// In this order: [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::OUT_OF_RANGE`] when
/// `bytes` has no room for an element, or `elem_size` is not the fifo's. Of an empty fifo [`Status::SHOULD_WAIT`], or
/// [`Status::PEER_CLOSED`] when the other end is closed.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (one, other) = raw::fifo_create(2, 3, Rights::FIFO_DEFAULT)?;
/// raw::fifo_write(one, 3, b"abc")?;
/// let mut bytes = *b"------";
/// assert_eq!(raw::fifo_read(other, 3, &mut bytes), Ok(1));
/// assert_eq!(&bytes, b"abc---");
/// assert_eq!(raw::fifo_read(other, 3, &mut bytes), Err(Status::SHOULD_WAIT));
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn fifo_read(value: u32, elem_size: usize, bytes: &mut [u8]) -> Result<usize, Status> {
    with_thread(|thread| {
        thread.fifo_read_bytes(shm::HandleValue(value), Rights::READ.into(), elem_size, bytes)
    })
}

/// As [`fifo_read`], into memory that need not be initialised. The elements that were read are.
///
/// # Errors
/// Those of [`fifo_read`].
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// use std::mem::MaybeUninit;
///
/// let (one, other) = raw::fifo_create(2, 3, Rights::FIFO_DEFAULT)?;
/// raw::fifo_write(one, 3, b"abcdef")?;
/// assert_eq!(raw::fifo_read_uninit(other, 3, &mut [MaybeUninit::uninit(); 6]), Ok(2));
/// # raw::close_many(&[one, other])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[inline]
pub fn fifo_read_uninit(
    value: u32,
    elem_size: usize,
    bytes: &mut [MaybeUninit<u8>],
) -> Result<usize, Status> {
    with_thread(|thread| thread.fifo_read(shm::HandleValue(value), Rights::READ.into(), elem_size, bytes))
}
