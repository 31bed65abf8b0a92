//! Unix sockets, used in different ways.

pub mod epoll;
pub mod fd;
pub mod memfd;
pub mod seqpacket;
pub mod shared_stream;
pub mod stream;
pub mod threads;
pub mod tokio;
