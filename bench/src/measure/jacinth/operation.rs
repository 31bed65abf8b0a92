//! Operations of a process on its own handles, each call with its full checks.

use crate::measure::MeasuredOperation;
use anyhow::Result;
use jacinth::{Channel, Event, OnOverflow, Rights};
use std::hint::black_box;

/// A handle duplicated, and the duplicate closed.
pub struct DuplicateClose(Event);

impl MeasuredOperation for DuplicateClose {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        Ok(Self(Event::try_create()?))
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        drop(black_box(self.0.duplicate(Rights::SAME_RIGHTS)?));
        Ok(())
    }
}

/// An event, made and closed.
pub struct EventCreateClose;

impl MeasuredOperation for EventCreateClose {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        Ok(Self)
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        drop(black_box(Event::try_create()?));
        Ok(())
    }
}

/// A channel, made, and both its ends closed.
pub struct ChannelCreateClose;

impl MeasuredOperation for ChannelCreateClose {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        Ok(Self)
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        drop(black_box(Channel::try_create()?));
        Ok(())
    }
}

/// Whether a handle is one: Zircon's HANDLE_VALID.
pub struct HandleLookup(Event);

impl MeasuredOperation for HandleLookup {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        Ok(Self(Event::try_create()?))
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        Ok(jacinth::raw::check_valid(black_box(self.0.raw_handle()))?)
    }
}

/// 64 bytes written into a channel and read from its other end.
pub struct WriteRead {
    one: Channel,
    other: Channel,
    bytes: [u8; 64],
}

impl MeasuredOperation for WriteRead {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        let (one, other) = Channel::try_create()?;
        Ok(Self { one, other, bytes: [0x5a; 64] })
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.one.write(black_box(&self.bytes), &mut [])?;
        self.other.read_into(OnOverflow::Keep, black_box(&mut self.bytes), &mut []).to_result()?;
        Ok(())
    }
}

/// One operation, then the other.
pub struct Both<A, B>(A, B);

impl<A: MeasuredOperation, B: MeasuredOperation> MeasuredOperation for Both<A, B> {
    const WHO: &'static str = super::WHO;

    fn prepare() -> Result<Self> {
        Ok(Self(A::prepare()?, B::prepare()?))
    }

    #[inline(always)]
    fn once(&mut self) -> Result<()> {
        self.0.once()?;
        self.1.once()
    }
}
