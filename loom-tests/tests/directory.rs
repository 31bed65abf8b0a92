//! Directories: a name has one server, while other threads register, help, or leave, and no thread that waits
//! for a name, or for a free one, sleeps on.

mod support;

use jacinth_shm_loom::{Error, HandleValue, Thread};
use support::names::*;
use support::*;

/// A listener, and whether it was registered.
type Registered = (HandleValue, Result<(), Error>);

/// Lets two threads register listeners, of these names, and gives for each whether it is registered.
fn race(
    one: &Thread,
    directory: HandleValue,
    two: Thread,
    theirs: HandleValue,
    names: [&'static str; 2],
) -> (Thread, [Registered; 2]) {
    let ours = one.create_listener(find(one, directory), names[0]).unwrap();
    let their = two.create_listener(find(&two, theirs), names[1]).unwrap();
    let registering = loom::thread::spawn(move || {
        let registered = two.register(find(&two, theirs), find(&two, their), names[1]);
        (two, registered)
    });
    let registered = one.register(find(one, directory), find(one, ours), names[0]);
    let (two, their_result) = registering.join().unwrap();
    (two, [(ours, registered), (their, their_result)])
}

/// Two servers of one name: one registers its listener, and the name is free once that is closed.
fn race_for_a_name(one: &Thread, directory: HandleValue, two: Thread, theirs: HandleValue) {
    let (two, [(ours, our_result), (their, their_result)]) = race(one, directory, two, theirs, ["a", "a"]);
    let results = [our_result, their_result];
    assert!(
        matches!(results, [Ok(()), Err(Error::AlreadyExists)] | [Err(Error::AlreadyExists), Ok(())]),
        "{results:?}"
    );
    let found = find(one, directory);
    assert_eq!(one.list_names(found), Ok(vec!["a".to_owned()]));
    one.close_value(ours).unwrap();
    two.close_value(their).unwrap();
    assert_eq!(one.list_names(found), Ok(vec![]));
    assert_clean(one, 1, 2);
}

/// INV-NAME-2. In a directory with a block: both come to the words at once.
#[test]
fn one_of_two_servers_gets_the_name() {
    model_without_barriers(2, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let other = serve(&one, directory, "b").unwrap();
        one.close_value(other).unwrap();
        race_for_a_name(&one, directory, two, theirs);
    });
}

/// INV-NAME-2, INV-PART-1: in a directory that has no block yet.
#[test]
fn the_first_names_block_comes_once() {
    model_without_barriers(1, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        race_for_a_name(&one, directory, two, theirs);
    });
}

/// INV-NAME-1: the last commit names the word of a listener that is gone. Both servers complete it, while the word and the
/// listener's slot are taken anew.
#[test]
fn stale_commit_makes_no_name_live() {
    model_without_barriers(1, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let gone = serve(&one, directory, "a").unwrap();
        one.close_value(gone).unwrap();
        one.collect().unwrap();
        race_for_a_name(&one, directory, two, theirs);
    });
}

/// INV-NAME-3: a server that has committed and stopped hides its name from no other.
#[test]
fn stopped_servers_name_is_completed() {
    model_without_barriers(1, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let gone = serve(&one, directory, "c").unwrap();
        one.close_value(gone).unwrap();
        two.die_at("serve.committed", 0);
        let (_two, [ours, (_, their)]) = race(&one, directory, two, theirs, ["b", "a"]);
        assert_eq!((ours.1, their), (Ok(()), Err(Error::Died)));
        assert_eq!(serve(&one, directory, "a"), Err(Error::AlreadyExists));
        assert_eq!(one.list_names(find(&one, directory)), Ok(vec!["a".to_owned(), "b".to_owned()]));
    });
}

/// INV-NAME-3: two servers of two names go past each other, and neither takes the word of the other, whose listener it
/// might have seen before it was made. The directory is full afterwards.
#[test]
fn servers_of_two_names_both_succeed() {
    model_without_barriers(1, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let gone = serve(&one, directory, "c").unwrap();
        one.close_value(gone).unwrap();
        let (two, [(ours, our_result), (their, their_result)]) =
            race(&one, directory, two, theirs, ["b", "a"]);
        assert_eq!([our_result, their_result], [Ok(()), Ok(())]);
        assert!(matches!(serve(&one, directory, "c"), Err(Error::NoResources(_))));
        assert_eq!(one.list_names(find(&one, directory)), Ok(vec!["a".to_owned(), "b".to_owned()]));
        one.close_value(ours).unwrap();
        two.close_value(their).unwrap();
        assert_clean(&one, 1, 2);
    });
}

/// The same while both listeners are made.
#[test]
fn servers_of_new_listeners_both_succeed() {
    model_without_barriers(0, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let serving = loom::thread::spawn(move || {
            serve(&two, theirs, "a").unwrap();
            two
        });
        serve(&one, directory, "b").unwrap();
        let _two = serving.join().unwrap();
        assert!(matches!(serve(&one, directory, "c"), Err(Error::NoResources(_))));
        assert_eq!(one.list_names(find(&one, directory)), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_clean(&one, 3, 4);
    });
}

/// The same while one listener is made: the other server has nothing to do with its making, and so may see its word first.
#[test]
fn a_new_listeners_word_is_not_taken() {
    model_without_barriers(1, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let ours = one.create_listener(find(&one, directory), "b").unwrap();
        let serving = loom::thread::spawn(move || {
            serve(&two, theirs, "a").unwrap();
            two
        });
        one.register(find(&one, directory), find(&one, ours), "b").unwrap();
        let _two = serving.join().unwrap();
        assert_eq!(one.list_names(find(&one, directory)), Ok(vec!["a".to_owned(), "b".to_owned()]));
    });
}

/// A client that finds the name finds the listener complete: its name, and its queue.
#[test]
fn found_listener_is_complete() {
    model_without_barriers(2, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let event = create_event(&one);
        let serving = loom::thread::spawn(move || {
            let listener = serve(&two, theirs, "a").unwrap();
            (two, listener)
        });
        let connected = connect(&one, directory, "a", event);
        let (two, listener) = serving.join().unwrap();
        match connected {
            Ok(()) => drop(accept(&two, listener).unwrap()),
            Err(error) => assert_eq!((error, one.koid(event).is_ok()), (Error::NotFound, true)),
        }
        assert_clean(&one, 3, 4);
    });
}

/// The commit of a name, and the look of a client that falls asleep.
#[test]
fn client_is_woken_by_the_name() {
    model_with_one_sided_barriers(1, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let event = create_event(&one);
        let serving = loom::thread::spawn(move || {
            let listener = serve(&two, theirs, "a").unwrap();
            (two, listener)
        });
        connect_when_served(&one, directory, "a", event).unwrap();
        let (two, listener) = serving.join().unwrap();
        accept(&two, listener).unwrap();
        assert_clean(&one, 3, 4);
    });
}

/// The end of a listener, and the look of a server that falls asleep.
#[test]
fn server_is_woken_by_the_free_name() {
    model_with_one_sided_barriers(1, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let listener = serve(&two, theirs, "a").unwrap();
        let closing = loom::thread::spawn(move || {
            two.close_value(listener).unwrap();
            two
        });
        serve_when_free(&one, directory, "a").unwrap();
        let _two = closing.join().unwrap();
        assert_clean(&one, 2, 3);
    });
}

/// A client waits at a view, and the name comes in the directory behind it.
#[test]
fn name_behind_a_view_wakes() {
    model_with_one_sided_barriers(1, || {
        let (one, directory, two, theirs) = shared_directory(&with_names());
        let view = one.create_view(find(&one, directory), &["a"], ALL).unwrap();
        let event = create_event(&one);
        let serving = loom::thread::spawn(move || {
            let listener = serve(&two, theirs, "a").unwrap();
            (two, listener)
        });
        connect_when_served(&one, view, "a", event).unwrap();
        let (two, listener) = serving.join().unwrap();
        accept(&two, listener).unwrap();
        assert_clean(&one, 4, 5);
    });
}

/// A weak reference is followed in one life of its slot: the directory behind a view ends, and its slot's next user is
/// another directory, which has the name.
#[test]
fn ending_parent_is_never_followed() {
    model(2, || {
        let config = small_with(|config| {
            config.max_objects = 4;
            config.max_handles_per_process = 7;
            config.pool_bytes = 4096;
        });
        let (one, directory, two, theirs) = shared_directory(&config);
        let view = one.create_view(find(&one, directory), &["a"], ALL).unwrap();
        one.close_value(directory).unwrap();
        let event = create_event(&one);
        let closing = loom::thread::spawn(move || {
            two.close_value(theirs).unwrap();
            let other = create_directory(&two);
            let served = serve(&two, other, "a");
            (two, other, served)
        });
        assert_eq!(connect(&one, view, "a", event), Err(Error::NotFound));
        let (two, other, served) = closing.join().unwrap();
        two.close_value(other).unwrap();
        if let Ok(listener) = served {
            two.close_value(listener).unwrap();
        }
        assert_clean(&one, 2, 2);
    });
}
