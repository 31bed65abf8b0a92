//! A process that takes a resource until it is refused more, and the requests that tell it so.

use super::support::*;
use jacinth::*;
use std::any::Any;

/// The arena has room for four greedy processes.
pub fn scarce(config: &mut Config) {
    (config.max_objects, config.max_objects_per_process) = (8192, 2048);
    (config.pool_bytes, config.max_block_bytes_per_process) = (1 << 20, 1 << 18);
    config.max_loan_bytes = 1 << 17;
}

/// What a process has taken until it was refused more.
pub struct Taken {
    pub count: usize,
    pub status: Status,
    pub kept: Box<dyn Any>,
}

/// A resource: its name, how much of it one process gets, and how to take it until it is refused.
pub type Resource = (&'static str, usize, fn() -> Taken);

pub fn take<T: 'static>(make: impl FnMut() -> Result<T, Status>) -> Taken {
    let (kept, status) = until_refused(make);
    Taken { count: kept.len(), status, kept: Box::new(kept) }
}

/// Takes the named resource, and answers with the count. It keeps what it has until the next request.
pub fn take_as_asked(resources: &[Resource]) {
    let channel = startup_channel();
    let mut kept = None;
    while let Ok(request) = request(&channel) {
        drop(kept.take());
        let resource = resources.iter().find(|(name, ..)| name.as_bytes() == request.bytes());
        let count = resource.map_or(0, |(_, _, take)| {
            let taken = take();
            assert_eq!(taken.status, Status::NO_RESOURCES);
            kept = Some(taken.kept);
            taken.count
        });
        tell(&channel, (count as u64).to_ne_bytes());
    }
}

/// The next message, until the channel has closed.
pub fn request(channel: &Channel) -> Result<MessageBuf, Status> {
    channel.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER).to_result()?;
    let mut message = MessageBuf::new();
    channel.read(&mut message).map(|_| message)
}

pub fn ask(channel: &Channel, request: &str) -> usize {
    tell(channel, request);
    u64::from_ne_bytes(next(channel).bytes().try_into().unwrap()) as usize
}
