//! Moves state from a running instance to its successor, by a plan made off the audio thread.
//!
//! Takes two [`State`]s and a [`Plan`]; copies words, exchanges lines, and copies resized lines in
//! bounded pieces beforehand. Allocates nothing and decides nothing.

use crate::carry::HeapPlan;
use crate::code::{Layout, WordKind};
use crate::state::State;

/// Words that stand side by side in both states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordRun {
    /// First word in the old state.
    pub from: u32,
    /// First word in the new state.
    pub to: u32,
    /// Number of words.
    pub len: u32,
    /// What they are. Floats that are not finite stay fresh; references are never copied.
    pub kind: WordKind,
}

/// A delay line that goes on, by line-table indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineMove {
    /// Index in the old line table.
    pub from: u32,
    /// Index in the new line table.
    pub to: u32,
}

/// What survives a swap, as addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Words to copy.
    pub words: Vec<WordRun>,
    /// Lines to exchange: same ring, and the new one not longer.
    pub lines: Vec<LineMove>,
    /// Lines to copy: the newest samples that both have room for.
    pub resized: Vec<LineMove>,
    /// Heap objects and tasks.
    pub heap: HeapPlan,
}

impl Plan {
    /// Words this plan copies.
    pub fn word_count(&self) -> u32 {
        self.words.iter().map(|run| run.len).sum()
    }

    /// Makes the plan safe for these layouts: entries outside of either are dropped, runs of
    /// references too, and lines that cannot be exchanged are copied instead. Control side.
    pub fn fit(&mut self, old: &Layout, new: &Layout) {
        self.words.retain(|run| {
            let end = |start: u32| start.checked_add(run.len);
            run.kind != WordKind::Ref
                && end(run.from).is_some_and(|end| end <= old.words)
                && end(run.to).is_some_and(|end| end <= new.words)
        });
        let mut resized = std::mem::take(&mut self.resized);
        self.lines.retain(|step| {
            let (Some(a), Some(b)) =
                (old.lines.get(step.from as usize), new.lines.get(step.to as usize))
            else {
                return false;
            };
            let exchange = a.ring() == b.ring() && b.len <= a.len;
            if !exchange {
                resized.push(*step);
            }
            exchange
        });
        resized.retain(|step| {
            (step.from as usize) < old.lines.len() && (step.to as usize) < new.lines.len()
        });
        self.resized = resized;
    }

    /// Copies the words. Bounded by the plan.
    pub fn copy_words(&self, old: &State, new: &mut State) {
        for run in &self.words {
            let from = run.from as usize..(run.from + run.len) as usize;
            let to = run.to as usize..(run.to + run.len) as usize;
            let (Some(from), Some(to)) = (old.words().get(from), new.words_mut().get_mut(to))
            else {
                continue;
            };
            match run.kind {
                WordKind::F64 => {
                    for (to, from) in to.iter_mut().zip(from) {
                        if f64::from_bits(*from).is_finite() {
                            *to = *from;
                        }
                    }
                }
                WordKind::I64 => to.copy_from_slice(from),
                WordKind::Ref => {}
            }
        }
    }

    /// Exchanges the lines that fit as they are. No sample is copied.
    pub fn exchange_lines(&self, old: &mut State, new: &mut State) {
        for step in &self.lines {
            new.swap_line(step.to, old, step.from);
        }
    }
}

/// How far the copy of one resized line is.
#[derive(Clone, Copy, Debug)]
struct Progress {
    step: LineMove,
    /// Samples before this position (in the old line's count) are copied.
    next: i64,
    /// Where the copy began; samples from here on may stand in the new line.
    begin: i64,
    started: bool,
}

/// The copies of resized lines, done in bounded pieces while the old program still plays.
#[derive(Clone, Debug, Default)]
pub struct Resizing {
    lines: Box<[Progress]>,
}

impl Resizing {
    /// The copies that a plan asks for. Allocates; control side.
    pub fn new(plan: &Plan) -> Self {
        let fresh = |step: &LineMove| Progress { step: *step, next: 0, begin: 0, started: false };
        Self { lines: plan.resized.iter().map(fresh).collect() }
    }

    /// Whether there is nothing to copy.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Copies at most `budget` samples; true when the new lines hold all that they should at this
    /// moment, so that the swap can take place now.
    pub fn advance(&mut self, old: &State, new: &mut State, budget: usize) -> bool {
        let mut left = budget;
        let mut done = true;
        for line in &mut self.lines {
            done &= line.advance(old, new, &mut left);
        }
        done
    }
}

impl Progress {
    fn advance(&mut self, old: &State, new: &mut State, left: &mut usize) -> bool {
        let old = old.lines().get(self.step.from as usize);
        let new = new.lines_mut().get_mut(self.step.to as usize);
        let (Some(old), Some(new)) = (old, new) else { return true };
        let (pos, keep) = (old.pos(), i64::from(old.len().min(new.len())));
        if !self.started || pos < self.next {
            (self.begin, self.next, self.started) = (pos - keep, pos - keep, true);
        }
        // When the copy cannot keep up, samples that are too old by now are not worth copying.
        self.next = self.next.max(pos - i64::from(new.ring()));
        let count = (pos - self.next).min(i64::try_from(*left).unwrap_or(i64::MAX));
        new.copy_from(old, self.next, count as usize);
        (self.next, *left) = (self.next + count, *left - count as usize);
        // What aged beyond the newest `keep` while the copy went on counts as older: zero.
        let oldest = self.begin.max(pos - i64::from(new.len()));
        let aged = (pos - keep - oldest).clamp(0, i64::try_from(*left).unwrap_or(i64::MAX));
        if self.next == pos && aged > 0 {
            new.silence(oldest, aged as usize);
            (self.begin, *left) = (oldest + aged, *left - aged as usize);
        }
        if self.next < pos || oldest + aged < pos - keep {
            return false;
        }
        new.set_pos(pos);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::{Image, LineSpec};
    use crate::heap::HeapRef;

    fn state(words: Vec<u64>, lens: &[u32]) -> (Layout, State) {
        let count = words.len() as u32;
        let lines: Vec<_> =
            lens.iter().zip(count..).map(|(len, word)| LineSpec { word, len: *len }).collect();
        let layout = Layout { words: count + lens.len() as u32, lines, ..Layout::default() };
        let state = State::new(&layout, &Image { words, ..Image::default() });
        (layout, state)
    }

    fn play(state: &mut State, line: usize, count: i64) {
        let line = &mut state.lines_mut()[line];
        for _ in 0..count {
            let pos = line.pos();
            line.store(pos, pos as f64 + 1.0);
            line.set_pos(pos + 1);
        }
    }

    /// The newest samples first, as far as the line can be read.
    fn newest(state: &State, line: usize) -> Vec<f64> {
        let line = &state.lines()[line];
        (1..=i64::from(line.len())).map(|back| line.load(line.pos() - back)).collect()
    }

    #[test]
    fn words_are_copied_and_broken_floats_stay_fresh() {
        let bits = f64::to_bits;
        let (_, old) =
            state(vec![bits(1.0), bits(f64::NAN), bits(f64::INFINITY), -1i64 as u64, 5], &[]);
        let (_, mut new) = state(vec![bits(0.25); 6], &[]);
        let run = |from, to, len, kind| WordRun { from, to, len, kind };
        let plan = Plan {
            words: vec![
                run(0, 2, 3, WordKind::F64),
                run(3, 0, 1, WordKind::I64),
                run(4, 1, 1, WordKind::Ref),
            ],
            ..Plan::default()
        };
        plan.copy_words(&old, &mut new);
        let quarter = bits(0.25);
        assert_eq!(new.words(), [-1i64 as u64, quarter, bits(1.0), quarter, quarter, quarter]);
        assert_eq!(plan.word_count(), 5);
    }

    #[test]
    fn fit_drops_what_lies_outside_and_copies_what_cannot_be_exchanged() {
        let (old, _) = state(vec![0; 4], &[8, 5, 8]);
        let (new, _) = state(vec![0; 2], &[8, 6, 16]);
        let run = |from, to, len, kind| WordRun { from, to, len, kind };
        let step = |from, to| LineMove { from, to };
        let mut plan = Plan {
            words: vec![
                run(0, 0, 2, WordKind::F64),
                run(3, 0, 9, WordKind::F64),
                run(u32::MAX, 0, 2, WordKind::F64),
                run(0, 0, 1, WordKind::Ref),
            ],
            lines: vec![step(0, 0), step(1, 1), step(2, 2), step(7, 0)],
            resized: vec![step(0, 9)],
            ..Plan::default()
        };
        plan.fit(&old, &new);
        assert_eq!(plan.words, [run(0, 0, 2, WordKind::F64)]);
        assert_eq!(plan.lines, [step(0, 0)]);
        assert_eq!(plan.resized, [step(1, 1), step(2, 2)]);
    }

    #[test]
    fn exchanged_lines_copy_no_sample() {
        let ((_, mut old), (_, mut new)) = (state(vec![], &[8]), state(vec![], &[7]));
        play(&mut old, 0, 20);
        let before = std::ptr::from_ref(&old.lines()[0]);
        let plan = Plan { lines: vec![LineMove { from: 0, to: 0 }], ..Plan::default() };
        plan.exchange_lines(&mut old, &mut new);
        assert_eq!(newest(&new, 0)[..3], [20.0, 19.0, 18.0]);
        assert_eq!(newest(&old, 0), vec![0.0; 8]);
        assert_eq!(std::ptr::from_ref(&old.lines()[0]), before);
    }

    #[test]
    fn a_resized_line_keeps_the_newest_samples() {
        for (from, to) in [(100, 300), (300, 100), (100, 120), (120, 100), (64, 64), (1, 5), (5, 1)]
        {
            for (budget, frames) in [(usize::MAX, 0), (40, 7), (300, 64)] {
                let ((_, mut old), (_, mut new)) = (state(vec![], &[from]), state(vec![], &[to]));
                play(&mut old, 0, 1000);
                let plan = Plan { resized: vec![LineMove { from: 0, to: 0 }], ..Plan::default() };
                let mut resizing = Resizing::new(&plan);
                let mut turns = 0;
                while !resizing.advance(&old, &mut new, budget) {
                    play(&mut old, 0, frames);
                    turns += 1;
                    assert!(turns < 100, "the copy catches up");
                }
                let keep = from.min(to) as usize;
                let mut want = newest(&old, 0);
                want.truncate(keep);
                want.resize(to as usize, 0.0);
                assert_eq!(newest(&new, 0), want, "{from} to {to}, budget {budget}");
            }
        }
    }

    #[test]
    fn a_plan_never_touches_the_heap() {
        let layout = Layout { words: 1, heap_words: 64, ..Layout::default() };
        let (old, mut new) =
            (State::new(&layout, &Image::default()), State::new(&layout, &Image::default()));
        Plan::default().copy_words(&old, &mut new);
        assert_eq!(new.heap().load(HeapRef(20), 0), 0);
        assert_eq!(new.heap().image(), old.heap().image());
    }
}
