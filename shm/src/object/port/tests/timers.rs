//! Observers of timers.

use super::*;

fn timer(bench: &Bench) -> HandleValue {
    bench.thread.create(ObjectClass::Timer, Rights::all()).unwrap().0
}

fn set(bench: &Bench, timer: HandleValue, deadline_ns: i64) {
    bench.thread.timer_set(bench.found(timer), NONE, deadline_ns).unwrap();
}

/// The end of a wait that a timer is to end. A wait that misses its timer finds the packet too, but only then.
fn far_ns() -> i64 {
    now_ns() + 30_000_000_000
}

fn await_packet(thread: &Thread, port: HandleValue) -> Result<u64, Error> {
    let deadline_ns = far_ns();
    let packet = thread.port_wait(port, NONE, deadline_ns);
    assert!(now_ns() < deadline_ns, "the timer did not end the wait");
    packet.map(|packet| packet.key)
}

fn await_key(bench: &Bench) -> u64 {
    await_packet(&bench.thread, bench.port).unwrap()
}

#[test]
fn timers_fire_by_the_clock() {
    let bench = Bench::new();
    let (one, two) = (timer(&bench), timer(&bench));
    bench.observe(one, 1, Signals::SIGNALED, true);
    bench.observe(two, 2, Signals::SIGNALED, false);
    set(&bench, one, now_ns() + 60_000_000_000);
    set(&bench, two, now_ns() + 70_000_000_000);
    assert_eq!(bench.next(), None);
    for _ in 0..3 {
        set(&bench, one, now_ns() + 3_000_000);
        assert_eq!(await_key(&bench), 1);
        assert_eq!(bench.next(), None, "once for each expiry");
    }
    set(&bench, one, 0);
    assert_eq!(bench.observed(), Some((1, Signals::SIGNALED)), "a time that has passed");
    for _ in 0..5_000 {
        set(&bench, one, now_ns() + 60_000_000_000);
    }
    set(&bench, two, now_ns() + 1_000_000);
    assert_eq!(await_key(&bench), 2);
    set(&bench, one, now_ns() + 1_000_000);
    assert_eq!(await_key(&bench), 1, "set more often than its count goes");
    bench.thread.timer_cancel(bench.found(one), NONE).unwrap();
    assert_eq!(bench.next(), None);
    bench.finish();
}

#[test]
fn an_earlier_deadline_wakes_the_sleeper() {
    let bench = Bench::new();
    let timer = timer(&bench);
    set(&bench, timer, now_ns() + 60_000_000_000);
    bench.observe(timer, 1, Signals::SIGNALED, false);
    let (thread, port) = (Thread::join(&bench.thread.process).unwrap(), bench.port);
    let waiting = std::thread::spawn(move || await_packet(&thread, port));
    std::thread::sleep(core::time::Duration::from_millis(30));
    set(&bench, timer, now_ns() + 1_000_000);
    assert_eq!(waiting.join().unwrap(), Ok(1));
    bench.finish();
}

#[test]
fn many_timers_fire_in_turn() {
    let bench = Bench::new();
    let timers: Vec<_> = (0..50).map(|_| timer(&bench)).collect();
    let start = now_ns();
    for (key, timer) in (0..).zip(&timers) {
        bench.observe(*timer, key, Signals::SIGNALED, false);
        set(&bench, *timer, start + 10_000_000 + (key as i64 * 7 % 50) * 500_000);
    }
    let mut keys: Vec<_> = timers.iter().map(|_| await_key(&bench)).collect();
    keys.sort_unstable();
    assert!(keys.into_iter().eq(0..50));
    assert_eq!(bench.next(), None);
    bench.finish();
}

#[test]
fn each_sleeper_learns_of_an_earlier_deadline() {
    let bench = Bench::new();
    let timer = timer(&bench);
    bench.observe(timer, 1, Signals::SIGNALED, false);
    let join = || Thread::join(&bench.thread.process).unwrap();
    let (leaving, staying, port) = (join(), join(), bench.port);
    // The first sleeper leaves before the timer is due.
    let until_ns = now_ns() + 60_000_000;
    let first = std::thread::spawn(move || leaving.port_wait(port, NONE, until_ns));
    std::thread::sleep(core::time::Duration::from_millis(20));
    let second = std::thread::spawn(move || await_packet(&staying, port));
    std::thread::sleep(core::time::Duration::from_millis(20));
    set(&bench, timer, until_ns + 20_000_000);
    assert_eq!(first.join().unwrap(), Err(Error::TimedOut));
    assert_eq!(second.join().unwrap(), Ok(1));
    bench.finish();
}
