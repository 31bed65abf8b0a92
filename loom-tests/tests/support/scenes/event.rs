//! Scenes of events: signals that a sleeper waits for, and cookies.

use super::*;

pub const SCENES: &[Scene] =
    &[CLEARING_A_WATCHED_SIGNAL, SETTING_THE_FIRST_COOKIE, SETTING_A_CONTESTED_COOKIE, REPLACING_A_COOKIE];

pub const CLEARING_A_WATCHED_SIGNAL: Scene = Scene {
    name: "setting and clearing a signal that a sleeper waits for",
    points: &["signal.*"],
    setup: watched_event,
    act: |victim, victims| {
        victim.signal(find(victim, victims[0]), Signals::empty(), USER)?;
        victim.signal(find(victim, victims[0]), USER, Signals::empty())
    },
    beside: nothing,
    after: event_is_ours_alone,
};

/// The victim's cookie. An event is its own scope, so the survivor can read it.
const COOKIE: u64 = 7;

fn cookie(thread: &Thread, event: HandleValue) -> Result<u64> {
    thread.cookie(find(thread, event), find(thread, event))
}

fn set_cookie(thread: &Thread, event: HandleValue, cookie: u64) -> Result<()> {
    thread.set_cookie(find(thread, event), find(thread, event), cookie)
}

pub const SETTING_THE_FIRST_COOKIE: Scene = Scene {
    name: "setting the first cookie",
    points: &["cookie.intended", "cookie.begun", "cookie.stored", "cookie.set"],
    setup: shared_event,
    act: |victim, victims| set_cookie(victim, victims[0], COOKIE),
    beside: nothing,
    after: |survivor, survivors| {
        // Another thread gets the victim's row, and sets a cookie of its own. The victim's setting is complete by then.
        let next = sibling(survivor);
        let own = create_event(&next);
        set_cookie(&next, own, COOKIE + 1).unwrap();
        close_all(&next, &[own]);
        match cookie(survivor, survivors[0]) {
            Ok(COOKIE) => {}
            Err(Error::WrongScope) => {
                set_cookie(survivor, survivors[0], COOKIE + 2).unwrap();
                assert_eq!(cookie(survivor, survivors[0]), Ok(COOKIE + 2));
            }
            seen => panic!("{seen:?}"),
        }
        event_is_ours_alone(survivor, survivors);
    },
};

pub const SETTING_A_CONTESTED_COOKIE: Scene = Scene {
    name: "setting the first cookie beside another thread",
    points: &["cookie.intended", "cookie.begun", "cookie.stored", "cookie.set"],
    setup: shared_event,
    act: |victim, victims| match set_cookie(victim, victims[0], COOKIE) {
        // The survivor was quicker, with its scope.
        Err(Error::WrongScope) => Ok(()),
        result => result,
    },
    beside: |survivor, survivors| {
        let seen = cookie(survivor, survivors[0]);
        assert!(matches!(seen, Ok(COOKIE) | Err(Error::WrongScope)), "{seen:?}");
        // Another scope, of an object that only the survivor has.
        let own = create_event(survivor);
        let set = survivor.set_cookie(find(survivor, survivors[0]), find(survivor, own), COOKIE + 1);
        // It is one or the other, from here on.
        assert_eq!(cookie(survivor, survivors[0]), set.map_or(Ok(COOKIE), |()| Err(Error::WrongScope)));
        assert!(seen.is_err() || set.is_err());
        vec![own]
    },
    after: event_is_ours_alone,
};

pub const REPLACING_A_COOKIE: Scene = Scene {
    name: "replacing a cookie",
    points: &["cookie.replacing", "cookie.replaced"],
    setup: || {
        let actors = shared_event();
        set_cookie(&actors.survivor, actors.survivors[0], 1).unwrap();
        actors
    },
    act: |victim, victims| set_cookie(victim, victims[0], COOKIE),
    beside: nothing,
    after: |survivor, survivors| {
        let seen = cookie(survivor, survivors[0]);
        assert!(matches!(seen, Ok(1 | COOKIE)), "{seen:?}");
        set_cookie(survivor, survivors[0], 9).unwrap();
        assert_eq!(cookie(survivor, survivors[0]), Ok(9));
        event_is_ours_alone(survivor, survivors);
    },
};
