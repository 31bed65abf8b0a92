//! The second handle to a side makes its ends shared.

use crate::arena::error::Result;
use crate::arena::record::stream::StreamWords;
use crate::arena::word::handle::Rights;
use crate::handle::lookup::{HandleName, ResolvedHandle};
use crate::object::stream::end::{Reader, Writer};
use crate::object::stream::write;
use crate::process::thread::{Thread, crash_point};
use crate::sync::Relaxed;

/// Makes the ends of the side shared, before it gets a second handle. The process that does so is their only owner, so it
/// waits for no other.
pub(crate) fn share(thread: &Thread, found: ResolvedHandle) -> Result<()> {
    let (inside, name) = (thread.inside(), HandleName::Found(found));
    let Some(mut writer) = Writer::enter_bound(thread, name, Rights::empty(), &inside, |denied| denied)?
    else {
        return Ok(());
    };
    let Some(mut reader) = Reader::enter_bound(thread, name, Rights::empty(), &inside, |denied| denied)?
    else {
        return Ok(());
    };
    write::close_ring(&mut writer)?;
    crash_point!(thread, "share.closed");
    // Relaxed: no thread relies on it to know that the ring is closed (`Stream::is_shared`). If this thread dies between the two
    // stores, whichever took effect, the side ends, and its peer reads an open ring as far as the tail says.
    StreamWords::of(writer.direction()).sharing().store(1, Relaxed);
    crash_point!(thread, "share.stored");
    // Under both locks: a thread that waits for one of them finds the half not bound, and goes the shared way.
    writer.endpoint.leave(&mut writer.cursor, &mut reader.cursor, None);
    Ok(())
}
