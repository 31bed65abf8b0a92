//! Properties of objects: the name.

use crate::call_macro::calls;
use crate::object::handle::check_handle;
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};

/// `ZX_PROP_NAME`.
const NAME: u32 = 3;

calls! {
    /// Stores the value of a property.
    fn zx_object_get_property, _zx_object_get_property(
        handle: zx_handle_t,
        property: u32,
        value: UserOut<u8>,
        value_size: usize,
    ) {
        enter()?;
        if value.is_null() {
            return Err(Status::INVALID_ARGS);
        }
        if property != NAME {
            return check_handle(handle, ObjectType::NONE, Rights::GET_PROPERTY).and(Err(Status::NOT_SUPPORTED));
        }
        let name = raw::name(handle)?;
        if value_size < name.len() {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        value.cast().store(name)
    }

    /// Sets the value of a property.
    fn zx_object_set_property, _zx_object_set_property(
        handle: zx_handle_t,
        property: u32,
        value: UserIn<u8>,
        value_size: usize,
    ) {
        enter()?;
        if value.is_null() {
            return Err(Status::INVALID_ARGS);
        }
        if property != NAME {
            return check_handle(handle, ObjectType::NONE, Rights::SET_PROPERTY).and(Err(Status::NOT_SUPPORTED));
        }
        let mut name = [0; raw::MAX_NAME_BYTES];
        // The last byte stays NUL. As in Zircon, a longer name is cut.
        let given = value.slice(value_size.min(name.len() - 1))?;
        name[..given.len()].copy_from_slice(given);
        raw::set_name(handle, &name)
    }
}
