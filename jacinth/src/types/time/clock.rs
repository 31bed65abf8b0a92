//! Reading the machine's clocks, and sleeping.

use super::{
    BootDuration, BootInstant, BootTicks, MonotonicDuration, MonotonicInstant, MonotonicTicks, Ticks,
    Timeline,
};
use jacinth_shm as shm;
use rustix::time::{ClockId, clock_gettime};

/// Ticks are nanoseconds here.
const TICKS_PER_SECOND: i64 = 1_000_000_000;

fn boot_ns() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec)
}

impl MonotonicInstant {
    /// The time now. Never less than an earlier reading by any thread.
    ///
    /// Follows `docs/syscalls/clock_get_monotonic.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(MonotonicInstant::get() > MonotonicInstant::ZERO);
    /// ```
    #[must_use]
    pub fn get() -> Self {
        Self::from_nanos(shm::now_ns())
    }

    /// The instant that comes `duration` from now. `after(Duration::INFINITE)` is [`INFINITE`](Self::INFINITE).
    ///
    /// Follows `docs/syscalls/deadline_after.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// let deadline = MonotonicInstant::after(Duration::from_seconds(1));
    /// assert!(deadline > MonotonicInstant::get());
    /// ```
    #[must_use]
    pub fn after(duration: MonotonicDuration) -> Self {
        Self::get() + duration
    }

    /// Sleeps until this instant. One already past gives the processor up once and returns.
    /// [`INFINITE`](Self::INFINITE) never returns.
    ///
    /// Follows `docs/syscalls/nanosleep.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// MonotonicInstant::after(MonotonicDuration::from_millis(1)).sleep();
    /// ```
    pub fn sleep(self) {
        let mut now = Self::get();
        if now >= self {
            std::thread::yield_now();
        }
        // The clock of the deadline decides, not the length of the sleep.
        while now < self {
            // The difference is positive, so it always converts.
            std::thread::sleep(std::time::Duration::try_from(self - now).unwrap_or_default());
            now = Self::get();
        }
    }
}

impl MonotonicDuration {
    /// Sleeps for this long; see [`MonotonicInstant::sleep`].
    ///
    /// ```
    /// use jacinth::{MonotonicDuration, MonotonicInstant};
    ///
    /// let start = MonotonicInstant::get();
    /// MonotonicDuration::from_millis(1).sleep();
    /// assert!(MonotonicInstant::get() - start >= MonotonicDuration::from_millis(1));
    /// ```
    pub fn sleep(self) {
        MonotonicInstant::after(self).sleep();
    }
}

impl BootInstant {
    /// The time now on the clock that goes on while the machine is suspended. Late-2018 Zircon has no such clock.
    ///
    /// ```
    /// use jacinth::{BootInstant, MonotonicInstant};
    ///
    /// let monotonic = MonotonicInstant::get().into_nanos();
    /// assert!(BootInstant::get().into_nanos() >= monotonic);
    /// ```
    #[must_use]
    pub fn get() -> Self {
        Self::from_nanos(boot_ns())
    }

    /// The instant that comes `duration` from now.
    ///
    /// ```
    /// # use jacinth::*;
    /// let later = BootInstant::after(BootDuration::from_seconds(1));
    /// assert!(later > BootInstant::get());
    /// ```
    #[must_use]
    pub fn after(duration: BootDuration) -> Self {
        Self::get() + duration
    }
}

impl MonotonicTicks {
    /// The ticks now.
    ///
    /// Follows `docs/syscalls/ticks_get.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(MonotonicTicks::get() > MonotonicTicks::ZERO);
    /// ```
    #[must_use]
    pub fn get() -> Self {
        Self::from_raw(shm::now_ns())
    }
}

impl BootTicks {
    /// The ticks now on the clock that goes on while the machine is suspended.
    ///
    /// ```
    /// # use jacinth::*;
    /// assert!(BootTicks::get().into_raw() >= MonotonicTicks::ZERO.into_raw());
    /// ```
    #[must_use]
    pub fn get() -> Self {
        Self::from_raw(boot_ns())
    }
}

impl<T: Timeline> Ticks<T> {
    /// How many ticks a second has: 10⁹ here.
    ///
    /// Follows `docs/syscalls/ticks_per_second.md`.
    ///
    /// ```
    /// # use jacinth::*;
    /// let ticks = MonotonicTicks::get();
    /// let a_second_later = ticks + MonotonicDurationTicks::from_raw(MonotonicTicks::per_second());
    /// assert!(a_second_later > ticks);
    /// ```
    #[must_use]
    pub fn per_second() -> i64 {
        TICKS_PER_SECOND
    }
}
