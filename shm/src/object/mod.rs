//! The objects: a file or a folder for each class, and the registry of them.
//!
//! `class` has the hooks that differ between classes. `wait`, `info` and `arrive` are the same for all classes.

pub(crate) mod arrive;
pub(crate) mod budget;
pub(crate) mod class;
pub(crate) mod info;
pub(crate) mod wait;

use crate::arena::error::{Error, Result};
use crate::arena::word::lifecycle::Lifecycle;
use crate::arena::word::reference::{ObjectRef, Slot};
use crate::arena::word::signals::Signals;
use crate::handle::lookup::ResolvedHandle;
use crate::object::budget::Budget;
use crate::object::class::Class;
use crate::process::thread::Thread;

/// A lifecycle word with a number that no operation writes.
const NO_CLASS: Error = Error::Corrupt("an object of no known class");

/// The registry: the file of each object, and its classes. A class is a variant of [`ObjectClass`], and a type of the same
/// name in that file, which implements the [`Class`] hooks. The number stands for the class in lifecycle words, and is
/// Zircon's number of the type.
macro_rules! classes {
    ($(mod $module:ident { $($(#[$doc:meta])* $name:ident = $number:literal;)* })*) => {
        $(pub(crate) mod $module;)*

        /// The class of an object.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum ObjectClass {
            $($($(#[$doc])* $name = $number,)*)*
        }

        impl ObjectClass {
            /// All classes.
            pub const ALL: &[ObjectClass] = &[$($(ObjectClass::$name,)*)*];

            /// The class with this number, if there is one.
            #[inline(always)]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($($number => Some(Self::$name),)*)*
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

            pub(crate) const fn is_unique(self) -> bool {
                match self {
                    $($(Self::$name => <$module::$name as Class>::IS_UNIQUE,)*)*
                }
            }

            #[inline(always)]
            pub(crate) const fn has_private_half(self) -> bool {
                match self {
                    $($(Self::$name => <$module::$name as Class>::HAS_PRIVATE_HALF,)*)*
                }
            }

            pub(crate) const fn queues_handles(self) -> bool {
                match self {
                    $($(Self::$name => <$module::$name as Class>::QUEUES_HANDLES,)*)*
                }
            }

            #[inline(always)]
            pub(crate) fn signals(self, thread: &Thread, found: ResolvedHandle, stored: Signals) -> Result<Signals> {
                match self {
                    $($(Self::$name => $module::$name::signals(thread, found, stored),)*)*
                }
            }

            pub(crate) fn longest_sleep_ns(
                self,
                thread: &Thread,
                found: ResolvedHandle,
                waitfor: Signals,
            ) -> Option<i64> {
                match self {
                    $($(Self::$name => $module::$name::longest_sleep_ns(thread, found, waitfor),)*)*
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
                $($($number => $module::$name::release_step(thread, object, &mut progress.$name, budget),)*)*
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
                $($($number => $module::$name::free_blocks(thread, slot, budget),)*)*
                _ => Err(NO_CLASS),
            }
        }

        /// See [`Class::is_blank`].
        #[inline(always)]
        pub(crate) fn is_blank(lifecycle: Lifecycle, thread: &Thread, slot: Slot) -> Result<bool> {
            match lifecycle.class_number() {
                $($($number => $module::$name::is_blank(thread, slot),)*)*
                _ => Err(NO_CLASS),
            }
        }

        /// See [`Class::reset`]. A damaged number leaves nothing that a class could know of.
        pub(crate) fn reset(lifecycle: Lifecycle, thread: &Thread, slot: Slot) -> Result<()> {
            match lifecycle.class_number() {
                $($($number => $module::$name::reset(thread, slot),)*)*
                _ => Ok(()),
            }
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
        Process = 1;
        /// A thread, as a name.
        Thread = 2;
        /// A job, as a name.
        Job = 17;
        /// A region of address space, as a name.
        Vmar = 18;
    }
    mod channel {
        /// A channel: two sides, with messages queued each way.
        Channel = 4;
    }
    mod event {
        /// An event: one side with signals.
        Event = 5;
    }
    mod eventpair {
        /// A pair of events that see each other close.
        EventPair = 16;
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

const _: () = assert!(ObjectClass::Channel.number() == channel::ring::CLASS_NUMBER);
