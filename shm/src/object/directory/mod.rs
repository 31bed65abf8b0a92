//! Directories: names by which programs meet. A server serves a name, and clients with a handle to the directory
//! connect.
//!
//! ```text
//!  directory                           listener
//!  body ─ commit                  ┌──▶ name, queue
//!       ├ names ─ word, word, … ──┘
//!       ├ passed ─ "log", "clock"      of a view: the names that it passes on
//!       └ parent ────────────────────▶ another directory
//! ```
//!
//! A name is weak: a word that names a listener in this life of its slot. The listener itself says whether it lives, and what
//! it is called. So nothing has to be cleaned up when a server dies: its handle is closed by recovery, and the name is
//! free. No thread that registers a name waits for another one.
//!
//! A *view* is a directory that passes some names on to another directory, its parent. It is weak too: when the parent's
//! last handle is closed, the view finds no names there. Which names and which parent is fixed when the view is made.
//!
//! The arena itself holds a handle to one directory, the *root*: the handle of process 0, which no process is. It is made
//! with the arena and lives as long.
//!
//! | file | contents |
//! |---|---|
//! | `names` | the words: how a name is found, and how one is registered |
//! | `view` | views, and the way from a view to the directory that has the name |
//! | `meet` | the two operations: serve and connect |
//! | `root` | the arena's own directory |
//!
//! `arena/word/directory` describes the words.

pub(crate) mod meet;
pub(crate) mod names;
pub(crate) mod root;
#[cfg(all(test, not(loom)))]
pub(in crate::object) mod tests;
pub(crate) mod view;

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::record::directory::DirectoryBody;
use crate::arena::word::block::BlockId;
use crate::arena::word::intent::ListIntent;
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::{Signals, State};
use crate::handle::lookup::ResolvedHandle;
use crate::handle::pin;
use crate::object::budget::Budget;
use crate::object::class::Class;
use crate::object::own_block;
use crate::process::thread::Thread;
use crate::signal::wake;
use crate::sync::Relaxed;

/// The class of directories.
pub(crate) struct Directory;

impl Class for Directory {
    const NUMBER: u8 = 128;
    /// A directory has no signals.
    const SETTABLE_SIGNALS: Signals = Signals::empty();
    type Progress = ();

    /// Those who wait for a name in a view of this directory look again, and find that there is none.
    fn release_step(
        thread: &Thread,
        object: ObjectRef,
        _progress: &mut Self::Progress,
        _budget: &mut Budget,
    ) -> Result<bool> {
        wake::notify_derived(thread, thread.arena().state(object)?, State::HAS_WAITERS)?;
        Ok(true)
    }

    fn is_blank(thread: &Thread, slot: Slot) -> Result<bool> {
        // Relaxed: the directory is retired.
        Ok(body(thread.arena(), slot)?.all().iter().all(|word| word.load(Relaxed) == 0))
    }

    fn reset(thread: &Thread, slot: Slot) -> Result<()> {
        let body = body(thread.arena(), slot)?;
        for place in [body.names(), body.passed()] {
            own_block::unlink(thread, ObjectRef::new(slot, 0), place)?;
        }
        own_block::clear(body.all());
        Ok(())
    }

    fn is_linked(thread: &Thread, intent: ListIntent, from: ObjectRef, block: BlockId) -> Result<bool> {
        match intent {
            ListIntent::LinkPart { .. } | ListIntent::UnlinkPart { .. } => {
                let body = body(thread.arena(), from.slot())?;
                let places = [body.names(), body.passed()];
                Ok(places.into_iter().any(|place| own_block::block_at(place) == Some(block)))
            }
            _ => Err(Error::Corrupt("a block that a directory does not have")),
        }
    }
}

/// The body of a directory.
pub(crate) fn body(arena: &Arena, directory: Slot) -> Result<DirectoryBody<'_>> {
    arena.body(directory).map(DirectoryBody::of)
}

/// Runs `use_directory` while the directory of `found` cannot be reused.
pub(crate) fn with_directory<T>(
    thread: &Thread,
    found: ResolvedHandle,
    use_directory: impl FnOnce(Slot) -> Result<T>,
) -> Result<T> {
    pin::with_pinned(thread, found, |object, lifecycle: Lifecycle| {
        if lifecycle.class_number() != Directory::NUMBER {
            return Err(Error::WrongType);
        }
        use_directory(object.slot())
    })
}
