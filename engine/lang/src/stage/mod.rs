//! Runs the macro code of a program: gives back one without quotes and splices.
//!
//! Takes a program that was checked at both stages, evaluates its macro code in the order of the
//! text, and copies its audio code into a new program in which every splice is replaced by the code
//! it gave. Quoted variables are hygienic: a name always means what it meant where it was written,
//! whatever the code is put into. Each splice of the same code is a copy with its own variables and
//! state. Steps, memory and nesting are bounded. Never panics on a program.

#![allow(
    clippy::indexing_slicing,
    reason = "arenas and side tables are indexed by the ids they gave out; frames by the places that `slots` assigned"
)]

mod builtin;
mod call;
mod eval;
mod host;
mod lift;
mod quote;
mod slots;
#[cfg(test)]
mod tests;
mod value;

use rustc_hash::FxHashMap;

use crate::diag::{Diagnostics, Severity};
use crate::hir::{ExpansionId, Program, Stage};
use crate::source::Span;
use crate::types::{self, Typed};

/// A program without macro code, checked again if there was any. After errors nothing is run.
pub fn run(typed: Typed, diags: &mut Diagnostics) -> Typed {
    if diags.has_errors() || !is_staged(&typed.program) {
        return typed;
    }
    let flat = expand(&typed, diags);
    if diags.has_errors() {
        return typed;
    }
    let mut second = Diagnostics::new();
    let flat = types::check(flat, &mut second);
    tell(&flat.program, second, diags);
    flat
}

/// Whether a program has any macro code.
pub fn is_staged(program: &Program) -> bool {
    program.exprs.values().any(|expr| expr.stage == Stage::Macro)
}

/// Runs all macro code. The result is whole even after errors, which stand where code is missing.
pub fn expand(typed: &Typed, diags: &mut Diagnostics) -> Program {
    eval::Machine::new(typed, diags).program()
}

/// Passes messages about the expanded program on. Errors in what a macro made also show the call.
fn tell(flat: &Program, second: Diagnostics, diags: &mut Diagnostics) {
    let mut sites: Option<Vec<(Span, Span)>> = None;
    for message in &second {
        let message = message.clone();
        let said = diags.iter().any(|one| one.code == message.code && one.span == message.span);
        let site = match message.severity {
            Severity::Warning => None,
            Severity::Error if said => None,
            Severity::Error => {
                let sites = sites.get_or_insert_with(|| expanded_places(flat));
                let holds = |outer: &Span| covers(*outer, message.span);
                let around = sites.iter().filter(|(place, _)| holds(place));
                around.min_by_key(|(place, _)| place.end - place.start).map(|(_, site)| *site)
            }
        };
        match site.filter(|site| !covers(*site, message.span)) {
            Some(site) => diags.push(message.also(site, "in the code that this macro call made")),
            None => diags.push(message),
        }
    }
}

fn covers(outer: Span, inner: Span) -> bool {
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

/// The places of all code that was put in, each with the first macro call that put it there.
fn expanded_places(flat: &Program) -> Vec<(Span, Span)> {
    let outermost = |mut at: ExpansionId| {
        while let Some(parent) = flat.expansions.get(at).and_then(|it| it.parent) {
            at = parent;
        }
        flat.expansions.get(at).map(|it| it.site)
    };
    let mut found: FxHashMap<Span, Span> = FxHashMap::default();
    for (id, expr) in flat.exprs.iter() {
        if let Some(site) = flat.expanded.get(&id).and_then(|at| outermost(*at)) {
            let first = found.entry(expr.span).or_insert(site);
            *first = (*first).min(site);
        }
    }
    found.into_iter().collect()
}
