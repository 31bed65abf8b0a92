//! One operation after the other, each with the handles that the process has.
//!
//! The operations of an object are one file, and one word in the list below.

use super::Choices;
use jacinth_shm::{
    HandleValue, InPlace, Loan, ObjectClass, Pending, ResolvedHandle, Result, Rights, Signals, Thread,
};

/// Every right there is.
pub const ALL: Rights = Rights::all();
/// The longest that an operation waits.
pub const LONGEST_WAIT_NS: usize = 200_000;

/// One operation. It ends soon, with any contents of the arena.
type HostileOperation = fn(&mut Turn<'_>) -> Result<()>;

/// Declares the files of operations.
macro_rules! objects {
    ($($object:ident)*) => {
        $(mod $object;)*

        /// The operations of each object. An operation that stands there twice is chosen twice as often.
        const OBJECTS: &[&[HostileOperation]] = &[$($object::OPERATIONS),*];
    };
}

objects! { handle event eventpair timer channel call loan port directory memory fifo socket vmo buffer }

pub use directory::busy as busy_directory;
pub use fifo::busy as busy_fifos;
pub use port::busy as busy_port;
pub use socket::busy as busy_sockets;
pub use vmo::busy as busy_vmos;

/// How many operations [`operate`] knows.
pub const OPERATIONS: usize = {
    let (mut sum, mut object) = (0, 0);
    while object < OBJECTS.len() {
        sum += OBJECTS[object].len();
        object += 1;
    }
    sum
};

/// The handles, loans, messages and calls that a process holds.
#[derive(Default)]
pub struct Hands {
    pub values: Vec<HandleValue>,
    loans: Vec<Loan>,
    messages: Vec<InPlace>,
    calls: Vec<Pending>,
}

impl Hands {
    /// Hands that hold these handles.
    pub fn of(values: impl IntoIterator<Item = HandleValue>) -> Self {
        Self { values: values.into_iter().collect(), ..Self::default() }
    }
}

/// The surroundings of an operation. Its handles and sizes are chosen before it starts.
struct Turn<'a> {
    thread: &'a Thread,
    hands: &'a mut Hands,
    choices: &'a mut dyn Choices,
    /// The handle that it is about.
    value: HandleValue,
    /// Further handles.
    some: Vec<HandleValue>,
    bytes: Vec<u8>,
    deadline_ns: i64,
}

impl Turn<'_> {
    fn found(&self) -> Result<ResolvedHandle> {
        self.thread.lookup(self.value)
    }

    /// A handle of the process: mostly one to an object of this class, if it has one.
    fn of_class(&mut self, class: ObjectClass) -> HandleValue {
        let is_of_class = |value: &&HandleValue| {
            self.thread.lookup(**value).and_then(|found| self.thread.class(found)) == Ok(class)
        };
        let values: Vec<HandleValue> = self.hands.values.iter().filter(is_of_class).copied().collect();
        if values.is_empty() || self.choices.below(16) == 0 {
            return self.value;
        }
        values[self.choices.below(values.len())]
    }

    fn signals(&mut self) -> Signals {
        Signals::from_bits_retain(self.choices.word() as u32)
    }
}

/// Does operation number `operation`, with handles and sizes by choice.
pub fn operate(
    thread: &Thread,
    operation: usize,
    hands: &mut Hands,
    choices: &mut dyn Choices,
) -> Result<()> {
    let mut any = || match hands.values.len() {
        0 => HandleValue(choices.word() as u32),
        len => hands.values[choices.below(len)],
    };
    let value = any();
    let mut some = vec![any(), any(), any(), any()];
    some.truncate(choices.below(5));
    let bytes = vec![1; [0, 4, 56, 57, 120, 121, 5000, 65_536][choices.below(8)]];
    let deadline_ns = now_ns() + choices.below(LONGEST_WAIT_NS) as i64;
    let mut turn = Turn { thread, hands, choices, value, some, bytes, deadline_ns };
    let chosen = OBJECTS.iter().copied().flatten().nth(operation).expect("one of the operations");
    let result = chosen(&mut turn);
    if hands.values.len() > 100 {
        for value in hands.values.drain(50..) {
            let _ = thread.lookup(value).and_then(|found| thread.close(found));
        }
    }
    result
}

/// Now, as deadlines count.
fn now_ns() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
