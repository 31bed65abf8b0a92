//! Pointers that C handed over: allegations until they have been looked into.
//!
//! INV-USER-1: whoever looks into one has called `arena::enter` or `guard::arm` before.

pub mod fault_guard;

use fault_guard as guard;
use jacinth::Status;
use smallvec::SmallVec;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI32, Ordering};

/// A type that any bytes are a value of, so that it can be taken from memory that C filled.
///
/// # Safety
/// They are.
pub unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($type:ty),* $(,)?) => {
        $(
            // SAFETY: numbers, structures of numbers, and pointers: any bytes are one.
            unsafe impl $crate::user_memory::Plain for $type {}
        )*
    };
}
plain!(u8, u32, i32, u64, i64, usize, [u8; jacinth::raw::MAX_NAME_BYTES]);
pub(crate) use plain;

/// Where a call finds `T`s, one or as many as another argument says (`const T*`).
#[derive(Debug)]
#[repr(transparent)]
pub struct UserIn<T>(pub *const T);

/// Values that were C's: on the stack while they are few.
pub(crate) type Values<T> = SmallVec<[T; 8]>;

/// Where a call leaves `T`s (`T*`).
#[derive(Debug)]
#[repr(transparent)]
pub struct UserOut<T>(pub *mut T);

impl<T> Clone for UserIn<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for UserIn<T> {}

impl<T> Clone for UserOut<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for UserOut<T> {}

impl<T: Plain> UserIn<T> {
    /// The value there.
    #[inline]
    pub(crate) fn load(self) -> Result<T, Status> {
        if !guard::is_readable(self.0.cast(), size_of::<T>()) {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: it is readable, and any bytes are a `T`; nothing is said of its alignment.
        Ok(unsafe { self.0.read_unaligned() })
    }

    /// A copy of `count` values from there: what is looked at twice may have changed in between.
    #[inline]
    pub(crate) fn copy(self, count: usize) -> Result<Values<T>, Status> {
        if count == 0 {
            return Ok(SmallVec::new());
        }
        let bytes = count.checked_mul(size_of::<T>());
        if !bytes.is_some_and(|bytes| guard::is_readable(self.0.cast(), bytes)) {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: readable from the first to the last, and any bytes are a `T`; nothing is said of their alignment.
        Ok((0..count).map(|index| unsafe { self.0.add(index).read_unaligned() }).collect())
    }
}

impl UserIn<i32> {
    /// The value there now, of a word that others change at the same time.
    #[inline]
    pub(crate) fn load_atomic(self) -> Result<i32, Status> {
        if !self.0.is_aligned() || !guard::is_readable(self.0.cast(), size_of::<i32>()) {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: readable and aligned; others change it atomically, and a load does not need to write. Relaxed: whoever
        // changes it and wakes takes the lock under which this is compared.
        Ok(unsafe { AtomicI32::from_ptr(self.0.cast_mut()) }.load(Ordering::Relaxed))
    }
}

impl UserIn<u8> {
    /// `count` bytes from there, which the caller of the call keeps as they are until it returns.
    #[inline]
    pub(crate) fn slice<'a>(self, count: usize) -> Result<&'a [u8], Status> {
        if count == 0 {
            return Ok(&[]);
        }
        if isize::try_from(count).is_err() || !guard::is_readable(self.0.cast(), count) {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: readable, bytes have no alignment, and the length is one that an object may have.
        Ok(unsafe { std::slice::from_raw_parts(self.0, count) })
    }

    /// The text that begins there and ends in a NUL.
    pub(crate) fn text<'a>(self) -> Result<&'a CStr, Status> {
        let mut length = 0;
        while Self(self.0.wrapping_add(length)).load()? != 0 {
            length += 1;
        }
        CStr::from_bytes_with_nul(self.slice(length + 1)?).map_err(|_| Status::INVALID_ARGS)
    }
}

impl<T: Plain> UserOut<T> {
    /// Whether `count` values can be put there.
    #[inline]
    pub(crate) fn is_writable(self, count: usize) -> bool {
        count.checked_mul(size_of::<T>()).is_some_and(|bytes| guard::is_writable(self.0.cast(), bytes))
    }

    /// INVALID_ARGS unless the pointer is NULL or a value can be put there.
    #[inline]
    pub(crate) fn check_optional(self) -> Result<Checked<T>, Status> {
        if self.0.is_null() || self.is_writable(1) { Ok(Checked(self.0)) } else { Err(Status::INVALID_ARGS) }
    }

    /// INVALID_ARGS unless a value can be put there.
    #[inline]
    pub(crate) fn check(self) -> Result<(), Status> {
        if self.is_writable(1) { Ok(()) } else { Err(Status::INVALID_ARGS) }
    }

    /// What stands there before.
    #[inline]
    pub(crate) fn load(self) -> Result<T, Status> {
        UserIn(self.0.cast_const()).load()
    }

    /// Puts a value there.
    #[inline]
    pub(crate) fn store(self, value: T) -> Result<(), Status> {
        self.check()?;
        // SAFETY: writable; nothing is said of its alignment.
        unsafe { self.0.write_unaligned(value) };
        Ok(())
    }

    /// Puts a value there, unless the pointer is NULL.
    #[inline]
    pub(crate) fn store_optional(self, value: T) -> Result<(), Status> {
        if self.0.is_null() { Ok(()) } else { self.store(value) }
    }

    /// The place of the value `index` places on.
    #[inline]
    pub(crate) fn at(self, index: usize) -> Self {
        Self(self.0.wrapping_add(index))
    }
}

/// A place for one value that has been looked into, or NULL. For the rest of a call that does not sleep meanwhile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked<T>(*mut T);

impl<T: Plain> Checked<T> {
    /// Puts a value there, if there is a place.
    #[inline]
    pub(crate) fn store(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: `check_optional` has found it writable; nothing is said of its alignment.
            unsafe { self.0.write_unaligned(value) };
        }
    }
}

impl UserOut<u8> {
    /// Room for `count` bytes, the caller's for the time of the call.
    #[inline]
    pub(crate) fn room<'a>(self, count: usize) -> Result<&'a mut [MaybeUninit<u8>], Status> {
        if count == 0 {
            return Ok(&mut []);
        }
        if isize::try_from(count).is_err() || !self.is_writable(count) {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: writable, bytes have no alignment, and the length is one that an object may have.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.0.cast(), count) })
    }
}
