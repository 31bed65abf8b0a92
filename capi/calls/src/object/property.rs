//! Properties of objects, of which the name and the thresholds of sockets are there so far; and cookies.

use crate::call_macro::calls;
use crate::object::handle::check_handle;
use crate::process::entry::enter;
use crate::types::zx_handle_t;
use crate::user_memory::{UserIn, UserOut};
use jacinth::{ObjectType, Rights, Status, raw};

/// `ZX_PROP_NAME`.
const NAME: u32 = 3;
/// `ZX_PROP_SOCKET_RX_THRESHOLD`.
const SOCKET_RX_THRESHOLD: u32 = 12;
/// `ZX_PROP_SOCKET_TX_THRESHOLD`.
const SOCKET_TX_THRESHOLD: u32 = 13;

/// The threshold of a socket that a property is.
fn threshold(property: u32) -> Option<raw::Threshold> {
    match property {
        SOCKET_RX_THRESHOLD => Some(raw::Threshold::Read),
        SOCKET_TX_THRESHOLD => Some(raw::Threshold::Write),
        _ => None,
    }
}

/// Zircon's other properties: the type of which objects each is, and whether it can be read and set. Each is a number of
/// [`NUMBER_BYTES`]. One that jacinth has is no longer here, but in the calls below.
const MISSING: &[(u32, ObjectType, Access)] = &[
    (2, ObjectType::THREAD, Access::Set),   // REGISTER_GS
    (4, ObjectType::THREAD, Access::Set),   // REGISTER_FS
    (5, ObjectType::PROCESS, Access::Both), // PROCESS_DEBUG_ADDR
    (6, ObjectType::PROCESS, Access::Get),  // PROCESS_VDSO_BASE_ADDRESS
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

/// The errors of a property that is a number, of objects of this type. As in Zircon those of the handle come first, then that
/// of the size, and then that of the type.
fn check_number(
    handle: zx_handle_t,
    object_type: ObjectType,
    right: Rights,
    value_size: usize,
) -> Result<(), Status> {
    check_handle(handle, ObjectType::NONE, right)?;
    if value_size < NUMBER_BYTES {
        return Err(Status::BUFFER_TOO_SMALL);
    }
    check_handle(handle, object_type, right)
}

/// The error of any other property.
fn unsupported_property(
    (handle, property): (zx_handle_t, u32),
    access: Access,
    right: Rights,
    value_size: usize,
) -> Result<(), Status> {
    let missing =
        MISSING.iter().find(|(number, _, any)| *number == property && [access, Access::Both].contains(any));
    let known = match missing {
        Some((_, object_type, _)) => check_number(handle, *object_type, right, value_size),
        None => check_handle(handle, ObjectType::NONE, right),
    };
    known.and(Err(Status::NOT_SUPPORTED))
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
        if let Some(threshold) = threshold(property) {
            check_number(handle, ObjectType::SOCKET, Rights::GET_PROPERTY, value_size)?;
            return value.cast().store(raw::socket_threshold(handle, threshold)?);
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
        if let Some(threshold) = threshold(property) {
            check_number(handle, ObjectType::SOCKET, Rights::SET_PROPERTY, value_size)?;
            return raw::socket_set_threshold(handle, threshold, value.cast().load()?);
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
