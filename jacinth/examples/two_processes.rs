//! Two processes: the first makes an arena and starts the second into it. They share a channel, and then an event.

use jacinth::*;
use std::error::Error;
use std::process::Command;

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        None => first(),
        Some(_) => second(),
    }
}

fn first() -> Result<(), Box<dyn Error>> {
    let supervisor = Supervisor::create(&Config::default())?; // An arena; this process is attached to it.
    let (ours, theirs) = Channel::create();
    let mut program = Command::new(std::env::current_exe()?);
    let mut child = supervisor.spawn(program.arg("second"), theirs)?; // The end of the channel goes with it.

    let event = Event::create();
    let signal_only = event.duplicate(Rights::SIGNAL | Rights::TRANSFER)?; // A handle of fewer rights.
    ours.write(b"signal this", &mut [signal_only.into()])?; // The handle travels in the message.
    event.wait_one(Signals::EVENT_SIGNALED, std::time::Duration::from_secs(10)).to_result()?;

    ours.wait_one(Signals::CHANNEL_PEER_CLOSED, FOREVER).to_result()?; // Also when the child is killed.
    assert!(child.wait()?.success());
    Ok(())
}

fn second() -> Result<(), Box<dyn Error>> {
    let channel = Channel::from(take_startup_handle()?); // This process is attached to the arena now.
    channel.wait_one(Signals::CHANNEL_READABLE, FOREVER).to_result()?;
    let mut message = MessageBuf::new();
    channel.read(&mut message)?;
    assert_eq!(message.bytes(), b"signal this");

    let event = Event::from(message.take_handle(0).ok_or("the message has no handle")?);
    let waited = event.wait_one(Signals::EVENT_SIGNALED, FOREVER);
    assert_eq!(waited, WaitResult::Err(Status::ACCESS_DENIED)); // The right to wait was not sent.
    event.signal(Signals::NONE, Signals::EVENT_SIGNALED)?;
    Ok(())
}
