//! The values of the handles that a process gets next, as a program can work them out.

use jacinth::*;

/// How many of the next values are tried.
const TRIED: u32 = 64;

/// The values that follow that of a handle which was just made.
pub struct GuessedValues {
    last: u32,
    step: u32,
}

/// Its own inverse.
fn mixed(value: u32) -> u32 {
    value ^ value >> 16
}

impl GuessedValues {
    /// The values of the handles that are made from here on.
    pub fn from_here() -> Self {
        let [first, last] = [(); 2].map(|()| Event::create().into_raw());
        let step = mixed(last).wrapping_sub(mixed(first));
        raw::close(first).unwrap();
        Self { last: mixed(last), step }
    }

    /// Closes every handle that has such a value: there must be none but the one from which the guesses begin.
    pub fn close_all(self) {
        let guesses = (0..TRIED).map(|number| mixed(self.last.wrapping_add(self.step.wrapping_mul(number))));
        let closed = guesses.filter(|guess| raw::close(*guess).is_ok()).count();
        assert_eq!(closed, 1, "only the event from which the guesses start");
    }
}
