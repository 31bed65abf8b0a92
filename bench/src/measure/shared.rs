//! Bytes of one stream that several processes write and several read, as a user would write them: no process is pinned, all
//! settings are the defaults, and who cannot go on sleeps.
//!
//! The near side starts all of them for each attempt ([`Team`]), and sleeps while they work. Each writer writes chunks until
//! the window is over, and then lets go of its end. Each reader reads as much as it gets until the last writer is gone. The
//! bytes that are read within the window count; all that were written must be read.
//!
//! ```text
//!  near side            writers                     readers
//!    start ────────────▶ take the end ────────────▶ take the end
//!    ◀─────────────────── Ready ◀────────────────── Ready
//!    Window ───────────▶ write, write, … ─────────▶ read, read, …
//!    ◀─────────────────── Done(bytes)
//!    ◀───────────────────────────────────────────── Done(bytes), once all writers are gone
//! ```

use super::effort::Effort;
use super::measurement::{Unit, full_name};
use super::sample::Sample;
use super::teamwork::Teamwork;
use super::window::Window;
use crate::process::link::Link;
use crate::process::team::{Part, Seat, Team};
use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::marker::PhantomData;
use std::process::{Child, Command};
use std::time::Instant;

/// How many processes write, and how many read.
const EACH: usize = 2;

/// The window is so many timed passes long, as that of calls.
const PASSES: u32 = 4;

/// On a machine that others load, the readers may have no processor for a whole window.
const TRIES: u32 = 3;

/// The bytes of chunks.
const CONTENT: u8 = 0x5a;

/// An end of a stream that several processes use.
pub trait SharedStream: Sized + 'static {
    /// The name of its column.
    const WHO: &'static str;

    /// How the processes of an attempt are started. They alone hold the ends of the stream.
    fn starter() -> Result<impl FnMut(&Seat, &mut Command) -> Result<Child>>;

    /// Takes the end that the starter gave to this process.
    fn take() -> Result<Self>;

    /// Writes the whole chunk, sleeping while there is no room.
    fn write(&self, chunk: &[u8]) -> Result<()>;

    /// Reads as many bytes as there are and fit, sleeping while there are none. 0 when there will be no more.
    fn read(&self, into: &mut [u8]) -> Result<usize>;
}

/// Chunks of `BYTES` bytes through one stream.
pub struct Shared<S, const BYTES: usize> {
    what: &'static str,
    _stream: PhantomData<fn() -> S>,
}

/// A word of a member.
#[derive(Debug, Serialize, Deserialize)]
enum Word {
    /// It has its end.
    Ready,
    /// It has written or read so many bytes.
    Done {
        /// All bytes.
        all: u64,
        /// Of a reader, those within the window.
        in_window: Option<u64>,
    },
}

impl<S: SharedStream, const BYTES: usize> Shared<S, BYTES> {
    /// Under this name.
    pub const fn new(what: &'static str) -> Self {
        Self { what, _stream: PhantomData }
    }

    /// One attempt: the bytes that were read within the window.
    fn attempt(&self, effort: Effort) -> Result<(u64, Window)> {
        let mut team = Team::default();
        let mut spawn = S::starter()?;
        for part in [Part::Writer, Part::Reader] {
            for index in 0..EACH {
                let (measurement, address) = (full_name(self), String::new());
                let seat = Seat { measurement, part, index, clients: EACH, address };
                team.start(&seat, |program| spawn(&seat, program))?;
            }
        }
        drop(spawn);
        for word in team.hear(&[Part::Writer, Part::Reader])? {
            ensure!(matches!(word, Word::Ready), "a member said {word:?}, not that it is ready");
        }
        // Twice the warm-up: they are told one after another.
        let window = Window::after(effort.warm_up * 2, effort.pass * PASSES);
        team.tell(Part::Reader, &window)?;
        team.tell(Part::Writer, &window)?;
        let words = team.hear(&[Part::Writer, Part::Reader])?;
        team.dismiss()?;
        Ok((sum(words)?, window))
    }
}

/// The bytes that readers have read within the window, if as many were read as were written.
fn sum(words: Vec<Word>) -> Result<u64> {
    let (mut written, mut read, mut counted) = (0, 0, 0);
    for word in words {
        match word {
            Word::Done { all, in_window: None } => written += all,
            Word::Done { all, in_window: Some(in_window) } => {
                read += all;
                counted += in_window;
            }
            other => bail!("a member said {other:?}, not what it has done"),
        }
    }
    ensure!(written == read, "{written} bytes were written, {read} read");
    Ok(counted)
}

/// Writes chunks until the window is over; how many bytes.
fn write_chunks<S: SharedStream, const BYTES: usize>(end: &S, window: Window) -> Result<u64> {
    let chunk = vec![CONTENT; BYTES];
    let until = window.until();
    let mut all = 0;
    while Instant::now() < until {
        end.write(black_box(&chunk))?;
        all += BYTES as u64;
    }
    Ok(all)
}

/// Reads until all writers are gone; how many bytes, and how many of them within the window.
fn read_all<S: SharedStream, const BYTES: usize>(end: &S, window: Window) -> Result<(u64, u64)> {
    let mut bytes = vec![0; BYTES];
    let (from, until) = (window.from(), window.until());
    let (mut all, mut in_window) = (0, 0);
    let mut before = Instant::now();
    loop {
        let read = end.read(black_box(&mut bytes))?;
        if read == 0 {
            return Ok((all, in_window));
        }
        let [first, last] = [bytes[0], bytes[read - 1]];
        ensure!(first == CONTENT && last == CONTENT, "bytes came damaged: {first:#x} … {last:#x}");
        let now = Instant::now();
        all += read as u64;
        if before >= from && now <= until {
            in_window += read as u64;
        }
        before = now;
    }
}

/// Plays a part; the bytes that it wrote or read.
fn play<S: SharedStream, const BYTES: usize>(part: Part, link: &Link) -> Result<Word> {
    let end = S::take()?;
    link.send(&Ok::<_, String>(Word::Ready))?;
    let window: Window = link.receive()?.context("the near side is gone")?;
    match part {
        Part::Writer => {
            let all = write_chunks::<S, BYTES>(&end, window)?;
            Ok(Word::Done { all, in_window: None })
        }
        Part::Reader => {
            let (all, in_window) = read_all::<S, BYTES>(&end, window)?;
            Ok(Word::Done { all, in_window: Some(in_window) })
        }
        other => bail!("a stream has no {other:?}"),
    }
}

impl<S: SharedStream, const BYTES: usize> Teamwork for Shared<S, BYTES> {
    const WHO: &'static str = S::WHO;
    const UNIT: Unit = Unit::BytesPerSecond;

    fn name(&self) -> &'static str {
        self.what
    }

    fn measure(&self, effort: Effort) -> Result<Sample> {
        for _ in 0..TRIES {
            let (bytes, window) = self.attempt(effort)?;
            if bytes > 0 {
                return Ok(Sample::Rate(bytes as f64 / window.seconds()));
            }
        }
        bail!("in {TRIES} attempts, no byte was read within the window");
    }

    fn play_part(&self, seat: &Seat, link: &Link) -> Result<()> {
        let played = play::<S, BYTES>(seat.part, link).map_err(|error| format!("{error:#}"));
        link.send(&played)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(all: u64) -> Word {
        Word::Done { all, in_window: None }
    }

    fn read(all: u64, in_window: u64) -> Word {
        Word::Done { all, in_window: Some(in_window) }
    }

    #[test]
    fn bytes_within_the_window_count() {
        let words = vec![written(50), written(30), read(60, 40), read(20, 5)];
        assert_eq!(sum(words).unwrap(), 45);
    }

    #[test]
    fn lost_and_invented_bytes_are_errors() {
        for all in [49, 51] {
            let error = sum(vec![written(50), read(all, 40)]).unwrap_err();
            assert_eq!(error.to_string(), format!("50 bytes were written, {all} read"));
        }
        assert!(sum(vec![Word::Ready]).is_err());
    }
}
