//! Events and event pairs.

use crate::arena::enter;
use crate::object::handle::{give, give_both};
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
        let (event, _) = raw::create(raw::Shape::Single, ObjectType::EVENT, Rights::EVENT_DEFAULT)?;
        give(event, out)
    }

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
        let pair = raw::create(raw::Shape::Pair, ObjectType::EVENTPAIR, Rights::EVENTPAIR_DEFAULT)?;
        give_both(pair, out0, out1)
    }
}
