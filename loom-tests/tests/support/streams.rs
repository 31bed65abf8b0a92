//! What the models of fifos and of sockets share: who has which side.

use super::{ALL, child, find, startup};
use jacinth_shm_loom::{HandleValue, Thread};

/// Two processes, each with one of these sides, which the first one has made.
pub fn two_owners(one: Thread, [near, far]: [HandleValue; 2]) -> (Thread, HandleValue, Thread, HandleValue) {
    let two = child(&one, Some(far));
    let theirs = startup(&two);
    (one, near, two, theirs)
}

/// Two processes with a handle each to one side, and the other side, which the first one has.
pub fn one_side_shared(
    one: Thread,
    [near, far]: [HandleValue; 2],
) -> (Thread, [HandleValue; 2], Thread, HandleValue) {
    let copy = one.duplicate(find(&one, near), ALL).unwrap();
    let two = child(&one, Some(copy));
    let theirs = startup(&two);
    (one, [near, far], two, theirs)
}

/// Makes the ends of a side shared.
pub fn share(thread: &Thread, side: HandleValue) {
    let second = thread.duplicate(find(thread, side), ALL).unwrap();
    thread.close(find(thread, second)).unwrap();
}
