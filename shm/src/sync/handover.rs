//! Hands one value from one thread of this process to another, visibly to race detectors.
//!
//! The standard library's channels sleep on futexes of their own, which race detectors do not see. To a race detector a
//! value that went through such a channel looks like a race, and so does the channel's memory when the other thread
//! frees it. A handover reports both to the detector. It serves rare events of a process, such as the start of its
//! library thread.

use super::{acquired, released};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct Handover<T> {
    handed: Mutex<Handed<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Handed<T> {
    value: Option<T>,
    /// The giver is gone, so no value will be put here any more.
    is_over: bool,
}

impl<T> Handover<T> {
    fn handed(&self) -> MutexGuard<'_, Handed<T>> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Handover<T> {
    fn drop(&mut self) {
        // Either thread may be the last, and then frees memory that the other has used.
        acquired(self);
    }
}

/// The end at which a value is given. If it is dropped without a value, the other end gets `None`.
#[derive(Debug)]
pub struct Giver<T>(Arc<Handover<T>>);

/// The end at which the value is taken.
#[derive(Debug)]
pub struct Taker<T>(Arc<Handover<T>>);

/// Two ends, for two threads.
#[must_use]
pub fn handover<T>() -> (Giver<T>, Taker<T>) {
    let handed = Mutex::new(Handed { value: None, is_over: false });
    let both = Arc::new(Handover { handed, changed: Condvar::new() });
    (Giver(both.clone()), Taker(both))
}

impl<T> Giver<T> {
    /// Gives the value. If the other end does not take it, the value is dropped with that end.
    pub fn give(self, value: T) {
        self.0.handed().value = Some(value);
    }
}

impl<T> Drop for Giver<T> {
    fn drop(&mut self) {
        let mut handed = self.0.handed();
        handed.is_over = true;
        released(&*self.0);
        drop(handed);
        self.0.changed.notify_one();
    }
}

impl<T> Taker<T> {
    /// Sleeps until there is a value, or the giver is gone.
    #[must_use]
    pub fn take(self) -> Option<T> {
        let handed = self.0.changed.wait_while(self.0.handed(), |handed| !handed.is_over);
        let mut handed = handed.unwrap_or_else(PoisonError::into_inner);
        acquired(&*self.0);
        handed.value.take()
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        released(&*self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_taker_gets_the_given_value() {
        let (giver, taker) = handover();
        giver.give(1);
        assert_eq!(taker.take(), Some(1));
        let (giver, taker) = handover();
        let sleeper = std::thread::spawn(move || taker.take());
        giver.give(2);
        assert_eq!(sleeper.join().unwrap(), Some(2));
    }

    #[test]
    fn a_dropped_giver_gives_none() {
        let (giver, taker) = handover::<u32>();
        let sleeper = std::thread::spawn(move || taker.take());
        drop(giver);
        assert_eq!(sleeper.join().unwrap(), None);
    }

    #[test]
    fn an_untaken_value_is_dropped() {
        let (value, (giver, taker)) = (Arc::new(()), handover());
        giver.give(value.clone());
        drop(taker);
        assert_eq!(Arc::strong_count(&value), 1);
    }
}
