//! The processes of a testbed: this program again, in another role. The first argument is the role.

pub mod leader;
pub mod parent_death;
pub mod recoverer;
pub mod victim;
