//! Events.

use crate::call_macro::calls;
use crate::object::handle::return_handle;
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::UserOut;
use jacinth::{ObjectType, Rights, Status, raw};

calls! {
    /// Makes an event.
    fn zx_event_create, _zx_event_create(options: u32, out: UserOut<zx_handle_t>) {
        if options != 0 {
            return Err(Status::INVALID_ARGS);
        }
        enter()?;
        let (event, _) = raw::create(ObjectType::EVENT, Rights::EVENT_DEFAULT)?;
        return_handle(event, out)
    }
}
