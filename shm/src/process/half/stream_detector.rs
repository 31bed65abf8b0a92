//! Whether the messages of a direction come to its reader one at a time or in a stream, as far as the last looks tell. The
//! reader looks for them in another way in each case (`object/channel/read/reader.rs`).
//!
//! Looks that find a message at once do not tell the two apart: one thread that writes and reads in turn also finds each
//! message at once. So the reader tries what it does in a stream after some such looks, and after twice as many each time
//! that it was in vain. A look that finds none halves their number, since that thread has no such look; a look that finds
//! several ends the doubt.

/// How many consecutive looks find a message at once before the reader takes the messages for a stream.
const LEAST: u32 = 2;

/// The most that this number grows to.
const MOST: u32 = 32;

/// The looks of a reader.
#[derive(Debug)]
pub(crate) struct StreamDetector {
    /// How many looks in a row have found a message at once.
    found_at_once: u32,
    /// With so many of them messages come in a stream.
    needed: u32,
}

impl Default for StreamDetector {
    fn default() -> Self {
        Self { found_at_once: 0, needed: LEAST }
    }
}

impl StreamDetector {
    #[inline(always)]
    pub(crate) fn is_stream(&self) -> bool {
        self.found_at_once >= self.needed
    }

    /// A look at a slot, outside of a stream, has found a message.
    #[inline(always)]
    pub(crate) fn note_one(&mut self) {
        self.found_at_once += 1;
    }

    /// A look at a slot has found no message.
    pub(crate) fn note_none(&mut self) {
        if self.found_at_once > 0 {
            self.needed = (self.needed / 2).max(LEAST);
            self.found_at_once = 0;
        }
    }

    /// A look at the tail has found several messages.
    pub(crate) fn note_several(&mut self) {
        *self = Self { found_at_once: LEAST, needed: LEAST };
    }

    /// A look at the tail, in a stream, has found no message; or it `found_one`, which a look at its slot would have found.
    pub(crate) fn note_end_of_stream(&mut self, found_one: bool) {
        self.found_at_once = 0;
        if found_one {
            self.needed = (2 * self.needed).min(MOST);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// How many of so many messages one thread takes for a stream, if it writes and reads in turn.
    fn in_turn(detector: &mut StreamDetector, messages: u32) -> usize {
        let read_one = |_: &u32| {
            let tries_stream = detector.is_stream();
            if tries_stream {
                detector.note_end_of_stream(true)
            } else {
                detector.note_one()
            }
            tries_stream
        };
        (0..messages).filter(read_one).count()
    }

    /// After how many of the messages that lie there the reader takes them for a stream.
    fn seen_after(detector: &mut StreamDetector) -> u32 {
        (0..).find(|_| detector.is_stream() || (detector.note_one(), false).1).unwrap()
    }

    #[test]
    fn messages_in_turn_are_no_stream() {
        let mut detector = StreamDetector::default();
        in_turn(&mut detector, 100);
        assert_eq!(in_turn(&mut detector, 330), 10);
    }

    #[test]
    fn bursts_become_a_stream_again() {
        let mut detector = StreamDetector::default();
        in_turn(&mut detector, 100);
        for expected in [16, 8, 4, 2, 2] {
            detector.note_one();
            detector.note_none();
            assert_eq!(seen_after(&mut detector), expected);
            detector.note_end_of_stream(false);
        }
    }

    #[test]
    fn several_messages_end_the_doubt() {
        let mut detector = StreamDetector::default();
        in_turn(&mut detector, 100);
        detector.note_several();
        assert!(detector.is_stream());
        detector.note_end_of_stream(false);
        assert_eq!(seen_after(&mut detector), LEAST);
    }
}
