//! The reactor on several runtimes, with clients in other processes: 1,000 channels, deaths, forks, drivers that end.

#[path = "../../jacinth/tests/support/mod.rs"]
mod support;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jacinth::{Event, NullableHandle, Signals, Status, Supervisor, library_threads};
use jacinth_async::{Channel, Driver, OnSignals, Timer, runtime};
use std::future::Future;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const PROGRAMS: usize = 2;
const CLIENTS_OF_EACH: usize = 500;
const CALLS: u32 = 5;

#[test]
fn child_main() {
    play(&[("many clients", many_clients), ("answers nothing", answers_nothing)]);
}

fn has_thread() -> bool {
    let names = library_threads::threads();
    let mut names = names.iter().flat_map(|id| std::fs::read_to_string(format!("/proc/self/task/{id}/comm")));
    names.any(|name| name.trim() == "jacinth-async")
}

/// Takes the channels that it is sent, and calls on each of them.
fn many_clients() {
    let first = Channel::from(startup_channel());
    futures::executor::block_on(async {
        let mut clients = FuturesUnordered::new();
        while clients.len() < CLIENTS_OF_EACH {
            for handle in first.recv().await.unwrap().take_handles() {
                clients.push(async move {
                    let service = Channel::from(jacinth::Channel::from(handle));
                    for number in 0..CALLS {
                        let question = [[0; 4], number.to_le_bytes()].concat();
                        let reply = service.call(&question, &mut []).await.unwrap();
                        assert_eq!(reply.bytes()[4..], question[4..]);
                    }
                });
            }
        }
        while clients.next().await.is_some() {}
    });
}

/// Starts the programs, and gives a channel for each of their clients.
async fn start(supervisor: &Supervisor) -> (Vec<Channel>, Vec<Child>) {
    let (mut services, mut programs) = (Vec::new(), Vec::new());
    for _ in 0..PROGRAMS {
        let (first, program) = spawn(supervisor, "many clients");
        let first = Channel::from(first);
        for _ in 0..CLIENTS_OF_EACH / 50 {
            let (ours, theirs): (Vec<_>, Vec<_>) = (0..50).map(|_| jacinth::Channel::create()).unzip();
            services.extend(ours.into_iter().map(Channel::from));
            let mut handles: Vec<NullableHandle> = theirs.into_iter().map(Into::into).collect();
            first.send(b"", &mut handles).await.unwrap();
        }
        programs.push(program);
    }
    (services, programs)
}

/// Answers a client until it is gone. How many answers it gave.
async fn serve(service: Channel) -> u32 {
    let mut answered = 0;
    loop {
        match service.recv().await {
            Ok(request) => service.send(request.bytes(), &mut []).await.unwrap(),
            Err(status) => {
                assert_eq!(status, Status::PEER_CLOSED);
                return answered;
            }
        }
        answered += 1;
    }
}

/// Serves all clients, each by a task that `spawn` starts.
async fn serve_all<T: Future<Output = u32>>(supervisor: &Supervisor, spawn: impl Fn(Channel) -> T) {
    let (services, programs) = start(supervisor).await;
    let tasks: FuturesUnordered<_> = services.into_iter().map(spawn).collect();
    let answered: Vec<u32> = tasks.collect().await;
    assert_eq!(answered, vec![CALLS; PROGRAMS * CLIENTS_OF_EACH]);
    programs.into_iter().for_each(join);
}

#[test]
fn plain_block_on_serves_a_thousand() {
    in_arena(|supervisor| {
        futures::executor::block_on(serve_all(supervisor, serve));
        assert!(has_thread());
    });
}

async fn spawned_on_tokio(service: Channel) -> u32 {
    tokio::spawn(serve(service)).await.unwrap()
}

#[test]
fn tokio_on_one_thread_serves_thousand() {
    in_arena(|supervisor| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async {
            tokio::spawn(runtime::tokio::drive(Driver::install().unwrap()));
            serve_all(supervisor, spawned_on_tokio).await;
        });
        assert!(!has_thread());
    });
}

#[test]
fn tokio_on_threads_serves_a_thousand() {
    in_arena(|supervisor| {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_io().build().unwrap();
        runtime.block_on(async {
            tokio::spawn(runtime::tokio::drive(Driver::install().unwrap()));
            serve_all(supervisor, spawned_on_tokio).await;
        });
        assert!(!has_thread());
    });
}

#[test]
fn async_io_serves_a_thousand() {
    in_arena(|supervisor| {
        let driver = runtime::async_io::drive(Driver::install().unwrap());
        async_io::block_on(async {
            futures::future::select(Box::pin(driver), Box::pin(serve_all(supervisor, serve))).await;
        });
        assert!(!has_thread());
    });
}

/// Runs a service of a socket that another thread echoes, beside a spin that does not end. No packet comes.
fn spins_beside_an_echo(run: impl FnOnce(UnixStream)) {
    jacinth::set_spin(jacinth::MonotonicDuration::from_seconds(3600));
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut byte = [0];
            while theirs.read_exact(&mut byte).is_ok() {
                theirs.write_all(&byte).unwrap();
            }
        });
        run(ours);
    });
}

async fn echoed_on_tokio(socket: UnixStream) {
    let mut socket = tokio::net::UnixStream::from_std(socket).unwrap();
    for byte in 0..100 {
        socket.write_all(&[byte]).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), byte);
    }
}

fn echoes_on_tokio(mut builder: tokio::runtime::Builder) {
    spins_beside_an_echo(|socket| {
        let runtime = builder.worker_threads(2).enable_io().build().unwrap();
        runtime.block_on(async {
            tokio::spawn(runtime::tokio::drive(Driver::install().unwrap()));
            // By the future of `block_on`, and by a task.
            let copy = socket.try_clone().unwrap();
            echoed_on_tokio(socket).await;
            tokio::spawn(echoed_on_tokio(copy)).await.unwrap();
        });
    });
}

#[test]
fn tokio_on_one_thread_serves_sockets() {
    in_arena(|_| echoes_on_tokio(tokio::runtime::Builder::new_current_thread()));
}

#[test]
fn tokio_on_threads_serves_sockets() {
    in_arena(|_| echoes_on_tokio(tokio::runtime::Builder::new_multi_thread()));
}

#[test]
fn async_io_serves_sockets() {
    in_arena(|_| spins_beside_an_echo(echoes_on_async_io));
}

fn echoes_on_async_io(socket: UnixStream) {
    let driver = runtime::async_io::drive(Driver::install().unwrap());
    let socket = async_io::Async::new(socket).unwrap();
    let echoed = async {
        for byte in 0..100 {
            let mut echo = [0];
            socket.write_with(|mut socket| socket.write(&[byte])).await.unwrap();
            socket.read_with(|mut socket| socket.read(&mut echo)).await.unwrap();
            assert_eq!(echo, [byte]);
        }
    };
    async_io::block_on(async {
        futures::future::select(Box::pin(driver), Box::pin(echoed)).await;
    });
}

/// Says that it is there, and answers nothing.
fn answers_nothing() {
    let channel = startup_channel();
    tell(&channel, "here");
    wait_for_peer_closed(&channel);
}

#[test]
fn a_killed_server_ends_its_calls() {
    in_arena(|supervisor| {
        let (channel, child) = spawn(supervisor, "answers nothing");
        let channel = Channel::from(channel);
        futures::executor::block_on(async {
            channel.recv().await.unwrap();
            let mut call = channel.call(b"\0\0\0\0?", &mut []);
            assert!(futures::poll!(&mut call).is_pending());
            kill(supervisor, child);
            assert_eq!(call.await.err(), Some(Status::PEER_CLOSED));
        });
    });
}

#[test]
fn a_killed_task_process_leaves_nothing() {
    in_arena(|supervisor| {
        let before = objects(supervisor);
        let (first, program) = spawn(supervisor, "many clients");
        let (ours, theirs): (Vec<_>, Vec<_>) =
            (0..CLIENTS_OF_EACH).map(|_| jacinth::Channel::create()).unzip();
        let mut handles: Vec<NullableHandle> = theirs.into_iter().map(Into::into).collect();
        handles.chunks_mut(50).for_each(|handles| first.write(b"", handles).unwrap());
        // Its calls wait for us.
        ours.iter().for_each(|channel| drop(next(channel)));
        kill(supervisor, program);
        ours.iter().for_each(wait_for_peer_closed);
        drop((first, ours));
        supervisor.collect().unwrap();
        assert_eq!(objects(supervisor), before);
    });
}

#[test]
fn a_dropped_driver_leaves_a_thread() {
    in_arena(|_| {
        let driver = Driver::install().unwrap();
        assert_eq!(Driver::install().err(), Some(Status::ALREADY_EXISTS));
        let event = Event::create();
        let mut waiting = OnSignals::new(&event, Signals::USER_0);
        let mut timer = Timer::new(Duration::from_millis(20));
        futures::executor::block_on(async {
            assert!(futures::poll!(&mut waiting).is_pending());
            assert!(futures::poll!(&mut timer).is_pending());
            assert!(!has_thread());
            drop(driver);
            event.signal(Signals::NONE, Signals::USER_0).unwrap();
            assert_eq!(waiting.await, Ok(Signals::USER_0));
            timer.await.unwrap();
        });
        assert!(has_thread());
        assert_eq!(Driver::install().err(), Some(Status::ALREADY_EXISTS));
    });
}

#[test]
#[expect(unsafe_code, reason = "fork is the thing that is tested")]
fn a_forked_child_gets_bad_state() {
    in_arena(|_| {
        let (ours, theirs) = jacinth::Channel::create();
        let (ours, theirs) = (Channel::from(ours), Channel::from(theirs));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut waiting = Some(ours.recv());
        let mut poll = |waiting: &mut Option<jacinth_async::channel::Recv<'_>>| {
            std::pin::Pin::new(waiting.as_mut().unwrap()).poll(&mut context)
        };
        assert!(poll(&mut waiting).is_pending());
        // SAFETY: the child waits for no other thread, and exits at once.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let is_refused = matches!(poll(&mut waiting), std::task::Poll::Ready(Err(Status::BAD_STATE)));
            // Dropped in the child only.
            waiting = None;
            let timer = futures::executor::block_on(Timer::new(Duration::from_secs(1)));
            let is_good = is_refused && waiting.is_none() && timer == Err(Status::BAD_STATE);
            // SAFETY: ends the child.
            unsafe { libc::_exit(i32::from(!is_good)) }
        }
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        let (_, status) =
            rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty()).unwrap().unwrap();
        assert_eq!(status.exit_status(), Some(0));
        futures::executor::block_on(theirs.send(b"for the parent", &mut [])).unwrap();
        assert_eq!(futures::executor::block_on(waiting.unwrap()).unwrap().bytes(), b"for the parent");
    });
}
