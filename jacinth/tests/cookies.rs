//! Cookies: a number that only the holder of its scope can read and set.

mod support;

use jacinth::*;
use support::*;

#[test]
fn child_main() {
    play(&[("returns a token", returns_a_token), ("tries other scopes", tries_other_scopes)]);
}

#[test]
fn a_cookie_needs_its_scope() {
    in_arena(|_| {
        let (event, scope, other) = (Event::create(), Event::create(), Event::create());
        assert_eq!(event.get_cookie(&scope), Err(Status::ACCESS_DENIED));
        for cookie in [0, 7, u64::MAX, 0] {
            assert_eq!(event.set_cookie(&scope, cookie), Ok(()));
            assert_eq!(event.get_cookie(&scope), Ok(cookie));
            assert_eq!(event.set_cookie(&other, 1), Err(Status::ACCESS_DENIED));
            assert_eq!(event.get_cookie(&other), Err(Status::ACCESS_DENIED));
        }
        let copy = scope.duplicate(Rights::NONE).unwrap();
        drop(scope);
        assert_eq!(event.get_cookie(&copy), Ok(0), "the scope is an object, not a handle");
    });
}

#[test]
fn only_events_and_pairs_have_cookies() {
    in_arena(|_| {
        let (scope, (end, _peer), fifo) =
            (Event::create(), Channel::create(), Fifo::<u32>::create(2).unwrap());
        let handles: [NullableHandle; 5] = [
            end.into(),
            fifo.0.into(),
            Timer::create().into(),
            Port::create().into(),
            Directory::create().into(),
        ];
        for handle in handles {
            let value = handle.raw_handle();
            assert_eq!(raw::set_cookie(value, scope.raw_handle(), 1), Err(Status::NOT_SUPPORTED));
            assert_eq!(raw::cookie(value, scope.raw_handle()), Err(Status::NOT_SUPPORTED));
            // But each of them can be the scope of one.
            assert_eq!(Event::create().set_cookie(&handle, 1), Ok(()));
        }
    });
}

#[test]
fn a_closed_peer_makes_cookies_invalid() {
    in_arena(|_| {
        let scope = Event::create();
        let (ours, theirs) = EventPair::create();
        ours.set_cookie(&scope, 1).unwrap();
        theirs.set_cookie(&ours, 2).unwrap();
        assert_eq!((ours.get_cookie(&scope), theirs.get_cookie(&ours)), (Ok(1), Ok(2)));
        drop(theirs);
        assert_eq!(ours.get_cookie(&scope), Err(Status::ACCESS_DENIED));
        assert_eq!(ours.set_cookie(&scope, 3), Err(Status::ACCESS_DENIED));
    });
}

#[test]
fn a_token_is_known_when_it_returns() {
    in_arena(|supervisor| {
        let (scope, token) = (Event::create(), Event::create());
        token.set_cookie(&scope, 4711).unwrap();
        let (ours, child) = spawn(supervisor, "returns a token");
        ours.write(b"", &mut [token.duplicate(Rights::SAME_RIGHTS).unwrap().into()]).unwrap();
        let mut answer = next(&ours);
        let [returned, forged] = [0, 1].map(|index| Event::from(answer.take_handle(index).unwrap()));
        assert_eq!(returned.get_cookie(&scope), Ok(4711));
        assert_eq!(forged.get_cookie(&scope), Err(Status::ACCESS_DENIED));
        drop(ours);
        join(child);
        assert_eq!(returned.get_cookie(&scope), Ok(4711));
    });
}

fn returns_a_token() {
    let ours = startup_channel();
    let token = Event::from(next(&ours).take_handle(0).unwrap());
    let forged = Event::create();
    for scope in [&token, &forged] {
        assert_eq!(token.get_cookie(scope), Err(Status::ACCESS_DENIED));
        assert_eq!(token.set_cookie(scope, 4711), Err(Status::ACCESS_DENIED));
    }
    ours.write(b"", &mut [token.into(), forged.into()]).unwrap();
    wait_for_peer_closed(&ours);
}

/// Two processes set the first cookie of one event after another at the same time: each event has the cookie of one of them,
/// with its scope.
#[test]
fn one_of_two_first_scopes_stays() {
    in_arena(|supervisor| {
        let scope = Event::create();
        let (ours, child) = spawn(supervisor, "tries other scopes");
        let mut won = [0; 2];
        for round in 0..2_000 {
            let event = Event::create();
            let copy = event.duplicate(Rights::SAME_RIGHTS).unwrap();
            ours.write(b"", &mut [copy.into()]).unwrap();
            // Not always this process first.
            (0..round % 64).for_each(|_| std::hint::spin_loop());
            let set = event.set_cookie(&scope, round);
            let theirs = next(&ours).bytes()[0] != 0;
            assert_eq!(set, if theirs { Err(Status::ACCESS_DENIED) } else { Ok(()) }, "{round}");
            let seen = event.get_cookie(&scope);
            assert_eq!(seen, if theirs { Err(Status::ACCESS_DENIED) } else { Ok(round) }, "{round}");
            won[usize::from(theirs)] += 1;
        }
        drop(ours);
        join(child);
        println!("this process was first {} times, the other one {} times", won[0], won[1]);
    });
}

fn tries_other_scopes() {
    let ours = startup_channel();
    let scope = Event::create();
    for round in 0..2_000 {
        let event = Event::from(next(&ours).take_handle(0).unwrap());
        let set = event.set_cookie(&scope, !round);
        assert_eq!(event.get_cookie(&scope), set.map(|()| !round));
        tell(&ours, [u8::from(set.is_ok())]);
    }
    wait_for_peer_closed(&ours);
}
