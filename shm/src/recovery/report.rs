//! The counts that a recovery reports.

/// The table of the counters: their documentation, names, and words. It calls the macro `then` with them and with the
/// rest of its input. So a structure that has more counters than [`Recovered`] need not list these again.
#[doc(hidden)]
#[macro_export]
macro_rules! recovered_counters {
    ($then:ident! { $($rest:tt)* }) => {
        $then! {
            recovered: {
                /// Processes that died and were recovered: their rows are free again.
                processes "processes recovered";
                /// Threads of these processes: their rows are free again too.
                threads "threads recovered";
                /// Handles closed on behalf of dead processes.
                handles_closed "handles closed";
                /// In-doubt operations that had committed, and were completed.
                operations_finished "operations finished";
                /// In-doubt operations that had not committed, and were undone.
                operations_undone "operations undone";
                /// Blocks that dead threads had in hand, and that were freed.
                blocks_freed "blocks freed";
                /// Objects that lost their last reference by it, and were retired.
                objects_retired "objects retired";
            }
            $($rest)*
        }
    };
}

/// Makes [`Recovered`] of the table.
macro_rules! recovered {
    (recovered: { $($(#[$doc:meta])* $counter:ident $words:literal;)* }) => {
        /// The counts of one or more recoveries.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Recovered {
            $($(#[$doc])* pub $counter: u32,)*
        }

        impl core::ops::AddAssign for Recovered {
            fn add_assign(&mut self, other: Self) {
                $(self.$counter += other.$counter;)*
            }
        }
    };
}

recovered_counters! { recovered! {} }

impl Recovered {
    pub(crate) fn increment(&mut self, finished: bool) -> &mut u32 {
        if finished { &mut self.operations_finished } else { &mut self.operations_undone }
    }
}
