//! The limits of the machine. Every run measures them, so that the figures of two machines can be laid side by side.

use super::definition::Measured;
use crate::measure::Alone;
use crate::measure::Unit;
use crate::measure::limit::cache_line::CacheLine;
use crate::measure::limit::kernel::NullCall;
use crate::measure::limit::memcpy::Memcpy;

const KIB: usize = 1024;
pub(super) static NULL_CALL: Alone<NullCall> = Alone::new("each");
pub(super) static MEMCPY_1K: Alone<Memcpy<KIB>> = Alone::new("rate_1KiB");
pub(super) static MEMCPY_64K: Alone<Memcpy<{ 64 * KIB }>> = Alone::new("rate_64KiB");

/// A limit of the machine.
pub struct Limit {
    /// Its name in reports.
    pub name: &'static str,
    /// A description of the figure.
    pub about: &'static str,
    /// The measurement.
    pub measured: Measured,
}

impl Limit {
    /// A value of the measurement as the nanoseconds of one.
    pub fn nanoseconds(&self, value: f64) -> f64 {
        match self.measured.unit() {
            Unit::Nanoseconds => value,
            Unit::MessagesPerSecond | Unit::BytesPerSecond | Unit::CallsPerSecond => 1e9 / value,
        }
    }
}

/// The limits, in the order of the report.
pub static LIMITS: &[Limit] = &[
    Limit {
        name: "line_round_trip",
        about: "a cache line to the other processor and back",
        measured: &CacheLine,
    },
    Limit { name: "memcpy_1KiB", about: "1 KiB copied within one processor's caches", measured: &MEMCPY_1K },
    Limit {
        name: "memcpy_64KiB",
        about: "64 KiB copied within one processor's caches",
        measured: &MEMCPY_64K,
    },
    Limit { name: "null_system_call", about: "the cheapest system call", measured: &NULL_CALL },
];
