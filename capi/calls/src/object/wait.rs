//! The signals of objects, and waits for them.

use crate::call_macro::calls;
use crate::process::entry::enter;
use crate::types::{zx_handle_t, zx_signals_t, zx_time_t, zx_wait_item_t};
use crate::user_memory::UserOut;
use jacinth::{MonotonicInstant, Signals, Status, raw};

/// `ZX_WAIT_MANY_MAX_ITEMS` of late 2018. [`raw::wait_many`] takes four times as many.
const WAIT_MANY_MAX_ITEMS: usize = 16;

calls! {
    /// Clears and then sets signals of an object.
    fn zx_object_signal, _zx_object_signal(handle: zx_handle_t, clear_mask: u32, set_mask: u32) {
        enter()?;
        raw::signal(handle, Signals::from_bits_retain(clear_mask), Signals::from_bits_retain(set_mask))
    }

    /// Clears and then sets signals of an object's peer.
    fn zx_object_signal_peer, _zx_object_signal_peer(handle: zx_handle_t, clear_mask: u32, set_mask: u32) {
        enter()?;
        raw::signal_peer(handle, Signals::from_bits_retain(clear_mask), Signals::from_bits_retain(set_mask))
    }

    /// Waits for signals of one object.
    fn zx_object_wait_one, _zx_object_wait_one(
        handle: zx_handle_t,
        signals: zx_signals_t,
        deadline: zx_time_t,
        observed: UserOut<zx_signals_t>,
    ) {
        enter()?;
        let deadline = MonotonicInstant::from_nanos(deadline);
        // `observed` is checked after the wait: the program may unmap it while the thread sleeps.
        let (result, seen) = raw::wait_one(handle, Signals::from_bits_retain(signals), deadline);
        if reports_signals(result) {
            observed.store_optional(seen.bits())?;
        }
        result
    }

    /// Waits for signals of several objects.
    fn zx_object_wait_many, _zx_object_wait_many(
        items: UserOut<zx_wait_item_t>,
        count: usize,
        deadline: zx_time_t,
    ) {
        enter()?;
        let none = Signals::NONE.into();
        let empty = raw::WaitItem { handle: raw::HandleValue::INVALID, waitfor: none, pending: none };
        let mut waited = [empty; WAIT_MANY_MAX_ITEMS];
        let waited = waited.get_mut(..count).ok_or(Status::OUT_OF_RANGE)?;
        for (index, item) in waited.iter_mut().enumerate() {
            let item_in = items.element(index).load()?;
            item.handle = raw::HandleValue(item_in.handle);
            item.waitfor = Signals::from_bits_retain(item_in.waitfor).into();
        }
        let result = raw::wait_many(waited, MonotonicInstant::from_nanos(deadline));
        if reports_signals(result) {
            for (index, item) in waited.iter().enumerate() {
                let item_out = zx_wait_item_t {
                    handle: item.handle.0,
                    waitfor: item.waitfor.bits(),
                    pending: item.pending.bits(),
                };
                items.element(index).store(item_out)?;
            }
        }
        result
    }
}

/// Whether a wait with this result stores the signals that it saw.
fn reports_signals(result: Result<(), Status>) -> bool {
    matches!(result, Ok(()) | Err(Status::TIMED_OUT | Status::CANCELED))
}
