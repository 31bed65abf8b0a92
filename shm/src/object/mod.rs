//! The objects: a file or a folder for each class, and the registry of them.
//!
//! `class` has the hooks that differ between classes. `wait`, `info` and `bind` are the same for all classes.

pub(crate) mod bind;
pub(crate) mod budget;
pub(crate) mod class;
pub(crate) mod end;
pub(crate) mod info;
pub(crate) mod own_block;
pub(crate) mod queue;
pub(crate) mod stream;
pub(crate) mod wait;

use crate::arena::Arena;
use crate::arena::error::{Error, Result};
use crate::arena::word::block::BlockId;
use crate::arena::word::handle::EntryIndex;
use crate::arena::word::intent::{ListIntent, Operation};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::class::{Class, Observable};
use crate::object::queue::places::Queue;
use crate::process::thread::Thread;
use crate::process::{Origin, Process};
use crate::sync::Inside;

/// A lifecycle word with a number that no operation writes.
const NO_CLASS: Error = Error::Corrupt("an object of no known class");

/// The registry: the file of each object, and its classes. A class is a variant of [`ObjectClass`], and a type of the same
/// name in that file, which implements the [`Class`] hooks.
macro_rules! classes {
    ($(mod $module:ident { $($(#[$doc:meta])* $name:ident;)* })*) => {
        $(pub(crate) mod $module;)*

        /// The class of an object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum ObjectClass {
            $($($(#[$doc])* $name = <$module::$name as Class>::NUMBER,)*)*
        }

        impl ObjectClass {
            /// All classes.
            pub const ALL: &[ObjectClass] = &[$($(ObjectClass::$name,)*)*];

            /// The class with this number, if there is one.
            #[inline(always)]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($(<$module::$name as Class>::NUMBER => Some(Self::$name),)*)*
                    _ => None,
                }
            }

            /// How many sides an object of the class has: 1 or 2.
            #[inline(always)]
            pub const fn sides(self) -> usize {
                match self {
                    $($(Self::$name => <$module::$name as Class>::SIDES,)*)*
                }
            }

            /// The signals that programs may set and clear on an object of the class.
            #[inline]
            pub const fn settable_signals(self) -> Signals {
                match self {
                    $($(Self::$name => <$module::$name as Class>::SETTABLE_SIGNALS,)*)*
                }
            }

            /// Whether a side of an object of the class has at most one handle, which cannot be duplicated.
            pub const fn is_unique(self) -> bool {
                match self {
                    $($(Self::$name => <$module::$name as Class>::IS_UNIQUE,)*)*
                }
            }

            pub(crate) const fn has_size(self) -> bool {
                match self {
                    $($(Self::$name => <$module::$name as Class>::HAS_SIZE,)*)*
                }
            }

            pub(crate) const fn has_rings(self) -> bool {
                match self {
                    $($(Self::$name => <$module::$name as Class>::HAS_RINGS,)*)*
                }
            }

            /// See [`Class::HAS_COOKIE`].
            pub(crate) const fn has_cookie(self) -> bool {
                match self {
                    $($(Self::$name => <$module::$name as Class>::HAS_COOKIE,)*)*
                }
            }

            /// See [`Class::bind_half`].
            #[inline(always)]
            pub(crate) fn bind_half<'a>(
                self,
                process: &'a Process,
                object: ObjectRef,
                index: EntryIndex,
                origin: Origin,
                inside: impl FnOnce() -> Inside<'a>,
            ) {
                match self {
                    $($(Self::$name => $module::$name::bind_half(process, object, index, origin, inside),)*)*
                }
            }

            /// See [`Class::before_duplicate`].
            pub(crate) fn before_duplicate(self, thread: &Thread, found: ResolvedHandle) -> Result<()> {
                match self {
                    $($(Self::$name => $module::$name::before_duplicate(thread, found),)*)*
                }
            }

            #[inline(always)]
            pub(crate) fn signals(self, thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
                match self {
                    $($(Self::$name => $module::$name::signals(thread, found, stored),)*)*
                }
            }

            /// See [`Class::HAS_DEADLINE`].
            pub(crate) const fn has_deadline(self) -> bool {
                match self {
                    $($(Self::$name => <$module::$name as Class>::HAS_DEADLINE,)*)*
                }
            }

            /// See [`Class::observable`].
            pub(crate) fn observable(self, thread: &Thread, side: ObjectRef, stored: Signals) -> Result<Observable> {
                match self {
                    $($(Self::$name => $module::$name::observable(thread, side, stored),)*)*
                }
            }

            /// See [`Class::look_for`].
            pub(crate) fn look_for(self, thread: &Thread, found: ResolvedHandle, now_ns: i64) -> Result<()> {
                match self {
                    $($(Self::$name => $module::$name::look_for(thread, found, now_ns),)*)*
                }
            }

            /// See [`Class::look_for_another`].
            pub(crate) fn look_for_another(
                self,
                thread: &Thread,
                side: ObjectRef,
                due_ns: i64,
                now_ns: i64,
            ) -> Result<Option<i64>> {
                match self {
                    $($(Self::$name => $module::$name::look_for_another(thread, side, due_ns, now_ns),)*)*
                }
            }

            /// See [`Class::has_committed`].
            pub(crate) fn has_committed(self, thread: &Thread, operation: Operation) -> Result<bool> {
                match self {
                    $($(Self::$name => $module::$name::has_committed(thread, operation),)*)*
                }
            }

            /// See [`Class::is_linked`].
            pub(crate) fn is_linked(
                self,
                thread: &Thread,
                intent: ListIntent,
                from: ObjectRef,
                block: BlockId,
            ) -> Result<bool> {
                match self {
                    $($(Self::$name => $module::$name::is_linked(thread, intent, from, block),)*)*
                }
            }

            /// See [`Class::complete`].
            pub(crate) fn complete(self, thread: &Thread, object: ObjectRef) -> Result<()> {
                match self {
                    $($(Self::$name => $module::$name::complete(thread, object),)*)*
                }
            }

            /// See [`Class::after_death`].
            pub(crate) fn after_death(self, thread: &Thread, slot: Slot) -> Result<()> {
                match self {
                    $($(Self::$name => $module::$name::after_death(thread, slot),)*)*
                }
            }

            /// See [`Class::look_again_ns`].
            pub(crate) fn look_again_ns(
                self,
                thread: &Thread,
                found: ResolvedHandle,
                waitfor: Signals,
            ) -> Option<i64> {
                match self {
                    $($(Self::$name => $module::$name::look_again_ns(thread, found, waitfor),)*)*
                }
            }

            /// See [`Class::queue`].
            pub(crate) fn queue(self, arena: &Arena, side: ObjectRef) -> Result<Option<Queue<'_>>> {
                match self {
                    $($(Self::$name => $module::$name::queue(arena, side),)*)*
                }
            }

            /// See [`Class::fault`].
            pub(crate) fn fault(self, arena: &Arena, slot: Slot) -> Result<Option<&'static str>> {
                match self {
                    $($(Self::$name => $module::$name::fault(arena, slot),)*)*
                }
            }
        }

        /// Where each class stopped in [`Class::release_step`]. A class that has one step takes no memory here.
        #[derive(Debug, Default)]
        #[expect(non_snake_case, reason = "the fields have the names of the classes")]
        pub(crate) struct Progress {
            $($($name: <$module::$name as Class>::Progress,)*)*
        }

        impl Progress {
            /// Field by field: otherwise every close would write the whole struct.
            #[inline(always)]
            pub(crate) fn forget(&mut self) {
                $($(self.$name = Default::default();)*)*
            }
        }

        // The hooks below run in every create and close, so they go by the number itself: classes with the same answer
        // share one comparison.

        /// See [`Class::release_step`].
        #[inline(always)]
        pub(crate) fn release_step(
            lifecycle: Lifecycle,
            thread: &Thread,
            object: ObjectRef,
            progress: &mut Progress,
            budget: &mut Budget,
        ) -> Result<bool> {
            match lifecycle.class_number() {
                $($(<$module::$name as Class>::NUMBER => $module::$name::release_step(thread, object, &mut progress.$name, budget),)*)*
                _ => Err(NO_CLASS),
            }
        }

        /// See [`Class::free_blocks`].
        #[inline(always)]
        pub(crate) fn free_blocks(
            lifecycle: Lifecycle,
            thread: &Thread,
            slot: Slot,
            budget: &mut Budget,
        ) -> Result<bool> {
            match lifecycle.class_number() {
                $($(<$module::$name as Class>::NUMBER => $module::$name::free_blocks(thread, slot, budget),)*)*
                _ => Err(NO_CLASS),
            }
        }

        /// See [`Class::is_blank`].
        #[inline(always)]
        pub(crate) fn is_blank(lifecycle: Lifecycle, thread: &Thread, slot: Slot) -> Result<bool> {
            match lifecycle.class_number() {
                $($(<$module::$name as Class>::NUMBER => $module::$name::is_blank(thread, slot),)*)*
                _ => Err(NO_CLASS),
            }
        }

        /// See [`Class::reset`]. A damaged number leaves nothing that a class could know of.
        pub(crate) fn reset(lifecycle: Lifecycle, thread: &Thread, slot: Slot) -> Result<()> {
            match lifecycle.class_number() {
                $($(<$module::$name as Class>::NUMBER => $module::$name::reset(thread, slot),)*)*
                _ => Ok(()),
            }
        }

        /// See [`Class::trim`].
        pub(crate) fn trim(thread: &Thread, all: bool) -> Result<bool> {
            let mut more = false;
            $($(more |= $module::$name::trim(thread, all)?;)*)*
            Ok(more)
        }

        /// See [`Class::undo_create`].
        pub(crate) fn undo_create(thread: &Thread, slot: Slot) -> Result<()> {
            $($($module::$name::undo_create(thread, slot)?;)*)*
            Ok(())
        }
    };
}

classes! {
    mod task {
        /// A process, as a name.
        Process;
        /// A thread, as a name.
        Thread;
        /// A job, as a name.
        Job;
        /// A region of address space, as a name.
        Vmar;
    }
    mod directory {
        /// A directory: names, and the listeners that serve them.
        Directory;
    }
    mod listener {
        /// A listener: a name, and the handles that others have queued for it.
        Listener;
    }
    mod channel {
        /// A channel: two sides, with messages queued each way.
        Channel;
    }
    mod fifo {
        /// A fifo: two sides, with a stream of elements each way.
        Fifo;
    }
    mod socket {
        /// A socket: two sides, with a stream of bytes or datagrams each way.
        Socket;
    }
    mod event {
        /// An event: one side with signals.
        Event;
    }
    mod port {
        /// A port: packets, and the observers that send them.
        Port;
    }
    mod eventpair {
        /// A pair of events that see each other close.
        EventPair;
    }
    mod timer {
        /// A timer: one side, signaled from a point in time on.
        Timer;
    }
    mod buffer {
        /// A buffer: bytes that are written once, and read in place by all who have a handle.
        Buffer;
    }
    mod vmo {
        /// A VM object: bytes in pages.
        Vmo;
    }
}

impl ObjectClass {
    /// The number of the class: Zircon's number of the type (`ZX_OBJ_TYPE_…`).
    #[inline]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The class in a lifecycle word. `Corrupt` for a number that no operation writes.
    #[inline(always)]
    pub(crate) fn of(lifecycle: Lifecycle) -> Result<Self> {
        Self::from_number(lifecycle.class_number()).ok_or(NO_CLASS)
    }
}
