//! Processes that the near side starts for one measurement: a server and its clients, or writers and readers. Each is the same program again, with
//! a seat that says which part it plays. It speaks over its standard input, a [`Link`].
//!
//! A team does not outlive its owner: dropping it kills its processes, and each dies with the thread that started it.

use super::link::Link;
use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, ValueEnum};
use rustix::event::{PollFd, PollFlags};
use serde::{Serialize, de::DeserializeOwned};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The hidden subcommand that makes this program a member of a team.
pub const SUBCOMMAND: &str = "member";

/// A member that is silent for so long hangs. It is less than the schedule's patience, so that the report names the member.
const HANGS_AFTER: Duration = Duration::from_secs(60);

/// The part of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Answers
    Server,
    /// Calls
    Client,
    /// Writes
    Writer,
    /// Reads
    Reader,
}

/// What a member has to know.
#[derive(Args, Clone, Debug)]
pub struct Seat {
    /// The full name of the measurement
    #[arg(long)]
    pub measurement: String,
    /// Its part
    #[arg(long, value_enum)]
    pub part: Part,
    /// Its number among the clients, the writers or the readers
    #[arg(long, default_value_t = 0)]
    pub index: usize,
    /// How many clients, writers or readers there are
    #[arg(long)]
    pub clients: usize,
    /// Where the server listens
    #[arg(long, default_value = "")]
    pub address: String,
}

impl Seat {
    /// The program that takes this seat.
    fn program(&self) -> Command {
        let mut program = Command::new("/proc/self/exe");
        program.arg(SUBCOMMAND).arg("--measurement").arg(&self.measurement);
        program.arg("--part").arg(match self.part {
            Part::Server => "server",
            Part::Client => "client",
            Part::Writer => "writer",
            Part::Reader => "reader",
        });
        program.arg("--index").arg(self.index.to_string()).arg("--clients").arg(self.clients.to_string());
        program.arg("--address").arg(&self.address).stdout(Stdio::null());
        program
    }

    /// The member's name in errors.
    fn name(&self) -> String {
        let numbered = |part: &str| format!("{part} {} of {}", self.index + 1, self.clients);
        match self.part {
            Part::Server => "the server".to_owned(),
            Part::Client => numbered("client"),
            Part::Writer => numbered("writer"),
            Part::Reader => numbered("reader"),
        }
    }
}

/// The processes, as their owner holds them.
#[derive(Default)]
pub struct Team {
    members: Vec<Member>,
}

struct Member {
    part: Part,
    name: String,
    child: Child,
    link: Link,
}

impl Team {
    /// Starts a member, by `spawn`.
    pub fn start(&mut self, seat: &Seat, spawn: impl FnOnce(&mut Command) -> Result<Child>) -> Result<()> {
        let (link, theirs) = Link::pair()?;
        let mut program = seat.program();
        program.stdin(Stdio::from(theirs));
        let child = spawn(&mut program).with_context(|| format!("starting {}", seat.name()))?;
        self.members.push(Member { part: seat.part, name: seat.name(), child, link });
        Ok(())
    }

    /// The processes of a part.
    pub fn processes(&self, part: Part) -> impl Iterator<Item = u32> {
        self.members.iter().filter(move |member| member.part == part).map(|member| member.child.id())
    }

    /// Sends the same to all members of a part.
    pub fn tell(&self, part: Part, what: &impl Serialize) -> Result<()> {
        for member in self.members.iter().filter(|member| member.part == part) {
            member.link.send(what).with_context(|| format!("telling {}", member.name))?;
        }
        Ok(())
    }

    /// One word of each member of these parts, in the order in which they come.
    ///
    /// A member that fails, ends or stays silent meanwhile is an error that names it, whether or not its word was awaited.
    pub fn hear<T: DeserializeOwned>(&mut self, parts: &[Part]) -> Result<Vec<T>> {
        let mut heard = Vec::new();
        let mut listened: Vec<&mut Member> = self.members.iter_mut().collect();
        let until = Instant::now() + HANGS_AFTER;
        while listened.iter().any(|member| parts.contains(&member.part)) {
            let readable = readable(&listened, until.saturating_duration_since(Instant::now()))?;
            if readable.is_empty() {
                let mut silent = listened.iter().filter(|member| parts.contains(&member.part));
                let name = silent.next().map_or("none", |member| &member.name);
                bail!("{name} has said nothing for {} s: it hangs", HANGS_AFTER.as_secs());
            }
            // From the last one on, so that the removal moves none that is still to be looked at.
            for index in readable.into_iter().rev() {
                let member = &mut listened[index];
                match member.link.receive::<Result<T, String>>() {
                    Ok(Some(Ok(word))) => {
                        ensure!(parts.contains(&member.part), "{} spoke out of turn", member.name);
                        heard.push(word);
                        listened.swap_remove(index);
                    }
                    Ok(Some(Err(why))) => bail!("{}: {why}", member.name),
                    Ok(None) => {
                        let ended = member.child.wait().context("waiting for a member")?;
                        bail!("{} ended too early, with {ended}", member.name);
                    }
                    Err(error) => return Err(error.context(member.name.clone())),
                }
            }
        }
        Ok(heard)
    }

    /// Lets the members end, and waits for that.
    pub fn dismiss(mut self) -> Result<()> {
        for Member { name, mut child, link, .. } in std::mem::take(&mut self.members) {
            drop(link);
            let ended = child.wait().with_context(|| format!("waiting for {name}"))?;
            ensure!(ended.success(), "{name} ended with {ended}");
        }
        Ok(())
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        for member in &mut self.members {
            // It may have ended already.
            let _ = member.child.kill();
        }
        for member in &mut self.members {
            let _ = member.child.wait();
        }
    }
}

/// Those that have said something or are gone, in ascending order; none when the time is over.
fn readable(members: &[&mut Member], timeout: Duration) -> Result<Vec<usize>> {
    let mut polled: Vec<_> = members.iter().map(|member| PollFd::new(&member.link, PollFlags::IN)).collect();
    let timeout = timeout.try_into().context("a timeout")?;
    rustix::io::retry_on_intr(|| rustix::event::poll(&mut polled, Some(&timeout))).context("poll")?;
    Ok((0..polled.len()).filter(|index| !polled[*index].revents().is_empty()).collect())
}
