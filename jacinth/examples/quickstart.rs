//! The whole of jacinth in one program, with real processes: handles that travel, rights that refuse, a worker that
//! is killed in the middle of its work, and what it costs.
//!
//! `cargo run --release --example quickstart`

use jacinth::*;
use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;
/// How long each measurement runs.
const MEASURE: Duration = Duration::from_millis(400);

fn main() -> Outcome {
    match std::env::args().nth(1).as_deref() {
        None => parent(),
        Some("worker") => worker(),
        Some("echo-channel") => echo_channel(),
        Some("echo-socket") => echo_socket(),
        Some(other) => Err(format!("unknown role {other:?}: run without arguments").into()),
    }
}

/// This program again, in another role.
fn role(name: &str) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(name);
    Ok(command)
}

fn parent() -> Outcome {
    let supervisor = Supervisor::create(&Config::default())?;
    println!("An arena, and three workers in it:");
    let mut workers = Vec::new();
    for name in ["garnet", "topaz", "zircon"] {
        let (ours, theirs) = Channel::create();
        let child = supervisor.spawn(&mut role("worker")?, theirs)?;
        println!("  {name}: process {}", child.id());
        workers.push((name, ours, child));
    }

    println!("\nWork, with an event handle of reduced rights in each message:");
    let done = Event::create();
    for (name, channel, _) in &workers {
        let signal_only = done.duplicate(Rights::SIGNAL | Rights::TRANSFER)?;
        channel.write(format!("work {name}").as_bytes(), &mut [signal_only.into()])?;
        done.wait_one(Signals::EVENT_SIGNALED, FOREVER).to_result()?;
        done.signal(Signals::EVENT_SIGNALED, Signals::NONE)?;
        println!("  {}", reply(channel)?.0);
    }

    println!("\nA handle that goes through two processes and comes back:");
    let traveller = Event::create();
    let koid = traveller.koid()?;
    let (_, first, _) = &workers[0];
    let (_, second, _) = &workers[1];
    first.write(b"pass on", &mut [traveller.into()])?;
    let (text, mut handle) = reply(first)?;
    println!("  garnet: {text}");
    second.write(b"pass on", handle.as_mut_slice())?;
    let (text, handle) = reply(second)?;
    println!("  topaz: {text}");
    let traveller: Event = handle.ok_or("the handle did not come back")?.into();
    println!("  the same object: {}", traveller.koid()? == koid);

    println!("\nzircon is killed in the middle of its work:");
    let (_, channel, mut child) = workers.pop().ok_or("three workers")?;
    channel.write(b"hold these", &mut [Event::create().into(), EventPair::create().0.into()])?;
    channel.write(b"never read", &mut [Event::create().into()])?;
    println!("  {}", reply(&channel)?.0);
    let killed = Instant::now();
    child.kill()?;
    let seen = channel.wait_one(Signals::CHANNEL_PEER_CLOSED, FOREVER).to_result()?;
    println!("  {seen:?} after {} µs", killed.elapsed().as_micros());
    child.wait()?;
    drop(channel);
    println!("  the supervisor: {}", supervisor.collect()?);
    println!("  audit: {}", supervisor.audit());

    for (_, channel, mut child) in workers {
        drop(channel);
        child.wait()?;
    }
    println!("\nMeasured between two processes, {} ms each:", MEASURE.as_millis());
    measure(&supervisor)?;
    println!("\n(`cargo run --release -p jacinth-bench --bin compare` measures with care.)");
    Ok(())
}

/// The next message on `channel`, and its handle if it has one.
fn reply(channel: &Channel) -> Outcome<(String, Option<NullableHandle>)> {
    channel.wait_one(Signals::CHANNEL_READABLE, FOREVER).to_result()?;
    let mut message = MessageBuf::new();
    channel.read(&mut message)?;
    Ok((String::from_utf8_lossy(message.bytes()).into_owned(), message.take_handle(0)))
}

fn worker() -> Outcome {
    let channel = Channel::from(take_startup_handle()?);
    let mut message = MessageBuf::new();
    let mut held = Vec::new();
    loop {
        let seen = channel
            .wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER)
            .to_result()?;
        if !seen.contains(Signals::CHANNEL_READABLE) {
            return Ok(()); // The parent has closed its end.
        }
        channel.read(&mut message)?;
        let text = String::from_utf8_lossy(message.bytes()).into_owned();
        match text.as_str() {
            "pass on" => {
                let handle = message.take_handle(0).ok_or("nothing to pass on")?;
                channel.write(b"passed it on", &mut [handle])?;
            }
            "hold these" => {
                held.extend((0..message.n_handles()).filter_map(|index| message.take_handle(index)));
                channel.write(format!("holds {} handles", held.len()).as_bytes(), &mut [])?;
                std::thread::sleep(Duration::from_secs(60)); // Long enough to be killed.
            }
            work => {
                let event = Event::from(message.take_handle(0).ok_or("no event")?);
                let refused = event.wait_one(Signals::EVENT_SIGNALED, FOREVER).to_result();
                event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
                let words = format!("{work}: done; waiting on the event was refused: {refused:?}");
                channel.write(words.as_bytes(), &mut [])?;
            }
        }
    }
}

fn measure(supervisor: &Supervisor) -> Outcome {
    let (channel, theirs) = Channel::create();
    let mut child = supervisor.spawn(&mut role("echo-channel")?, theirs)?;
    let mut message = MessageBuf::new();
    let channel_ns = round_trip_ns(|bytes| {
        channel.write(bytes, &mut [])?;
        next_message(&channel, &mut message)
    })?;
    // From here on the child only reads.
    channel.write(b"rate", &mut [])?;
    let channel_rate = rate(|bytes| {
        loop {
            match channel.write(bytes, &mut []) {
                Err(Status::SHOULD_WAIT) => {
                    channel.wait_one(Signals::CHANNEL_WRITABLE, FOREVER).map(drop)?;
                }
                written => break Ok(written?),
            }
        }
    })?;
    drop(channel);
    child.wait()?;

    let (mut socket, theirs) = UnixStream::pair()?;
    let mut child = spawn_with_stdin(role("echo-socket")?, theirs)?;
    let mut back = [0; 64];
    let socket_ns = round_trip_ns(|bytes| {
        socket.write_all(bytes)?;
        Ok(socket.read_exact(&mut back)?)
    })?;
    socket.write_all(&[b'r'; 64])?;
    let socket_rate = rate(|bytes| Ok(socket.write_all(bytes)?))?;
    drop(socket);
    child.wait()?;

    println!("  {:<24}{:>16}{:>18}{:>9}", "64-byte messages", "jacinth channel", "Unix socket", "ratio");
    println!(
        "  {:<24}{channel_ns:>13.0} ns{socket_ns:>15.0} ns{:>8.1}×",
        "round trip",
        socket_ns / channel_ns
    );
    let (fast, slow) = (channel_rate / 1e6, socket_rate / 1e6);
    println!("  {:<24}{fast:>12.2} M/s{slow:>14.2} M/s{:>8.1}×", "messages per second", fast / slow);
    Ok(())
}

/// Nanoseconds for each run of `there_and_back`.
fn round_trip_ns(mut there_and_back: impl FnMut(&[u8]) -> Outcome) -> Outcome<f64> {
    let bytes = [7; 64];
    for _ in 0..1000 {
        there_and_back(&bytes)?;
    }
    let (start, mut rounds) = (Instant::now(), 0u32);
    while start.elapsed() < MEASURE {
        for _ in 0..100 {
            there_and_back(&bytes)?;
        }
        rounds += 100;
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(rounds))
}

/// Runs of `send` per second.
fn rate(mut send: impl FnMut(&[u8]) -> Outcome) -> Outcome<f64> {
    let bytes = [7; 64];
    let (start, mut sent) = (Instant::now(), 0u32);
    while start.elapsed() < MEASURE {
        for _ in 0..1000 {
            send(&bytes)?;
        }
        sent += 1000;
    }
    Ok(f64::from(sent) / start.elapsed().as_secs_f64())
}

/// Reads the next message: looks again for a moment, then waits, which spins a little longer and then sleeps.
fn next_message(channel: &Channel, message: &mut MessageBuf) -> Outcome {
    for _ in 0..100 {
        match channel.read(message) {
            Err(Status::SHOULD_WAIT) => std::hint::spin_loop(),
            read => return Ok(read?),
        }
    }
    channel.wait_one(Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED, FOREVER).to_result()?;
    Ok(channel.read(message)?)
}

fn echo_channel() -> Outcome {
    let channel = Channel::from(take_startup_handle()?);
    let mut message = MessageBuf::new();
    let mut echo = true;
    while next_message(&channel, &mut message).is_ok() {
        echo &= message.bytes() != b"rate";
        if echo {
            channel.write(message.bytes(), &mut [])?;
        }
    }
    Ok(())
}

fn spawn_with_stdin(mut command: Command, socket: UnixStream) -> Outcome<Child> {
    Ok(command.stdin(std::os::fd::OwnedFd::from(socket)).spawn()?)
}

fn echo_socket() -> Outcome {
    let mut socket = UnixStream::from(std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()?);
    let mut bytes = [0; 64];
    let mut echo = true;
    while socket.read_exact(&mut bytes).is_ok() {
        echo &= bytes[0] != b'r';
        if echo {
            socket.write_all(&bytes)?;
        }
    }
    Ok(())
}
