//! Observers of room at channels whose last write was refused.

use super::*;
use crate::lifecycle::create::Created;
use crate::object::channel::options::ChannelOptions;
use crate::object::channel::read::recv_buf::VecBuf;
use crate::object::channel::write::loan::Loan;
use crate::object::port::deadlines;
use crate::process::pace::TRY_AGAIN_NS;

const BLOCK_BYTES: usize = 1 << 20;

/// With a channel, whose ends are here.
fn bench_with_channel(max_pending_messages: u32) -> (Bench, HandleValue, HandleValue) {
    let bench = Bench::new();
    let options = ChannelOptions { max_pending_messages, ..Default::default() };
    let (near, far): Created = bench.thread.create_channel(options, Rights::all()).unwrap();
    (bench, near, far.unwrap())
}

/// Another process, and its startup handle.
fn another(bench: &Bench, startup: HandleValue) -> (Thread, HandleValue) {
    let arena = bench.thread.process().arena();
    let slot = arena.reserve_slot(&bench.thread).unwrap();
    bench.thread.leave_startup_handle(bench.found(startup), slot).unwrap();
    let thread = Thread::join(&Process::attach(arena.clone(), slot, 2, 2).unwrap()).unwrap();
    let startup = thread.process().startup_handle().unwrap();
    (thread, startup)
}

fn reserve(bench: &Bench, channel: HandleValue) -> Result<Loan, Error> {
    bench.thread.reserve(bench.found(channel), NONE, BLOCK_BYTES, 0)
}

/// Loans until one is refused.
fn reserve_all(bench: &Bench, channel: HandleValue) -> Vec<Loan> {
    let mut loans = Vec::new();
    loop {
        match reserve(bench, channel) {
            Ok(loan) => loans.push(loan),
            Err(Error::NoMemory { .. } | Error::NoResources(_) | Error::ShouldWait) => return loans,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Nothing comes for several intervals.
fn assert_silent(bench: &Bench) {
    let until_ns = now_ns() + 3 * TRY_AGAIN_NS;
    assert_eq!(bench.thread.port_wait(bench.port, NONE, until_ns), Err(Error::TimedOut));
}

fn awaited(thread: &Thread, port: HandleValue) -> u64 {
    thread.port_wait(port, NONE, now_ns() + 30_000_000_000).expect("room is announced").key
}

fn return_loan(bench: &Bench, loan: Option<Loan>) {
    bench.thread.return_loan(loan.unwrap()).unwrap();
}

fn return_all(bench: &Bench, loans: Vec<Loan>) {
    loans.into_iter().for_each(|loan| return_loan(bench, Some(loan)));
}

#[test]
fn used_up_memory_is_awaited() {
    let (bench, near, _far) = bench_with_channel(0);
    let (other, other_far) = bench.channel();
    let mut loans = reserve_all(&bench, near);
    assert!(loans.len() > 1, "the pool has several");
    bench.observe(near, 1, Signals::WRITABLE, false);
    assert_silent(&bench);
    return_loan(&bench, loans.pop());
    assert_eq!(awaited(&bench.thread, bench.port), 1, "memory of the end itself");
    // From now on another channel has the memory: no thread tells when it comes back.
    return_all(&bench, loans);
    bench.thread.trim_objects(true).unwrap();
    let others = reserve_all(&bench, other);
    assert!(reserve_all(&bench, near).is_empty());
    bench.observe(near, 2, Signals::WRITABLE, false);
    assert_silent(&bench);
    return_all(&bench, others);
    bench.close(other);
    bench.close(other_far);
    assert_eq!(awaited(&bench.thread, bench.port), 2);
    assert!(reserve(&bench, near).map(|loan| return_loan(&bench, Some(loan))).is_ok());
    bench.finish();
}

#[test]
fn lent_places_are_awaited() {
    let (bench, near, far) = bench_with_channel(2);
    let mut loans = reserve_all(&bench, near);
    assert_eq!(loans.len(), 2);
    bench.observe(near, 1, Signals::WRITABLE, false);
    assert_silent(&bench);
    return_loan(&bench, loans.pop());
    assert!(next_look_ns(&bench).unwrap() <= now_ns(), "without a wait for the next interval");
    assert_eq!(awaited(&bench.thread, bench.port), 1);
    // A loan that is sent gives its place to its message.
    loans.extend(reserve_all(&bench, near));
    bench.observe(near, 2, Signals::WRITABLE, false);
    for loan in loans {
        bench.thread.commit(loan, &[], NONE).unwrap();
    }
    assert_silent(&bench);
    let (mut bytes, mut handles) = (Vec::new(), Vec::new());
    let mut buffer = VecBuf::new(&mut bytes, &mut handles);
    bench.thread.receive(bench.found(far), NONE, &mut buffer, OnOverflow::Keep).unwrap();
    assert_eq!(awaited(&bench.thread, bench.port), 2);
    bench.finish();
}

#[test]
fn repeating_observers_see_each_end() {
    let (bench, near, _far) = bench_with_channel(0);
    bench.observe(near, 1, Signals::WRITABLE, true);
    assert_eq!(bench.next_key(), Some(1), "nothing was refused yet");
    let mut loans = reserve_all(&bench, near);
    for _ in 0..3 {
        assert_silent(&bench);
        return_loan(&bench, loans.pop());
        assert_eq!(awaited(&bench.thread, bench.port), 1);
        assert_eq!(bench.next(), None, "once");
        loans.extend(reserve_all(&bench, near));
    }
    return_all(&bench, loans);
    bench.finish();
}

#[test]
fn missing_objects_are_looked_for_later() {
    let (bench, near, _far) = bench_with_channel(0);
    let buffer = || bench.thread.reserve_buffer(bench.found(near), NONE, 1, Rights::all());
    let events: Vec<_> =
        std::iter::from_fn(|| bench.thread.create(ObjectClass::Event, Rights::all()).ok()).collect();
    let before_ns = now_ns();
    assert!(matches!(buffer(), Err(Error::NoResources(_))));
    bench.observe(near, 1, Signals::WRITABLE, false);
    assert_eq!(bench.next(), None, "a program that tries again at once would never sleep");
    bench.close(events[0].0);
    assert_eq!(awaited(&bench.thread, bench.port), 1);
    assert!(now_ns() - before_ns >= TRY_AGAIN_NS);
    bench.thread.discard(buffer().unwrap()).unwrap();
    bench.finish();
}

/// The reader makes room in the ring, which is not what is missing.
#[test]
fn readers_elsewhere_announce_no_room() {
    let (bench, near, far) = bench_with_channel(0);
    bench.send(near);
    bench.send(near);
    let mut loans = reserve_all(&bench, near);
    let (reader, far) = another(&bench, far);
    bench.observe(near, 1, Signals::WRITABLE, false);
    for _ in 0..2 {
        let (mut bytes, mut handles) = ([0; 8], []);
        let mut buffer = SliceBuf::new(&mut bytes, &mut handles);
        reader.receive(reader.lookup(far).unwrap(), NONE, &mut buffer, OnOverflow::Keep).unwrap();
        assert_eq!(bench.next(), None);
    }
    return_loan(&bench, loans.pop());
    assert_eq!(awaited(&bench.thread, bench.port), 1);
    return_all(&bench, loans);
}

/// Only the end's process can look for room. If none of its threads does, the packet is a hint to try.
#[test]
fn waiters_elsewhere_get_a_hint() {
    let (bench, near, _far) = bench_with_channel(0);
    let before_ns = now_ns();
    let loans = reserve_all(&bench, near);
    let port = bench.thread.duplicate(bench.found(bench.port), Rights::all()).unwrap();
    let (waiter, port) = another(&bench, port);
    assert!(reserve_all(&bench, near).is_empty());
    bench.observe(near, 1, Signals::WRITABLE, false);
    assert_eq!(awaited(&waiter, port), 1);
    assert!(now_ns() - before_ns >= TRY_AGAIN_NS, "its own process comes first");
    assert!(reserve_all(&bench, near).is_empty(), "refused anew");
    bench.observe(near, 2, Signals::WRITABLE, false);
    assert_silent(&bench);
    return_all(&bench, loans);
    assert_eq!(awaited(&bench.thread, bench.port), 2);
}

/// The hint has ended the refusal. A look that finds no room after it begins another one, of which the port knows.
#[test]
fn looks_after_a_hint_are_announced() {
    let (bench, near, _far) = bench_with_channel(0);
    let (to, _from) = bench.channel();
    let held = reserve_all(&bench, to);
    assert!(reserve_all(&bench, near).is_empty());
    let port = bench.thread.duplicate(bench.found(bench.port), Rights::all()).unwrap();
    let (waiter, port) = another(&bench, port);
    bench.observe(near, 1, Signals::WRITABLE, true);
    assert_eq!(awaited(&waiter, port), 1);
    let signals = bench.thread.signals(bench.found(near)).unwrap();
    assert!(!signals.contains(Signals::WRITABLE));
    assert!(reserve_all(&bench, near).is_empty());
    assert_eq!(awaited(&waiter, port), 1);
    return_all(&bench, held);
}

/// When a waiter at the port looks for room.
fn next_look_ns(bench: &Bench) -> Option<i64> {
    deadlines::earliest_ns(&bench.thread, bench.found(bench.port).entry.object().slot()).unwrap()
}

#[test]
fn repeated_refusals_keep_the_next_look() {
    let (bench, near, _far) = bench_with_channel(0);
    let loans = reserve_all(&bench, near);
    bench.observe(near, 1, Signals::WRITABLE, false);
    assert!(next_look_ns(&bench).unwrap() <= now_ns(), "the first look is due at once");
    assert_eq!(bench.next(), None);
    let next_ns = next_look_ns(&bench);
    assert!(reserve_all(&bench, near).is_empty());
    assert_eq!(next_look_ns(&bench), next_ns);
    return_all(&bench, loans);
    assert!(next_look_ns(&bench) < next_ns, "a loan that comes back makes the look due");
    bench.finish();
}

#[test]
fn observers_of_messages_look_for_no_room() {
    let (bench, near, _far) = bench_with_channel(0);
    let loans = reserve_all(&bench, near);
    bench.observe(near, 1, Signals::READABLE, true);
    assert_eq!(next_look_ns(&bench), None);
    return_all(&bench, loans);
    bench.finish();
}

#[test]
fn refusals_stay_with_their_owner() {
    let (bench, near, far) = bench_with_channel(0);
    let (to, from) = bench.channel();
    let held = reserve_all(&bench, to);
    assert!(reserve_all(&bench, near).is_empty());
    let near = bench.thread.replace(bench.found(near), Rights::all()).unwrap();
    bench.observe(near, 1, Signals::WRITABLE, false);
    assert_eq!(bench.next_key(), Some(1), "a new handle was refused nothing");
    assert!(reserve_all(&bench, near).is_empty());
    bench.close(near);
    bench.close(far);
    return_all(&bench, held);
    bench.thread.collect().unwrap();
    // The slot's next channel.
    let (near, _far) = bench.channel();
    bench.observe(near, 2, Signals::WRITABLE, false);
    assert_eq!(bench.next_key(), Some(2));
    bench.close(from);
    bench.finish();
}
