//! Clones of VM objects. The survivor keeps the object that is cloned, or the clone.

use crate::operation::fixture::{Fixture, receive_handles, signals_of, startup_channel};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use crate::operation::vmo::scene::{
    PAGE, check_bytes, check_contents, control_and_vmo, kept, shared, write_all,
};
use jacinth::*;

/// The guarantee of a clone that dies with the victim.
const CLONE: &str = "no clone is left, the object's bytes are the same, and the survivor clones it again";
/// The guarantee of a clone that is sent.
const SENT: &str = "the clone comes with all bytes, or none is left";
/// The guarantee of closing the last clone.
const CLOSE_CLONE: &str = "the object has ZERO_CHILDREN, and who sleeps for it is awake";
/// The guarantee of closing an object that was cloned.
const CLOSE_PARENT: &str = "the clone keeps its bytes";

/// The place, in the fixture's list, of the survivor's clone.
const CHILD: usize = 1;

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        // The block for the clones comes with it.
        clone("vmo_clone_first", false).exercises_recovery(),
        clone("vmo_clone", true),
        clone_and_send(),
        close_clone().exercises_recovery(),
        close_parent().exercises_recovery(),
    ]
}

fn clone_of(vmo: &Vmo) -> Result<Vmo, Status> {
    vmo.create_child(VmoChildOptions::COPY_ON_WRITE, 0, 3 * PAGE)
}

fn check_childless(vmo: &Vmo) -> CheckResult {
    if signals_of(vmo).contains(Signals::VMO_ZERO_CHILDREN) {
        Ok(())
    } else {
        Err("the object has a clone, and no process has it".into())
    }
}

/// The object can be cloned: the clone is known while it lives, and has the object's bytes.
fn check_clones_again(vmo: &Vmo) -> CheckResult {
    write_all(vmo, 5).map_err(|status| format!("writing: {status}"))?;
    let child = clone_of(vmo).map_err(|status| format!("cloning: {status}"))?;
    if signals_of(vmo).contains(Signals::VMO_ZERO_CHILDREN) {
        return Err("the survivor's clone is not known".into());
    }
    check_contents(&child, &[5])?;
    check_contents(vmo, &[5])?;
    drop(child);
    check_childless(vmo)
}

/// The victim clones the survivor's object, which the survivor has cloned already or not.
fn clone(name: &str, has_child: bool) -> OperationSpec {
    OperationSpec::new(name, CLONE)
        .set_up(move || {
            let mut fixture = shared(true);
            if has_child {
                let child = clone_of(&kept(&fixture)).expect("a clone");
                fixture.kept.push(child.into());
            }
            fixture
        })
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            move || {
                let child = clone_of(&vmo).unwrap();
                (child, vmo, control)
            }
        })
        .handle_delta(1)
        .check(move |fixture, _| {
            if has_child {
                if signals_of(&*kept(fixture)).contains(Signals::VMO_ZERO_CHILDREN) {
                    return Err("the survivor's clone is not known any more".into());
                }
                check_contents(&Vmo::from(fixture.kept.remove(CHILD)), &[7])?;
            }
            check_childless(&kept(fixture))?;
            check_bytes(fixture, &[7])?;
            check_clones_again(&kept(fixture))
        })
}

/// The victim clones the survivor's object, and sends the clone.
fn clone_and_send() -> OperationSpec {
    OperationSpec::new("vmo_clone_sent", SENT)
        .set_up(|| shared(true))
        .prepare(|| {
            let (control, vmo) = control_and_vmo();
            move || {
                let child = clone_of(&vmo).unwrap();
                control.write(b"a clone", &mut [child.into()]).unwrap();
                (vmo, control)
            }
        })
        .handle_delta(0)
        .check(|fixture, outcome| {
            let mut message = MessageBuf::new();
            match fixture.control.read(&mut message) {
                Ok(()) => {
                    fixture.check_whole(&message, b"a clone", 1)?;
                    let child = Vmo::from(message.take_handle(0).ok_or("no clone came")?);
                    if signals_of(&*kept(fixture)).contains(Signals::VMO_ZERO_CHILDREN) {
                        return Err("the clone that came is not known".into());
                    }
                    check_contents(&child, &[7])?;
                }
                Err(Status::PEER_CLOSED) if outcome == Outcome::Killed => {}
                Err(status) => return Err(format!("reading the victim's message: {status}")),
            }
            check_childless(&kept(fixture))?;
            check_bytes(fixture, &[7])?;
            check_clones_again(&kept(fixture))
        })
}

/// The victim has the only handle to a clone of the survivor's object, and closes it.
fn close_clone() -> OperationSpec {
    OperationSpec::new("close_vmo_clone", CLOSE_CLONE)
        .set_up(|| {
            let mut fixture = Fixture::new();
            let vmo = Vmo::create(3 * PAGE).expect("a VM object");
            write_all(&vmo, 7).expect("memory");
            fixture.send(vec![clone_of(&vmo).expect("a clone").into()]);
            fixture.sleep(&vmo, Signals::VMO_ZERO_CHILDREN);
            fixture.kept.push(vmo.into());
            fixture
        })
        .prepare(|| {
            let (control, child) = control_and_vmo();
            move || {
                drop(child);
                control
            }
        })
        .handle_delta(-1)
        .check(|fixture, _| {
            check_childless(&kept(fixture))?;
            check_bytes(fixture, &[7])?;
            check_clones_again(&kept(fixture))
        })
}

/// The victim has the only handle to an object that the survivor's was cloned of, and closes it.
fn close_parent() -> OperationSpec {
    OperationSpec::new("close_vmo_cloned", CLOSE_PARENT)
        .set_up(|| {
            let mut fixture = Fixture::new();
            let vmo = Vmo::create(3 * PAGE).expect("a VM object");
            write_all(&vmo, 7).expect("memory");
            fixture.kept.push(clone_of(&vmo).expect("a clone").into());
            fixture.send(vec![vmo.into()]);
            fixture
        })
        .prepare(|| {
            let control = startup_channel();
            let parent = receive_handles(&control).remove(0);
            move || {
                drop(parent);
                control
            }
        })
        .handle_delta(-1)
        .check(|fixture, _| {
            check_bytes(fixture, &[7])?;
            check_clones_again(&kept(fixture))
        })
}
