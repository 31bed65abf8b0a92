//! Random operations, timed, while other processes work on the same channels and are killed at random.

use super::meter::Meter;
use super::peer::{Part, Peer, short};
use anyhow::{Context as _, Result};
use jacinth::{
    Batch, Channel, Event, EventPair, MessageBuf, NullableHandle, Peered as _, Signals, Status, Supervisor,
};
use std::time::{Duration, Instant};

/// How many processes work beside the one that is timed.
const WORKERS: usize = 3;
/// How long a worker lives, at most.
const LONGEST_LIFE: Duration = Duration::from_millis(30);
/// How many handles a process holds of each kind, at most.
const MOST: usize = 32;

/// Works, and is timed; kills workers, and starts others.
pub fn run(supervisor: &Supervisor, meter: &mut Meter<'_>) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(0);
    let mut workers = (0..WORKERS as u64)
        .map(|seed| Peer::spawn(supervisor, Part::Worker, seed))
        .collect::<Result<Vec<_>>>()?;
    let mut hands = Hands::default();
    let mut next_death = Instant::now() + LONGEST_LIFE;
    while !meter.is_over() {
        if Instant::now() > next_death {
            let index = random.usize(0..WORKERS);
            workers[index].kill()?;
            workers[index] = Peer::spawn(supervisor, Part::Worker, random.u64(..))?;
            next_death = Instant::now() + LONGEST_LIFE.mul_f64(random.f64());
        }
        let line = &workers[random.usize(0..WORKERS)].line;
        for _ in 0..64 {
            meter.time(1, || hands.step(line, &mut random))?;
        }
    }
    Ok(())
}

/// A worker: it works until it is killed.
pub fn work(line: &Channel, seed: u64) -> Result<()> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut hands = Hands::default();
    loop {
        hands.step(line, &mut random)?;
    }
}

/// The handles and buffers of a process.
#[derive(Default)]
struct Hands {
    events: Vec<NullableHandle>,
    channels: Vec<Channel>,
    message: MessageBuf,
    batch: Batch,
}

impl Hands {
    /// One operation. An effect of another process is no failure: a full or empty channel, a closed
    /// peer.
    fn step(&mut self, line: &Channel, random: &mut fastrand::Rng) -> Result<()> {
        let done = match random.u32(0..16) {
            0 | 1 => Event::try_create().map(|event| keep(&mut self.events, event.into(), random)),
            2 => EventPair::try_create().map(|(one, other)| {
                let _ = one.signal_peer(Signals::NONE, Signals::USER_0);
                keep(&mut self.events, other.into(), random);
            }),
            3 | 4 => Channel::create_with(short()).map(|(one, other)| {
                keep(&mut self.channels, one, random);
                // It is sent, or closed.
                let _ = line.write(b"an end", &mut [other.into()]);
            }),
            5 => Event::try_create().and_then(|event| line.write(b"an event", &mut [event.into()])),
            6 | 7 => line.write(&[0x5a; 64], &mut []),
            8 => line.write(&vec![0x5a; random.usize(1..20_000)], &mut []),
            9 => self.one_of_the_channels(line, random).write_batch([&[1_u8; 32][..]; 8]).map(drop),
            10 => self.lend(line, random),
            11 | 12 => self.read(line, random),
            13 => {
                let channel = self.channels.pop();
                let read = channel.as_ref().unwrap_or(line).read(&mut self.message);
                self.channels.extend(channel);
                read
            }
            14 => match line.read_batch(16, &mut self.batch) {
                // The next message carries handles.
                Err(Status::NOT_SUPPORTED) => self.read(line, random),
                read => read.map(drop),
            },
            _ => {
                self.events.truncate(MOST / 2);
                self.channels.truncate(MOST / 2);
                Ok(())
            }
        };
        match done {
            Ok(()) | Err(Status::SHOULD_WAIT | Status::PEER_CLOSED) => Ok(()),
            Err(status) => Err(status).context("an operation of the mixture"),
        }
    }

    fn one_of_the_channels<'a>(&'a self, line: &'a Channel, random: &mut fastrand::Rng) -> &'a Channel {
        random.choice(&self.channels).unwrap_or(line)
    }

    fn lend(&self, line: &Channel, random: &mut fastrand::Rng) -> Result<(), Status> {
        let bytes = random.usize(1..100_000);
        let mut loan = self.one_of_the_channels(line, random).reserve(bytes)?;
        loan.write_at(0, &[0x5a; 64][..bytes.min(64)])?;
        loan.commit()
    }

    /// Reads a message, and keeps the handles that came with it.
    fn read(&mut self, line: &Channel, random: &mut fastrand::Rng) -> Result<(), Status> {
        line.read(&mut self.message)?;
        let is_end = self.message.bytes() == b"an end";
        for handle in (0..self.message.n_handles()).filter_map(|index| self.message.take_handle(index)) {
            if is_end {
                keep(&mut self.channels, handle.into(), random);
            } else {
                keep(&mut self.events, handle, random);
            }
        }
        Ok(())
    }
}

/// Keeps it; if there are many already, instead of another.
fn keep<T>(held: &mut Vec<T>, new: T, random: &mut fastrand::Rng) {
    if held.len() < MOST {
        held.push(new);
    } else {
        held[random.usize(0..MOST)] = new;
    }
}
