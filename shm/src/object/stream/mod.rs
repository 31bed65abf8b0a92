//! Streams: the directions of fifos and of sockets. A stream carries bytes from the threads that write one side of its object to those
//! that read the other side.
//!
//! ```text
//!  position    0 ········ start ··· head ················· tail ▶
//!                          └ item q ┴ item q + 1 ┴ … ┴ item n ┘
//!  place       ring of laps: vacant, or holding the block of an item
//!  block       its descriptor: start, end · the bytes
//! ```
//!
//! The bytes lie in *items*. An item is a block with a start and an end, in bytes ever written; its place says which item it
//! is for, and in which block. A side's end is *exclusive* while the side has had one handle: then one process uses it,
//! whose threads share a private lock (`process/half/stream`). It is *shared* once a second handle is made (`share`), for
//! good: then any thread of any process uses it, and none waits for another.
//!
//! | | exclusive | shared |
//! |---|---|---|
//! | writing (`write`, `write_shared`) | one *open* item, whose block is a ring; a store of the tail commits | an item a write; the CAS of its place commits |
//! | reading (`read`, `read_shared`) | a store of the head commits | a copy, and then a CAS of the head commits |
//!
//! INV-STREAM-1: *a side that is not shared has one reference.* The second one is made after `share` has stored SHARED. So one
//! process uses the side, and finds its private half bound, or the handle gone.
//! INV-STREAM-2: an item starts where the item before it ends. An open item has no end of its own: it ends at the tail. It is
//! closed, for good, before its side gets a second handle or another item is linked.
//! INV-STREAM-3: *items* is at most the number of items linked, and *tail* is at least the end of item *items* − 1. Who finds
//! an item that is linked and not counted moves the tail first, and then *items* (`places`). So a writer that finds the place
//! of item *items* vacant, and then loads the tail, has the start of its item, or loses the CAS of the place.
//! INV-STREAM-4: an item is cleared when it is closed and read, that is when the head has reached its end. A reader whose
//! CAS of the head succeeds has read of no item that was cleared before: the head had not moved since it was loaded.
//! INV-STREAM-5: a block is BOUND before its place holds it, under the intent to link it, and freed by its exact word after
//! its place is cleared, under the intent to unlink it. So a block in no place is freed once, whichever thread dies.
//! INV-STREAM-6: head ≤ tail ≤ head + capacity.
//! INV-STREAM-7: an item is cleared after the one before it. So all items below one that is cleared are cleared too.
//!
//! **Deaths.** An exclusive end dies with its process: what its tail shows was written, what its head shows was read. Of a
//! shared write the CAS of the place decides; `tail` and `items` are moved by the next thread that comes by. Recovery wakes
//! all who sleep on an object that a hazard of a dead thread names.
//!
//! | file | contents |
//! |---|---|
//! | `places` | items and their places, for any thread |
//! | `link` | a block becomes an item, and is freed again |
//! | `write`, `write_shared` | the two kinds of writing end |
//! | `read`, `read_shared` | the two kinds of reading end |
//! | `end` | the private ends, and the arrival of a handle |
//! | `share` | the second handle |
//! | `shutdown` | the end of a stream whose writing is disabled |
//! | `signals` | READABLE and WRITABLE |
//! | `remains` | teardown, and what recovery and the audit ask |

pub(crate) mod end;
pub(crate) mod link;
pub(crate) mod places;
pub(crate) mod read;
pub(crate) mod read_shared;
pub(crate) mod remains;
pub(crate) mod share;
pub(crate) mod shutdown;
pub(crate) mod signals;
pub(crate) mod write;
pub(crate) mod write_shared;
