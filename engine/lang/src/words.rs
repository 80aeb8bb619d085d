//! The tokens of a text as far as edits go: what is compared to tell what stayed.
//!
//! Blanks, line breaks and comments are left out, so that neither layout nor remarks matter.

use std::hash::{Hash, Hasher};

use attacca_mir::align::{Text, TextFile, Token};
use rustc_hash::FxHasher;

use crate::source::SourceMap;
use crate::syntax::SyntaxKind;
use crate::syntax::lexer::lex;

/// The tokens of every file, in the order of the source map.
pub fn of(sources: &SourceMap) -> Text {
    let file = |source: &crate::source::Source| TextFile {
        name: source.name().to_owned(),
        tokens: tokens(source.text()),
    };
    Text { files: sources.iter().map(|(_, source)| file(source)).collect() }
}

/// A number that two texts share if they differ in layout and comments only.
pub fn hash(text: &str) -> u64 {
    let mut hash = FxHasher::default();
    tokens(text).iter().for_each(|token| token.key.hash(&mut hash));
    hash.finish()
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 3);
    let mut start = 0;
    for token in lex(text) {
        let end = start + token.len;
        if !token.kind.is_trivia() {
            let spelling = text.get(start as usize..end as usize).unwrap_or_default();
            let mut hash = FxHasher::default();
            spelling.hash(&mut hash);
            let weight = weight(token.kind, spelling);
            tokens.push(Token { start, end, key: hash.finish(), weight });
        }
        start = end;
    }
    tokens
}

/// Names say most, then numbers, strings and words of the language, then marks.
fn weight(kind: SyntaxKind, spelling: &str) -> u8 {
    if kind.is_keyword() {
        return 3;
    }
    match spelling.bytes().next() {
        Some(b'0'..=b'9' | b'"') => 3,
        Some(first) if first.is_ascii_alphabetic() || first == b'_' || !first.is_ascii() => 4,
        Some(_) | None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_and_comments_do_not_count() {
        assert_eq!(hash("a + b(1.5)"), hash("a+ // sum\n  b ( 1.5 )"));
        assert_ne!(hash("a + b(1.5)"), hash("a + b(1.25)"));
        assert_ne!(hash("ab"), hash("a b"));
    }

    #[test]
    fn tokens_know_their_places_and_weights() {
        let found: Vec<_> =
            tokens("fn f(x) { self }").iter().map(|t| (t.start, t.end, t.weight)).collect();
        let want = [
            (0, 2, 3),
            (3, 4, 4),
            (4, 5, 1),
            (5, 6, 4),
            (6, 7, 1),
            (8, 9, 1),
            (10, 14, 3),
            (15, 16, 1),
        ];
        assert_eq!(found, want);
    }
}
