//! Patterns of `let` and of `match`.

use super::super::kind::SyntaxKind::{self, *};
use super::{Parser, list, name, reserved_word};
use crate::diag::Diagnostic;

fn starts_pattern(kind: SyntaxKind) -> bool {
    matches!(kind, Ident | Underscore | LParen | LBrace)
}

/// The left side of a `let`. Says whether there was one.
pub(super) fn pattern(p: &mut Parser<'_>) -> bool {
    let marker = p.start();
    match p.current() {
        Ident => {
            p.bump();
            p.finish_node(marker, NamePat);
        }
        Underscore => {
            p.bump();
            p.finish_node(marker, WildcardPat);
        }
        LParen if p.enter() => {
            let opened_at = p.position();
            p.bump();
            list(p, RParen, opened_at, starts_pattern, |p| {
                pattern(p);
            });
            p.leave();
            p.finish_node(marker, TuplePat);
        }
        LBrace if p.enter() => {
            let opened_at = p.position();
            p.bump();
            list(p, RBrace, opened_at, |kind| kind == Ident, record_field);
            p.leave();
            p.finish_node(marker, RecordPat);
        }
        kind if kind.is_keyword() && !p.after_break() => {
            reserved_word(p);
            p.finish_node(marker, NamePat);
        }
        _ => {
            p.expected("a name or a pattern");
            p.finish_node(marker, Error);
            return false;
        }
    }
    true
}

/// `field = pattern`.
fn record_field(p: &mut Parser<'_>) {
    let marker = p.start();
    if name(p, "a field name") && p.expect(Eq) {
        pattern(p);
    }
    p.finish_node(marker, RecordPatField);
}

/// Whether a token begins a pattern of `match`.
pub(super) fn starts_match_pattern(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        Integer | Float | Underscore | Ident | FloatKw | StringKw | IntKw | LParen | Minus
    )
}

/// A pattern of `match`.
pub(super) fn match_pattern(p: &mut Parser<'_>) {
    let marker = p.start();
    match p.current() {
        Integer | Float => {
            p.bump();
            p.finish_node(marker, NumberPat);
        }
        Underscore => {
            p.bump();
            p.finish_node(marker, WildcardPat);
        }
        Ident | FloatKw | StringKw | IntKw => {
            p.bump();
            if p.at(LParen) {
                payload(p);
            }
            p.finish_node(marker, CtorPat);
        }
        LParen if p.enter() => {
            let opened_at = p.position();
            p.bump();
            list(p, RParen, opened_at, starts_match_pattern, match_pattern);
            p.leave();
            p.finish_node(marker, TuplePat);
        }
        Minus if matches!(p.nth(1), Integer | Float) => {
            let error =
                Diagnostic::error("negative-pattern", p.span(), "patterns can't be negative");
            p.report(error.help("use `if` for numbers below 0"));
            p.bump();
            p.bump();
            p.finish_node(marker, NumberPat);
        }
        _ => {
            p.expected("a pattern");
            p.finish_node(marker, Error);
        }
    }
}

/// What a constructor holds: a name, `_`, or such in parentheses.
fn payload(p: &mut Parser<'_>) {
    let marker = p.start();
    if !p.enter() {
        p.finish_node(marker, TuplePat);
        return;
    }
    let opened_at = p.position();
    p.bump();
    list(p, RParen, opened_at, starts_pattern, |p| match p.current() {
        LParen => payload(p),
        Integer | Float | Str => {
            let error =
                Diagnostic::error("literal-in-constructor", p.span(), "only names and `_` go here");
            p.report(error.help("bind a name and compare it in the arm"));
            p.skip();
        }
        _ => {
            pattern(p);
        }
    });
    p.leave();
    p.finish_node(marker, TuplePat);
}
