//! One cache line, there and back: the fastest exchange between two processors.

use crate::measure::limit::shared_memory::{LINE_BYTES, Memory, Word};
use crate::measure::{Measurement, Sample, Stage, Unit, round_trips};
use crate::process::link::Reply;
use anyhow::Result;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The measurement.
pub struct CacheLine;

/// Written by the near side when all is over.
const OVER: u64 = u64::MAX;

impl Measurement for CacheLine {
    fn who(&self) -> &'static str {
        "cache_line"
    }

    fn what(&self) -> &'static str {
        "rtt"
    }

    fn unit(&self) -> Unit {
        Unit::Nanoseconds
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        let memory = Memory::create(LINE_BYTES)?;
        let word: Word<AtomicU64> = memory.word(0)?;
        stage.link.send_fd(memory.file())?;
        stage.link.expect_ready()?;
        let mut turn = 0;
        // Relaxed: the word publishes no other store.
        let latency = round_trips(stage.effort, || {
            word.store(turn + 1, Relaxed);
            turn += 2;
            while word.load(Relaxed) != turn {}
            Ok(())
        })?;
        word.store(OVER, Relaxed);
        stage.link.expect_done()?;
        Ok(Sample::Latency(latency))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        let memory = Memory::open(stage.link.receive_fd()?)?;
        let word: Word<AtomicU64> = memory.word(0)?;
        stage.link.send(&Reply::Ready)?;
        let mut turn = 1;
        loop {
            let seen = word.load(Relaxed);
            if seen == turn {
                word.store(turn + 1, Relaxed);
                turn += 2;
            } else if seen == OVER {
                break;
            }
        }
        stage.link.send(&Reply::Done(turn / 2))
    }
}
