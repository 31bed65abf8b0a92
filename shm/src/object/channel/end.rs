//! The ends of a direction of a channel, locked: every operation on a ring has one of them.
//!
//! A [`Writer`] is the writing end of the direction that its side writes. A [`Reader`] is the reading end of the
//! direction that the peer writes. Both keep the private lock of their end until they are dropped (INV-ENDPOINT-1).

use crate::arena::word::handle::EntryIndex;
use crate::arena::word::reference::ObjectRef;
use crate::object::channel::{endpoint, ring};
use crate::object::end::{Cursor, End, EndsHalf};
use crate::process::Process;
use crate::process::half::channel::{Endpoint, ReadCursor, WriteCursor};
use crate::process::half::entrance::Entrance;
use crate::sync::{Inside, Lock};

/// The writing end of a direction, locked.
pub(crate) type Writer<'a> = End<'a, WriteCursor>;

/// The reading end of a direction, locked.
pub(crate) type Reader<'a> = End<'a, ReadCursor>;

impl EndsHalf for Endpoint {
    const CLASS_NUMBER: u8 = ring::CLASS_NUMBER;

    #[inline(always)]
    fn of_entry<'a>(process: &'a Process, index: EntryIndex, inside: &'a Inside<'_>) -> Option<&'a Self> {
        endpoint::endpoint(process, index, inside)
    }
}

impl Cursor for WriteCursor {
    type Endpoint = Endpoint;

    #[inline(always)]
    fn lock_of(endpoint: &Endpoint) -> &Lock<Self> {
        &endpoint.write_cursor
    }

    #[inline(always)]
    fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    #[inline(always)]
    fn entrance_mut(&mut self) -> &mut Entrance {
        &mut self.entrance
    }

    fn writer_of(side: ObjectRef) -> ObjectRef {
        side
    }
}

impl Cursor for ReadCursor {
    type Endpoint = Endpoint;

    #[inline(always)]
    fn lock_of(endpoint: &Endpoint) -> &Lock<Self> {
        &endpoint.read_cursor
    }

    #[inline(always)]
    fn entrance(&self) -> &Entrance {
        &self.entrance
    }

    #[inline(always)]
    fn entrance_mut(&mut self) -> &mut Entrance {
        &mut self.entrance
    }

    fn writer_of(side: ObjectRef) -> ObjectRef {
        side.peer()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::config::Config;
    use crate::arena::error::Error;
    use crate::arena::word::handle::Rights;
    use crate::object::ObjectClass;
    use crate::object::channel::read::recv_buf::{OnOverflow, VecBuf};
    use crate::process::Process;
    use crate::process::thread::Thread;

    /// The end comes back under the entry that it had, so its private half is bound to the same side again. The old handle
    /// is another handle all the same.
    #[test]
    fn returned_end_rejects_the_former_handle() {
        let none = Rights::empty();
        // The startup entry and those of two channels: an entry that becomes free is the next one used.
        let config = Config {
            max_handles_per_process: 5,
            max_objects: 4,
            max_processes: 1,
            pool_bytes: 1 << 16,
            ..Config::default()
        };
        let thread = Thread::join(&Process::alone(&config)).unwrap();
        let (near, _far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let (to, from) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
        let find = |value| thread.lookup(value).unwrap();
        let former = find(near);
        thread.send_with_handles(find(to), none, &[], &[near], none, None).unwrap();
        let (mut bytes, mut handles) = (Vec::new(), Vec::new());
        let mut buffer = VecBuf::new(&mut bytes, &mut handles);
        thread.receive(find(from.unwrap()), none, &mut buffer, OnOverflow::Keep).unwrap();
        let present = find(handles[0].value);
        assert_eq!((present.index, present.entry.object()), (former.index, former.entry.object()));
        assert_eq!(thread.send(former, none, b"stale"), Err(Error::BadHandle));
        assert_eq!(thread.send(present, none, b"fresh"), Ok(()));
    }

    /// The second channel has the entries of the first one, and so its private halves. The first one had passed a message.
    #[test]
    fn a_new_end_starts_afresh() {
        let none = Rights::empty();
        let config = Config {
            max_handles_per_process: 3,
            max_objects: 4,
            max_processes: 1,
            pool_bytes: 1 << 16,
            ..Config::default()
        };
        let thread = Thread::join(&Process::alone(&config)).unwrap();
        for _ in 0..3 {
            let (near, far) = thread.create(ObjectClass::Channel, Rights::all()).unwrap();
            let far = far.unwrap();
            let inside = thread.inside();
            let writer = Writer::enter(&thread, thread.lookup(near).unwrap(), none, &inside).unwrap();
            assert!(!writer.cursor.ready && writer.cursor.segment.is_none());
            let reader = Reader::enter(&thread, thread.lookup(far).unwrap(), none, &inside).unwrap();
            assert!(!reader.cursor.ready && reader.cursor.segment.is_none());
            drop((writer, reader));
            drop(inside);
            thread.send(thread.lookup(near).unwrap(), none, b"first").unwrap();
            let (mut bytes, mut handles) = (Vec::new(), Vec::new());
            let mut buffer = VecBuf::new(&mut bytes, &mut handles);
            thread.receive(thread.lookup(far).unwrap(), none, &mut buffer, OnOverflow::Keep).unwrap();
            assert_eq!(bytes, b"first");
            thread.close(thread.lookup(near).unwrap()).unwrap();
            thread.close(thread.lookup(far).unwrap()).unwrap();
        }
    }
}
