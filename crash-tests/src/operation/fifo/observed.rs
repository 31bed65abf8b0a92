//! Writing and reading where the survivor's port observes the fifo.

use crate::operation::fifo::scene::{
    OWN, Shared, control_and_end, elements, fifo, read_all, skip, write, write_bytes,
};
use crate::operation::fixture::{Fixture, signals_of};
use crate::operation::outcome::{CheckResult, Outcome};
use crate::operation::spec::OperationSpec;
use crate::ports;
use jacinth::*;

/// The guarantee.
const FIRES: &str =
    "each observer of the survivor has a packet if its signal was asserted, and none otherwise";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        written("fifo_port_write", Shared::Neither).exercises_recovery(),
        written("fifo_port_write_shared", Shared::Theirs).exercises_recovery(),
        read("fifo_port_read", Shared::Neither),
        read("fifo_port_read_shared", Shared::Both),
    ]
}

/// The survivor's port observes its end for `signals`. The port is the last that the survivor keeps.
fn observed(mut fixture: Fixture, signals: Signals) -> Fixture {
    let port = ports::create();
    ports::observe_in_both_modes(&fixture.kept[OWN], &port, signals);
    fixture.kept.push(port);
    fixture
}

fn check_fired(fixture: &Fixture, is_asserted: bool) -> CheckResult {
    let mut keys = ports::take_all(fixture.kept.last().expect("a port"))?;
    keys.sort_unstable();
    let expected: &[u64] = if is_asserted { &[1, 2] } else { &[] };
    if keys == expected {
        Ok(())
    } else {
        Err(format!("the signal was asserted: {is_asserted}; packets {keys:?} instead of {expected:?}"))
    }
}

fn written(name: &str, shared: Shared) -> OperationSpec {
    OperationSpec::new(name, FIRES)
        .set_up(move || observed(fifo(shared, |_, _| {}), Signals::FIFO_READABLE))
        .prepare(|| {
            let ((control, end), elements) = (control_and_end(), elements(0..2));
            move || {
                assert_eq!(write_bytes(&end, &elements), Ok(2));
                (end, control)
            }
        })
        .check(|fixture, outcome| {
            let is_there = signals_of(&fixture.kept[OWN]).contains(Signals::FIFO_READABLE);
            if outcome == Outcome::Finished && !is_there {
                return Err("elements that were written are not there".into());
            }
            check_fired(fixture, is_there)?;
            let (numbers, _) = read_all(&fixture.kept[OWN])?;
            if numbers.is_empty() == is_there {
                return Err(format!("it is {is_there} that the fifo was readable, and it had {numbers:?}"));
            }
            Ok(())
        })
}

/// Of a full fifo. The end that the victim alone has closes with its death, so that there is room for a moment only.
fn read(name: &str, shared: Shared) -> OperationSpec {
    OperationSpec::new(name, FIRES)
        .set_up(move || {
            let full =
                fifo(shared, |ours, _| assert_eq!((write(ours, 0..2), write(ours, 2..4)), (Ok(2), Ok(2))));
            observed(full, Signals::FIFO_WRITABLE)
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                assert_eq!(skip(&end, 2), Ok(2));
                (end, control)
            }
        })
        .check(move |fixture, outcome| {
            if shared == Shared::Both {
                let has_room = signals_of(&fixture.kept[OWN]).contains(Signals::FIFO_WRITABLE);
                if outcome == Outcome::Finished && !has_room {
                    return Err("elements that were read are still there".into());
                }
                return check_fired(fixture, has_room);
            }
            // The survivor does not see whether the read was complete.
            let keys = ports::take_all(fixture.kept.last().expect("a port"))?;
            if keys.len() == 2 || outcome == Outcome::Killed && keys.is_empty() {
                return Ok(());
            }
            Err(format!("packets {keys:?} after a read from a full fifo"))
        })
}
