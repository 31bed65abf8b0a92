//! The operations of [`Thread`] on directories and listeners.

use crate::arena::error::{Error, Result};
use crate::arena::word::handle::{HandleValue, Rights};
use crate::handle::lookup::{self, ResolvedHandle};
use crate::handle::pin;
use crate::object::ObjectClass;
use crate::object::bind::Received;
use crate::object::class::Class;
use crate::object::directory::meet::{self, Meeting};
#[cfg(loom)]
use crate::object::directory::names;
use crate::object::directory::{root, view, with_directory};
use crate::object::listener::Listener;
#[cfg(loom)]
use crate::object::listener::{block, named};
use crate::object::queue;
use crate::process::thread::Thread;
use crate::refcount;

impl Thread {
    /// The rights to the arena's root directory that its creator lets members have.
    pub fn root_rights(&self) -> Result<Rights> {
        root::root_rights(self.arena())
    }

    /// A new handle to the arena's root directory, with these rights. The caller has checked that they are some of
    /// [`root_rights`](Self::root_rights), or has made the arena.
    pub fn open_root(&self, rights: Rights) -> Result<HandleValue> {
        root::open_root(self, rights)
    }

    /// Makes a directory that passes `names` on to the one of `parent`, and a handle to it with `rights`.
    pub fn create_view(&self, parent: ResolvedHandle, names: &[&str], rights: Rights) -> Result<HandleValue> {
        let (value, _) = self.create(ObjectClass::Directory, rights)?;
        let made = lookup::lookup(self, value).and_then(|view| {
            let slot = view.entry.object().slot();
            with_directory(self, parent, |parent| view::make_view(self, slot, parent, names))
                .map_err(|error| (error, view))
                .or_else(|(error, view)| {
                    if !error.is_crash() {
                        refcount::drop_handle(self, view)?;
                    }
                    Err(error)
                })
        });
        self.end_call(made).map(|()| value)
    }

    /// The names that a thread finds through this directory, sorted.
    pub fn list_names(&self, directory: ResolvedHandle) -> Result<Vec<String>> {
        with_directory(self, directory, |directory| view::list(self, directory))
    }

    /// Makes a listener that has the name, and a handle to it with `rights`. `AlreadyExists`, or `TimedOut` at the deadline,
    /// while another listener has it.
    pub fn serve(&self, at: Meeting<'_>, rights: Rights) -> Result<HandleValue> {
        let (value, _) = self.create(ObjectClass::Listener, rights)?;
        let served = meet::serve(self, at, value);
        self.end_call(served).map(|()| value)
    }

    /// Moves the handle of `value` into the queue of the listener that has the name. On an error the caller still has it:
    /// `NotFound` when no listener has the name, `ShouldWait` when its queue is full, `TimedOut` at the deadline.
    pub fn connect(&self, at: Meeting<'_>, value: HandleValue) -> Result<()> {
        let connected = meet::connect(self, at, value);
        self.end_call(connected)
    }

    /// The first half of [`serve`](Self::serve), for models that explore the second: a listener that has its name, and is in
    /// no directory yet.
    #[cfg(loom)]
    pub fn create_listener(&self, directory: ResolvedHandle, name: &str) -> Result<HandleValue> {
        let (value, _) = self.create(ObjectClass::Listener, Rights::all())?;
        let listener = lookup::lookup(self, value)?.entry.object().slot();
        let home = pin::weak_ref(self.arena(), directory.entry.object().slot())?;
        named::give_name(self, listener, home, name).map(|()| value)
    }

    /// The second half.
    #[cfg(loom)]
    pub fn register(&self, directory: ResolvedHandle, listener: ResolvedHandle, name: &str) -> Result<()> {
        with_directory(self, directory, |directory| {
            let listener = pin::weak_ref(self.arena(), listener.entry.object().slot())?;
            names::register(self, directory, listener, name)
        })
    }

    /// Whether a client has asked the listener for room, and was not told since.
    #[cfg(loom)]
    pub fn wants_room(&self, listener: ResolvedHandle) -> Result<bool> {
        let body = block::body(self.arena(), listener.entry.object().slot())?;
        Ok(body.wants_room().load(crate::sync::Relaxed) != 0)
    }

    /// Takes the oldest handle out of the listener's queue. `ShouldWait` when there is none.
    pub fn accept(&self, listener: ResolvedHandle) -> Result<Received> {
        let accepted = pin::with_pinned(self, listener, |object, lifecycle| {
            if lifecycle.class_number() != Listener::NUMBER {
                return Err(Error::WrongType);
            }
            queue::accept::<Listener>(self, object)?.ok_or(Error::ShouldWait)
        });
        self.end_call(accepted)
    }
}
