//! The report in short, for the project's README: ratios, and the limits on which they were measured.

use super::{Report, limits, times};
use crate::measure::Better;
use crate::row::Row;

/// The rows that it has, in their order: first what a program gets that is written the ordinary way.
const ROWS: &[&str] = &[
    "rpc_1",
    "rpc_8",
    "rpc_50",
    "rpc_async_8",
    "channel_rtt_56B",
    "channel_rtt_64B",
    "channel_rate_56B",
    "channel_rate_64B",
    "channel_rate_64B_batch",
    "channel_rate_1KiB",
    "channel_rate_64KiB",
    "fifo_rate",
    "socket_stream_rate",
    "socket_rtt",
    "channel_rtt_blocking",
    "channel_call_rtt",
    "write_read_one_thread",
    "transfer_rtt",
    "vmo_handover_16MiB",
    "event_create_close",
    "death_to_peer_closed_256MiB",
];

/// The report in short, as Markdown.
pub fn summary(report: &Report<'_>) -> String {
    let rows = ROWS.iter().filter_map(|name| report.rows.iter().find(|row| row.name == *name));
    let rows: String = rows.map(|row| line(report, row)).collect();
    format!(
        "| | | jacinth ÷ each |\n|---|---|---|\n{rows}\nThe limits of that machine: {}.\n",
        limits::line(report)
    )
}

fn line(report: &Report<'_>, row: &Row) -> String {
    let better = match row.jacinth.unit().better() {
        Better::Lower => "time",
        Better::Higher => "rate",
    };
    let jacinth = report.figure(row.jacinth);
    let ratios = row.measurements().skip(1).filter_map(|other| {
        let ratio = jacinth.as_ref().ok()?.p50 / report.figure(other).ok()?.p50;
        Some(format!("{} {}", times(ratio), other.who().replace('_', " ")))
    });
    format!("| {} | {better} | {} |\n", row.about, ratios.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::rows;

    #[test]
    fn rows_of_the_summary_exist() {
        for name in ROWS {
            assert!(rows().any(|row| row.name == *name), "{name}");
        }
    }
}
