//! Several threads of one process that send by the same sender, all on one processor; the receiver has the other.

use super::carrier::message;
use super::effort::Effort;
use super::sample::Streamed;
use anyhow::{Result, anyhow};
use std::hint::black_box;
use std::time::Instant;

/// How many.
pub const WRITERS: usize = 4;

/// Runs the writers for as long as the effort says; the receiver is not done yet.
///
/// Everything counts, from the first message on: the threads take turns on their processor, and so do not end their
/// warming up at one time.
pub fn write_all_at_once(effort: Effort, send: impl Fn(&[u8; 64]) -> Result<()> + Sync) -> Result<Streamed> {
    let start = Instant::now();
    let until = start + effort.warm_up + effort.pass;
    let writer = || -> Result<u64> {
        let message = message();
        let mut sent = 0;
        while Instant::now() < until {
            for _ in 0..64 {
                send(black_box(&message))?;
            }
            sent += 64;
        }
        Ok(sent)
    };
    let sent = std::thread::scope(|threads| {
        let writers: Vec<_> = (0..WRITERS).map(|_| threads.spawn(writer)).collect();
        writers
            .into_iter()
            .map(|writer| writer.join().map_err(|_| anyhow!("a writer panicked"))?)
            .sum::<Result<u64>>()
    })?;
    Ok(Streamed::begun(start, sent))
}
