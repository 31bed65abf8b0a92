//! The baselines of the operations: queues inside one process, and the kernel.

use crate::Group;
use crossbeam::queue::{ArrayQueue, SegQueue};
use rustix::event::EventfdFlags;
use std::hint::black_box;
use std::io;

/// 64 bytes through the queues that a program of one process would use.
pub fn queues(group: &mut Group<'_>) {
    let message = [0x5a_u8; 64];
    group.bench_function("crossbeam_channel_bounded_64B", |b| {
        let (sender, receiver) = crossbeam::channel::bounded(1024);
        b.iter(|| {
            sender.send(black_box(message)).unwrap();
            receiver.recv().unwrap()
        });
    });
    group.bench_function("crossbeam_array_queue_64B", |b| {
        let queue = ArrayQueue::new(1024);
        b.iter(|| {
            queue.push(black_box(message)).unwrap();
            queue.pop().unwrap()
        });
    });
    group.bench_function("crossbeam_seg_queue_64B", |b| {
        let queue = SegQueue::new();
        b.iter(|| {
            queue.push(black_box(message));
            queue.pop().unwrap()
        });
    });
}

/// The kernel's counterparts.
pub fn kernel(group: &mut Group<'_>) {
    let event = || rustix::event::eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    group.bench_function("eventfd_create_close", |b| b.iter(event));
    group.bench_function("socketpair_create_close", |b| {
        b.iter(|| jacinth_bench::process::link::seqpacket_pair().unwrap())
    });
    group.bench_function("dup_close", |b| {
        let event = event();
        b.iter(|| rustix::io::fcntl_dupfd_cloexec(&event, 0).unwrap());
    });
    group.bench_function("fcntl_getfd", |b| {
        let event = event();
        b.iter(|| rustix::io::fcntl_getfd(black_box(&event)).unwrap());
    });
    group.bench_function("pipe_write_read_64B", |b| {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let mut into = [0; 64];
        b.iter(|| -> io::Result<()> {
            rustix::io::write(&writer, &[0x5a; 64])?;
            rustix::io::read(&reader, &mut into)?;
            Ok(())
        });
    });
}
