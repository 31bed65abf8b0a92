//! The calls and the structures of the C interface, one file for each object or part. A new object has a file here, and its
//! word in `subjects!`.

use crate::signature::Signature;
use crate::structure::Structure;

/// One part of the interface, as the tests compare it.
#[derive(Debug)]
pub struct Subject {
    /// The calls, by name.
    pub calls: Vec<(String, Signature)>,
    /// The structures that Rust has too.
    pub structures: Vec<Structure>,
}

/// Declares the files, and the function that collects their parts.
macro_rules! subjects {
    ($($part:ident)*) => {
        $(mod $part;)*

        /// All parts.
        pub fn all() -> Vec<Subject> {
            vec![$($part::subject()),*]
        }
    };
}

subjects! { arena buffer channel compat event eventpair fifo futex handle port socket system task timer vmo }
