//! The calls on handles and objects.
//!
//! `handle`, `wait`, `info` and `property` are the calls that work on every object. Each other file or folder is one object.

/// Declares the files, and exports their calls.
macro_rules! objects {
    ($($object:ident)*) => {
        $(
            pub(crate) mod $object;
            pub use $object::*;
        )*
    };
}

objects! { buffer channel directory event eventpair fifo handle info port property socket task timer vmo wait }
