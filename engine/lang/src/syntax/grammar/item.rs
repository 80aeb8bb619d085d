//! Definitions, statements and blocks.

use super::super::kind::SyntaxKind::{self, *};
use super::{Done, Marker, Parser};
use super::{expr, list, module, name, pattern, skip_to_statement, starts_item, ty};
use crate::diag::Diagnostic;

/// One definition or statement of a text or module.
pub(super) fn top_item(p: &mut Parser<'_>) {
    p.begin_statement();
    match p.current() {
        kind if starts_item(kind) => item(p),
        kind if starts_statement(kind) => statement(p),
        _ => skip_to_statement(p, RBrace),
    }
}

/// `[pub]` and a definition.
fn item(p: &mut Parser<'_>) {
    let marker = p.start();
    if p.eat(PubKw)
        && !matches!(p.current(), FnKw | MacroKw | ModKw | UseKw | TypeKw | LetKw | LetrecKw)
    {
        p.expected("`fn`, `mod`, `use` or `type` after `pub`");
        p.finish_node(marker, Error);
        return;
    }
    match p.current() {
        FnKw | MacroKw => fn_def(p, marker),
        ModKw => module::mod_def(p, marker),
        UseKw => module::use_stmt(p, marker),
        TypeKw => ty::type_def(p, marker),
        IncludeKw => module::include(p, marker),
        LetKw => let_stmt(p, marker),
        LetrecKw => letrec_stmt(p, marker),
        _ => {
            let error =
                Diagnostic::error("expected-token", p.span(), "`struct` has no meaning yet");
            p.report(error.help("give a record type a name: type alias Name = {x: float}"));
            skip_struct(p);
            p.finish_node(marker, Error);
        }
    }
}

/// `struct`, its name and what is in braces behind it.
fn skip_struct(p: &mut Parser<'_>) {
    p.bump();
    if !p.after_break() {
        p.eat(Ident);
    }
    let mut open = 0;
    while !p.at_end() && (open > 0 || (p.at(LBrace) && !p.after_break())) {
        match p.current() {
            LBrace => open += 1,
            RBrace => open -= 1,
            kind if starts_item(kind) && p.at_margin() => return,
            _ => {}
        }
        p.bump();
        if open == 0 {
            return;
        }
    }
}

/// `fn name(params) -> type { .. }`; the marker is already open, for `pub`.
fn fn_def(p: &mut Parser<'_>, marker: Marker) {
    p.bump();
    name(p, "the function's name");
    if p.at(LParen) {
        params(p);
    } else {
        let error = Diagnostic::error("expected-token", p.span(), p.expected_message("`(`"));
        p.report(error.help("a function without parameters is written: fn name() { .. }"));
    }
    if p.at(Colon) {
        let error = Diagnostic::error("expected-token", p.span(), p.expected_message("`{`"));
        p.report(error.help("the type of the result is written: -> float"));
        p.skip();
        ty::ty(p, ty::Place::Plain);
    }
    if p.at(ThinArrow) {
        ret_type(p, ty::Place::Plain);
    }
    if p.at(LBrace) {
        block(p);
    } else if p.at(Eq) {
        let error = Diagnostic::error("expected-token", p.span(), p.expected_message("`{`"));
        p.report(error.help("the body of a function stands in braces: fn name(x) { .. }"));
        let skipped = p.start();
        p.bump();
        expr::expr(p);
        p.finish_node(skipped, Error);
    } else {
        p.expected("`{`");
    }
    p.finish_node(marker, FnDef);
}

pub(super) fn params(p: &mut Parser<'_>) {
    let marker = p.start();
    let opened_at = p.position();
    p.bump();
    list(p, RParen, opened_at, |kind| kind == Ident, param);
    p.finish_node(marker, ParamList);
}

fn param(p: &mut Parser<'_>) {
    let marker = p.start();
    if matches!(p.current(), FloatKw | StringKw | IntKw) && p.nth(1) == Ident {
        let message = p.expected_message("a parameter name");
        let error = Diagnostic::error("expected-token", p.span(), message);
        p.report(error.help("the type stands behind the name: x: float"));
        p.skip();
    }
    if name(p, "a parameter name") {
        if p.eat(Colon) {
            ty::ty(p, ty::Place::Plain);
        }
        if p.eat(Eq) {
            expr::op_expr(p);
        }
    }
    p.finish_node(marker, Param);
}

/// `-> type`.
pub(super) fn ret_type(p: &mut Parser<'_>, place: ty::Place) {
    let marker = p.start();
    p.bump();
    // A brace here is a record type only if it looks like one; else the body begins.
    if p.at(LBrace) && !(p.nth(1) == RBrace || (p.nth(1) == Ident && p.nth(2) == Colon)) {
        p.expected("a type");
    } else {
        ty::ty(p, place);
    }
    p.finish_node(marker, RetType);
}

/// Whether a token begins a statement.
pub(in super::super) fn starts_statement(kind: SyntaxKind) -> bool {
    matches!(kind, LetKw | LetrecKw | Hash) || expr::starts_expr(kind)
}

fn statement(p: &mut Parser<'_>) {
    let marker = p.start();
    match p.current() {
        LetKw => let_stmt(p, marker),
        LetrecKw => letrec_stmt(p, marker),
        Hash => module::stage_decl(p, marker),
        _ => {
            let before = p.position();
            expr::expr(p);
            if p.position() == before {
                p.skip();
            }
            p.finish_node(marker, ExprStmt);
        }
    }
}

fn let_stmt(p: &mut Parser<'_>, marker: Marker) {
    p.bump();
    let understood = pattern::pattern(p);
    if understood && p.eat(Colon) {
        ty::ty(p, ty::Place::Plain);
    }
    value(p, understood);
    p.finish_node(marker, LetStmt);
}

fn letrec_stmt(p: &mut Parser<'_>, marker: Marker) {
    p.bump();
    let understood = name(p, "a name after `letrec`");
    if p.at(Colon) {
        let error = Diagnostic::error("expected-token", p.span(), "`letrec` takes no type");
        p.report(error.help("annotate the parameters of the function instead"));
        p.bump();
        ty::ty(p, ty::Place::Plain);
    }
    value(p, understood);
    p.finish_node(marker, LetrecStmt);
}

/// `= expr`. When the left side was not understood, only an evident value is taken.
fn value(p: &mut Parser<'_>, understood: bool) {
    if p.eat(Eq) {
        expr::expr(p);
    } else if understood && (p.after_break() || p.at(RBrace)) {
        let error =
            Diagnostic::error("expected-token", p.span_behind(), "expected `=` and a value");
        p.report(error.help("a variable always has a value: let x = 0"));
    } else if understood {
        p.expected("`=`");
        if expr::starts_expr(p.current()) {
            expr::expr(p);
        }
    }
}

/// `{ statements }`; the current token is `{`.
pub(super) fn block(p: &mut Parser<'_>) -> Done {
    let marker = p.start();
    let opened_at = p.position();
    p.bump();
    while !p.at(RBrace) && !p.at_end() {
        if p.at_margin() && starts_item(p.current()) {
            break;
        }
        p.begin_statement();
        match p.current() {
            kind if starts_item(kind) => item_in_block(p),
            kind if starts_statement(kind) => statement(p),
            RParen | RBracket => {
                p.close(RBrace, opened_at);
                p.skip();
            }
            _ => skip_to_statement(p, RBrace),
        }
    }
    p.close(RBrace, opened_at);
    p.finish_node(marker, Block)
}

/// Definitions belong at the top level; this one is parsed, so that the rest is understood.
fn item_in_block(p: &mut Parser<'_>) {
    let (code, message, help) = match (p.current(), p.nth(1)) {
        (FnKw | MacroKw, _) | (PubKw, FnKw | MacroKw) => (
            "nested-function",
            "functions cannot be nested",
            "move it to the top level, or bind a lambda: let f = |x| { .. }",
        ),
        _ => (
            "item-in-block",
            "this belongs at the top level, not into a block",
            "move it out of the function",
        ),
    };
    p.report(Diagnostic::error(code, p.span(), message).help(help));
    if p.enter() {
        item(p);
        p.leave();
    }
}
