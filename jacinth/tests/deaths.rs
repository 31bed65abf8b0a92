//! Deaths of real processes: the resources of the dead are recovered, and other processes go on.

mod support;

use jacinth::*;
use procfs::process::Process;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::*;

#[test]
fn child_main() {
    play(&[
        ("echo", echo),
        ("holds much", holds_much),
        ("holds very many", holds_very_many),
        ("holds some", holds_some),
        ("replaces itself", replaces_itself),
        ("chaos", chaos),
    ]);
}

/// Seen by the handles of the first one: some of them are still there when the second death is announced. A machine that is
/// busy may let the recovery end before, so one of several tries will do.
#[test]
fn recovery_does_not_delay_death_news() {
    in_arena(|supervisor| {
        let is_told_meanwhile = || {
            let (large, mut first) = spawn(supervisor, "holds very many");
            let (small, mut second) = spawn(supervisor, "holds very many");
            tell(&large, "many");
            tell(&small, "none");
            assert_eq!((next(&large).bytes(), next(&small).bytes()), (&b"ready"[..], &b"ready"[..]));
            first.kill().unwrap();
            wait_for_peer_closed(&large);
            second.kill().unwrap();
            wait_for_peer_closed(&small);
            let left = objects(supervisor);
            first.wait().unwrap();
            second.wait().unwrap();
            supervisor.collect().unwrap();
            drop((large, small));
            left > 2
        };
        assert!((0..10).any(|_| is_told_meanwhile()), "news waited for a long recovery 10 times");
    });
}

fn holds_very_many() {
    let channel = startup_channel();
    let count = if next(&channel).bytes() == b"many" { 200_000 } else { 0 };
    let _events = events(count);
    tell(&channel, "ready");
    wait_for_peer_closed(&channel);
}

#[test]
fn reclaimed_objects_are_counted() {
    in_arena(|supervisor| {
        for _ in 0..3 {
            let before = supervisor.collect().unwrap().objects_reclaimed;
            let (ours, child) = spawn(supervisor, "holds some");
            assert_eq!(next(&ours).bytes(), b"ready");
            let reclaimed = kill(supervisor, child).objects_reclaimed - before;
            assert!(reclaimed >= SOME, "{reclaimed} of {SOME} and more");
        }
    });
}

/// How many objects end with one that holds some.
const SOME: u32 = 500;

fn holds_some() {
    let channel = startup_channel();
    let _events = events(SOME as usize);
    tell(&channel, "ready");
    wait_for_peer_closed(&channel);
}

#[test]
fn a_death_releases_only_own_handles() {
    in_arena(|supervisor| {
        let before = (objects(supervisor), supervisor.inspect().handles);
        let (ours, child) = spawn(supervisor, "holds much");
        let pairs: Vec<_> = (0..4).map(|_| EventPair::create()).collect();
        let (canaries, sent): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        ours.write(b"hold these", &mut sent.into_iter().map(NullableHandle::from).collect::<Vec<_>>())
            .unwrap();
        canaries[0].wait_one(Signals::USER_1, FOREVER).unwrap();
        ours.write(b"never read", &mut [event(), Channel::create().0.into()]).unwrap();
        let report_before = supervisor.collect().unwrap();
        let closed = Signals::EVENTPAIR_PEER_CLOSED;
        std::thread::scope(|scope| {
            let mut waiters = Vec::new();
            for canary in &canaries[..3] {
                waiters.push(asleep(scope, supervisor, move || canary.wait_one(closed, FOREVER).to_result()));
            }
            let on_channel = asleep(scope, supervisor, || {
                ours.wait_one(Signals::CHANNEL_PEER_CLOSED, FOREVER).to_result()
            });
            let calling = asleep(scope, supervisor, || {
                ours.call(FOREVER, b"\0\0\0\0?", &mut [], &mut MessageBuf::new())
            });
            let report = kill(supervisor, child);
            assert_eq!(report.processes, report_before.processes + 1);
            assert!(report.handles_closed >= report_before.handles_closed + 8);
            for waiter in waiters {
                assert!(waiter.join().unwrap().unwrap().contains(closed));
            }
            assert!(on_channel.join().unwrap().is_ok());
            assert_eq!(calling.join().unwrap(), Err(Status::PEER_CLOSED));
        });
        assert_eq!(ours.write(b"", &mut []), Err(Status::PEER_CLOSED));
        let mut message = next(&ours);
        assert_eq!(message.bytes(), b"sent before it died");
        let back = EventPair::from(message.take_handle(0).unwrap());
        assert_eq!(back.signal_peer(Signals::NONE, Signals::USER_0), Ok(()));
        assert_eq!(
            canaries[3].wait_one(Signals::USER_0, FOREVER).to_result(),
            Ok(Signals::USER_0),
            "it lives on"
        );
        assert_eq!(ours.read(&mut message), Err(Status::PEER_CLOSED));
        drop((ours, canaries, back));
        supervisor.collect().unwrap();
        let after = clean(supervisor);
        assert_eq!((after.objects, after.handles), before);
        assert_eq!((after.processes, after.messages, after.in_transit, after.retired), (1, 0, 0, 0));
    });
}

/// One handle in the table, one in a message between two ends of its own, one in a chain of channels, one sent
/// back; a loan, a message being read in place, a thread in a call, a thread in a wait.
fn holds_much() {
    let channel = startup_channel();
    let mut message = next(&channel);
    let mut take = |index: usize| message.take_handle(index).unwrap();
    let held = EventPair::from(take(0));
    let (near, far) = Channel::create();
    near.write(&[1; 3000], &mut [take(1), event()]).unwrap();
    let (outer, outer_far) = Channel::create();
    let (inner, inner_far) = Channel::create();
    inner.write(b"", &mut [take(2)]).unwrap();
    outer.write(b"", &mut [inner.into(), inner_far.into()]).unwrap();
    channel.write(b"sent before it died", &mut [take(3)]).unwrap();
    let _reading = far.read_in_place().unwrap();
    let mut loan = far.reserve(50_000).unwrap();
    loan.write_at(49_999, b"x").unwrap();
    let (client, server) = Channel::create();
    std::thread::scope(|scope| {
        scope.spawn(|| client.call(FOREVER, b"\0\0\0\0", &mut [event()], &mut MessageBuf::new()));
        scope.spawn(|| outer_far.wait_one(Signals::USER_0, FOREVER).to_result());
        server.wait_one(Signals::CHANNEL_READABLE, FOREVER).unwrap();
        held.signal_peer(Signals::NONE, Signals::USER_1).unwrap();
    });
}

#[test]
fn random_kills_leave_a_clean_arena() {
    in_arena(|supervisor| {
        let mut random = support::random(7);
        let before = (objects(supervisor), supervisor.inspect().handles);
        for round in 0..60 {
            let (ours, child) = spawn(supervisor, "chaos");
            tell(&ours, u64::from(round as u32).to_ne_bytes());
            next(&ours);
            let moment = std::time::Instant::now();
            let life = Duration::from_micros(random.u64(0..4_000));
            while moment.elapsed() < life {
                bounce(&ours, &mut random);
            }
            kill(supervisor, child);
            wait_for_peer_closed(&ours);
            while ours.read(&mut MessageBuf::new()).is_ok() {}
            assert_eq!(ours.read(&mut MessageBuf::new()), Err(Status::PEER_CLOSED));
            drop(ours);
            supervisor.collect().unwrap();
            let after = clean(supervisor);
            assert_eq!((after.objects, after.handles), before, "round {round}: {after}");
            assert_eq!((after.processes, after.retired, after.blocks), (1, 0, 0), "round {round}: {after}");
        }
        assert_eq!(supervisor.collect().unwrap().processes, 60);
    });
}

#[test]
fn other_processes_survive_a_kill() {
    in_arena(|supervisor| {
        let mut random = support::random(11);
        let mut workers: Vec<(Channel, Child)> = Vec::new();
        for round in 0..20u64 {
            if workers.len() == 3 {
                let (ours, child) = workers.swap_remove(random.usize(0..3));
                kill(supervisor, child);
                wait_for_peer_closed(&ours);
            }
            let (ours, child) = spawn(supervisor, "chaos");
            tell(&ours, round.to_ne_bytes());
            next(&ours);
            for (other, _) in &workers {
                let (one_end, other_end) = Channel::create();
                let _ = ours.write(b"meet", &mut [one_end.into()]);
                let _ = other.write(b"meet", &mut [other_end.into()]);
            }
            workers.push((ours, child));
            for _ in 0..200 {
                for (ours, _) in &workers {
                    bounce(ours, &mut random);
                }
            }
            supervisor.inspect();
        }
        for (ours, child) in workers {
            kill(supervisor, child);
            drop(ours);
        }
        supervisor.collect().unwrap();
        let after = clean(supervisor);
        assert_eq!(
            (after.processes, after.objects, after.handles, after.in_transit),
            (1, 0, 0, 0),
            "{after}"
        );
    });
}

/// Reads a message if there is one and sends some of it back.
fn bounce(channel: &Channel, random: &mut fastrand::Rng) {
    let mut message = MessageBuf::new();
    match channel.read(&mut message) {
        Ok(()) => {}
        Err(Status::SHOULD_WAIT | Status::PEER_CLOSED) => return std::thread::yield_now(),
        Err(status) => panic!("{status}"),
    }
    let mut handles = message.take_handles();
    handles.truncate(random.usize(0..=handles.len()));
    match channel.write(message.bytes(), &mut handles) {
        Ok(()) | Err(Status::SHOULD_WAIT | Status::PEER_CLOSED | Status::BAD_HANDLE) => {}
        Err(Status::NOT_SUPPORTED) => panic!("a channel came through itself"),
        Err(status) => panic!("{status}"),
    }
}

/// Two threads that do anything at all, until they are killed or the other end of the startup channel closes.
fn chaos() {
    let channel = startup_channel();
    let seed = u64::from_ne_bytes(next(&channel).bytes().try_into().unwrap());
    tell(&channel, "ready");
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let channel = &channel;
            scope.spawn(move || {
                set_spin(MonotonicDuration::from_micros(if thread == 0 { 0 } else { 10 }));
                let mut random = support::random(seed * 2 + thread);
                let mut pool: Vec<NullableHandle> = Vec::new();
                while channel.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::INFINITE_PAST).is_err()
                {
                    anything(channel, &mut pool, &mut random);
                }
            });
        }
    });
}

fn shortly() -> MonotonicInstant {
    MonotonicInstant::after(MonotonicDuration::from_micros(50))
}

/// One operation with random handles. Whatever it says is right: the handles may be of any type, with any rights.
fn anything(channel: &Channel, pool: &mut Vec<NullableHandle>, random: &mut fastrand::Rng) {
    let take = |pool: &mut Vec<NullableHandle>, random: &mut fastrand::Rng| {
        let at = random.usize(0..=pool.len());
        if at < pool.len() { pool.swap_remove(at) } else { event() }
    };
    let borrowed = take(pool, random);
    let as_channel = Unowned::<Channel>::from_raw_handle(borrowed.raw_handle());
    let size = [0, 10, 64, 65, 1000, 20_000, 65_536][random.usize(0..7)];
    let bytes = vec![random.u8(..); size];
    let mut some = |random: &mut fastrand::Rng| {
        let count = if random.u8(..) < 10 { 64 } else { random.usize(0..4) };
        (0..count).map(|_| take(pool, random)).collect::<Vec<_>>()
    };
    match random.u32(0..18) {
        0 => pool.push(event()),
        1 => {
            let (one, other) = EventPair::create();
            pool.extend([one.into(), other.into()]);
        }
        2 | 3 => {
            let (one, other) = Channel::create();
            pool.extend([one.into(), other.into()]);
        }
        4 => pool.extend(borrowed.duplicate(Rights::SAME_RIGHTS)),
        5 => return pool.extend(borrowed.replace(Rights::SAME_RIGHTS)),
        6 => return drop(borrowed),
        7 => drop(borrowed.signal(Signals::USER_0, Signals::USER_1)),
        8 => drop(raw::signal_peer(borrowed.raw_handle(), Signals::USER_1, Signals::USER_0)),
        9 => drop(borrowed.wait_one(Signals::all(), shortly()).to_result()),
        10 => drop(channel.write(&bytes, &mut some(random))),
        11 => drop(as_channel.write(&bytes, &mut some(random))),
        12 | 13 => {
            let mut message = MessageBuf::new();
            let from = if random.bool() { channel } else { &*as_channel };
            let _ = from.read(&mut message);
            pool.extend(message.take_handles());
        }
        14 => {
            let mut handles = some(random);
            let _ = as_channel.call(shortly(), b"\0\0\0\0?", &mut handles, &mut MessageBuf::new());
        }
        15 => drop(as_channel.write_batch([&bytes[..], &b"2"[..], &b"3"[..]])),
        16 => {
            if let Ok(loan) = as_channel.reserve(size) {
                let _ = if random.bool() { loan.commit() } else { Ok(()) };
            }
        }
        _ => {
            if let Ok(message) = as_channel.read_in_place() {
                pool.extend(message.finish().into_iter().flatten().map(|info| info.handle));
            }
        }
    }
    pool.push(borrowed);
    if pool.len() > 60 {
        pool.truncate(20);
    }
}

#[test]
fn a_stopped_process_is_not_dead() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "echo");
        tell(&ours, "one");
        assert_eq!(next(&ours).bytes(), b"one");
        stop(pid_of(&child));
        let process = Process::new(child.id().cast_signed()).unwrap();
        until(|| process.stat().unwrap().state == 'T');
        tell(&ours, "two");
        let a_while = MonotonicInstant::after(MonotonicDuration::from_millis(300));
        let either = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
        assert_eq!(ours.wait_one(either, a_while).to_result(), Err(Status::TIMED_OUT));
        assert_eq!(supervisor.collect().unwrap().processes, 0);
        assert_eq!(supervisor.inspect().processes, 2);
        kill_process(pid_of(&child), Signal::CONT).unwrap();
        assert_eq!(next(&ours).bytes(), b"two", "it goes on where it was");
        stop(pid_of(&child));
        kill(supervisor, child);
        wait_for_peer_closed(&ours);
    });
}

#[test]
fn exec_counts_as_leaving() {
    in_arena(|supervisor| {
        let (ours, mut child) = spawn(supervisor, "replaces itself");
        let (canary, sent) = EventPair::create();
        ours.write(b"hold this", &mut [sent.into()]).unwrap();
        canary.wait_one(Signals::EVENTPAIR_PEER_CLOSED, FOREVER).unwrap();
        wait_for_peer_closed(&ours);
        assert_eq!(child.try_wait().unwrap(), None, "it lives, as another program");
        assert_eq!(supervisor.collect().unwrap().processes, 1);
        assert_eq!(clean(supervisor).processes, 1);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(supervisor.collect().unwrap().processes, 1, "and is not recovered twice");
    });
}

fn replaces_itself() {
    let channel = startup_channel();
    let _held = next(&channel).take_handle(0).unwrap();
    let error = Command::new("/bin/sleep").arg("50").stdout(Stdio::null()).stderr(Stdio::null()).exec();
    panic!("{error}");
}

#[test]
fn a_normal_exit_closes_all_handles() {
    in_arena(|supervisor| {
        for _ in 0..10 {
            let (ours, child) = spawn(supervisor, "echo");
            let (canary, sent) = EventPair::create();
            ours.write(b"", &mut [sent.into()]).unwrap();
            next(&ours);
            drop(ours);
            join(child);
            canary.wait_one(Signals::EVENTPAIR_PEER_CLOSED, FOREVER).unwrap();
        }
        let report = supervisor.collect().unwrap();
        assert_eq!(report.processes, 10);
        assert_eq!((report.operations_finished, report.operations_undone), (0, 0));
    });
}

#[test]
fn ended_threads_leave_no_resources() {
    in_arena_of(
        |config| config.max_threads = 6,
        |supervisor| {
            let (ours, theirs) = Channel::create();
            let before = supervisor.inspect();
            std::panic::set_hook(Box::new(|_| {}));
            for round in 0..100u32 {
                let threads = [false, true].map(|panics| {
                    let sent = event();
                    let channel = if panics { &ours } else { &theirs };
                    std::thread::scope(|scope| {
                        let thread = scope.spawn(move || {
                            let kept = Event::create();
                            assert!(kept.wait_one(Signals::USER_0, MonotonicInstant::ZERO).is_err());
                            channel.write(&round.to_ne_bytes(), &mut [sent]).unwrap();
                            let _reading = channel.read_in_place();
                            assert!(!panics, "as told");
                        });
                        thread.join().is_err()
                    })
                });
                assert_eq!(threads, [false, true]);
                while ours.read(&mut MessageBuf::new()).is_ok() || theirs.read(&mut MessageBuf::new()).is_ok()
                {
                }
            }
            drop(std::panic::take_hook());
            drop((ours, theirs));
            supervisor.collect().unwrap();
            let after = clean(supervisor);
            assert_eq!((after.threads, after.objects, after.retired), (before.threads, 0, 0), "{after}");
        },
    );
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}
