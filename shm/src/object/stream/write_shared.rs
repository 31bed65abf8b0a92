//! Writing at a shared end: each write is an item of its own, in a block that its thread fills before. The CAS of the item's
//! place commits. No thread waits for another: a writer that is stopped holds a block, and no place.

use crate::arena::error::{Error, Result};
use crate::arena::word::intent::ListIntent;
use crate::arena::word::reference::ObjectRef;
use crate::arena::word::signals::State;
use crate::object::stream::link::{self, Loose};
use crate::object::stream::places::{self, At, MOST_ROUNDS, RESTLESS, Stream};
use crate::object::stream::{shutdown, write};
use crate::process::thread::{Thread, crash_point};
use crate::signal::wake;
use crate::sync::{Acquire, Relaxed};

/// What became of an attempt to link an item.
enum Linked {
    /// It is linked.
    Yes { bytes: usize, end: u64 },
    /// There is no room.
    Full,
    /// An item that is read, as the head says, stands in its place.
    InTheWay { head: u64 },
    /// Another writer was first, with the item that needs no block of places, and this one's needs it.
    NoPlaces,
}

/// As `write::write`, at a side that a hazard names. A datagram is written whole or not at all.
pub(crate) fn write(
    thread: &Thread,
    side: ObjectRef,
    bytes: &[u8],
    check: impl FnOnce(&Stream<'_>) -> Result<()>,
) -> Result<usize> {
    let stream = Stream::of(thread.arena(), side)?;
    let own_state = thread.arena().state(side)?;
    // Relaxed: no data is read on the strength of it.
    write::require_open(State(own_state.load(Relaxed)))?;
    check(&stream)?;
    if bytes.is_empty() {
        return Ok(0);
    }
    for _ in 0..MOST_ROUNDS {
        // Before the memory: a stream that is full takes none.
        let Some(bytes) = fitting(&stream, bytes)? else { return Err(Error::ShouldWait) };
        // Relaxed: a hint. If it is 0 and too low, `append` finds the places missing, and the next round loads no older number.
        link::need_place(thread, &stream, stream.words.items().load(Relaxed))?;
        let block = link::take(thread, bytes.len())?;
        stream.copy_in(block, 0, 0, bytes)?;
        let loose = link::bind(thread, &stream, block)?;
        let linked = match append(thread, &stream, loose, bytes.len()) {
            Err(error) if !error.is_crash() => {
                // The arena is damaged, and the block in no place: this thread's next intent must not lose it.
                link::give_back(thread, loose)?;
                return Err(error);
            }
            linked => linked?,
        };
        match linked {
            Linked::Yes { bytes, end } => {
                thread.set_list_intent(ListIntent::Idle, 0);
                wake::notify_derived(thread, thread.arena().state(side.peer())?, State::HAS_WAITERS)?;
                if stream.geometry.is_socket() {
                    shutdown::require_written(thread, &stream, own_state, end)?;
                }
                return Ok(bytes);
            }
            Linked::Full => {
                link::give_back(thread, loose)?;
                return Err(Error::ShouldWait);
            }
            Linked::InTheWay { head } => {
                // One intent at a time.
                link::give_back(thread, loose)?;
                link::clear_read(thread, &stream, head)?;
            }
            // *items* counts the first item by now, so the next round brings the places.
            Linked::NoPlaces => link::give_back(thread, loose)?,
        }
    }
    Err(RESTLESS)
}

/// The bytes that there is room for, as of now. `None`: of nothing.
fn fitting<'a>(stream: &Stream<'_>, bytes: &'a [u8]) -> Result<Option<&'a [u8]>> {
    let written = stream.written();
    // Relaxed: the room is judged again when the item is linked.
    let unread = written.end.saturating_sub(stream.words.head().load(Relaxed));
    let capacity = stream.geometry.capacity();
    let room = capacity.saturating_sub(unread);
    if room == 0 || !written.has_place {
        return Ok(None);
    }
    if stream.geometry.has_datagrams() && bytes.len() as u64 > capacity {
        return Err(Error::out_of_range("the size of a datagram in bytes", bytes.len(), capacity as usize));
    }
    Ok(whole_or_shortened(stream, bytes.len(), room).map(|many| &bytes[..many]))
}

/// How many of `len` bytes are written where there is room for `room`. `None`: none.
fn whole_or_shortened(stream: &Stream<'_>, len: usize, room: u64) -> Option<usize> {
    let many = len.min(room as usize);
    let is_written = many == len || many > 0 && !stream.geometry.has_datagrams();
    is_written.then_some(many)
}

/// Links the block as the next item, with as many of its bytes as there is room for.
fn append(thread: &Thread, stream: &Stream<'_>, loose: Loose, len: usize) -> Result<Linked> {
    for _ in 0..MOST_ROUNDS {
        // ORDER: Acquire, and before the place and the tail (INV-STREAM-3).
        let number = stream.words.items().load(Acquire);
        let (place, vacant) = match stream.at(number)? {
            At::Vacant { place, word } => (place, word),
            At::Here(item) => {
                stream.count(&item);
                continue;
            }
            At::Cleared => continue,
            At::Occupied { by } => {
                let At::Here(item) = stream.at(by)? else { continue };
                if item.is_open {
                    // P5: none is cleared, and this writer would come by for ever.
                    return Err(Error::Corrupt("a ring that a shared side of a stream has kept open"));
                }
                // Relaxed: `clear_read` passes the fence of `Stream::item` before it frees a block that a reader has copied.
                let head = stream.words.head().load(Relaxed);
                return Ok(if item.end <= head { Linked::InTheWay { head } } else { Linked::Full });
            }
            At::NoPlaces => return Ok(Linked::NoPlaces),
        };
        // ORDER: Acquire, after the place: the start of the item (INV-STREAM-3), and a head that is not older.
        let start = places::checked(stream.words.tail().load(Acquire))?;
        // Relaxed: only the value counts, and the item overwrites no bytes. What the writers of the items below the tail knew
        // of the head, the load above gives.
        let unread = start.saturating_sub(stream.words.head().load(Relaxed));
        let room = stream.geometry.capacity().saturating_sub(unread);
        let Some(len) = whole_or_shortened(stream, len, room) else { return Ok(Linked::Full) };
        let end = start + len as u64;
        if !link::link(thread, (place, vacant), loose, start, end)? {
            continue;
        }
        crash_point!(thread, "item.linked");
        // The block is linked, so damage that shows here is no error of this write.
        if let Ok(At::Here(item)) = stream.at(number) {
            stream.count(&item);
        }
        crash_point!(thread, "item.counted");
        return Ok(Linked::Yes { bytes: len, end });
    }
    Err(RESTLESS)
}
