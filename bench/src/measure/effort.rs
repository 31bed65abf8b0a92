//! The time that an attempt takes.

use std::time::Duration;

/// How long one attempt takes.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Running before anything is written down.
    pub warm_up: Duration,
    /// Each timed pass.
    pub pass: Duration,
}

impl Effort {
    /// For `--quick`.
    pub const QUICK: Self = Self { warm_up: Duration::from_millis(10), pass: Duration::from_millis(30) };
    /// For figures to be published. Many short attempts rather than few long ones: the shorter, the likelier it is that
    /// the machine stays still meanwhile.
    pub const FULL: Self = Self { warm_up: Duration::from_millis(20), pass: Duration::from_millis(60) };
    /// For the probe of [`crate::machine::placement`].
    pub const PROBE: Self = Self { warm_up: Duration::from_micros(200), pass: Duration::from_millis(1) };
}
