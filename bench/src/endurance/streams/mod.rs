//! Fifos and sockets: what goes to another process and comes back.
//!
//! | file | contents |
//! |---|---|
//! | [`elements`] | elements of fifos |
//! | [`bytes`] | bytes and datagrams of sockets |

pub mod bytes;
pub mod elements;
