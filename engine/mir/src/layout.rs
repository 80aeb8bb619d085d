//! The layout of a module: what an instance of the program must own.
//!
//! Takes a module whose state addresses are final, gives the [`Layout`] that every backend starts
//! from. Canonical addresses are final addresses here: the state block of a function lies as
//! [`FuncState`](crate::module::FuncState) says. Backends add what only they know (scratch, stack).

use crate::module::{FuncId, LeafKind, Module};
use crate::op::Op;
use attacca_rt::code::{Layout, LineSpec};
use attacca_rt::heap::DEFAULT_HEAP_WORDS;
use attacca_rt::sched::TASK_PLACES;
use attacca_rt::tap::PRINT_PLACES;
use cranelift_entity::SecondaryMap;

/// The layout of `module`: words, delay lines, heap, shapes, host cells, channels and fault sites.
///
/// `scratch_words` and `stack_bytes` stay 0. Lines stand in the order of their words. The heap has the
/// default size if any code that can run, the global code included, makes an object; else none. So have
/// the queue of tasks and the ring of printed numbers.
pub fn of(module: &Module) -> Layout {
    Layout {
        words: module.words,
        lines: lines(module, &module.blocks),
        heap_words: if runs(module, Op::allocates) { DEFAULT_HEAP_WORDS } else { 0 },
        shapes: module.shapes.values().cloned().collect(),
        scratch_words: 0,
        stack_bytes: 0,
        inputs: module.inputs,
        outputs: module.outputs,
        cells: module.cells.clone(),
        sites: module.sites.clone(),
        taps: module.taps.clone(),
        samples: module.samples.clone(),
        tasks: if runs(module, |op| matches!(op, Op::Schedule(_))) { TASK_PLACES } else { 0 },
        prints: if runs(module, |op| matches!(op, Op::Print { .. })) { PRINT_PLACES } else { 0 },
        voices: module.voices.clone(),
    }
}

/// Functions that can run while sound runs: reached from the kernel (or `dsp`, where there is no
/// kernel), and every function that a closure may name with what it reaches.
pub fn live_funcs(module: &Module) -> Vec<FuncId> {
    let closures = module.funcs.iter().filter(|(_, f)| f.closure).map(|(id, _)| id);
    reached(module, module.kernel.or(module.dsp).into_iter().chain(closures))
}

/// Everything reached from `roots` by calls and function addresses, in ascending order.
pub fn reached(module: &Module, roots: impl IntoIterator<Item = FuncId>) -> Vec<FuncId> {
    let mut seen: SecondaryMap<FuncId, bool> = SecondaryMap::new();
    let mut work: Vec<FuncId> = roots.into_iter().collect();
    while let Some(id) = work.pop() {
        if std::mem::replace(&mut seen[id], true) {
            continue;
        }
        let Some(func) = module.funcs.get(id) else { continue };
        for inst in func.blocks.values().flat_map(|block| &block.insts) {
            if let Op::Call(to) | Op::FuncAddr(to) = func.insts[*inst].op {
                work.push(to);
            }
        }
    }
    module.funcs.keys().filter(|id| seen[*id]).collect()
}

/// The delay lines of `dsp`'s state block and of those in `blocks`, by ascending word. Until the global
/// code ran, `module.blocks` holds its own block, if it has one; then those of the function values it made.
pub fn lines(module: &Module, blocks: &[(u32, FuncId)]) -> Vec<LineSpec> {
    let mut walk = Walk { module, path: Vec::new(), lines: Vec::new() };
    if let Some(dsp) = module.dsp {
        walk.block(dsp, module.dsp_base);
    }
    for (address, func) in blocks {
        walk.block(*func, *address);
    }
    let mut lines = walk.lines;
    lines.sort_by_key(|line| line.word);
    lines.dedup_by_key(|line| line.word);
    lines
}

struct Walk<'m> {
    module: &'m Module,
    path: Vec<FuncId>,
    lines: Vec<LineSpec>,
}

impl Walk<'_> {
    fn block(&mut self, id: FuncId, base: u32) {
        // A recursive instance shares the block of the enclosing one, which is on the path already.
        let Some(func) = self.module.funcs.get(id).filter(|_| !self.path.contains(&id)) else {
            return;
        };
        for leaf in &func.state.leaves {
            if let LeafKind::Line { len } = leaf.kind {
                self.lines.push(LineSpec { word: base + leaf.offset, len });
            }
        }
        self.path.push(id);
        for child in &func.state.children {
            self.block(child.func, base + child.offset);
        }
        self.path.pop();
    }
}

/// Whether any code that can run has such an op.
fn runs(module: &Module, is: impl Fn(&Op) -> bool) -> bool {
    let roots = live_funcs(module).into_iter().chain(module.init);
    reached(module, roots).iter().any(|id| {
        let func = &module.funcs[*id];
        func.blocks.values().flat_map(|b| &b.insts).any(|inst| is(&func.insts[*inst].op))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Builder;
    use crate::module::{Child, FuncState, Function, Leaf};
    use crate::op::Ty;
    use attacca_rt::code::{ObjectKind, Shape};

    fn line(offset: u32, len: u32) -> Leaf {
        Leaf { offset, kind: LeafKind::Line { len }, name: "delay".into(), site: 0, types: 0 }
    }

    fn child(offset: u32, func: FuncId) -> Child {
        Child { offset, func, binding: String::new(), site: 0 }
    }

    #[test]
    fn lines_of_nested_blocks_are_found_once_and_in_order() {
        let mut module = Module { dsp_base: 10, words: 40, ..Module::default() };
        let mut echo = Function::new("echo", vec![]);
        echo.state = FuncState { words: 2, leaves: vec![line(1, 7)], children: vec![] };
        let echo = module.funcs.push(echo);
        let mut dsp = Function::new("dsp", vec![]);
        dsp.state = FuncState {
            words: 5,
            leaves: vec![line(0, 3)],
            children: vec![child(3, echo), child(1, echo)],
        };
        let id = module.funcs.push(dsp);
        // A function that is its own child shares its block.
        module.funcs[id].state.children.push(child(5, id));
        module.dsp = Some(id);
        module.blocks.push((30, echo));
        let found: Vec<_> = of(&module).lines.iter().map(|l| (l.word, l.len)).collect();
        assert_eq!(found, [(10, 3), (12, 7), (14, 7), (31, 7)]);
    }

    #[test]
    fn only_programs_that_make_objects_have_a_heap() {
        let mut module = Module::default();
        let shape = module.shape(Shape { kind: ObjectKind::Cell, fields: vec![] });
        let mut unused = Function::new("unused", vec![]);
        Builder::new(&mut unused).value(Op::Alloc(shape), &[], Ty::Ref);
        let unused = module.funcs.push(unused);
        let dsp = module.funcs.push(Function::new("dsp", vec![]));
        module.dsp = Some(dsp);
        assert_eq!(of(&module).heap_words, 0);
        Builder::new(&mut module.funcs[dsp]).call(unused, &[], &[]);
        assert_eq!(of(&module).heap_words, DEFAULT_HEAP_WORDS);
    }
}
