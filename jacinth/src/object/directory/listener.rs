//! Listeners: the server's side of a name.

use crate::handle::NullableHandle;
use crate::object::channel::Channel;
use crate::raw;
use crate::types::signals::Signals;
use crate::types::status::Status;
use crate::types::time::{Deadline, MonotonicInstant};

/// The server's side of a name, made by [`serve`](crate::serve): the channels of those who connect are queued there.
///
/// It asserts [`Signals::LISTENER_READABLE`](crate::Signals::LISTENER_READABLE) while a channel is queued, so it can be waited
/// for, and observed by a [`Port`](crate::Port). Duplicates may lie in several processes: each channel goes to one of them.
/// When the last handle is closed, also by a death, the name is free, and the channels that are still queued are closed:
/// their clients see PEER_CLOSED.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (port, listener) = (Port::create(), serve("log")?);
/// listener.wait_async(&port, 0, Signals::LISTENER_READABLE, WaitAsyncOpts::REPEATING)?;
/// let client = connect("log", MonotonicInstant::INFINITE)?;
/// client.write(b"hello", &mut [])?;
/// assert_eq!(port.wait(MonotonicInstant::INFINITE)?.key(), 0);
/// let server = listener.accept()?;
/// let mut message = MessageBuf::new();
/// server.read(&mut message)?;
/// assert_eq!(message.bytes(), b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping a listener closes its handle, and frees its name"]
#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct Listener(pub(in crate::object) NullableHandle);

impl Listener {
    /// Takes the oldest channel out of the queue. Its client may have written to it already, and may be gone.
    ///
    /// Needs [`Rights::READ`](crate::Rights::READ).
    ///
    /// # Errors
    /// [`Status::SHOULD_WAIT`] when none is queued; [`Status::ACCESS_DENIED`]; [`Status::NO_RESOURCES`] when this process has
    /// no room for another handle; [`Status::BAD_HANDLE`], [`Status::WRONG_TYPE`].
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let listener = serve("log")?;
    /// assert_eq!(listener.accept().map(drop), Err(Status::SHOULD_WAIT));
    /// let client = connect("log", MonotonicInstant::INFINITE)?;
    /// let server = listener.accept()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept(&self) -> Result<Channel, Status> {
        raw::listener_accept(self.raw_handle()).map(Channel::from_value)
    }

    /// Takes the oldest channel, and waits for one until `deadline`.
    ///
    /// Needs [`Rights::READ`](crate::Rights::READ) and [`Rights::WAIT`](crate::Rights::WAIT).
    ///
    /// # Errors
    /// [`Status::TIMED_OUT`]; [`Status::CANCELED`] when another thread closes or transfers this handle meanwhile; otherwise as
    /// [`accept`](Self::accept).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let listener = serve("log")?;
    /// let timed_out = listener.accept_until(std::time::Duration::from_millis(1));
    /// assert_eq!(timed_out.map(drop), Err(Status::TIMED_OUT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn accept_until(&self, deadline: impl Into<Deadline>) -> Result<Channel, Status> {
        let deadline: MonotonicInstant = deadline.into().instant();
        loop {
            match self.accept() {
                // Another thread may take the channel between the wait and the accept.
                Err(Status::SHOULD_WAIT) => {
                    raw::wait_one(self.raw_handle(), Signals::LISTENER_READABLE, deadline).0?;
                }
                accepted => return accepted,
            }
        }
    }
}
