//! Frames in plain shared memory, with a counter of frames written, and one for each reader of frames read. Both sides sleep on
//! the other's counter. This is the memory bandwidth of one process that fills frames and three that read them.
//!
//! The source fills the slot that became free last, as the pools of libraries do: much of it is still in the processors' caches.
//! In a ring of four slots it would fill the one that has been cold for longest, which takes twice the time.

use super::shared_memory::{LINE_BYTES, Memory, Slots, Word};
use crate::measure::frames::{FRAME_BYTES, FanOut, FrameReader, QUEUED, READERS};
use crate::process::team::Seat;
use anyhow::{Context as _, Result};
use rustix::io::Errno;
use rustix::thread::futex;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering::*};

/// As many frames as others have at once: those that wait, the one that is filled, the one that is read.
const SLOTS: usize = QUEUED + 2;

/// The lines: the counters, far enough apart, then the frames.
mod line {
    pub const WRITTEN: usize = 0;
    pub const READ: usize = 2;
    pub const SLOT_OF: usize = 32;
    pub const FRAMES: usize = 64;
}

const LINES: usize = line::FRAMES + SLOTS * FRAME_BYTES / LINE_BYTES;

/// The source's side.
pub struct BareFrames {
    memory: Memory,
    written: Word<AtomicU32>,
    read: Vec<Word<AtomicU32>>,
    /// The slots of the last frames.
    slot_of: Vec<Word<AtomicU32>>,
    frames: Slots<FRAME_BYTES>,
    next: u32,
    /// How many frames have to be read before a slot is free.
    free_after: [u32; SLOTS],
}

/// A reader's side.
pub struct BareReader {
    written: Word<AtomicU32>,
    read: Word<AtomicU32>,
    slot_of: Vec<Word<AtomicU32>>,
    frames: Slots<FRAME_BYTES>,
    next: u32,
}

fn slots_of_frames(memory: &Memory) -> Result<Vec<Word<AtomicU32>>> {
    (0..SLOTS).map(|frame| memory.word(line::SLOT_OF + frame)).collect()
}

impl FanOut for BareFrames {
    const WHO: &'static str = "bare_memory";
    type Reader = BareReader;

    fn source() -> Result<Self> {
        let memory = Memory::create(LINES * LINE_BYTES)?;
        let written = memory.word(line::WRITTEN)?;
        let read = (0..READERS).map(|reader| memory.word(line::READ + 2 * reader)).collect::<Result<_>>()?;
        let frames = memory.slots(line::FRAMES, SLOTS)?;
        let slot_of = slots_of_frames(&memory)?;
        Ok(Self { memory, written, read, slot_of, frames, next: 0, free_after: [0; SLOTS] })
    }

    /// The path of the memory.
    fn address(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.memory.file().as_raw_fd())
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let mut read_by_all = u32::MAX;
        for read in &self.read {
            read_by_all = read_by_all.min(wait_until(read, |read| self.next - read < SLOTS as u32)?);
        }
        let free = (0..SLOTS).filter(|slot| self.free_after[*slot] <= read_by_all);
        let slot = free.max_by_key(|slot| self.free_after[*slot]).context("no slot is free")?;
        let frame = bytes.try_into().context("a frame of another size")?;
        self.frames.write(slot as u64, frame);
        // Relaxed: published by the counter.
        self.slot_of[self.next as usize % SLOTS].store(slot as u32, Relaxed);
        self.next += 1;
        self.free_after[slot] = self.next;
        count(&self.written)
    }
}

impl FrameReader for BareReader {
    fn join(seat: &Seat) -> Result<Self> {
        let file =
            File::options().read(true).write(true).open(&seat.address).context("opening the memory")?;
        let memory = Memory::open(file.into())?;
        let (written, read) = (memory.word(line::WRITTEN)?, memory.word(line::READ + 2 * seat.index)?);
        let slot_of = slots_of_frames(&memory)?;
        Ok(Self { written, read, slot_of, frames: memory.slots(line::FRAMES, SLOTS)?, next: 0 })
    }

    fn next<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Result<T> {
        wait_until(&self.written, |written| written != self.next)?;
        // Relaxed: published by the counter.
        let slot = self.slot_of[self.next as usize % SLOTS].load(Relaxed);
        let seen = self.frames.look(slot.into(), |frame| look(frame));
        self.next += 1;
        count(&self.read)?;
        Ok(seen)
    }
}

/// Sleeps until the counter is there, and gives it.
fn wait_until(counter: &AtomicU32, is_reached: impl Fn(u32) -> bool) -> Result<u32> {
    loop {
        // ORDER: Acquire, pairs with the Release in `count`.
        let seen = counter.load(Acquire);
        if is_reached(seen) {
            return Ok(seen);
        }
        match futex::wait(counter, futex::Flags::empty(), seen, None) {
            Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Counts one more frame, and wakes those who wait for that.
fn count(counter: &AtomicU32) -> Result<()> {
    // Relaxed load: one process writes this counter. ORDER: Release, pairs with the Acquire in `wait_until`; publishes the
    // frame, or gives its slot back.
    counter.store(counter.load(Relaxed) + 1, Release);
    futex::wake(counter, futex::Flags::empty(), u32::MAX >> 1)?;
    Ok(())
}
