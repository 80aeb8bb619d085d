//! What the probes of the playing program have shown lately, ready to be drawn.
//!
//! The worker puts values in, the window takes traces out. Keeps a few thousand values of each probe,
//! and their extremes over some seconds. Knows neither egui nor the engine's threads.

use crate::editor::{Probe, Span, Stroke};
use attacca_engine::ProbeValues;
use std::collections::VecDeque;

/// Values kept of each probe.
const MOST_VALUES: usize = 16_384;
/// Values whose extremes are kept as one.
const FOLD: usize = 256;
/// Extremes kept of each probe: about 5 seconds at 48 kHz.
const MOST_FOLDS: usize = 1_024;
/// Probes kept; a window shows no more.
const MOST_PROBES: usize = 64;
/// Strokes of a trace.
const STROKES: usize = 320;

/// One probe.
#[derive(Debug, Default)]
struct Scope {
    name: String,
    values: VecDeque<f64>,
    folds: VecDeque<Stroke>,
    /// What is being folded, and how many values it is.
    fold: Option<Stroke>,
    folded: usize,
}

/// All probes of a program, in its order.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    scopes: Vec<Scope>,
}

impl Scopes {
    /// Takes what the probes have shown; those that are gone are forgotten.
    pub(crate) fn add(&mut self, shown: Vec<ProbeValues>) {
        let mut old = std::mem::take(&mut self.scopes);
        for probe in shown.into_iter().take(MOST_PROBES) {
            let at = old.iter().position(|scope| scope.name == probe.name);
            let mut scope = at.map(|at| old.swap_remove(at)).unwrap_or_default();
            scope.name = probe.name;
            probe.values.into_iter().for_each(|value| scope.add(value));
            self.scopes.push(scope);
        }
    }

    /// The probes with the trace of their last values, at `rate` values a second.
    pub(crate) fn shown(&self, span: Span, rate: f64) -> Vec<Probe> {
        let count = (span.seconds() * rate) as usize;
        let trace = |scope: &Scope| match span {
            Span::Cycles => scope.triggered(count),
            Span::Moment => strokes(scope.values.iter().copied().skip(scope.skipped(count)), count),
            Span::Seconds => scope.long(count),
        };
        let probe = |scope: &Scope| Probe {
            name: scope.name.clone(),
            value: scope.values.back().copied(),
            trace: trace(scope),
        };
        self.scopes.iter().map(probe).collect()
    }
}

impl Scope {
    fn add(&mut self, value: f64) {
        if self.values.len() == MOST_VALUES {
            self.values.pop_front();
        }
        self.values.push_back(value);
        let stroke = Stroke { low: value as f32, high: value as f32 };
        let fold = self.fold.map_or(stroke, |fold| fold.with(stroke));
        self.folded += 1;
        self.fold = Some(fold);
        if self.folded == FOLD {
            if self.folds.len() == MOST_FOLDS {
                self.folds.pop_front();
            }
            self.folds.push_back(fold);
            (self.fold, self.folded) = (None, 0);
        }
    }

    /// Values before the last `count`.
    fn skipped(&self, count: usize) -> usize {
        self.values.len().saturating_sub(count)
    }

    /// The last `count` values that begin where the trace rises through its middle, so that what
    /// repeats stands still; the last ones if nothing rises.
    fn triggered(&self, count: usize) -> Vec<Stroke> {
        let last = self.skipped(count);
        let near = self.values.iter().skip(self.skipped(2 * count)).filter(|it| it.is_finite());
        let (low, high) = near.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(*value), high.max(*value))
        });
        let middle = (low + high) / 2.0;
        // It counts only after having been well below, so that noise on the way up does not.
        let low = middle - (high - low) * 0.1;
        let (mut armed, mut start) = (false, last);
        for at in self.skipped(2 * count)..=last {
            let Some(value) = self.values.get(at) else { break };
            if *value < low {
                armed = true;
            } else if armed && *value >= middle {
                (armed, start) = (false, at);
            }
        }
        strokes(self.values.iter().copied().skip(start).take(count), count)
    }

    fn long(&self, count: usize) -> Vec<Stroke> {
        let wanted = (count / FOLD).clamp(1, MOST_FOLDS);
        let skipped = self.folds.len().saturating_sub(wanted);
        let folds: Vec<Stroke> = self.folds.iter().skip(skipped).copied().collect();
        let per = wanted.div_ceil(STROKES);
        let join = |part: &[Stroke]| part.iter().copied().reduce(Stroke::with);
        // Whole groups from the end, so that a stroke does not change while it moves to the left.
        folds.rchunks(per).rev().filter_map(join).collect()
    }
}

/// Values as at most [`STROKES`] strokes, each the extremes of those side by side; all of one width.
fn strokes(values: impl Iterator<Item = f64>, count: usize) -> Vec<Stroke> {
    let per = count.div_ceil(STROKES).max(1);
    let values: Vec<f64> = values.collect();
    let stroke = |part: &[f64]| {
        let one = |value: &f64| Stroke { low: *value as f32, high: *value as f32 };
        part.iter().map(one).reduce(Stroke::with)
    };
    values.chunks(per).filter_map(stroke).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, values: Vec<f64>) -> Vec<ProbeValues> {
        vec![ProbeValues { name: name.into(), values }]
    }

    #[test]
    fn a_wave_stands_still_whatever_came_before() {
        let wave = |from: usize| {
            let value = |n: usize| (n as f64 * std::f64::consts::TAU / 100.0).sin();
            (from..from + 8_000).map(value).collect()
        };
        let mut traces = Vec::new();
        for from in [0, 13, 57] {
            let mut scopes = Scopes::default();
            scopes.add(shown("wave", wave(from)));
            traces.push(scopes.shown(Span::Cycles, 48_000.0).remove(0).trace);
        }
        assert_eq!(traces[0].len(), 320);
        let near =
            |a: &Stroke, b: &Stroke| (a.low - b.low).abs() < 1e-4 && (a.high - b.high).abs() < 1e-4;
        for trace in &traces[1..] {
            assert!(trace.iter().zip(&traces[0]).all(|(a, b)| near(a, b)));
        }
        assert!(traces[0][0].low.abs() < 0.1 && traces[0][2].low > 0.3, "{:?}", &traces[0][..3]);
    }

    #[test]
    fn peaks_are_seen_however_long_the_trace() {
        let mut values = vec![0.0; 100_000];
        values[70_000] = 9.0;
        let mut scopes = Scopes::default();
        values.chunks(900).for_each(|part| scopes.add(shown("peak", part.to_vec())));
        let trace = &scopes.shown(Span::Seconds, 48_000.0)[0].trace;
        assert!(trace.len() <= STROKES && trace.iter().any(|it| it.high == 9.0));
        assert_eq!(scopes.shown(Span::Cycles, 48_000.0)[0].value, Some(0.0));
    }

    #[test]
    fn probes_come_in_the_programs_order_and_keep_their_past() {
        let mut scopes = Scopes::default();
        let two = |a: &str, b: &str| [shown(a, vec![1.0]), shown(b, vec![2.0, f64::NAN])].concat();
        scopes.add(two("a", "b"));
        scopes.add(two("b", "a"));
        let names: Vec<_> = scopes
            .shown(Span::Moment, 48_000.0)
            .into_iter()
            .map(|it| (it.name, it.trace.len()))
            .collect();
        assert_eq!(names, [("b".to_owned(), 1), ("a".to_owned(), 1)]);
        scopes.add(Vec::new());
        assert!(scopes.shown(Span::Moment, 48_000.0).is_empty());
    }
}
