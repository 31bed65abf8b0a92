//! Sockets as byte streams on several runtimes, which talk to each other: tokio in one process, async-io in another.

#[path = "../../jacinth/tests/support/mod.rs"]
mod support;

use jacinth::Supervisor;
use jacinth_async::{Driver, Socket, runtime};
use std::future::Future;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

#[test]
fn child_main() {
    play(&[(ECHO, echoes_on_async_io)]);
}

const ECHO: &str = "echoes on async-io";
/// A multiple of what a socket holds.
const MUCH: usize = 4 << 20;

fn echoes_on_async_io() {
    let socket = Socket::from(jacinth::Socket::from(jacinth::take_startup_handle().unwrap()));
    let driver = runtime::async_io::drive(Driver::install().unwrap());
    let echo = async {
        let mut writer = socket.io();
        futures::io::copy(socket.io(), &mut writer).await.unwrap();
        futures::AsyncWriteExt::close(&mut writer).await.unwrap();
    };
    async_io::block_on(futures::future::select(Box::pin(driver), Box::pin(echo)));
}

/// Runs `body` with a socket to a process that echoes.
fn beside_an_echo(supervisor: &Supervisor, runtime: tokio::runtime::Runtime, body: impl AsyncFnOnce(Socket)) {
    let (ours, theirs) = jacinth::Socket::create_stream();
    let child = supervisor.spawn(&mut role(ECHO), theirs).unwrap();
    runtime.block_on(async {
        tokio::spawn(runtime::tokio::drive(Driver::install().unwrap()));
        body(ours.into()).await;
    });
    join(child);
}

fn on_one_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn on_threads() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A file's worth of bytes goes there and back, by two tasks that have a half of the socket each.
async fn copies(socket: Socket) {
    let (mut reader, mut writer) = tokio::io::split(socket);
    let sender = tokio::spawn(async move {
        let copied = tokio::io::copy(&mut &bytes_of(MUCH, 3)[..], &mut writer).await.unwrap();
        assert_eq!(copied, MUCH as u64);
        writer.shutdown().await.unwrap();
    });
    let mut received = Vec::new();
    reader.read_to_end(&mut received).await.unwrap();
    sender.await.unwrap();
    assert!(received == bytes_of(MUCH, 3));
}

#[test]
fn tokio_on_one_thread_copies_bytes() {
    in_arena(|supervisor| beside_an_echo(supervisor, on_one_thread(), copies));
}

#[test]
fn tokio_on_threads_copies_bytes() {
    in_arena(|supervisor| beside_an_echo(supervisor, on_threads(), copies));
}

#[test]
fn tokio_reads_lines_beside_writes() {
    in_arena(|supervisor| {
        beside_an_echo(supervisor, on_threads(), async |socket: Socket| {
            let (mut lines, mut writer) =
                (tokio::io::AsyncBufReadExt::lines(BufReader::new(socket.io())), socket.io());
            for number in 0..500 {
                writer.write_all(format!("line {number}\n").as_bytes()).await.unwrap();
                assert_eq!(lines.next_line().await.unwrap().unwrap(), format!("line {number}"));
            }
            writer.shutdown().await.unwrap();
            assert_eq!(lines.next_line().await.unwrap(), None);
        });
    });
}

/// A task that is dropped while it waits, as by a timeout, takes nothing.
#[test]
fn a_timeout_of_tokio_takes_nothing() {
    in_arena(|supervisor| {
        beside_an_echo(supervisor, on_one_thread(), async |mut socket: Socket| {
            let mut bytes = [0; 5];
            for _ in 0..20 {
                let late = tokio::time::timeout(std::time::Duration::from_millis(1), socket.read(&mut bytes));
                assert!(late.await.is_err());
                socket.write_all(b"bytes").await.unwrap();
                socket.read_exact(&mut bytes).await.unwrap();
                assert_eq!(&bytes, b"bytes");
            }
            socket.shutdown().await.unwrap();
            assert_eq!(socket.read(&mut bytes).await.unwrap(), 0);
            assert!(socket.send(b"more").await.is_err());
        });
    });
}

/// Both ends in one runtime, and each in a task of another kind of executor.
#[test]
fn a_plain_executor_talks_to_tokio() {
    in_arena(|_| {
        let (ours, theirs) = jacinth::Socket::create_stream();
        let (mut ours, theirs) = (Socket::from(ours), Socket::from(theirs));
        let plain = std::thread::spawn(move || {
            let echo = async {
                let mut writer = theirs.io();
                futures::io::copy(theirs.io(), &mut writer).await
            };
            block_on(echo).unwrap()
        });
        on_one_thread().block_on(async {
            let mut bytes = [0; 3];
            for _ in 0..200 {
                ours.write_all(b"abc").await.unwrap();
                ours.read_exact(&mut bytes).await.unwrap();
            }
            ours.shutdown().await.unwrap();
        });
        assert_eq!(plain.join().unwrap(), 600);
    });
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}
