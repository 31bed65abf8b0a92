//! What each operation costs by itself, in one process: no other processor has the lines. Beside them, what a
//! program inside one process would use instead, and what the kernel takes for the like.

#![forbid(unsafe_code)]

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use crossbeam::queue::{ArrayQueue, SegQueue};
use jacinth::{
    AsHandleRef as _, Channel, Config, Event, EventPair, Handle, HandleBased as _, MessageBuf,
    MonotonicInstant, Rights, Signals, Status, Supervisor, TooSmall,
};
use rustix::event::EventfdFlags;
use std::hint::black_box;
use std::io;

type Group<'a> = BenchmarkGroup<'a, WallTime>;
type Bench = fn(&mut Group<'_>);

fn main() {
    let supervisor = Supervisor::create(&Config::default()).expect("an arena");
    let mut criterion = Criterion::default().configure_from_args();
    let benches: [(&str, Bench); 6] = [
        ("create", create),
        ("handle", handle),
        ("signal", signal),
        ("channel", channel),
        ("baseline", baseline),
        ("kernel", kernel),
    ];
    for (name, bench) in benches {
        let mut group = criterion.benchmark_group(name);
        bench(&mut group);
        group.finish();
    }
    criterion.final_summary();
    let audit = supervisor.audit();
    assert!(audit.is_clean(), "the arena after the benches: {audit}");
}

/// Objects made and closed again.
fn create(group: &mut Group<'_>) {
    group.bench_function("event_create_close", |b| b.iter(|| Event::create().unwrap()));
    group.bench_function("eventpair_create_close", |b| b.iter(|| EventPair::create().unwrap()));
    group.bench_function("channel_create_close", |b| b.iter(|| Channel::create().unwrap()));
}

/// What is done with a handle, whatever its object.
fn handle(group: &mut Group<'_>) {
    let event = Event::create().unwrap();
    let weak = event.duplicate(Rights::WAIT).unwrap();
    let closed = event.duplicate(Rights::SAME_RIGHTS).unwrap().raw_handle();
    group.bench_function("duplicate_close", |b| b.iter(|| event.duplicate(Rights::SAME_RIGHTS).unwrap()));
    group.bench_function("replace", |b| {
        let mut current = Some(event.duplicate(Rights::SAME_RIGHTS).unwrap());
        b.iter(|| {
            let replaced = current.take().map(|event| event.replace(Rights::SAME_RIGHTS).unwrap());
            current = replaced;
        });
    });
    group.bench_function("handle_lookup", |b| {
        let value = event.raw_handle();
        b.iter(|| jacinth::raw::check_valid(black_box(value)).unwrap());
    });
    group.bench_function("handle_lookup_closed", |b| {
        b.iter(|| assert_eq!(jacinth::raw::check_valid(black_box(closed)), Err(Status::BAD_HANDLE)));
    });
    group.bench_function("refused_right", |b| {
        b.iter(|| assert_eq!(weak.signal(Signals::NONE, Signals::USER_0), Err(Status::ACCESS_DENIED)));
    });
    group.bench_function("get_info_basic", |b| b.iter(|| event.basic_info().unwrap()));
    group.bench_function("get_info_handle_count", |b| b.iter(|| event.handle_count().unwrap()));
}

/// Signals, and waits that need not wait.
fn signal(group: &mut Group<'_>) {
    let event = Event::create().unwrap();
    group.bench_function("signal_toggle", |b| {
        b.iter(|| {
            event.signal(Signals::NONE, Signals::USER_0).unwrap();
            event.signal(Signals::USER_0, Signals::NONE).unwrap();
        });
    });
    event.signal(Signals::NONE, Signals::EVENT_SIGNALED).unwrap();
    group.bench_function("wait_satisfied", |b| {
        b.iter(|| event.wait(Signals::EVENT_SIGNALED, MonotonicInstant::INFINITE).unwrap());
    });
    group.bench_function("wait_expired", |b| {
        b.iter(|| {
            assert_eq!(event.wait(Signals::USER_1, MonotonicInstant::INFINITE_PAST), Err(Status::TIMED_OUT))
        });
    });
}

/// Messages through a channel whose two ends are here.
fn channel(group: &mut Group<'_>) {
    let (one, other) = Channel::create().unwrap();
    let mut none = Vec::new();
    for len_bytes in [0, 64, 1024, 65_536] {
        let message = vec![0x5a; len_bytes];
        let mut into = vec![0; len_bytes];
        group.throughput(Throughput::Bytes(len_bytes as u64));
        group.bench_function(BenchmarkId::new("write_read_bytes", len_bytes), |b| {
            b.iter(|| {
                one.write(black_box(&message), &mut none).unwrap();
                other.read_raw(TooSmall::Keep, black_box(&mut into), &mut []).0.unwrap();
            });
        });
    }
    let event = Event::create().unwrap();
    for handles in [1, 64] {
        let mut message = MessageBuf::new();
        let mut luggage: Vec<Handle> =
            (0..handles).map(|_| event.duplicate(Rights::SAME_RIGHTS).unwrap().into()).collect();
        group.throughput(Throughput::Elements(handles as u64));
        group.bench_function(BenchmarkId::new("write_read_handles", handles), |b| {
            b.iter(|| {
                one.write(b"", &mut luggage).unwrap();
                other.read(&mut message).unwrap();
                luggage.extend((0..handles).map(|index| message.take_handle(index).unwrap()));
            });
        });
    }
    group.throughput(Throughput::Elements(1));
    group.bench_function("read_empty", |b| {
        let mut message = MessageBuf::new();
        b.iter(|| assert_eq!(other.read(&mut message), Err(Status::SHOULD_WAIT)));
    });
    call(group, one, other);
}

/// A call to a server in another thread: a caller cannot answer itself.
fn call(group: &mut Group<'_>, client: Channel, server: Channel) {
    let served = std::thread::spawn(move || {
        let mut request = MessageBuf::new();
        let mut none = Vec::new();
        loop {
            match server.read(&mut request) {
                Ok(()) => server.write(request.bytes(), &mut none).unwrap(),
                Err(Status::SHOULD_WAIT) => {
                    let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                    server.wait(signals, MonotonicInstant::INFINITE).unwrap();
                }
                Err(status) => return status,
            }
        }
    });
    let mut reply = MessageBuf::new();
    let mut none = Vec::new();
    group.bench_function("call_64", |b| {
        b.iter(|| client.call(MonotonicInstant::INFINITE, &[0x5a; 64], &mut none, &mut reply).unwrap());
    });
    drop(client);
    assert_eq!(served.join().unwrap(), Status::PEER_CLOSED);
}

/// 64 bytes through what a program of one process would use.
fn baseline(group: &mut Group<'_>) {
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

/// What the kernel takes for the like.
fn kernel(group: &mut Group<'_>) {
    let event = || rustix::event::eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    group.bench_function("eventfd_create_close", |b| b.iter(event));
    group.bench_function("socketpair_create_close", |b| {
        b.iter(|| jacinth_bench::link::seqpacket_pair().unwrap())
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
