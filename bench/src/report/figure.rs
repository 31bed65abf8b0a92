//! A figure: the summary of the samples of all rounds.

use crate::measure::{Better, Sample, Unit};
use crate::run::schedule::Attempt;
use serde::Serialize;

/// Over the rounds of a run that were not disturbed, or over all where every one was.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The median over rounds.
    pub p50: f64,
    /// The least of a round.
    pub min: f64,
    /// The most of a round.
    pub max: f64,
    /// How many rounds it is over.
    pub rounds: usize,
    /// Whether every round was disturbed: then the figure says little.
    pub disturbed: bool,
    /// Of latencies and calls: the single round trips of all rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<Tail>,
    /// Of calls: the processor time of all processes for one.
    #[serde(rename = "processor_time_ns", skip_serializing_if = "Option::is_none")]
    pub processor_time: Option<ProcessorTime>,
}

/// The processor time of a call, over the same rounds, in nanoseconds.
#[derive(Debug, Clone, Serialize)]
pub struct ProcessorTime {
    /// The median over rounds.
    pub p50: f64,
    /// The least of a round.
    pub min: f64,
    /// The most of a round.
    pub max: f64,
}

/// The distribution of single round trips, in nanoseconds, the clock's own cost included.
#[derive(Debug, Clone, Serialize)]
pub struct Tail {
    /// Half take less.
    pub p50: u64,
    /// 99 in 100 take less.
    pub p99: u64,
    /// 999 in 1,000 take less.
    #[serde(rename = "p99.9")]
    pub p99_9: u64,
    /// None took longer.
    pub max: u64,
}

impl Figure {
    /// Of these attempts; `None` when there are none.
    pub fn over(attempts: &[Attempt]) -> Option<Self> {
        let disturbed = attempts.iter().all(|attempt| attempt.disturbed);
        let counted = attempts.iter().filter(|attempt| disturbed || !attempt.disturbed);
        let samples: Vec<&Sample> = counted.map(|attempt| &attempt.sample).collect();
        let mut values: Vec<f64> = samples.iter().map(|sample| sample.value()).collect();
        values.sort_by(f64::total_cmp);
        let mut merged = None::<hdrhistogram::Histogram<u64>>;
        for sample in &samples {
            if let Some(each) = sample.each() {
                match &mut merged {
                    // All are made alike, so that they always add up.
                    Some(merged) => merged.add(each).ok()?,
                    None => merged = Some(each.clone()),
                }
            }
        }
        let mut times: Vec<f64> = samples
            .iter()
            .filter_map(|sample| match sample {
                Sample::Calls(calls) => Some(calls.cpu_ns),
                _ => None,
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let each = merged.map(|trips| Tail {
            p50: trips.value_at_quantile(0.5),
            p99: trips.value_at_quantile(0.99),
            p99_9: trips.value_at_quantile(0.999),
            max: trips.max(),
        });
        Some(Self {
            p50: median(&values)?,
            min: *values.first()?,
            max: *values.last()?,
            rounds: values.len(),
            disturbed,
            each,
            processor_time: median(&times).map(|p50| ProcessorTime {
                p50,
                min: times[0],
                max: times[times.len() - 1],
            }),
        })
    }

    /// The value of the slowest round, in this unit.
    pub fn slowest(&self, unit: Unit) -> f64 {
        match unit.better() {
            Better::Lower => self.max,
            Better::Higher => self.min,
        }
    }
}

/// Of sorted values.
fn median(sorted: &[f64]) -> Option<f64> {
    let upper = sorted.len() / 2;
    let lower = sorted.len().checked_sub(1)? / 2;
    Some((sorted[lower] + sorted[upper]) / 2.0)
}

/// A value with its unit, three digits of it.
pub fn in_unit(value: f64, unit: Unit) -> String {
    let (steps, suffix): (&[(f64, &str)], &str) = match unit {
        Unit::Nanoseconds => (&[(1e9, "s"), (1e6, "ms"), (1e3, "µs")], "ns"),
        Unit::BytesPerSecond => (&[(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")], "B/s"),
        Unit::MessagesPerSecond | Unit::CallsPerSecond => (&[(1e9, "G/s"), (1e6, "M/s"), (1e3, "k/s")], "/s"),
    };
    let (value, suffix) = steps
        .iter()
        .find(|(step, _)| value >= *step)
        .map_or((value, suffix), |(step, name)| (value / step, *name));
    let digits = match value {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.digits$} {suffix}")
}

/// A ratio: two decimals, and two digits that are not 0 if it is small.
pub fn times(ratio: f64) -> String {
    let digits = match ratio {
        0.1.. => 2,
        0.01.. => 3,
        _ => 4,
    };
    format!("{ratio:.digits$} ×")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::CallSample;

    fn attempts<const N: usize>(rates: [f64; N], disturbed: bool) -> Vec<Attempt> {
        rates.map(|rate| Attempt { sample: Sample::Rate(rate), repeated: 0, disturbed }).into()
    }

    #[test]
    fn small_ratios_keep_two_digits() {
        assert_eq!([12.345, 0.85, 0.051, 0.0042].map(times), ["12.35 ×", "0.85 ×", "0.051 ×", "0.0042 ×"]);
    }

    #[test]
    fn even_median_lies_between_middle_two() {
        let figure = Figure::over(&attempts([4.0, 1.0, 3.0, 2.0], false)).unwrap();
        assert_eq!((figure.min, figure.p50, figure.max), (1.0, 2.5, 4.0));
        assert_eq!(Figure::over(&attempts([7.0], false)).unwrap().p50, 7.0);
        assert!(Figure::over(&[]).is_none());
    }

    #[test]
    fn calls_have_a_tail_and_processor_time() {
        let call = |cpu_ns, took_ns| {
            let mut each = hdrhistogram::Histogram::new_with_bounds(1, 1_000_000, 2).unwrap();
            each.record(took_ns).unwrap();
            let sample = Sample::Calls(CallSample { per_second: 1e5, cpu_ns, each });
            Attempt { sample, repeated: 0, disturbed: false }
        };
        let figure = Figure::over(&[call(7.0, 100), call(5.0, 50), call(6.0, 10)]).unwrap();
        let time = figure.processor_time.unwrap();
        assert_eq!((time.p50, time.min, time.max), (6.0, 5.0, 7.0));
        let each = figure.each.unwrap();
        assert_eq!((each.p50, each.max), (50, 100));
        assert!(Figure::over(&attempts([1.0], false)).unwrap().processor_time.is_none());
    }

    #[test]
    fn slowest_round_depends_on_the_unit() {
        let figure = Figure::over(&attempts([4.0, 1.0, 3.0], false)).unwrap();
        assert_eq!(figure.slowest(Unit::MessagesPerSecond), 1.0);
        assert_eq!(figure.slowest(Unit::Nanoseconds), 4.0);
    }

    #[test]
    fn disturbed_rounds_count_only_alone() {
        let mut mixed = attempts([1.0, 2.0, 3.0], true);
        let all_disturbed = Figure::over(&mixed).unwrap();
        assert_eq!((all_disturbed.p50, all_disturbed.rounds, all_disturbed.disturbed), (2.0, 3, true));
        mixed.extend(attempts([9.0], false));
        let one_still = Figure::over(&mixed).unwrap();
        assert_eq!((one_still.p50, one_still.rounds, one_still.disturbed), (9.0, 1, false));
    }

    #[test]
    fn values_are_told_in_three_digits() {
        assert_eq!(in_unit(314.2, Unit::Nanoseconds), "314 ns");
        assert_eq!(in_unit(11_700.0, Unit::Nanoseconds), "11.7 µs");
        assert_eq!(in_unit(84_200_000.0, Unit::MessagesPerSecond), "84.2 M/s");
        assert_eq!(in_unit(1_720.0, Unit::MessagesPerSecond), "1.72 k/s");
        assert_eq!(in_unit(3_140_000_000.0, Unit::BytesPerSecond), "3.14 GB/s");
    }
}
