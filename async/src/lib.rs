#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod channel;
pub mod fifo;
pub mod meet;
mod on_signals;
mod reactor;
pub mod runtime;
pub mod socket;
mod timer;

pub use channel::Channel;
pub use fifo::Fifo;
pub use meet::{Listener, connect, connect_in};
pub use on_signals::OnSignals;
pub use reactor::driver::Driver;
pub use socket::Socket;
pub use timer::Timer;
