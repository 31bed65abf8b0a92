//! Reading and writing the data of a socket, at either kind of end.

use crate::arena::error::Result;
use crate::arena::word::handle::Rights;
use crate::handle::lookup::HandleName;
use crate::object::ObjectClass;
use crate::object::stream::read::Taking;
use crate::object::stream::{end, read, read_shared, write, write_shared};
use crate::process::thread::Thread;
use core::mem::MaybeUninit;

/// Writes as many bytes as there is room for, or a datagram. How many.
#[inline]
pub(crate) fn write(thread: &Thread, socket: HandleName, rights: Rights, bytes: &[u8]) -> Result<usize> {
    {
        let inside = thread.inside();
        if let Some(mut writer) = end::enter(thread, socket, ObjectClass::Socket, rights, &inside)? {
            return write::write(&mut writer, true, bytes, |_| Ok(()));
        }
    }
    end::with_shared(thread, socket, ObjectClass::Socket, rights, |side| {
        write_shared::write(thread, side, bytes, |_| Ok(()))
    })
}

/// Reads as many bytes as there are and fit, or the first datagram. How many.
#[inline]
pub(crate) fn read(
    thread: &Thread,
    socket: HandleName,
    rights: Rights,
    taking: Taking,
    out: &mut [MaybeUninit<u8>],
) -> Result<usize> {
    {
        let inside = thread.inside();
        if let Some(mut reader) = end::enter(thread, socket, ObjectClass::Socket, rights, &inside)? {
            return read::read(&mut reader, true, taking, out, |_| Ok(()));
        }
    }
    // As in Zircon, a read of no bytes leaves the datagram.
    let taking = if out.is_empty() { Taking::Peek } else { taking };
    end::with_shared(thread, socket, ObjectClass::Socket, rights, |side| {
        read_shared::read(thread, side, taking, out, |_| Ok(()))
    })
}
