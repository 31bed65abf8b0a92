//! A log pipe: several workers write records as datagrams to one end of a socket, of which each has a duplicate. A collector
//! reads them at the other end, and writes them to a slow file. So the workers wait for it. One of them is killed, and the
//! others lose nothing.

use jacinth::*;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const FOREVER: MonotonicInstant = MonotonicInstant::INFINITE;
const WORKERS: usize = 4;
/// The one that is killed. It would write for ever.
const VICTIM: usize = 3;
/// How many each of the others writes.
const RECORDS: usize = 2_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["work", worker] => work(worker.parse()?),
        ["collect", path] => collect(Path::new(path)),
        _ => run(),
    }
}

/// What a worker writes. No datagram is read in part, so a line of the file is a whole record.
fn record(worker: usize, number: usize) -> String {
    format!("worker {worker} record {number} {}", "detail ".repeat(number % 29))
}

fn run() -> Result<(), Box<dyn Error>> {
    let supervisor = Supervisor::create(&Config::default())?;
    let path = std::env::temp_dir().join(format!("jacinth-log-pipe-{}", std::process::id()));
    let program = || std::env::current_exe().map(Command::new);
    let (log, reading_end) = Socket::create_datagram();
    let mut collector = supervisor.spawn(program()?.arg("collect").arg(&path), reading_end)?;
    let mut workers: Vec<Child> = Vec::new();
    for worker in 0..WORKERS {
        let write_only = log.duplicate(Rights::WRITE | Rights::WAIT | Rights::TRANSFER)?;
        workers.push(supervisor.spawn(program()?.args(["work", &worker.to_string()]), write_only)?);
    }
    drop(log); // The log ends with its last writer.

    std::thread::sleep(Duration::from_millis(100));
    workers[VICTIM].kill()?;
    for (worker, mut process) in workers.into_iter().enumerate() {
        assert_eq!(process.wait()?.success(), worker != VICTIM);
    }
    assert!(collector.wait()?.success());
    let lines = std::fs::read_to_string(&path)?;
    std::fs::remove_file(&path)?;
    print!("{}", summary(&lines)?);

    supervisor.collect()?;
    assert!(supervisor.audit().is_clean());
    Ok(())
}

/// A table of what the file has of each worker. Fails if a record is torn, or out of order, or missing.
fn summary(lines: &str) -> Result<String, Box<dyn Error>> {
    let mut table = "worker  records  waited for the collector\n".to_owned();
    let (mut all, mut has_waited) = (0, false);
    for worker in 0..WORKERS {
        let name = format!("worker {worker} ");
        let (mut number, mut end) = (0, "killed");
        for line in lines.lines().filter(|line| line.starts_with(&name)) {
            match line.strip_prefix(&name).and_then(|line| line.strip_prefix("waited ")) {
                Some(waited) => (end, has_waited) = (waited, has_waited || !waited.ends_with(" 0 times")),
                None if line == record(worker, number) => number += 1,
                None => return Err(format!("in place of record {number}: {line:?}").into()),
            }
        }
        assert!(number == RECORDS || worker == VICTIM, "the living lose nothing");
        writeln!(table, "{worker:>6}  {number:>7}  {end}")?;
        all += number;
    }
    assert_eq!(lines.lines().count(), all + WORKERS - 1, "no line of any other kind");
    assert!(has_waited, "the collector is slower than the workers");
    writeln!(table, "   all  {all:>7}  none is torn, none of a living worker is missing")?;
    Ok(table)
}

/// A worker: writes its records as fast as they go, and says at the end how it was held up.
fn work(worker: usize) -> Result<(), Box<dyn Error>> {
    let log = Socket::from(take_startup_handle()?);
    let mut held = Held::default();
    let records = if worker == VICTIM { usize::MAX } else { RECORDS };
    for number in 0..records {
        held.write(&log, &record(worker, number))?;
    }
    let end = format!("worker {worker} waited {} ms, {} times", held.time.as_millis(), held.times);
    Ok(held.write(&log, &end)?)
}

/// How a worker was held up: how often it waited for the collector, and how long in all.
#[derive(Default)]
struct Held {
    times: u32,
    time: Duration,
}

impl Held {
    /// Writes a datagram, and waits while the socket is full.
    fn write(&mut self, log: &Socket, line: &str) -> Result<(), Status> {
        loop {
            match log.write(line.as_bytes()) {
                Err(Status::SHOULD_WAIT) => {}
                done => return done.map(drop),
            }
            let start = Instant::now();
            // The socket is full of datagrams before it is full of bytes, as these are short: it is writable when one fits.
            log.wait_one(Signals::SOCKET_WRITABLE | Signals::SOCKET_PEER_CLOSED, FOREVER).to_result()?;
            (self.times, self.time) = (self.times + 1, self.time + start.elapsed());
        }
    }
}

/// The collector: one line for each datagram, until there is no writer any more.
fn collect(path: &Path) -> Result<(), Box<dyn Error>> {
    let log = Socket::from(take_startup_handle()?);
    let (mut file, mut datagram) = (BufWriter::new(File::create(path)?), [0; 512]);
    for number in 1.. {
        match log.read(&mut datagram) {
            Ok(actual) => {
                file.write_all(&datagram[..actual])?;
                file.write_all(b"\n")?;
            }
            Err(Status::SHOULD_WAIT) => {
                log.wait_one(Signals::SOCKET_READABLE | Signals::SOCKET_PEER_CLOSED, FOREVER).to_result()?;
            }
            Err(Status::PEER_CLOSED) => break,
            Err(status) => return Err(status.into()),
        }
        if number % 100 == 0 {
            std::thread::sleep(Duration::from_millis(5)); // A slow disk.
        }
    }
    Ok(file.flush()?)
}
