//! The counts of a supervisor's work for the dead.
//!
//! The table below, with that of `jacinth_shm::Recovered`, is the only list of the counters. The structure it makes is
//! also the one on the wire (`protocol`) and the one that C sees (`jacinth_report_t`).

use jacinth_shm::Recovered;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Makes [`CollectReport`] of the counters of [`Recovered`] and of the supervisor's own, each with its words in `Display`.
macro_rules! collect_report {
    (
        recovered: { $( $(#[$recovered_doc:meta])* $recovered:ident $recovered_words:literal; )+ }
        supervisor: { $( $(#[$doc:meta])* $field:ident: $Number:ident $words:literal; )+ }
    ) => {
        /// The counts of the supervisor's work: since the arena was created, or since the last supervisor died.
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout,
        )]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
        #[repr(C)]
        #[non_exhaustive]
        pub struct CollectReport {
            $( $(#[$recovered_doc])* pub $recovered: u32, )+
            $( $(#[$doc])* pub $field: $Number, )+
        }

        impl CollectReport {
            pub(crate) fn add_recovered(&mut self, recovered: Recovered) {
                let Recovered { $( $recovered, )+ } = recovered;
                $( self.$recovered = self.$recovered.wrapping_add($recovered); )+
            }

            /// The counters, with their words.
            fn counters(&self) -> impl Iterator<Item = (u64, &'static str)> {
                [
                    $( (u64::from(self.$recovered), $recovered_words), )+
                    $( (u64::from(self.$field), $words), )+
                ]
                .into_iter()
                .filter(|(_, words)| !words.is_empty())
            }
        }
    };
}

jacinth_shm::recovered_counters! {
    collect_report! {
        supervisor: {
            /// Objects whose memory the supervisor reclaimed. The users of objects reclaim most of them.
            objects_reclaimed: u32 "objects reclaimed";
            /// Channel ends that were queued only inside each other, where no process could read them.
            cyclic_ends_collected: u32 "cyclic channel ends collected";
            /// Always 0: the next counter begins at a multiple of 8 bytes.
            #[doc(hidden)]
            #[cfg_attr(feature = "serde", serde(skip))]
            unused: u32 "";
            /// Bytes of free memory that were given back to the system.
            bytes_decommitted: u64 "bytes decommitted";
        }
    }
}

impl std::fmt::Display for CollectReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, (count, words)) in self.counters().enumerate() {
            write!(f, "{}{count} {words}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovered_counters_add_up() {
        let mut report = CollectReport::default();
        let recovered = Recovered { processes: 2, blocks_freed: 3, ..Recovered::default() };
        report.add_recovered(recovered);
        report.add_recovered(recovered);
        assert_eq!((report.processes, report.blocks_freed), (4, 6));
        report.bytes_decommitted = 1 << 40;
        let text = report.to_string();
        assert!(text.starts_with("4 processes recovered, 0 threads"), "{text}");
        assert!(text.ends_with(", 1099511627776 bytes decommitted"), "{text}");
    }
}
