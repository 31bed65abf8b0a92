//! Measurements of several processes that the near side starts for each attempt.

use super::effort::Effort;
use super::measurement::{Measurement, Stage, Unit};
use super::sample::Sample;
use crate::process::link::{Link, Reply};
use crate::process::team::Seat;
use anyhow::Result;

/// A measurement of a [`Team`](crate::process::team::Team). None of its processes is pinned, and all of them sleep where they
/// cannot go on: there are more of them than processors. The far side of the run has no part.
pub trait Teamwork: Sync {
    /// The name of its column.
    const WHO: &'static str;
    /// Its unit.
    const UNIT: Unit;

    /// The name of the figure.
    fn name(&self) -> &'static str;

    /// Starts the team, and measures.
    fn measure(&self, effort: Effort) -> Result<Sample>;

    /// A part, in a process of its own.
    fn play_part(&self, seat: &Seat, link: &Link) -> Result<()>;
}

impl<T: Teamwork> Measurement for T {
    fn who(&self) -> &'static str {
        T::WHO
    }

    fn what(&self) -> &'static str {
        self.name()
    }

    fn unit(&self) -> Unit {
        T::UNIT
    }

    fn sleeps(&self) -> bool {
        true
    }

    fn is_pinned(&self) -> bool {
        false
    }

    fn near(&self, stage: &Stage<'_>) -> Result<Sample> {
        stage.link.expect_done()?;
        stage.unbound(|| self.measure(stage.effort))
    }

    fn far(&self, stage: &Stage<'_>) -> Result<()> {
        stage.link.send(&Reply::Done(0))
    }

    fn play(&self, seat: &Seat, link: &Link) -> Result<()> {
        self.play_part(seat, link)
    }
}
