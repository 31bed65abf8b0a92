//! The report for programs.
//!
//! ```json
//! {"machine": {…}, "run": {…},
//!  "limits": {"line_round_trip": {"unit": "ns", "p50": …, "min": …, "max": …, "rounds": …, "disturbed": false}, …},
//!  "results": [
//!   {"name": "channel_rtt_64B", "unit": "ns", "better": "lower", "target": 1.0, "ratio": …,
//!    "conditions": [{"of": "aeron", "bound": 1.0, "ratio": …}, {"of": "slowest_round", …}],
//!    "jacinth": {"p50": …, "min": …, "max": …, "rounds": …, "disturbed": false,
//!      "each": {"p50": …, "p99": …, "p99.9": …, "max": …}, "processor_time_ns": {"p50": …, "min": …, "max": …}},
//!    "reference": {"name": "bare_ring", "p50": …, …},
//!    "peers": {"unix_seqpacket": {…}, …}}]}
//! ```
//! A figure that could not be measured is `{"error": "why"}`.

use super::{Figure, Report, limits, versions};
use crate::row::{Condition, Measured, Row};
use serde_json::{Map, Value, json};

/// The report as JSON.
pub fn json(report: &Report<'_>) -> Value {
    json!({
        "machine": report.machine,
        "run": {
            "rounds": report.rounds,
            "placement": report.outcome.placement,
            "attempts": report.outcome.attempts,
            "repeated": report.outcome.repeated,
            "disturbed": report.outcome.disturbed,
            "versions": Map::from_iter(versions().map(|(peer, version)| (peer.to_owned(), json!(version)))),
        },
        "limits": limits::json(report),
        "results": report.rows.iter().map(|row| result(report, row)).collect::<Vec<_>>(),
    })
}

fn result(report: &Report<'_>, row: &Row) -> Value {
    let figure = |of: Measured| match report.figure(of) {
        Ok(figure) => json!(figure),
        Err(why) => json!({ "error": why }),
    };
    let mut reference = Map::from_iter([("name".to_owned(), json!(row.reference.who()))]);
    if let Value::Object(members) = figure(row.reference) {
        reference.extend(members);
    }
    let peers: Map<String, Value> =
        row.peers.iter().map(|peer| (peer.who().to_owned(), figure(*peer))).collect();
    let p50 = |of: Measured| report.figure(of).ok().map(|figure: Figure| figure.p50);
    let ratio_to = |of: Measured| p50(row.jacinth).zip(p50(of)).map(|(jacinth, other)| jacinth / other);
    let conditions = row.conditions.iter().map(|condition| match condition {
        Condition::Peer(peer, bound) => {
            json!({ "of": peer.who(), "bound": bound, "ratio": ratio_to(*peer) })
        }
        Condition::SlowestRound => {
            json!({ "of": "slowest_round", "bound": 1.0, "ratio": report.ratio_of_slowest_rounds(row) })
        }
        Condition::ProcessorTime(bound) => {
            json!({ "of": "processor_time", "bound": bound, "ratio": report.ratio_of_processor_times(row) })
        }
    });
    json!({
        "name": row.name,
        "unit": row.jacinth.unit().symbol(),
        "better": row.jacinth.unit().better(),
        "target": row.target,
        "ratio": ratio_to(row.reference),
        "conditions": conditions.collect::<Vec<_>>(),
        "jacinth": figure(row.jacinth),
        "reference": reference,
        "peers": peers,
    })
}
