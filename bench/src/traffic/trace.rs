//! Reads the trace of valgrind's lackey: one line for each instruction, load, store and modification.

use super::caches::{Caches, Call, Side, Tally};
use super::exchange::{Addresses, Mark, Messages};
use anyhow::{Context as _, Result, ensure};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// The hidden subcommand that makes this program exchange messages.
pub const SUBCOMMAND: &str = "exchange";

/// The counts of an exchange.
#[derive(Default)]
pub struct Counts {
    /// Of its writes.
    pub write: Tally,
    /// Of its reads.
    pub read: Tally,
}

/// Whether valgrind is installed.
pub fn is_possible() -> bool {
    let mut version = Command::new("valgrind");
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// Counts the accesses of an exchange.
pub fn count(messages: Messages) -> Result<Counts> {
    let mut exchange = Command::new("valgrind")
        .args(["--tool=lackey", "--trace-mem=yes", "--basic-counts=no"])
        .arg(std::env::current_exe()?)
        .arg(SUBCOMMAND)
        .args(["--bytes", &messages.bytes.to_string(), "--at-once", &messages.at_once.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting valgrind")?;
    let trace = exchange.stderr.take().context("the trace")?;
    let mut stdout = BufReader::new(exchange.stdout.take().context("the addresses")?);
    let (tell, told) = channel();
    // The trace has to be read all the time, or the exchange stops before it has printed its addresses.
    let counter = std::thread::spawn(move || follow(trace, &told));
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    let addresses: Addresses = serde_json::from_str(&line).context("reading the addresses")?;
    tell.send(addresses)?;
    // The exchange goes on after this line. So its marks come after the addresses.
    exchange.stdin.take().context("the standard input")?.write_all(b"\n")?;
    let counts = counter.join().map_err(|_| anyhow::anyhow!("the reader of the trace panicked"))??;
    ensure!(exchange.wait()?.success(), "the exchange failed");
    Ok(counts)
}

/// Follows a trace to its end.
fn follow(trace: impl Read, addresses: &Receiver<Addresses>) -> Result<Counts> {
    let mut trace = BufReader::with_capacity(1 << 20, trace);
    let mut follower = None::<Follower>;
    let mut line = Vec::new();
    while trace.read_until(b'\n', &mut line)? > 0 {
        if follower.is_none()
            && let Ok(addresses) = addresses.try_recv()
        {
            follower = Some(Follower::new(addresses));
        }
        if let (Some(follower), Some((kind, bytes))) = (&mut follower, parse(&line)) {
            follower.step(kind, bytes);
        }
        line.clear();
    }
    Ok(follower.context("the exchange ended early")?.counts)
}

/// The kind of an access, and its addresses.
fn parse(line: &[u8]) -> Option<(u8, Range<u64>)> {
    let kind = match line.get(..3)? {
        b"I  " => b'I',
        [b' ', kind @ (b'L' | b'S' | b'M'), b' '] => *kind,
        _ => return None,
    };
    let (address, size) = std::str::from_utf8(&line[3..]).ok()?.trim().split_once(',')?;
    let address = u64::from_str_radix(address, 16).ok()?;
    Some((kind, address..address + size.parse::<u64>().ok()?.max(1)))
}

struct Follower {
    marks: [u64; Mark::ALL.len()],
    caches: Caches,
    counts: Counts,
    now: Mark,
    call: Call,
    is_counting: bool,
}

impl Follower {
    fn new(addresses: Addresses) -> Self {
        Self {
            marks: addresses.marks,
            caches: Caches::new(addresses.arena),
            counts: Counts::default(),
            now: Mark::Outside,
            call: Call::default(),
            is_counting: false,
        }
    }

    fn step(&mut self, kind: u8, bytes: Range<u64>) {
        if kind != b'L'
            && kind != b'I'
            && let Some(mark) = self.marks.iter().position(|mark| *mark == bytes.start)
        {
            return self.begin(Mark::ALL[mark]);
        }
        let side = match self.now {
            Mark::Outside | Mark::Count => return,
            Mark::Write => Side::Writer,
            Mark::Look | Mark::Read => Side::Reader,
        };
        match kind {
            b'I' => self.call.instruction(),
            _ => self.call.access(&mut self.caches, side, bytes, kind != b'L'),
        }
    }

    fn begin(&mut self, mark: Mark) {
        let tally = match self.now {
            Mark::Write => Some(&mut self.counts.write),
            Mark::Read => Some(&mut self.counts.read),
            Mark::Outside | Mark::Look | Mark::Count => None,
        };
        if let Some(tally) = tally.filter(|_| self.is_counting) {
            tally.add(&self.call, &self.caches);
        }
        self.is_counting |= mark == Mark::Count;
        self.now = mark;
        self.call = Call::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_are_told_from_other_lines() {
        assert_eq!(parse(b"I  0401ab30,3\n"), Some((b'I', 0x401ab30..0x401ab33)));
        assert_eq!(parse(b" S 1ffeffe7e8,8\n"), Some((b'S', 0x1f_feff_e7e8..0x1f_feff_e7f0)));
        assert_eq!(parse(b"==12== Lackey, an example Valgrind tool\n"), None);
    }
}
