//! Tests of instants and durations.

use super::*;
use crate::types::status::Status;
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration as StdDuration;

const fn instant(nanos: i64) -> MonotonicInstant {
    MonotonicInstant::from_nanos(nanos)
}

const fn duration(nanos: i64) -> MonotonicDuration {
    MonotonicDuration::from_nanos(nanos)
}

#[test]
fn constants_have_zircons_values() {
    assert_eq!(MonotonicInstant::INFINITE.into_nanos(), 0x7fff_ffff_ffff_ffff);
    assert_eq!(MonotonicInstant::INFINITE_PAST.into_nanos(), i64::MIN);
    assert_eq!(MonotonicInstant::ZERO.into_nanos(), 0);
    assert_eq!(MonotonicDuration::INFINITE.into_nanos(), 0x7fff_ffff_ffff_ffff);
    assert_eq!(MonotonicDuration::INFINITE_PAST.into_nanos(), i64::MIN);
    assert_eq!(MonotonicDuration::ZERO.into_nanos(), 0);
    assert_eq!(MonotonicInstant::default(), MonotonicInstant::ZERO);
    assert_eq!(MonotonicDuration::default(), MonotonicDuration::ZERO);
}

#[test]
fn units_convert_to_exact_nanoseconds() {
    assert_eq!(MonotonicDuration::from_nanos(-7).into_nanos(), -7);
    assert_eq!(MonotonicDuration::from_micros(3).into_nanos(), 3_000);
    assert_eq!(MonotonicDuration::from_millis(3).into_nanos(), 3_000_000);
    assert_eq!(MonotonicDuration::from_seconds(-3).into_nanos(), -3_000_000_000);
    assert_eq!(MonotonicDuration::from_minutes(3).into_nanos(), 180_000_000_000);
    assert_eq!(MonotonicDuration::from_hours(3).into_nanos(), 10_800_000_000_000);
}

#[test]
fn durations_convert_down_to_whole_units() {
    let length = MonotonicDuration::from_nanos(2 * 3_600_000_000_000 + 1);
    assert_eq!(length.into_micros(), 7_200_000_000);
    assert_eq!(length.into_millis(), 7_200_000);
    assert_eq!(length.into_seconds(), 7_200);
    assert_eq!(length.into_minutes(), 120);
    assert_eq!(length.into_hours(), 2);
    assert_eq!(MonotonicDuration::from_millis(250).into_seconds_f64(), 0.25);
    assert_eq!(MonotonicDuration::from_nanos(-1_999).into_micros(), -1);
}

#[test]
fn units_saturate_at_both_ends() {
    type FromUnits = fn(i64) -> MonotonicDuration;
    let units: [FromUnits; 5] = [
        MonotonicDuration::from_micros,
        MonotonicDuration::from_millis,
        MonotonicDuration::from_seconds,
        MonotonicDuration::from_minutes,
        MonotonicDuration::from_hours,
    ];
    for from_units in units {
        assert_eq!(from_units(i64::MAX), MonotonicDuration::INFINITE);
        assert_eq!(from_units(i64::MIN), MonotonicDuration::INFINITE_PAST);
    }
    // The last second that fits, and the first that does not.
    assert_eq!(MonotonicDuration::from_seconds(9_223_372_036).into_nanos(), 9_223_372_036_000_000_000);
    assert_eq!(MonotonicDuration::from_seconds(9_223_372_037), MonotonicDuration::INFINITE);
}

#[test]
fn adding_and_subtracting_count_nanoseconds() {
    assert_eq!(instant(10) + duration(5), instant(15));
    assert_eq!(duration(5) + instant(10), instant(15));
    assert_eq!(instant(10) - duration(15), instant(-5));
    assert_eq!(instant(10) - instant(25), duration(-15));
    assert_eq!(duration(10) + duration(-4), duration(6));
    assert_eq!(duration(10) - duration(4), duration(6));
    assert_eq!(duration(10) * -3, duration(-30));
    assert_eq!(duration(10) / 3, duration(3));
    assert_eq!(-duration(10), duration(-10));

    let mut deadline = instant(10);
    deadline += duration(5);
    assert_eq!(deadline, instant(15));
    deadline -= duration(20);
    assert_eq!(deadline, instant(-5));

    let mut slack = duration(10);
    slack += duration(5);
    assert_eq!(slack, duration(15));
    slack -= duration(20);
    assert_eq!(slack, duration(-5));
}

#[test]
fn adding_infinity_gives_infinity() {
    for nanos in [0, 1, 1_000_000_000, i64::MAX] {
        assert_eq!(instant(nanos) + MonotonicDuration::INFINITE, MonotonicInstant::INFINITE);
    }
    assert_eq!(MonotonicInstant::after(MonotonicDuration::INFINITE), MonotonicInstant::INFINITE);
}

#[test]
fn arithmetic_saturates_and_never_wraps() {
    assert_eq!(MonotonicInstant::INFINITE + duration(1), MonotonicInstant::INFINITE);
    assert_eq!(MonotonicInstant::INFINITE_PAST - duration(1), MonotonicInstant::INFINITE_PAST);
    assert_eq!(MonotonicInstant::INFINITE - MonotonicInstant::INFINITE_PAST, MonotonicDuration::INFINITE);
    assert_eq!(MonotonicInstant::INFINITE_PAST - instant(1), MonotonicDuration::INFINITE_PAST);
    assert_eq!(MonotonicDuration::INFINITE + duration(1), MonotonicDuration::INFINITE);
    assert_eq!(MonotonicDuration::INFINITE_PAST - duration(1), MonotonicDuration::INFINITE_PAST);
    assert_eq!(MonotonicDuration::INFINITE * 2, MonotonicDuration::INFINITE);
    assert_eq!(MonotonicDuration::INFINITE * -2, MonotonicDuration::INFINITE_PAST);
    assert_eq!(MonotonicDuration::INFINITE_PAST * -1, MonotonicDuration::INFINITE);
    assert_eq!(MonotonicDuration::INFINITE_PAST / -1, MonotonicDuration::INFINITE);
    assert_eq!(-MonotonicDuration::INFINITE_PAST, MonotonicDuration::INFINITE);
}

#[test]
fn infinities_take_part_in_arithmetic() {
    assert_eq!(MonotonicInstant::INFINITE - duration(1), instant(i64::MAX - 1));
    assert_eq!(MonotonicInstant::INFINITE_PAST + MonotonicDuration::INFINITE, instant(-1));
}

#[test]
fn earlier_instants_compare_less() {
    assert!(MonotonicInstant::INFINITE_PAST < instant(-1));
    assert!(instant(-1) < MonotonicInstant::ZERO);
    assert!(MonotonicInstant::ZERO < MonotonicInstant::INFINITE);
    assert!(MonotonicDuration::INFINITE_PAST < MonotonicDuration::ZERO);
}

#[test]
fn the_clock_agrees_with_linux() {
    let linux = clock_gettime(ClockId::Monotonic);
    let first = MonotonicInstant::get();
    let second = MonotonicInstant::get();
    assert!(first.into_nanos() >= linux.tv_sec * 1_000_000_000 + linux.tv_nsec);
    assert!(first.into_nanos() < (linux.tv_sec + 60) * 1_000_000_000);
    assert!(second >= first);
}

#[test]
fn a_sleep_lasts_until_its_deadline() {
    let deadline = MonotonicInstant::after(MonotonicDuration::from_millis(5));
    deadline.sleep();
    assert!(MonotonicInstant::get() >= deadline);

    let start = MonotonicInstant::get();
    MonotonicDuration::from_millis(5).sleep();
    assert!(MonotonicInstant::get() - start >= MonotonicDuration::from_millis(5));
}

#[test]
fn a_sleep_until_the_past_returns() {
    MonotonicInstant::INFINITE_PAST.sleep();
    MonotonicInstant::ZERO.sleep();
    MonotonicDuration::from_hours(-1).sleep();
    MonotonicDuration::ZERO.sleep();
}

#[test]
fn standard_durations_convert_exactly_where_they_fit() {
    assert_eq!(MonotonicDuration::from(StdDuration::new(2, 3)), duration(2_000_000_003));
    assert_eq!(StdDuration::try_from(duration(2_000_000_003)), Ok(StdDuration::new(2, 3)));
    assert_eq!(StdDuration::try_from(MonotonicDuration::ZERO), Ok(StdDuration::ZERO));
    let longest = StdDuration::from_nanos(i64::MAX as u64);
    assert_eq!(MonotonicDuration::from(longest), MonotonicDuration::INFINITE);
    assert_eq!(StdDuration::try_from(MonotonicDuration::INFINITE), Ok(longest));
}

#[test]
fn misfit_standard_durations_saturate_or_fail() {
    assert_eq!(MonotonicDuration::from(StdDuration::from_nanos(1 << 63)), MonotonicDuration::INFINITE);
    assert_eq!(MonotonicDuration::from(StdDuration::MAX), MonotonicDuration::INFINITE);
    assert_eq!(StdDuration::try_from(duration(-1)), Err(Status::OUT_OF_RANGE));
    assert_eq!(StdDuration::try_from(MonotonicDuration::INFINITE_PAST), Err(Status::OUT_OF_RANGE));
}

#[test]
fn debug_shows_nanoseconds_and_names_the_infinities() {
    assert_eq!(format!("{:?}", instant(-5)), "MonotonicInstant(-5ns)");
    assert_eq!(format!("{:?}", MonotonicInstant::INFINITE), "MonotonicInstant(INFINITE)");
    assert_eq!(format!("{:?}", MonotonicDuration::INFINITE_PAST), "MonotonicDuration(INFINITE_PAST)");
    assert_eq!(format!("{:?}", BootInstant::from_nanos(7)), "BootInstant(7ns)");
    assert_eq!(format!("{:?}", MonotonicTicks::from_raw(7)), "MonotonicInstant(7 ticks)");
}

#[test]
fn times_are_laid_out_as_an_i64() {
    assert_eq!((size_of::<MonotonicInstant>(), align_of::<MonotonicInstant>()), (8, 8));
    assert_eq!((size_of::<MonotonicDuration>(), align_of::<MonotonicDuration>()), (8, 8));
}

#[test]
fn boot_time_is_never_behind_monotonic_time() {
    let monotonic = MonotonicInstant::get();
    let boot = BootInstant::get();
    assert!(boot.into_nanos() >= monotonic.into_nanos());
    assert!(BootInstant::after(BootDuration::from_seconds(1)) > boot);
}

#[test]
fn ticks_pass_at_the_stated_rate() {
    let (start, ticks) = (MonotonicInstant::get(), MonotonicTicks::get());
    MonotonicDuration::from_millis(2).sleep();
    let (passed, ticked) = (MonotonicInstant::get() - start, MonotonicTicks::get() - ticks);
    assert!(ticked.into_raw() >= 2 * MonotonicTicks::per_second() / 1_000);
    assert!(ticked.into_raw() <= (passed.into_millis() + 1) * MonotonicTicks::per_second() / 1_000);
    assert!(BootTicks::get() > BootTicks::from_raw(0));
}

#[test]
fn deadlines_are_instants_or_lengths_from_now() {
    let at = |deadline: Deadline| deadline.instant();
    assert_eq!(at(MonotonicInstant::INFINITE.into()), MonotonicInstant::INFINITE);
    assert_eq!(at(MonotonicDuration::INFINITE.into()), MonotonicInstant::INFINITE);
    assert_eq!(at(StdDuration::MAX.into()), MonotonicInstant::INFINITE);
    let now = MonotonicInstant::get();
    let in_an_hour = now + MonotonicDuration::from_hours(1);
    let second = MonotonicDuration::from_seconds(1);
    for deadline in [
        Deadline::from(StdDuration::from_secs(3600)),
        Deadline::from(std::time::Instant::now() + StdDuration::from_secs(3600)),
        Deadline::from(MonotonicDuration::from_hours(1)),
    ] {
        assert!(at(deadline) >= in_an_hour - second && at(deadline) < in_an_hour + second, "{deadline:?}");
    }
    assert!(at(std::time::Instant::now().into()) <= MonotonicInstant::get());
}
