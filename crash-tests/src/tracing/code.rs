//! This program's instructions: which are the project's own, and which change the arena.
//!
//! An instruction is the project's if any function that was inlined around it stands in the sources of `shm`,
//! `jacinth` or `capi/calls`. So the standard library's code inside one of their functions counts, and its own
//! functions do not: those touch the arena only where they were inlined.

use crate::tracing::registers::{Registers, value_of};
use anyhow::{Context as _, Result};
use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register};
use object::{Object as _, ObjectSection as _, ObjectSegment as _, ObjectSymbol as _};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

/// The parts of the source tree that kill points come from.
const OURS: [&str; 3] = ["shm/src/", "jacinth/src/", "capi/calls/src/"];

/// The code of this program.
pub struct Code {
    loader: addr2line::Loader,
    first_address: u64,
    start: u64,
    text: Vec<u8>,
    ours: RefCell<HashMap<u64, bool>>,
    changes: RefCell<HashMap<u64, Changes>>,
}

/// How an instruction may change the view of other processes.
#[derive(Clone, Debug)]
enum Changes {
    None,
    Syscall,
    Memory(Vec<Operand>),
}

/// A memory operand that is written: base + index · scale + displacement.
#[derive(Clone, Copy, Debug)]
struct Operand {
    base: Register,
    index: Register,
    scale: u64,
    displacement: u64,
}

impl Code {
    /// Reads the file of the program that is running.
    pub fn of_this_program() -> Result<Self> {
        let path = std::env::current_exe().context("finding this program's file")?;
        let bytes = std::fs::read(&path).context("reading this program's file")?;
        let file = object::File::parse(&*bytes).context("this program's file is no ELF file")?;
        let text = file.section_by_name(".text").context("this program has no .text")?;
        let first = file.segments().map(|segment| segment.address()).min().unwrap_or(0);
        let loader = addr2line::Loader::new(&path)
            .map_err(|error| anyhow::anyhow!("reading this program's line tables: {error}"))?;
        let code = Self {
            loader,
            // The kernel maps whole pages.
            first_address: first & !0xfff,
            start: text.address(),
            text: text.data()?.to_vec(),
            ours: RefCell::default(),
            changes: RefCell::default(),
        };
        Ok(code)
    }

    /// The address, in the program's file, of its first page.
    pub fn first_address(&self) -> u64 {
        self.first_address
    }

    /// The addresses of all functions of `jacinth-shm` with a path that ends in this, generic arguments aside.
    pub fn addresses_of(&self, path: &str) -> Result<Vec<u64>> {
        let bytes = std::fs::read(std::env::current_exe()?).context("reading this program's file")?;
        let file = object::File::parse(&*bytes).context("this program's file is no ELF file")?;
        let suffix = format!("::{path}");
        let is_wanted = |name: &str| {
            let name = format!("{:#}", rustc_demangle::demangle(name));
            name.contains("jacinth_shm") && without_generics(&name).ends_with(&suffix)
        };
        let functions = file.symbols().filter(|symbol| symbol.name().is_ok_and(is_wanted));
        Ok(functions.map(|symbol| symbol.address()).collect())
    }

    /// Whether the address lies in this program, and not in a shared library.
    pub fn is_inside(&self, address: u64) -> bool {
        (self.start..self.start + self.text.len() as u64).contains(&address)
    }

    /// Whether the instruction is the project's own.
    pub fn is_ours(&self, address: u64) -> bool {
        self.is_inside(address)
            && *self.ours.borrow_mut().entry(address).or_insert_with(|| self.stands_in_our_files(address))
    }

    fn stands_in_our_files(&self, address: u64) -> bool {
        let Ok(mut frames) = self.loader.find_frames(address) else { return false };
        // From the function that was inlined last to the function around all of them. One of the project's is enough.
        while let Ok(Some(frame)) = frames.next() {
            let file = frame.location.and_then(|location| location.file);
            // An atomic operation that was not inlined may be an access to the arena.
            let is_atomic = || {
                frame.function.as_ref().is_some_and(|name| {
                    name.raw_name()
                        .is_ok_and(|name| name.contains("sync6atomic") || name.contains("sync::atomic"))
                })
            };
            if file.is_some_and(|file| OURS.iter().any(|ours| file.contains(ours))) || is_atomic() {
                return true;
            }
        }
        false
    }

    /// Whether executing the instruction with these registers writes into the arena or enters the kernel.
    pub fn is_change(&self, address: u64, registers: &Registers, arena: &Option<Range<u64>>) -> bool {
        if !self.is_inside(address) {
            return false;
        }
        let mut known = self.changes.borrow_mut();
        // An instruction is decoded once and executed often. Only the addresses of its operands differ each time.
        match known.entry(address).or_insert_with(|| self.decode(address)) {
            Changes::None => false,
            Changes::Syscall => true,
            Changes::Memory(operands) => arena.as_ref().is_some_and(|arena| {
                operands.iter().any(|operand| arena.contains(&operand.address(registers)))
            }),
        }
    }

    /// Whether the instruction is `syscall`.
    pub fn is_syscall(&self, address: u64) -> bool {
        let offset = address.wrapping_sub(self.start) as usize;
        // The encoding of `syscall`. An address below the text wraps round, and is beyond its end.
        self.text.get(offset..).is_some_and(|text| text.starts_with(&[0x0f, 0x05]))
    }

    fn decode(&self, address: u64) -> Changes {
        let offset = (address - self.start) as usize;
        let mut decoder = Decoder::with_ip(64, &self.text[offset..], address, DecoderOptions::NONE);
        let instruction: Instruction = decoder.decode();
        if instruction.mnemonic() == Mnemonic::Syscall {
            return Changes::Syscall;
        }
        let mut factory = InstructionInfoFactory::new();
        // A conditional write counts, since only its execution tells whether it takes place: so does a CAS that fails.
        let writes = |access| {
            matches!(
                access,
                OpAccess::Write | OpAccess::CondWrite | OpAccess::ReadWrite | OpAccess::ReadCondWrite
            )
        };
        let operands = factory.info(&instruction).used_memory().iter().filter(|used| writes(used.access()));
        let operands: Vec<_> = operands
            .map(|used| Operand {
                base: used.base(),
                index: used.index(),
                scale: used.scale().into(),
                displacement: used.displacement(),
            })
            .collect();
        if operands.is_empty() { Changes::None } else { Changes::Memory(operands) }
    }

    /// The instruction for a reader: its function, and the nearest line of the project's sources.
    pub fn describe(&self, address: u64) -> String {
        let mut lines = Vec::new();
        if let Ok(mut frames) = self.loader.find_frames(address) {
            while let Ok(Some(frame)) = frames.next() {
                let function =
                    frame.function.as_ref().and_then(|name| name.demangle().ok().map(String::from));
                let place = frame.location.and_then(|location| {
                    let file = location.file?;
                    let from = OURS.iter().find_map(|ours| file.find(ours))?;
                    Some(format!("{}:{}", &file[from..], location.line.unwrap_or(0)))
                });
                if let Some(place) = place {
                    lines.push(format!("{} at {place}", short(&function.unwrap_or_default())));
                }
            }
        }
        match lines.as_slice() {
            [] => self.loader.find_symbol(address).map_or_else(
                || "outside the program".into(),
                |symbol| rustc_demangle::demangle(symbol).to_string(),
            ),
            lines => lines.join(", in "),
        }
    }
}

/// A function's name without generic arguments at its end.
fn without_generics(name: &str) -> &str {
    name.strip_suffix('>').and_then(|name| name.rfind("::<").map(|at| &name[..at])).unwrap_or(name)
}

/// The last two parts of a function's path, without generic arguments.
fn short(name: &str) -> &str {
    let end = name.find('<').filter(|at| *at > 0).unwrap_or(name.len());
    let name = name[..end].trim_end_matches("::");
    let mut parts = name.rmatch_indices("::");
    parts.nth(1).map_or(name, |(at, _)| &name[at + 2..])
}

impl Operand {
    fn address(self, registers: &Registers) -> u64 {
        let index = value_of(self.index, registers).wrapping_mul(self.scale);
        value_of(self.base, registers).wrapping_add(index).wrapping_add(self.displacement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_keeps_two_parts() {
        assert_eq!(short("jacinth_shm::channel::write::send"), "write::send");
        assert_eq!(short("jacinth_shm::map::take::<u32>"), "map::take");
        assert_eq!(short("main"), "main");
    }

    #[test]
    fn names_omit_trailing_generic_arguments() {
        assert_eq!(without_generics("jacinth_shm::map::take::<u32>"), "jacinth_shm::map::take");
        assert_eq!(without_generics("<jacinth_shm::Thread>::close"), "<jacinth_shm::Thread>::close");
    }
}
