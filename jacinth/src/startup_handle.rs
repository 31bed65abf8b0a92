//! The bootstrap handle that a spawner gives to a program.

use crate::attachment::current_process::Origin;
use crate::attachment::error::AttachError;
use crate::attachment::join::attachment;
use crate::handle::NullableHandle;

/// The bootstrap handle that this program's spawner gave it, or that waited in its [`Seat`](crate::Seat). It can be taken
/// once.
///
/// A program that was spawned into an arena is attached by its first call, usually this one. The handle is the first one
/// that the process has; the process asks for all others through it. Follows `docs/syscalls/process_start.md`.
///
/// # Errors
/// - [`AttachError::NotAttached`]: the program was not spawned into an arena, and has joined none.
/// - [`AttachError::NotSpawned`]: the program made its arena, or joined it by itself.
/// - [`AttachError::LostSeat`]: the slot in its environment was not to be had. The error says why, and the program is attached
///   without it.
/// - [`AttachError::BadSlot`]: the text of the slot is malformed. The program is not attached.
/// - [`AttachError::Forked`] in a child that was forked from an attached process.
/// - [`AttachError::NoStartupHandle`] from the second call on, or if its [`Seat`](crate::Seat) has no startup handle.
///
/// ```no_run
/// # use jacinth::*;
/// let parent: Channel = take_startup_handle()?.into();
/// parent.write(b"here I am", &mut [])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn take_startup_handle() -> Result<NullableHandle, AttachError> {
    let attachment = attachment()?;
    match attachment.origin {
        Origin::Seated => {}
        Origin::LostItsSeat(token, reason) => {
            return Err(AttachError::LostSeat { seat: token.to_string(), reason });
        }
        Origin::Created | Origin::Joined => return Err(AttachError::NotSpawned),
    }
    attachment.take_startup_handle().map(NullableHandle::from_raw).ok_or(AttachError::NoStartupHandle)
}
