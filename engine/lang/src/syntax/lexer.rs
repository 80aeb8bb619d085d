//! Text to tokens (language reference 1).
//!
//! Takes any text and gives tokens that cover every byte of it, in order. A character that starts
//! no token becomes an [`SyntaxKind::Unknown`] token. Never fails.

use super::kind::SyntaxKind;

/// A token: a kind and how many bytes it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: SyntaxKind,
    /// Its length in bytes.
    pub len: u32,
}

/// Splits a text into tokens; their lengths add up to the text's.
///
/// ```
/// use attacca_lang::syntax::{SyntaxKind, lexer::lex};
/// let kinds: Vec<_> = lex("t.0.1").into_iter().map(|token| token.kind).collect();
/// use SyntaxKind::{Dot, Ident, Integer};
/// assert_eq!(kinds, [Ident, Dot, Integer, Dot, Integer]);
/// ```
pub fn lex(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 3);
    let mut rest = text;
    let mut last = SyntaxKind::Newline;
    while let Some(first) = rest.chars().next() {
        let (kind, len) = token(rest, first, last, tokens.is_empty());
        let len = len.max(first.len_utf8()).min(rest.len());
        if !kind.is_trivia() {
            last = kind;
        }
        match tokens.last_mut() {
            // One message for a run of strange characters, one node for a run of empty lines.
            Some(before) if before.kind == kind && joins(kind) => before.len += len as u32,
            Some(_) | None => tokens.push(Token { kind, len: len as u32 }),
        }
        rest = rest.get(len..).unwrap_or("");
    }
    tokens
}

/// Whether neighbours of this kind are one token.
fn joins(kind: SyntaxKind) -> bool {
    matches!(kind, SyntaxKind::Unknown | SyntaxKind::Newline | SyntaxKind::Whitespace)
}

/// The token at the start of `rest`. `last` is the kind of the last token that is not trivia.
fn token(rest: &str, first: char, last: SyntaxKind, at_start: bool) -> (SyntaxKind, usize) {
    match first {
        ' ' | '\t' => (SyntaxKind::Whitespace, length_while(rest, |c| c == ' ' || c == '\t')),
        '\u{feff}' if at_start => (SyntaxKind::Whitespace, first.len_utf8()),
        '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' | ';' => {
            (SyntaxKind::Newline, first.len_utf8())
        }
        '0'..='9' => number(rest, last == SyntaxKind::Dot),
        '"' => string(rest),
        _ if rest.starts_with("//") => (SyntaxKind::Comment, length_while(rest, |c| !breaks(c))),
        _ if rest.starts_with("/*") => block_comment(rest),
        _ if first == '_' || unicode_ident::is_xid_start(first) => word(rest),
        _ => symbol(rest, first),
    }
}

/// Whether a character ends a line (`;` does not end a comment).
fn breaks(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}')
}

fn length_while(text: &str, keep: impl Fn(char) -> bool) -> usize {
    text.find(|c| !keep(c)).unwrap_or(text.len())
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// `0`, or a non-zero digit and more, and perhaps a fraction: not after a `.` (tuple index), and
/// not when another `.` follows.
fn number(rest: &str, after_dot: bool) -> (SyntaxKind, usize) {
    let whole = if rest.starts_with('0') { 1 } else { digits(rest) };
    let tail = rest.get(whole..).unwrap_or("");
    if let (false, Some(fraction)) = (after_dot, tail.strip_prefix('.')) {
        let len = digits(fraction);
        let dot_follows = fraction.as_bytes().get(len) == Some(&b'.');
        if len > 0 && !dot_follows {
            return (SyntaxKind::Float, whole + 1 + len);
        }
    }
    (SyntaxKind::Integer, whole)
}

/// To the next `"`. Without one, to the end of the line; the parser sees that the end is missing.
fn string(rest: &str) -> (SyntaxKind, usize) {
    let body = rest.get(1..).unwrap_or("");
    let len = match body.find('"') {
        Some(end) => end + 2,
        None => length_while(rest, |c| !breaks(c)),
    };
    (SyntaxKind::Str, len)
}

/// To the first `*/`, or to the end of the text.
fn block_comment(rest: &str) -> (SyntaxKind, usize) {
    let body = rest.get(2..).unwrap_or("");
    (SyntaxKind::Comment, body.find("*/").map_or(rest.len(), |end| end + 4))
}

fn word(rest: &str) -> (SyntaxKind, usize) {
    let len = length_while(rest, unicode_ident::is_xid_continue);
    let text = rest.get(..len).unwrap_or("");
    (SyntaxKind::keyword(text).unwrap_or(SyntaxKind::Ident), len)
}

fn symbol(rest: &str, first: char) -> (SyntaxKind, usize) {
    // The first byte sorts out nearly all of them without a call.
    let begins = |spelling: &str| spelling.bytes().next() == rest.bytes().next();
    let fits = |spelling: &str| begins(spelling) && rest.starts_with(spelling);
    let found = SyntaxKind::SYMBOLS.iter().find(|(spelling, _)| fits(spelling));
    found
        .map_or((SyntaxKind::Unknown, first.len_utf8()), |(spelling, kind)| (*kind, spelling.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    /// Kinds and texts, without white space.
    #[track_caller]
    fn check(source: &str, expected: Expect) {
        let mut at = 0;
        let mut shown = Vec::new();
        for token in lex(source) {
            let text = &source[at..at + token.len as usize];
            at += token.len as usize;
            if token.kind != SyntaxKind::Whitespace {
                shown.push(format!("{:?} {text:?}", token.kind));
            }
        }
        assert_eq!(at, source.len());
        expected.assert_eq(&shown.join("\n"));
    }

    #[test]
    fn integers_and_floats() {
        check(
            "0 12 3.50 007",
            expect![[r#"
            Integer "0"
            Integer "12"
            Float "3.50"
            Integer "0"
            Integer "0"
            Integer "7""#]],
        );
    }

    #[test]
    fn there_is_no_exponent_hexadecimal_or_separator() {
        check(
            "1e3 0x1F 1_000",
            expect![[r#"
            Integer "1"
            Ident "e3"
            Integer "0"
            Ident "x1F"
            Integer "1"
            Ident "_000""#]],
        );
    }

    #[test]
    fn no_leading_and_no_trailing_dot() {
        check(
            ".5 3.",
            expect![[r#"
            Dot "."
            Integer "5"
            Integer "3"
            Dot ".""#]],
        );
    }

    #[test]
    fn a_float_is_not_followed_by_a_dot() {
        check(
            "1.5.. 1.5, ..",
            expect![[r#"
                Integer "1"
                Dot "."
                Integer "5"
                DotDot ".."
                Float "1.5"
                Comma ","
                DotDot "..""#]],
        );
    }

    #[test]
    fn tuple_indices_are_split() {
        check(
            "t.0.1",
            expect![[r#"
            Ident "t"
            Dot "."
            Integer "0"
            Dot "."
            Integer "1""#]],
        );
    }

    #[test]
    fn operators_match_longest_first() {
        check(
            "a<-1 ||> || |> | <= => == != :: ..",
            expect![[r#"
                Ident "a"
                LeftArrow "<-"
                Integer "1"
                PipeMacro "||>"
                OrOr "||"
                PipeOp "|>"
                Bar "|"
                LessEq "<="
                FatArrow "=>"
                EqEq "=="
                BangEq "!="
                ColonColon "::"
                DotDot "..""#]],
        );
    }

    #[test]
    fn names_of_any_script_and_the_placeholder() {
        check(
            "été _ _x e\u{301} letrec letter",
            expect![[r#"
            Ident "été"
            Underscore "_"
            Ident "_x"
            Ident "e\u{301}"
            LetrecKw "letrec"
            Ident "letter""#]],
        );
    }

    #[test]
    fn strings_have_no_escapes_and_span_lines() {
        check(
            "\"a\\\" \"b\nc\"",
            expect![[r#"
            Str "\"a\\\""
            Str "\"b\nc\"""#]],
        );
    }

    #[test]
    fn an_open_string_ends_with_its_line() {
        check(
            "\"abc\nx",
            expect![[r#"
            Str "\"abc"
            Newline "\n"
            Ident "x""#]],
        );
    }

    #[test]
    fn comments_do_not_nest() {
        check(
            "a // b ; c\n/* /* */ d /* e",
            expect![[r#"
            Ident "a"
            Comment "// b ; c"
            Newline "\n"
            Comment "/* /* */"
            Ident "d"
            Comment "/* e""#]],
        );
    }

    #[test]
    fn line_breaks_of_every_kind() {
        check(
            "a\r\nb\rc\u{2028}d;e",
            expect![[r#"
            Ident "a"
            Newline "\r\n"
            Ident "b"
            Newline "\r"
            Ident "c"
            Newline "\u{2028}"
            Ident "d"
            Newline ";"
            Ident "e""#]],
        );
    }

    #[test]
    fn strange_characters_are_one_token() {
        check(
            "a & b §§ \u{0}",
            expect![[r#"
            Ident "a"
            Unknown "&"
            Ident "b"
            Unknown "§§"
            Unknown "\0""#]],
        );
    }
}
