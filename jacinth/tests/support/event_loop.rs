//! An event loop over the descriptor of a port, with and without io_uring.

use super::refuse;
use jacinth::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::os::fd::AsFd;

/// Runs `body` as the system is, and in a thread to which it refuses io_uring.
pub fn both_ways(body: impl Fn() + Sync) {
    std::thread::scope(|scope| scope.spawn(&body).join().unwrap());
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| {
            refuse::refuse(&[libc::SYS_io_uring_setup], Errno::PERM);
            assert!(PortFd::new(&Port::create()).unwrap().has_thread());
            body();
        });
        refused.join().unwrap();
    });
}

pub fn user(key: u64) -> Packet {
    Packet::from_user_packet(key, 0, UserPacket::default())
}

/// A port and an armed descriptor of it.
pub fn armed() -> (Port, PortFd) {
    let port = Port::create();
    let port_fd = PortFd::new(&port).unwrap();
    assert_eq!(port_fd.try_wait(), Err(Status::SHOULD_WAIT));
    (port, port_fd)
}

pub fn is_readable(fd: &impl AsFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    retried(|| poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&now))) == 1
}

pub fn until_readable(fd: &impl AsFd) {
    retried(|| poll(&mut [PollFd::new(fd, PollFlags::IN)], None));
}

/// The kernel completes its sleep by the thread that armed it, which it takes out of a system call.
pub fn retried(mut call: impl FnMut() -> rustix::io::Result<usize>) -> usize {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            done => return done.unwrap(),
        }
    }
}

/// The next packet, as an event loop waits for it that has other tasks.
pub fn polled_adaptively(port_fd: &PortFd) -> Result<Packet, Status> {
    loop {
        match port_fd.try_wait_adaptive() {
            Ok(None) => {}
            Ok(Some(packet)) => return Ok(packet),
            Err(Status::SHOULD_WAIT) => until_readable(port_fd),
            Err(status) => return Err(status),
        }
    }
}
