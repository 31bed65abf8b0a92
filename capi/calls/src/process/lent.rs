//! What this process was lent: loans, messages that are read in place, buffers that are filled, views of buffers.
//!
//! C has a structure for each of them, with the address of the bytes and an id. The tables here say what an id stands for. So a
//! structure that is used twice, copied, or filled with any numbers is an error, and no wild pointer.
//!
//! ```text
//!  id   63 ........ 32 31 .. 28 27 ........ 0        0 is no id: of a structure that is all zero
//!       generation     kind     place in the table + 1
//! ```
//!
//! INV-LENT-1: an id is given out once. A place has another generation each time it is used (it begins again after 2³² times),
//! and each table has a kind of its own.

use crate::process::error_text::{CallError, Context};
use crate::user_memory::UserOut;
use jacinth::Status;
use std::cell::Cell;
use std::sync::atomic::{Ordering, compiler_fence};
use std::sync::{Mutex, PoisonError};
use zerocopy::{FromBytes, IntoBytes};

const PLACE_BITS: u32 = 28;
const KIND_BITS: u32 = 4;
const GENERATION_SHIFT: u32 = PLACE_BITS + KIND_BITS;

/// C's structure of something that was lent.
pub(crate) trait Lending: FromBytes + IntoBytes {
    /// What the table is looked up by.
    fn id(&self) -> u64;
}

/// What was lent of one kind.
#[derive(Debug)]
pub(crate) struct Lent<T> {
    kind: u64,
    /// For the texts of errors.
    name: &'static str,
    places: Mutex<Places<T>>,
}

#[derive(Debug)]
struct Places<T> {
    all: Vec<Place<T>>,
    /// Indices of those without a value.
    free: Vec<usize>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    value: Option<T>,
}

thread_local! {
    /// Whether this thread holds the lock of a table. A signal handler that interrupts it there must not wait for the lock.
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

impl<T> Lent<T> {
    /// An empty table. `kind` is another one for each table, and less than 16.
    pub(crate) const fn new(kind: u8, name: &'static str) -> Self {
        assert!(kind < 1 << KIND_BITS);
        Self { kind: kind as u64, name, places: Mutex::new(Places { all: Vec::new(), free: Vec::new() }) }
    }

    /// Runs `operation` on the table. It must not panic and not call this library.
    fn with<R>(&self, operation: impl FnOnce(&mut Places<T>) -> R) -> Result<R, CallError> {
        if IS_INSIDE.replace(true) {
            return Err(CallError::new(Status::BAD_STATE, String::new()));
        }
        // ORDER: SeqCst, here and below: a signal handler of this thread sees the flag whenever the lock is held.
        compiler_fence(Ordering::SeqCst);
        let result = operation(&mut self.places.lock().unwrap_or_else(PoisonError::into_inner));
        compiler_fence(Ordering::SeqCst);
        IS_INSIDE.set(false);
        Ok(result)
    }

    /// Keeps a value and stores C's structure for it. If it cannot be stored, the value is dropped.
    pub(crate) fn lend<L: Lending>(
        &self,
        value: T,
        to: UserOut<L>,
        structure: impl FnOnce(u64) -> L,
    ) -> Result<(), CallError> {
        let id = self.with(|places| {
            let index = match places.free.pop() {
                Some(index) => index,
                None if places.all.len() + 1 >= 1 << PLACE_BITS => return Err(Status::NO_RESOURCES),
                None => {
                    places.all.push(Place { generation: 0, value: None });
                    // With room for every place, so that no later call needs memory to take a value out.
                    places.free.reserve(places.all.len());
                    places.all.len() - 1
                }
            };
            let place = &mut places.all[index];
            place.generation = place.generation.wrapping_add(1);
            place.value = Some(value);
            Ok(u64::from(place.generation) << GENERATION_SHIFT | self.kind << PLACE_BITS | (index as u64 + 1))
        })?;
        let id = id.context(self.name)?;
        to.store(structure(id)).context(self.name).inspect_err(|_| {
            let _ = self.remove(id, |_| Ok(()));
        })
    }

    /// Takes a value out, and zeroes its structure. `None` if that was all zero.
    pub(crate) fn take<L: Lending>(&self, from: UserOut<L>) -> Result<Option<T>, CallError> {
        self.take_if(from, |_| Ok(()))
    }

    /// As [`Self::take`], unless `check` refuses: then all stays. It must not panic and not call this library.
    pub(crate) fn take_if<L: Lending>(
        &self,
        from: UserOut<L>,
        check: impl FnOnce(&T) -> Result<(), Status>,
    ) -> Result<Option<T>, CallError> {
        // The structure will be zeroed, so that a program that uses its address once more fails at once.
        let id =
            from.load().and_then(|structure| from.check().map(|()| structure.id())).context(self.name)?;
        if id == 0 {
            return Ok(None);
        }
        let value = self.remove(id, check)?;
        from.store(L::new_zeroed()).context(self.name)?;
        Ok(Some(value))
    }

    fn remove(&self, id: u64, check: impl FnOnce(&T) -> Result<(), Status>) -> Result<T, CallError> {
        let (generation, kind) = ((id >> GENERATION_SHIFT) as u32, id >> PLACE_BITS & ((1 << KIND_BITS) - 1));
        let number = (id & ((1 << PLACE_BITS) - 1)) as usize;
        self.with(|places| {
            let Places { all, free } = places;
            let place = number.checked_sub(1).and_then(|index| all.get_mut(index));
            let place = place.filter(|place| kind == self.kind && place.generation == generation);
            let Some(place) = place else { return Err(Status::BAD_HANDLE) };
            check(place.value.as_ref().ok_or(Status::BAD_HANDLE)?)?;
            free.push(number - 1);
            place.value.take().ok_or(Status::BAD_HANDLE)
        })?
        .context(self.name)
    }
}
