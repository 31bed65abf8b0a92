//! Tasks that wait for room after a write or a reservation was refused.

#[path = "../../jacinth/tests/support/mod.rs"]
mod support;

use futures::executor::block_on;
use futures::future::{join, join_all};
use jacinth::{ChannelOptions, Config, Loan, Signals, Status};
use jacinth_async::{Channel, OnSignals, Timer};
use std::time::{Duration, Instant};
use support::*;

const BYTES: usize = 1 << 20;
const A_WHILE: Duration = Duration::from_millis(60);

fn small_pool(config: &mut Config) {
    (config.pool_bytes, config.max_loan_bytes) = (4 << 20, BYTES as u64);
}

/// A loan, as soon as there is room for one, and how often the task was told of room.
async fn reserve(channel: &jacinth::Channel) -> (Loan<'_>, u32) {
    for tries in 0.. {
        match channel.reserve(BYTES) {
            Ok(loan) => return (loan, tries),
            Err(Status::NO_MEMORY | Status::NO_RESOURCES | Status::SHOULD_WAIT) => {}
            Err(status) => panic!("{status}"),
        }
        OnSignals::new(channel, Signals::CHANNEL_WRITABLE).await.unwrap();
    }
    unreachable!()
}

#[test]
fn refused_reservations_are_awaited() {
    in_arena_of(small_pool, |_| {
        let (ours, _theirs) = jacinth::Channel::create();
        let mut loans: Vec<_> = std::iter::from_fn(|| ours.reserve(BYTES).ok()).collect();
        block_on(async {
            let start = Instant::now();
            let returning = async {
                Timer::new(A_WHILE).await.unwrap();
                drop(loans.pop());
            };
            let ((_loan, tries), ()) = join(reserve(&ours), returning).await;
            assert!(start.elapsed() >= A_WHILE);
            assert_eq!(tries, 1, "the task was told when there was room, and not before");
        });
    });
}

/// One channel has the last memory, and several tasks wait for it at others.
#[test]
fn several_tasks_share_returned_memory() {
    in_arena_of(small_pool, |_| {
        let (ours, theirs) = jacinth::Channel::create();
        let held: Vec<_> = std::iter::from_fn(|| ours.reserve(BYTES).ok()).collect();
        let pairs = [(); 3].map(|()| jacinth::Channel::create());
        block_on(async {
            let tasks = join_all(pairs.iter().map(|(channel, _)| async {
                let (loan, _) = reserve(channel).await;
                Timer::new(Duration::from_millis(1)).await.unwrap();
                drop(loan);
            }));
            let returning = async {
                Timer::new(A_WHILE).await.unwrap();
                drop(held);
            };
            join(tasks, returning).await;
        });
        drop((ours, theirs));
    });
}

#[test]
fn sends_await_lent_places() {
    in_arena(|_| {
        let (ours, theirs) =
            jacinth::Channel::create_with(ChannelOptions::new().max_pending_messages(1)).unwrap();
        let ours = Channel::from(ours);
        let loan = ours.get_ref().reserve(BYTES).unwrap();
        block_on(async {
            let start = Instant::now();
            let returning = async {
                Timer::new(A_WHILE).await.unwrap();
                drop(loan);
            };
            let (sent, ()) = join(ours.send(b"waits", &mut []), returning).await;
            sent.unwrap();
            assert!(start.elapsed() >= A_WHILE);
        });
        assert_eq!(next(&theirs).bytes(), b"waits");
    });
}

/// The process has as many messages pending as it may, most of them in another channel.
#[test]
fn refused_sends_await_the_quota() {
    in_arena_of(
        |config| config.max_pending_messages_per_process = 900,
        |_| {
            let (full, reader) = jacinth::Channel::create();
            while full.write(b"pending", &mut []).is_ok() {}
            let (ours, _theirs) = jacinth::Channel::create();
            while ours.write(b"pending", &mut []).is_ok() {}
            let ours = Channel::from(ours);
            block_on(async {
                let reading = async {
                    Timer::new(A_WHILE).await.unwrap();
                    (0..700).for_each(|_| drop(next(&reader)));
                };
                let sending = async {
                    let mut tries = 0;
                    while let Err(status) = ours.send(b"waits", &mut []).await {
                        assert_eq!(status, Status::NO_RESOURCES);
                        OnSignals::new(&ours, Signals::CHANNEL_WRITABLE).await.unwrap();
                        tries += 1;
                    }
                    tries
                };
                assert_eq!(join(sending, reading).await, (1, ()));
            });
        },
    );
}
