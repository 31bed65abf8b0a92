//! The measurements: one file for each thing measured, with both of its sides.
//!
//! * `limit/`: the machine itself, without promises: a cache line, a bare ring, a futex;
//! * `peer/`: the alternatives of a program without jacinth;
//! * `jacinth/`: jacinth, with full handle and rights checks in every call.
//!
//! A carrier of messages of one size is a [`Carrier`] (inside one process a [`Pair`]); all carriers are measured by the same
//! two loops ([`RoundTrip`], [`Stream`]). An operation of one process by itself is a [`MeasuredOperation`]. Calls to a
//! server process are a [`Service`](rpc::Service), bytes between several writers and several readers a
//! [`SharedStream`](shared::SharedStream), and frames to several readers a [`FanOut`](frames::FanOut). Other measurements
//! implement [`Measurement`] themselves.

mod alone;
mod carrier;
pub mod death;
mod effort;
pub mod frames;
pub mod jacinth;
pub mod limit;
mod measurement;
pub mod peer;
pub mod rpc;
mod sample;
pub mod shared;
mod teamwork;
pub mod window;
pub mod writers;

pub use alone::{Alone, MeasuredOperation};
pub use carrier::{
    Carrier, End, GO, Pair, RoundTrip, STOP, Stream, Threads, beside, drain, first_word, last_message,
    message,
};
pub use effort::Effort;
pub use measurement::{Better, Measurement, Stage, Unit, full_name};
pub use sample::{CallSample, LONGEST_NS, Latency, Sample, Streamed, operations, round_trips};
