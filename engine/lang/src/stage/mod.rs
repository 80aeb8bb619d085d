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
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each rule looks at a few kinds of values; the check excludes the others, but for the zero of an unknown type"
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

use crate::diag::Diagnostics;
use crate::hir::{Program, Stage};
use crate::types::{self, Typed};

/// A program without macro code, checked again if there was any. After errors nothing is run.
pub fn run(mut typed: Typed, diags: &mut Diagnostics) -> Typed {
    if diags.has_errors() || !is_staged(&typed.program) {
        return typed;
    }
    let flat = expand(&typed, diags);
    if diags.has_errors() {
        typed.program.printed = flat.printed;
        return typed;
    }
    types::check(flat, diags)
}

/// Whether a program has any macro code.
pub fn is_staged(program: &Program) -> bool {
    program.exprs.values().any(|expr| expr.stage == Stage::Macro)
}

/// Runs all macro code. The result is whole even after errors, which stand where code is missing.
pub fn expand(typed: &Typed, diags: &mut Diagnostics) -> Program {
    eval::Machine::new(typed, diags).program()
}
