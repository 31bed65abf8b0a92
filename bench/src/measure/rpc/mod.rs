//! Calls from client processes to one server process, as a user would write both: no process is pinned, and all settings
//! are the defaults.
//!
//! The near side starts the server and its clients for each attempt ([`Team`]), and sleeps while they work. Each client
//! makes one call after another. All begin together; what ends within one window of time counts, so that a client that
//! starts late or ends early cannot make the others look faster.
//!
//! ```text
//!  near side             server              client 1 … n
//!    start ───────────────▶ listen
//!    ◀──────────────────── Listening(addresses)
//!    start, with an address ───────────────────▶ connect
//!    ◀────────────────────────────────────────── Connected
//!    read the server's processor time
//!    Window ───────────────────────────────────▶ call, call, … until the window is over; disconnect
//!    ◀────────────────────────────────────────── Called(tally)
//!    ◀──────────────────── Served(calls)
//!    read the server's processor time
//! ```
//!
//! The processor time is user and system time of all threads of these processes, and it is divided by all calls, those of the
//! warm-up included.

pub mod calls;
pub mod seat;

use super::effort::Effort;
use super::measurement::{Unit, full_name};
use super::sample::{CallSample, Sample};
use super::teamwork::Teamwork;
use super::window::Window;
use crate::machine::processor_time;
use crate::process::link::Link;
use crate::process::team::{Part, Seat, Team};
use anyhow::{Context as _, Result, bail, ensure};
use calls::{Calls, distribution};
use seat::{ClientSeat, ServerSeat, Word, say};
use std::marker::PhantomData;
use std::process::{Child, Command};
use std::time::Duration;

/// A means to call a server.
pub trait Service: 'static {
    /// The name of its column.
    const WHO: &'static str;

    /// How the processes of a measurement are started.
    fn starter(_clients: usize) -> Result<impl FnMut(&Seat, &mut Command) -> Result<Child>> {
        Ok(|_: &Seat, program: &mut Command| Ok(program.spawn()?))
    }

    /// The server: listens, says so, and answers until all clients are gone. Gives the number of answers.
    fn serve(seat: &ServerSeat<'_>) -> Result<u64>;

    /// A client: connects, says so, and makes its calls. Gives them once it is disconnected.
    fn call(seat: &ClientSeat<'_>) -> Result<Calls>;
}

/// Calls by so many clients.
pub struct Rpc<S> {
    what: &'static str,
    clients: usize,
    _service: PhantomData<fn() -> S>,
}

/// The window is so many timed passes long: the scheduler's time slices are milliseconds, and many processes share the
/// processors.
const PASSES: u32 = 4;

/// On a machine that others load, the server may have no processor for a whole window. An attempt without a call says
/// nothing, and is made again, so many times in all.
const TRIES: u32 = 3;

impl<S> Rpc<S> {
    /// Under this name.
    pub const fn new(what: &'static str, clients: usize) -> Self {
        Self { what, clients, _service: PhantomData }
    }
}

impl<S: Service> Rpc<S> {
    /// One attempt; `None` if no call began and ended within the window.
    fn attempt(&self, effort: Effort) -> Result<Option<CallSample>> {
        let mut spawn = S::starter(self.clients)?;
        let mut team = Team::default();
        let seat = |part, index, address| Seat {
            measurement: full_name(self),
            part,
            index,
            clients: self.clients,
            address,
        };
        let mut start = |team: &mut Team, seat: Seat| team.start(&seat, |program| spawn(&seat, program));

        start(&mut team, seat(Part::Server, 0, String::new()))?;
        let Some(Word::Listening(addresses)) = team.hear(&[Part::Server])?.pop() else {
            bail!("the server did not say where it listens");
        };
        ensure!(
            addresses.len() == self.clients,
            "{} addresses for {} clients",
            addresses.len(),
            self.clients
        );
        for (index, address) in addresses.into_iter().enumerate() {
            start(&mut team, seat(Part::Client, index, address))?;
        }
        for word in team.hear(&[Part::Client])? {
            ensure!(matches!(word, Word::Connected), "a client said {word:?}, not that it is connected");
        }

        let server = team.processes(Part::Server).next().context("there is a server")?;
        let before = processor_time::of(server)?;
        // Twice the warm-up: the clients are told one after another.
        let window = Window::after(effort.warm_up * 2, effort.pass * PASSES);
        team.tell(Part::Client, &window)?;
        let words = team.hear(&[Part::Server, Part::Client])?;
        let server_cpu = processor_time::of(server)?.saturating_sub(before);
        team.dismiss()?;
        sum(words, window, server_cpu)
    }
}

/// The sample of all members' last words.
fn sum(words: Vec<Word>, window: Window, server_cpu: Duration) -> Result<Option<CallSample>> {
    let (mut calls, mut served, mut cpu_ns) = (0, 0, server_cpu.as_nanos() as u64);
    let mut each = distribution()?;
    for word in words {
        match word {
            Word::Called(tally) => {
                calls += tally.calls;
                cpu_ns += tally.cpu_ns;
                for (ns, count) in tally.each {
                    each.record_n(ns, count)?;
                }
            }
            Word::Served(count) => served += count,
            other => bail!("a member said {other:?}, not what it has done"),
        }
    }
    ensure!(calls == served, "{calls} calls were made, {served} were answered");
    let per_second = each.len() as f64 / window.seconds();
    let sample = CallSample { per_second, cpu_ns: cpu_ns as f64 / calls as f64, each };
    Ok(Some(sample).filter(|sample| !sample.each.is_empty()))
}

impl<S: Service> Teamwork for Rpc<S> {
    const WHO: &'static str = S::WHO;
    const UNIT: Unit = Unit::CallsPerSecond;

    fn name(&self) -> &'static str {
        self.what
    }

    fn measure(&self, effort: Effort) -> Result<Sample> {
        for _ in 0..TRIES {
            if let Some(calls) = self.attempt(effort)? {
                return Ok(Sample::Calls(calls));
            }
        }
        bail!("in {TRIES} attempts, no call began and ended within the window");
    }

    fn play_part(&self, seat: &Seat, link: &Link) -> Result<()> {
        let played = match seat.part {
            Part::Server => S::serve(&ServerSeat::new(link, seat.clients)).map(Word::Served),
            Part::Client => {
                let Seat { index, clients, ref address, .. } = *seat;
                S::call(&ClientSeat { index, clients, address, link })
                    .map(|calls| Word::Called(calls.tally()))
            }
            Part::Writer | Part::Reader => bail!("calls have no writers and readers"),
        };
        say(link, &played.map_err(|error| format!("{error:#}")))
    }
}

#[cfg(test)]
mod tests {
    use super::calls::Tally;
    use super::*;

    const WINDOW: Window = Window { from_ns: 0, until_ns: 500_000_000 };

    fn called(calls: u64, each: Vec<(u64, u64)>) -> Word {
        Word::Called(Tally { calls, each, cpu_ns: 1_000 })
    }

    #[test]
    fn sample_sums_up_all_members() {
        let words = vec![called(3, vec![(100, 2)]), called(2, vec![(300, 1)]), Word::Served(5)];
        let sample = sum(words, WINDOW, Duration::from_nanos(8_000)).unwrap().unwrap();
        assert_eq!((sample.per_second, sample.cpu_ns), (6.0, 2_000.0));
        assert_eq!((sample.each.len(), sample.each.value_at_quantile(0.5)), (3, 100));
    }

    #[test]
    fn lost_and_invented_answers_are_errors() {
        for served in [2, 4] {
            let error = sum(vec![called(3, vec![(100, 3)]), Word::Served(served)], WINDOW, Duration::ZERO);
            assert_eq!(error.unwrap_err().to_string(), format!("3 calls were made, {served} were answered"));
        }
        assert!(sum(vec![Word::Connected], WINDOW, Duration::ZERO).is_err());
    }

    #[test]
    fn empty_window_gives_no_sample() {
        let words = vec![called(3, vec![]), Word::Served(3)];
        assert!(sum(words, WINDOW, Duration::ZERO).unwrap().is_none());
    }
}
