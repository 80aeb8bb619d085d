//! Typed program in, MIR out: the sample form, unoptimised and obviously right.
//!
//! One MIR function for each function and each set of concrete types it is used with. Takes a
//! program without errors; what only shows here (programs that grow beyond the limits) goes to the
//! diagnostics, and the module is then not to be used. Never optimises, never counts references:
//! passes do.
//!
//! Conventions: a known function is `(base, args..) -> rets`; a function called through a value is
//! `(closure, args..) -> rets` and reads its base and captures from the closure. Tuples and records
//! are their words side by side, unit is none, a function is one `ref`.

#![allow(
    clippy::indexing_slicing,
    reason = "arenas and side tables are indexed by the ids they gave out; slices are read with `get`"
)]

mod builtin;
mod call;
mod closure;
mod data;
mod expr;
mod func;
mod global;
mod host;
mod place;
mod words;

#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use attacca_mir::module::{FuncId, Function, Module};
use attacca_rt::code::CellSource;
use cranelift_entity::SecondaryMap;
use rustc_hash::{FxHashMap, FxHasher};
use smol_str::SmolStr;

use crate::builtins::Builtin;
use crate::diag::{Diagnostic, Diagnostics};
use crate::hir::{BindingId, ExprId, ExprKind, LambdaId, SamplePart, TypeId};
use crate::source::{SourceMap, Span};
use crate::types::Typed;
use crate::types::ty::Ty;
use func::{Finished, FuncLower};
use place::MacroCalls;
use words::{Layouts, Subst};

/// Most functions a program may become.
const MAX_FUNCTIONS: usize = 10_000;
/// Most words of state.
const MAX_STATE_WORDS: u64 = 1 << 24;
/// Most samples in all delay lines together: one GiB.
const MAX_LINE_SAMPLES: u64 = 1 << 27;
/// Deepest chain of functions that are lowered on behalf of each other.
const MAX_CHAIN: u32 = 100;
/// Most variables looked at where branches meet: all that are known there, for each branch.
const MAX_JOINED: u64 = 20_000_000;
/// Deepest nesting of expressions, those of functions lowered on behalf of each other added up.
const MAX_DEPTH: u32 = 4_000;
/// Most expressions lowered, each function with its types counted for itself.
const MAX_EXPRESSIONS: u64 = 4_000_000;

/// Lowers a program whose check found no errors.
///
/// Afterwards `diags` has errors if the program is too large to be run; the module is then empty.
pub fn to_mir(typed: &Typed, sources: &SourceMap, diags: &mut Diagnostics) -> Module {
    let mut lowerer = Lowerer::new(typed, sources, diags);
    lowerer.check_types();
    lowerer.host_cells();
    lowerer.place_globals();
    lowerer.lower_in_order();
    lowerer.lower_dsp();
    lowerer.lower_globals();
    if lowerer.failed { Module::default() } else { lowerer.module }
}

/// What a MIR function was made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Instance {
    /// A function at concrete types, called directly or through closures.
    Lambda { lambda: LambdaId, subst: Subst, closure: bool },
    /// What a known function looks like as a value.
    Thunk(FuncId),
    /// What a built-in looks like as a value of this type.
    Builtin(Builtin, Ty),
    /// What a constructor looks like as a value.
    Constructor(TypeId, u32),
    /// What a probe of values of this type looks like as a value.
    Probe(ExprId, Ty),
    /// What plays a sound file.
    Sample(u32, SamplePart),
}

/// State of one lowering.
struct Lowerer<'a> {
    typed: &'a Typed,
    sources: &'a SourceMap,
    diags: &'a mut Diagnostics,
    module: Module,
    instances: FxHashMap<Instance, FuncId>,
    /// Functions whose body is being lowered.
    open: SecondaryMap<FuncId, bool>,
    /// Samples of delay lines in one instance of a function, callees included.
    line_samples: SecondaryMap<FuncId, u64>,
    /// Whether running a function touches state.
    touches_state: SecondaryMap<FuncId, bool>,
    /// First word of each global that has any.
    globals: FxHashMap<BindingId, u32>,
    /// Word of each array of literals, made once by the global code.
    constants: FxHashMap<ExprId, u32>,
    /// The words of values.
    layouts: Layouts,
    /// Hash of the declared types.
    declared: u64,
    /// Thunks of functions that were still open: (thunk, function).
    thunks: Vec<(FuncId, FuncId)>,
    macro_calls: MacroCalls,
    chain: u32,
    depth: u32,
    expressions: u64,
    /// Variables looked at where branches meet, all branches counted.
    joined: u64,
    failed: bool,
}

impl<'a> Lowerer<'a> {
    fn new(typed: &'a Typed, sources: &'a SourceMap, diags: &'a mut Diagnostics) -> Self {
        Self {
            typed,
            sources,
            diags,
            module: Module::default(),
            instances: FxHashMap::default(),
            open: SecondaryMap::new(),
            line_samples: SecondaryMap::new(),
            touches_state: SecondaryMap::new(),
            globals: FxHashMap::default(),
            constants: FxHashMap::default(),
            layouts: Layouts::of(typed),
            declared: words::declared_types(&typed.program, sources),
            thunks: Vec::new(),
            macro_calls: MacroCalls::of(&typed.program, sources),
            chain: 0,
            depth: 0,
            expressions: 0,
            joined: 0,
            failed: false,
        }
    }

    /// Types whose values are larger than any program needs end the lowering.
    fn check_types(&mut self) {
        if let Some(id) = self.layouts.too_large {
            let at = self.typed.program.types[id].span;
            self.fail("program-too-large", at, "values of this type become too large");
        }
    }

    /// Says once that the program is too large; the module is not used then.
    fn fail(&mut self, code: &'static str, at: Span, message: &str) {
        if !self.failed {
            self.failed = true;
            self.diags.push(Diagnostic::error(code, at, message));
        }
    }

    /// The MIR function for a lambda at concrete types.
    fn instance(&mut self, lambda: LambdaId, subst: &Subst, closure: bool) -> FuncId {
        let key = Instance::Lambda { lambda, subst: Arc::clone(subst), closure };
        if let Some(id) = self.instances.get(&key) {
            return *id;
        }
        let id = self.module.funcs.push(Function::new(self.name_of(lambda), Vec::new()));
        self.instances.insert(key, id);
        let at = self.typed.program.lambdas[lambda].span;
        if self.module.funcs.len() > MAX_FUNCTIONS || self.chain > MAX_CHAIN {
            self.fail("program-too-large", at, "this program becomes too many functions");
        }
        if self.failed {
            return id;
        }
        self.open[id] = true;
        self.chain += 1;
        let finished = FuncLower::lambda(self, lambda, subst, closure);
        self.chain -= 1;
        self.open[id] = false;
        self.define(id, finished, at);
        self.finish_thunks(id);
        id
    }

    /// Puts a finished function in its place.
    fn define(&mut self, id: FuncId, finished: Finished, at: Span) {
        let Finished { func, line_samples, touches_state } = finished;
        if u64::from(func.state.words) > MAX_STATE_WORDS || line_samples > MAX_LINE_SAMPLES {
            self.fail("state-too-large", at, "this program needs more memory than can be had");
        }
        self.line_samples[id] = line_samples;
        self.touches_state[id] = touches_state;
        self.module.funcs[id] = func;
    }

    /// A function's name in the module.
    fn name_of(&self, lambda: LambdaId) -> String {
        let lambdas = &self.typed.program.lambdas;
        if let Some(name) = &lambdas[lambda].name {
            return name.to_string();
        }
        let around = std::iter::successors(lambdas[lambda].parent, |at| lambdas[*at].parent);
        let named = around.filter_map(|at| lambdas[at].name.as_ref()).next();
        named.map_or("lambda".into(), |name| format!("{name}.lambda"))
    }

    /// The number that stands for a string literal: the same in every version of a program, so that
    /// a variable may keep it through an edit.
    fn string(&self, text: &SmolStr) -> i64 {
        let mut hash = FxHasher::default();
        text.hash(&mut hash);
        hash.finish() as i64
    }

    /// Hash of a type in the language.
    fn type_hash(&self, ty: &Ty) -> u64 {
        words::type_hash(self.declared, ty)
    }

    /// Finds the host values the program reads, in the order of the text.
    fn host_cells(&mut self) {
        let exprs = &self.typed.program.exprs;
        let mut cells: Vec<_> = exprs
            .values()
            .filter_map(|expr| {
                let ExprKind::Cell(source) = &expr.kind else { return None };
                Some((expr.span, &**source))
            })
            .collect();
        cells.sort_by_key(|(span, _)| *span);
        for (_, source) in cells {
            self.add_cell(source);
        }
        self.module.voices.clone_from(&self.typed.program.voices);
    }

    /// Adds a host value. The second use of a control updates the range, not the value; of a note
    /// the first use's initial values count.
    fn add_cell(&mut self, source: &CellSource) {
        let known = self.module.cells.iter_mut().find(|known| same_cell(known, source));
        match (known, source) {
            (None, _) => self.module.cells.push(source.clone()),
            (
                Some(CellSource::Control { min, max, .. }),
                CellSource::Control { min: low, max: high, .. },
            ) => (*min, *max) = (*low, *high),
            (Some(_), _) => {}
        }
    }

    /// The number of a host value.
    fn cell(&self, source: &CellSource) -> u32 {
        let found = self.module.cells.iter().position(|known| same_cell(known, source));
        debug_assert!(found.is_some(), "all cells were found before");
        found.unwrap_or(0) as u32
    }
}

/// Whether two sources are the same value of the host.
fn same_cell(a: &CellSource, b: &CellSource) -> bool {
    match (a, b) {
        (CellSource::Control { name: a, .. }, CellSource::Control { name: b, .. }) => a == b,
        (CellSource::MidiPitch { channel: a, .. }, CellSource::MidiPitch { channel: b, .. })
        | (
            CellSource::MidiVelocity { channel: a, .. },
            CellSource::MidiVelocity { channel: b, .. },
        ) => a == b,
        (a, b) => a == b,
    }
}
