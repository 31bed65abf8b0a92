//! A worker of the soak: it performs random operations on the objects that it holds, until it is killed.
//!
//! What it writes can be checked by any other worker that reads it (`contents`).
//!
//! | file | operations |
//! |---|---|
//! | this one | on handles; on channels, events, event pairs and ports |
//! | `sockets` | on sockets |
//! | `memory` | on VM objects, and on their mappings |

mod contents;
mod memory;
mod sockets;

use crate::ports::{self, Mode};
use crate::process::parent_death::die_with_parent;
use contents::{assert_whole, compose};
use jacinth::*;
use memory::Memory;
use sockets::Sockets;

/// The role. The seed of the random choices follows.
pub const ROLE: &str = "soak-worker";

/// The most objects that a worker holds.
const MOST_OBJECTS: usize = 56;
/// How many operations there are between two reports.
const OPERATIONS_PER_REPORT: u64 = 64;

/// The objects of a worker.
struct Worker {
    control: Channel,
    random: fastrand::Rng,
    channels: Vec<Channel>,
    others: Vec<NullableHandle>,
    ports: Vec<NullableHandle>,
    sockets: Sockets,
    memory: Memory,
    message: MessageBuf,
    batch: Batch,
    unreported: u64,
}

/// The worker.
pub fn play(seed: &str) -> ! {
    die_with_parent();
    set_spin(MonotonicDuration::from_micros(2));
    let control = Channel::from(take_startup_handle().expect("a startup handle"));
    let random = fastrand::Rng::with_seed(seed.parse().expect("a seed"));
    let mut worker = Worker {
        control,
        random,
        channels: Vec::new(),
        others: Vec::new(),
        ports: Vec::new(),
        sockets: Sockets::default(),
        memory: Memory::default(),
        message: MessageBuf::new(),
        batch: Batch::new(),
        unreported: 0,
    };
    loop {
        let result = worker.step();
        worker.unreported += 1;
        if let Err(status) = result
            && matches!(status, Status::IO_DATA_INTEGRITY | Status::BAD_STATE | Status::INTERNAL)
        {
            panic!("an operation gave {status}");
        }
        worker.report();
    }
}

impl Worker {
    fn report(&mut self) {
        if self.unreported >= OPERATIONS_PER_REPORT
            && self.control.write(&self.unreported.to_le_bytes(), &mut []).is_ok()
        {
            self.unreported = 0;
        }
    }

    /// Performs one operation.
    fn step(&mut self) -> Result<(), Status> {
        // The soak sends channels to other workers.
        if self.control.read(&mut self.message).is_ok() {
            self.take_handles();
        }
        match self.random.u32(0..if self.objects() >= MOST_OBJECTS { 32 } else { 39 }) {
            0..4 => self.write(),
            4..8 => self.read(),
            8..10 => self.close(),
            10..12 => self.duplicate_or_replace(),
            12 => self.signal(),
            13 => self.wait(),
            14 => self.call(),
            15 => self.read_many(),
            16 => self.loan(),
            17 => self.observe(),
            18 => self.wait_at_port(),
            19 => self.queue_or_cancel(),
            20..27 => self.sockets.step(&mut self.random),
            27..32 => self.memory.step(&mut self.random),
            32 => Channel::try_create().map(|(first, second)| self.channels.extend([first, second])),
            33 => Event::try_create().map(|event| self.others.push(event.into())),
            34 => ports::try_create().map(|port| self.ports.push(port)),
            35 => self.sockets.create(&mut self.random),
            36 => self.memory.create(&mut self.random),
            37 => self.memory.clone_one(&mut self.random),
            _ => EventPair::try_create()
                .map(|(first, second)| self.others.extend([first.into(), second.into()])),
        }
    }

    /// How many objects it holds.
    fn objects(&self) -> usize {
        self.channels.len() + self.others.len() + self.ports.len() + self.sockets.len() + self.memory.len()
    }

    fn any_channel(&mut self) -> Option<usize> {
        (!self.channels.is_empty()).then(|| self.random.usize(0..self.channels.len()))
    }

    fn any_other(&mut self) -> Option<usize> {
        (!self.others.is_empty()).then(|| self.random.usize(0..self.others.len()))
    }

    /// Takes some handles to send. Ends of channels are among them.
    fn some_handles(&mut self) -> Vec<NullableHandle> {
        let mut handles = Vec::new();
        for _ in 0..self.random.usize(0..4) {
            if self.random.bool()
                && self.channels.len() > 1
                && let Some(index) = self.any_channel()
            {
                handles.push(self.channels.swap_remove(index).into());
            } else if self.random.bool()
                && let Some(index) = self.any_port()
            {
                handles.push(self.ports.swap_remove(index));
            } else if self.random.bool()
                && let Some(socket) = self.sockets.take(&mut self.random)
            {
                handles.push(socket.into());
            } else if self.random.bool()
                && let Some(vmo) = self.memory.take(&mut self.random)
            {
                handles.push(vmo.into());
            } else if let Some(index) = self.any_other() {
                handles.push(self.others.swap_remove(index));
            }
        }
        handles
    }

    fn any_port(&mut self) -> Option<usize> {
        (!self.ports.is_empty()).then(|| self.random.usize(0..self.ports.len()))
    }

    fn some_bytes(&mut self, handles: usize) -> Vec<u8> {
        let len =
            if self.random.u8(0..10) == 0 { self.random.usize(8..9000) } else { self.random.usize(8..100) };
        compose(len, handles, self.random.u8(..))
    }

    /// Keeps handles that were not sent because there was no room.
    fn keep(&mut self, handles: Vec<NullableHandle>) {
        for handle in handles.into_iter().filter(|handle| !handle.is_invalid()) {
            self.keep_one(handle);
        }
    }

    fn keep_one(&mut self, handle: NullableHandle) {
        match handle.basic_info().map(|info| info.object_type) {
            Ok(ObjectType::CHANNEL) => self.channels.push(handle.into()),
            Ok(ObjectType::PORT) => self.ports.push(handle),
            Ok(ObjectType::SOCKET) => self.sockets.keep(handle.into()),
            Ok(ObjectType::VMO) => self.memory.keep(handle.into()),
            _ => self.others.push(handle),
        }
    }

    fn take_handles(&mut self) {
        let handles = self.message.take_handles();
        self.keep(handles);
    }

    fn write(&mut self) -> Result<(), Status> {
        let mut handles = self.some_handles();
        let bytes = self.some_bytes(handles.len());
        let Some(index) = self.any_channel() else {
            self.keep(handles);
            return Ok(());
        };
        let result = self.channels[index].write(&bytes, &mut handles);
        self.keep(handles);
        self.forget_if_closed(index, result)
    }

    fn read(&mut self) -> Result<(), Status> {
        let Some(index) = self.any_channel() else { return Ok(()) };
        let result = self.channels[index].read(&mut self.message);
        if result.is_ok() {
            assert_whole(self.message.bytes(), self.message.n_handles());
            let is_request = self.message.bytes()[7] == 0 && self.random.bool();
            if is_request {
                // This is the reply if the message was a call, and a new message otherwise.
                let echo = self.message.bytes().to_vec();
                let _ = self.channels[index].write(&echo, &mut []);
            }
            self.take_handles();
        }
        self.forget_if_closed(index, result)
    }

    /// Closes, half of the time, an end with a closed peer.
    fn forget_if_closed(&mut self, index: usize, result: Result<(), Status>) -> Result<(), Status> {
        if result == Err(Status::PEER_CLOSED) && self.random.bool() {
            drop(self.channels.swap_remove(index));
        }
        result
    }

    fn close(&mut self) -> Result<(), Status> {
        match self.random.u8(0..4) {
            0 => drop(self.sockets.take(&mut self.random)),
            1 => drop(self.memory.take(&mut self.random)),
            _ => self.close_another(),
        }
        Ok(())
    }

    fn close_another(&mut self) {
        match (self.any_channel(), self.any_other(), self.any_port()) {
            (Some(index), ..) if self.random.bool() => drop(self.channels.swap_remove(index)),
            (_, Some(index), _) if self.random.bool() => drop(self.others.swap_remove(index)),
            (.., Some(index)) => drop(self.ports.swap_remove(index)),
            _ => {}
        }
    }

    fn duplicate_or_replace(&mut self) -> Result<(), Status> {
        match self.random.u8(0..4) {
            0 => self.sockets.duplicate(&mut self.random),
            1 => self.memory.duplicate(&mut self.random),
            _ => self.duplicate_or_replace_another(),
        }
    }

    fn duplicate_or_replace_another(&mut self) -> Result<(), Status> {
        if self.random.bool()
            && let Some(index) = self.any_channel()
        {
            let channel = self.channels.swap_remove(index).replace(Rights::SAME_RIGHTS)?;
            self.channels.push(channel);
        } else if self.random.bool()
            && let Some(index) = self.any_port()
        {
            let port = self.ports[index].duplicate(Rights::SAME_RIGHTS)?;
            self.ports.push(port);
        } else if let Some(index) = self.any_other() {
            let other = self.others[index].duplicate(Rights::SAME_RIGHTS)?;
            self.others.push(other);
        }
        Ok(())
    }

    fn signal(&mut self) -> Result<(), Status> {
        let Some(index) = self.any_other() else { return Ok(()) };
        let (set, clear) = (Signals::USER_0 | Signals::USER_3, Signals::USER_0);
        let other = &self.others[index];
        other.signal(Signals::NONE, set)?;
        other.signal(clear, Signals::NONE)?;
        raw::signal_peer(other.raw_handle(), Signals::NONE, set)
    }

    fn wait(&mut self) -> Result<(), Status> {
        let late = MonotonicInstant::after(MonotonicDuration::from_micros(self.random.i64(0..300)));
        let mut items = Vec::new();
        items.extend(
            self.channels
                .iter()
                .take(4)
                .map(|end| WaitItem::new(end, Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED)),
        );
        items.extend(self.others.iter().take(4).map(|other| WaitItem::new(other, Signals::USER_0)));
        items.extend(self.sockets.iter().take(4).map(|end| WaitItem::new(end, Signals::SOCKET_READABLE)));
        items.extend(self.memory.iter().take(2).map(|vmo| WaitItem::new(vmo, Signals::USER_0)));
        object_wait_many(&mut items, late).map(drop)
    }

    fn call(&mut self) -> Result<(), Status> {
        let Some(index) = self.any_channel() else { return Ok(()) };
        let bytes = self.some_bytes(0);
        let late = MonotonicInstant::after(MonotonicDuration::from_micros(self.random.i64(0..500)));
        let result = self.channels[index].call(late, &bytes, &mut [], &mut self.message);
        if result.is_ok() {
            assert_whole(self.message.bytes(), self.message.n_handles());
            self.take_handles();
        }
        self.forget_if_closed(index, result)
    }

    fn read_many(&mut self) -> Result<(), Status> {
        let Some(index) = self.any_channel() else { return Ok(()) };
        if self.random.bool() {
            let read = self.channels[index].read_batch(8, &mut self.batch);
            self.batch.iter().for_each(|bytes| assert_whole(bytes, 0));
            return self.forget_if_closed(index, read.map(drop));
        }
        let message = self.channels[index].read_in_place()?;
        let mut bytes = vec![0; message.len()];
        message.read_at(0, &mut bytes)?;
        assert_whole(&bytes, message.n_handles());
        let handles = message.finish()?;
        self.keep(handles.into_iter().map(|info| info.handle).collect());
        Ok(())
    }

    fn loan(&mut self) -> Result<(), Status> {
        let bytes = self.some_bytes(0);
        let Some(index) = self.any_channel() else { return Ok(()) };
        let mut loan = self.channels[index].reserve(bytes.len())?;
        loan.write_at(0, &bytes)?;
        if self.random.bool() { loan.commit() } else { Ok(()) }
    }

    /// An object to observe, and a port. Few keys: so that a cancellation finds registrations.
    fn any_source_and_port(&mut self) -> Option<(HandleRef<'_>, HandleRef<'_>, u64)> {
        let (channel, other, port) = (self.any_channel(), self.any_other(), self.any_port()?);
        let key = self.random.u64(0..3);
        let socket = self.sockets.any(&mut self.random).map(AsHandleRef::as_handle_ref);
        let vmo = self.memory.any(&mut self.random).map(AsHandleRef::as_handle_ref);
        let channel = channel.map(|index| self.channels[index].as_handle_ref());
        let other = other.map(|index| self.others[index].as_handle_ref());
        let mut sources = [channel, other, socket, vmo];
        self.random.shuffle(&mut sources);
        let source = sources.into_iter().flatten().next()?;
        Some((source, self.ports[port].as_handle_ref(), key))
    }

    fn observe(&mut self) -> Result<(), Status> {
        let signals = [Signals::CHANNEL_READABLE, Signals::CHANNEL_WRITABLE, Signals::CHANNEL_PEER_CLOSED];
        let signals = signals[self.random.usize(0..signals.len())] | Signals::USER_0 | Signals::USER_3;
        let mode = if self.random.bool() { Mode::Once } else { Mode::Repeating };
        let Some((source, port, key)) = self.any_source_and_port() else { return Ok(()) };
        ports::try_observe(&source, &port, key, signals, mode)
    }

    fn wait_at_port(&mut self) -> Result<(), Status> {
        let Some(index) = self.any_port() else { return Ok(()) };
        let late = MonotonicInstant::after(MonotonicDuration::from_micros(self.random.i64(0..300)));
        (0..self.random.usize(1..20)).try_for_each(|_| ports::wait(&self.ports[index], late).map(drop))
    }

    fn queue_or_cancel(&mut self) -> Result<(), Status> {
        let is_cancel = self.random.bool();
        let Some((source, port, key)) = self.any_source_and_port() else { return Ok(()) };
        if is_cancel { ports::try_cancel(&port, &source, key).map(drop) } else { ports::queue(&port, key) }
    }
}
