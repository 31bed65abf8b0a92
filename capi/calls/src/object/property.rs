//! Properties of objects, of which the name is there so far; and cookies.

use crate::call_macro::calls;
use crate::object::handle::check_handle;
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};

/// `ZX_PROP_NAME`.
const NAME: u32 = 3;

/// Zircon's other properties: the type of which objects each is, and whether it can be read and set. Each is a number of
/// [`NUMBER_BYTES`]. One that jacinth has is no longer here, but in the calls below.
const MISSING: &[(u32, ObjectType, Access)] = &[
    (2, ObjectType::THREAD, Access::Set),   // REGISTER_GS
    (4, ObjectType::THREAD, Access::Set),   // REGISTER_FS
    (5, ObjectType::PROCESS, Access::Both), // PROCESS_DEBUG_ADDR
    (6, ObjectType::PROCESS, Access::Get),  // PROCESS_VDSO_BASE_ADDRESS
    (12, ObjectType::SOCKET, Access::Both), // SOCKET_RX_THRESHOLD
    (13, ObjectType::SOCKET, Access::Both), // SOCKET_TX_THRESHOLD
    (15, ObjectType::JOB, Access::Set),     // JOB_KILL_ON_OOM
];

/// The size of a property that is a number.
const NUMBER_BYTES: usize = size_of::<usize>();

/// What can be done with a property.
#[derive(Clone, Copy, PartialEq)]
enum Access {
    Get,
    Set,
    Both,
}

/// The error of any other property: in Zircon's order those of the handle, of the size, and of the type.
fn unsupported_property(
    (handle, property): (zx_handle_t, u32),
    access: Access,
    right: Rights,
    value_size: usize,
) -> Result<(), Status> {
    check_handle(handle, ObjectType::NONE, right)?;
    let missing =
        MISSING.iter().find(|(number, _, any)| *number == property && [access, Access::Both].contains(any));
    let (_, object_type, _) = missing.ok_or(Status::NOT_SUPPORTED)?;
    if value_size < NUMBER_BYTES {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    check_handle(handle, *object_type, Rights::NONE).and(Err(Status::NOT_SUPPORTED))
}

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
            return unsupported_property((handle, property), Access::Get, Rights::GET_PROPERTY, value_size);
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
            return unsupported_property((handle, property), Access::Set, Rights::SET_PROPERTY, value_size);
        }
        let mut name = [0; raw::MAX_NAME_BYTES];
        // The last byte stays NUL. As in Zircon, a longer name is cut.
        let given = value.slice(value_size.min(name.len() - 1))?;
        name[..given.len()].copy_from_slice(given);
        raw::set_name(handle, &name)
    }

    /// Stores an object's cookie.
    fn zx_object_get_cookie, _zx_object_get_cookie(
        handle: zx_handle_t,
        scope: zx_handle_t,
        cookie: UserOut<u64>,
    ) {
        enter()?;
        cookie.store(raw::cookie(handle, scope)?)
    }

    /// Sets an object's cookie.
    fn zx_object_set_cookie, _zx_object_set_cookie(handle: zx_handle_t, scope: zx_handle_t, cookie: u64) {
        enter()?;
        raw::set_cookie(handle, scope, cookie)
    }
}
