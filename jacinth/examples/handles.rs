//! The handles of a process, by type: its own, and those of a client, which leaks a handle for each request.

use jacinth::*;
use std::error::Error;
use std::process::Command;

const REQUESTS: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        None => server(),
        Some(_) => client(),
    }
}

fn server() -> Result<(), Box<dyn Error>> {
    let supervisor = Supervisor::create(&Config::default())?;
    let (ours, theirs) = Channel::create();
    let mut program = Command::new(std::env::current_exe()?);
    let mut child = supervisor.spawn(program.arg("client"), theirs)?;
    let (_timer, _pair) = (Timer::create(), EventPair::create());
    let server: Unowned<'_, Process> = process_self()?.cast();
    show("the server", &server)?;

    // The client's first message has a handle to its process.
    let client = Process::from(receive(&ours)?.take_handle(0).ok_or("the message has no handle")?);
    show("the client at its start", &client)?;
    for _ in 0..REQUESTS {
        ours.write(b"here is an event", &mut [Event::create().into()])?;
        receive(&ours)?;
    }
    show("the client after its requests", &client)?;
    assert_eq!(client.handle_stats()?.of(ObjectType::EVENT), REQUESTS);

    drop(ours);
    assert!(child.wait()?.success());
    Ok(())
}

fn client() -> Result<(), Box<dyn Error>> {
    let server = Channel::from(take_startup_handle()?);
    let own = process_self()?.duplicate(Rights::SAME_RIGHTS)?;
    server.write(b"", &mut [own])?;
    let mut leaked = Vec::new();
    while let Ok(mut request) = receive(&server) {
        leaked.extend(request.take_handle(0)); // It should be dropped here.
        server.write(b"done", &mut [])?;
    }
    Ok(())
}

/// Prints a line for each type.
fn show(whose: &str, process: &Process) -> Result<(), Status> {
    let stats = process.handle_stats()?;
    println!("{whose}: {} handles", stats.total());
    for (object_type, handles) in stats.iter() {
        println!("{handles:6} {object_type}");
    }
    Ok(())
}

fn receive(channel: &Channel) -> Result<MessageBuf, Status> {
    let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
    channel.wait_one(signals, MonotonicInstant::INFINITE).to_result()?;
    let mut message = MessageBuf::new();
    channel.read(&mut message)?;
    Ok(message)
}
