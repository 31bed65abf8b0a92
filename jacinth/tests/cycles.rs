//! Ends of channels that are queued inside each other: unreachable ones are collected, with all messages that were queued
//! for them; reachable ones never are, however they are passed around meanwhile.

mod support;

use jacinth::*;
use std::time::{Duration, Instant};
use support::*;

#[test]
fn child_main() {
    play(&[("leaves a cycle", leaves_a_cycle), ("juggles", juggles)]);
}

/// Queues ends inside each other, in a circle: the first for the last. Gives their peers.
fn cycle_of(len: usize) -> Vec<Channel> {
    let (ends, peers): (Vec<_>, Vec<_>) = (0..len).map(|_| Channel::create()).unzip();
    for (index, end) in ends.into_iter().enumerate() {
        let mut handles = vec![end.into()];
        // Other things that go with it.
        handles.extend((0..index % 3).map(|_| event()));
        peers[(index + 1) % len].write(&vec![1; index % 200], &mut handles).unwrap();
    }
    peers
}

#[test]
fn cycles_of_any_length_are_collected() {
    in_arena(|supervisor| {
        let mut garbage = 0;
        for len in [1, 2, 3, 50] {
            garbage += len as u32;
            let peers = cycle_of(len);
            let (canary, inside) = EventPair::create();
            peers[0].write(b"", &mut [inside.into()]).unwrap();
            assert_eq!(
                peers[0].wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::ZERO).to_result(),
                Err(Status::TIMED_OUT)
            );
            assert_eq!(supervisor.collect().unwrap().cyclic_ends_collected, garbage);
            for peer in &peers {
                peer.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::ZERO).unwrap();
                assert_eq!(peer.write(b"", &mut []), Err(Status::PEER_CLOSED));
            }
            canary.wait_one(Signals::EVENTPAIR_PEER_CLOSED, MonotonicInstant::ZERO).unwrap();
            drop((peers, canary));
            let audit = clean(supervisor);
            assert_eq!((audit.objects, audit.in_transit), (0, 0), "{audit}");
        }
    });
}

#[test]
fn peerless_cycles_are_collected() {
    in_arena(|supervisor| {
        for len in [1, 2, 50] {
            let peers = cycle_of(len);
            // A cycle that hangs on this one, and a chain that ends in it.
            let (end, peer) = Channel::create();
            let inner = cycle_of(2).pop().unwrap();
            peer.write(b"", &mut [inner.into(), event()]).unwrap();
            peers[0].write(b"", &mut [end.into(), peer.into()]).unwrap();
            drop(peers);
            assert!(objects(supervisor) > 0);
            supervisor.collect().unwrap();
            let audit = clean(supervisor);
            assert_eq!((audit.objects, audit.in_transit), (0, 0), "{audit}");
        }
    });
}

#[test]
fn ends_in_use_are_reachable() {
    in_arena(|supervisor| {
        let (ours, theirs) = Channel::create();
        let (end, peer) = Channel::create();
        peer.write(b"", &mut [theirs.into()]).unwrap();
        ours.write(b"", &mut [event()]).unwrap();
        let reading = end.read_in_place().unwrap();
        supervisor.collect().unwrap();
        let theirs = Channel::from(reading.finish().unwrap().pop().unwrap().handle);
        assert_eq!(next(&theirs).n_handles(), 1);
        assert_eq!(
            ours.wait_one(Signals::CHANNEL_PEER_CLOSED, MonotonicInstant::ZERO).to_result(),
            Err(Status::TIMED_OUT)
        );
    });
}

#[test]
fn cycles_of_the_dead_are_collected() {
    in_arena(|supervisor| {
        let (ours, child) = spawn(supervisor, "leaves a cycle");
        let message = next(&ours);
        assert_eq!(message.bytes(), b"done");
        assert!(objects(supervisor) > 50);
        drop(message);
        kill(supervisor, child);
        drop(ours);
        assert_eq!(clean(supervisor).objects, 0);
    });
}

fn leaves_a_cycle() {
    let channel = startup_channel();
    let kept: Vec<_> = [1, 2, 50].into_iter().map(cycle_of).collect();
    tell(&channel, "done");
    wait_for_peer_closed(&channel);
    drop(kept);
}

#[test]
fn cycles_are_collected_unasked() {
    in_arena(|supervisor| {
        let peers = cycle_of(2);
        for peer in &peers {
            peer.wait_one(Signals::CHANNEL_PEER_CLOSED, FOREVER).unwrap();
        }
        drop(peers);
        // Waiters are woken before the close is complete.
        until(|| objects(supervisor) == 0);
    });
}

/// How long the processes juggle.
const JUGGLING: Duration = Duration::from_secs(4);

/// Processes put channels into channels and take them out again, so that most ends hang on an end
/// that is queued; each keeps hold of one end of the chain. No end may be collected, and all ends are there afterwards.
#[test]
fn reachable_ends_are_never_collected() {
    in_arena(|supervisor| {
        let mut jugglers: Vec<_> = (0..3).map(|_| spawn(supervisor, "juggles")).collect();
        // A ring of them: each gives to the next.
        let mut gives = Vec::new();
        let mut takes = Vec::new();
        for _ in 0..jugglers.len() {
            let (give, take) = Channel::create();
            gives.push(give);
            takes.push(take);
        }
        takes.rotate_left(1);
        for ((ours, _), (give, take)) in jugglers.iter().zip(gives.into_iter().zip(takes)) {
            ours.write(b"juggle", &mut [give.into(), take.into()]).unwrap();
        }
        let start = Instant::now();
        let mut looks = 0;
        while start.elapsed() < JUGGLING {
            supervisor.collect().unwrap();
            looks += 1;
        }
        assert!(looks > 20, "{looks} looks");
        for (ours, _) in &jugglers {
            assert_eq!(next(ours).bytes(), b"all there");
        }
        for (ours, child) in jugglers.drain(..) {
            drop(ours);
            join(child);
        }
        supervisor.collect().unwrap();
        let audit = clean(supervisor);
        assert_eq!(audit.objects, 0, "{audit}");
    });
}

/// A channel with two ends that some juggler can reach.
struct Ball {
    near: Channel,
    far: Channel,
}

impl Ball {
    /// Both ends are open, and a message written at one is read at the other.
    fn check(&self) {
        for (from, to) in [(&self.near, &self.far), (&self.far, &self.near)] {
            tell(from, "alive");
            assert_eq!(next(to).bytes(), b"alive");
        }
    }

    /// The end into which `inside` was put, and the peer with which it was.
    fn holding(self, inside: Vec<NullableHandle>) -> Self {
        self.near.write(b"inside", &mut { inside }).unwrap();
        self
    }

    fn empty(&self) -> Vec<NullableHandle> {
        let mut message = next(&self.far);
        assert_eq!(message.bytes(), b"inside");
        message.take_handles()
    }
}

/// Puts balls into balls, swaps inner and outer, gives some to the next juggler and takes as many.
fn juggles() {
    let channel = startup_channel();
    let mut message = next(&channel);
    let give = Channel::from(message.take_handle(0).unwrap());
    let take = Channel::from(message.take_handle(1).unwrap());
    let mut random = random(u64::from(std::process::id()));
    let mut balls: Vec<Ball> = (0..6).map(|_| new_ball()).collect();
    let start = Instant::now();
    while start.elapsed() < JUGGLING {
        random.shuffle(&mut balls);
        match random.u32(0..3) {
            // One in the other, the other in the one, and so on: the order changes with every step.
            0 | 1 => {
                let (x, y) = (balls.pop().unwrap(), balls.pop().unwrap());
                let Ball { near: to_x, far: mut x } = x;
                let Ball { near: to_y, far: mut y } = y;
                for _ in 0..random.usize(1..20) {
                    to_y.write(b"inside", &mut [x.into()]).unwrap();
                    x = Channel::from(next(&y).take_handle(0).unwrap());
                    to_x.write(b"inside", &mut [y.into()]).unwrap();
                    y = Channel::from(next(&x).take_handle(0).unwrap());
                }
                balls.extend([Ball { near: to_x, far: x }, Ball { near: to_y, far: y }]);
            }
            // A chain. Its first ball goes to the next juggler.
            _ => {
                let mut chain = balls.pop().unwrap();
                for _ in 0..random.usize(1..4) {
                    let outer = balls.pop().unwrap_or_else(new_ball);
                    chain = outer.holding(vec![chain.near.into(), chain.far.into()]);
                }
                give.write(b"chain", &mut [chain.near.into(), chain.far.into()]).unwrap();
                unchain(&take, &mut balls);
            }
        }
        balls.last().unwrap().check();
    }
    // As many chains were given as taken: the ring is empty.
    for ball in &balls {
        ball.check();
    }
    tell(&channel, "all there");
    wait_for_peer_closed(&channel);
}

fn new_ball() -> Ball {
    let (near, far) = Channel::create();
    Ball { near, far }
}

/// Takes a chain apart, if one comes before long: the juggler before this one may have ended.
fn unchain(take: &Channel, balls: &mut Vec<Ball>) {
    let soon = MonotonicInstant::after(MonotonicDuration::from_millis(100));
    if take.wait_one(Signals::CHANNEL_READABLE, soon).is_err() {
        return balls.extend((0..4).map(|_| new_ball()));
    }
    let mut inside = next(take);
    let mut handles = inside.take_handles();
    loop {
        let far = Channel::from(handles.pop().unwrap());
        let ball = Ball { near: handles.pop().unwrap().into(), far };
        let more = ball.far.wait_one(Signals::CHANNEL_READABLE, MonotonicInstant::ZERO).is_ok();
        if more {
            handles = ball.empty();
        }
        ball.check();
        balls.push(ball);
        if !more {
            break;
        }
    }
}
