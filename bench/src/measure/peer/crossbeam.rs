//! A bounded channel of crossbeam, between threads of one process. It spins for a while and then sleeps, as it does for
//! its users.

use crate::measure::writers::write_all_at_once;
use crate::measure::{End, Measurement, Pair, STOP, Sample, Stage, Unit, beside, first_word, last_message};
use crate::process::link::Reply;
use anyhow::Result;
use crossbeam::channel::{Receiver, Sender, bounded};

/// As many as the bare ring has slots.
const MESSAGES: usize = 1024;

/// One end of two channels, one each way.
pub struct Crossbeam<const BYTES: usize> {
    out: Sender<[u8; BYTES]>,
    back: Receiver<[u8; BYTES]>,
}

impl<const BYTES: usize> Pair<BYTES> for Crossbeam<BYTES> {
    const WHO: &'static str = "crossbeam";

    fn pair() -> (Self, Self) {
        let (out, theirs) = bounded(MESSAGES);
        let (their_out, back) = bounded(MESSAGES);
        (Self { out, back }, Self { out: their_out, back: theirs })
    }
}

impl<const BYTES: usize> End<BYTES> for Crossbeam<BYTES> {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        Ok(self.out.send(*message)?)
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        *into = self.back.recv()?;
        Ok(())
    }
}

/// Several threads that send into one channel. It has as much room as a channel of jacinth's.
pub struct CrossbeamWriters;

/// Jacinth's `max_pending_messages`.
const WRITERS_MESSAGES: usize = 8192;

impl Measurement for CrossbeamWriters {
    fn who(&self) -> &'static str {
        "crossbeam"
    }

    fn what(&self) -> &'static str {
        "writers"
    }

    fn unit(&self) -> Unit {
        Unit::MessagesPerSecond
    }

    fn sleeps(&self) -> bool {
        true
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        stage.link.expect_done()?;
        let (sender, receiver) = bounded::<[u8; 64]>(WRITERS_MESSAGES);
        let receive = move || -> Result<u64> {
            let mut count = 0;
            while first_word(&receiver.recv()?)? != STOP {
                count += 1;
            }
            Ok(count)
        };
        let (streamed, received) = beside(stage, receive, || {
            let streamed = write_all_at_once(stage.effort, |message| Ok(sender.send(*message)?))?;
            sender.send(*last_message())?;
            Ok(streamed)
        })?;
        streamed.received(received)
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        stage.link.send(&Reply::Done(0))
    }
}
