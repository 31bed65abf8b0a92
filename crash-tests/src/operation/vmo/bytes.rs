//! A VM object is made, its bytes and its size change, and its last handle is closed.

use crate::operation::fixture::{startup_channel, warm_up_creation};
use crate::operation::guarantee::{CLOSE, CREATE};
use crate::operation::outcome::Outcome;
use crate::operation::spec::OperationSpec;
use crate::operation::vmo::scene::{AT, PAGE, check_bytes, control_and_vmo, kept, shared, write_all};
use jacinth::*;

const WHOLE: &str = "the size is the old one with all bytes, or the new one, and bytes that were cut are 0";

pub(super) fn operations() -> Vec<OperationSpec> {
    let first = "bytes are written or 0, and no extent is lost";
    let again = "bytes are the new ones or the old ones";
    vec![
        create(),
        write("vmo_write_first", first, false).exercises_recovery(),
        write("vmo_write", again, true),
        shrink(),
        grow(),
        decommit(),
        close(),
    ]
}

fn create() -> OperationSpec {
    OperationSpec::new("create_vmo", CREATE).prepare(|| {
        warm_up_creation(startup_channel());
        || Vmo::create(2 * PAGE).unwrap()
    })
}

/// A write to bytes that are 0 without memory, or that were written before.
fn write(name: &str, guarantee: &'static str, was_written: bool) -> OperationSpec {
    OperationSpec::new(name, guarantee)
        .set_up(move || shared(was_written))
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            move || {
                write_all(&vmo, 8).unwrap();
                (vmo, control)
            }
        })
        .check(move |fixture, outcome| {
            let (after, before) = (8, if was_written { 7 } else { 0 });
            // A write that has finished leaves none of the bytes before it.
            check_bytes(fixture, &[after, if outcome == Outcome::Finished { after } else { before }])
        })
}

fn shrink() -> OperationSpec {
    OperationSpec::new("vmo_shrink", WHOLE)
        .set_up(|| shared(true))
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            move || {
                vmo.set_size(PAGE).unwrap();
                (vmo, control)
            }
        })
        .check(|fixture, outcome| {
            let vmo = kept(fixture);
            let size = vmo.get_size().map_err(|status| format!("the size: {status}"))?;
            if size == 3 * PAGE && outcome != Outcome::Finished {
                return check_bytes(fixture, &[7]);
            }
            if size != PAGE {
                return Err(format!("the size is {size}"));
            }
            vmo.set_size(3 * PAGE).map_err(|status| format!("growing: {status}"))?;
            let cut = vmo.read_to_object::<[u8; 8]>(AT[1]);
            if cut != Ok([0; 8]) {
                return Err(format!("the bytes that were cut are {cut:?}"));
            }
            check_bytes(fixture, &[0, 7])
        })
        .exercises_recovery()
}

fn grow() -> OperationSpec {
    OperationSpec::new("vmo_grow", WHOLE)
        .set_up(|| shared(true))
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            move || {
                vmo.set_size(20 * PAGE).unwrap();
                (vmo, control)
            }
        })
        .check(|fixture, outcome| match kept(fixture).get_size() {
            Ok(size) if size == 20 * PAGE || size == 3 * PAGE && outcome != Outcome::Finished => {
                check_bytes(fixture, &[7])
            }
            size => Err(format!("the size is {size:?}")),
        })
}

fn decommit() -> OperationSpec {
    OperationSpec::new("vmo_decommit", "each page is as it was, or 0")
        .set_up(|| shared(true))
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            move || {
                vmo.op_range(VmoOp::DECOMMIT, 0, 2 * PAGE).unwrap();
                (vmo, control)
            }
        })
        .check(|fixture, outcome| {
            check_bytes(fixture, if outcome == Outcome::Finished { &[0] } else { &[0, 7] })
        })
}

fn close() -> OperationSpec {
    OperationSpec::new("close_vmo", CLOSE).prepare(|| {
        let control = startup_channel();
        let vmo = Vmo::create(PAGE).unwrap();
        vmo.set_size(3 * PAGE).unwrap();
        write_all(&vmo, 7).unwrap();
        move || {
            drop(vmo);
            control
        }
    })
}
