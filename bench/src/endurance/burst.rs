//! Much memory in use for a moment.
//!
//! The memory of a burst is not needed after it, and belongs to the next user: other channels, other
//! processes, or the system.

use super::meter::Meter;
use anyhow::{Context as _, Result, ensure};
use jacinth::{Channel, MessageBuf, Status};
use std::time::Duration;

/// How many messages a burst of the full run has: 1.1 GiB together.
pub const MESSAGES: u64 = 500_000;
/// Through how many channels a burst goes.
const WIDTH: usize = 64;
/// How many channels are filled one after the other.
pub const CHANNELS: u64 = 1000;

/// How long the rings rest before memory is read.
const RING_REST: Duration = Duration::from_secs(4);

/// The lengths of a burst's messages, in turn: 2,440 bytes on average. A few are loans, since they are longer than a
/// message may be.
fn lengths() -> impl Iterator<Item = usize> {
    (0_usize..).map(|index| match index % 4096 {
        0 => 1 << 20,
        1..9 => 60_000,
        index if index.is_multiple_of(8) => [12_000, 22_000, 6000][index / 8 % 3],
        index if index.is_multiple_of(2) => 1000,
        _ => 64,
    })
}

/// Ten bursts, one after the other, through channels that stay open.
pub fn drained(operations: u64, meter: &mut Meter<'_>) -> Result<()> {
    let channels = (0..WIDTH).map(|_| Channel::try_create()).collect::<Result<Vec<_>, _>>()?;
    let bytes = vec![0x5a; 60_000];
    let mut message = MessageBuf::new();
    while !meter.is_over() {
        let burst = operations / 10;
        for (index, length) in (0..burst).zip(lengths()) {
            let (writer, _) = &channels[index as usize % WIDTH];
            meter.time(0, || match bytes.get(..length) {
                Some(bytes) => Ok(writer.write(bytes, &mut [])?),
                None => {
                    let mut loan = writer.reserve(length)?;
                    loan.write_at(0, &vec![0x5a; length])?;
                    Ok(loan.commit()?)
                }
            })?;
        }
        for (index, length) in (0..burst).zip(lengths()) {
            let (_, reader) = &channels[index as usize % WIDTH];
            meter.time(1, || reader.read(&mut message).context("reading what a burst wrote"))?;
            ensure!(message.bytes().len() == length, "a message of {length} bytes came as another");
        }
    }
    Ok(())
}

/// Fills channels to their limit and drains them, one after the other. All stay open. A ring shrinks when it has been
/// quiet for a second, so this rests before memory is read.
pub fn one_channel_after_the_other(meter: &mut Meter<'_>) -> Result<()> {
    meter.rest_before_reading(RING_REST);
    let mut open = Vec::new();
    let mut message = MessageBuf::new();
    while !meter.is_over() {
        let (writer, reader) = Channel::try_create()?;
        let mut written = 0;
        loop {
            match meter.time(0, || Ok(writer.write(&[0x5a; 64], &mut [])))? {
                Ok(()) => written += 1,
                Err(Status::SHOULD_WAIT) => break,
                Err(status) => {
                    return Err(status)
                        .with_context(|| format!("message {written} of channel {}", open.len() + 1));
                }
            }
        }
        for _ in 0..written {
            meter.time(1, || Ok(reader.read(&mut message)?))?;
        }
        open.push((writer, reader));
    }
    ensure!(open.len() as u64 == CHANNELS, "{} channels were filled, not {CHANNELS}", open.len());
    Ok(())
}
