//! The grammar of the whole language (language reference 2): recursive descent, and binding
//! powers for operators.
//!
//! Drives the [`Parser`]; knows nothing of meaning. Every loop takes a token or stops.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a place of the grammar names the tokens it takes; all others are alike to it"
)]

mod expr;
mod item;
mod module;
mod pattern;
mod ty;

use super::kind::SyntaxKind::{self, *};
use super::number::behind_a_number;
use super::parser::{Done, Marker, Parser};
use crate::diag::Diagnostic;
pub(super) use item::starts_statement;

/// The whole text.
pub(super) fn root(p: &mut Parser<'_>) {
    let marker = p.start();
    while !p.at_end() {
        item::top_item(p);
    }
    if p.gave_up() {
        p.take_rest();
    }
    p.finish_node(marker, Root);
}

/// Takes a name, or reports that `what` is missing. A reserved word is taken, with a message.
fn name(p: &mut Parser<'_>, what: &str) -> bool {
    if p.eat(Ident) {
        return true;
    }
    if p.current().is_keyword() && !p.after_break() && p.current() != Underscore {
        reserved_word(p);
        return true;
    }
    p.expected(what);
    false
}

/// What to do about a `<-` that was meant as `< -`.
const COMPARE: &str = "`<-` belongs to record updates; to compare, write `< -`";

/// Reports the current token as a reserved word used as a name, and takes it.
fn reserved_word(p: &mut Parser<'_>) {
    let message = format!("`{}` is a reserved word and can't be used as a name", p.text());
    p.report(Diagnostic::error("reserved-word", p.span(), message).help("choose another name"));
    p.reserve();
    p.bump();
}

/// `element {',' element} [',']` up to `close`, which is taken. `opened_at` is the position of the
/// opening bracket. Returns the number of elements and whether the last one has a comma.
fn list(
    p: &mut Parser<'_>,
    close: SyntaxKind,
    opened_at: usize,
    starts: fn(SyntaxKind) -> bool,
    mut element: impl FnMut(&mut Parser<'_>),
) -> (usize, bool) {
    let mut count = 0;
    let mut comma = false;
    while !p.at(close) && !p.at_end() {
        let before = p.position();
        element(p);
        count += 1;
        comma = p.eat(Comma);
        if comma {
            continue;
        }
        if p.at(close) {
            break;
        }
        let same_line = !p.after_break();
        missing_comma(p, close, opened_at);
        if same_line && starts(p.current()) && p.position() > before {
            continue;
        }
        if p.eat(Comma) {
            continue;
        }
        break;
    }
    p.close(close, opened_at);
    (count, comma)
}

/// Reports that a list goes on without a comma, and skips what fits nowhere.
fn missing_comma(p: &mut Parser<'_>, close: SyntaxKind, opened_at: usize) {
    if p.letters_behind_number() {
        let at = p.position();
        let message = format!("`{}` right behind a number means nothing", p.text());
        let texts = [at.saturating_sub(1), at, at + 1, at + 2].map(|at| p.text_at(at));
        let help = behind_a_number(texts[0], texts[1], texts[2], texts[3]);
        p.report(Diagnostic::error("expected-token", p.span(), message).help(help));
        return;
    }
    let wanted = match close {
        RParen | RBrace | Bar => format!("`,` or {}", close.described()),
        _ => close.described(),
    };
    let code = if p.at_end() { "unexpected-end" } else { "expected-token" };
    let error = Diagnostic::error(code, p.span(), p.expected_message(&wanted));
    let error = error.also(p.span_at(opened_at), "opened here");
    p.report(match (p.current(), close) {
        (Eq, RParen) => error.help("arguments are given by name with a record: f({name = value})"),
        (DotDot, _) => error.help("write `, ..`"),
        (LeftArrow, _) => error.help(COMPARE),
        (kind, _) if p.after_break() && !starts_item(kind) => {
            error.help("put `,` between elements, or close the bracket on the line before")
        }
        _ => error,
    });
    if !matches!(p.current(), Eq | DotDot | FatArrow | ThinArrow | Colon | ColonColon | LeftArrow) {
        return;
    }
    while !p.at_end()
        && !p.after_break()
        && !matches!(p.current(), Comma | RParen | RBracket | RBrace)
    {
        p.skip();
    }
}

/// Whether a token begins something that stands only at the top level.
pub(super) fn starts_item(kind: SyntaxKind) -> bool {
    matches!(kind, FnKw | MacroKw | ModKw | UseKw | TypeKw | IncludeKw | PubKw | StructKw)
}

/// Reports a token that can't begin a statement and skips to one that can.
fn skip_to_statement(p: &mut Parser<'_>, close: SyntaxKind) {
    if !p.follows_up() {
        no_statement(p);
    }
    let bracket = matches!(p.current(), RParen | RBracket | RBrace);
    match (p.current(), p.nth(1)) {
        (Dot, Integer) => {
            p.skip();
            return p.skip();
        }
        _ if bracket || p.at_reserved() => return p.skip(),
        _ => p.skip(),
    }
    while !p.at_end()
        && !p.after_break()
        && !p.at(close)
        && !starts_item(p.current())
        && !item::starts_statement(p.current())
    {
        p.skip();
    }
}

/// Reports a token that can't begin a statement.
fn no_statement(p: &mut Parser<'_>) {
    if p.at_reserved() {
        return;
    }
    let expected = p.expected_message("a statement");
    let error = Diagnostic::error("expected-token", p.span(), expected);
    p.report(match (p.current(), p.nth(1)) {
        (RParen | RBracket | RBrace, _) => {
            let message = format!("{} closes nothing", p.current().described());
            Diagnostic::error("unmatched-bracket", p.span(), message)
        }
        (Dot, Integer) => expr::no_expression(p),
        (LeftArrow, _) => error.help(COMPARE),
        (ElseKw, _) => error.help("`else` needs an `if` in front of it: if (c) { .. } else { .. }"),
        (ThinArrow | FatArrow, _) => error.help("a function without a name is written: |x| .."),
        (Comma, _) => error.help("several values are written in parentheses: (a, b)"),
        _ => error,
    });
}
