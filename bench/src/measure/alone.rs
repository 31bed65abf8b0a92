//! Operations that one process repeats by itself. The second process rests meanwhile: no other processor has
//! the lines.

use super::measurement::{Measurement, Stage, Unit};
use super::sample::{Sample, operations};
use crate::process::link::Reply;
use anyhow::Result;
use std::marker::PhantomData;

/// Something that is done by one process, and leaves everything as it was.
pub trait MeasuredOperation: Sized {
    /// The name of its column.
    const WHO: &'static str;

    /// The unit of the figure: the time of one, or the number in a second.
    const UNIT: Unit = Unit::Nanoseconds;

    /// Makes the objects that it works on.
    fn prepare() -> Result<Self>;

    /// Does it once.
    fn once(&mut self) -> Result<()>;
}

/// An operation, measured alone.
pub struct Alone<O> {
    what: &'static str,
    _operation: PhantomData<fn() -> O>,
}

impl<O: MeasuredOperation> Alone<O> {
    /// Under this name.
    pub const fn new(what: &'static str) -> Self {
        Self { what, _operation: PhantomData }
    }
}

impl<O: MeasuredOperation> Measurement for Alone<O> {
    fn who(&self) -> &'static str {
        O::WHO
    }

    fn what(&self) -> &'static str {
        self.what
    }

    fn unit(&self) -> Unit {
        O::UNIT
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        stage.link.expect_done()?;
        let mut operation = O::prepare()?;
        let each_ns = operations(stage.effort, || operation.once())?;
        Ok(match O::UNIT {
            Unit::Nanoseconds => Sample::Cost(each_ns),
            Unit::MessagesPerSecond | Unit::BytesPerSecond | Unit::CallsPerSecond => {
                Sample::Rate(1e9 / each_ns)
            }
        })
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        stage.link.send(&Reply::Done(0))
    }
}
