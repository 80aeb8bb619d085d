//! Colours for a text, from the real lexer.
//!
//! Takes any text, gives ranges in order; white space has none. Linear in the text's length, and
//! needs no parse, so that it can run at every key press.

use std::ops::Range;

use crate::builtins::Builtin;
use crate::syntax::SyntaxKind;
use crate::syntax::lexer::{Token, lex};

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HighlightKind {
    /// A reserved word that shapes the program: `fn`, `let`, `if`.
    Keyword,
    /// `self`, `now`, `samplerate`: values with a reserved name.
    Value,
    /// `float`, `int`, `string`.
    Type,
    /// A number.
    Number,
    /// A string.
    String,
    /// A comment.
    Comment,
    /// An operator.
    Operator,
    /// Brackets, commas, colons.
    Punctuation,
    /// A name.
    Name,
    /// A name that is called right behind it.
    Call,
    /// The name of a built-in function.
    Builtin,
    /// A macro's name with its `!`, quotes and splices, `#`.
    Macro,
    /// Something that means nothing.
    Error,
}

/// A coloured piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What they are.
    pub kind: HighlightKind,
}

/// The coloured pieces of a text, in order, not overlapping, white space left out.
///
/// ```
/// use attacca_lang::ide::highlight::{HighlightKind, highlight};
/// let pieces = highlight("sin(1.5)");
/// assert_eq!(pieces[0].kind, HighlightKind::Builtin);
/// assert_eq!(pieces[2].range, 4..7);
/// ```
pub fn highlight(text: &str) -> Vec<Highlight> {
    let tokens = lex(text);
    let mut out = Vec::with_capacity(tokens.len());
    let mut before = SyntaxKind::Newline;
    let mut start = 0;
    for (index, token) in tokens.iter().enumerate() {
        let range = start..start + token.len as usize;
        start = range.end;
        let piece = text.get(range.clone()).unwrap_or("");
        let next = tokens.get(index + 1);
        if let Some(kind) = kind_of(*token, piece, before, next) {
            out.push(Highlight { range, kind });
        }
        if !token.kind.is_trivia() {
            before = token.kind;
        }
    }
    out
}

#[expect(clippy::wildcard_enum_match_arm, reason = "keywords and symbols are asked for by class")]
fn kind_of(
    token: Token,
    text: &str,
    before: SyntaxKind,
    next: Option<&Token>,
) -> Option<HighlightKind> {
    use SyntaxKind as K;
    Some(match token.kind {
        K::Whitespace | K::Newline => return None,
        K::Comment => HighlightKind::Comment,
        K::Integer | K::Float => HighlightKind::Number,
        K::Str if text.len() > 1 && text.ends_with('"') => HighlightKind::String,
        K::Str | K::Unknown => HighlightKind::Error,
        K::SelfKw | K::NowKw | K::SamplerateKw => HighlightKind::Value,
        K::FloatKw | K::IntKw | K::StringKw => HighlightKind::Type,
        K::Ident => name_kind(text, before, next),
        K::Bang if before == K::Ident => HighlightKind::Macro,
        K::Backtick | K::Dollar | K::Hash => HighlightKind::Macro,
        K::LParen | K::RParen | K::LBracket | K::RBracket | K::LBrace | K::RBrace => {
            HighlightKind::Punctuation
        }
        K::Comma | K::Colon | K::ColonColon | K::Dot | K::DotDot => HighlightKind::Punctuation,
        kind if kind.is_keyword() => HighlightKind::Keyword,
        kind if kind.is_symbol() => HighlightKind::Operator,
        _ => HighlightKind::Name,
    })
}

fn name_kind(text: &str, before: SyntaxKind, next: Option<&Token>) -> HighlightKind {
    match next.map(|token| token.kind) {
        _ if before == SyntaxKind::Dot => HighlightKind::Name,
        Some(SyntaxKind::Bang) => HighlightKind::Macro,
        _ if before != SyntaxKind::FnKw && Builtin::named(text).is_some() => HighlightKind::Builtin,
        Some(SyntaxKind::LParen) => HighlightKind::Call,
        Some(_) | None => HighlightKind::Name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(text: &str, expected: Expect) {
        let shown: Vec<_> = highlight(text)
            .into_iter()
            .map(|piece| format!("{:?} {}", piece.kind, &text[piece.range]))
            .collect();
        expected.assert_eq(&shown.join("\n"));
    }

    #[test]
    fn a_function() {
        check(
            "fn osc(f:float) { sin(self + f) // x\n}",
            expect![[r#"
            Keyword fn
            Call osc
            Punctuation (
            Name f
            Punctuation :
            Type float
            Punctuation )
            Punctuation {
            Builtin sin
            Punctuation (
            Value self
            Operator +
            Name f
            Punctuation )
            Comment // x
            Punctuation }"#]],
        );
    }

    #[test]
    fn macros_and_mistakes() {
        check(
            "Control!(\"c\", 3) |> $f(`r.sin) § \"open",
            expect![[r#"
            Macro Control
            Macro !
            Punctuation (
            String "c"
            Punctuation ,
            Number 3
            Punctuation )
            Operator |>
            Macro $
            Call f
            Punctuation (
            Macro `
            Name r
            Punctuation .
            Name sin
            Punctuation )
            Error §
            Error "open"#]],
        );
    }

    #[test]
    fn pieces_cover_everything_but_white_space() {
        let text = "let é = \"a\n b\" /* c */ ; é@now\r\n";
        let mut covered = vec![false; text.len()];
        for piece in highlight(text) {
            for at in piece.range {
                assert!(!covered[at]);
                covered[at] = true;
            }
        }
        for (at, byte) in text.bytes().enumerate() {
            let inside = covered[at] || byte.is_ascii_whitespace() || byte == b';';
            assert!(inside, "byte {at}");
        }
    }
}
