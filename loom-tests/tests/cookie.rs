//! Cookies: two processes set and read the cookie of one event. A cookie and its scope are seen together.

mod support;

use jacinth_shm_loom::{Error, HandleValue, Result, Thread};
use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::Relaxed;
use std::sync::Arc;
use support::*;

/// A process that has an event, and its child with another handle to it.
fn owners() -> [(Thread, HandleValue); 2] {
    let one = first(&small());
    let event = create_event(&one);
    let copy = one.duplicate(find(&one, event), ALL).unwrap();
    let two = child(&one, Some(copy));
    let theirs = startup(&two);
    [(one, event), (two, theirs)]
}

fn set(thread: &Thread, object: HandleValue, scope: HandleValue, cookie: u64) -> Result<()> {
    thread.set_cookie(find(thread, object), find(thread, scope), cookie)
}

fn get(thread: &Thread, object: HandleValue, scope: HandleValue) -> Result<u64> {
    thread.cookie(find(thread, object), find(thread, scope))
}

/// INV-COOKIE-1, INV-COOKIE-3: one of two first settings fixes the scope, and the refused one finds the cookie set.
#[test]
fn one_first_setting_fixes_the_scope() {
    model_without_barriers(2, || {
        let [(one, event), (two, theirs)] = owners();
        let own = create_event(&two);
        let setting = loom::thread::spawn(move || {
            // An event is its own scope.
            let is_set = set(&one, event, event, 7);
            let seen = get(&one, event, event);
            assert_eq!(seen, is_set.map(|()| 7));
            (one, is_set)
        });
        let is_set = set(&two, theirs, own, 8);
        let seen = [get(&two, theirs, theirs), get(&two, theirs, own)];
        match is_set {
            Ok(()) => assert_eq!(seen, [Err(Error::WrongScope), Ok(8)]),
            Err(error) => assert_eq!((error, seen), (Error::WrongScope, [Ok(7), Err(Error::WrongScope)])),
        }
        let (one, other) = setting.join().unwrap();
        assert_ne!(is_set.is_ok(), other.is_ok());
        assert_clean(&one, 2, 3);
    });
}

/// INV-COOKIE-3: a cookie that was replaced never comes back.
#[test]
fn replaced_cookie_never_comes_back() {
    model_without_barriers(2, || {
        let [(one, event), (two, theirs)] = owners();
        let setting = loom::thread::spawn(move || {
            set(&one, event, event, 7).unwrap();
            one
        });
        let before = get(&two, theirs, theirs);
        assert!(before == Err(Error::WrongScope) || before == Ok(7), "{before:?}");
        set(&two, theirs, theirs, 8).unwrap();
        let after = [(); 2].map(|()| get(&two, theirs, theirs).unwrap());
        if before.is_ok() {
            assert_eq!(after, [8, 8]);
        }
        // A first setting that comes later may replace this one.
        assert!(after == [8, 8] || after == [8, 7] || after == [7, 7], "{after:?}");
        let one = setting.join().unwrap();
        assert_eq!(get(&two, theirs, theirs), get(&one, event, event));
        assert_clean(&one, 1, 2);
    });
}

/// The holder of a cookie may follow it to what the setter has stored before: by a first cookie, and by a later one.
#[test]
fn cookies_publish_earlier_stores() {
    for is_first in [true, false] {
        model_without_barriers(3, move || {
            let [(one, event), (two, theirs)] = owners();
            if !is_first {
                set(&one, event, event, 1).unwrap();
            }
            let told = Arc::new(AtomicU64::new(0));
            let telling = told.clone();
            let setting = loom::thread::spawn(move || {
                for cookie in [2, 3] {
                    telling.store(cookie, Relaxed);
                    set(&one, event, event, cookie).unwrap();
                }
                one
            });
            let seen = get(&two, theirs, theirs);
            match seen {
                Ok(cookie) if cookie > 1 => assert!(told.load(Relaxed) >= cookie),
                Ok(cookie) => assert!(!is_first && cookie == 1),
                Err(error) => assert!(is_first && error == Error::WrongScope),
            }
            let one = setting.join().unwrap();
            assert_eq!(get(&two, theirs, theirs), Ok(3));
            assert_clean(&one, 1, 2);
        });
    }
}

/// INV-COOKIE-2: a thread that completes another's setting late takes no values of the other's next one.
#[test]
fn slow_helper_takes_no_later_values() {
    model_without_barriers(2, || {
        let [(one, event), (two, theirs)] = owners();
        let next = create_event(&one);
        let setting = loom::thread::spawn(move || {
            set(&one, event, event, 7).unwrap();
            set(&one, next, next, 8).unwrap();
            assert_eq!([get(&one, event, event), get(&one, next, next)], [Ok(7), Ok(8)]);
            one
        });
        let seen = get(&two, theirs, theirs);
        assert!(seen == Err(Error::WrongScope) || seen == Ok(7), "{seen:?}");
        let one = setting.join().unwrap();
        assert_eq!(get(&two, theirs, theirs), Ok(7));
        assert_clean(&one, 2, 3);
    });
}
