//! Zircon's numbers and plain data, each a type: no handle, no arena, no call.

pub mod channel_options;
pub mod io_error;
pub mod koid;
pub mod object_type;
pub mod packet;
pub mod rights;
pub mod signals;
pub mod socket;
pub mod status;
pub mod sys;
pub mod time;
pub mod vmo;
