//! How many calls one call can lead to, without any recursion: forty functions that each call the one
//! before twice make a million million.
//!
//! Takes the call graph, gives the functions that have to count.

use super::{Graph, placed};
use crate::module::{FuncId, Module};
use crate::op::Op;
use cranelift_entity::SecondaryMap;

/// Calls that one call of a function may lead to without any check.
const MOST: u64 = 100_000;

/// The same for a function that may call itself up to a million times.
const MOST_AGAIN: u64 = 1_000;

/// Where there are more, calls between one check and the next.
const STRIDE: u64 = 64;

/// Functions that have to count beside the `cyclic` ones, so that there are at most [`STRIDE`] calls between
/// one check and the next: none if there are few calls anyway.
pub(super) fn steps(module: &Module, graph: &Graph, cyclic: &[FuncId]) -> Vec<FuncId> {
    let is_cyclic = |func: &FuncId| cyclic.binary_search(func).is_ok();
    let order = callees_first(module, graph, is_cyclic);
    let mut calls: SecondaryMap<FuncId, u64> = SecondaryMap::with_default(1);
    let mut too_many = false;
    for func in &order {
        let below = sum(&graph[*func], &calls);
        too_many |= below > if is_cyclic(func) { MOST_AGAIN } else { MOST };
        calls[*func] = if is_cyclic(func) { 1 } else { below.saturating_add(1) };
    }
    let mut steps = Vec::new();
    if !too_many {
        return steps;
    }
    let once = |func: FuncId| Some(func) == module.init || Some(func) == module.dsp;
    for func in order {
        let below = sum(&graph[func], &calls);
        let counts = below >= STRIDE && !once(func) && !is_cyclic(&func);
        if counts {
            steps.push(func);
        }
        calls[func] = if counts || is_cyclic(&func) { 1 } else { below.saturating_add(1) };
    }
    steps
}

/// The checks that one call of `root` can come by at most, in a call graph without cycles.
pub(super) fn most_checks(module: &Module, root: FuncId, graph: &Graph) -> u64 {
    let mut checks: SecondaryMap<FuncId, u64> = SecondaryMap::new();
    for func in callees_first(module, graph, |_| false) {
        let own = placed(&module.funcs[func]).filter(|op| matches!(op, Op::BudgetEnter(_))).count();
        checks[func] = sum(&graph[func], &checks).saturating_add(own as u64);
    }
    checks[root]
}

fn sum(callees: &[FuncId], of: &SecondaryMap<FuncId, u64>) -> u64 {
    callees.iter().fold(0, |sum: u64, callee| sum.saturating_add(of[*callee]))
}

/// All functions, each behind those that it calls; calls of `leaves` do not matter.
fn callees_first(module: &Module, graph: &Graph, leaf: impl Fn(&FuncId) -> bool) -> Vec<FuncId> {
    let mut seen: SecondaryMap<FuncId, bool> = SecondaryMap::new();
    let mut order = Vec::new();
    for root in module.funcs.keys() {
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        let mut work = vec![(root, 0)];
        while let Some((func, next)) = work.pop() {
            let Some(to) = graph[func].get(next).copied() else {
                order.push(func);
                continue;
            };
            work.push((func, next + 1));
            if !leaf(&to) && !std::mem::replace(&mut seen[to], true) {
                work.push((to, 0));
            }
        }
    }
    order
}
