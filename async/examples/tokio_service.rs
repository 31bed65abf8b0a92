//! A service on tokio: 1,000 clients, each on a channel of its own, in four other processes. Ctrl-C ends it
//! gracefully: what clients have asked is answered, and then their channels are closed.
//!
//! `tokio_service` ends itself by a Ctrl-C when all clients have made their calls; `tokio_service wait` waits for
//! yours.

use jacinth::{Config, NullableHandle, Status, Supervisor, take_startup_handle};
use jacinth_async::{Channel, Driver, runtime};
use std::error::Error;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PROGRAMS: usize = 4;
const CLIENTS_OF_EACH: usize = 250;
const CALLS: u32 = 10;
/// The channels of one message.
const AT_ONCE: usize = 50;

fn main() -> Result<(), Box<dyn Error>> {
    let role = std::env::args().nth(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match role.as_deref() {
            Some("clients") => run_clients().await,
            role => serve(role == Some("wait")).await,
        }
    })
}

async fn serve(is_ended_by_user: bool) -> Result<(), Box<dyn Error>> {
    // Before anything else: a Ctrl-C that no stream awaits ends the process.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let supervisor = Supervisor::create(&Config::default())?;
    // One task of the runtime waits for all channels.
    tokio::spawn(runtime::tokio::drive(Driver::install()?));
    let (stop, stopped) = watch::channel(false);
    let (mut clients, answered) = (JoinSet::new(), Arc::new(AtomicU32::new(0)));
    let mut programs: Vec<(Channel, Child)> = Vec::new();
    for _ in 0..PROGRAMS {
        let (first, theirs) = jacinth::Channel::try_create()?;
        let program = supervisor.spawn(Command::new(std::env::current_exe()?).arg("clients"), theirs)?;
        let first = Channel::from(first);
        for _ in 0..CLIENTS_OF_EACH / AT_ONCE {
            let mut handles: Vec<NullableHandle> = Vec::new();
            for _ in 0..AT_ONCE {
                let (ours, theirs) = jacinth::Channel::try_create()?;
                clients.spawn(serve_one(ours.into(), stopped.clone(), answered.clone()));
                handles.push(theirs.into());
            }
            first.send(b"channels", &mut handles).await?;
        }
        programs.push((first, program));
    }
    for (first, _) in &programs {
        let done = first.recv().await?;
        println!("a program says: {}", String::from_utf8_lossy(done.bytes()));
    }
    if !is_ended_by_user {
        let own = rustix::process::getpid();
        tokio::spawn(async move { rustix::process::kill_process(own, rustix::process::Signal::INT) });
    }
    interrupts.recv().await;
    stop.send(true)?;
    let mut gone = 0;
    while let Some(client) = clients.join_next().await {
        client??;
        gone += 1;
    }
    println!("Ctrl-C: {gone} clients were let go; {} calls were answered", answered.load(Ordering::Relaxed));
    for (first, mut program) in programs {
        drop(first);
        assert!(tokio::task::spawn_blocking(move || program.wait()).await??.success());
    }
    supervisor.collect()?;
    assert!(supervisor.audit().is_clean());
    Ok(())
}

/// Answers a client until it is gone, or until the service stops.
async fn serve_one(
    channel: Channel,
    mut stopped: watch::Receiver<bool>,
    answered: Arc<AtomicU32>,
) -> Result<(), Status> {
    loop {
        // A future that is dropped by `select!` has taken no message.
        let request = tokio::select! {
            biased;
            request = channel.recv() => request,
            _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
        };
        match request {
            Ok(request) => channel.send(request.bytes(), &mut []).await?,
            Err(Status::PEER_CLOSED) => return Ok(()),
            Err(status) => return Err(status),
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

async fn run_clients() -> Result<(), Box<dyn Error>> {
    let first = Channel::from(jacinth::Channel::from(take_startup_handle()?));
    tokio::spawn(runtime::tokio::drive(Driver::install()?));
    let mut clients = JoinSet::new();
    while clients.len() < CLIENTS_OF_EACH {
        for handle in first.recv().await?.take_handles() {
            clients.spawn(ask(Channel::from(jacinth::Channel::from(handle))));
        }
    }
    let mut services = Vec::new();
    while let Some(client) = clients.join_next().await {
        services.push(client??);
    }
    first.send(format!("{} clients have made their calls", services.len()).as_bytes(), &mut []).await?;
    for service in services {
        // Closed by the service, in good order.
        assert_eq!(service.recv().await.err(), Some(Status::PEER_CLOSED));
    }
    Ok(())
}

async fn ask(service: Channel) -> Result<Channel, Status> {
    for number in 0..CALLS {
        let question = [[0; 4], number.to_le_bytes()].concat(); // The first four bytes are the call's id.
        let reply = service.call(&question, &mut []).await?;
        assert_eq!(reply.bytes()[4..], question[4..]);
    }
    Ok(service)
}
