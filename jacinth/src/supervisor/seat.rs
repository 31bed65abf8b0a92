//! A seat: a process slot that waits for a program, with the program's startup handle.
//!
//! ```text
//!  free ──▶ taken            a program asks for it: the supervisor gives it to that one program alone
//!    └────▶ given back       dropped, or its preparer died, or its program died before it had attached: the handle is closed
//! ```
//!
//! There is no timer. A seat belongs to its preparer's row (STARTING in `jacinth_shm`), so recovery of the preparer gives it
//! back; from the moment in which a program is admitted, that program is watched instead. So at any instruction exactly one
//! living process answers for the slot and its handle.

use crate::attachment::current_process::Attachment;
use crate::attachment::current_thread::with_thread;
use crate::attachment::error::AttachError;
use crate::detail;
use crate::handle::NullableHandle;
use crate::membership::environment::{SLOT_VARIABLE, SOCKET_VARIABLE, SlotToken};
use crate::membership::protocol::Request;
use crate::membership::spawn_error::SpawnError;
use crate::supervisor::requests::request;
use crate::types::rights::Rights;
use crate::types::status::Status;
use jacinth_shm::{self as shm, SlotState};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::process::Command;

/// A place in the arena for one program that another one starts, with the program's startup handle:
/// [`Supervisor::prepare`](crate::Supervisor::prepare).
///
/// The program needs two [variables](Self::variables) in its environment. Its first call attaches it, and
/// [`take_startup_handle`](crate::take_startup_handle) gives it the handle.
///
/// *One program takes the seat*: the first one that asks. Another program with the same variables (its child, or a second one
/// that was started with them) is attached too, and has no startup handle: `take_startup_handle` gives it
/// [`AttachError::LostSeat`](crate::AttachError::LostSeat). So does a program that comes when the seat was given back.
///
/// *A seat that no program takes is given back*, and its startup handle is closed: when this value is dropped, or when the
/// process that prepared it dies or replaces itself by exec. So keep the value until the program has attached, as its first
/// message shows, or [`leave`](Self::leave) the seat. There is no timeout: a program that waits only so long drops the value
/// then. A program that has asked for the seat and dies before it has attached gives it back too. The drop of a seat that is
/// still free asks the supervisor, and waits for the answer as [`give_back`](Self::give_back) does.
///
/// ```
/// # use jacinth::*;
/// # let supervisor = Supervisor::create(&Config::default())?;
/// let (ours, theirs) = Channel::create();
/// let seat = supervisor.prepare(theirs)?;
/// println!("{}", seat.to_shell().display()); // JACINTH_SOCKET='/run/user/1000/…' JACINTH_SLOT='2:0:…'
/// drop(seat); // No program has taken it.
/// ours.wait_one(Signals::CHANNEL_PEER_CLOSED, std::time::Duration::from_secs(5)).to_result()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "a seat that is dropped is given back"]
pub struct Seat {
    attachment: &'static Attachment,
    token: SlotToken,
    /// Whether the drop gives it back.
    is_held: bool,
}

/// Reserves a slot, and moves the handle there; an invalid one stands for none.
pub(crate) fn prepare(attachment: &'static Attachment, startup: NullableHandle) -> Result<Seat, SpawnError> {
    let reserve = || with_thread(|thread| thread.process().arena().reserve_slot(thread));
    let slot = match reserve() {
        // Slots of dead processes, and canceled slots, may not be free yet.
        Err(Status::NO_RESOURCES) => collect(attachment).and_then(|()| reserve()),
        reserved => reserved,
    };
    let slot = slot.map_err(SpawnError::Arena)?;
    let token = SlotToken::of(attachment.process.arena(), slot);
    let seat = Seat { attachment, token, is_held: true };
    if startup.is_invalid() {
        return Ok(seat);
    }
    // The handle moves before the program starts, so it is there at the program's first call. If this process dies
    // in between, recovery closes it with the slot.
    let moved = with_thread(|thread| {
        let found = thread.lookup(shm::HandleValue(startup.raw_handle()))?;
        found.require(Rights::TRANSFER.into())?;
        thread.leave_startup_handle(found, slot)
    });
    // After an error `startup` still owns its handle, and closes it; the seat is given back.
    moved.map_err(SpawnError::StartupHandle)?;
    // The slot owns the handle now, so this owner must not close it.
    let _moved = startup.into_raw();
    Ok(seat)
}

/// The seat with this text. Its drop leaves it as it is.
pub(crate) fn of_text(attachment: &'static Attachment, text: &str) -> Result<Seat, Status> {
    if !attachment.process.is_here() {
        return Err(detail::because_of(Status::BAD_STATE, &AttachError::Forked));
    }
    let malformed = || detail::because_of(Status::INVALID_ARGS, &AttachError::BadSlot(text.into()));
    let token = SlotToken::read(text).ok_or_else(malformed)?;
    if token.arena != attachment.process.arena().id() {
        return Err(detail::because(Status::NOT_FOUND, "this is a seat of another arena"));
    }
    Ok(Seat { attachment, token, is_held: false })
}

/// Frees the slots of the dead.
fn collect(attachment: &Attachment) -> Result<(), Status> {
    let asked = request(attachment, Request::Collect, None);
    let (answer, _) = asked.map_err(|error| detail::because_of(Status::UNAVAILABLE, &error))?;
    answer.status()
}

impl Seat {
    /// The variables that the program needs in its environment, by name and value: [`SOCKET_VARIABLE`](crate::SOCKET_VARIABLE)
    /// and [`SLOT_VARIABLE`](crate::SLOT_VARIABLE). The values are no secrets.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let seat = supervisor.prepare(Event::create())?;
    /// let mut program = std::process::Command::new("a-worker");
    /// program.env_clear().envs(seat.variables());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn variables(&self) -> [(&'static str, OsString); 2] {
        let socket = self.attachment.socket_path.as_path().as_os_str().to_owned();
        [(SOCKET_VARIABLE, socket), (SLOT_VARIABLE, self.slot_text().into())]
    }

    /// The value of [`SLOT_VARIABLE`](crate::SLOT_VARIABLE): the text that [`Supervisor::seat`](crate::Supervisor::seat)
    /// takes.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let seat = supervisor.prepare(Event::create())?;
    /// assert!(supervisor.seat(&seat.slot_text())?.is_free());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn slot_text(&self) -> String {
        self.token.to_string()
    }

    /// Sets the [variables](Self::variables) of a command. Of the programs that are started with it, one takes the seat.
    ///
    /// ```no_run
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let seat = supervisor.prepare(Event::create())?;
    /// let child = seat.prepare(&mut std::process::Command::new("a-worker")).spawn()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prepare<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        command.envs(self.variables())
    }

    /// The [variables](Self::variables) as words for a POSIX shell, in quotes where they need some:
    /// `JACINTH_SOCKET='…' JACINTH_SLOT='…'`. They stand before a command, or after `export` or `env`.
    ///
    /// ```no_run
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let seat = supervisor.prepare(Event::create())?;
    /// let mut script = seat.to_shell();
    /// script.push(" exec a-worker --verbose");
    /// let child = std::process::Command::new("sh").arg("-c").arg(script).spawn()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_shell(&self) -> OsString {
        let word = |(name, value): (&str, OsString)| {
            let mut word = format!("{name}='").into_bytes();
            for byte in value.as_bytes() {
                // A quote ends the quoted part, stands for itself, and begins the next one.
                word.extend_from_slice(if *byte == b'\'' { b"'\\''" } else { std::slice::from_ref(byte) });
            }
            word.push(b'\'');
            word
        };
        OsString::from_vec(self.variables().map(word).join(&b' '))
    }

    /// The [variables](Self::variables) as a line of a systemd unit: `Environment="JACINTH_SOCKET=…" "JACINTH_SLOT=…"`. A
    /// unit that is started again needs another seat, so this suits transient units (`systemd-run --property=`).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let seat = supervisor.prepare(Event::create())?;
    /// assert!(seat.to_systemd().to_string_lossy().starts_with("Environment=\"JACINTH_SOCKET="));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn to_systemd(&self) -> OsString {
        let word = |(name, value): (&str, OsString)| {
            let mut word = format!("\"{name}=").into_bytes();
            for byte in value.as_bytes() {
                match byte {
                    // `%` begins a specifier.
                    b'%' => word.extend_from_slice(b"%%"),
                    b'"' | b'\\' => word.extend_from_slice(&[b'\\', *byte]),
                    0..=31 | 127 => word.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
                    _ => word.push(*byte),
                }
            }
            word.push(b'"');
            word
        };
        let mut line = OsString::from("Environment=");
        line.push(OsString::from_vec(self.variables().map(word).join(&b' ')));
        line
    }

    /// Whether no program has taken it, and it was not given back.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// assert!(supervisor.prepare(Event::create())?.is_free());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.attachment.process.is_here()
            && self.attachment.process.arena().slot_state(self.token.slot) == SlotState::Waiting
    }

    /// Gives it back now, as a drop does, and reports the result: if this succeeds, no program takes the seat any more, and
    /// its startup handle is closed.
    ///
    /// # Errors
    /// - [`Status::BAD_STATE`]: a program has taken it and lives, or this is a forked child.
    /// - [`Status::UNAVAILABLE`]: the supervisor did not answer within its [timeout](crate::set_supervisor_timeout). The seat
    ///   is given back by the death of its preparer then.
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// supervisor.prepare(Event::create())?.give_back()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn give_back(mut self) -> Result<(), Status> {
        self.is_held = false;
        self.cancel()
    }

    /// Leaves the seat to its program without this value: it is given back only by the death of the process that prepared
    /// it. The text is for [`Supervisor::seat`](crate::Supervisor::seat).
    ///
    /// ```
    /// # use jacinth::*;
    /// # let supervisor = Supervisor::create(&Config::default())?;
    /// let text = supervisor.prepare(Event::create())?.leave();
    /// assert!(supervisor.seat(&text)?.is_free());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn leave(mut self) -> String {
        self.is_held = false;
        self.slot_text()
    }

    pub(crate) fn slot(&self) -> shm::ProcessSlot {
        self.token.slot
    }

    fn cancel(&self) -> Result<(), Status> {
        // A forked child has a copy of the value, and its parent's connection.
        if !self.attachment.process.is_here() {
            return Err(detail::because_of(Status::BAD_STATE, &AttachError::Forked));
        }
        let asked = request(self.attachment, Request::CancelSlot { slot: self.token.slot }, None);
        let (answer, _) = asked.map_err(|error| detail::because_of(Status::UNAVAILABLE, &error))?;
        answer.status()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A seat that is taken, or was given back, needs no question.
        if self.is_held && self.is_free() {
            let _ = self.cancel();
        }
    }
}
