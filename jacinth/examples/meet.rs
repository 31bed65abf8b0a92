//! Meeting by name: a server and its clients are started in any order, by anybody, with no channel between them. The
//! server is killed and started again, and the clients connect again.
//!
//! Each program joins the arena of a name, or makes it if it is the first.

use jacinth::*;
use std::error::Error;
use std::process::{Child, Command};

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;
const CLIENTS: u32 = 3;
const ROUNDS: u32 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        None => start_all(),
        Some("server") => serve_time(),
        Some(_) => ask(),
    }
}

/// Starts the clients first, then the server; kills the server in each round but the last.
fn start_all() -> Result<(), Box<dyn Error>> {
    let place = format!("jacinth-example-{}", std::process::id());
    let start = |role: &str| Command::new(std::env::current_exe()?).arg(role).env("PLACE", &place).spawn();
    let clients = (0..CLIENTS).map(|_| start("client")).collect::<Result<Vec<Child>, _>>()?;
    let mut server = start("server")?;
    for _ in 1..ROUNDS {
        std::thread::sleep(std::time::Duration::from_millis(50));
        server.kill()?;
        server.wait()?;
        server = start("server")?;
    }
    for mut client in clients {
        assert!(client.wait()?.success());
    }
    server.kill()?;
    server.wait()?;
    Ok(())
}

/// This program's arena: that of the name in its environment.
fn join() -> Result<Supervisor, Box<dyn Error>> {
    Ok(join_or_create(std::env::var("PLACE")?)?)
}

/// The server: one listener and all clients at one port.
fn serve_time() -> Result<(), Box<dyn Error>> {
    let _supervisor = join()?;
    // Until the server before this one is recovered, it has the name.
    let listener = directory()?.serve_until("clock", FOREVER)?;
    let port = Port::create();
    listener.wait_async(&port, 0, Signals::LISTENER_READABLE, WaitAsyncOpts::REPEATING)?;
    let mut clients: Vec<Channel> = Vec::new();
    loop {
        match port.wait(FOREVER)?.key() {
            0 => {
                while let Ok(client) = listener.accept() {
                    clients.push(client);
                    let key = clients.len() as u64;
                    let signals = Signals::CHANNEL_READABLE | Signals::CHANNEL_PEER_CLOSED;
                    clients[key as usize - 1].wait_async(&port, key, signals, WaitAsyncOpts::REPEATING)?;
                }
            }
            key => answer(&clients[key as usize - 1]),
        }
    }
}

/// Answers the requests of a client, which may have gone.
fn answer(client: &Channel) {
    let mut request = MessageBuf::new();
    while client.read(&mut request).is_ok() {
        let mut reply = request.bytes()[..4].to_vec(); // The id of the call.
        reply.extend(MonotonicInstant::get().into_nanos().to_ne_bytes());
        let _ = client.write(&reply, &mut []);
    }
}

/// A client: asks until it has had as many servers as there are rounds.
fn ask() -> Result<(), Box<dyn Error>> {
    let _supervisor = join()?;
    let mut asked = 0;
    for _ in 0..ROUNDS {
        let server = connect("clock", FOREVER)?;
        let mut reply = MessageBuf::new();
        // PEER_CLOSED: the server has ended. The last one stays until all clients are done.
        while server.call(FOREVER, b"\0\0\0\0time", &mut [], &mut reply).is_ok() {
            asked += 1;
            if asked % 1_000 == 0 {
                println!("client {}: {asked} answers", std::process::id());
                break;
            }
        }
    }
    Ok(())
}
