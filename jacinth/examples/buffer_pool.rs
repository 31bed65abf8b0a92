//! A pool of buffers that two processes share: a producer fills them, and a consumer counts the lines in them. The bytes stay
//! where they are. Only the numbers of the buffers go round, through a fifo: one of its directions carries the filled buffers,
//! and the other one brings them back.

use jacinth::*;
use std::error::Error;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::process::Command;
use zerocopy::{FromBytes, Immutable, IntoBytes};

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;
const BUFFERS: u32 = 8;
const BUFFER_BYTES: usize = 16 << 10;
const FILLINGS: usize = 1000;

/// A buffer on its way to the consumer.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Filled {
    buffer: u32,
    bytes: u32,
}

/// A buffer on its way back.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Emptied {
    buffer: u32,
    /// How many there were in it.
    lines: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        None => produce(),
        Some(_) => consume(),
    }
}

fn produce() -> Result<(), Box<dyn Error>> {
    let supervisor = Supervisor::create(&Config::default())?;
    // It has room for all buffers, so no write finds it full.
    let (fifo, theirs) = Fifo::<Emptied, Filled>::create(BUFFERS as usize)?;
    let pool = File::from(rustix::fs::memfd_create("buffers", rustix::fs::MemfdFlags::CLOEXEC)?);
    theirs.write(&(0..BUFFERS).map(|buffer| Emptied { buffer, lines: 0 }).collect::<Vec<_>>())?; // All are empty.
    let mut program = Command::new(std::env::current_exe()?);
    let mut consumer = supervisor.spawn(program.arg("consumer").stdin(pool.try_clone()?), theirs)?;

    let (mut written, mut counted) = (0, 0);
    for filling in 0..FILLINGS {
        let empty = next(&fifo)?; // Waits while the consumer has them all.
        counted += empty.lines as usize;
        let text = "One of the lines.\n".repeat(filling % 900);
        written += filling % 900;
        pool.write_all_at(text.as_bytes(), place(empty.buffer))?;
        fifo.write_one(&Filled { buffer: empty.buffer, bytes: text.len() as u32 })?;
    }
    for _ in 0..BUFFERS {
        counted += next(&fifo)?.lines as usize;
    }
    println!("{FILLINGS} fillings of {BUFFERS} buffers: {written} lines were written, and {counted} counted");
    assert_eq!(written, counted);

    drop(fifo); // This ends the consumer.
    assert!(consumer.wait()?.success());
    Ok(())
}

fn consume() -> Result<(), Box<dyn Error>> {
    let fifo = Fifo::<Filled, Emptied>::from(take_startup_handle()?);
    let pool = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut text = vec![0; BUFFER_BYTES];
    loop {
        let Filled { buffer, bytes } = match next(&fifo) {
            Err(Status::PEER_CLOSED) => return Ok(()),
            filled => filled?,
        };
        let text = &mut text[..bytes as usize];
        pool.read_exact_at(text, place(buffer))?;
        let lines = text.iter().filter(|byte| **byte == b'\n').count() as u32;
        fifo.write_one(&Emptied { buffer, lines })?;
    }
}

/// The next element that comes through the fifo.
fn next<R: FromBytes + IntoBytes, W: FromBytes + IntoBytes>(fifo: &Fifo<R, W>) -> Result<R, Status> {
    loop {
        match fifo.read_one() {
            Err(Status::SHOULD_WAIT) => {
                fifo.wait_one(Signals::FIFO_READABLE | Signals::FIFO_PEER_CLOSED, FOREVER).to_result()?;
            }
            read => return read,
        }
    }
}

/// Where a buffer lies in the pool.
fn place(buffer: u32) -> u64 {
    u64::from(buffer) * BUFFER_BYTES as u64
}
