//! Types and type definitions.

use super::super::kind::SyntaxKind::{self, *};
use super::{Done, Marker, Parser, list, name};
use crate::diag::Diagnostic;

/// Where a type is written: after a lambda's parameter a `|` may end the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A `|` makes a union.
    Plain,
    /// A `|` makes a union only if another `|` closes the parameters.
    LambdaParam,
}

fn starts_type(kind: SyntaxKind) -> bool {
    matches!(kind, FloatKw | IntKw | StringKw | LParen | LBrace | LBracket | Backtick | Ident)
}

/// A type: function, union or simple.
pub(super) fn ty(p: &mut Parser<'_>, place: Place) {
    if !p.enter() {
        return;
    }
    if let Some(first) = simple(p, place)
        && continues(p, place)
    {
        let marker = p.around(first);
        while continues(p, place) {
            p.bump();
            simple(p, place);
        }
        p.finish_node(marker, UnionType);
    }
    p.leave();
}

/// Whether the current `|` goes on with a union.
fn continues(p: &mut Parser<'_>, place: Place) -> bool {
    if !p.at(Bar) || place == Place::Plain {
        return p.at(Bar);
    }
    let plausible = match p.nth(1) {
        FloatKw | IntKw | StringKw | LParen | LBracket | Backtick => true,
        LBrace => p.nth(2) == Ident && p.nth(3) == Colon,
        Ident => matches!(p.nth(2), Bar | Comma | RParen | RBrace | RBracket | ThinArrow),
        _ => false,
    };
    if !plausible {
        return false;
    }
    // A lambda's body may look like a type: `|x: float| (x)`. The parameters must still be closed.
    let checkpoint = p.checkpoint();
    p.bump();
    simple(p, Place::Plain);
    let closes = params_close(p) && !p.failed_since(checkpoint);
    p.return_to(checkpoint);
    closes
}

/// Whether more parameters and the closing `|` follow. Only for trying.
fn params_close(p: &mut Parser<'_>) -> bool {
    while !p.at(Bar) {
        if !p.eat(Comma) || !p.eat(Ident) {
            return false;
        }
        if p.eat(Colon) {
            simple(p, Place::Plain);
        }
    }
    !p.after_break()
}

fn simple(p: &mut Parser<'_>, place: Place) -> Option<Done> {
    let marker = p.start();
    let kind = match p.current() {
        FloatKw | IntKw | StringKw => {
            p.bump();
            PrimType
        }
        LParen => return Some(parentheses(p, marker, place)),
        LBrace => {
            let opened_at = p.position();
            p.bump();
            list(p, RBrace, opened_at, |kind| kind == Ident, record_field);
            RecordType
        }
        LBracket => {
            let opened_at = p.position();
            p.bump();
            ty(p, Place::Plain);
            p.close(RBracket, opened_at);
            ArrayType
        }
        Backtick => {
            p.bump();
            if p.enter() {
                simple(p, place);
                p.leave();
            }
            CodeType
        }
        Ident => {
            p.bump();
            while p.eat(ColonColon) && name(p, "a name after `::`") {}
            PathType
        }
        _ => {
            p.expected("a type");
            p.finish_node(marker, Error);
            return None;
        }
    };
    Some(p.finish_node(marker, kind))
}

/// `()`, `(A)`, `(A, B)`, and with `->` a function.
fn parentheses(p: &mut Parser<'_>, marker: Marker, place: Place) -> Done {
    let opened_at = p.position();
    p.bump();
    let (count, comma) = list(p, RParen, opened_at, starts_type, |p| ty(p, Place::Plain));
    if p.eat(ThinArrow) {
        ty(p, place);
        return p.finish_node(marker, FnType);
    }
    let kind = match (count, comma) {
        (0, _) => UnitType,
        (1, false) => ParenType,
        _ => TupleType,
    };
    p.finish_node(marker, kind)
}

/// `name: type`.
fn record_field(p: &mut Parser<'_>) {
    let marker = p.start();
    if name(p, "a field name") && p.expect(Colon) {
        ty(p, Place::Plain);
    }
    p.finish_node(marker, RecordTypeField);
}

/// `type alias A = ..`, `type A = B | C(..)`; the marker is already open, for `pub`.
pub(super) fn type_def(p: &mut Parser<'_>, marker: Marker) {
    p.bump();
    let alias = p.eat(AliasKw);
    if !alias {
        p.eat(RecKw);
    }
    let letter = p.text();
    if p.at(Ident) && letter.len() == 1 && letter.starts_with(|c: char| c.is_ascii_lowercase()) {
        let message = format!("`{letter}` is reserved: single small letters are type parameters");
        p.report(
            Diagnostic::error("reserved-type-name", p.span(), message).help("choose another name"),
        );
    }
    if !name(p, "the type's name") || !p.expect(Eq) {
        p.finish_node(marker, if alias { TypeAlias } else { TypeDef });
        return;
    }
    if alias {
        ty(p, Place::Plain);
        p.finish_node(marker, TypeAlias);
        return;
    }
    variant(p);
    while p.eat(Bar) {
        variant(p);
    }
    p.finish_node(marker, TypeDef);
}

fn variant(p: &mut Parser<'_>) {
    let marker = p.start();
    if name(p, "a constructor's name") && p.at(LParen) && !p.after_break() {
        let opened_at = p.position();
        p.bump();
        list(p, RParen, opened_at, starts_type, |p| ty(p, Place::Plain));
    }
    p.finish_node(marker, Variant);
}
