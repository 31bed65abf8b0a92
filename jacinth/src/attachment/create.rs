//! Making an arena, and attaching this process to it as its leader.

use crate::attachment::current_process::{AttachingLock, Attachment, Origin, set_attachment};
use crate::attachment::error::AttachError;
use crate::attachment::join::take_slot;
use crate::library_threads;
use crate::membership::client::Client;
use crate::membership::connection::Connection;
use crate::membership::server::event_loop;
use crate::membership::server::listener::Listener;
use crate::membership::server::state::Server;
use crate::membership::socket::path::{ListeningSocket, SocketPath};
use crate::membership::socket::rendezvous;
use crate::membership::system_limits;
use crate::types::status;
use jacinth_shm::{self as shm, Config};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Makes an arena, attaches this process to it, and runs its supervisor as a thread. `listen` makes its socket.
pub(crate) fn create(
    _lock: &AttachingLock,
    config: &Config,
    listen: impl FnOnce() -> Result<(Arc<SocketPath>, ListeningSocket), (PathBuf, io::Error)>,
) -> Result<&'static Attachment, AttachError> {
    let arena = Arc::new(shm::Arena::create(config)?);
    // An attachment cannot be undone. So all that can fail comes before it, the thread above all.
    let (served_by, serves) = shm::handover::<(Server, Arc<shm::Process>)>();
    let (is_set, set) = shm::handover();
    let run = move || {
        shm::request_short_slice();
        // `None`: creating the arena has failed, and the giver was dropped.
        let Some((server, process)) = serves.take() else { return };
        // By it other processes hear of an exec. Kept while the thread runs.
        let _death_notice = shm::DeathNotice::set(&process);
        is_set.give(());
        event_loop::run(server)
    };
    library_threads::spawn("jacinth-supervisor", run).map_err(system_limits::no_thread)?;
    let (connection, served) = Connection::pair()?;
    let rendezvous = rendezvous::prepare()?;
    let cannot_listen = |(path, source)| AttachError::CannotListen { path, source };
    let (socket_path, listening) = listen().map_err(cannot_listen)?;
    let refused = |error| AttachError::Refused(status::of(error));
    let process = take_slot(arena.clone(), arena.first_slot().map_err(refused)?)?;
    let thread = shm::Thread::join_reserve(&process).map_err(refused)?;
    thread.try_become_leader(arena.leader(), process.process_slot()).map_err(refused)?;
    let server = Server::new(Listener::open(socket_path.clone(), listening), rendezvous, served, thread);
    served_by.give((server, process.clone()));
    let client = Arc::new(Client::new(connection));
    let attachment = set_attachment(Attachment::new(process, client, socket_path, Origin::Created))?;
    // Waits until the robust futex is set. Before that, an exec of this process could go unnoticed.
    let _ = set.take();
    Ok(attachment)
}
