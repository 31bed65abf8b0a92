//! The calls of one client: its requests, the check of each reply, and the time that each took.
//!
//! A request names its client and its number, and the reply has to bring both back: a service that mixes up replies fails.
//! The first eight bytes are left to the service: jacinth's transaction id stands there.

use crate::measure::window::{Window, now_ns};
use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use rustix::time::ClockId;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// The bytes of a request and of its reply.
pub const BYTES: usize = 64;

/// A request or a reply.
pub type Message = [u8; BYTES];

/// No call takes longer: an hour.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// A distribution of the times of calls, in nanoseconds, to a hundredth. A client's fits into one message of its link.
pub fn distribution() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LONGEST_NS, 2)?)
}

/// The calls of a client, counted.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tally {
    /// All calls, those of the warm-up included.
    pub calls: u64,
    /// The calls within the window: nanoseconds, and how many took so long.
    pub each: Vec<(u64, u64)>,
    /// The processor time of the client during all calls, of all its threads, in nanoseconds.
    pub cpu_ns: u64,
}

/// A client's calls, one after another.
pub struct Calls {
    client: u64,
    from: Instant,
    until: Instant,
    cpu_before_ns: u64,
    cpu_ns: u64,
    /// When the last reply came, which is when the next request goes.
    last: Instant,
    calls: u64,
    each: Histogram<u64>,
}

/// The words of a request, after the service's own.
const CLIENT: std::ops::Range<usize> = 8..16;
const NUMBER: std::ops::Range<usize> = 16..24;
/// The number of a client's goodbye.
const GOODBYE: u64 = u64::MAX;

impl Calls {
    /// The calls of this client; they begin now.
    pub fn begin(client: usize, window: Window) -> Result<Self> {
        Ok(Self {
            client: client as u64,
            from: window.from(),
            until: window.until(),
            cpu_before_ns: now_ns(ClockId::ProcessCPUTime),
            cpu_ns: 0,
            last: Instant::now(),
            calls: 0,
            each: distribution()?,
        })
    }

    /// The next request; `None` when the time is over.
    #[inline]
    pub fn next_request(&mut self) -> Option<Message> {
        if self.last >= self.until {
            self.cpu_ns = now_ns(ClockId::ProcessCPUTime) - self.cpu_before_ns;
            return None;
        }
        Some(self.request(self.calls))
    }

    /// Looks at the reply to the last request.
    #[inline]
    pub fn replied(&mut self, reply: &[u8]) -> Result<()> {
        let now = Instant::now();
        let came = (reply.len(), word(reply, CLIENT), word(reply, NUMBER));
        let wanted = (BYTES, Some(self.client), Some(self.calls));
        ensure!(came == wanted, "a reply of (bytes, client, call) {came:?} came, not {wanted:?}");
        if self.last >= self.from && now <= self.until {
            self.each.saturating_record((now - self.last).as_nanos() as u64);
        }
        self.calls += 1;
        self.last = now;
        Ok(())
    }

    /// The last request of a client whose service does not notice that a client is gone. It is no call.
    pub fn goodbye(&self) -> Message {
        self.request(GOODBYE)
    }

    /// The sum of all calls.
    pub fn tally(&self) -> Tally {
        let each = self.each.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()));
        Tally { calls: self.calls, each: each.collect(), cpu_ns: self.cpu_ns }
    }

    fn request(&self, number: u64) -> Message {
        let mut request = [0x5a; BYTES];
        request[CLIENT].copy_from_slice(&self.client.to_le_bytes());
        request[NUMBER].copy_from_slice(&number.to_le_bytes());
        request
    }
}

/// The client that has sent a request.
pub fn client_of(request: &[u8]) -> Option<usize> {
    word(request, CLIENT)?.try_into().ok()
}

/// Whether a request is a client's goodbye.
pub fn is_goodbye(request: &[u8]) -> bool {
    word(request, NUMBER) == Some(GOODBYE)
}

fn word(message: &[u8], at: std::ops::Range<usize>) -> Option<u64> {
    Some(u64::from_le_bytes(message.get(at)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn calls(client: usize) -> Calls {
        Calls::begin(client, Window::after(Duration::ZERO, Duration::from_secs(3600))).unwrap()
    }

    #[test]
    fn reply_brings_its_request_back() {
        let mut calls = calls(3);
        for number in 0..5 {
            let request = calls.next_request().unwrap();
            assert_eq!((client_of(&request), is_goodbye(&request)), (Some(3), false));
            calls.replied(&request).unwrap();
            assert_eq!(calls.tally().calls, number + 1);
        }
        let counted: u64 = calls.tally().each.iter().map(|(_, count)| count).sum();
        assert_eq!(counted, 5);
        assert!(is_goodbye(&calls.goodbye()));
    }

    #[test]
    fn replies_of_others_are_refused() {
        let mut calls = calls(3);
        let first = calls.next_request().unwrap();
        let of_other = self::calls(4).next_request().unwrap();
        assert!(calls.replied(&of_other).is_err());
        assert!(calls.replied(&first[..BYTES - 1]).is_err());
        assert!(calls.replied(&[]).is_err());
        calls.replied(&first).unwrap();
        assert!(calls.replied(&first).is_err(), "the reply to an earlier call");
    }

    #[test]
    fn calls_outside_the_window_do_not_count() {
        let later = Window::after(Duration::from_secs(3600), Duration::from_secs(1));
        let mut calls = Calls::begin(0, later).unwrap();
        let request = calls.next_request().unwrap();
        calls.replied(&request).unwrap();
        let tally = calls.tally();
        assert_eq!((tally.calls, tally.each), (1, vec![]));
        let over = Window { from_ns: 0, until_ns: 1 };
        assert!(Calls::begin(0, over).unwrap().next_request().is_none());
    }
}
