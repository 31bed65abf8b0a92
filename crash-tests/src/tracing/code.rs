//! What is known of this program's instructions: which are the project's own, and which change the arena.
//!
//! An instruction is the project's if any function that was inlined around it stands in the sources of `shm`,
//! `runtime` or `capi/calls`: the standard library's code inside one of their functions counts, its own functions
//! do not. They never touch the arena but through what was inlined.

use anyhow::{Context as _, Result};
use iced_x86::{Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register};
use object::{Object as _, ObjectSection as _, ObjectSegment as _};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use crate::tracing::tracee::Registers;

/// The parts of the source tree whose instructions are looked at.
const OURS: [&str; 3] = ["shm/src/", "runtime/src/", "capi/calls/src/"];

/// The program's code.
pub struct Code {
    loader: addr2line::Loader,
    first_address: u64,
    start: u64,
    text: Vec<u8>,
    ours: RefCell<HashMap<u64, bool>>,
    changes: RefCell<HashMap<u64, Changes>>,
}

/// What an instruction may do that others can see.
#[derive(Clone, Debug)]
enum Changes {
    Nothing,
    System,
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
    /// Of the program that is running.
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
            first_address: first & !0xfff,
            start: text.address(),
            text: text.data()?.to_vec(),
            ours: RefCell::default(),
            changes: RefCell::default(),
        };
        Ok(code)
    }

    /// The lowest address of the program, where its first page is loaded.
    pub fn first_address(&self) -> u64 {
        self.first_address
    }

    /// Whether the address lies in this program, and not in a shared library.
    pub fn is_inside(&self, address: u64) -> bool {
        (self.start..self.start + self.text.len() as u64).contains(&address)
    }

    /// Whether the instruction is the project's.
    pub fn is_ours(&self, address: u64) -> bool {
        self.is_inside(address)
            && *self.ours.borrow_mut().entry(address).or_insert_with(|| self.stands_in_our_files(address))
    }

    fn stands_in_our_files(&self, address: u64) -> bool {
        let Ok(mut frames) = self.loader.find_frames(address) else { return false };
        while let Ok(Some(frame)) = frames.next() {
            let file = frame.location.and_then(|location| location.file);
            // Atomics that were not inlined are somebody's look at the arena.
            let atomic = || {
                frame.function.as_ref().is_some_and(|name| {
                    name.raw_name()
                        .is_ok_and(|name| name.contains("sync6atomic") || name.contains("sync::atomic"))
                })
            };
            if file.is_some_and(|file| OURS.iter().any(|ours| file.contains(ours))) || atomic() {
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
        match known.entry(address).or_insert_with(|| self.decode(address)) {
            Changes::Nothing => false,
            Changes::System => true,
            Changes::Memory(operands) => arena.as_ref().is_some_and(|arena| {
                operands.iter().any(|operand| arena.contains(&operand.address(registers)))
            }),
        }
    }

    /// Whether the instruction is `syscall`.
    pub fn is_call_of_the_kernel(&self, address: u64) -> bool {
        let offset = address.wrapping_sub(self.start) as usize;
        self.text.get(offset..).is_some_and(|text| text.starts_with(&[0x0f, 0x05]))
    }

    fn decode(&self, address: u64) -> Changes {
        let offset = (address - self.start) as usize;
        let mut decoder = Decoder::with_ip(64, &self.text[offset..], address, DecoderOptions::NONE);
        let instruction: Instruction = decoder.decode();
        if instruction.mnemonic() == Mnemonic::Syscall {
            return Changes::System;
        }
        let mut factory = InstructionInfoFactory::new();
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
        if operands.is_empty() { Changes::Nothing } else { Changes::Memory(operands) }
    }

    /// The instruction in words: its function, and the line of the project's sources nearest to it.
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

/// A function's name without its path's head.
fn short(name: &str) -> &str {
    let end = name.find('<').filter(|at| *at > 0).unwrap_or(name.len());
    let name = name[..end].trim_end_matches("::");
    let mut parts = name.rmatch_indices("::");
    parts.nth(1).map_or(name, |(at, _)| &name[at + 2..])
}

impl Operand {
    fn address(self, registers: &Registers) -> u64 {
        let index = value(self.index, registers).wrapping_mul(self.scale);
        value(self.base, registers).wrapping_add(index).wrapping_add(self.displacement)
    }
}

fn value(register: Register, registers: &Registers) -> u64 {
    match register.full_register() {
        Register::RAX => registers.rax,
        Register::RBX => registers.rbx,
        Register::RCX => registers.rcx,
        Register::RDX => registers.rdx,
        Register::RSI => registers.rsi,
        Register::RDI => registers.rdi,
        Register::RBP => registers.rbp,
        Register::RSP => registers.rsp,
        Register::R8 => registers.r8,
        Register::R9 => registers.r9,
        Register::R10 => registers.r10,
        Register::R11 => registers.r11,
        Register::R12 => registers.r12,
        Register::R13 => registers.r13,
        Register::R14 => registers.r14,
        Register::R15 => registers.r15,
        // RIP-relative operands carry their whole address; they never lie in the arena.
        _ => 0,
    }
}
