//! Buffers: bytes that are written once, and then read in place by all who get a handle.

pub(super) mod unsent;

/// Bytes that one owner fills: those of a [`Loan`](crate::Loan), or of a [`BufferMut`].
pub use jacinth_shm::{UnsentBytes, UnsentBytesMut};

use crate::attachment::current_thread::{self, with_thread};
use crate::attachment::dropped::Dropped;
use crate::handle::NullableHandle;
use crate::object::buffer::unsent::unsent_bytes;
use crate::object::channel::Channel;
use crate::raw;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm as shm;
use std::ops::Deref;

/// A buffer: bytes that are written once, and then read in place by all who get a handle.
///
/// Its handle is like every other one: a duplicate goes to each of several receivers, and each may send it on, without a copy of
/// the bytes. The memory is free again when the last handle is closed, whichever process had it, and however that process
/// ended. Zircon has no such object; its programs map VM objects for this.
///
/// A view counts among the handles of `count_info`. A [`Loan`](crate::Loan) is faster where a message is read by one receiver and
/// not sent on. A [`Vmo`](crate::Vmo) may be larger, and may be written by all who have it.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (camera, recorder) = Channel::create();
/// let (display, screen) = Channel::create();
///
/// let mut frame = BufferMut::create(1 << 20)?;
/// frame.fill(200);
/// let frame = frame.freeze()?;
/// // To two receivers.
/// camera.write(b"frame 1", &mut [frame.duplicate(Rights::SAME_RIGHTS)?.into()])?;
/// display.write(b"frame 1", &mut [frame.into()])?;
///
/// let mut message = MessageBuf::new();
/// recorder.read(&mut message)?;
/// let frame = Buffer::from(message.take_handle(0).unwrap());
/// assert_eq!(frame.view()?[1000], 200);
/// # screen.read(&mut message)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping the last handle to a buffer frees its memory"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Buffer(pub(in crate::object) NullableHandle);

/// A buffer that is being filled. Its drop ends it, and frees its memory.
///
/// It is a slice of bytes, and a [`Write`](std::io::Write) that appends. Bytes that were not written are zero when it is frozen.
/// Its use as a slice zeroes them first; [`copy_from_slice`](Self::copy_from_slice), [`fill`](Self::fill),
/// [`write_at`](Self::write_at) from the front, and `Write` avoid that cost.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let mut buffer = BufferMut::create(100)?;
/// buffer[10..13].copy_from_slice(b"ten");
/// let buffer = buffer.freeze()?;
/// assert_eq!(&buffer.view()?[9..14], b"\0ten\0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it frees its memory"]
#[derive(Debug)]
pub struct BufferMut {
    /// There until it is frozen.
    buffer: Option<shm::BufferMut>,
}

/// The bytes of a [`Buffer`], in place. They begin at a multiple of 64, and stay as long as the view does, also after a close of the
/// buffer's handles.
///
/// No process writes to them: a buffer is written by its one owner, before it is frozen. (All of this library rests on the trust
/// that no process writes to the arena on its own.)
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let buffer = Buffer::from_slice(b"kept")?;
/// let view = buffer.view()?;
/// drop(buffer);
/// assert_eq!(&view[..], b"kept");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it ends the view"]
#[derive(Debug)]
pub struct BufferView {
    /// There until it is dropped.
    view: Option<shm::BufferView>,
}

unsent_bytes!(BufferMut, "BufferMut::create(5)?");

impl BufferMut {
    fn unsent(&self) -> &shm::UnsentBytes {
        self.buffer.as_ref().expect("a buffer is there until it is frozen").unsent()
    }

    fn unsent_mut(&mut self) -> shm::UnsentBytesMut<'_> {
        self.buffer.as_mut().expect("a buffer is there until it is frozen").unsent_mut()
    }

    /// Makes a buffer of `len_bytes`, up to the arena's `max_loan_bytes` (16 MiB by default).
    ///
    /// # Errors
    /// [`Status::OUT_OF_RANGE`] beyond that. [`Status::NO_MEMORY`] when the arena has no memory for it;
    /// after [`Channel::reserve_buffer`] a program can wait for some. [`Status::NO_RESOURCES`] when this process may have no more
    /// memory of that size, no further object, or no further handle. [`Status::BAD_STATE`] in a process that is attached to no
    /// arena.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(BufferMut::create(100)?.len(), 100);
    /// assert_eq!(BufferMut::create((16 << 20) + 1).map(drop), Err(Status::OUT_OF_RANGE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn create(len_bytes: usize) -> Result<Self, Status> {
        with_thread(|thread| thread.buffer_create(len_bytes, Rights::BUFFER_DEFAULT.into()))
            .map(|buffer| Self { buffer: Some(buffer) })
    }

    /// Ends the filling: from here on the bytes never change. The handle has
    /// [`Rights::BUFFER_DEFAULT`](crate::Rights::BUFFER_DEFAULT).
    ///
    /// # Errors
    /// [`Status::BAD_STATE`] in a forked child, and in a signal handler within a call.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let buffer = BufferMut::create(100)?.freeze()?;
    /// assert_eq!(buffer.basic_info()?.rights, Rights::BUFFER_DEFAULT);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn freeze(mut self) -> Result<Buffer, Status> {
        // Taken inside the call: one that is refused at the door leaves the buffer to be dropped.
        with_thread(|thread| match self.buffer.take() {
            Some(buffer) => thread.freeze(buffer),
            None => Err(shm::Error::BadHandle),
        })
        .map(|value| Buffer::from_value(value.0))
    }
}

impl Buffer {
    /// Makes a buffer with a copy of `bytes`.
    ///
    /// # Errors
    /// Those of [`BufferMut::create`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write(b"to be shared", &mut [])?;
    /// let shared = Buffer::from_slice(&theirs.read_in_place()?)?;
    /// assert_eq!(&shared.view()?[..], b"to be shared");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Status> {
        let mut buffer = BufferMut::create(bytes.len())?;
        buffer.write_at(0, bytes)?;
        buffer.freeze()
    }

    /// The size in bytes.
    ///
    /// # Errors
    /// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert_eq!(Buffer::from_slice(b"seven b")?.size()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn size(&self) -> Result<usize, Status> {
        with_thread(|thread| {
            thread.buffer_size(thread.lookup(shm::HandleValue(self.raw_handle()))?, shm::Rights::empty())
        })
    }

    /// The bytes, in place. The view has a handle of its own, so it may outlive this owner.
    ///
    /// Needs [`Rights::READ`](crate::Rights::READ).
    ///
    /// # Errors
    /// [`Status::BAD_HANDLE`]; [`Status::WRONG_TYPE`]; [`Status::ACCESS_DENIED`]; [`Status::NO_RESOURCES`] when this process has
    /// no room for another handle.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let buffer = Buffer::from_slice(&3.5_f64.to_ne_bytes())?;
    /// let view = buffer.view()?;
    /// // Views of typed data, by the crates for that. The bytes are aligned to 64.
    /// let values: &[f64] = zerocopy::FromBytes::ref_from_bytes(&view).map_err(|error| error.to_string())?;
    /// assert_eq!(values, [3.5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn view(&self) -> Result<BufferView, Status> {
        with_thread(|thread| {
            thread.view(thread.lookup(shm::HandleValue(self.raw_handle()))?, Rights::READ.into())
        })
        .map(|view| BufferView { view: Some(view) })
    }
}

/// The bytes.
///
/// # Panics
/// In a forked child, which has no arena.
impl Deref for BufferView {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.view.as_ref().expect("a view is there until it is dropped").bytes()
    }
}

impl AsRef<[u8]> for BufferView {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for BufferView {
    fn drop(&mut self) {
        current_thread::release(Dropped::View(self.view.take()));
    }
}

impl Drop for BufferMut {
    fn drop(&mut self) {
        if self.buffer.is_some() {
            current_thread::release(Dropped::Buffer(self.buffer.take()));
        }
    }
}

impl Channel {
    /// As [`BufferMut::create`], for a message through this channel. If there is no memory for the buffer, the channel is not
    /// WRITABLE until there is some: a program waits for that signal, as it does for room in the channel.
    ///
    /// Needs [`Rights::WRITE`](crate::Rights::WRITE).
    ///
    /// # Errors
    /// Those of [`BufferMut::create`]; [`Status::PEER_CLOSED`]; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`],
    /// [`Status::ACCESS_DENIED`]. Not SHOULD_WAIT: the message takes its place when it is written.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let frame = loop {
    ///     match ours.reserve_buffer(1 << 20) {
    ///         Err(Status::NO_MEMORY | Status::NO_RESOURCES) => {
    ///             let wanted = Signals::CHANNEL_WRITABLE | Signals::CHANNEL_PEER_CLOSED;
    ///             ours.wait_one(wanted, MonotonicInstant::INFINITE).to_result()?;
    ///         }
    ///         frame => break frame?,
    ///     }
    /// };
    /// ours.write(b"", &mut [frame.freeze()?.into()])?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_buffer(&self, len_bytes: usize) -> Result<BufferMut, Status> {
        with_thread(|thread| {
            let found = raw::channel_with(thread, self.raw_handle(), Rights::WRITE)?;
            thread.reserve_buffer(found, Rights::WRITE.into(), len_bytes, Rights::BUFFER_DEFAULT.into())
        })
        .map(|buffer| BufferMut { buffer: Some(buffer) })
    }
}
