//! Messages through a channel with both ends in this process.

use crate::Group;
use criterion::{BenchmarkId, Throughput};
use jacinth::{
    Batch, Channel, Event, MessageBuf, MonotonicInstant, NullableHandle, OnOverflow, Rights, Signals, Status,
};
use std::hint::black_box;

/// Messages through a channel with both ends in this process.
pub fn channel(group: &mut Group<'_>) {
    let (one, other) = Channel::create();
    for len_bytes in [0, 64, 1024, 65_536] {
        let message = vec![0x5a; len_bytes];
        let mut into = vec![0; len_bytes];
        group.throughput(Throughput::Bytes(len_bytes as u64));
        group.bench_function(BenchmarkId::new("write_read_bytes", len_bytes), |b| {
            b.iter(|| {
                one.write(black_box(&message), &mut []).unwrap();
                other.read_into(OnOverflow::Keep, black_box(&mut into), &mut []).unwrap();
            });
        });
    }
    let event = Event::create();
    for handles in [1, 64] {
        let mut message = MessageBuf::new();
        let mut luggage: Vec<NullableHandle> =
            (0..handles).map(|_| event.duplicate(Rights::SAME_RIGHTS).unwrap().into()).collect();
        group.throughput(Throughput::Elements(handles as u64));
        group.bench_function(BenchmarkId::new("write_read_handles", handles), |b| {
            b.iter(|| {
                one.write(b"", &mut luggage).unwrap();
                other.read(&mut message).unwrap();
                for (index, place) in luggage.iter_mut().enumerate() {
                    *place = message.take_handle(index).unwrap();
                }
            });
        });
    }
    group.throughput(Throughput::Elements(32));
    group.bench_function("write_read_batch_32", |b| {
        let mut batch = Batch::new();
        b.iter(|| {
            // As many as fit into one ring go at once.
            let mut left = 32;
            while left > 0 {
                left -= one.write_batch((0..left).map(|_| black_box(&[0x5a; 64][..]))).unwrap();
            }
            while left < 32 {
                left += other.read_batch(32, &mut batch).unwrap();
            }
        });
    });
    group.throughput(Throughput::Elements(1));
    group.bench_function("loan_1MiB_read_in_place", |b| {
        b.iter(|| {
            let mut loan = one.reserve(1 << 20).unwrap();
            loan.write_at(0, black_box(&[0x5a; 8])).unwrap();
            #[expect(unsafe_code, reason = "only the first bytes are touched, and no zeros are paid for")]
            // SAFETY: the bytes lie in a mapped file, so each has a value, and any will do.
            unsafe {
                loan.as_raw().set_written(1 << 20);
            }
            loan.commit().unwrap();
            let message = other.read_in_place().unwrap();
            let mut first = [0; 8];
            message.read_at(0, black_box(&mut first)).unwrap();
            message.finish().unwrap()
        });
    });
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
        loop {
            match server.read(&mut request) {
                Ok(()) => server.write(request.bytes(), &mut []).unwrap(),
                Err(Status::SHOULD_WAIT) => {
                    let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                    server.wait_one(signals, MonotonicInstant::INFINITE).unwrap();
                }
                Err(status) => return status,
            }
        }
    });
    let mut reply = MessageBuf::new();
    group.bench_function("call_64", |b| {
        b.iter(|| client.call(MonotonicInstant::INFINITE, &[0x5a; 64], &mut [], &mut reply).unwrap());
    });
    drop(client);
    assert_eq!(served.join().unwrap(), Status::PEER_CLOSED);
}
