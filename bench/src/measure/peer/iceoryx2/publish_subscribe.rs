//! Its publish-subscribe: a service each way, each with one publisher and one subscriber. No message is dropped: a publisher
//! waits for a subscriber without room, as a channel's writer does.

use super::{hand_over, new_name, node, take_over_name};
use crate::measure::{Carrier, End, Stage};
use ::iceoryx2::port::{publisher::Publisher, subscriber::Subscriber};
use ::iceoryx2::prelude::*;
use ::iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use anyhow::{Result, ensure};

/// One end of both services.
pub struct PublishSubscribe {
    out: Publisher<ipc::Service, [u8], ()>,
    back: Subscriber<ipc::Service, [u8], ()>,
    _node: Node<ipc::Service>,
}

/// As many as the bare ring has slots.
pub(super) const fn slots(message_bytes: usize) -> usize {
    if message_bytes > 1024 { 64 } else { 1024 }
}

/// The service between one publisher and one subscriber, with messages of one size.
fn service(
    node: &Node<ipc::Service>,
    name: &str,
    message_bytes: usize,
) -> Result<PortFactory<ipc::Service, [u8], ()>> {
    Ok(node
        .service_builder(&name.try_into()?)
        .publish_subscribe::<[u8]>()
        .enable_safe_overflow(false)
        .subscriber_max_buffer_size(slots(message_bytes))
        .max_publishers(1)
        .max_subscribers(1)
        .open_or_create()?)
}

/// Its publisher.
pub(super) fn publisher(
    node: &Node<ipc::Service>,
    name: &str,
    message_bytes: usize,
) -> Result<Publisher<ipc::Service, [u8], ()>> {
    Ok(service(node, name, message_bytes)?
        .publisher_builder()
        .initial_max_slice_len(message_bytes)
        .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
        .create()?)
}

/// Its subscriber.
pub(super) fn subscriber(
    node: &Node<ipc::Service>,
    name: &str,
    message_bytes: usize,
) -> Result<Subscriber<ipc::Service, [u8], ()>> {
    let messages = slots(message_bytes);
    Ok(service(node, name, message_bytes)?.subscriber_builder().buffer_size(messages).create()?)
}

/// Connects a subscriber, which it does by itself only when it first receives: earlier messages are kept while
/// there is room, and then dropped.
pub(super) fn connect(subscriber: &Subscriber<ipc::Service, [u8], ()>) -> Result<()> {
    ensure!(subscriber.receive()?.is_none(), "a message came before any was sent");
    Ok(())
}

impl<const BYTES: usize> Carrier<BYTES> for PublishSubscribe {
    const WHO: &'static str = super::WHO;

    fn near(stage: &Stage<'_>) -> Result<Self> {
        let name = new_name();
        let node = node()?;
        let out = publisher(&node, &format!("{name}/out"), BYTES)?;
        let back = subscriber(&node, &format!("{name}/back"), BYTES)?;
        hand_over(stage, &name)?;
        Ok(Self { out, back, _node: node })
    }

    fn far(stage: &Stage<'_>) -> Result<Self> {
        let name = take_over_name(stage)?;
        let node = node()?;
        let out = publisher(&node, &format!("{name}/back"), BYTES)?;
        let back = subscriber(&node, &format!("{name}/out"), BYTES)?;
        connect(&back)?;
        Ok(Self { out, back, _node: node })
    }
}

impl<const BYTES: usize> End<BYTES> for PublishSubscribe {
    #[inline(always)]
    fn send(&mut self, message: &[u8; BYTES]) -> Result<()> {
        self.out.loan_slice_uninit(BYTES)?.write_from_slice(message).send()?;
        Ok(())
    }

    #[inline(always)]
    fn receive(&mut self, into: &mut [u8; BYTES]) -> Result<()> {
        loop {
            if let Some(message) = self.back.receive()? {
                ensure!(message.len() == BYTES, "{} bytes came, not {BYTES}", message.len());
                into.copy_from_slice(&message);
                return Ok(());
            }
        }
    }
}
