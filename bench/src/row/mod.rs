//! The table: the measurements that stand beside each other, and the target for their ratio.

mod definition;
mod limits;

use crate::measure::full_name;

pub use definition::{Condition, Measured, Row};
pub use limits::{LIMITS, Limit};

/// Declares the files of rows, in the order of the report.
macro_rules! objects {
    ($($object:ident)*) => {
        $(mod $object;)*

        const OBJECTS: &[&[Row]] = &[$($object::ROWS),*];
    };
}

objects! { channel socket fifo handle event port many_handles death rpc }

/// Every row, in the order of the report.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    OBJECTS.iter().copied().flatten()
}

/// The measurements of the limits and of these rows, each once, in this order.
pub fn measurements<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<Measured> {
    let mut all: Vec<Measured> = Vec::new();
    let limits = LIMITS.iter().map(|limit| limit.measured);
    for measurement in limits.chain(rows.into_iter().flat_map(Row::measurements)) {
        if !all.iter().any(|have| full_name(*have) == full_name(measurement)) {
            all.push(measurement);
        }
    }
    all
}

/// The measurement of this name.
pub fn find(name: &str) -> Option<Measured> {
    measurements(rows()).into_iter().find(|one| full_name(*one) == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_compares_figures_of_one_unit() {
        for row in rows() {
            let unit = row.jacinth.unit();
            assert!(row.measurements().all(|one| one.unit() == unit), "{}", row.name);
        }
    }

    #[test]
    fn the_heads_of_a_rows_columns_differ() {
        for row in rows() {
            let heads: Vec<_> = row.measurements().map(|one| one.who()).collect();
            assert_eq!(heads.iter().collect::<HashSet<_>>().len(), heads.len(), "{}", row.name);
        }
    }

    #[test]
    fn conditions_name_peers_of_their_row() {
        for row in rows() {
            for condition in row.conditions {
                if let Condition::Peer(peer, _) = condition {
                    let is_peer = row.peers.iter().any(|one| full_name(*one) == full_name(*peer));
                    assert!(is_peer, "{} of {}", full_name(*peer), row.name);
                }
            }
        }
    }

    #[test]
    fn every_run_measures_the_limits() {
        let measured: Vec<_> = measurements([]).into_iter().map(full_name).collect();
        assert_eq!(measured.len(), LIMITS.len());
        assert!(LIMITS.iter().all(|limit| measured.contains(&full_name(limit.measured))));
    }

    #[test]
    fn names_of_rows_and_measurements_differ() {
        assert_eq!(rows().map(|row| row.name).collect::<HashSet<_>>().len(), rows().count());
        for one in measurements(rows()) {
            let found = find(&full_name(one)).expect("every measurement of a row is found");
            assert_eq!((found.who(), found.what()), (one.who(), one.what()));
        }
    }
}
