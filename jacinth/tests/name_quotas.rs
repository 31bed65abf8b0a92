//! Quotas of names: a process that uses up its share of the arena with names, views or queued clients is refused more, and
//! the other processes serve and connect.

#[path = "support/greedy.rs"]
mod greedy;
mod support;

use greedy::*;
use jacinth::*;
use support::*;

#[test]
fn child_main() {
    play(&[("greedy", greedy), ("modest", modest), ("crowds", crowds)]);
}

const AT_ONCE: MonotonicInstant = MonotonicInstant::INFINITE_PAST;

/// Names of this process.
fn names() -> impl Iterator<Item = String> {
    (0..).map(|number| format!("{}/{number}", std::process::id()))
}

fn take_names() -> Taken {
    let mut names = names();
    take(|| serve(&names.next().unwrap()))
}

fn take_directories_with_a_name() -> Taken {
    take(|| {
        let directory = Directory::create();
        directory.serve("log").map(|listener| (directory, listener))
    })
}

fn take_views() -> Taken {
    let root = Directory::root().unwrap();
    let names = vec!["a name of as many bytes as a view can well have: some 60 or so"; 1000];
    take(|| root.create_view(&names))
}

/// The resources, and how much of each one process gets: 256 KiB of blocks of each size.
const RESOURCES: &[Resource] = &[
    // 4 KiB for a listener.
    ("names", 64, take_names),
    // 8 KiB for the names of a directory.
    ("directories with a name", 32, take_directories_with_a_name),
    // 64 KiB for so many names of a view.
    ("views", 4, take_views),
];

fn greedy() {
    take_as_asked(RESOURCES);
}

/// Every use of a name, each of which succeeds.
fn work() {
    let name = names().next().unwrap();
    let listener = serve(&name).unwrap();
    let view = directory().unwrap().create_view(&[&name]).unwrap();
    for _ in 0..20 {
        let (client, own) = (view.connect(&name, AT_ONCE).unwrap(), Directory::create());
        tell(&client, "hello");
        assert_eq!(next(&listener.accept().unwrap()).bytes(), b"hello");
        drop(own.serve("log").unwrap());
    }
}

/// Does the work of `work` once for each request.
fn modest() {
    let channel = startup_channel();
    while request(&channel).is_ok() {
        work();
        tell(&channel, 0_u64.to_ne_bytes());
    }
}

#[test]
fn a_greedy_process_gets_only_its_quota() {
    in_arena_of(scarce, |supervisor| {
        let (modest, modest_child) = spawn(supervisor, "modest");
        for &(resource, limit, _) in RESOURCES {
            // The next process can take all that a killed one had.
            for life in 0..2 {
                let (ours, child) = spawn(supervisor, "greedy");
                for round in 0..3 {
                    assert_eq!(ask(&ours, resource), limit, "{resource}, life {life}, round {round}");
                    ask(&modest, "work");
                    work();
                    ask(&ours, "nothing");
                }
                assert_eq!(ask(&ours, resource), limit, "{resource}");
                kill(supervisor, child);
                ask(&modest, "work");
            }
        }
        assert!(directory().unwrap().names().unwrap().is_empty());
        drop(modest);
        join(modest_child);
    });
}

#[test]
fn without_a_quota_memory_runs_out() {
    in_arena_of(
        |config| {
            scarce(config);
            config.pool_bytes = 1 << 18;
        },
        |_| {
            for (resource, limit, take) in RESOURCES {
                for round in 0..3 {
                    let taken = take();
                    assert_eq!(taken.status, Status::NO_MEMORY, "{resource}");
                    // The root's own names have a block.
                    assert!((limit - 1..=*limit).contains(&taken.count), "{resource}, round {round}");
                    drop(taken);
                    work();
                }
            }
        },
    );
}

#[test]
fn closed_names_memory_is_free_at_once() {
    in_arena_of(scarce, |_| {
        // A process with so many handles does not look for memory at each refusal.
        let _many: Vec<Event> = (0..1500).map(|_| Event::create()).collect();
        let make = || {
            let directory = Directory::create();
            directory.serve("log").map(|listener| (directory, listener))
        };
        let (mut directories, _) = until_refused(make);
        for round in 0..100 {
            assert_eq!(make().map(drop), Err(Status::NO_RESOURCES), "round {round}");
            drop(directories.swap_remove(round % 32));
            directories.push(make().unwrap());
        }
    });
}

#[test]
fn a_directory_has_1024_names() {
    in_arena(|_| {
        let (directory, mut names) = (Directory::create(), names());
        let (mut listeners, status) = until_refused(|| directory.serve(&names.next().unwrap()));
        assert_eq!((listeners.len(), status), (1024, Status::NO_RESOURCES));
        let wait = std::time::Duration::from_millis(5);
        assert_eq!(directory.serve_until("one more", wait).map(drop), Err(Status::NO_RESOURCES), "at once");
        assert_eq!(directory.names().unwrap().len(), 1024, "the refused ones are not there");
        assert!(serve("one more").is_ok(), "in another directory");
        drop(listeners.swap_remove(500));
        listeners.push(directory.serve("one more").unwrap());
        assert_eq!(directory.serve("another").map(drop), Err(Status::NO_RESOURCES));
        drop(listeners);
        assert!(directory.names().unwrap().is_empty());
        let (listeners, _) = until_refused(|| directory.serve(&names.next().unwrap()));
        assert_eq!(listeners.len(), 1024);
    });
}

#[test]
fn a_dead_processs_names_are_free() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "greedy");
        assert_eq!(ask(&ours, "names"), 1024);
        // A directory has one limit for all processes.
        assert_eq!(serve("log").map(drop), Err(Status::NO_RESOURCES));
        kill(supervisor, child);
        let listener = serve("log").unwrap();
        let (ours, child) = spawn(supervisor, "greedy");
        assert_eq!(ask(&ours, "names"), 1023);
        let _client = connect("log", AT_ONCE).unwrap();
        assert!(listener.accept().is_ok());
        drop(ours);
        join(child);
    });
}

#[test]
fn names_need_blocks_of_8_kib() {
    in_arena_of(
        |config| config.max_loan_bytes = 1 << 12,
        |_| assert_eq!(serve("log").map(drop), Err(Status::NO_MEMORY)),
    );
}

#[test]
fn blocks_of_8_kib_suffice_for_names() {
    in_arena_of(|config| config.max_loan_bytes = 1 << 13, |_| work());
}

// Queued clients.

/// Connects as often as it can, tells how often, and keeps the channels until it is asked again.
fn crowds() {
    let channel = startup_channel();
    while request(&channel).is_ok() {
        let (clients, status) = until_refused(|| connect("log", AT_ONCE));
        assert_eq!(status, Status::NO_RESOURCES);
        tell(&channel, (clients.len() as u64).to_ne_bytes());
        let Ok(_) = request(&channel) else { return };
        drop(clients);
        tell(&channel, 0_u64.to_ne_bytes());
    }
}

#[test]
fn a_greedy_client_leaves_others_room() {
    in_arena_of(
        |config| (config.max_objects, config.max_objects_per_process) = (300, 100),
        |supervisor| {
            let listener = serve("log").unwrap();
            for is_killed in [false, true, true] {
                let (ours, child) = spawn(supervisor, "crowds");
                assert_eq!(ask(&ours, "connect"), 100);
                // The queue has room for a client of another process, behind those.
                let client = connect("log", AT_ONCE).unwrap();
                tell(&client, "hello");
                if is_killed {
                    kill(supervisor, child);
                } else {
                    ask(&ours, "close");
                    drop(ours);
                    join(child);
                }
                let mut clients: Vec<_> = std::iter::from_fn(|| listener.accept().ok()).collect();
                assert_eq!(clients.len(), 101);
                assert_eq!(next(&clients.pop().unwrap()).bytes(), b"hello");
                clients.iter().for_each(wait_for_peer_closed);
            }
        },
    );
}

#[test]
fn clients_that_closed_count_until_accepted() {
    in_arena_of(
        |config| (config.max_objects, config.max_objects_per_process) = (300, 100),
        |supervisor| {
            let listener = serve("log").unwrap();
            let (ours, child) = spawn(supervisor, "crowds");
            assert_eq!(ask(&ours, "connect"), 100);
            ask(&ours, "close");
            assert_eq!(ask(&ours, "connect"), 0, "their other ends are queued");
            ask(&ours, "close");
            for _ in 0..10 {
                drop(listener.accept().unwrap());
            }
            assert_eq!(ask(&ours, "connect"), 10);
            ask(&ours, "close");
            // The queue ends with its server.
            drop(listener);
            let _listener = serve("log").unwrap();
            assert_eq!(ask(&ours, "connect"), 100);
            drop(ours);
            join(child);
        },
    );
}

#[test]
fn an_accept_without_room_loses_no_client() {
    in_arena_of(
        |config| config.max_handles_per_process = 511,
        |_| {
            let listener = serve("log").unwrap();
            let client = connect("log", AT_ONCE).unwrap();
            tell(&client, "hello");
            let (more, event) = (serve("clock").unwrap(), Event::create());
            let (copies, status) = until_refused(|| event.duplicate(Rights::SAME_RIGHTS));
            assert_eq!(status, Status::NO_RESOURCES);
            assert_eq!(listener.accept().map(drop), Err(Status::NO_RESOURCES));
            assert_eq!(connect("log", AT_ONCE).map(drop), Err(Status::NO_RESOURCES));
            assert_eq!(serve("calendar").map(drop), Err(Status::NO_RESOURCES));
            drop((copies, more));
            assert_eq!(next(&listener.accept().unwrap()).bytes(), b"hello");
            assert_eq!(listener.accept().map(drop), Err(Status::SHOULD_WAIT));
            assert!(serve("calendar").is_ok());
        },
    );
}
