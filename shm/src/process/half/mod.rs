//! Private halves: the state that the threads of this process share about an object, in private memory under private
//! locks. An object has one if its handle cannot be duplicated, so that one process holds it.
//!
//! A half is bound to its object when the handle arrives in the process, and unbound when the handle leaves. It belongs
//! to an *entry* of this process's handle table, since one entry holds the handle. A free entry keeps its half for the
//! next object of the class. The number of halves kept follows the number of entries in use (`EntryPool::strip`), and
//! those beyond it are freed after a grace period (`sync/grace.rs`). Halves that belonged to objects would be as many
//! as the slots in which an object of this process ever lay.
//!
//! A thread may find a half, reach its lock late, and then find it bound to another object. So under the lock it looks
//! at its handle's entry again, which has changed by then for good.

pub(crate) mod calls;
pub(crate) mod entrance;
#[cfg(not(loom))]
pub(crate) mod maps;
#[cfg(not(loom))]
pub(crate) mod retained;
pub(crate) mod stream_detector;

use crate::arena::error::Result;
use crate::arena::word::handle::EntryIndex;
use crate::arena::word::reference::ObjectRef;
use crate::process::quota::Quotas;
use crate::sync::{Inside, Retired, SparseTable};

/// What is the same for the private halves of all classes.
pub(crate) trait PrivateHalf: Default {
    /// Whether the half is bound to this object.
    fn is_bound_to(&self, object: ObjectRef) -> bool;

    /// Waits until no thread of this process is inside an operation on the object, and unbinds the half.
    fn unbind(&self, quotas: &Quotas);
}

/// The registry: the file of each class's private half, and its type.
macro_rules! halves {
    ($(mod $module:ident { $Half:ident })*) => {
        $(pub(crate) mod $module;)*

        /// The private halves of this process's objects, by entry: a table for each class that has them.
        #[derive(Debug)]
        pub(crate) struct Halves {
            $(pub(crate) $module: SparseTable<$module::$Half>,)*
        }

        /// A half that was taken out, to be freed after a grace period.
        #[derive(Debug)]
        pub(crate) enum RetiredHalf {
            $($Half(Retired),)*
        }

        impl Halves {
            /// For a handle table with this many entries.
            pub(crate) fn new(entries: usize) -> Self {
                Self { $($module: SparseTable::new(entries),)* }
            }

            /// Whether the entry may have a half. `false` is exact for a caller that comes after its handle arrived.
            #[inline(always)]
            pub(crate) fn may_have(&self, index: EntryIndex) -> bool {
                $(self.$module.may_have(index.0 as usize))||*
            }

            /// Whether the entry has a half that is bound to this object.
            #[inline(always)]
            pub(crate) fn is_bound(&self, index: EntryIndex, object: ObjectRef, inside: &Inside<'_>) -> bool {
                $(self.$module.get(index.0 as usize, inside).is_some_and(|half| half.is_bound_to(object)))||*
            }

            /// See [`channel::Endpoint::leaving`]. An entry that has no endpoint of a channel bound to the object can always leave.
            #[inline(always)]
            pub(crate) fn leaving<T>(
                &self,
                index: EntryIndex,
                object: ObjectRef,
                inside: &Inside<'_>,
                leave: impl FnOnce() -> T,
            ) -> Result<T> {
                match self.channel.get(index.0 as usize, inside) {
                    Some(half) if half.is_bound_to(object) => half.leaving(object, leave),
                    _ => Ok(leave()),
                }
            }

            /// As [`leaving`](Self::leaving), for a handle that is closed. If `close` succeeds, its half is unbound, of whichever
            /// class.
            #[inline(always)]
            pub(crate) fn closing(
                &self,
                index: EntryIndex,
                object: ObjectRef,
                (quotas, inside): (&Quotas, &Inside<'_>),
                close: impl FnOnce() -> Result<()>,
            ) -> Result<()> {
                match self.channel.get(index.0 as usize, inside) {
                    Some(half) if half.is_bound_to(object) => half.closing(object, quotas, close),
                    _ => {
                        close()?;
                        self.unbind(index, object, quotas, inside);
                        Ok(())
                    }
                }
            }

            /// Unbinds the entry's half from this object. `false` if no half of the entry is bound to it.
            #[inline(always)]
            pub(crate) fn unbind(
                &self,
                index: EntryIndex,
                object: ObjectRef,
                quotas: &Quotas,
                inside: &Inside<'_>,
            ) -> bool {
                $(
                    if let Some(half) = self.$module.get(index.0 as usize, inside)
                        && half.is_bound_to(object)
                    {
                        half.unbind(quotas);
                        return true;
                    }
                )*
                false
            }

            /// Takes the halves of these entries out of the tables.
            pub(super) fn take(&self, entries: &[EntryIndex]) -> Vec<RetiredHalf> {
                let mut taken = Vec::new();
                $(
                    let retired = self.$module.take(entries.iter().map(|index| index.0 as usize));
                    taken.extend(retired.into_iter().map(RetiredHalf::$Half));
                )*
                taken
            }

            /// Drops these halves.
            ///
            /// # Safety
            /// A grace period has passed since each was taken out.
            pub(super) unsafe fn free(&self, halves: Vec<RetiredHalf>) {
                $(let mut $module = Vec::new();)*
                for half in halves {
                    match half {
                        $(RetiredHalf::$Half(retired) => $module.push(retired),)*
                    }
                }
                // SAFETY: the caller's promise.
                $(unsafe { self.$module.free($module) };)*
            }
        }
    };
}

halves! {
    mod channel { Endpoint }
    mod stream { StreamEndpoint }
}
