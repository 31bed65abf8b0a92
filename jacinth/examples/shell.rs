//! A shell as a service. A client asks at a socket, and the server shares another one over it, for a session of its own: lines
//! go forth and results come back. The control plane carries the size of the window, and the interrupt, which overtakes all
//! that waits to be read. `half_close` ends the input, as Ctrl-D does.

use jacinth::*;
use std::error::Error;
use std::process::Command;

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;
const PROMPT: &str = "$ ";

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        None => use_shells(),
        Some(_) => serve(),
    }
}

/// The client's side of a session: a window.
struct Window {
    session: Socket,
    shown: String,
}

fn use_shells() -> Result<(), Box<dyn Error>> {
    let supervisor = Supervisor::create(&Config::default())?;
    let (door, theirs) = Socket::create(SocketOpts::HAS_ACCEPT)?;
    let mut server = supervisor.spawn(Command::new(std::env::current_exe()?).arg("server"), theirs)?;

    let (mut first, mut second) = (Window::open(&door)?, Window::open(&door)?);
    first.session.write_opts(b"size 100x30", SocketWriteOpts::CONTROL)?;
    first.run("echo hello, shell")?;
    first.run("size")?;
    second.enter("yes")?; // It does not end by itself.
    first.run("sum 19 23")?; // Sessions do not wait for each other.
    second.session.set_rx_threshold(&200_000)?;
    wait(&second.session, Signals::SOCKET_READ_THRESHOLD)?;
    second.session.write_opts(b"interrupt", SocketWriteOpts::CONTROL)?;
    second.show_until_prompt()?;
    second.run("echo still here")?;

    for (number, mut window) in [first, second].into_iter().enumerate() {
        window.session.half_close()?;
        window.show_until_prompt()?; // What the shell says last.
        println!("window {}\n{}", number + 1, folded(&window.shown));
    }
    drop(door); // The server ends.
    assert!(server.wait()?.success());
    Ok(())
}

impl Window {
    /// Asks for a session, and waits for it.
    fn open(door: &Socket) -> Result<Self, Box<dyn Error>> {
        door.write(b"?")?;
        wait(door, Signals::SOCKET_ACCEPT)?;
        let mut window = Self { session: door.accept()?, shown: String::new() };
        window.show_until_prompt()?;
        Ok(window)
    }

    fn enter(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        let line = format!("{line}\n");
        self.shown.push_str(&line);
        Ok(write_all(&self.session, line.as_bytes())?)
    }

    fn run(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        self.enter(line)?;
        self.show_until_prompt()
    }

    /// Shows what comes, until the shell asks for the next line, or ends.
    fn show_until_prompt(&mut self) -> Result<(), Box<dyn Error>> {
        let mut bytes = [0; 4096];
        let before = self.shown.len();
        while !self.shown[before..].ends_with(PROMPT) {
            match read(&self.session, &mut bytes) {
                Ok(actual) => self.shown.push_str(std::str::from_utf8(&bytes[..actual])?),
                Err(Status::PEER_CLOSED) => break,
                Err(status) => return Err(status.into()),
            }
        }
        Ok(())
    }
}

/// Lines that repeat are counted.
fn folded(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let fold = |same: &[&str]| match same {
        [one] => format!("  {one}\n"),
        many => format!("  {}   ({} times)\n", many[0], many.len()),
    };
    lines.chunk_by(|one, next| one == next).map(fold).collect()
}

/// The server: a session, with a thread of its own, for each client that asks.
fn serve() -> Result<(), Box<dyn Error>> {
    let door = Socket::from(take_startup_handle()?);
    let mut sessions = Vec::new();
    let ended = loop {
        match open_session(&door) {
            Ok(session) => sessions.push(std::thread::spawn(move || run_session(&session))),
            Err(status) => break status,
        }
    };
    for session in sessions {
        // A client that has gone, or was killed, ends its session.
        assert!(matches!(session.join(), Ok(Ok(()) | Err(Status::PEER_CLOSED))));
    }
    if ended == Status::PEER_CLOSED { Ok(()) } else { Err(ended.into()) }
}

/// The server's end of the next session.
fn open_session(door: &Socket) -> Result<Socket, Status> {
    read(door, &mut [0])?;
    let (ours, theirs) = Socket::create(SocketOpts::STREAM | SocketOpts::HAS_CONTROL)?;
    wait(door, Signals::SOCKET_SHARE)?;
    door.share(theirs)?;
    Ok(ours)
}

/// Reads lines and answers each of them, until there are no more.
fn run_session(session: &Socket) -> Result<(), Status> {
    let (mut typed, mut bytes, mut size) = (Vec::new(), [0; 512], "80x25".to_owned());
    write_all(session, PROMPT.as_bytes())?;
    loop {
        match read(session, &mut bytes) {
            Ok(actual) => typed.extend_from_slice(&bytes[..actual]),
            Err(Status::BAD_STATE) => return write_all(session, b"exit\n"), // The client's half_close.
            Err(status) => return Err(status),
        }
        while let Some(end) = typed.iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&typed[..end]).into_owned();
            typed.drain(..=end);
            if let Some(told) = control(session)? {
                size = told.strip_prefix("size ").map_or(size, str::to_owned);
            }
            let result = match line.split_once(' ').unwrap_or((&line, "")) {
                ("echo", text) => text.to_owned(),
                ("size", _) => size.clone(),
                ("sum", numbers) => numbers.split(' ').flat_map(str::parse::<i64>).sum::<i64>().to_string(),
                ("yes", _) => repeat_until_interrupted(session)?,
                (other, _) => format!("{other}: not found"),
            };
            write_all(session, format!("{result}\n{PROMPT}").as_bytes())?;
        }
    }
}

fn repeat_until_interrupted(session: &Socket) -> Result<String, Status> {
    while control(session)?.as_deref() != Some("interrupt") {
        match session.write(b"yes\n") {
            Ok(_) => {}
            Err(Status::SHOULD_WAIT) => {
                wait(session, Signals::SOCKET_WRITABLE | Signals::SOCKET_CONTROL_READABLE)?;
            }
            Err(status) => return Err(status),
        }
    }
    Ok("^C".to_owned())
}

/// The message of the control plane, if there is one.
fn control(session: &Socket) -> Result<Option<String>, Status> {
    let mut bytes = [0; 64];
    match session.read_opts(&mut bytes, SocketReadOpts::CONTROL) {
        Ok(actual) => Ok(Some(String::from_utf8_lossy(&bytes[..actual]).into_owned())),
        Err(Status::SHOULD_WAIT) => Ok(None),
        Err(status) => Err(status),
    }
}

/// Waits for one of these signals, or for the end of the peer.
fn wait(socket: &Socket, signals: Signals) -> Result<(), Status> {
    socket.wait_one(signals | Signals::SOCKET_PEER_CLOSED, FOREVER).to_result().map(drop)
}

/// Reads what is there, and waits until there is something.
fn read(socket: &Socket, bytes: &mut [u8]) -> Result<usize, Status> {
    loop {
        match socket.read(bytes) {
            Err(Status::SHOULD_WAIT) => {
                wait(socket, Signals::SOCKET_READABLE | Signals::SOCKET_PEER_WRITE_DISABLED)?;
            }
            done => return done,
        }
    }
}

/// Writes all, and waits where there is no room.
fn write_all(socket: &Socket, mut bytes: &[u8]) -> Result<(), Status> {
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(actual) => bytes = &bytes[actual..],
            Err(Status::SHOULD_WAIT) => wait(socket, Signals::SOCKET_WRITABLE)?,
            Err(status) => return Err(status),
        }
    }
    Ok(())
}
