//! The bytes of a loan, and of a buffer that is being filled, as C fills them: by their address.

use crate::process::error_text::{CallError, Context};
use crate::user_memory::UserOut;
use jacinth::{Status, UnsentBytesMut};

/// `JACINTH_UNINITIALIZED`.
pub const UNINITIALIZED: u32 = 1;

/// The first contents of the bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Contents {
    Zero,
    /// What was there before. The program promises to write all of them.
    Uninitialized,
}

impl Contents {
    pub(crate) fn from_options(options: u32) -> Result<Self, CallError> {
        match options {
            0 => Ok(Self::Zero),
            UNINITIALIZED => Ok(Self::Uninitialized),
            _ => Err(Status::INVALID_ARGS).context("the options"),
        }
    }

    /// The address of the bytes, all of which count as written.
    pub(crate) fn start(self, mut unsent: UnsentBytesMut<'_>) -> UserOut<u8> {
        match self {
            Self::Zero => unsent.bytes_mut().as_mut_ptr().into(),
            Self::Uninitialized => {
                let len = unsent.len();
                let start: *mut u8 = unsent.reborrow().spare_capacity_mut().as_mut_ptr().cast();
                // SAFETY: the bytes are memory of the arena, which has been written before, by this process or another one, or
                // is zero: any byte of it is a value. The program has promised to write all of them, so they mean what it says.
                unsafe { unsent.set_written(len) };
                start.into()
            }
        }
    }
}
