//! Frames of 4 MiB from one process to three others. The source fills all of each frame, and each reader reads all of it, where
//! it lies. So memory bandwidth is the limit, and copies cost most.
//!
//! The near side is the source. It starts the readers for each attempt ([`Team`]). No process is pinned, and all sleep where they
//! wait: there are more processes than this machine needs processors for. No frame is dropped: there are two between the source
//! and each reader at most, besides the one that is being filled and the one that is being read.

use super::effort::Effort;
use super::measurement::{Unit, full_name};
use super::sample::Sample;
use super::teamwork::Teamwork;
use crate::process::link::Link;
use crate::process::team::{Part, Seat, Team};
use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::process::{Child, Command};
use std::time::Instant;

/// The bytes of a frame.
pub const FRAME_BYTES: usize = 4 << 20;
/// How many processes read each frame.
pub const READERS: usize = 3;
/// The most frames that wait for a reader, besides the one that it reads.
pub const QUEUED: usize = 2;
/// The number of the frame after the last one.
const END: u64 = u64::MAX;
/// A frame takes about a millisecond, so the timed pass is so many times as long as others.
const PASSES: u32 = 4;
/// By then each process has touched all memory that frames take.
const WARM_UP_FRAMES: u64 = 32;

/// A means to show frames to several processes; the source's side of it.
pub trait FanOut: Sized + 'static {
    /// The name of its column.
    const WHO: &'static str;
    /// A reader's side.
    type Reader: FrameReader;

    /// Sets the source up.
    fn source() -> Result<Self>;

    /// Starts a reader.
    fn start(&mut self, reader: &mut Command) -> Result<Child> {
        Ok(reader.spawn()?)
    }

    /// What a reader has to know.
    fn address(&self) -> String {
        String::new()
    }

    /// Makes a frame of these bytes, and sends it to all readers. Waits while one of them has too many.
    fn send(&mut self, bytes: &[u8]) -> Result<()>;
}

/// A reader's side.
pub trait FrameReader: Sized {
    /// Joins the source.
    fn join(seat: &Seat) -> Result<Self>;

    /// Looks at the next frame where it lies. Waits for it.
    fn next<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Result<T>;
}

/// The measurement.
pub struct Frames<S> {
    what: &'static str,
    _means: PhantomData<fn() -> S>,
}

/// A word of a reader.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    /// It has joined.
    Joined,
    /// It has read so many frames, whose words have this sum.
    Read { frames: u64, sum: u64 },
}

impl<S> Frames<S> {
    /// Under this name.
    pub const fn new(what: &'static str) -> Self {
        Self { what, _means: PhantomData }
    }
}

impl<S: FanOut> Frames<S> {
    fn read(seat: &Seat, link: &Link) -> Result<Word> {
        let mut reader = S::Reader::join(seat)?;
        link.send(&Ok::<_, String>(Word::Joined))?;
        let (mut frames, mut sum) = (0, 0_u64);
        loop {
            let (number, of_one) = reader.next(|frame| {
                ensure!(frame.len() == FRAME_BYTES, "a frame of {} bytes came", frame.len());
                let number = frame.first_chunk().map_or(END, |word| u64::from_le_bytes(*word));
                Ok((number, sum_of(frame)))
            })??;
            if number == END {
                return Ok(Word::Read { frames, sum });
            }
            ensure!(number == frames, "frame {number} came, not {frames}");
            frames += 1;
            sum = sum.wrapping_add(of_one);
        }
    }
}

/// The sum of all words of a frame.
fn sum_of(frame: &[u8]) -> u64 {
    let (words, _) = frame.as_chunks();
    words.iter().fold(0, |sum, word| sum.wrapping_add(u64::from_le_bytes(*word)))
}

impl<S: FanOut> Teamwork for Frames<S> {
    const WHO: &'static str = S::WHO;
    const UNIT: Unit = Unit::MessagesPerSecond;

    fn name(&self) -> &'static str {
        self.what
    }

    fn measure(&self, effort: Effort) -> Result<Sample> {
        let mut source = S::source()?;
        let mut team = Team::default();
        for index in 0..READERS {
            let (measurement, address) = (full_name(self), source.address());
            let seat = Seat { measurement, part: Part::Client, index, clients: READERS, address };
            team.start(&seat, |program| source.start(program))?;
        }
        for word in team.hear(&[Part::Client])? {
            ensure!(matches!(word, Word::Joined), "a reader said {word:?}, not that it has joined");
        }

        let mut frame: Vec<u8> = (0..FRAME_BYTES).map(|at| (at % 251) as u8).collect();
        let mut send = |number: u64| {
            frame[..8].copy_from_slice(&number.to_le_bytes());
            source.send(&frame)
        };
        let mut sent = 0;
        let begin = Instant::now();
        while sent < WARM_UP_FRAMES || begin.elapsed() < effort.warm_up {
            send(sent)?;
            sent += 1;
        }
        let (begin, warm) = (Instant::now(), sent);
        while begin.elapsed() < effort.pass * PASSES {
            send(sent)?;
            sent += 1;
        }
        send(END)?;
        let words = team.hear(&[Part::Client])?;
        let elapsed = begin.elapsed();

        let of_one = sum_of(&frame).wrapping_sub(END);
        let sum = (0..sent).fold(0, |sum: u64, number| sum.wrapping_add(of_one).wrapping_add(number));
        for word in words {
            let Word::Read { frames, sum: read } = word else {
                bail!("a reader said {word:?}, not what it has read");
            };
            ensure!(
                (frames, read) == (sent, sum),
                "{sent} frames of {sum} were sent, {frames} of {read} read"
            );
        }
        team.dismiss()?;
        Ok(Sample::Rate((sent - warm) as f64 / elapsed.as_secs_f64()))
    }

    fn play_part(&self, seat: &Seat, link: &Link) -> Result<()> {
        link.send(&Self::read(seat, link).map_err(|error| format!("{error:#}")))
    }
}
