//! Counts the real memory of arenas, channels and events.

#![forbid(unsafe_code)]

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, ValueEnum};
use comfy_table::Table;
use jacinth::{Channel, Config, Event, MessageBuf, Supervisor};
use jacinth_bench::machine::memory;
use jacinth_bench::measure::jacinth::many_handles;
use jacinth_bench::report::plain;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// Counts the real memory (allocated blocks of the arena's file) that arenas, channels and events take, in arenas of the
/// default configuration, but for the million events, which needs higher limits. Each count is made in a process and an
/// arena of its own.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Write the counts to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Make this one count and print it as JSON
    #[arg(long, hide = true)]
    scene: Option<Scene>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Scene {
    IdleArena,
    OneChannel,
    ThousandChannels,
    ManyChannels,
    IdleChannels,
    ManyEvents,
}

/// A count.
#[derive(Serialize, Deserialize)]
struct Count {
    name: String,
    about: String,
    /// How many of them there were.
    number: u64,
    /// The memory of all together.
    bytes: u64,
    /// The target for one, where there is a target.
    target_bytes_each: Option<u64>,
}

fn main() -> ExitCode {
    match count(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("memory: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn count(arguments: &Arguments) -> Result<()> {
    if let Some(scene) = arguments.scene {
        println!("{}", serde_json::to_string(&scene.count()?)?);
        return Ok(());
    }
    let counts =
        Scene::value_variants().iter().map(|scene| scene.count_elsewhere()).collect::<Result<Vec<_>>>()?;
    println!("{}", table(&counts));
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "memory": counts }))?;
        std::fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

impl Scene {
    /// Makes the count in a process of its own.
    fn count_elsewhere(self) -> Result<Count> {
        let name = self.to_possible_value().context("every scene has a name")?;
        let output = Command::new("/proc/self/exe")
            .args(["--scene", name.get_name()])
            .stderr(Stdio::inherit())
            .output()
            .context("starting a process for the count")?;
        ensure!(output.status.success(), "the count of {} failed", name.get_name());
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn count(self) -> Result<Count> {
        let config = match self {
            Self::ManyEvents => many_handles::config_with_room(),
            _ => Config::default(),
        };
        let _supervisor = Supervisor::create(&config).context("making an arena")?;
        let idle = memory::of_arena()?;
        let (name, about, number, target_bytes_each) = match self {
            Self::IdleArena => {
                return Ok(Count {
                    name: "idle_arena".into(),
                    about: "an arena with its supervisor and one process".into(),
                    number: 1,
                    bytes: idle,
                    target_bytes_each: Some(2 << 20),
                });
            }
            Self::OneChannel => {
                ("channel_small_1", "the first channel of an arena, 64 bytes each way 1,000 times", 1, None)
            }
            Self::ThousandChannels => {
                ("channel_small_1000", "channels, 64 bytes each way 1,000 times", 1000, Some(16 << 10))
            }
            Self::ManyChannels => {
                ("channel_small_100000", "channels, 64 bytes each way once", 100_000, Some(16 << 10))
            }
            Self::IdleChannels => ("channel_idle_1000", "channels without messages", 1000, None),
            Self::ManyEvents => ("event_1000000", "events", 1_000_000, None),
        };
        // All objects live until the end of the process.
        let made = match self {
            Self::IdleArena => 0,
            Self::OneChannel | Self::ThousandChannels => channels(number, 1000)?,
            Self::ManyChannels => channels(number, 1)?,
            Self::IdleChannels => channels(number, 0)?,
            Self::ManyEvents => {
                let events = (0..number).map(|_| Event::try_create()).collect::<Result<Vec<_>, _>>()?;
                std::mem::forget(events);
                number
            }
        };
        ensure!(made == number, "{made} made, not {number}");
        let bytes = memory::of_arena()? - idle;
        Ok(Count { name: name.into(), about: about.into(), number, bytes, target_bytes_each })
    }
}

/// Makes channels, and sends small messages both ways through each.
fn channels(number: u64, messages: u32) -> Result<u64> {
    let mut made = Vec::new();
    let mut buffer = MessageBuf::new();
    for index in 0..number {
        let (one, other) = Channel::try_create().with_context(|| format!("making channel {index}"))?;
        for _ in 0..messages {
            one.write(&[0x5a; 64], &mut [])?;
            other.read(&mut buffer)?;
            other.write(buffer.bytes(), &mut [])?;
            one.read(&mut buffer)?;
        }
        made.push((one, other));
    }
    let number = made.len() as u64;
    std::mem::forget(made);
    Ok(number)
}

fn table(counts: &[Count]) -> Table {
    let mut table = plain::table(&["count", "of", "number", "together", "each", "target", ""], 2..6);
    for count in counts {
        let each = count.bytes as f64 / count.number as f64;
        table.add_row([
            count.name.clone(),
            count.about.clone(),
            count.number.to_string(),
            in_bytes(count.bytes as f64),
            in_bytes(each),
            count
                .target_bytes_each
                .map_or_else(String::new, |target| format!("< {}", in_bytes(target as f64))),
            count
                .target_bytes_each
                .map_or("", |target| if each < target as f64 { "met" } else { "not met" })
                .to_owned(),
        ]);
    }
    table
}

fn in_bytes(bytes: f64) -> String {
    match bytes {
        1048576.0.. => format!("{:.2} MiB", bytes / 1048576.0),
        1024.0.. => format!("{:.2} KiB", bytes / 1024.0),
        _ => format!("{bytes:.0} B"),
    }
}
