//! Messages written and read by two threads in turn, with a mark before and after each call.
//!
//! A mark is a store to a word of its own. The address tells the trace's reader what begins.

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use jacinth::{Channel, Config, OnOverflow, Status, Supervisor};
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::io::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst, compiler_fence};
use std::sync::mpsc::channel;

/// The messages of an exchange.
#[derive(Args, Clone, Copy, Debug)]
pub struct Messages {
    /// Bytes of a message
    #[arg(long)]
    pub bytes: usize,
    /// Messages that are written before any is read
    #[arg(long, default_value_t = 1)]
    pub at_once: usize,
}

/// Before anything is counted: a few laps of a channel's first ring, and of its larger one.
const WARM_UP_MESSAGES: usize = 1024;
/// The messages that are counted.
const COUNTED_MESSAGES: usize = 512;

/// The part of an exchange that begins with a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// No call.
    Outside,
    /// A read that finds the channel empty.
    Look,
    /// A write.
    Write,
    /// A read of a message.
    Read,
    /// The calls from here on count.
    Count,
}

impl Mark {
    /// All, in the order of their words.
    pub const ALL: [Self; 5] = [Self::Outside, Self::Look, Self::Write, Self::Read, Self::Count];
}

#[repr(align(64))]
struct Word(AtomicU64);

static WORDS: [Word; Mark::ALL.len()] = [const { Word(AtomicU64::new(0)) }; Mark::ALL.len()];

#[inline(always)]
fn mark(mark: Mark) {
    compiler_fence(SeqCst);
    // Relaxed: only the trace sees it.
    WORDS[mark as usize].0.store(1, Relaxed);
    compiler_fence(SeqCst);
}

/// The addresses that the trace's reader needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub struct Addresses {
    /// Where the arena is mapped.
    pub arena: Range<u64>,
    /// The words of [`Mark::ALL`].
    pub marks: [u64; Mark::ALL.len()],
}

/// Exchanges messages. First it prints its addresses, and waits for a line from the trace's reader.
pub fn play(messages: Messages) -> Result<()> {
    let _supervisor = Supervisor::create(&Config::default()).context("making an arena")?;
    let (writer, reader) = Channel::try_create()?;
    let marks = std::array::from_fn(|index| WORDS[index].0.as_ptr() as u64);
    let addresses = Addresses { arena: crate::machine::memory::mapping_of_arena()?, marks };
    println!("{}", serde_json::to_string(&addresses)?);
    std::io::stdout().flush()?;
    std::io::stdin().read_line(&mut String::new())?;
    exchange(messages, &writer, &reader)
}

fn exchange(messages: Messages, writer: &Channel, reader: &Channel) -> Result<()> {
    let rounds = |all: usize| all.div_ceil(messages.at_once);
    let (turn, turns) = channel::<Mark>();
    let (done, dones) = channel::<Result<()>>();
    std::thread::scope(|threads| {
        threads.spawn(move || {
            let mut bytes = vec![0; messages.bytes];
            for turn in turns {
                if done.send(take_turn(turn, messages.at_once, reader, &mut bytes)).is_err() {
                    break;
                }
            }
        });
        let message = vec![0x5a; messages.bytes];
        for round in 0..rounds(WARM_UP_MESSAGES) + rounds(COUNTED_MESSAGES) {
            if round == rounds(WARM_UP_MESSAGES) {
                mark(Mark::Count);
            }
            turn.send(Mark::Look)?;
            dones.recv()??;
            for _ in 0..messages.at_once {
                mark(Mark::Write);
                let written = writer.write(black_box(&message), &mut []);
                mark(Mark::Outside);
                written?;
            }
            turn.send(Mark::Read)?;
            dones.recv()??;
        }
        drop(turn);
        Ok(())
    })
}

/// The reader's part: one look, or as many reads as there are messages.
fn take_turn(turn: Mark, messages: usize, reader: &Channel, into: &mut [u8]) -> Result<()> {
    for _ in 0..if turn == Mark::Look { 1 } else { messages } {
        mark(turn);
        let read = reader.read_into(OnOverflow::Keep, black_box(&mut *into), &mut []).to_result();
        mark(Mark::Outside);
        match turn {
            Mark::Look => ensure!(read == Err(Status::SHOULD_WAIT), "an empty channel gave {read:?}"),
            _ => ensure!(read == Ok((into.len(), 0)), "a read gave {read:?}"),
        }
    }
    Ok(())
}
