//! Its publish-subscribe from one publisher to several subscribers, by its safe calls. A publisher waits for a subscriber
//! without room. An event beside the frames wakes subscribers, which do not sleep otherwise.

use super::{new_name, node};
use crate::measure::frames::{FRAME_BYTES, FanOut, FrameReader, QUEUED, READERS};
use crate::process::team::Seat;
use ::iceoryx2::port::{
    listener::Listener, notifier::Notifier, publisher::Publisher, subscriber::Subscriber,
};
use ::iceoryx2::prelude::*;
use ::iceoryx2::service::port_factory::{event, publish_subscribe};
use anyhow::Result;
use std::time::Duration;

/// The publisher.
pub struct Published {
    frames: Publisher<ipc::Service, [u8], ()>,
    published: Notifier<ipc::Service>,
    name: String,
    _node: Node<ipc::Service>,
}

/// A subscriber.
pub struct Subscribed {
    frames: Subscriber<ipc::Service, [u8], ()>,
    published: Listener<ipc::Service>,
    _node: Node<ipc::Service>,
}

/// As for calls: an event that was not seen costs no more than this.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

fn frames(
    node: &Node<ipc::Service>,
    name: &str,
) -> Result<publish_subscribe::PortFactory<ipc::Service, [u8], ()>> {
    Ok(node
        .service_builder(&name.try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(false)
        .subscriber_max_buffer_size(QUEUED)
        .subscriber_max_borrowed_samples(1)
        .max_publishers(1)
        .max_subscribers(READERS)
        .max_nodes(1 + READERS)
        .open_or_create()?)
}

fn published(node: &Node<ipc::Service>, name: &str) -> Result<event::PortFactory<ipc::Service>> {
    Ok(node
        .service_builder(&format!("{name}/published").as_str().try_into()?)
        .event()
        .max_notifiers(1)
        .max_listeners(READERS)
        .max_nodes(1 + READERS)
        .open_or_create()?)
}

impl FanOut for Published {
    const WHO: &'static str = super::WHO;
    type Reader = Subscribed;

    fn source() -> Result<Self> {
        let (node, name) = (node()?, new_name());
        let frames = frames(&node, &name)?
            .publisher_builder()
            .initial_max_slice_len(FRAME_BYTES)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        let published = published(&node, &name)?.notifier_builder().create()?;
        Ok(Self { frames, published, name, _node: node })
    }

    fn address(&self) -> String {
        self.name.clone()
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.frames.loan_slice_uninit(bytes.len())?.write_from_slice(bytes).send()?;
        self.published.notify()?;
        Ok(())
    }
}

impl FrameReader for Subscribed {
    fn join(seat: &Seat) -> Result<Self> {
        let (node, address) = (node()?, &seat.address);
        let frames = frames(&node, address)?.subscriber_builder().buffer_size(QUEUED).create()?;
        let published = published(&node, address)?.listener_builder().create()?;
        super::publish_subscribe::connect(&frames)?;
        Ok(Self { frames, published, _node: node })
    }

    fn next<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Result<T> {
        loop {
            if let Some(frame) = self.frames.receive()? {
                return Ok(look(&frame));
            }
            self.published.timed_wait(|_| {}, LOOK_AGAIN)?;
        }
    }
}
