//! The operations on VM objects: they are written, read, cloned, resized and mapped.

#![expect(unsafe_code, reason = "mapped memory is read, written and unmapped")]

use crate::soak::worker::contents::{PAGE, assert_in_place, byte_at};
use fastrand::Rng;
use jacinth::*;
use std::ops::Range;

/// The most pages of an object. The first extents of objects of different sizes come from different pools.
const MOST_PAGES: usize = 40;
/// The most bytes of a write or a read.
const MOST_BYTES: usize = 3 * PAGE;
/// The most mappings at a time.
const MOST_MAPPINGS: usize = 4;

/// The VM objects of a worker, and what it has mapped of them, or of those that it had.
#[derive(Default)]
pub struct Memory {
    vmos: Vec<Vmo>,
    mappings: Vec<Mapping>,
}

/// Some pages, mapped for reading and writing.
struct Mapping {
    address: usize,
    bytes: usize,
}

impl Memory {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.vmos.len()
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = &Vmo> {
        self.vmos.iter()
    }

    /// One of the objects.
    pub fn any(&self, random: &mut Rng) -> Option<&Vmo> {
        random.choice(&self.vmos)
    }

    /// Takes one of the objects out. What is mapped of it stays.
    pub fn take(&mut self, random: &mut Rng) -> Option<Vmo> {
        let index = (!self.vmos.is_empty()).then(|| random.usize(0..self.vmos.len()))?;
        Some(self.vmos.swap_remove(index))
    }

    /// Adds one.
    pub fn keep(&mut self, vmo: Vmo) {
        self.vmos.push(vmo);
    }

    /// Makes an object. Its bytes are 0, also if another object had its pages before.
    pub fn create(&mut self, random: &mut Rng) -> Result<(), Status> {
        let bytes = random.usize(1..=MOST_PAGES) * PAGE;
        let options = if random.bool() { VmoOptions::empty() } else { VmoOptions::NON_RESIZABLE };
        let vmo = Vmo::create_with_opts(options, bytes as u64)?;
        // So that it has its extents.
        let last = bytes - 1;
        vmo.write(&[byte_at(last)], last as u64)?;
        vmo.write(&[byte_at(0)], 0)?;
        let mut read = vec![1; last - 1];
        vmo.read(&mut read, 1)?;
        assert!(read.iter().all(|byte| *byte == 0), "a new VM object has bytes of another one");
        self.vmos.push(vmo);
        Ok(())
    }

    /// Clones an object.
    pub fn clone_one(&mut self, random: &mut Rng) -> Result<(), Status> {
        let Some(vmo) = self.any(random) else { return Ok(()) };
        let first = random.usize(0..4) * PAGE;
        let bytes = random.usize(1..=MOST_PAGES) * PAGE;
        let options = if random.bool() { VmoChildOptions::empty() } else { VmoChildOptions::NON_RESIZABLE };
        let options = options | VmoChildOptions::COPY_ON_WRITE;
        let child = vmo.create_child(options, first as u64, bytes as u64)?;
        let mut read = vec![1; bytes];
        child.read(&mut read, 0)?;
        assert_in_place(&read, 0);
        self.vmos.push(child);
        Ok(())
    }

    /// Makes a second handle.
    pub fn duplicate(&mut self, random: &mut Rng) -> Result<(), Status> {
        if let Some(vmo) = self.any(random) {
            let vmo = vmo.duplicate(Rights::SAME_RIGHTS)?;
            self.vmos.push(vmo);
        }
        Ok(())
    }

    /// Performs one operation.
    pub fn step(&mut self, random: &mut Rng) -> Result<(), Status> {
        match random.u8(0..16) {
            0..4 => self.write(random),
            4..8 => self.read(random),
            8..10 => self.map(random),
            10 => self.unmap(random),
            11..13 => self.use_mapping(random),
            13 => self.protect(random),
            14 => self.set_size(random),
            _ => self.op_range(random),
        }
    }

    fn write(&self, random: &mut Rng) -> Result<(), Status> {
        let Some(vmo) = self.any(random) else { return Ok(()) };
        let range = part_of(vmo.get_size()? as usize, random);
        // It may have been cut meanwhile.
        vmo.write(&range.clone().map(byte_at).collect::<Vec<_>>(), range.start as u64)
    }

    fn read(&self, random: &mut Rng) -> Result<(), Status> {
        let Some(vmo) = self.any(random) else { return Ok(()) };
        let range = part_of(vmo.get_size()? as usize, random);
        let mut bytes = vec![0; range.len()];
        vmo.read(&mut bytes, range.start as u64)?;
        assert_in_place(&bytes, range.start);
        Ok(())
    }

    /// Not for objects that are not resizable.
    fn set_size(&self, random: &mut Rng) -> Result<(), Status> {
        let Some(vmo) = self.any(random) else { return Ok(()) };
        vmo.set_size((random.usize(1..=MOST_PAGES) * PAGE) as u64)
    }

    fn op_range(&self, random: &mut Rng) -> Result<(), Status> {
        let Some(vmo) = self.any(random) else { return Ok(()) };
        let op = if random.bool() { VmoOp::COMMIT } else { VmoOp::DECOMMIT };
        let range = part_of(vmo.get_size()? as usize, random);
        vmo.op_range(op, range.start as u64, range.len() as u64)
    }

    fn map(&mut self, random: &mut Rng) -> Result<(), Status> {
        if self.mappings.len() >= MOST_MAPPINGS {
            return Ok(());
        }
        let Some(vmo) = self.any(random) else { return Ok(()) };
        let (first, bytes) = (random.usize(0..4) * PAGE, random.usize(1..=MOST_PAGES) * PAGE);
        let flags = VmarFlags::PERM_READ | VmarFlags::PERM_WRITE;
        let address = own_vmar()?.map(0, vmo, first as u64, bytes, flags)?;
        self.mappings.push(Mapping { address, bytes });
        Ok(())
    }

    fn unmap(&mut self, random: &mut Rng) -> Result<(), Status> {
        if self.mappings.is_empty() {
            return Ok(());
        }
        let mapping = self.mappings.swap_remove(random.usize(0..self.mappings.len()));
        own_vmar()?.unmap(mapping.address, mapping.bytes, promise())
    }

    fn use_mapping(&self, random: &mut Rng) -> Result<(), Status> {
        let Some(mapping) = random.choice(&self.mappings) else { return Ok(()) };
        let range = part_of(mapping.bytes, random);
        if random.bool() {
            mapping.write(range);
        } else {
            assert_in_place(&mapping.read(range.clone()), range.start);
        }
        Ok(())
    }

    /// Takes the right to write for a while.
    fn protect(&self, random: &mut Rng) -> Result<(), Status> {
        let Some(mapping) = random.choice(&self.mappings) else { return Ok(()) };
        let both = VmarFlags::PERM_READ | VmarFlags::PERM_WRITE;
        for flags in [VmarFlags::PERM_READ, both] {
            own_vmar()?.protect(mapping.address, mapping.bytes, flags, promise())?;
        }
        Ok(())
    }
}

impl Mapping {
    /// Mappings begin at a page, so the places in it are those of the object.
    fn write(&self, range: Range<usize>) {
        for at in range {
            let to = std::ptr::with_exposed_provenance_mut::<u8>(self.address + at);
            // SAFETY: within the mapping, which is there until `unmap` takes it out. Other processes may write the byte.
            unsafe { to.write_volatile(byte_at(at)) };
        }
    }

    fn read(&self, range: Range<usize>) -> Vec<u8> {
        let byte = |at: usize| {
            let from = std::ptr::with_exposed_provenance::<u8>(self.address + at);
            // SAFETY: as in `write`.
            unsafe { from.read_volatile() }
        };
        range.map(byte).collect()
    }
}

/// The own address space.
fn own_vmar() -> Result<Unowned<'static, Vmar>, Status> {
    Ok(vmar_root_self()?.cast())
}

fn promise() -> MemoryPromise {
    // SAFETY: the worker has one thread, which does not touch the memory meanwhile, and afterwards as it may.
    unsafe { MemoryPromise::no_thread_relies_on_it() }
}

/// Some of so many bytes, which are whole pages.
fn part_of(bytes: usize, random: &mut Rng) -> Range<usize> {
    if bytes == 0 {
        return 0..0;
    }
    let first = random.usize(0..bytes);
    let many = if random.u8(0..4) == 0 { random.usize(1..MOST_BYTES) } else { random.usize(1..200) };
    first..bytes.min(first + many)
}
