//! The tokens that the grammar sees, and what is wrong with single tokens.
//!
//! Takes the tokens of the lexer, leaves out spaces, comments and characters that mean nothing, and notes of
//! each what stood before it.

use super::chunks::Divides;
use super::kind::SyntaxKind;
use super::lexer::Token;
use crate::diag::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span};

/// A token the grammar sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) kind: SyntaxKind,
    pub(super) start: u32,
    pub(super) end: u32,
    /// A line break or `;` stands before it.
    pub(super) after_break: bool,
    /// It is the first thing of its line, not indented.
    pub(super) at_margin: bool,
    /// Nothing stands between it and the token before.
    pub(super) joined: bool,
    /// A character that means nothing, already reported, stands before it on its line.
    pub(super) after_unknown: bool,
}

/// Whether the grammar does not see a token: trivia, and characters already reported.
pub(super) fn hidden(kind: SyntaxKind) -> bool {
    kind.is_trivia() || kind == SyntaxKind::Unknown
}

/// How a token divides the text.
pub(super) fn divides(token: &Seen) -> Divides {
    if !token.at_margin {
        Divides::Never
    } else if super::grammar::starts_item(token.kind) {
        Divides::Always
    } else if super::grammar::starts_statement(token.kind) {
        Divides::Outside
    } else {
        Divides::Never
    }
}

/// The tokens without what is hidden, and before which of them something was reported: what is wrong with
/// single tokens.
pub(super) fn see(
    source: &str,
    file: FileId,
    raw: &[Token],
    diags: &mut Diagnostics,
) -> (Vec<Seen>, Vec<usize>) {
    let mut seen = Vec::with_capacity(raw.len());
    let mut wrong = Vec::new();
    let mut start = 0;
    let (mut in_quotes, mut after_unknown) = (false, false);
    let (mut after_break, mut at_margin, mut joined) = (true, true, false);
    for token in raw {
        let end = start + token.len;
        let text = source.get(start as usize..end as usize).unwrap_or("");
        let span = Span::new(file, start, end);
        // A second quote that is not `"` closes the string that the first one was to open.
        let quote = token.kind == SyntaxKind::Unknown && text.contains(QUOTES);
        in_quotes = in_quotes != quote && token.kind != SyntaxKind::Newline;
        after_unknown |= token.kind == SyntaxKind::Unknown;
        after_unknown &= token.kind != SyntaxKind::Newline;
        if let Some(diagnostic) = token_error(token.kind, text, span)
            && (!quote || in_quotes)
        {
            diags.push(diagnostic);
            wrong.push(seen.len());
        }
        if hidden(token.kind) {
            let breaks = token.kind == SyntaxKind::Newline;
            after_break |= breaks;
            at_margin = breaks && !text.ends_with(';');
            joined = false;
        } else {
            let kind = token.kind;
            seen.push(Seen { kind, start, end, after_break, at_margin, joined, after_unknown });
            (after_break, at_margin, joined) = (false, false, true);
        }
        start = end;
    }
    (seen, wrong)
}

/// Quotes of printed text and of other languages.
const QUOTES: [char; 6] = ['“', '”', '„', '«', '»', '\''];

fn token_error(kind: SyntaxKind, text: &str, span: Span) -> Option<Diagnostic> {
    let open_string = kind == SyntaxKind::Str && (text.len() < 2 || !text.ends_with('"'));
    let open_comment = kind == SyntaxKind::Comment
        && text.starts_with("/*")
        && (text.len() < 4 || !text.ends_with("*/"));
    if kind == SyntaxKind::Unknown {
        let message =
            format!("`{}` means nothing here", text.escape_debug().to_string().replace("\\'", "'"));
        let error = Diagnostic::error("unexpected-character", span, message);
        return Some(match text {
            "&" => error.help("\"and\" is written `&&`"),
            "?" => error.help("a choice is written: if (c) { .. } else { .. }"),
            _ if text.contains(QUOTES) => error.help("strings are written with plain `\"`"),
            _ => error,
        });
    }
    if open_string {
        let error = Diagnostic::error("unterminated-string", span, "this string has no end");
        return Some(error.help("close it with `\"`"));
    }
    if open_comment {
        let error = Diagnostic::error("unterminated-comment", span, "this comment has no end");
        return Some(error.help("close it with `*/`"));
    }
    None
}
