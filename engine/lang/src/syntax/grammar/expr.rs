//! Expressions.

use super::super::kind::SyntaxKind::{self, *};
use super::{Done, Marker, Parser};
use super::{item, list, name, pattern, reserved_word, starts_item, ty};
use crate::deep::with_room;
use crate::diag::Diagnostic;

/// Whether a token begins an expression.
pub(super) fn starts_expr(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        Integer
            | Float
            | Str
            | SelfKw
            | NowKw
            | SamplerateKw
            | Underscore
            | Ident
            | Bar
            | OrOr
            | IfKw
            | MatchKw
            | LParen
            | LBracket
            | LBrace
            | Minus
            | Plus
            | Backtick
            | Dollar
            | Bang
    )
}

/// An expression, assignment included. Reports if there is none.
pub(super) fn expr(p: &mut Parser<'_>) {
    let Some(left) = op_expr(p) else { return };
    if !p.at(Eq) {
        return;
    }
    let marker = p.around(left);
    p.bump();
    op_expr(p);
    p.finish_node(marker, AssignExpr);
    if p.at(Eq) {
        let error = Diagnostic::error("expected-token", p.span(), "assignments can't be chained");
        p.report(error.help("write one assignment per line"));
        p.skip();
        op_expr(p);
    }
}

/// An expression without assignment.
pub(super) fn op_expr(p: &mut Parser<'_>) -> Option<Done> {
    operators(p, 0)
}

fn operators(p: &mut Parser<'_>, least: u8) -> Option<Done> {
    let mut left = unary(p)?;
    while let Some(power) = p.current().binding_power() {
        if power < least {
            break;
        }
        let marker = p.around(left);
        consecutive_operators(p);
        p.bump();
        if p.enter_operand() {
            operators(p, power + 1);
            p.leave_operand();
        }
        left = p.finish_node(marker, BinExpr);
    }
    Some(left)
}

/// An arithmetic operator with a sign right behind it is a mistake.
fn consecutive_operators(p: &mut Parser<'_>) {
    let arithmetic = matches!(p.current(), Plus | Minus | Star | Slash | Percent | Caret);
    if arithmetic && matches!(p.nth(1), Plus | Minus) && p.next_is_joined() {
        let span = p.span().cover(p.span_at(p.position() + 1));
        let (first, second) = (p.text(), p.nth(1).spelling().unwrap_or(""));
        let error = Diagnostic::error(
            "consecutive-operators",
            span,
            format!("consecutive operators without whitespace: `{first}{second}`"),
        );
        p.report(error.help(format!("write `{first} {second}`")));
    }
}

fn unary(p: &mut Parser<'_>) -> Option<Done> {
    if !p.enter() {
        return None;
    }
    let done = match p.current() {
        Minus | Plus => {
            let marker = p.start();
            consecutive_operators(p);
            p.bump();
            unary(p);
            Some(p.finish_node(marker, PrefixExpr))
        }
        Backtick => {
            let marker = p.start();
            p.bump();
            body(p);
            Some(p.finish_node(marker, QuoteExpr))
        }
        Dollar => {
            let marker = p.start();
            p.bump();
            unary(p);
            Some(p.finish_node(marker, SpliceExpr))
        }
        Bang => {
            let error =
                Diagnostic::error("expected-expression", p.span(), "there is no prefix `!`");
            p.report(error.help("use the function: not(x)"));
            p.skip();
            unary(p)
        }
        _ => postfix(p),
    };
    p.leave();
    done
}

/// `{` always starts a block here (after a condition, `else`, `=>`, `|..|`, `` ` ``).
fn body(p: &mut Parser<'_>) {
    if p.at(LBrace) {
        item::block(p);
    } else {
        expr(p);
    }
}

fn postfix(p: &mut Parser<'_>) -> Option<Done> {
    let mut left = primary(p)?;
    loop {
        left = match p.current() {
            LParen if !p.after_break() => call(p, left),
            LBracket if !p.after_break() => index(p, left),
            Dot if !p.after_break() => member(p, left),
            _ => return Some(left),
        };
    }
}

fn call(p: &mut Parser<'_>, callee: Done) -> Done {
    let marker = p.around(callee);
    arguments(p, |p| {
        op_expr(p);
    });
    p.finish_node(marker, CallExpr)
}

fn arguments(p: &mut Parser<'_>, element: impl FnMut(&mut Parser<'_>)) {
    let marker = p.start();
    let opened_at = p.position();
    p.bump();
    list(p, RParen, opened_at, starts_expr, element);
    p.finish_node(marker, ArgList);
}

fn index(p: &mut Parser<'_>, array: Done) -> Done {
    let marker = p.around(array);
    let opened_at = p.position();
    p.bump();
    expr(p);
    p.close(RBracket, opened_at);
    p.finish_node(marker, IndexExpr)
}

/// `.name` or `.0`.
fn member(p: &mut Parser<'_>, left: Done) -> Done {
    let marker = p.around(left);
    p.bump();
    if p.eat(Integer) {
        return p.finish_node(marker, ProjExpr);
    }
    if p.current().is_keyword() && !p.after_break() {
        reserved_word(p);
    } else if !p.eat(Ident) {
        let message = p.expected_message("a field name or an index after `.`");
        let error = Diagnostic::error("expected-token", p.span(), message);
        p.report(error.help("numbers don't end with `.`: write 3.0"));
    }
    p.finish_node(marker, FieldExpr)
}

fn primary(p: &mut Parser<'_>) -> Option<Done> {
    if p.at(LBrace) {
        return Some(braces(p));
    }
    let marker = p.start();
    let kind = match p.current() {
        Integer | Float | Str => Literal,
        SelfKw => SelfExpr,
        NowKw => NowExpr,
        SamplerateKw => SamplerateExpr,
        Underscore => PlaceholderExpr,
        Ident => return Some(path(p, marker)),
        Bar | OrOr => return Some(lambda(p, marker)),
        IfKw => return Some(if_expr(p, marker)),
        MatchKw => return Some(match_expr(p, marker)),
        LParen => return Some(parentheses(p, marker)),
        LBracket => return Some(array(p, marker)),
        FnKw if p.nth(1) == LParen => return Some(nameless_fn(p, marker)),
        // It was reported where it was to be defined; its use is taken for a name.
        _ if p.at_reserved() => Error,
        _ => {
            missing(p);
            p.finish_node(marker, Error);
            return None;
        }
    };
    p.bump();
    Some(p.finish_node(marker, kind))
}

/// `fn(x) { .. }`, which other languages have.
fn nameless_fn(p: &mut Parser<'_>, marker: Marker) -> Done {
    let error = Diagnostic::error("expected-expression", p.span(), "`fn` needs a name");
    p.report(error.help("a function without a name is written: |x| { .. }"));
    p.bump();
    item::params(p);
    if p.at(LBrace) {
        item::block(p);
    }
    p.finish_node(marker, Error)
}

/// Reports that an expression should stand here.
pub(super) fn missing(p: &mut Parser<'_>) {
    let error = no_expression(p);
    p.report(error);
    match (p.before(), p.current(), p.nth(1)) {
        (_, Dot, Integer) => {
            p.skip();
            p.skip();
        }
        (Star, Star, _) | (Plus | Minus | Star | Slash, Eq, _) => {
            p.skip();
            if starts_expr(p.current()) && !p.after_break() {
                op_expr(p);
            }
        }
        _ => {}
    }
}

/// What to say where an expression should stand.
pub(super) fn no_expression(p: &Parser<'_>) -> Diagnostic {
    let code = if p.at_end() { "unexpected-end" } else { "expected-expression" };
    let error = match p.after_break() && !p.at_end() && starts_item(p.current()) {
        true => Diagnostic::error(code, p.span_behind(), "expected an expression"),
        false => Diagnostic::error(code, p.span(), p.expected_message("an expression")),
    };
    match p.current() {
        Dot if p.nth(1) == Integer => error.help("numbers don't start with `.`: write 0.5"),
        LeftArrow => error.help(super::COMPARE),
        ElseKw => error.help(
            "with braces it is clear what belongs to the condition: if (c) { .. } else { .. }",
        ),
        RParen if p.before() == LParen => error.help("the unit value is written `{}`"),
        Star if p.before() == Star => error.help("the power is written `^`"),
        Eq if matches!(p.before(), Plus | Minus | Star | Slash) => {
            error.help("assignments are written in full: x = x + 1")
        }
        kind if kind.is_keyword() && !p.after_break() => {
            error.help("reserved words can't be used as names")
        }
        _ => error,
    }
}

/// `a::b`, or a macro call.
fn path(p: &mut Parser<'_>, marker: Marker) -> Done {
    p.bump();
    while p.eat(ColonColon) {
        if p.at(Star) || p.at(LBrace) {
            let message = p.expected_message("a name after `::`");
            let error = Diagnostic::error("expected-token", p.span(), message);
            p.report(error.help("members of a module are made known by: use m::*"));
            break;
        }
        if !name(p, "a name after `::`") {
            break;
        }
    }
    let path = p.finish_node(marker, PathExpr);
    if !p.at(Bang) || p.after_break() {
        return path;
    }
    let marker = p.around(path);
    p.bump();
    if p.at(LParen) {
        arguments(p, expr);
    } else {
        let error = Diagnostic::error("expected-token", p.span(), p.expected_message("`(`"));
        p.report(error.help("a macro is called with parentheses: name!(..)"));
    }
    p.finish_node(marker, MacroCall)
}

/// `|a, b| body`.
fn lambda(p: &mut Parser<'_>, marker: Marker) -> Done {
    if p.at(OrOr) {
        let error =
            Diagnostic::error("expected-expression", p.span(), "`||` is the \"or\" operator");
        p.report(error.help("a lambda without parameters is written `| |`, with a space"));
        p.bump();
    } else {
        let opened_at = p.position();
        p.bump();
        list(p, Bar, opened_at, |kind| kind == Ident, lambda_param);
    }
    if p.at(ThinArrow) {
        item::ret_type(p, ty::Place::LambdaParam);
    }
    body(p);
    p.finish_node(marker, LambdaExpr)
}

fn lambda_param(p: &mut Parser<'_>) {
    let marker = p.start();
    if name(p, "a parameter name") && p.eat(Colon) {
        ty::ty(p, ty::Place::LambdaParam);
    }
    p.finish_node(marker, LambdaParam);
}

fn if_expr(p: &mut Parser<'_>, marker: Marker) -> Done {
    p.bump();
    expr(p);
    body(p);
    if p.eat(ElseKw) {
        if p.at(IfKw) && p.enter_operand() {
            let nested = p.start();
            with_room(|| if_expr(p, nested));
            p.leave_operand();
        } else {
            body(p);
        }
    }
    p.finish_node(marker, IfExpr)
}

fn match_expr(p: &mut Parser<'_>, marker: Marker) -> Done {
    p.bump();
    expr(p);
    let opened_at = p.position();
    if p.expect(LBrace) {
        while pattern::starts_match_pattern(p.current()) {
            let before = p.position();
            arm(p);
            p.eat(Comma);
            if p.position() == before {
                break;
            }
        }
        if !p.at(RBrace) && !p.at_end() {
            p.expected("a pattern or `}`");
            while !p.at(RBrace) && !p.at_end() && !p.after_break() {
                p.skip();
            }
        }
        p.close(RBrace, opened_at);
    }
    p.finish_node(marker, MatchExpr)
}

fn arm(p: &mut Parser<'_>) {
    let marker = p.start();
    pattern::match_pattern(p);
    if p.expect(FatArrow) {
        body(p);
    }
    p.finish_node(marker, MatchArm);
}

/// `(e)`, `(e,)`, `(a, b)`.
fn parentheses(p: &mut Parser<'_>, marker: Marker) -> Done {
    let opened_at = p.position();
    p.bump();
    if p.at(RParen) {
        missing(p);
    }
    let (count, comma) = list(p, RParen, opened_at, starts_expr, expr);
    let kind = if count == 1 && !comma { ParenExpr } else { TupleExpr };
    p.finish_node(marker, kind)
}

fn array(p: &mut Parser<'_>, marker: Marker) -> Done {
    let opened_at = p.position();
    p.bump();
    list(p, RBracket, opened_at, starts_expr, expr);
    p.finish_node(marker, ArrayExpr)
}

/// A record if `{ name =`, `{ name <-` or `{ ..` stands here, else a block.
fn braces(p: &mut Parser<'_>) -> Done {
    let field = match p.nth(1) {
        Ident => true,
        SelfKw | NowKw | SamplerateKw | Underscore => false,
        kind => kind.is_keyword(),
    };
    match p.nth(2) {
        _ if p.nth(1) == DotDot => record(p),
        Eq if field => record(p),
        Colon if p.nth(1) == Ident => record(p),
        LeftArrow if field => record_update(p),
        _ => item::block(p),
    }
}

fn record(p: &mut Parser<'_>) -> Done {
    let marker = p.start();
    let opened_at = p.position();
    p.bump();
    fields(p, opened_at);
    p.finish_node(marker, RecordExpr)
}

fn record_update(p: &mut Parser<'_>) -> Done {
    let marker = p.start();
    let opened_at = p.position();
    p.bump();
    let base = p.start();
    name(p, "the name of a record");
    p.finish_node(base, PathExpr);
    p.bump();
    fields(p, opened_at);
    p.finish_node(marker, RecordUpdateExpr)
}

/// `name = value, ..` up to `}`.
fn fields(p: &mut Parser<'_>, opened_at: usize) {
    let mut colons = 0;
    list(
        p,
        RBrace,
        opened_at,
        |kind| kind == Ident,
        |p| {
            if !p.at(DotDot) {
                return field(p, &mut colons);
            }
            p.bump();
            if !p.at(RBrace) {
                p.expected("`}` after `..`");
            }
        },
    );
}

/// `colons` counts the fields written as `name: value`; the first one is reported.
fn field(p: &mut Parser<'_>, colons: &mut u32) {
    let marker = p.start();
    let named = name(p, "a field name");
    if named && p.at(Colon) {
        if *colons == 0 {
            let error = Diagnostic::error("expected-token", p.span(), p.expected_message("`=`"));
            p.report(error.help("the fields of a record are written: {name = value}"));
        }
        *colons += 1;
        p.bump();
        expr(p);
    } else if named && p.expect(Eq) {
        expr(p);
    }
    p.finish_node(marker, RecordField);
}
