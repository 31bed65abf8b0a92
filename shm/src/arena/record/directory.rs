//! The words of a body, as directories and listeners use them. They lie in lines that hold no index of observers.

use crate::arena::record::object::ObjectBody;
use crate::sync::AtomicU64;

/// The words of a body, as a directory uses them.
#[derive(Clone, Copy)]
pub(crate) struct DirectoryBody<'a>(&'a ObjectBody);

impl<'a> DirectoryBody<'a> {
    pub(crate) fn of(body: &'a ObjectBody) -> Self {
        Self(body)
    }

    /// Which name was committed last: see `word/directory/commit`.
    pub(crate) fn commit(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.tail
    }

    /// The block of the names, as a block link.
    pub(crate) fn names(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.tail_segment
    }

    /// High-water mark: names are below this index.
    pub(crate) fn used(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.first_segment
    }

    /// Of a view: the directory behind it, as a weak reference. It is stored last.
    pub(crate) fn parent(self) -> &'a AtomicU64 {
        &self.0.directions[1].producer.tail
    }

    /// Of a view: the block of the names that it passes on, as a block link.
    pub(crate) fn passed(self) -> &'a AtomicU64 {
        &self.0.directions[1].producer.tail_segment
    }

    /// Of a view: how many directories are behind it.
    pub(crate) fn depth(self) -> &'a AtomicU64 {
        &self.0.directions[1].producer.first_segment
    }

    /// All words.
    pub(crate) fn all(self) -> [&'a AtomicU64; 6] {
        [self.commit(), self.names(), self.used(), self.parent(), self.passed(), self.depth()]
    }
}

/// The words of a body, as a listener uses them.
#[derive(Clone, Copy)]
pub(crate) struct ListenerBody<'a>(&'a ObjectBody);

impl<'a> ListenerBody<'a> {
    pub(crate) fn of(body: &'a ObjectBody) -> Self {
        Self(body)
    }

    /// How many tickets were ever given to those who connect: see `object/queue`.
    pub(crate) fn tickets(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.tail
    }

    /// The block of the name and the queue, as a block link.
    pub(crate) fn block(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.tail_segment
    }

    /// 1: a client has found the queue full, and may wait for room.
    pub(crate) fn wants_room(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.blocks
    }

    /// The directory that has the listener's name, as a weak reference.
    pub(crate) fn home(self) -> &'a AtomicU64 {
        &self.0.directions[0].producer.first_segment
    }

    /// All words.
    pub(crate) fn all(self) -> [&'a AtomicU64; 4] {
        [self.tickets(), self.block(), self.home(), self.wants_room()]
    }
}
