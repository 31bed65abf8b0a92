//! Whether an operation costs the same after millions of others, and whether its memory stays the same.
//!
//! A [`Scenario`] is something that a service does all day, in an arena and a process of its own. A [`Meter`] divides
//! its operations into a hundred slices, and compares the first ten with the last ten. The row that comes of it says
//! the cost of an operation and the memory behind it, at the beginning and at the end.
//!
//! | file | contents |
//! |---|---|
//! | [`meter`] | operations are timed, and memory is read |
//! | [`outcome`] | a row, its targets, and the table |
//! | [`peer`], [`role`] | the second process of a scenario, and the part that it plays |
//! | [`handover`] | channel ends, events and VM objects that one side makes and another closes; clones |
//! | [`streams`] | elements of fifos, bytes and datagrams of sockets |
//! | [`clients`] | programs and threads that come and go |
//! | [`burst`] | much memory in use for a moment |
//! | [`observed`] | clients of a port |
//! | [`named`] | clients of a name |
//! | [`mixture`] | random operations beside processes that are killed at random |

pub mod burst;
pub mod clients;
pub mod handover;
pub mod meter;
pub mod mixture;
pub mod named;
pub mod observed;
pub mod outcome;
pub mod peer;
pub mod role;
pub mod streams;

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use handover::pages;
use jacinth::{Config, Supervisor};
use meter::Meter;
use outcome::Row;
use std::time::Duration;
use streams::{bytes, elements};

/// How long an arena is left alone before its memory is read for the last time. Free memory goes back to the system
/// within seconds.
const QUIET: Duration = Duration::from_secs(4);

/// Something that a service does all day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Scenario {
    /// Channels made by one thread; another thread closes their second ends last
    HandoverThread,
    /// The same between two processes
    HandoverProcess,
    /// Events made by a server, 32 at a time, and closed by its client
    EventsSent,
    /// VM objects of 16 KiB, one page of each written, made by a server and closed by its client
    VmosSent,
    /// Clones of a VM object of 16 KiB, each mapped, looked at, unmapped and closed
    VmosCloned,
    /// Elements of a fifo to a server and back, 16 at a time
    Fifo,
    /// The same through ends that have had a second handle, so that each write takes a block of memory
    FifoShared,
    /// Bytes of a socket to a server and back, 16 writes of 64 bytes at a time
    Socket,
    /// The same through ends that have had a second handle, so that each write takes a block of memory
    SocketShared,
    /// Datagrams of 64 bytes to a server and back, 16 at a time
    SocketDatagram,
    /// One client program after the other: 1,000 messages, one of them of 60,000 bytes
    ShortClients,
    /// A thread for each request: a channel, and a loan of up to 1 MiB
    ThreadPerRequest,
    /// Bursts of messages of 64 bytes to 1 MiB, 1.1 GiB together, all written and then all read
    BurstDrain,
    /// 1,000 channels, each filled to its limit and drained, one after the other
    ManyChannelsDrained,
    /// Clients that a port observes, one after the other, and a new port for every 1,000
    ObservedClients,
    /// Clients that connect to a name, one after the other, and a new server for every 1,000
    NamedClients,
    /// Random operations while three other processes work and are killed at random
    Mixture,
}

impl Scenario {
    /// Its name, as `--only` and the rows have it.
    pub fn name(self) -> String {
        self.to_possible_value().expect("no scenario is skipped").get_name().to_owned()
    }

    /// Its description, in a sentence.
    pub fn about(self) -> String {
        self.to_possible_value()
            .and_then(|value| value.get_help().map(ToString::to_string))
            .expect("every scenario is documented")
    }

    /// How many operations it runs.
    pub fn operations(self, quick: bool) -> u64 {
        const FULL: u64 = 5_000_000;
        match self {
            Self::HandoverThread
            | Self::HandoverProcess
            | Self::Fifo
            | Self::FifoShared
            | Self::Socket
            | Self::SocketShared
            | Self::SocketDatagram
            | Self::ObservedClients
            | Self::NamedClients
                if quick =>
            {
                1_000_000
            }
            Self::EventsSent if quick => 3_200_000,
            Self::ShortClients if quick => 500 * clients::MESSAGES,
            Self::VmosSent | Self::VmosCloned if quick => 300_000,
            Self::ThreadPerRequest if quick => 100_000,
            Self::BurstDrain if quick => 10 * burst::MESSAGES / 8,
            Self::Mixture if quick => 1_000_000,
            Self::BurstDrain => 10 * burst::MESSAGES,
            // In a quick run too: the limit is reached at the 897th channel.
            Self::ManyChannelsDrained => burst::CHANNELS * u64::from(Config::default().max_pending_messages),
            _ => FULL,
        }
    }

    /// Runs it in this process, which must not be attached to an arena. `progress` hears how many operations are done.
    pub fn run(self, quick: bool, progress: &mut dyn FnMut(u64)) -> Result<Row> {
        let supervisor = Supervisor::create(&Config::default()).context("making an arena")?;
        let operations = self.operations(quick);
        let mut meter = Meter::new(operations, progress)?;
        match self {
            Self::HandoverThread => handover::to_thread(&mut meter),
            Self::HandoverProcess => handover::to_process(&supervisor, &mut meter),
            Self::EventsSent => handover::events_to_process(&supervisor, &mut meter),
            Self::VmosSent => pages::to_process(&supervisor, &mut meter),
            Self::VmosCloned => pages::cloned(&mut meter),
            Self::Fifo => elements::owned(&supervisor, &mut meter),
            Self::FifoShared => elements::shared(&supervisor, &mut meter),
            Self::Socket => bytes::owned(&supervisor, &mut meter),
            Self::SocketShared => bytes::shared(&supervisor, &mut meter),
            Self::SocketDatagram => bytes::datagrams(&supervisor, &mut meter),
            Self::ShortClients => clients::programs(&supervisor, &mut meter),
            Self::ThreadPerRequest => clients::threads(&mut meter),
            Self::BurstDrain => burst::drained(operations, &mut meter),
            Self::ManyChannelsDrained => burst::one_channel_after_the_other(&mut meter),
            Self::ObservedClients => observed::clients(&mut meter),
            Self::NamedClients => named::clients(&mut meter),
            Self::Mixture => mixture::run(&supervisor, &mut meter),
        }?;
        let row = meter.finish(self.name(), QUIET)?;
        supervisor.collect().context("collecting what the scenario left")?;
        let audit = supervisor.audit();
        ensure!(audit.is_clean(), "the arena is not clean after it: {audit}");
        Ok(row)
    }
}
