//! What is measured: one file for each thing, with both of its sides.
//!
//! * `limit/`: what the machine itself can do, with nothing promised: a cache line, a bare ring, a futex;
//! * `peer/`: what a program would use without jacinth;
//! * `jacinth/`: jacinth, with full handle and rights checks in every call.
//!
//! Whatever carries messages of one size is a [`Carrier`] (inside one process a [`Pair`]), and is measured by the same two
//! loops as all the others ([`RoundTrip`], [`Stream`]); what one process does by itself is an [`Operation`]; what does not
//! fit implements [`Measurement`] itself.

mod alone;
mod carrier;
pub mod death;
mod effort;
pub mod jacinth;
pub mod limit;
mod measurement;
pub mod peer;
mod sample;
pub mod writers;

pub use alone::{Alone, Operation};
pub use carrier::{
    Carrier, End, GO, Pair, RoundTrip, STOP, Stream, Threads, beside, drain, first_word, last_message,
    message,
};
pub use effort::Effort;
pub use measurement::{Better, Measurement, Stage, Unit, full_name};
pub use sample::{LONGEST_NS, Latency, Sample, Streamed, operations, round_trips};
