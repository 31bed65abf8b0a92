//! Its request-response between processes that sleep: a server that waits on a `WaitSet`, and an event each way beside the
//! messages, since its clients and servers do not wake each other. It shows no end of a client, so each says goodbye.

use super::node;
use crate::measure::rpc::Service;
use crate::measure::rpc::calls::{BYTES, Calls, Message, client_of, is_goodbye};
use crate::measure::rpc::seat::{ClientSeat, ServerSeat};
use ::iceoryx2::port::notifier::Notifier;
use ::iceoryx2::port::server::Server;
use ::iceoryx2::prelude::*;
use ::iceoryx2::service::port_factory::{event, request_response};
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;

/// The service.
pub struct RequestWaitSet;

/// A run has ended with both sides waiting, since an event was not seen. So each looks again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

type Messages = request_response::PortFactory<ipc::Service, [u8], (), [u8], ()>;
type Event = event::PortFactory<ipc::Service>;

/// The requests and replies of so many clients.
fn messages(node: &Node<ipc::Service>, name: &str, clients: usize) -> Result<Messages> {
    Ok(node
        .service_builder(&name.try_into()?)
        .request_response::<[u8], [u8]>()
        .max_servers(1)
        .max_clients(clients)
        .max_nodes(clients + 1)
        .open_or_create()?)
}

/// The event of the server: some client has sent a request.
fn requested(node: &Node<ipc::Service>, name: &str, clients: usize) -> Result<Event> {
    Ok(node
        .service_builder(&format!("{name}/requested").as_str().try_into()?)
        .event()
        .max_listeners(1)
        .max_notifiers(clients)
        .max_nodes(clients + 1)
        .open_or_create()?)
}

/// The event of a client: the server has sent its reply.
fn replied(node: &Node<ipc::Service>, name: &str, client: usize) -> Result<Event> {
    Ok(node
        .service_builder(&format!("{name}/replied/{client}").as_str().try_into()?)
        .event()
        .max_listeners(1)
        .max_notifiers(1)
        .open_or_create()?)
}

impl Service for RequestWaitSet {
    const WHO: &'static str = "iceoryx2";

    fn serve(seat: &ServerSeat<'_>) -> Result<u64> {
        let (node, name) = (node()?, seat.new_name());
        let server =
            messages(&node, &name, seat.clients)?.server_builder().initial_max_slice_len(BYTES).create()?;
        let requested = requested(&node, &name, seat.clients)?.listener_builder().create()?;
        let notifiers = (0..seat.clients)
            .map(|client| Ok(replied(&node, &name, client)?.notifier_builder().create()?))
            .collect::<Result<Vec<_>>>()?;
        let wait_set = WaitSetBuilder::new()
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()?;
        let guard = wait_set.attach_deadline(&requested, LOOK_AGAIN)?;
        seat.listening(vec![name; seat.clients])?;

        let mut served = Served::default();
        while served.goodbyes < seat.clients {
            let mut done = Ok(());
            wait_set.wait_and_process_once(|attachment| {
                if attachment.has_event_from(&guard) || attachment.has_missed_deadline(&guard) {
                    done = requested
                        .try_wait(|_| {})
                        .map_err(Into::into)
                        .and_then(|_| answer_all(&server, &notifiers, &mut served));
                }
                CallbackProgression::Continue
            })?;
            done?;
        }
        Ok(served.answered)
    }

    fn call(seat: &ClientSeat<'_>) -> Result<Calls> {
        let (node, name) = (node()?, seat.address);
        let client =
            messages(&node, name, seat.clients)?.client_builder().initial_max_slice_len(BYTES).create()?;
        let requested = requested(&node, name, seat.clients)?.notifier_builder().create()?;
        let replied = replied(&node, name, seat.index)?.listener_builder().create()?;
        let mut calls = seat.connected()?;
        let call = |request: &Message| -> Result<_> {
            let pending = client.loan_slice_uninit(BYTES)?.write_from_slice(request).send()?;
            requested.notify()?;
            loop {
                if let Some(reply) = pending.receive()? {
                    return Ok(reply);
                }
                replied.timed_wait(|_| {}, LOOK_AGAIN)?;
            }
        };
        while let Some(request) = calls.next_request() {
            calls.replied(&call(&request)?)?;
        }
        // A request is lost when its client goes before the server has received it.
        call(&calls.goodbye())?;
        Ok(calls)
    }
}

/// The work of the server so far.
#[derive(Default)]
struct Served {
    answered: u64,
    goodbyes: usize,
}

/// Answers the requests that there are, and wakes their clients.
fn answer_all(
    server: &Server<ipc::Service, [u8], (), [u8], ()>,
    notifiers: &[Notifier<ipc::Service>],
    served: &mut Served,
) -> Result<()> {
    while let Some(request) = server.receive()? {
        ensure!(request.len() == BYTES, "a request of {} bytes", request.len());
        let client = client_of(&request).and_then(|client| notifiers.get(client));
        request.loan_slice_uninit(BYTES)?.write_from_slice(&request).send()?;
        client.context("a request of an unknown client")?.notify()?;
        match is_goodbye(&request) {
            true => served.goodbyes += 1,
            false => served.answered += 1,
        }
    }
    Ok(())
}
