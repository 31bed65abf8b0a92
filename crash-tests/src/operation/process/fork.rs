//! A child forked from an attached process, without exec: its calls fail cleanly, and neither its exit nor its death
//! touches the parent's handles.

use crate::operation::fixture::{Fixture, signals_of};
use crate::operation::outcome::CheckResult;
use crate::operation::spec::{EntryMode, OperationSpec};
use jacinth::*;
use std::sync::Mutex;

/// The values of the survivor's handles. The child inherits them with the rest of the memory.
static INHERITED: Mutex<Vec<u32>> = Mutex::new(Vec::new());

pub fn inherited() -> Vec<u32> {
    INHERITED.lock().unwrap().clone()
}

const GUARANTEE: &str = "the parent's handles are as before, and no process was recovered";

/// An event and two ends of a channel with a message in it.
fn survivors_handles() -> Fixture {
    let mut fixture = Fixture::awaiting_close();
    let event = Event::create();
    let (first, second) = Channel::create();
    second.write(b"for the parent", &mut []).unwrap();
    fixture.kept.extend([event.into(), first.into(), second.into()]);
    *INHERITED.lock().unwrap() = fixture.kept.iter().map(NullableHandle::raw_handle).collect();
    fixture
}

fn check_unchanged(fixture: &mut Fixture) -> CheckResult {
    if fixture.kept.iter().any(|handle| raw::check_valid(handle.raw_handle()).is_err()) {
        return Err("a handle of the parent is gone".into());
    }
    let mut bytes = [0; 14];
    let (result, _) = raw::channel_read(fixture.kept[1].raw_handle(), OnOverflow::Keep, &mut bytes, &mut []);
    if result.is_err() || &bytes != b"for the parent" {
        return Err(format!("the parent's message gave {result:?}"));
    }
    let more = signals_of(&fixture.kept[1]) | signals_of(&fixture.kept[2]);
    if more.intersects(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED) {
        return Err(format!("the parent's channel asserts {more:?}"));
    }
    Ok(())
}

/// The operations in a forked child.
pub fn operations() -> Vec<OperationSpec> {
    let calls = OperationSpec::new("fork_calls", GUARANTEE)
        .entry(EntryMode::Forked)
        .set_up(survivors_handles)
        .prepare(|| {
            let values = inherited();
            move || {
                let [event, first, second] = values[..] else { panic!("three handles") };
                let refused = Err(Status::BAD_STATE);
                assert!(!is_attached());
                assert_eq!(raw::check_valid(event), refused);
                assert_eq!(raw::close(event), refused);
                assert_eq!(raw::close_many(&[first, second]), refused);
                assert_eq!(raw::duplicate(event, Rights::SAME_RIGHTS), Err(Status::BAD_STATE));
                assert_eq!(raw::signal(event, Signals::NONE, Signals::USER_0), refused);
                assert_eq!(raw::channel_write(first, b"from the child", &[event]), refused);
                assert_eq!(Channel::try_create().map(drop), refused);
                // The child does not own these handles: dropping them has no effect.
                drop(values.into_iter().map(NullableHandle::from_raw).collect::<Vec<_>>());
            }
        })
        .check(|fixture, _| check_unchanged(fixture));
    let exit = OperationSpec::new("fork_exit", GUARANTEE)
        .entry(EntryMode::Forked)
        .exit_code(0)
        .set_up(survivors_handles)
        .prepare(|| || -> () { std::process::exit(0) })
        .check(|fixture, _| check_unchanged(fixture));
    vec![calls, exit]
}
