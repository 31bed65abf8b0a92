//! Event pairs.

use crate::call_macro::calls;
use crate::object::handle::return_handles;
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::UserOut;
use jacinth::{ObjectType, Rights, Status, raw};

calls! {
    /// Makes an event pair.
    fn zx_eventpair_create, _zx_eventpair_create(
        options: u32,
        out0: UserOut<zx_handle_t>,
        out1: UserOut<zx_handle_t>,
    ) {
        if options != 0 {
            return Err(Status::NOT_SUPPORTED);
        }
        enter()?;
        let pair = raw::create(ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT)?;
        return_handles(pair, out0, out1)
    }
}
