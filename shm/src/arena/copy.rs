//! Copies bytes into and out of memory that other processes write.
//!
//! A copy of up to one line goes by whole atomic words. That is exact in Rust's memory model and costs no more than
//! another way. A longer copy goes by `memcpy` on raw pointers. If another process writes the source meanwhile, the
//! *bytes* of the copy are meaningless, and only these. The protocol above never trusts them. The bounds come from
//! checked, private numbers, and no byte is interpreted before it has been copied.

use crate::arena::record::line::{LINE_BYTES, LINE_WORDS, Line};
use crate::sync::Relaxed;
use core::mem::MaybeUninit;

/// Copies `bytes` into `lines` from the first line on.
///
/// # Panics
/// If the bytes do not fit.
#[inline]
pub(crate) fn write(lines: &[Line], bytes: &[u8]) {
    assert!(bytes.len() <= lines.len() * LINE_BYTES);
    #[cfg(not(loom))]
    if bytes.len() > LINE_BYTES {
        return bulk::write(lines, bytes);
    }
    for (line, chunk) in lines.iter().zip(bytes.chunks(LINE_BYTES)) {
        write_line(line, chunk);
    }
}

/// Copies up to a line.
#[inline(always)]
pub(crate) fn write_line(line: &Line, bytes: &[u8]) {
    line.1.written();
    // Relaxed: the Release store of the ring's tail publishes the bytes.
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate().take(LINE_WORDS) {
        line.0[index].store(u64::from_le_bytes(*word), Relaxed);
    }
    if !rest.is_empty() && words.len() < LINE_WORDS {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        line.0[words.len()].store(u64::from_le_bytes(last), Relaxed);
    }
}

/// Fills all of `bytes` from `lines`. `bytes` may be uninitialised.
///
/// # Panics
/// If `lines` hold fewer bytes.
#[inline(always)]
pub(crate) fn read_uninit(lines: &[Line], bytes: &mut [MaybeUninit<u8>]) {
    assert!(bytes.len() <= lines.len() * LINE_BYTES);
    #[cfg(not(loom))]
    if bytes.len() > LINE_BYTES {
        return bulk::read(lines, bytes);
    }
    if bytes.len() <= LINE_BYTES
        && let Some(line) = lines.first()
    {
        return read_line_uninit(line, bytes);
    }
    for (line, chunk) in lines.iter().zip(bytes.chunks_mut(LINE_BYTES)) {
        read_line_uninit(line, chunk);
    }
}

/// Fills at most a line's worth of bytes.
#[inline(always)]
fn read_line_uninit(line: &Line, bytes: &mut [MaybeUninit<u8>]) {
    line.1.read();
    let (words, rest) = bytes.as_chunks_mut::<8>();
    let full = words.len();
    // Relaxed: the Acquire load of the ring's tail came first.
    for (index, word) in words.iter_mut().enumerate().take(LINE_WORDS) {
        *word = line.0[index].load(Relaxed).to_le_bytes().map(MaybeUninit::new);
    }
    if !rest.is_empty() && full < LINE_WORDS {
        let last = line.0[full].load(Relaxed).to_le_bytes().map(MaybeUninit::new);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

/// The first four bytes of a message. `call` uses them as its transaction id.
pub(crate) fn first_word(lines: &[Line]) -> u32 {
    lines.first().map_or(0, |line| line.0[0].load(Relaxed) as u32)
}

#[cfg(not(loom))]
mod bulk {
    use super::{LINE_BYTES, Line, MaybeUninit};

    pub(super) fn write(lines: &[Line], bytes: &[u8]) {
        assert!(bytes.len() <= lines.len() * LINE_BYTES);
        // SAFETY: the lines are `lines.len() * 64` contiguous bytes of interior-mutable memory (atomics), at
        // least as many as are copied; `bytes` is private memory, so the two cannot overlap.
        unsafe {
            let to = lines.as_ptr().cast_mut().cast::<u8>();
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
    }

    pub(super) fn read(lines: &[Line], bytes: &mut [MaybeUninit<u8>]) {
        assert!(bytes.len() <= lines.len() * LINE_BYTES);
        // SAFETY: as in `write`, in the other direction. The memory is initialised: it belongs to a mapped file.
        unsafe {
            core::ptr::copy_nonoverlapping(
                lines.as_ptr().cast::<MaybeUninit<u8>>(),
                bytes.as_mut_ptr(),
                bytes.len(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills `bytes` from `lines`.
    fn read(lines: &[Line], bytes: &mut [u8]) {
        let mut back = vec![MaybeUninit::uninit(); bytes.len()];
        read_uninit(lines, &mut back);
        // SAFETY: `read_uninit` fills all of the slice.
        bytes.iter_mut().zip(back).for_each(|(to, from)| *to = unsafe { from.assume_init() });
    }

    #[test]
    fn every_length_reads_back_unchanged() {
        let lines: Vec<Line> = (0..5).map(|_| Line::default()).collect();
        let bytes: Vec<u8> = (0..5 * LINE_BYTES).map(|i| i as u8 ^ 0x5a).collect();
        for len in 0..=bytes.len() {
            write(&lines, &bytes[..len]);
            let mut back = vec![0; len];
            read(&lines, &mut back);
            assert_eq!(back, bytes[..len], "{len} bytes");
        }
    }

    #[test]
    #[should_panic]
    fn writing_past_the_lines_panics() {
        write(&[Line::default()], &[0; 65]);
    }
}
