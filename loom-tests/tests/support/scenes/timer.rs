//! Scenes of timers: a sleeper, and a victim that sets or cancels the timer.

use super::*;

pub const SCENES: &[Scene] = &[SETTING_AN_AWAITED_TIMER, CANCELLING_A_WATCHED_TIMER, SEEING_A_TIMER_EXPIRE];

pub const SETTING_AN_AWAITED_TIMER: Scene = Scene {
    name: "setting a timer that a sleeper waits for",
    // Before the commit, a death leaves the survivor asleep: the timer is not set.
    points: &["timer.changed"],
    setup: shared_timer,
    act: |victim, victims| victim.timer_set(find(victim, victims[0]), ALL, 0),
    beside: |survivor, survivors| {
        assert_eq!(wait(survivor, survivors[0], Signals::SIGNALED), (Ok(()), Signals::SIGNALED));
        Vec::new()
    },
    after: timer_works,
};

pub const CANCELLING_A_WATCHED_TIMER: Scene = Scene {
    name: "setting and cancelling a timer that a sleeper watches",
    points: &["timer.told", "timer.changed"],
    setup: || {
        let actors = shared_timer();
        actors.survivor.fall_asleep(actors.survivors[0], Signals::SIGNALED).unwrap();
        actors
    },
    act: |victim, victims| {
        victim.timer_set(find(victim, victims[0]), ALL, 0)?;
        victim.timer_cancel(find(victim, victims[0]), ALL)
    },
    beside: nothing,
    after: timer_works,
};

pub const SEEING_A_TIMER_EXPIRE: Scene = Scene {
    name: "seeing that the deadline of a timer has passed",
    points: &["timer.expired"],
    setup: || {
        // In the later models of this test too.
        time_passes(true);
        let actors = shared_timer();
        actors.survivor.timer_set(find(&actors.survivor, actors.survivors[0]), ALL, DUE_NS).unwrap();
        pass_time_until(DUE_NS);
        actors
    },
    act: |victim, victims| victim.signals_of(victims[0]).map(drop),
    beside: |survivor, survivors| {
        assert_eq!(survivor.signals_of(survivors[0]), Ok(Signals::SIGNALED));
        Vec::new()
    },
    after: timer_works,
};

/// The survivor's handle is the only one left of the timer, and sets it.
fn timer_works(survivor: &Thread, survivors: &[HandleValue]) {
    let timer = find(survivor, survivors[0]);
    assert_eq!(survivor.basic(timer).unwrap().handles, 1);
    survivor.timer_set(timer, ALL, i64::MAX).unwrap();
    assert_eq!(survivor.signals(timer), Ok(Signals::empty()));
    survivor.timer_set(timer, ALL, 0).unwrap();
    assert_eq!(survivor.signals(timer), Ok(Signals::SIGNALED));
    close_all(survivor, survivors);
}
