//! Shutdown of both directions. The victim's end has bytes unread, and so has the survivor's.

use crate::operation::fixture::signals_of;
use crate::operation::outcome::Outcome;
use crate::operation::socket::scene::{OWN, SHARED, bytes, control_and_end, read_each, socket, write};
use crate::operation::spec::OperationSpec;
use jacinth::*;

/// The guarantee.
const ENDED: &str =
    "each direction is ended or goes on: one that is ended gives what was written, and takes no more";

pub(super) fn operations() -> Vec<OperationSpec> {
    vec![
        shutdown("socket_shutdown", true, Signals::SOCKET_PEER_WRITE_DISABLED).exercises_recovery(),
        shutdown("socket_shutdown_read", true, Signals::SOCKET_WRITE_DISABLED).mark_variant(),
        shutdown("socket_shutdown_exclusive", false, Signals::SOCKET_PEER_WRITE_DISABLED),
    ]
}

/// The survivor sleeps until it has been told of one of the directions.
fn shutdown(name: &str, is_shared: bool, told: Signals) -> OperationSpec {
    OperationSpec::new(name, ENDED)
        .set_up(move || {
            let mut fixture = socket(SocketOpts::STREAM, is_shared, |ours, theirs| {
                assert_eq!((write(ours, &bytes(0..5)), write(theirs, &bytes(0..6))), (Ok(5), Ok(6)));
            });
            fixture.sleep_on(fixture.kept[OWN].raw_handle(), told);
            fixture
        })
        .prepare(|| {
            let (control, end) = control_and_end();
            move || {
                let both = SocketShutdown::READ | SocketShutdown::WRITE;
                assert_eq!(raw::socket_shutdown(end.raw_handle(), both), Ok(()));
                (end, control)
            }
        })
        .check(move |fixture, outcome| {
            let own = &fixture.kept[OWN];
            let told = signals_of(own);
            let is_over = [Signals::SOCKET_PEER_WRITE_DISABLED, Signals::SOCKET_WRITE_DISABLED]
                .map(|signal| told.contains(signal));
            if outcome == Outcome::Finished && is_over != [true, true] {
                return Err(format!("the survivor was told {told:?}"));
            }
            if !is_shared {
                let (reads, end) = read_each(own);
                let is_right = reads == [bytes(0..6)] && end == Status::PEER_CLOSED;
                return if is_right { Ok(()) } else { Err(format!("{reads:?}, and {end}")) };
            }
            let theirs = &fixture.kept[SHARED];
            for (is_over, from, to, unread) in [(is_over[0], theirs, own, 6), (is_over[1], own, theirs, 5)] {
                let written = write(from, &bytes(unread..9));
                let (reads, end) = read_each(to);
                let expected = if is_over {
                    (Err(Status::BAD_STATE), bytes(0..unread), Status::BAD_STATE)
                } else {
                    (Ok(9 - unread), bytes(0..9), Status::SHOULD_WAIT)
                };
                let found = (written, reads.concat(), end);
                if found != expected {
                    return Err(format!("{found:?} instead of {expected:?}"));
                }
            }
            Ok(())
        })
}
