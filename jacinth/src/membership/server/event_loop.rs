//! The supervisor's loop: wait until something is ready, handle it, and do a slice of the work that is left.

use crate::membership::failure_detector::watched_process::Watched;
use crate::membership::poll::wait_for;
use crate::membership::server::accept::{Socket, accept_waiting};
use crate::membership::server::deaths;
use crate::membership::server::recovery::{RETRY_INTERVAL, SLICE};
use crate::membership::server::requests::serve;
use crate::membership::server::spawned;
use crate::membership::server::spawned::obstacle::Looks;
use crate::membership::server::state::Server;
use crate::membership::socket::rendezvous;
use rustix::event::{PollFd, PollFlags};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A ready descriptor, by its place in the poll list.
enum Ready {
    /// A process wants to join.
    Listener,
    /// The socket's file was removed, or its folder.
    ListenerNews,
    /// An attached process wants a connection.
    Rendezvous,
    Connection(usize),
    Pidfd(usize),
    /// A robust futex has reported a death.
    DeathNotice,
}

/// Serves for as long as the process lives. The calling thread holds its process's robust futex.
pub(crate) fn run(mut server: Server) -> ! {
    loop {
        // An arena without a supervisor is worse than one with a supervisor that has failed at something.
        match catch_unwind(AssertUnwindSafe(|| run_once(&mut server))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the supervisor cannot wait");
                std::thread::sleep(RETRY_INTERVAL);
            }
            Err(_) => {
                tracing::error!("the supervisor has panicked, and goes on");
                // The panic may have cut a recovery short. The arena says how far it came.
                server.recovery.restart();
            }
        }
    }
}

fn run_once(server: &mut Server) -> io::Result<()> {
    check_descriptors(server);
    deaths::watch_robust_futexes(server);
    let ready = wait(server)?;
    let is_idle = ready.is_empty() && server.recovery.is_complete();
    // In each turn, also without a notice: a suspect is looked at again after some time.
    deaths::check_suspects(server);
    handle(server, ready);
    deaths::recheck(server);
    spawned::poll_obstacles(server);
    server.recovery.run_for(&server.thread, SLICE);
    server.listener.check_if_due();
    // `ready` names the members by index, so none is removed before this line.
    server.members.retain(|member| member.connection.is_some() || member.slot.is_some());
    // The periodic work walks over the arena. So it waits for a turn without news, and ends early for a death.
    if is_idle {
        let (members, watch) = (&server.members, &server.death_watch);
        let mut go_on = || !deaths::has_news(members, watch.as_ref());
        server.recovery.run_periodic(&server.thread, &mut go_on);
    }
    Ok(())
}

/// Waits until something is ready. While a recovery is under way, it only looks.
fn wait(server: &Server) -> io::Result<Vec<Ready>> {
    let (mut fds, mut what) = (Vec::new(), Vec::new());
    let sockets = [
        (server.listener.socket(), Ready::Listener),
        (server.listener.news(), Ready::ListenerNews),
        (server.rendezvous.as_ref(), Ready::Rendezvous),
    ];
    for (socket, ready) in sockets {
        if let Some(socket) = socket {
            fds.push(PollFd::from_borrowed_fd(socket.number(), PollFlags::IN));
            what.push(ready);
        }
    }
    if let Some(watch) = &server.death_watch {
        fds.push(PollFd::from_borrowed_fd(watch.notices(), PollFlags::IN));
        what.push(Ready::DeathNotice);
    }
    for (index, member) in server.members.iter().enumerate() {
        if let Some(connection) = &member.connection {
            fds.push(PollFd::from_borrowed_fd(connection.number(), PollFlags::IN));
            what.push(Ready::Connection(index));
        }
        if let Some(watched) = &member.watched {
            fds.push(PollFd::from_borrowed_fd(watched.pidfd(), PollFlags::IN));
            what.push(Ready::Pidfd(index));
        }
    }
    wait_for(&mut fds, Some(timeout(server)))?;
    let is_ready = fds.iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<_>>();
    let ready = what.into_iter().zip(is_ready).filter_map(|(what, is_ready)| is_ready.then_some(what));
    Ok(ready.collect())
}

/// How long the supervisor may sleep.
fn timeout(server: &Server) -> Duration {
    let is_out_of_touch = server.members.iter().any(|member| deaths::is_out_of_touch(&server.arena, member));
    let times = [
        server.recovery.retry_at(),
        is_out_of_touch.then_some(server.recheck_at),
        Some(server.check_descriptors_at),
    ];
    let times = times.into_iter().flatten().map(|at| at.saturating_duration_since(Instant::now()));
    let suspicions = server.members.iter().filter_map(|member| member.suspicion.timeout());
    let spawned = server.members.iter().filter_map(|member| member.looks.as_ref()).map(Looks::timeout);
    let timeouts = suspicions.chain(times).chain(spawned).chain(server.listener.timeout());
    timeouts.fold(server.recovery.timeout(), Duration::min)
}

/// Handles the ready descriptors. All deaths come first, because other processes wait for that news.
fn handle(server: &mut Server, ready: Vec<Ready>) {
    let death = |ready: &Ready| if let Ready::Pidfd(index) = ready { Some(*index) } else { None };
    // Sorted, as `check_pidfds` needs them: the poll list has the order of the members.
    let deaths: Vec<usize> = ready.iter().filter_map(death).collect();
    if !deaths.is_empty() {
        deaths::check_pidfds(server, Some(&deaths));
    }
    for ready in ready {
        match ready {
            Ready::Listener => accept_waiting(server, Socket::Listener),
            Ready::Rendezvous => accept_waiting(server, Socket::Rendezvous),
            Ready::ListenerNews => server.listener.on_news(),
            Ready::Connection(index) => serve(server, index),
            // Handled above, and by `check_suspects`.
            Ready::Pidfd(_) | Ready::DeathNotice => {}
        }
    }
}

/// Gives up the descriptors that the program has closed by mistake. The processes at the other ends of connections come
/// back, and everything else is made again. Without this, a poll that sleeps on such a number, which another file may
/// have by now, would never report the library's own events.
fn check_descriptors(server: &mut Server) {
    if server.check_descriptors_at > Instant::now() {
        return;
    }
    server.check_descriptors_at = Instant::now() + RETRY_INTERVAL;
    server.listener.check_descriptors();
    if server.rendezvous.as_ref().is_none_or(|socket| !socket.is_intact()) {
        // If this fails, the next check tries again.
        let socket = rendezvous::prepare();
        server.rendezvous = socket.ok().and_then(|socket| rendezvous::listen(socket, &server.arena));
    }
    if server.death_watch.as_ref().is_some_and(|watch| !watch.is_intact()) {
        server.death_watch = None;
    }
    for index in 0..server.members.len() {
        if server.members[index].connection.as_ref().is_some_and(|connection| !connection.is_intact()) {
            deaths::on_hang_up(server, index);
        }
        let lost = |watched: &&mut Watched| !watched.is_intact();
        if let Some(watched) = server.members[index].watched.as_mut().filter(lost) {
            // This opens a new pidfd if the process lives. If it is dead, that pidfd reports it.
            let _ = watched.is_dead();
        }
    }
}
