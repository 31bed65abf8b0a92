//! Times the calls of the C interface beside the Rust calls that they are made of.

#[path = "../../capi/tests/support/mod.rs"]
mod support;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use jacinth::{
    Channel, Config, Event, HandleBased, InPlace, Loan, MonotonicInstant, NullableHandle, OnOverflow, Rights,
    Signals, Status, Supervisor, raw,
};
use jacinth_bench::report::plain;
use jacinth_capi_calls::user_memory::fault_guard;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, IoSliceMut, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Instant;
use support::{Language, Linkage};

/// Times each call three ways, one after another in every round: from Rust, and from a C program with libjacinth.so and
/// with libjacinth.a. The medians of all rounds are shown, in nanoseconds. Needs a C compiler (`CC` or `cc`).
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A few rounds: to see that it works
    #[arg(long)]
    quick: bool,

    /// The argument that cargo gives to every bench
    #[arg(long, hide = true)]
    bench: bool,

    /// Write the medians to this file as well, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// How long one attempt is meant to take, and how many calls are made to find out how many that is.
const ATTEMPT_NS: f64 = 2e6;
const TRIAL_CALLS: u64 = 200;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("c_calls: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let _supervisor = Supervisor::create(&Config::default()).context("making an arena")?;
    let compiled = [compile(Linkage::Shared), compile(Linkage::Static)];
    let [shared, archive] = compiled.map(|program| Program::start(&program.map_err(anyhow::Error::msg)?));
    let mut programs = [shared?, archive?];
    let rounds = if arguments.quick { 3 } else { 101 };
    let mut operations = operations()?;
    let mut rows = Vec::new();
    let progress = ProgressBar::new(operations.len() as u64 * rounds);
    progress.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} rounds  {msg}")?);
    for (name, once) in &mut operations {
        progress.set_message(*name);
        let times = ((ATTEMPT_NS / time(once, TRIAL_CALLS)?) as u64).max(1);
        let mut samples: [Vec<f64>; 3] = Default::default();
        for _ in 0..rounds {
            samples[0].push(time(once, times)?);
            for (program, samples) in programs.iter_mut().zip(&mut samples[1..]) {
                samples.push(program.time(name, times)?);
            }
            progress.inc(1);
        }
        rows.push((*name, samples.map(median)));
    }
    progress.finish_and_clear();
    show(&rows);
    fault_guard::install_handler();
    show_guard(rounds);
    if let Some(path) = &arguments.markdown {
        std::fs::write(path, markdown(&rows)).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// One call, or a few that undo each other.
type Once = Box<dyn FnMut() -> Result<(), Status>>;

/// The same as `c/operations.c` has, under the same names.
fn operations() -> Result<Vec<(&'static str, Once)>> {
    let event = Event::try_create()?;
    let (ours, theirs) = Channel::try_create()?;
    let handle = event.raw_handle();
    let (write, read) = (ours.raw_handle(), theirs.raw_handle());
    // They live as long as the program.
    std::mem::forget((event, ours, theirs));
    let write_read = |size: usize| -> Once {
        let mut bytes = vec![0; size];
        Box::new(move || {
            raw::channel_write(write, &bytes, &[])?;
            raw::channel_read(read, OnOverflow::Keep, &mut bytes, &mut []).0
        })
    };
    // A message that is filled and read where it lies.
    let loan = |size: usize| -> Once {
        Box::new(move || {
            let mut loan = Loan::of_channel(write, size, 0)?;
            loan.fill(1);
            loan.commit()?;
            InPlace::of_channel(read).map(drop)
        })
    };
    let mut travelling = Some(Event::try_create()?.into_handle());
    let mut bytes = [0; 64];
    Ok(vec![
        ("handle_valid", Box::new(move || raw::check_valid(handle))),
        (
            "handle_basic",
            Box::new(move || {
                raw::basic(handle).map(|basic| {
                    std::hint::black_box(basic);
                })
            }),
        ),
        ("duplicate_close", Box::new(move || raw::close(raw::duplicate(handle, Rights::SAME_RIGHTS)?))),
        ("event_create_close", Box::new(|| Event::try_create().map(drop))),
        ("channel_create_close", Box::new(|| Channel::try_create().map(drop))),
        (
            "signal_set_clear",
            Box::new(move || {
                raw::signal(handle, Signals::NONE, Signals::USER_0)?;
                raw::signal(handle, Signals::USER_0, Signals::NONE)
            }),
        ),
        (
            "wait_one",
            Box::new(move || raw::wait_one(write, Signals::CHANNEL_WRITABLE, MonotonicInstant::INFINITE).0),
        ),
        ("write_read_64", write_read(64)),
        ("write_read_1k", write_read(1024)),
        ("write_read_64k", write_read(65_536)),
        (
            "write_read_handle",
            Box::new(move || {
                let value = travelling.take().ok_or(Status::BAD_HANDLE)?.into_raw();
                raw::channel_write(write, &bytes, &[value])?;
                let mut handles = [None];
                let (result, _) = raw::channel_read(read, OnOverflow::Keep, &mut bytes, &mut handles);
                travelling =
                    handles[0].map(|received: raw::Received| NullableHandle::from_raw(received.value.0));
                result
            }),
        ),
        ("loan_1k", loan(1024)),
        ("loan_64k", loan(65_536)),
    ])
}

fn time(once: &mut Once, times: u64) -> Result<f64> {
    let start = Instant::now();
    for _ in 0..times {
        once()?;
    }
    Ok(start.elapsed().as_nanos() as f64 / times as f64)
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// The C program, linked so with libjacinth as cargo builds it for release.
fn compile(linkage: Linkage) -> Result<PathBuf, String> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("operations-{linkage:?}"));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = support::compiler(Language::C);
    compiler.args(["-O2", "-I"]).arg(here.join("../capi/include"));
    compiler.arg(here.join("c/operations.c")).arg("-o").arg(&program);
    support::link(&mut compiler, support::library()?, linkage);
    support::run(compiler)?;
    Ok(program)
}

/// A C program that times calls on orders.
struct Program {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn start(path: &Path) -> Result<Self> {
        let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let answers = BufReader::new(child.stdout.take().context("its output is a pipe")?);
        Ok(Self { child, answers })
    }

    fn time(&mut self, name: &str, times: u64) -> Result<f64> {
        let input = self.child.stdin.as_mut().context("its input is a pipe")?;
        writeln!(input, "{name} {times}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let nanoseconds: f64 = line.trim().parse().with_context(|| format!("{name} gave {line:?}"))?;
        ensure!(nanoseconds >= 0.0, "the C program knows no operation {name}");
        Ok(nanoseconds)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // The end of its input is the end of the program.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn show(rows: &[(&str, [f64; 3])]) {
    let mut table = plain::table(&["call", "Rust", "C, .so", "C, .a", ".so over Rust", ".a over Rust"], 1..6);
    for (name, [rust, shared, archive]) in rows {
        let mut cells = vec![(*name).to_owned()];
        cells.extend([*rust, *shared, *archive].map(|ns| format!("{ns:.1} ns")));
        cells.extend([shared - rust, archive - rust].map(|ns| format!("{ns:+.1} ns")));
        table.add_row(cells);
    }
    println!("{table}");
}

/// The cost of checking a pointer, beside asking the kernel.
fn show_guard(rounds: u64) {
    let mut table = plain::table(&["a look at", "guarded read", "guarded write", "process_vm_readv"], 1..4);
    for size in [4, 64, 4096, 65_536] {
        let mut bytes = vec![0u8; size];
        let mut samples: [Vec<f64>; 3] = Default::default();
        for _ in 0..rounds {
            samples[0].push(each(|| assert!(fault_guard::is_readable(bytes.as_ptr().cast(), size))));
            samples[1].push(each(|| assert!(fault_guard::is_writable(bytes.as_mut_ptr().cast(), size))));
            samples[2].push(each(|| assert!(asks_the_kernel(&bytes))));
        }
        let mut cells = vec![format!("{size} bytes")];
        cells.extend(samples.map(|samples| format!("{:.1} ns", median(samples))));
        table.add_row(cells);
    }
    println!("\n{table}");
}

fn each(mut look: impl FnMut()) -> f64 {
    const TIMES: u32 = 10_000;
    let start = Instant::now();
    for _ in 0..TIMES {
        look();
        std::hint::black_box(());
    }
    start.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

/// The other way to find out: one byte of each page, read by the kernel.
fn asks_the_kernel(bytes: &[u8]) -> bool {
    let mut found = [0; 17];
    let mut pages = [RemoteIoVec { base: 0, len: 0 }; 17];
    let mut count = 0;
    for (place, page) in pages.iter_mut().zip(bytes.chunks(4096)) {
        *place = RemoteIoVec { base: page.as_ptr().addr(), len: 1 };
        count += 1;
    }
    process_vm_readv(Pid::this(), &mut [IoSliceMut::new(&mut found[..count])], &pages[..count]) == Ok(count)
}

fn markdown(rows: &[(&str, [f64; 3])]) -> String {
    let mut text =
        String::from("| call | Rust | C, libjacinth.so | C, libjacinth.a |\n|---|---:|---:|---:|\n");
    for (name, [rust, shared, archive]) in rows {
        text += &format!("| `{name}` | {rust:.1} ns | {shared:.1} ns | {archive:.1} ns |\n");
    }
    text
}
