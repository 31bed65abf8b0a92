//! A service: one process serves many clients, which are processes of their own, from one place to wait: a port. Clients
//! end as they like, and some are killed.

use jacinth::*;
use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Child, Command};

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;
const CLIENTS: u64 = 16;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        None => serve(),
        Some(number) => ask(number.parse()?),
    }
}

/// The end of a client's channel, and its process.
struct Client {
    channel: Channel,
    process: Child,
    answered: u32,
}

fn serve() -> Result<(), Box<dyn Error>> {
    let supervisor = Supervisor::create(&Config::default())?;
    let port = Port::create();
    let mut clients = BTreeMap::new();
    for key in 0..CLIENTS {
        let (channel, theirs) = Channel::create();
        let mut program = Command::new(std::env::current_exe()?);
        let process = supervisor.spawn(program.arg(key.to_string()), theirs)?;
        watch(&channel, &port, key)?;
        clients.insert(key, Client { channel, process, answered: 0 });
    }

    let mut answered = 0;
    while !clients.is_empty() {
        let key = port.wait(FOREVER)?.key(); // The key says whose packet it is.
        let client = clients.get_mut(&key).ok_or("a packet of no client")?;
        if answer_all(client)? {
            watch(&client.channel, &port, key)?;
        } else if let Some(mut gone) = clients.remove(&key) {
            gone.process.wait()?;
            answered += gone.answered;
        }
    }
    println!("{CLIENTS} clients are gone; {answered} requests were answered");

    supervisor.collect()?;
    assert!(supervisor.audit().is_clean());
    Ok(())
}

/// The next message, or the end, of this channel sends one packet. A channel that is readable already sends it at once.
fn watch(channel: &Channel, port: &Port, key: u64) -> Result<(), Status> {
    let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
    channel.wait_async(port, key, signals, WaitAsyncOpts::ONCE)
}

/// Answers the requests that are there. `false`: the client has ended.
fn answer_all(client: &mut Client) -> Result<bool, Box<dyn Error>> {
    let mut request = MessageBuf::new();
    loop {
        match client.channel.read(&mut request) {
            Ok(()) => {}
            Err(Status::SHOULD_WAIT) => return Ok(true),
            Err(Status::PEER_CLOSED) => return Ok(false),
            Err(status) => return Err(status.into()),
        }
        client.answered += 1;
        if request.bytes().ends_with(b"kill me") {
            client.process.kill()?;
            continue;
        }
        match client.channel.write(request.bytes(), &mut []) {
            Ok(()) | Err(Status::PEER_CLOSED) => {}
            Err(status) => return Err(status.into()),
        }
    }
}

/// A client: calls, and a good end for three of four.
fn ask(number: u64) -> Result<(), Box<dyn Error>> {
    let channel = Channel::from(take_startup_handle()?);
    let mut reply = MessageBuf::new();
    for _ in 0..100 {
        channel.call(FOREVER, b"\0\0\0\0a question", &mut [], &mut reply)?; // The first four bytes are the call's id.
        assert_eq!(&reply.bytes()[4..], b"a question");
    }
    if number % 4 == 3 {
        channel.call(FOREVER, b"\0\0\0\0kill me", &mut [], &mut reply)?; // This is not answered.
    }
    Ok(())
}
