//! The calls and the structures of the C interface, one file for each object or part. A new object has a file here, and its
//! line in both lists.

mod arena;
mod channel;
mod compat;
mod event;
mod eventpair;
mod futex;
mod handle;
mod system;
mod task;

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

/// All parts.
pub fn all() -> Vec<Subject> {
    vec![
        arena::subject(),
        channel::subject(),
        compat::subject(),
        event::subject(),
        eventpair::subject(),
        futex::subject(),
        handle::subject(),
        system::subject(),
        task::subject(),
    ]
}
