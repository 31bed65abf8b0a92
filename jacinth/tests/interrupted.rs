//! The caller's code in the middle of a call: iterators, sinks, and signal handlers.

mod support;

use jacinth::*;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};
use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use support::*;

#[test]
fn drops_during_a_batch_are_released() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        let held = (0..3).map(|_| (events(1), ours.reserve(100).unwrap()));
        let sent = ours.write_batch(held.map(|held| {
            drop(held);
            &b"a message"[..]
        }));
        assert_eq!(sent, Ok(3));
        assert_eq!(objects(supervisor), 1);
        (0..3).for_each(|_| assert_eq!(next(&theirs).bytes(), b"a message"));
    });
}

#[test]
fn a_panicking_iterator_writes_no_group() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let messages = (0..100).map(|time| {
            assert!(time < 5, "a panic of the caller's");
            &b"a message"[..]
        });
        assert!(catch_unwind(AssertUnwindSafe(|| ours.write_batch(messages))).is_err());
        assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
        tell(&ours, "goes on");
        assert_eq!(next(&theirs).bytes(), b"goes on");
    });
}

/// Where a buffer panics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    TakesHandles,
    Room,
    Filled,
    NullableHandle,
}

struct Panics {
    at: Place,
    bytes: [MaybeUninit<u8>; 64],
}

impl Panics {
    fn reach(&self, place: Place) {
        assert!(self.at != place, "a panic of the caller's");
    }
}

#[expect(unsafe_code, reason = "a buffer that is not as it must be")]
// SAFETY: it keeps the contract, but for the panics that are tested.
unsafe impl raw::RecvBuf for Panics {
    unsafe fn reserve(&mut self, len: usize) -> Option<&mut [MaybeUninit<u8>]> {
        self.reach(Place::Room);
        self.bytes.get_mut(..len)
    }

    fn takes_handles(&self, _count: usize) -> bool {
        self.reach(Place::TakesHandles);
        true
    }

    unsafe fn advance(&mut self, _len: usize) {
        self.reach(Place::Filled);
    }

    fn handle(&mut self, _handle: raw::Received) {
        self.reach(Place::NullableHandle);
    }
}

/// One that panics before the message is its own has taken nothing; one that panics over a handle has lost handles to its
/// process, and no others.
#[test]
fn a_panicking_sink_does_no_harm() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        for at in [Place::TakesHandles, Place::Room, Place::Filled, Place::NullableHandle] {
            ours.write(b"luggage", &mut events(2)).unwrap();
            tell(&ours, "the next");
            let handles = supervisor.inspect().handles;
            let mut buffer = Panics { at, bytes: [MaybeUninit::uninit(); 64] };
            let read = || raw::receive(theirs.raw_handle(), OnOverflow::Keep, &mut buffer);
            assert!(catch_unwind(AssertUnwindSafe(read)).is_err(), "{at:?}");
            if at == Place::NullableHandle {
                assert_eq!(supervisor.inspect().handles, handles + 2);
            } else {
                let message = next(&theirs);
                assert_eq!((message.bytes(), message.n_handles()), (&b"luggage"[..], 2), "{at:?}");
            }
            clean(supervisor);
            assert_eq!(next(&theirs).bytes(), b"the next", "{at:?}");
            assert_eq!(theirs.read(&mut MessageBuf::new()), Err(Status::SHOULD_WAIT));
        }
    });
}

#[test]
fn iterators_may_use_their_channel() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        let sent = ours.write_batch((0..3).map(|_| {
            tell(&ours, "first");
            &b"then"[..]
        }));
        assert_eq!(sent, Ok(3));
        for expected in ["first", "first", "first", "then", "then", "then"] {
            assert_eq!(next(&theirs).bytes(), expected.as_bytes());
        }
    });
}

#[test]
fn an_endless_batch_fills_the_channel() {
    in_arena_of(
        |config| config.max_pending_messages = 300,
        |_| {
            let (ours, theirs) = Channel::create();
            let mut sent = 0;
            while let Ok(more) = ours.write_batch(std::iter::repeat(&b"again"[..])) {
                sent += more;
            }
            assert_eq!(sent, 300);
            drop(theirs);
        },
    );
}

/// The value that the signal handler drops.
static TO_DROP: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());

extern "C" fn drop_all(_: i32) {
    TO_DROP.lock().unwrap().drain(..).for_each(drop);
}

/// Runs `handler` whenever this process gets the signal.
#[expect(unsafe_code, reason = "a handler may run anywhere")]
fn on(signal: Signal, flags: SaFlags, handler: extern "C" fn(i32)) {
    let action = SigAction::new(SigHandler::Handler(handler), flags, SigSet::empty());
    // SAFETY: the tests make sure that a handler uses no value that the interrupted thread is using.
    unsafe { signal::sigaction(signal, &action) }.unwrap();
}

/// Has the thread get a signal.
#[expect(unsafe_code, reason = "the C library's call")]
fn interrupt(thread: libc::pthread_t) {
    // SAFETY: the caller knows that the thread has not been joined.
    assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
}

/// Handles, loans and messages that a handler drops while the thread is inside a call end when that call is over.
#[test]
fn signal_handler_drops_are_deferred() {
    in_arena(|supervisor| {
        on(Signal::SIGUSR1, SaFlags::SA_RESTART, drop_all);
        let (ours, theirs) = Channel::create();
        let (ours, theirs): (&'static Channel, _) = (Box::leak(Box::new(ours)), Box::leak(Box::new(theirs)));
        let bell = Event::create();
        let (sibling, canary) = canary();
        theirs.write(b"luggage", &mut [canary]).unwrap();
        tell(theirs, "the next");
        let before = objects(supervisor);
        TO_DROP.lock().unwrap().extend([
            Box::new(events(20)) as Box<dyn Any + Send>,
            Box::new(ours.reserve(1000).unwrap()),
            Box::new(ours.read_in_place().unwrap()),
        ]);
        std::thread::scope(|scope| {
            let (tell_thread, thread) = std::sync::mpsc::channel();
            let bell = &bell;
            let waiter = asleep(scope, supervisor, move || {
                #[expect(unsafe_code, reason = "the C library's call")]
                // SAFETY: the number of the calling thread.
                tell_thread.send(unsafe { libc::pthread_self() }).unwrap();
                bell.wait_one(Signals::USER_0, FOREVER).to_result()
            });
            interrupt(thread.recv().unwrap());
            until(|| TO_DROP.try_lock().is_ok_and(|left| left.is_empty()));
            bell.signal(Signals::NONE, Signals::USER_0).unwrap();
            assert_eq!(waiter.join().unwrap(), Ok(Signals::USER_0));
        });
        assert!(is_closed(&sibling), "the handle in the message");
        assert_eq!(objects(supervisor), before);
        assert_eq!(next(ours).bytes(), b"the next");
        tell(ours, "not blocked");
        assert_eq!(next(theirs).bytes(), b"not blocked");
    });
}

/// How often the handler ran.
static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn signal_handlers_end_no_port_wait() {
    in_arena(|supervisor| {
        // Without SA_RESTART the kernel ends the thread's sleep.
        on(Signal::SIGUSR1, SaFlags::empty(), count);
        let port = Port::create();
        let packet = Packet::from_user_packet(7, 0, UserPacket::default());
        std::thread::scope(|scope| {
            let (tell_thread, thread) = std::sync::mpsc::channel();
            let port = &port;
            let waiter = asleep(scope, supervisor, move || {
                #[expect(unsafe_code, reason = "the C library's call")]
                // SAFETY: the number of the calling thread.
                tell_thread.send(unsafe { libc::pthread_self() }).unwrap();
                port.wait(FOREVER)
            });
            let thread = thread.recv().unwrap();
            for times in 1..=20 {
                let sleeps = supervisor.counters().sleeps;
                interrupt(thread);
                until(|| HANDLED.load(Ordering::Relaxed) == times && supervisor.counters().sleeps > sleeps);
            }
            port.queue(&packet).unwrap();
            assert_eq!(waiter.join().unwrap(), Ok(packet));
        });
    });
}

/// The channel that the handler writes to, and how often it could not.
static CHANNEL: AtomicU32 = AtomicU32::new(0);
static REFUSED: AtomicU32 = AtomicU32::new(0);

extern "C" fn write_one(_: i32) {
    match raw::channel_write(CHANNEL.load(Ordering::Relaxed), b"from the handler", &[]) {
        Err(Status::BAD_STATE) => REFUSED.fetch_add(1, Ordering::Relaxed),
        _ => 0,
    };
}

/// Filling a loan is a call like any other: a handler that writes to its channel meanwhile is told so, and does not wait
/// for ever for the thread that it interrupted.
#[test]
fn signal_handler_writes_are_refused() {
    in_arena(|_| {
        let (ours, theirs) = Channel::create();
        CHANNEL.store(ours.raw_handle(), Ordering::Relaxed);
        on(Signal::SIGUSR1, SaFlags::SA_RESTART, write_one);
        let bytes = vec![0x5a; 8 << 20];
        let mut loan = ours.reserve(bytes.len()).unwrap();
        #[expect(unsafe_code, reason = "the C library's call")]
        // SAFETY: the number of the calling thread.
        let thread = unsafe { libc::pthread_self() };
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while REFUSED.load(Ordering::Relaxed) == 0 {
                    interrupt(thread);
                    std::thread::sleep(std::time::Duration::from_micros(300));
                }
            });
            while REFUSED.load(Ordering::Relaxed) == 0 {
                loan.write_at(0, &bytes).unwrap();
            }
        });
        loan.commit().unwrap();
        while next(&theirs).bytes() != bytes {}
    });
}
