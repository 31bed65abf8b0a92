//! The part of the audit that looks at ports: their blocks, their cells, and the indices of the objects they observe.

use crate::arena::Arena;
use crate::arena::error::Result;
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::Entry;
use crate::arena::word::lifecycle::{Lifecycle, LifecycleState};
use crate::arena::word::port::cell::CellState;
use crate::arena::word::port::index::IndexWord;
use crate::arena::word::port::ring::RingWord;
use crate::arena::word::reference::{ObjectRef, Slot, Tag};
use crate::arena::word::row::RowState;
use crate::arena::word::signals::State;
use crate::memory::slot_pages;
use crate::object::class::Class;
use crate::object::port::blocks::{self, Part, RING_PLACES};
use crate::object::port::cells::{self, Cell, Purpose};
use crate::object::port::{Port, index, ring};
use crate::sync::Relaxed;
use std::collections::HashSet;

/// What ports and indices hold, and the faults in them.
#[derive(Default)]
pub(super) struct Ports {
    /// Every block of a port and of an index, with the side it is bound to.
    pub(super) blocks: Vec<(BlockId, ObjectRef)>,
    pub(super) findings: Vec<String>,
    /// The words of all indices, each with its side.
    indexed: HashSet<(u32, u64)>,
}

/// Walks over all ports and indices.
pub(super) fn walk(arena: &Arena) -> Result<Ports> {
    let mut ports = Ports::default();
    let mut slots = Vec::new();
    for slot in (0..arena.used_slots()).map(Slot) {
        let lifecycle = slot_pages::lifecycle_of(arena, slot)?;
        // A retired object keeps its index, and a retired port its blocks, until it is reclaimed.
        if !matches!(lifecycle.state(), LifecycleState::Live | LifecycleState::Retired) {
            continue;
        }
        for side in 0..if lifecycle.is_two_sided() { 2 } else { 1 } {
            let side = ObjectRef::new(slot, side);
            if State(arena.state(side)?.load(Relaxed)).has(State::INDEXED) {
                ports.walk_index(arena, side)?;
            }
        }
        if lifecycle.class_number() == Port::NUMBER {
            slots.push((slot, lifecycle.state()));
        }
    }
    for (slot, state) in slots {
        let side = ObjectRef::new(slot, 0);
        ports.blocks.extend(blocks::all(arena, slot)?.into_iter().map(|(_, block)| (block, side)));
        if state == LifecycleState::Live {
            ports.walk_cells(arena, slot)?;
        }
    }
    Ok(ports)
}

impl Ports {
    fn walk_index(&mut self, arena: &Arena, side: ObjectRef) -> Result<()> {
        for block in index::blocks(arena, side)? {
            self.blocks.push((block?, side));
        }
        for word in index::words(arena, side)? {
            self.indexed.insert((side.0, word?.load(Relaxed)));
        }
        Ok(())
    }

    fn walk_cells(&mut self, arena: &Arena, port: Slot) -> Result<()> {
        let placed = self.placed(arena, port)?;
        let overflowed = ring::has_overflowed(arena, port)?;
        for cell in cells::all(arena, port) {
            let cell = cell?;
            let word = cell.load();
            let fault = match word.state() {
                // No thread that looks for a cell would find it.
                CellState::Free if cells::shows_use(cell) => Some("is free and hidden"),
                CellState::Free => None,
                CellState::Reserved(tag) if !is_alive(arena, tag) => {
                    Some("is reserved, and its thread is gone")
                }
                CellState::Reserved(_) => None,
                // Only a thread whose hazard names the port is to put it into the ring.
                CellState::Fired if !overflowed => Some("has a packet that no thread puts into the ring"),
                CellState::Queued if !overflowed && !placed.contains(&(cell.id.number(), word.epoch())) => {
                    Some("has a packet that the ring does not name")
                }
                CellState::Armed | CellState::Fired | CellState::Queued => None,
            };
            let observes = word.state() == CellState::Armed || word.has_packet() && word.is_repeating();
            let fault = match fault {
                None if observes && Purpose::of(cell.id) == Purpose::Observer => {
                    self.observer(arena, port, cell)?
                }
                fault => fault,
            };
            if let Some(fault) = fault {
                self.findings.push(format!("port {port}: cell {:?} {fault}: {word:?}", cell.id));
            }
        }
        Ok(())
    }

    /// The packets that the ring names.
    fn placed(&self, arena: &Arena, port: Slot) -> Result<HashSet<(u32, u64)>> {
        let Some(lines) = blocks::part(arena, port, Part::Ring)? else { return Ok(HashSet::new()) };
        let mut placed = HashSet::new();
        for position in 0..RING_PLACES {
            let word = RingWord(blocks::ring_place(lines, position)?.load(Relaxed));
            let Some(id) = word.cell() else { continue };
            if let Some(cell) = Cell::find(arena, port, id)?
                && word.is_of(cell.load())
            {
                placed.insert((id.number(), cell.load().epoch()));
            }
        }
        Ok(placed)
    }

    /// The fault of an observer that can still fire.
    fn observer(&self, arena: &Arena, port: Slot, cell: Cell<'_>) -> Result<Option<&'static str>> {
        let (side, source) = (cell.side(), cell.source());
        let object = arena.object(side.object().slot())?;
        let lifecycle = Lifecycle(object.lifecycle.load(Relaxed));
        if lifecycle.state() != LifecycleState::Live || lifecycle.generation() != side.generation() {
            return Ok(Some("observes an object that is gone"));
        }
        let entry = arena.entry(source.process(), source.index()).map(|cell| Entry(cell.load(Relaxed)));
        if !entry.is_some_and(|entry| {
            entry.is_live() && entry.generation() == source.generation() && entry.object() == side.object()
        }) {
            return Ok(Some("observes by a handle that is gone"));
        }
        // Those who change its signals look for observers only if the state says so, and find them by the index.
        if !State(arena.state(side.object())?.load(Relaxed)).has(State::OBSERVED) {
            return Ok(Some("observes an object that does not show it"));
        }
        let word = IndexWord::new(port, cell.id, cell.interest().registration());
        Ok((!self.indexed.contains(&(side.object().0, word.0)))
            .then_some("is not in the index of its object"))
    }
}

fn is_alive(arena: &Arena, tag: Tag) -> bool {
    arena.thread(tag).is_ok_and(|row| RowState(row.state.load(Relaxed)).thread_owner().is_some())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::arena::word::handle::Rights;
    use crate::arena::word::port::cell::CellWord;
    use crate::arena::word::signals::Signals;
    use crate::object::ObjectClass;
    use crate::object::port::observe::AsyncWait;
    use crate::process::Process;
    use crate::process::thread::Thread;

    /// One observer and one packet, damaged in each way that the walk looks for.
    #[test]
    fn damaged_ports_are_found() {
        let config =
            crate::arena::config::Config { max_objects: 64, pool_bytes: 4 << 20, ..Default::default() };
        let thread = Thread::join(&Process::alone(&config)).unwrap();
        let [event, port] = [ObjectClass::Event, ObjectClass::Port]
            .map(|class| thread.create(class, Rights::all()).unwrap().0)
            .map(|value| thread.lookup(value).unwrap());
        let wait = AsyncWait { key: 1, trigger: Signals::SIGNALED, is_repeating: false };
        thread.wait_async(event, port, wait).unwrap();
        thread.port_queue(port, 2, 0, [0; 4]).unwrap();
        let (arena, slot) = (thread.arena(), port.entry.object().slot());
        let findings = || walk(arena).unwrap().findings;
        assert_eq!(findings(), Vec::<String>::new());
        let cell = |purpose| {
            cells::all(arena, slot).map(Result::unwrap).find(|cell| Purpose::of(cell.id) == purpose)
        };
        let observer = cell(Purpose::Observer).unwrap();
        let packet = cell(Purpose::UserPacket).unwrap();
        let state = arena.state(event.entry.object()).unwrap();
        let index = index::words(arena, event.entry.object()).unwrap().next().unwrap().unwrap();
        let fired = CellWord(packet.word().load(Relaxed)).taken().reserved(Tag(9)).armed(false, 0);
        let damages: [(&str, &crate::sync::AtomicU64, u64); 6] = [
            ("does not show it", state, state.load(Relaxed) & !State::OBSERVED),
            ("not in the index", index, 0),
            ("is free and hidden", packet.word(), 0),
            ("does not name", packet.word(), fired.fired(Signals::empty(), 0).queued().0),
            ("no thread puts", packet.word(), fired.fired(Signals::empty(), 0).0),
            ("its thread is gone", observer.word(), CellWord(0).reserved(Tag(999)).0),
        ];
        for (expected, word, damage) in damages {
            let before = word.swap(damage, Relaxed);
            let found = findings();
            assert!(found.len() == 1 && found[0].contains(expected), "{expected}: {found:?}");
            word.store(before, Relaxed);
        }
        let entry = arena.entry(thread.table_row, event.index).unwrap();
        entry.store(event.entry.freed().0, Relaxed);
        assert!(findings()[0].contains("by a handle that is gone"));
        entry.store(event.entry.0, Relaxed);
        assert_eq!(findings(), Vec::<String>::new());
    }
}
