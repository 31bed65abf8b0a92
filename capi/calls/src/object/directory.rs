//! Directories and listeners: the calls of `jacinth.h` by which programs meet by name.

use crate::object::handle::return_handle;
use crate::process::entry::enter;
use crate::process::error_text::{CallError, Context, with_error_text};
use crate::types::{zx_handle_t, zx_status_t, zx_time_t};
use crate::user_memory::{UserIn, UserOut};
use jacinth::{Directory, Handle, MonotonicInstant, NullableHandle, Status, raw, set_directory};

/// The name at this address.
fn name_at<'a>(name: UserIn<u8>) -> Result<&'a str, CallError> {
    let name = name.c_string().context("the name")?;
    name.to_str().map_err(|_| CallError::new(Status::INVALID_ARGS, format!("the name {name:?} is not UTF-8")))
}

/// Runs a call that makes a handle, and stores it.
fn with_handle(
    out: UserOut<zx_handle_t>,
    subject: &str,
    call: impl FnOnce() -> Result<Result<zx_handle_t, Status>, CallError>,
) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        // Before the call: a bad address must not cost a channel or a name.
        out.check().context("where the handle goes")?;
        let made = call()?.context_with_detail(subject)?;
        return_handle(made, out).context("where the handle goes")
    })
}

/// Serves a name in a directory.
///
/// # Safety
/// `name` is a string that ends in a NUL, and `listener` points to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_directory_serve(
    directory: zx_handle_t,
    name: UserIn<u8>,
    deadline: zx_time_t,
    listener: UserOut<zx_handle_t>,
) -> zx_status_t {
    with_handle(listener, "serving the name", || {
        Ok(raw::directory_serve(directory, name_at(name)?, MonotonicInstant::from_nanos(deadline)))
    })
}

/// Connects to the server of a name in a directory.
///
/// # Safety
/// `name` is a string that ends in a NUL, and `channel` points to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_directory_connect(
    directory: zx_handle_t,
    name: UserIn<u8>,
    deadline: zx_time_t,
    channel: UserOut<zx_handle_t>,
) -> zx_status_t {
    with_handle(channel, "connecting to the name", || {
        Ok(raw::directory_connect(directory, name_at(name)?, MonotonicInstant::from_nanos(deadline)))
    })
}

/// A handle to this process's directory, by its value; it is closed at the end of the call.
fn own_directory() -> Result<NullableHandle, CallError> {
    Ok(jacinth::directory().context_with_detail("this process's directory")?.into())
}

/// Serves a name in the directory of this process.
///
/// # Safety
/// `name` is a string that ends in a NUL, and `listener` points to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_serve(
    name: UserIn<u8>,
    deadline: zx_time_t,
    listener: UserOut<zx_handle_t>,
) -> zx_status_t {
    with_handle(listener, "serving the name", || {
        let (name, own) = (name_at(name)?, own_directory()?);
        Ok(raw::directory_serve(own.raw_handle(), name, MonotonicInstant::from_nanos(deadline)))
    })
}

/// Connects to the server of a name in the directory of this process.
///
/// # Safety
/// `name` is a string that ends in a NUL, and `channel` points to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_connect(
    name: UserIn<u8>,
    deadline: zx_time_t,
    channel: UserOut<zx_handle_t>,
) -> zx_status_t {
    with_handle(channel, "connecting to the name", || {
        let (name, own) = (name_at(name)?, own_directory()?);
        Ok(raw::directory_connect(own.raw_handle(), name, MonotonicInstant::from_nanos(deadline)))
    })
}

/// Takes the oldest channel out of a listener's queue.
///
/// # Safety
/// `channel` points to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_accept(listener: zx_handle_t, channel: UserOut<zx_handle_t>) -> zx_status_t {
    with_handle(channel, "accepting a channel", || Ok(raw::listener_accept(listener)))
}

/// Makes a handle to the directory of this process.
///
/// # Safety
/// `directory` points to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_directory(directory: UserOut<zx_handle_t>) -> zx_status_t {
    with_handle(directory, "this process's directory", || Ok(jacinth::directory().map(Directory::into_raw)))
}

/// Sets the directory of this process. Consumes the handle.
#[unsafe(no_mangle)]
pub extern "C" fn jacinth_set_directory(directory: zx_handle_t) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        let directory = Handle::try_from(NullableHandle::from_raw(directory)).context("the directory")?;
        let directory =
            Directory::try_from(directory).map_err(|error| error.status()).context("the directory")?;
        drop(set_directory(directory));
        Ok(())
    })
}

/// Makes an empty directory.
///
/// # Safety
/// `directory` points to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_directory_create(directory: UserOut<zx_handle_t>) -> zx_status_t {
    with_handle(directory, "making a directory", || Ok(raw::directory_create()))
}

/// Makes a directory that passes some names on to another one.
///
/// # Safety
/// `names` points to `num_names` strings that end in a NUL, and `view` to a handle to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_directory_create_view(
    parent: zx_handle_t,
    names: UserIn<UserIn<u8>>,
    num_names: usize,
    view: UserOut<zx_handle_t>,
) -> zx_status_t {
    with_handle(view, "making a view", || {
        let name = |index| names.element(index).load().context("the names").and_then(name_at);
        let names = (0..num_names).map(name).collect::<Result<Vec<&str>, CallError>>()?;
        Ok(raw::directory_create_view(parent, &names))
    })
}

/// Stores the names that a client of a directory finds.
///
/// # Safety
/// `buffer` points to `buffer_size` bytes to write to, and `actual` is NULL or points to a size to write to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn jacinth_directory_names(
    directory: zx_handle_t,
    buffer: UserOut<u8>,
    buffer_size: usize,
    actual: UserOut<usize>,
) -> zx_status_t {
    with_error_text(|| {
        enter().map_err(CallError::no_arena)?;
        let names = raw::directory_names(directory).context_with_detail("the directory's names")?;
        let bytes: Vec<u8> = names.iter().flat_map(|name| name.bytes().chain([0])).collect();
        actual.store_optional(bytes.len()).context("where the size goes")?;
        if bytes.len() > buffer_size {
            let text = format!("the names have {} bytes", bytes.len());
            return Err(CallError::new(Status::BUFFER_TOO_SMALL, text));
        }
        if !bytes.is_empty() {
            let to = buffer.buffer(bytes.len()).context("where the names go")?;
            to.iter_mut().zip(&bytes).for_each(|(to, byte)| {
                to.write(*byte);
            });
        }
        Ok(())
    })
}
