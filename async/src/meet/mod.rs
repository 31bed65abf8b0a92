//! Names to meet by: clients that connect, and a listener that accepts them.

mod connect;
mod listener;

pub use connect::{Connect, connect, connect_in};
pub use listener::{Accept, Incoming, Listener};
