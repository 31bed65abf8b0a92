//! Properties: the name, so far.

use crate::arena::enter;
use crate::types::zx_handle_t;
use crate::user::{UserIn, UserOut};
use jacinth::{Rights, Status, raw};

/// `ZX_PROP_NAME`.
const NAME: u32 = 3;

calls! {
    /// The value of a property.
    fn zx_object_get_property, _zx_object_get_property(
        handle: zx_handle_t,
        property: u32,
        value: UserOut<u8>,
        value_size: usize,
    ) {
        enter()?;
        if property != NAME {
            return not_here(handle, Rights::GET_PROPERTY);
        }
        let name = raw::name(handle)?;
        if value_size < name.len() {
            return Err(Status::BUFFER_TOO_SMALL);
        }
        UserOut(value.0.cast()).store(name)
    }

    /// Gives a property a value.
    fn zx_object_set_property, _zx_object_set_property(
        handle: zx_handle_t,
        property: u32,
        value: UserIn<u8>,
        value_size: usize,
    ) {
        enter()?;
        if property != NAME {
            return not_here(handle, Rights::SET_PROPERTY);
        }
        let mut name = [0; raw::MAX_NAME_BYTES];
        // The last byte stays NUL; what is longer is cut, as Zircon cuts it.
        let given = value.slice(value_size.min(name.len() - 1))?;
        name[..given.len()].copy_from_slice(given);
        raw::set_name(handle, &name)
    }
}

fn not_here(handle: zx_handle_t, right: Rights) -> Result<(), Status> {
    let rights = Rights::from_bits_retain(raw::basic(handle)?.rights);
    Err(if rights.contains(right) { Status::NOT_SUPPORTED } else { Status::ACCESS_DENIED })
}
