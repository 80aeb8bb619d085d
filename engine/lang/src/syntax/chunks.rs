//! Which tokens belong together: what one mistake can spoil.
//!
//! Takes the tokens that the grammar sees, gives [`Chunks`]: definitions and statements that begin at the
//! margin, and the brackets around each token. Knows nothing of the grammar inside. A bracket that is missing
//! or too many shifts everything behind it, up to the next definition at the margin; so a chunk whose brackets
//! don't match is worth one message.

use super::kind::SyntaxKind;

/// How a token can divide a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Divides {
    /// A word that only a definition begins with, at the margin: always a new chunk.
    Always,
    /// A statement at the margin: a new chunk unless a bracket is open.
    Outside,
    /// Anything else.
    Never,
}

/// Brackets that are not paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brackets {
    Match,
    Differ,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    first: usize,
    divides: Divides,
    brackets: Brackets,
}

/// The division of a text.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunks {
    chunks: Vec<Chunk>,
    /// For each token the bracket around it.
    around: Vec<Option<usize>>,
    /// For each token whether it opens a block or record.
    braces: Vec<bool>,
}

impl Chunks {
    /// Divides tokens, each given with how it may divide.
    pub(super) fn of(tokens: impl Iterator<Item = (SyntaxKind, Divides)>) -> Self {
        let mut out = Self::default();
        let mut open: Vec<(SyntaxKind, usize)> = Vec::new();
        for (at, (kind, divides)) in tokens.enumerate() {
            match divides {
                Divides::Always => {
                    if !open.is_empty() {
                        out.differ();
                        open.clear();
                    }
                    out.begin(at, divides);
                }
                Divides::Outside if open.is_empty() => out.begin(at, divides),
                Divides::Outside | Divides::Never => {}
            }
            if out.chunks.is_empty() {
                out.begin(at, Divides::Outside);
            }
            if let Some(opener) = opener(kind) {
                out.close(opener, &mut open);
            }
            out.around.push(open.last().map(|(_, at)| *at));
            out.braces.push(kind == SyntaxKind::LBrace);
            if matches!(kind, SyntaxKind::LParen | SyntaxKind::LBracket | SyntaxKind::LBrace) {
                open.push((kind, at));
            }
        }
        if !open.is_empty() {
            out.differ();
        }
        out
    }

    fn begin(&mut self, first: usize, divides: Divides) {
        self.chunks.push(Chunk { first, divides, brackets: Brackets::Match });
    }

    /// The brackets of the last chunk are not paired.
    fn differ(&mut self) {
        if let Some(last) = self.chunks.last_mut() {
            last.brackets = Brackets::Differ;
        }
    }

    fn close(&mut self, opener: SyntaxKind, open: &mut Vec<(SyntaxKind, usize)>) {
        if open.last().is_some_and(|(kind, _)| *kind == opener) {
            open.pop();
            return;
        }
        match open.iter().rposition(|(kind, _)| *kind == opener) {
            Some(partner) => open.truncate(partner),
            // Its partner is missing in what seemed to be finished.
            None if open.is_empty() => self.join(),
            None => {}
        }
        self.differ();
    }

    /// Makes one chunk of the statements since the last definition.
    fn join(&mut self) {
        while let [.., _, Chunk { divides: Divides::Outside, .. }] = self.chunks.as_slice() {
            self.chunks.pop();
        }
    }

    /// The chunk of a token, by number.
    pub(super) fn of_token(&self, token: usize) -> usize {
        self.chunks.partition_point(|chunk| chunk.first <= token).saturating_sub(1)
    }

    /// The tokens of a chunk.
    pub(super) fn tokens(&self, chunk: usize) -> std::ops::Range<usize> {
        let first = self.chunks.get(chunk).map_or(0, |chunk| chunk.first);
        let end = self.chunks.get(chunk + 1).map_or(self.around.len(), |next| next.first);
        first..end
    }

    /// Whether no definition begins between two chunks.
    pub(super) fn same_definition(&self, a: usize, b: usize) -> bool {
        let between = self.chunks.get(a.min(b) + 1..=a.max(b)).unwrap_or_default();
        between.iter().all(|chunk| chunk.divides != Divides::Always)
    }

    /// Whether the brackets of a chunk are paired.
    pub(super) fn is_paired(&self, chunk: usize) -> bool {
        self.chunks.get(chunk).is_none_or(|chunk| chunk.brackets == Brackets::Match)
    }

    /// Whether `token` stands directly in a block, or at the top level, that is also around `inner`.
    pub(super) fn is_outside(&self, token: usize, inner: usize) -> bool {
        let around = |token: usize| self.around.get(token).copied().flatten();
        let Some(block) = around(token) else { return true };
        let mut outer = around(inner);
        while let Some(bracket) = outer.filter(|bracket| *bracket > block) {
            outer = around(bracket);
        }
        outer == Some(block) && self.braces.get(block).copied().unwrap_or(false)
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only closing brackets have a partner before them"
)]
fn opener(kind: SyntaxKind) -> Option<SyntaxKind> {
    Some(match kind {
        SyntaxKind::RParen => SyntaxKind::LParen,
        SyntaxKind::RBracket => SyntaxKind::LBracket,
        SyntaxKind::RBrace => SyntaxKind::LBrace,
        _ => return None,
    })
}
