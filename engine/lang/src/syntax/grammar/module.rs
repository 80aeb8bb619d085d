//! Modules, `use`, `include` and stage declarations.

use super::super::kind::SyntaxKind::*;
use super::{Marker, Parser, item, list, name};
use crate::diag::Diagnostic;

/// `mod name { .. }` or `mod name`; the marker is already open, for `pub`.
pub(super) fn mod_def(p: &mut Parser<'_>, marker: Marker) {
    p.bump();
    name(p, "the module's name");
    if p.at(LBrace) && p.enter() {
        let opened_at = p.position();
        p.bump();
        while !p.at(RBrace) && !p.at_end() {
            item::top_item(p);
        }
        p.close(RBrace, opened_at);
        p.leave();
    }
    p.finish_node(marker, ModDef);
}

/// `use a::b::{c, d}`; the marker is already open, for `pub`.
pub(super) fn use_stmt(p: &mut Parser<'_>, marker: Marker) {
    p.bump();
    name(p, "a module's name");
    while path_goes_on(p) {
        if p.eat(Star) {
            break;
        }
        if p.at(LBrace) {
            use_list(p);
            break;
        }
        if !name(p, "a name, `*` or `{` after `::`") {
            break;
        }
    }
    p.finish_node(marker, UseStmt);
}

/// Takes the `::` between the parts of a path; a single `:` is taken for it, with a message.
fn path_goes_on(p: &mut Parser<'_>) -> bool {
    if p.at(Colon) && !p.after_break() {
        let error = Diagnostic::error("expected-token", p.span(), p.expected_message("`::`"));
        p.report(error.help("the parts of a path are joined by two colons: use a::b"));
        p.skip();
        return true;
    }
    p.eat(ColonColon)
}

fn use_list(p: &mut Parser<'_>) {
    let marker = p.start();
    let opened_at = p.position();
    p.bump();
    list(
        p,
        RBrace,
        opened_at,
        |kind| kind == Ident,
        |p| {
            name(p, "a name");
        },
    );
    p.finish_node(marker, UseList);
}

/// `include("file")`.
pub(super) fn include(p: &mut Parser<'_>, marker: Marker) {
    p.bump();
    let opened_at = p.position();
    if p.expect(LParen) {
        if !p.eat(Str) {
            p.expected("a file name in `\"`");
        }
        p.close(RParen, opened_at);
    }
    p.finish_node(marker, Include);
}

/// Skips what is left of the line.
fn skip_line(p: &mut Parser<'_>) {
    p.skip();
    while !p.at_end() && !p.after_break() && !p.at(RBrace) {
        p.skip();
    }
}

/// `#stage(macro)` or `#stage(main)`.
pub(super) fn stage_decl(p: &mut Parser<'_>, marker: Marker) {
    p.bump();
    if !p.at(StageKw) {
        let message = p.expected_message("`stage`");
        let error = Diagnostic::error("expected-token", p.span(), message);
        p.report(error.help("a comment starts with `//`"));
        if !p.after_break() {
            skip_line(p);
        }
    } else if p.eat(StageKw) {
        let opened_at = p.position();
        if p.expect(LParen) {
            if !p.eat(MacroKw) && !p.eat(MainKw) {
                p.expected("`macro` or `main`");
                if p.at(Ident) {
                    p.bump();
                }
            }
            p.close(RParen, opened_at);
        }
    }
    p.finish_node(marker, StageDecl);
}
