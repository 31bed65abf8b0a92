//! Untrusted user pointers: the addresses that a C program passes to a call.
//!
//! A program can pass any address. [`UserIn`] and [`UserOut`] therefore hold a number, not a Rust pointer. Their methods
//! check that memory is mapped at the address and then copy. A bad address gives `ZX_ERR_INVALID_ARGS`, as in a kernel.
//!
//! The `zerocopy` traits say which types may be copied. [`FromBytes`]: any bytes are a value, so a value may be read from
//! memory that C filled. [`IntoBytes`]: a value has no padding, so no uninitialized byte goes out.
//!
//! INV-USER-1: a call installs the fault handler (`entry::enter` or `fault_guard::install_handler`) before it checks an
//! address.

pub mod fault_guard;

use arrayvec::ArrayVec;
use jacinth::Status;
use std::ffi::{CStr, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{with_exposed_provenance, with_exposed_provenance_mut};
use std::sync::atomic::{AtomicI32, Ordering};
use zerocopy::{FromBytes, IntoBytes};

/// The address of one or several `T`s that a call reads (`const T*` in C).
#[derive(FromBytes, IntoBytes)]
#[repr(transparent)]
pub struct UserIn<T> {
    address: usize,
    pointee: PhantomData<T>,
}

/// The address of one or several `T`s that a call writes (`T*` in C).
#[derive(FromBytes, IntoBytes)]
#[repr(transparent)]
pub struct UserOut<T> {
    address: usize,
    pointee: PhantomData<T>,
}

macro_rules! address_type {
    ($User:ident, $pointer:ty) => {
        impl<T> $User<T> {
            /// The null pointer.
            pub const NULL: Self = Self::at_address(0);

            const fn at_address(address: usize) -> Self {
                Self { address, pointee: PhantomData }
            }

            pub(crate) const fn is_null(self) -> bool {
                self.address == 0
            }

            pub(crate) const fn address(self) -> usize {
                self.address
            }

            /// The address of the element `index` places further. A wrong address may wrap: the access checks it.
            pub(crate) const fn element(self, index: usize) -> Self {
                Self::at_address(self.address.wrapping_add(index.wrapping_mul(size_of::<T>())))
            }

            /// The same address, of another type.
            pub(crate) const fn cast<U>(self) -> $User<U> {
                $User::at_address(self.address)
            }
        }

        impl<T> From<$pointer> for $User<T> {
            fn from(pointer: $pointer) -> Self {
                Self::at_address(pointer.expose_provenance())
            }
        }

        // Derived impls would ask for the same traits of `T`.
        impl<T> Clone for $User<T> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<T> Copy for $User<T> {}

        impl<T> fmt::Debug for $User<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:#x})", stringify!($User), self.address)
            }
        }
    };
}
address_type!(UserIn, *const T);
address_type!(UserOut, *mut T);

impl<T> UserIn<T> {
    pub(crate) const fn is_aligned(self) -> bool {
        self.address.is_multiple_of(align_of::<T>())
    }

    fn pointer(self) -> *const T {
        with_exposed_provenance(self.address)
    }

    /// Whether `count` values can be read. The size in bytes is then one that an object can have.
    #[inline]
    fn is_readable(self, count: usize) -> bool {
        match count.checked_mul(size_of::<T>()) {
            Some(bytes) if isize::try_from(bytes).is_ok() => {
                fault_guard::is_readable(with_exposed_provenance::<c_void>(self.address), bytes)
            }
            _ => false,
        }
    }

    /// Checks that `count` values can be read.
    ///
    /// # Errors
    /// INVALID_ARGS if the memory cannot be read.
    #[inline]
    pub(crate) fn check(self, count: usize) -> Result<(), Status> {
        if self.is_readable(count) { Ok(()) } else { Err(Status::INVALID_ARGS) }
    }
}

impl<T: FromBytes> UserIn<T> {
    /// Copies the value.
    ///
    /// # Errors
    /// INVALID_ARGS if the memory cannot be read.
    #[inline]
    pub(crate) fn load(self) -> Result<T, Status> {
        self.check(1)?;
        // SAFETY: the memory is readable (just checked), any bytes are a `T` (`FromBytes`), and an unaligned read asks
        // for no alignment.
        Ok(unsafe { self.pointer().read_unaligned() })
    }

    /// Checks that `count` values can be read, and copies as many of them as there is room for in `values`. The call
    /// works on the copy, because another thread can change the original.
    ///
    /// # Errors
    /// INVALID_ARGS if the memory cannot be read.
    #[inline]
    pub(crate) fn load_into<const N: usize>(
        self,
        count: usize,
        values: &mut ArrayVec<T, N>,
    ) -> Result<(), Status> {
        if count == 0 {
            return Ok(());
        }
        self.check(count)?;
        let first = self.pointer();
        let room = values.remaining_capacity();
        // SAFETY: `count` values from `first` on are readable (just checked), any bytes are a `T` (`FromBytes`), and an
        // unaligned read asks for no alignment.
        values.extend((0..count.min(room)).map(|index| unsafe { first.add(index).read_unaligned() }));
        Ok(())
    }
}

impl UserIn<i32> {
    /// Loads a word that other threads change at the same time.
    ///
    /// # Errors
    /// INVALID_ARGS if the word is not aligned or cannot be read.
    #[inline]
    pub(crate) fn load_atomic(self) -> Result<i32, Status> {
        if !self.is_aligned() {
            return Err(Status::INVALID_ARGS);
        }
        self.check(1)?;
        // SAFETY: the word is aligned and readable (just checked). Other threads change it by atomic operations, and a
        // load needs no right to write.
        let word = unsafe { AtomicI32::from_ptr(self.pointer().cast_mut()) };
        // Relaxed: a thread that changes the word and then wakes takes the lock under which the value is compared.
        Ok(word.load(Ordering::Relaxed))
    }
}

impl UserIn<u8> {
    /// Borrows `count` bytes. The program must not change them before the call returns.
    ///
    /// # Errors
    /// INVALID_ARGS if the memory cannot be read.
    #[inline]
    pub(crate) fn slice<'a>(self, count: usize) -> Result<&'a [u8], Status> {
        if count == 0 {
            return Ok(&[]);
        }
        self.check(count)?;
        // SAFETY: the bytes are readable and at most `isize::MAX` (just checked), bytes have no alignment, and the
        // caller of the C function keeps them unchanged for the time of the call.
        Ok(unsafe { std::slice::from_raw_parts(self.pointer(), count) })
    }

    /// Borrows a string that ends in a NUL.
    ///
    /// # Errors
    /// INVALID_ARGS if the memory ends before the string does.
    pub(crate) fn c_string<'a>(self) -> Result<&'a CStr, Status> {
        let mut length = 0;
        while self.element(length).load()? != 0 {
            length += 1;
        }
        CStr::from_bytes_with_nul(self.slice(length + 1)?).map_err(|_| Status::INVALID_ARGS)
    }
}

impl<T> UserOut<T> {
    fn pointer(self) -> *mut T {
        with_exposed_provenance_mut(self.address)
    }

    /// Whether `count` values can be written. The size in bytes is then one that an object can have.
    #[inline]
    pub(crate) fn is_writable(self, count: usize) -> bool {
        match count.checked_mul(size_of::<T>()) {
            Some(bytes) if isize::try_from(bytes).is_ok() => {
                fault_guard::is_writable(with_exposed_provenance_mut::<c_void>(self.address), bytes)
            }
            _ => false,
        }
    }

    /// # Errors
    /// INVALID_ARGS if a value cannot be written.
    #[inline]
    pub(crate) fn check(self) -> Result<(), Status> {
        if self.is_writable(1) { Ok(()) } else { Err(Status::INVALID_ARGS) }
    }

    /// Checks an output that may be NULL.
    ///
    /// # Errors
    /// INVALID_ARGS if the address is not NULL and a value cannot be written.
    #[inline]
    pub(crate) fn check_optional(self) -> Result<CheckedOut<T>, Status> {
        if self.is_null() || self.is_writable(1) { Ok(CheckedOut(self)) } else { Err(Status::INVALID_ARGS) }
    }
}

impl<T: FromBytes> UserOut<T> {
    /// Copies the value that is there before the call writes.
    ///
    /// # Errors
    /// INVALID_ARGS if the memory cannot be read.
    #[inline]
    pub(crate) fn load(self) -> Result<T, Status> {
        UserIn::at_address(self.address).load()
    }
}

impl<T: IntoBytes> UserOut<T> {
    /// Writes a value.
    ///
    /// # Errors
    /// INVALID_ARGS if it cannot be written.
    #[inline]
    pub(crate) fn store(self, value: T) -> Result<(), Status> {
        self.check()?;
        // SAFETY: the memory is writable (just checked), and an unaligned write asks for no alignment.
        unsafe { self.pointer().write_unaligned(value) };
        Ok(())
    }

    /// Writes a value unless the address is NULL.
    ///
    /// # Errors
    /// As [`Self::store`].
    #[inline]
    pub(crate) fn store_optional(self, value: T) -> Result<(), Status> {
        if self.is_null() { Ok(()) } else { self.store(value) }
    }
}

impl UserOut<u8> {
    /// Borrows `count` bytes to write. They are the call's until it returns.
    ///
    /// # Errors
    /// INVALID_ARGS if they cannot be written.
    #[inline]
    pub(crate) fn buffer<'a>(self, count: usize) -> Result<&'a mut [MaybeUninit<u8>], Status> {
        if count == 0 {
            return Ok(&mut []);
        }
        if !self.is_writable(count) {
            return Err(Status::INVALID_ARGS);
        }
        // SAFETY: the bytes are writable and at most `isize::MAX` (just checked), bytes have no alignment, and the
        // caller of the C function leaves the buffer to the call until it returns.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.cast::<MaybeUninit<u8>>().pointer(), count) })
    }
}

/// An output that was checked, or NULL. It stays valid for a call that does not sleep before it writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckedOut<T>(UserOut<T>);

impl<T: IntoBytes> CheckedOut<T> {
    /// Writes a value unless the address is NULL.
    #[inline]
    pub(crate) fn store(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: `check_optional` found the memory writable, and an unaligned write asks for no alignment.
            unsafe { self.0.pointer().write_unaligned(value) };
        }
    }
}
