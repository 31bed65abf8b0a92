//! The part that the operations on VM objects share: an object of which the survivor keeps a handle, and what is in it.

use crate::operation::fixture::{Fixture, receive_handles, startup_channel};
use crate::operation::outcome::CheckResult;
use jacinth::*;

/// The bytes of a page.
pub(super) const PAGE: u64 = 4096;
/// Bytes in each of the first two extents.
pub(super) const AT: [u64; 2] = [PAGE - 8, PAGE];

/// An object of one page that has grown to three, so that it has two extents.
pub(super) fn shared(written: bool) -> Fixture {
    let mut fixture = Fixture::new();
    let vmo = Vmo::create(PAGE).unwrap();
    vmo.set_size(3 * PAGE).unwrap();
    if written {
        write_all(&vmo, 7).unwrap();
    }
    fixture.send(vec![vmo.duplicate(Rights::SAME_RIGHTS).unwrap().into()]);
    fixture.kept.push(vmo.into());
    fixture
}

/// In the victim: its control channel and its handle.
pub(super) fn control_and_vmo() -> (Channel, Vmo) {
    let control = startup_channel();
    let vmo = receive_handles(&control).remove(0).into();
    (control, vmo)
}

/// Writes this byte in each extent.
pub(super) fn write_all(vmo: &Vmo, byte: u8) -> Result<(), Status> {
    AT.into_iter().try_for_each(|offset| vmo.write(&[byte; 8], offset))
}

/// The survivor's handle.
pub(super) fn kept(fixture: &Fixture) -> Unowned<'_, Vmo> {
    Unowned::from_raw_handle(fixture.kept[0].raw_handle())
}

/// The survivor's handle is the last one, and each byte is one of these.
pub(super) fn check_bytes(fixture: &Fixture, may_be: &[u8]) -> CheckResult {
    let vmo = kept(fixture);
    match vmo.count_info().map(|info| info.handle_count) {
        Ok(1) => {}
        count => return Err(format!("the object has {count:?} handles instead of 1")),
    }
    check_contents(&vmo, may_be)
}

/// Each byte is one of these, and the object can be written.
pub(super) fn check_contents(vmo: &Vmo, may_be: &[u8]) -> CheckResult {
    for offset in AT {
        let bytes = vmo.read_to_object::<[u8; 8]>(offset);
        if !bytes.is_ok_and(|bytes| bytes.iter().all(|byte| may_be.contains(byte))) {
            return Err(format!("at {offset} are {bytes:?}, and not {may_be:?}"));
        }
    }
    // Both extents can be written, also if the dead process has linked them.
    write_all(vmo, 9).map_err(|status| format!("writing: {status}"))?;
    let bytes = vmo.read_to_object::<[u8; 8]>(AT[1]);
    if bytes == Ok([9; 8]) { Ok(()) } else { Err(format!("written bytes are {bytes:?}")) }
}
