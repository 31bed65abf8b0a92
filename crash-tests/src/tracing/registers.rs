//! The registers of a stopped thread.

use iced_x86::Register;
use nix::libc::{SYS_poll, SYS_ppoll, SYS_restart_syscall};

/// The general-purpose registers, `rip` and the flags.
pub type Registers = nix::libc::user_regs_struct;

/// The value of the register that an instruction names.
pub fn value_of(register: Register, registers: &Registers) -> u64 {
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

/// Whether a `syscall` with these registers is a poll, or resumes one that was interrupted.
pub fn is_poll(registers: &Registers) -> bool {
    [SYS_poll, SYS_ppoll, SYS_restart_syscall].contains(&registers.rax.cast_signed())
}
