//! Seats for programs that other programs start.

use crate::process::entry::enter;
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::types::{SEAT_SLOT_BYTES, jacinth_seat_t, zx_handle_t, zx_status_t};
use crate::user_memory::{UserIn, UserOut};
use jacinth::{NullableHandle, Seat, Status, Supervisor};

/// Prepares a seat in this process's arena for a program that another one starts, with a handle for it.
///
/// # Safety
/// `seat` points to a structure to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_prepare(startup: zx_handle_t, seat: UserOut<jacinth_seat_t>) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        // From here on the call consumes the handle, also when it fails.
        let startup = NullableHandle::from_raw(startup);
        seat.check().context("where the seat goes")?;
        let prepared = Supervisor::get()?.prepare(startup)?;
        let mut slot = [0; SEAT_SLOT_BYTES];
        let text = prepared.slot_text();
        // The last byte stays 0, and ends the text.
        slot.iter_mut().zip(text.as_bytes()).take(SEAT_SLOT_BYTES - 1).for_each(|(to, from)| *to = *from);
        // The call may have slept, so the address is checked again. After an error the drop gives the seat back.
        seat.store(jacinth_seat_t { slot }).context("where the seat goes")?;
        prepared.leave();
        Ok(())
    })
}

/// Whether a seat waits for its program.
///
/// # Safety
/// `slot` is a string that ends in a NUL, and `is_free` points to a boolean to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_seat_is_free(slot: UserIn<u8>, is_free: UserOut<bool>) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        let seat = seat_of(slot)?;
        is_free.store(seat.is_free()).context("where the answer goes")
    })
}

/// Gives a seat back that no program will take.
///
/// # Safety
/// `slot` is a string that ends in a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_seat_give_back(slot: UserIn<u8>) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        let given_back = seat_of(slot)?.give_back();
        if given_back == Err(Status::BAD_STATE) {
            return given_back.context("a program has taken the seat");
        }
        given_back.context_with_detail("giving the seat back")
    })
}

fn seat_of(slot: UserIn<u8>) -> Result<Seat, CallError> {
    let text = slot.c_string().context("the seat's slot")?;
    Supervisor::get()?.seat(&text.to_string_lossy()).context_with_detail("the seat's slot")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_slot_fits() {
        assert!("4095:1048575:0123456789abcdef".len() < SEAT_SLOT_BYTES);
    }
}
