//! The signature of a call, taken from the type of its Rust function.

use jacinth_capi_calls::types::{
    jacinth_audit_t, jacinth_buffer_mut_t, jacinth_buffer_view_t, jacinth_config_t, jacinth_loan_t,
    jacinth_message_t, jacinth_report_t, jacinth_seat_t, jacinth_spawn_status_t, zx_channel_call_args_t,
    zx_handle_info_t, zx_port_packet_t, zx_wait_item_t,
};
use jacinth_capi_calls::{ThreadStart, UserIn, UserOut};
use std::ffi::c_char;

/// The types of a call's result and arguments, as Rust writes them.
pub type Signature = (String, Vec<String>);

/// The name of a pointer type, in the form in which signatures are compared.
pub fn pointer(mutability: &str, pointee: &str) -> String {
    match pointee {
        // Memory of no type is bytes; a list of strings is one of addresses.
        "()" => format!("*{mutability} u8"),
        "*mut u8" => format!("*{mutability} usize"),
        _ => format!("*{mutability} {pointee}"),
    }
}

/// A type of an argument or a result.
pub trait Crosses {
    fn name() -> String;
}

macro_rules! crosses {
    ($( $Type:ty ),+) => {$(
        impl Crosses for $Type {
            fn name() -> String {
                stringify!($Type).into()
            }
        }
    )+};
}
crosses!((), bool, u8, u32, i32, u64, i64, usize, zx_wait_item_t, zx_channel_call_args_t, zx_handle_info_t);
crosses!(zx_port_packet_t);
crosses!(jacinth_config_t, jacinth_audit_t, jacinth_seat_t, jacinth_spawn_status_t, jacinth_report_t);
crosses!(jacinth_loan_t, jacinth_message_t, jacinth_buffer_mut_t, jacinth_buffer_view_t);

impl<T: Crosses> Crosses for UserIn<T> {
    fn name() -> String {
        pointer("const", &T::name())
    }
}

impl<T: Crosses> Crosses for UserOut<T> {
    fn name() -> String {
        pointer("mut", &T::name())
    }
}

impl Crosses for ThreadStart {
    fn name() -> String {
        "thrd_start_t".into()
    }
}

impl Crosses for *const c_char {
    fn name() -> String {
        pointer("const", "u8")
    }
}

/// A function that C can call.
pub trait Callable {
    fn signature(self) -> Signature;
}

macro_rules! callable {
    ($( ($( $Argument:ident )*) )+) => {$(
        impl<R: Crosses, $($Argument: Crosses),*> Callable for unsafe extern "C" fn($($Argument),*) -> R {
            fn signature(self) -> Signature {
                (R::name(), vec![$($Argument::name()),*])
            }
        }
    )+};
}
callable!(() (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G)
    (A B C D E F G H));

/// `signatures! { zx_name(1, 2) … }`: the names of calls and their signatures. The numbers count the arguments.
macro_rules! signatures {
    ($( $name:ident($( $_argument:tt ),*) )+) => {
        vec![$( (
            stringify!($name).to_owned(),
            $crate::signature::Callable::signature(
                jacinth_capi_calls::$name
                    as unsafe extern "C" fn($( $crate::signature::signatures!(@any $_argument) ),*) -> _,
            ),
        ), )+]
    };
    (@any $_argument:tt) => { _ };
}
pub(crate) use signatures;
