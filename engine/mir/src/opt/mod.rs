//! The passes and their order. One pass a file; each takes a module and leaves a valid one.
//!
//! Sample form is optimised a little per function, wrapped in its frame loop by [`kernel`], then
//! inlined and optimised as a whole. Every pass keeps every bit of what the program computes.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a pass names the ops it changes; every other op stays as it is"
)]

pub mod budget;
pub mod cells;
pub mod cfg;
pub mod copy_prop;
pub mod cse;
pub mod dce;
pub mod fold;
pub mod hoist;
pub mod if_convert;
pub mod inline;
pub mod kernel;
pub mod legalise;
pub mod modular;
pub mod pair;
pub mod promote;
pub mod rc;
pub mod rewrite;
pub mod specialise;
pub mod ssa;

use crate::module::{Function, Module};
use attacca_rt::code::Image;

/// A pass.
pub type Pass = fn(&mut Module);

/// Every pass by the name its tests and dumps use.
pub const PASSES: &[(&str, Pass)] = &[
    ("budget", budget::insert),
    ("prune", budget::prune),
    ("cells", cells::run),
    ("copy_prop", copy_prop::run),
    ("cse", cse::run),
    ("dce", dce::run),
    ("fold", fold::run),
    ("hoist", hoist::run),
    ("if_convert", if_convert::run),
    ("inline", inline::run),
    ("kernel", kernel::run),
    ("finish", kernel::finish),
    ("legalise", legalise::run),
    ("pair", pair::run),
    ("modular", modular::run),
    ("promote", promote::run),
    ("rc", rc::run),
];

/// The pass of this name.
pub fn pass_by_name(name: &str) -> Option<Pass> {
    PASSES.iter().find(|(n, _)| *n == name).map(|(_, pass)| *pass)
}

/// What lowering leaves undone and every evaluator needs: budget checks. The oracle runs the result
/// (after [`rc::run`]) as it is.
pub fn prepare(module: &mut Module) {
    budget::insert(module);
}

/// Optimises a prepared module for its global code and, with the image that code left, for sound:
/// afterwards the module has a kernel.
pub fn run(module: &mut Module, image: &Image) {
    let known = specialise::Known::of(module, Some(image));
    for (id, func) in &mut module.funcs {
        if Some(id) != module.init {
            fold::fold(func, &known);
            copy_prop::propagate(func);
            dce::eliminate(func);
        }
    }
    kernel::run(module);
    inline::run_with(module, &known);
    let Some(root) = module.kernel else { return };
    for id in inline::reachable(module, root) {
        tidy(module, id, &known);
    }
    budget::prune(module);
    kernel::finish(module);
    promote::run(module);
    hoist::run(module);
    let func = &mut module.funcs[root];
    fold::fold(func, &known);
    merge(func, &known);
}

/// Folds, shares and drops within one function.
fn tidy(module: &mut Module, id: crate::module::FuncId, known: &specialise::Known) {
    let func = &mut module.funcs[id];
    fold::fold(func, known);
    copy_prop::propagate(func);
    dce::eliminate(func);
    cells::scalarise(func, &known.shapes);
    if_convert::convert(func);
    fold::fold(func, known);
    merge(func, known);
}

/// Shares equal values and drops what is not used.
fn merge(func: &mut Function, known: &specialise::Known) {
    copy_prop::propagate(func);
    cse::share(func, &known.shapes);
    copy_prop::propagate(func);
    dce::eliminate(func);
}

/// For backends that make machine code: noise on integers, elementary functions written out, then tidied.
pub fn lower_math(module: &mut Module) {
    modular::run(module);
    pair::run(module);
    legalise::run(module);
    let known = specialise::Known::of(module, None);
    let Some(root) = module.kernel else { return };
    for id in inline::reachable(module, root) {
        let func = &mut module.funcs[id];
        fold::fold(func, &known);
        merge(func, &known);
    }
    hoist::run(module);
}
