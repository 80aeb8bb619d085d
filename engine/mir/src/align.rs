//! Aligns two texts, token by token, and the places in them.
//!
//! Takes the tokens of the old and the new files, gives which token became which ([`Alignment`]) and,
//! from that, which place became which ([`Places`]). Pure; runs on the control side. Knows no
//! language: a token is a place, a key that equal tokens share, and a weight.
//!
//! Files of the same name are aligned first: what both ends share, then the best alignment in between
//! by weight, few gaps preferred (Gotoh 1982); long middles are split at triples of tokens that occur
//! once on both sides. What is left is searched for pieces that moved, within a file or to another.

use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// A token without what surrounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Offset of its first byte.
    pub start: u32,
    /// Offset after its last byte.
    pub end: u32,
    /// Equal for equal tokens.
    pub key: u64,
    /// How much it says that two places share it: 1 for punctuation, more for names.
    pub weight: u8,
}

/// The tokens of all files of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The files; a place names one by its index.
    pub files: Vec<TextFile>,
}

/// The tokens of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextFile {
    /// Its name: files of the same name are versions of each other, and so are the first files.
    pub name: String,
    /// Its tokens in order, without blanks and comments.
    pub tokens: Vec<Token>,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Index of the file.
    pub file: u32,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte; not above `start` for no place at all.
    pub end: u32,
}

/// Which token of the new text an old one became.
#[derive(Clone, Debug, Default)]
pub struct Alignment {
    /// By old file and token: new file and token.
    forward: Vec<Vec<Option<(u32, u32)>>>,
}

/// Most cells of one alignment table.
const MAX_CELLS: usize = 1 << 20;
/// What a gap costs, in weight.
const GAP: i32 = 2;
/// Lengths of the pieces by which moved text is found, with the weight they must have.
const MOVED: [(usize, u32); 2] = [(4, 9), (3, 7)];

impl Alignment {
    /// Aligns two texts.
    pub fn of(old: &Text, new: &Text) -> Self {
        let mut forward: Vec<Vec<Option<(u32, u32)>>> =
            old.files.iter().map(|file| vec![None; file.tokens.len()]).collect();
        let mut taken: Vec<Vec<bool>> =
            new.files.iter().map(|file| vec![false; file.tokens.len()]).collect();
        for (file, tokens) in old.files.iter().enumerate() {
            // The first file is the program itself, whatever it is called.
            let twin = match file {
                0 => (!new.files.is_empty()).then_some(0),
                _ => (1..new.files.len()).find(|at| new.files[*at].name == tokens.name),
            };
            let Some(twin) = twin else { continue };
            let mut pairs = Vec::new();
            Diff { old: &tokens.tokens, new: &new.files[twin].tokens, pairs: &mut pairs }
                .ranges(0..tokens.tokens.len(), 0..new.files[twin].tokens.len());
            for (from, to) in pairs {
                forward[file][from] = Some((twin as u32, to as u32));
                taken[twin][to] = true;
            }
        }
        let mut moves = Moves { old, new, forward, taken };
        for (length, weight) in MOVED {
            moves.find(length, weight);
        }
        Self { forward: moves.forward }
    }

    /// What became of token `token` of file `file`: new file and token.
    pub fn get(&self, file: u32, token: usize) -> Option<(u32, u32)> {
        *self.forward.get(file as usize)?.get(token)?
    }
}

/// The alignment of one file, pair by pair.
struct Diff<'t> {
    old: &'t [Token],
    new: &'t [Token],
    pairs: &'t mut Vec<(usize, usize)>,
}

impl Diff<'_> {
    fn same(&self, a: usize, b: usize) -> bool {
        self.old[a].key == self.new[b].key
    }

    fn ranges(&mut self, mut a: Range<usize>, mut b: Range<usize>) {
        while !a.is_empty() && !b.is_empty() && self.same(a.start, b.start) {
            self.pairs.push((a.start, b.start));
            (a.start, b.start) = (a.start + 1, b.start + 1);
        }
        while !a.is_empty() && !b.is_empty() && self.same(a.end - 1, b.end - 1) {
            self.pairs.push((a.end - 1, b.end - 1));
            (a.end, b.end) = (a.end - 1, b.end - 1);
        }
        if a.is_empty() || b.is_empty() {
            return;
        }
        if a.len() * b.len() <= MAX_CELLS {
            self.table(a, b);
            return;
        }
        let anchors = self.anchors(&a, &b);
        let (mut from, mut to) = (a.start, b.start);
        for (next_from, next_to) in anchors {
            self.small(from..next_from, to..next_to);
            self.pairs.push((next_from, next_to));
            (from, to) = (next_from + 1, next_to + 1);
        }
        self.small(from..a.end, to..b.end);
    }

    /// A piece between anchors: too large a piece without any has nothing in common.
    fn small(&mut self, a: Range<usize>, b: Range<usize>) {
        if a.len() * b.len() <= MAX_CELLS {
            self.table(a, b);
        }
    }

    /// First tokens of triples that occur once on both sides, in the same order on both.
    fn anchors(&self, a: &Range<usize>, b: &Range<usize>) -> Vec<(usize, usize)> {
        let once = |tokens: &[Token], range: &Range<usize>| {
            let mut seen: FxHashMap<u64, Option<usize>> = FxHashMap::default();
            for at in range.start..range.end.saturating_sub(2) {
                let key = run_key(&tokens[at..at + 3]);
                seen.entry(key).and_modify(|place| *place = None).or_insert(Some(at));
            }
            seen
        };
        let (olds, news) = (once(self.old, a), once(self.new, b));
        let mut pairs: Vec<(usize, usize)> =
            olds.iter().filter_map(|(key, from)| Some(((*from)?, (*news.get(key)?)?))).collect();
        pairs.sort_unstable();
        increasing(&pairs)
    }

    /// The best alignment of two short pieces.
    fn table(&mut self, a: Range<usize>, b: Range<usize>) {
        if a.is_empty() || b.is_empty() {
            return;
        }
        let width = b.len() + 1;
        // Bit 0: the match here follows a match. Bits 1 and 2: how the gap here began, as below.
        const AFTER_MATCH: u8 = 1;
        const OPEN: u8 = 2;
        const OLD: u8 = 4;
        let mut trace = vec![0u8; width * (a.len() + 1)];
        let worst = i32::MIN / 2;
        let (mut matched, mut gap) = (vec![worst; width], vec![worst; width]);
        matched[0] = 0;
        for (j, cell) in trace[..width].iter_mut().enumerate().skip(1) {
            gap[j] = -GAP;
            *cell = if j == 1 { OPEN } else { 0 };
        }
        for i in 1..=a.len() {
            let token = self.old[a.start + i - 1];
            // The row above, one column to the left.
            let (mut above_matched, mut above_gap) = (matched[0], gap[0]);
            gap[0] = (above_gap).max(above_matched - GAP);
            trace[i * width] = OLD | if above_matched - GAP >= above_gap { OPEN } else { 0 };
            matched[0] = worst;
            for j in 1..width {
                let (up_matched, up_gap) = (matched[j], gap[j]);
                let mut step = 0;
                let equal = token.key == self.new[b.start + j - 1].key;
                let best = if equal {
                    step |= if above_matched >= above_gap { AFTER_MATCH } else { 0 };
                    above_matched.max(above_gap) + i32::from(token.weight)
                } else {
                    worst
                };
                let ways = [
                    (gap[j - 1], 0),
                    (matched[j - 1] - GAP, OPEN),
                    (up_gap, OLD),
                    (up_matched - GAP, OLD | OPEN),
                ];
                let (score, way) = ways
                    .into_iter()
                    .fold((worst, 0), |best, way| if way.0 > best.0 { way } else { best });
                (above_matched, above_gap) = (up_matched, up_gap);
                (matched[j], gap[j]) = (best, score);
                trace[i * width + j] = step | way;
            }
        }
        let (mut i, mut j) = (a.len(), b.len());
        let mut in_match = matched[j] >= gap[j];
        while i > 0 && j > 0 {
            let step = trace[i * width + j];
            if in_match {
                (i, j) = (i - 1, j - 1);
                self.pairs.push((a.start + i, b.start + j));
                in_match = step & AFTER_MATCH != 0;
            } else {
                in_match = step & OPEN != 0;
                (i, j) = if step & OLD != 0 { (i - 1, j) } else { (i, j - 1) };
            }
        }
    }
}

fn run_key(tokens: &[Token]) -> u64 {
    let mut hash = FxHasher::default();
    tokens.iter().for_each(|token| token.key.hash(&mut hash));
    hash.finish()
}

/// The longest part of `pairs`, ascending on the left, that ascends on the right too.
fn increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // Patience sorting: `tails[n]` ends the best run of n + 1 pairs, `before` leads back.
    let mut tails: Vec<usize> = Vec::new();
    let mut before = vec![None; pairs.len()];
    for (at, (_, to)) in pairs.iter().enumerate() {
        let place = tails.partition_point(|tail| pairs[*tail].1 < *to);
        before[at] = place.checked_sub(1).map(|last| tails[last]);
        if place == tails.len() {
            tails.push(at);
        } else {
            tails[place] = at;
        }
    }
    let mut run: Vec<_> = std::iter::successors(tails.last().copied(), |at| before[*at]).collect();
    run.reverse();
    run.into_iter().map(|at| pairs[at]).collect()
}

/// The search for pieces that moved.
struct Moves<'t> {
    old: &'t Text,
    new: &'t Text,
    forward: Vec<Vec<Option<(u32, u32)>>>,
    taken: Vec<Vec<bool>>,
}

/// Where a piece was found: file and first token; `None` when at several places.
type Once = Option<(usize, usize)>;

impl Moves<'_> {
    fn free(&self, old: Side, file: usize, token: usize) -> bool {
        match old {
            Side::Old => self.forward[file].get(token).is_some_and(Option::is_none),
            Side::New => self.taken[file].get(token).is_some_and(|taken| !taken),
        }
    }

    /// Aligns pieces of at least `length` free tokens that occur once on both sides.
    fn find(&mut self, length: usize, weight: u32) {
        let olds = self.once(Side::Old, length, weight);
        if olds.is_empty() {
            return;
        }
        let news = self.once(Side::New, length, weight);
        // Lengths, with file and token where the piece starts on each side.
        type Start = (usize, usize);
        let mut found: Vec<(usize, Start, Start)> = Vec::new();
        for (key, from) in &olds {
            if let (Some(from), Some(Some(to))) = (from, news.get(key)) {
                let (from, to, count) = self.grow(*from, *to);
                found.push((count, from, to));
            }
        }
        // The longest first; what it takes, others no longer can.
        found.sort_unstable_by_key(|(count, from, to)| (std::cmp::Reverse(*count), *from, *to));
        found.dedup();
        for (count, from, to) in found {
            for step in 0..count {
                let (a, b) = (from.1 + step, to.1 + step);
                if self.free(Side::Old, from.0, a) && self.free(Side::New, to.0, b) {
                    self.forward[from.0][a] = Some((to.0 as u32, b as u32));
                    self.taken[to.0][b] = true;
                }
            }
        }
    }

    fn once(&self, side: Side, length: usize, weight: u32) -> FxHashMap<u64, Once> {
        let files = match side {
            Side::Old => &self.old.files,
            Side::New => &self.new.files,
        };
        let mut seen: FxHashMap<u64, Once> = FxHashMap::default();
        for (file, tokens) in files.iter().enumerate() {
            let mut run = 0;
            for at in 0..tokens.tokens.len() {
                run = if self.free(side, file, at) { run + 1 } else { 0 };
                if run < length {
                    continue;
                }
                let first = at + 1 - length;
                let piece = &tokens.tokens[first..=at];
                if piece.iter().map(|token| u32::from(token.weight)).sum::<u32>() >= weight {
                    let key = run_key(piece);
                    seen.entry(key).and_modify(|once| *once = None).or_insert(Some((file, first)));
                }
            }
        }
        seen
    }

    /// The longest run of equal free tokens around two equal ones: its start on both sides, its length.
    fn grow(
        &self,
        (file, mut a): (usize, usize),
        (twin, mut b): (usize, usize),
    ) -> ((usize, usize), (usize, usize), usize) {
        let same = |a: usize, b: usize| {
            self.free(Side::Old, file, a)
                && self.free(Side::New, twin, b)
                && self.old.files[file].tokens[a].key == self.new.files[twin].tokens[b].key
        };
        while a > 0 && b > 0 && same(a - 1, b - 1) {
            (a, b) = (a - 1, b - 1);
        }
        let mut count = 0;
        while same(a + count, b + count) {
            count += 1;
        }
        ((file, a), (twin, b), count)
    }
}

#[derive(Clone, Copy)]
enum Side {
    Old,
    New,
}

/// Which places of the new text old ones became.
#[derive(Clone, Debug, Default)]
pub struct Places {
    forward: FxHashMap<Place, Place>,
}

/// The least part of two places' weight that aligned tokens must make up, in millionths.
const LEAST_SHARE: u64 = 400_000;
/// The share of two places with the same words, in the same definition, found there once.
const SAME_WORDS: u64 = 1_000_001;

impl Places {
    /// Matches places by the share of their tokens that are aligned, the best first, each once. Places
    /// of the same words come first if they are the only ones of these words in their definition, given
    /// by `homes`: in `a(1) + a(2)` that becomes `a(2)` any `a` may be the aligned one.
    pub fn of(
        (old, olds): (&Text, &[Place]),
        (new, news): (&Text, &[Place]),
        aligned: &Alignment,
        homes: &Homes,
    ) -> Self {
        let (olds, news) = (tidy(old, olds), tidy(new, news));
        let mut pairs = shares(old, new, &olds, &news, aligned);
        pairs.extend(same_words((old, &olds), (new, &news), homes));
        pairs.sort_unstable_by_key(|(share, old, new)| (std::cmp::Reverse(*share), *old, *new));
        let (mut used_old, mut used_new) = (vec![false; olds.len()], vec![false; news.len()]);
        let mut forward = FxHashMap::default();
        for (_, old, new) in pairs {
            if !used_old[old] && !used_new[new as usize] {
                (used_old[old], used_new[new as usize]) = (true, true);
                forward.insert(olds[old].0, news[new as usize].0);
            }
        }
        Self { forward }
    }

    /// All matches.
    pub fn iter(&self) -> impl Iterator<Item = (Place, Place)> {
        self.forward.iter().map(|(old, new)| (*old, *new))
    }

    /// Adds what `other` knows of places that are not known here.
    pub fn add(&mut self, other: Self) {
        for (from, to) in other.forward {
            self.forward.entry(from).or_insert(to);
        }
    }

    /// What became of a place.
    pub fn get(&self, place: Place) -> Option<Place> {
        self.forward.get(&place).copied()
    }
}

/// The definitions around places.
#[derive(Clone, Debug, Default)]
pub struct Homes {
    /// Definitions of the old text that are in the new one too, ascending, with their numbers.
    old: Vec<(Place, usize)>,
    /// The same definitions in the new text, ascending.
    new: Vec<(Place, usize)>,
    /// Words at the start of a place that do not count when places are compared.
    skip: usize,
}

impl Homes {
    /// For definitions themselves: they stand anywhere, and `fn name` does not count.
    pub fn none() -> Self {
        Self { skip: 2, ..Self::default() }
    }

    /// Homes given by matched definitions.
    pub fn of(definitions: &Places) -> Self {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (number, (from, to)) in definitions.iter().enumerate() {
            old.push((from, number));
            new.push((to, number));
        }
        old.sort_unstable();
        new.sort_unstable();
        Self { old, new, skip: 0 }
    }

    /// The number of the innermost definition around a place of the old or the new text.
    fn around(&self, place: Place, side: Side) -> usize {
        let homes = match side {
            Side::Old => &self.old,
            Side::New => &self.new,
        };
        let after =
            homes.partition_point(|(home, _)| (home.file, home.start) <= (place.file, place.start));
        let before = homes[..after].iter().rev().take_while(|(home, _)| home.file == place.file);
        // Definitions nest: the last one that begins before and ends behind is the innermost.
        let mut inside = before.filter(|(home, _)| place.end <= home.end);
        inside.next().map_or(usize::MAX, |(_, number)| *number)
    }
}

/// Places with the tokens they cover.
type Covers = [(Place, Range<usize>)];

fn weigh(text: &Text, (place, tokens): &(Place, Range<usize>)) -> u64 {
    let tokens = &text.files[place.file as usize].tokens[tokens.clone()];
    tokens.iter().map(|token| u64::from(token.weight)).sum()
}

/// Pairs of places that share enough aligned tokens: share, old, new.
fn shares(
    old: &Text,
    new: &Text,
    olds: &Covers,
    news: &Covers,
    aligned: &Alignment,
) -> Vec<(u64, usize, u32)> {
    // Which new places hold each new token.
    let mut holders: Vec<Vec<Vec<u32>>> =
        new.files.iter().map(|file| vec![Vec::new(); file.tokens.len()]).collect();
    for (index, (place, tokens)) in news.iter().enumerate() {
        for token in tokens.clone() {
            holders[place.file as usize][token].push(index as u32);
        }
    }
    let new_weights: Vec<u64> = news.iter().map(|cover| weigh(new, cover)).collect();
    let mut pairs = Vec::new();
    let mut shared: FxHashMap<u32, u64> = FxHashMap::default();
    for (index, cover) in olds.iter().enumerate() {
        shared.clear();
        for token in cover.1.clone() {
            let Some((file, to)) = aligned.get(cover.0.file, token) else { continue };
            let weight = new.files[file as usize].tokens[to as usize].weight;
            for holder in &holders[file as usize][to as usize] {
                *shared.entry(*holder).or_default() += u64::from(weight);
            }
        }
        let own = weigh(old, cover);
        for (holder, weight) in &shared {
            // Dice's coefficient.
            let share = 2_000_000 * weight / (own + new_weights[*holder as usize]).max(1);
            if share >= LEAST_SHARE {
                pairs.push((share, index, *holder));
            }
        }
    }
    pairs
}

/// Pairs of places of the same words that are the only ones in their definitions.
fn same_words(
    (old, olds): (&Text, &Covers),
    (new, news): (&Text, &Covers),
    homes: &Homes,
) -> Vec<(u64, usize, u32)> {
    let once = |text: &Text, covers: &Covers, side: Side| {
        let mut seen: FxHashMap<(usize, u64), Option<usize>> = FxHashMap::default();
        for (index, (place, tokens)) in covers.iter().enumerate() {
            if tokens.len() <= homes.skip {
                continue;
            }
            let tokens = tokens.start + homes.skip..tokens.end;
            let words = run_key(&text.files[place.file as usize].tokens[tokens]);
            let key = (homes.around(*place, side), words);
            seen.entry(key).and_modify(|once| *once = None).or_insert(Some(index));
        }
        seen
    };
    let (olds, news) = (once(old, olds, Side::Old), once(new, news, Side::New));
    let pair = |(key, from): (&(usize, u64), &Option<usize>)| {
        Some((SAME_WORDS, (*from)?, (*news.get(key)?)? as u32))
    };
    olds.iter().filter_map(pair).collect()
}

/// Each place once, with the tokens it covers; without those that cover none.
fn tidy(text: &Text, places: &[Place]) -> Vec<(Place, Range<usize>)> {
    let mut places = places.to_vec();
    places.sort_unstable();
    places.dedup();
    let tokens = |place: &Place| {
        let tokens = &text.files.get(place.file as usize)?.tokens;
        let first = tokens.partition_point(|token| token.start < place.start);
        let end = tokens.partition_point(|token| token.end <= place.end);
        (first < end).then_some((*place, first..end))
    };
    places.iter().filter_map(tokens).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and single marks, each a token; `|` begins another file.
    fn text(words: &str) -> Text {
        let file = |(index, words): (usize, &str)| {
            let mut tokens = Vec::new();
            let mut at = 0;
            for word in words.split(' ').filter(|word| !word.is_empty()) {
                let mut hash = FxHasher::default();
                word.hash(&mut hash);
                let name = word.chars().all(char::is_alphanumeric);
                let (start, end) = (at, at + word.len() as u32);
                let weight = if name { 4 } else { 1 };
                tokens.push(Token { start, end, key: hash.finish(), weight });
                at = end + 1;
            }
            TextFile { name: format!("f{index}"), tokens }
        };
        Text { files: words.split('|').enumerate().map(file).collect() }
    }

    /// Old and new indices of aligned tokens.
    fn aligned(old: &str, new: &str) -> Vec<((u32, u32), (u32, u32))> {
        let (old, new) = (text(old), text(new));
        let alignment = Alignment::of(&old, &new);
        let mut pairs = Vec::new();
        for (file, tokens) in (0..).zip(&old.files) {
            for token in 0..tokens.tokens.len() {
                pairs.extend(alignment.get(file, token).map(|to| ((file, token as u32), to)));
            }
        }
        pairs
    }

    /// The new token that each old one became, in one file; `None` where it is gone.
    fn line(old: &str, new: &str) -> Vec<Option<u32>> {
        let count = old.split(' ').count();
        let mut line = vec![None; count];
        for ((_, from), (_, to)) in aligned(old, new) {
            line[from as usize] = Some(to);
        }
        line
    }

    #[test]
    fn both_ends_and_the_middle_are_aligned() {
        assert_eq!(line("a b c d", "a x c d"), [Some(0), None, Some(2), Some(3)]);
        assert_eq!(line("a ( 1 )", "z + a ( 1 )"), [Some(2), Some(3), Some(4), Some(5)]);
        assert_eq!(line("a", "b"), [None]);
    }

    #[test]
    fn one_gap_is_better_than_two() {
        // The first `(` fits as well as the second, but would leave two gaps.
        assert_eq!(line("q ( b )", "a ( x ) + q ( b )")[1..], [Some(6), Some(7), Some(8)]);
        assert_eq!(
            line("f ( 1 ) g ( 2 )", "g ( 2 )"),
            [None, None, None, None, Some(0), Some(1), Some(2), Some(3)]
        );
    }

    #[test]
    fn moved_pieces_are_found_within_and_across_files() {
        let line = line(
            "fn a ( x ) sin ( x ) fn b ( y ) mem ( y )",
            "fn b ( y ) mem ( y ) fn a ( x ) sin ( x )",
        );
        // The first `fn` stays the first one; all else moves.
        assert_eq!(line.iter().filter(|to| to.is_none()).count(), 2, "{line:?}");
        assert_eq!((line[3], line[12]), (Some(12), Some(3)));
        let pairs =
            aligned("keep me fn osc ( f ) phasor ( f ) * 2", "keep me|osc ( f ) phasor ( f ) * 2");
        assert!(
            pairs.contains(&((0, 3), (1, 0))) && pairs.contains(&((0, 11), (1, 8))),
            "{pairs:?}"
        );
    }

    #[test]
    fn long_texts_are_split_at_what_is_unique() {
        let old: Vec<String> = (0..3_000).map(|n| format!("n{n} + x")).collect();
        let mut new = old.clone();
        new[10] = "changed".into();
        new.insert(1_500, "inserted".into());
        new[2_990] = "other".into();
        let line = line(&old.join(" "), &new.join(" "));
        assert_eq!(line[3 * 2_000], Some(3 * 2_000 - 2 + 1));
        assert!(line.iter().filter(|to| to.is_none()).count() < 10);
    }

    #[test]
    fn places_find_the_part_that_is_theirs() {
        let (old, new) = ("osc ( 440 ) + env ( 3 )", "lpf ( osc ( 440 ) , 500 ) + envelope ( 3 )");
        let (old, new) = (text(old), text(new));
        let place = |start: u32, end: u32| Place { file: 0, start, end };
        let aligned = Alignment::of(&old, &new);
        let (osc, env) = (place(0, 11), place(14, 23));
        let (outer, inner, last) = (place(0, 25), place(6, 17), place(28, 42));
        let (olds, news) = ([osc, env], [outer, inner, last]);
        let places = Places::of((&old, &olds), (&new, &news), &aligned, &Homes::default());
        assert_eq!(places.get(osc), Some(inner));
        assert_eq!(places.get(env), Some(last));
        assert_eq!(places.get(outer), None);
    }

    #[test]
    fn places_of_the_same_words_find_each_other() {
        let (old, new) = (text("osc ( 1 ) + osc ( 10 )"), text("osc ( 10 )"));
        let place = |start: u32, end: u32| Place { file: 0, start, end };
        let (first, second, left) = (place(0, 9), place(12, 22), place(0, 10));
        let aligned = Alignment::of(&old, &new);
        let places =
            Places::of((&old, &[first, second]), (&new, &[left]), &aligned, &Homes::default());
        assert_eq!((places.get(first), places.get(second)), (None, Some(left)));
    }
}
