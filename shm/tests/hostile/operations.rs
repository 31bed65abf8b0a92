//! One operation after the other, with whatever handles there are; and damage to any word.

use super::Choices;
use jacinth_shm::{Growing, InPlace, Loan, Pending, Result, Shape, Thread, TooSmall, WaitItem};
use memmap2::MmapRaw;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every right there is.
pub const ALL: u32 = 0xf_ffff;
/// How many kinds of operations [`operate`] knows.
pub const OPERATIONS: usize = 27;
/// The longest that any operation waits.
pub const LONGEST_WAIT_NS: usize = 200_000;

/// The arena's words, seen through a mapping of their own by one who keeps no rules.
pub struct Raw(MmapRaw);

impl Raw {
    pub fn of(file: impl std::os::fd::AsFd) -> Self {
        Self(MmapRaw::map_raw(&file.as_fd()).unwrap())
    }

    pub fn word(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.words());
        // SAFETY: inside the mapping, which lives as long as `self`; aligned, since a mapping is; shared memory is
        // only ever accessed by atomics here, and in the library.
        unsafe { AtomicU64::from_ptr(self.0.as_mut_ptr().cast::<u64>().add(index)) }
    }

    pub fn words(&self) -> usize {
        self.0.len() / 8
    }

    /// Where the words are that somebody has written.
    pub fn used(&self) -> Vec<usize> {
        (0..self.words()).filter(|index| self.word(*index).load(Ordering::Relaxed) != 0).collect()
    }

    /// Damages one word. `used` are those worth damaging.
    pub fn damage(&self, used: &[usize], choices: &mut impl Choices) {
        let any = |choices: &mut dyn FnMut(usize) -> usize| match choices(10) {
            0 => choices(self.words()),
            _ => used[choices(used.len())],
        };
        let at = any(&mut |end| choices.below(end));
        let word = self.word(at);
        let old = word.load(Ordering::Relaxed);
        let new = match choices.below(9) {
            0 => 0,
            1 => u64::MAX,
            2 => choices.word(),
            3 | 4 => old ^ 1 << choices.below(64),
            5 => old.wrapping_add(choices.below(5) as u64).wrapping_sub(2),
            6 => old & !0xffff_ffff | choices.word() & 0xffff_ffff,
            7 => old & 0xffff_ffff | choices.word() << 32,
            _ => self.word(any(&mut |end| choices.below(end))).load(Ordering::Relaxed),
        };
        word.store(new, Ordering::SeqCst);
    }
}

/// What a process has in hand.
#[derive(Default)]
pub struct Hands {
    pub values: Vec<u32>,
    loans: Vec<Loan>,
    messages: Vec<InPlace>,
    calls: Vec<Pending>,
}

impl Hands {
    /// Hands that hold these handles.
    pub fn of(values: impl IntoIterator<Item = u32>) -> Self {
        Self { values: values.into_iter().collect(), ..Self::default() }
    }
}

/// Now, as deadlines count.
pub fn now_ns() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// Does operation number `operation`, with handles and sizes by choice.
pub fn operate(
    thread: &Thread,
    operation: usize,
    hands: &mut Hands,
    choices: &mut impl Choices,
) -> Result<()> {
    let Hands { values, loans, messages, calls } = hands;
    let mut any = || match values.len() {
        0 => choices.word() as u32,
        len => values[choices.below(len)],
    };
    let value = any();
    let some = [any(), any(), any(), any()];
    let found = || thread.find(value);
    let some = &some[..choices.below(5)];
    let bytes = vec![1; choices.one_of(&[0, 4, 64, 65, 500, 5000, 65_536])];
    let soon = now_ns() + choices.below(LONGEST_WAIT_NS) as i64;
    let (mut room, mut received) = (Vec::new(), Vec::new());
    let mut sink = Growing::new(&mut room, &mut received);
    let result = match operation {
        0 | 1 => {
            let shape = choices.one_of(&[Shape::Single, Shape::Pair, Shape::Channel]);
            let (one, other) = thread.create(shape, 4, ALL)?;
            values.push(one);
            values.extend(other);
            Ok(())
        }
        2 => thread.duplicate(found()?, ALL).map(|value| values.push(value)),
        3 => thread.replace(found()?, ALL).map(|value| values.push(value)),
        4 => thread.close(found()?),
        5 => thread.signal(found()?, choices.word() as u32, choices.word() as u32),
        6 => thread.signal_peer(found()?, choices.word() as u32, choices.word() as u32),
        7 => {
            thread.set_spin_ns(choices.below(10_000) as i64);
            thread.wait_one(value, 0, choices.word() as u32, soon).0
        }
        8 => {
            let item = |value: &u32| WaitItem { handle: *value, waitfor: 1 << 24, pending: 0 };
            thread.wait_many(&mut some.iter().map(item).collect::<Vec<_>>(), 0, soon)
        }
        9..=11 => thread.send(found()?, 0, &bytes),
        12 | 13 => thread.send_with_handles(found()?, 0, &bytes, some, 0, None),
        14 | 15 => thread.receive(found()?, 0, &mut sink, TooSmall::Keep).map(drop),
        16 => thread.send_batch(found()?, 0, &[&bytes[..], &b"2"[..]]).map(drop),
        17 => thread.receive_batch(found()?, 0, 10, &mut Vec::new(), &mut Vec::new()).map(drop),
        18 => thread.call_begin(found()?, 0, &bytes, some, 0).map(|call| calls.push(call)),
        19 => match calls.pop() {
            Some(call) if choices.below(4) > 0 => thread.call_finish(&call, soon, &mut sink).map(drop),
            Some(call) => {
                thread.call_abandon(&call);
                Ok(())
            }
            None => Ok(()),
        },
        20 => {
            let mut loan = thread.reserve(found()?, 0, bytes.len())?;
            let written = loan.write_at(0, &bytes);
            loans.push(loan);
            written
        }
        21 => match loans.pop() {
            Some(loan) if choices.below(4) > 0 => thread.commit(loan),
            Some(loan) => {
                thread.return_loan(loan);
                Ok(())
            }
            None => Ok(()),
        },
        22 => thread.receive_in_place(found()?, 0).map(|held| messages.push(held)),
        23 => match messages.pop() {
            Some(held) => {
                let mut copy = vec![0; held.len().min(1 << 20)];
                let read = held.read_at(0, &mut copy);
                thread.finish(&held, &mut |handle| values.push(handle.value)).and(read)
            }
            None => Ok(()),
        },
        24 => {
            thread.basic(found()?)?;
            thread.kind(found()?)?;
            thread.set_name(found()?, &[b'x'; 32])?;
            thread.name(found()?).map(drop)
        }
        25 => thread.collect().map(drop),
        _ => thread.reclaim().map(drop),
    };
    values.extend(received.iter().map(|handle| handle.value));
    if values.len() > 100 {
        for value in values.drain(50..) {
            let _ = thread.find(value).and_then(|found| thread.close(found));
        }
    }
    result
}
