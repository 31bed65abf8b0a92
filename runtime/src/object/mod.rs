//! The kernel's objects: one file or folder an object, and one line in the table below.

pub mod task;
pub use task::*;

use crate::handle::{AsHandleRef, Handle, HandleBased, HandleRef, Peered};

/// Declares the module of each object, exports what is public in it, and makes the object's type an owner of one
/// handle, with the traits in the brackets besides.
macro_rules! objects {
    ($( $module:ident: $Object:ident [$( $Trait:ident ),*]; )+) => {
        $(
            pub mod $module;
            pub use $module::*;

            impl AsHandleRef for $Object {
                fn as_handle_ref(&self) -> HandleRef<'_> {
                    self.0.as_handle_ref()
                }
            }

            impl From<Handle> for $Object {
                fn from(handle: Handle) -> Self {
                    Self(handle)
                }
            }

            impl From<$Object> for Handle {
                fn from(owner: $Object) -> Self {
                    owner.0
                }
            }

            impl HandleBased for $Object {}

            $( impl $Trait for $Object {} )*
        )+
    };
}

objects! {
    channel: Channel [Peered];
    event: Event [];
    eventpair: EventPair [Peered];
}
