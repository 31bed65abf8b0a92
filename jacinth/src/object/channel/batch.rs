//! Messages that are written or read together.

use super::{Channel, MAX_MSG_BYTES};
use crate::attachment::current_thread::with_thread;
use crate::types::rights::Rights;
use crate::types::status::Status;
use arrayvec::ArrayVec;
use jacinth_shm as shm;

/// How many messages are written under one lock, with one wake, at most.
const BATCH: usize = 64;

/// Messages that were read together: their bytes one after another. Reused from read to read, it allocates only
/// to grow.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// ours.write_batch([&b"one"[..], b"two"])?;
/// let mut batch = Batch::new();
/// theirs.read_batch(8, &mut batch)?;
/// assert_eq!(batch.len(), 2);
/// assert_eq!(batch.iter().last(), Some(&b"two"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// An empty batch.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(Batch::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many messages it holds.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write_batch([&b"one"[..], b"two"])?;
    /// let mut batch = Batch::new();
    /// theirs.read_batch(8, &mut batch)?;
    /// assert_eq!(batch.len(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it holds none.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write_batch([&b"one"[..], b"two"])?;
    /// let mut batch = Batch::new();
    /// theirs.read_batch(8, &mut batch)?;
    /// assert!(!batch.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The messages, in the order in which they were sent.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write_batch([&b"one"[..], b"two"])?;
    /// let mut batch = Batch::new();
    /// theirs.read_batch(8, &mut batch)?;
    /// assert!(batch.iter().eq([b"one", b"two"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let start_of = |index: usize| if index == 0 { 0 } else { self.ends[index - 1] };
        (0..self.ends.len()).map(move |index| &self.bytes[start_of(index)..self.ends[index]])
    }
}

impl Channel {
    /// Writes as many of `messages` as there is room for, in order and without other messages in between for up to 64 at a
    /// time. Gives how many were written; the others are still the caller's. `messages` is asked for 64 before the first of
    /// them is written, and so on: it may have given up to 64 more than were written.
    ///
    /// A reader may read the first of them before the last one is written. If this process dies meanwhile, those that were
    /// written arrive.
    ///
    /// # Errors
    /// As [`write`](Self::write), when not even the first could be written.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// let words = ["three", "short", "messages"];
    /// assert_eq!(ours.write_batch(words.iter().map(|word| word.as_bytes()))?, 3);
    /// let mut batch = Batch::new();
    /// theirs.read_batch(32, &mut batch)?;
    /// assert!(batch.iter().eq(words.iter().map(|word| word.as_bytes())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_batch<'m>(&self, messages: impl IntoIterator<Item = &'m [u8]>) -> Result<usize, Status> {
        let mut messages = messages.into_iter().fuse();
        let mut sent = 0;
        loop {
            // Before the call: the iterator is the caller's code, which may do anything.
            let group: ArrayVec<&[u8], BATCH> = messages.by_ref().take(BATCH).collect();
            let fitting = group.iter().position(|bytes| bytes.len() > MAX_MSG_BYTES).unwrap_or(group.len());
            let wrote = with_thread(|thread| {
                let found = thread.lookup(shm::HandleValue(self.raw_handle()))?;
                // Also without a message that fits: the errors of the channel come before that of a message that is too
                // long.
                let wrote = thread.send_batch(found, Rights::WRITE.into(), &group[..fitting])?;
                if fitting == 0 && !group.is_empty() {
                    return Err(shm::Error::out_of_range(
                        "the number of bytes",
                        group[0].len(),
                        MAX_MSG_BYTES,
                    ));
                }
                Ok(wrote)
            });
            match wrote {
                Ok(wrote) => sent += wrote,
                Err(status) if sent == 0 => return Err(status),
                // The earlier groups are sent. The next call meets the same error.
                Err(_) => return Ok(sent),
            }
            // A group that ends early says that there is no room; one that is short, that there is no more.
            if wrote != Ok(BATCH) {
                return Ok(sent);
            }
        }
    }

    /// Reads up to `most` messages without handles and consumes them together. Gives how many; the old
    /// contents of `batch` are gone. Stops before a message with handles.
    ///
    /// # Errors
    /// [`Status::NOT_SUPPORTED`] when the next message carries handles: [`read`](Self::read) it.
    /// [`Status::SHOULD_WAIT`] while calls of this process are under way on this end and no message is free to
    /// read. Otherwise as [`read`](Self::read).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let (ours, theirs) = Channel::create();
    /// ours.write_batch([&b"one"[..], b"two"])?;
    /// let mut batch = Batch::new();
    /// theirs.read_batch(8, &mut batch)?;
    /// assert_eq!(batch.iter().next(), Some(&b"one"[..]));
    /// assert_eq!(theirs.read_batch(8, &mut batch), Err(Status::SHOULD_WAIT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read_batch(&self, most: usize, batch: &mut Batch) -> Result<usize, Status> {
        let Batch { bytes, ends } = batch;
        bytes.clear();
        ends.clear();
        with_thread(|thread| {
            let found = thread.lookup(shm::HandleValue(self.raw_handle()))?;
            thread.receive_batch(found, Rights::READ.into(), most, bytes, ends)
        })
    }
}
