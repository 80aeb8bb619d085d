//! Type inference: a resolved program in, the type of every expression out.
//!
//! Unification with let-polymorphism for functions. Every mistake is one message: the type
//! [`Ty::Error`] agrees with everything. Also decides how each call passes its arguments
//! ([`CallPlan`]), so that lowering has nothing left to find out. Never panics on a program, never
//! changes it but in one way, [`adapt`].

#![allow(
    clippy::indexing_slicing,
    reason = "arenas and side tables are indexed by the ids they gave out; slices are read with `get`"
)]

mod adapt;
mod annotation;
mod arith;
mod call;
mod data;
mod declared;
mod dsp;
pub mod error;
mod exhaustive;
mod infer;
pub mod known;
mod mismatch;
mod signature;
mod stmt;
mod table;
pub mod ty;

#[cfg(test)]
mod tests;

use cranelift_entity::SecondaryMap;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::diag::Diagnostics;
use crate::hir::{BindingId, ExprId, Program, TypeId};
use known::KnownFunctions;
pub use table::Scheme;
use ty::{Printer, Rows, Ty, VarId};

/// A program whose types are known.
#[derive(Clone, Debug)]
pub struct Typed {
    /// The program.
    pub program: Program,
    /// Which names stand for known functions.
    pub known: KnownFunctions,
    /// The type of each expression; may mention type parameters of the functions around it.
    pub exprs: SecondaryMap<ExprId, Option<Ty>>,
    /// The type of each name.
    pub bindings: SecondaryMap<BindingId, Option<Scheme>>,
    /// For each use of a polymorphic name, what its type parameters are there.
    pub uses: FxHashMap<ExprId, Vec<(VarId, Ty)>>,
    /// How calls pass their arguments; calls not listed are [`CallPlan::Direct`].
    pub calls: FxHashMap<ExprId, CallPlan>,
    /// Type variables that stand for records with at least these fields.
    pub rows: Rows,
    /// What each constructor of each declared type carries.
    pub payloads: SecondaryMap<TypeId, Vec<Option<Ty>>>,
    /// Values given where a union is wanted: the member that each becomes, and the union.
    pub wraps: FxHashMap<ExprId, (u32, Ty)>,
}

/// How a call passes its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallPlan {
    /// The arguments, side by side, are the function's argument.
    Direct,
    /// The function is called for each number in its tuple argument.
    Spread,
    /// The one argument is a record; the parameters come from its fields or defaults, in order.
    ByName(Vec<ParamSource>),
    /// The one argument is a record with more fields than the parameter has.
    Narrow,
}

/// Where a parameter of a call by record comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamSource {
    /// The record's field of this name.
    Field(SmolStr),
    /// The parameter's default, evaluated at the call.
    Default(ExprId),
}

impl Typed {
    /// The type of an expression as it was found.
    pub fn type_of(&self, expr: ExprId) -> Ty {
        self.exprs[expr].clone().unwrap_or(Ty::Error)
    }

    /// The type of an expression's value where it stands: a union if it became a member of one.
    pub fn value_type(&self, expr: ExprId) -> Ty {
        self.wraps.get(&expr).map_or_else(|| self.type_of(expr), |(_, union)| union.clone())
    }

    /// A name's type in the words of the language: `(float) -> float`.
    pub fn show_binding(&self, binding: BindingId) -> String {
        match &self.bindings[binding] {
            Some(scheme) => self.show(&scheme.ty),
            None => "?".into(),
        }
    }

    /// A type in the words of the language.
    pub fn show(&self, ty: &Ty) -> String {
        Printer::new(&self.rows).show(ty)
    }
}

/// Finds the types of a program; mistakes go to `diags`. The program that comes back may have functions
/// written out that pass on a record to another one (`adapt`).
pub fn check(program: Program, diags: &mut Diagnostics) -> Typed {
    let known = KnownFunctions::of(&program);
    let before = diags.mark();
    let errors = diags.error_count();
    let mut checker = infer::Checker::new(&program, &known, diags);
    checker.program_stmts();
    checker.dsp();
    let tables = checker.finish();
    if !tables.adapters.is_empty() && diags.error_count() == errors {
        diags.rollback(before);
        return check(adapt::write_out(program, &tables.adapters), diags);
    }
    Typed {
        known,
        exprs: tables.exprs,
        bindings: tables.bindings,
        uses: tables.uses,
        calls: tables.calls,
        rows: tables.rows,
        payloads: tables.payloads,
        wraps: tables.wraps,
        program,
    }
}
