//! Every rule that a [`Module`] obeys, whichever pass made it. Reads, never changes.
//!
//! The module
//!  1. `init` is `() -> ()`; `dsp` is `(i64, f64 × inputs) -> (f64 × outputs)`; `kernel` is
//!     `(i64) -> (i64)`. None of them is a closure function.
//!  2. Globals own distinct words below `dsp_base`; `dsp_base` plus the block of `dsp`, and every
//!     entry of `blocks`, end within `words`.
//!  3. A closure shape starts with two i64 fields: function number and state base. An element of an
//!     array has at least one field.
//!  4. Site numbers are in range (a module without sites may use 0).
//!
//! State of a function
//!  5. Leaves and children lie in the block, by ascending offset; no two leaves overlap, no leaf
//!     lies inside a child; a line is at least one sample long.
//!
//! Code of a function
//!  6. An instruction is placed at most once; a value is defined at most once, by a block parameter
//!     or a placed instruction; every used value exists and is defined.
//!  7. The entry block has no predecessors. Jumps name existing blocks and give one value of the
//!     right type for each parameter. Reachable blocks have an end.
//!  8. In reachable code, the definition of a value dominates its uses.
//!  9. Operand and result types are those of [`types::op_types`]; functions, shapes, fields,
//!     signatures, cells, channels, probes and samples that an op names exist. Only cells are stored
//!     to, and arrays that a `newarray` of the same function gave.
//! 10. A returning block gives the function's result types.
//! 11. A closure function takes a ref first; only closure functions have their number taken.
//! 12. `init` and `kernel` are never called.
//! 13. State addressed from a constant lies within `Module::words`; state addressed from the base
//!     parameter (the first parameter of a function other than closures and the kernel, when it is
//!     an i64) lies within the function's block; a block made by `Op::Block` likewise.
//! 14. `input`, `output`, `firstnow`, `setnow` and `budgetreset` stand in the kernel alone.

use crate::module::{Block, BlockId, FuncId, Function, Inst, InstId, Jump, Module, Term, ValueId};
use crate::op::{Op, Ty};
use crate::opt::rewrite::of_values;
use attacca_rt::code::{ObjectKind, WordKind};
use cranelift_entity::SecondaryMap;
use dominance::Dominance;

pub mod dominance;
pub mod types;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// The function it is in, if any.
    pub func: Option<FuncId>,
    /// The block it is in, if any.
    pub block: Option<BlockId>,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(func) = self.func {
            write!(f, "{func} ")?;
        }
        if let Some(block) = self.block {
            write!(f, "{block} ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for VerifyError {}

/// Checks every rule at the top of this file; gives all errors found.
pub fn verify(module: &Module) -> Result<(), Vec<VerifyError>> {
    let mut errors = Vec::new();
    check_module(module, &mut errors);
    for (id, func) in &module.funcs {
        Checker { module, id, func, block: None, errors: &mut errors }.check();
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// All errors in one text, a line each.
pub fn report(errors: &[VerifyError]) -> String {
    errors.iter().map(|e| format!("{e}\n")).collect()
}

// ---- the module ----

fn check_module(module: &Module, errors: &mut Vec<VerifyError>) {
    let mut say = |func: Option<FuncId>, message: String| {
        errors.push(VerifyError { func, block: None, message })
    };
    let floats = |n: u32| std::iter::repeat_n(Ty::F64, n as usize);
    let dsp_params = std::iter::once(Ty::I64).chain(floats(module.inputs)).collect();
    let roles = [
        ("init", module.init, Vec::new(), Vec::new()),
        ("dsp", module.dsp, dsp_params, floats(module.outputs).collect()),
        ("kernel", module.kernel, vec![Ty::I64], vec![Ty::I64]),
    ];
    for (role, id, params, rets) in roles {
        let Some(id) = id else { continue };
        let Some(func) = module.funcs.get(id) else {
            say(None, format!("{role} {id} does not exist"));
            continue;
        };
        let found = entry_params(func);
        if found.as_ref() != Some(&params) || func.rets != rets || func.closure {
            say(Some(id), format!("is {role} but not ({}) -> ({})", names(&params), names(&rets)));
        }
    }
    check_words(module, &mut say);
    for (id, shape) in &module.shapes {
        let headed = matches!(shape.fields[..], [WordKind::I64, WordKind::I64, ..]);
        if shape.kind == ObjectKind::Closure && !headed {
            say(None, format!("{id} is a closure without function number and base"));
        }
        if shape.kind == ObjectKind::Array && shape.fields.is_empty() {
            say(None, format!("{id} is an array of elements without fields"));
        }
    }
}

fn check_words(module: &Module, say: &mut impl FnMut(Option<FuncId>, String)) {
    let mut taken = vec![false; (module.dsp_base.min(1 << 24)) as usize];
    for global in &module.globals {
        match taken.get_mut(global.word as usize) {
            None => say(
                None,
                format!(
                    "global `{}` lies at word {}, not below dsp_base",
                    global.name, global.word
                ),
            ),
            Some(true) => {
                say(None, format!("global `{}` shares word {}", global.name, global.word))
            }
            Some(free) => *free = true,
        }
    }
    let dsp = module.dsp.map(|id| (module.dsp_base, id));
    for (address, id) in dsp.into_iter().chain(module.blocks.iter().copied()) {
        let Some(func) = module.funcs.get(id) else {
            say(None, format!("the block at {address} belongs to {id}, which does not exist"));
            continue;
        };
        if u64::from(address) + u64::from(func.state.words) > u64::from(module.words) {
            say(
                Some(id),
                format!(
                    "its block at word {address} ends beyond the {} words of the state",
                    module.words
                ),
            );
        }
    }
}

/// The function's parameter types, if the entry block and its values exist.
fn entry_params(func: &Function) -> Option<Vec<Ty>> {
    func.blocks.get(func.entry)?.params.iter().map(|v| func.values.get(*v).copied()).collect()
}

fn names(types: &[Ty]) -> String {
    types.iter().map(|ty| ty.name()).collect::<Vec<_>>().join(", ")
}

// ---- one function ----

/// Where a value is defined: the block, and the place in it (0 for parameters, else 1 + index).
type Def = Option<(BlockId, u32)>;

struct Checker<'m, 'e> {
    module: &'m Module,
    id: FuncId,
    func: &'m Function,
    block: Option<BlockId>,
    errors: &'e mut Vec<VerifyError>,
}

impl Checker<'_, '_> {
    fn say(&mut self, message: impl Into<String>) {
        self.errors.push(VerifyError {
            func: Some(self.id),
            block: self.block,
            message: message.into(),
        });
    }

    fn check(&mut self) {
        let func = self.func;
        self.site(func.site);
        self.state();
        let Some(params) = func.blocks.get(func.entry).and_then(|_| entry_params(func)) else {
            return self.say("its entry block or a parameter does not exist");
        };
        if func.closure && params.first() != Some(&Ty::Ref) {
            self.say("is a closure function whose first parameter is no ref");
        }
        // Later rules index by what this one has checked.
        let before = self.errors.len();
        self.structure();
        if self.errors.len() > before {
            return;
        }
        let defs = self.definitions();
        let dominance = Dominance::of(func);
        for (id, block) in &func.blocks {
            self.block = Some(id);
            let reachable = dominance.reachable(id);
            for (index, inst) in block.insts.iter().enumerate() {
                let inst = &func.insts[*inst];
                self.inst(inst, &defs);
                self.uses(
                    &inst.args,
                    (id, index as u32 + 1),
                    &defs,
                    reachable.then_some(&dominance),
                );
            }
            self.uses(&block.end.uses(), (id, u32::MAX), &defs, reachable.then_some(&dominance));
            self.end(block, reachable);
        }
        self.block = None;
    }

    fn site(&mut self, site: u32) {
        if site as usize >= self.module.sites.len().max(1) {
            self.say(format!("site {site} does not exist"));
        }
    }

    fn state(&mut self) {
        let state = &self.func.state;
        let mut spans: Vec<(u32, u64, bool)> = Vec::new();
        for leaf in &state.leaves {
            self.site(leaf.site);
            spans.push((leaf.offset, u64::from(leaf.offset) + 1, true));
            if let crate::module::LeafKind::Line { len: 0 } = leaf.kind {
                self.say(format!("the line at offset {} has no samples", leaf.offset));
            }
        }
        for child in &state.children {
            self.site(child.site);
            match self.module.funcs.get(child.func) {
                Some(f) => spans.push((
                    child.offset,
                    u64::from(child.offset) + u64::from(f.state.words),
                    false,
                )),
                None => self.say(format!("its child {} does not exist", child.func)),
            }
        }
        if !state.leaves.is_sorted_by_key(|l| l.offset)
            || !state.children.is_sorted_by_key(|c| c.offset)
        {
            self.say("its leaves or children are not in ascending order");
        }
        spans.sort_unstable();
        if spans.iter().any(|(_, end, _)| *end > u64::from(state.words)) {
            self.say(format!("a leaf or child ends beyond the {} words of its block", state.words));
        }
        // Children may share a block (activations of a recursive function); leaves share with nothing.
        let (mut any_end, mut leaf_end) = (0, 0);
        for (start, end, leaf) in
            spans.into_iter().filter(|(start, end, _)| *end > u64::from(*start))
        {
            if u64::from(start) < if leaf { any_end } else { leaf_end } {
                self.say(format!("a leaf overlaps what else lies at offset {start}"));
            }
            any_end = any_end.max(end);
            leaf_end = if leaf { leaf_end.max(end) } else { leaf_end };
        }
    }

    /// Everything named exists, is placed once and defined once.
    fn structure(&mut self) {
        let func = self.func;
        let mut placed: SecondaryMap<InstId, bool> = SecondaryMap::new();
        placed.resize(func.insts.len());
        let mut defined: SecondaryMap<ValueId, bool> = of_values(func);
        for (id, block) in &func.blocks {
            self.block = Some(id);
            self.define(&block.params, &mut defined);
            for inst in &block.insts {
                let Some(data) = func.insts.get(*inst) else {
                    self.say(format!("{inst} does not exist"));
                    continue;
                };
                if std::mem::replace(&mut placed[*inst], true) {
                    self.say(format!("{inst} is placed twice"));
                    continue;
                }
                self.define(&data.results, &mut defined);
                for arg in data.args.iter().filter(|v| !func.values.is_valid(**v)) {
                    self.say(format!("{arg} does not exist"));
                }
            }
            for value in block.end.uses().iter().filter(|v| !func.values.is_valid(**v)) {
                self.say(format!("{value} does not exist"));
            }
            for jump in block.end.jumps() {
                if !func.blocks.is_valid(jump.to) {
                    self.say(format!("{} does not exist", jump.to));
                } else if jump.to == func.entry {
                    self.say("jumps to the entry block");
                }
            }
        }
        self.block = None;
    }

    fn define(&mut self, values: &[ValueId], defined: &mut SecondaryMap<ValueId, bool>) {
        for value in values {
            if !self.func.values.is_valid(*value) {
                self.say(format!("{value} does not exist"));
            } else if std::mem::replace(&mut defined[*value], true) {
                self.say(format!("{value} is defined twice"));
            }
        }
    }

    fn definitions(&self) -> SecondaryMap<ValueId, Def> {
        let mut defs: SecondaryMap<ValueId, Def> = of_values(self.func);
        for (id, block) in &self.func.blocks {
            for param in &block.params {
                defs[*param] = Some((id, 0));
            }
            for (index, inst) in block.insts.iter().enumerate() {
                for result in &self.func.insts[*inst].results {
                    defs[*result] = Some((id, index as u32 + 1));
                }
            }
        }
        defs
    }

    fn uses(
        &mut self,
        values: &[ValueId],
        at: (BlockId, u32),
        defs: &SecondaryMap<ValueId, Def>,
        dominance: Option<&Dominance>,
    ) {
        for value in values {
            let Some(def) = defs[*value] else {
                self.say(format!("{value} is used but never defined"));
                continue;
            };
            let Some(dominance) = dominance else { continue };
            let before = if def.0 == at.0 {
                def.1 < at.1
            } else {
                dominance.reachable(def.0) && dominance.dominates(def.0, at.0)
            };
            if !before {
                self.say(format!("{value} is used where its definition need not have run"));
            }
        }
    }

    fn inst(&mut self, inst: &Inst, defs: &SecondaryMap<ValueId, Def>) {
        let types = match types::op_types(self.module, &inst.op) {
            Ok(types) => types,
            Err(message) => return self.say(message),
        };
        let found: Vec<Ty> = inst.args.iter().map(|v| self.func.values[*v]).collect();
        if found != types.args {
            self.say(format!(
                "{:?} takes ({}), given ({})",
                inst.op,
                names(&types.args),
                names(&found)
            ));
            return;
        }
        let found: Vec<Ty> = inst.results.iter().map(|v| self.func.values[*v]).collect();
        if found != types.results {
            self.say(format!(
                "{:?} gives ({}), not ({})",
                inst.op,
                names(&types.results),
                names(&found)
            ));
        }
        self.place(&inst.op);
        if let Some((offset, words)) = self.state_use(&inst.op) {
            self.address(inst.args[0], offset, words, defs);
        }
        if matches!(inst.op, Op::ArrayStore { .. } | Op::ArrayCopy(_)) {
            self.fresh(inst.args[0], defs);
        }
    }

    /// Arrays are stored to where they are made.
    fn fresh(&mut self, array: ValueId, defs: &SecondaryMap<ValueId, Def>) {
        let func = self.func;
        let made = defs[array].is_some_and(|(block, place)| {
            let index = (place as usize).checked_sub(1);
            let inst = index.and_then(|index| func.blocks[block].insts.get(index));
            inst.is_some_and(|inst| matches!(func.insts[*inst].op, Op::NewArray(_)))
        });
        if !made {
            self.say(format!("stores to the array {array}, which it did not make"));
        }
    }

    /// Rules about where an op may stand and whom it may name.
    fn place(&mut self, op: &Op) {
        let module = self.module;
        match op {
            Op::Input(_)
            | Op::Output(_)
            | Op::FirstNow
            | Op::SetNow
            | Op::Limit
            | Op::BudgetReset => {
                if module.kernel != Some(self.id) {
                    self.say(format!("{op:?} stands outside the kernel"));
                }
            }
            Op::Call(func) => {
                if module.kernel == Some(*func) || module.init == Some(*func) {
                    self.say(format!("calls {func}, which only the host may call"));
                }
            }
            Op::FuncAddr(func) => {
                if !module.funcs[*func].closure {
                    self.say(format!("takes the number of {func}, which is no closure function"));
                }
            }
            Op::BudgetEnter(site) | Op::Schedule(site) => self.site(*site),
            Op::LineLoad { len, .. } | Op::LineStore { len, .. } => {
                if *len == 0 {
                    self.say("uses a line without samples");
                }
            }
            Op::Fconst(_)
            | Op::Iconst(_)
            | Op::Rconst(_)
            | Op::Pure(_)
            | Op::Slow(_)
            | Op::Pair(_)
            | Op::Load(..)
            | Op::Store(..) => {}
            Op::LinePos(_)
            | Op::LineSetPos(_)
            | Op::Block { .. }
            | Op::Alloc(_)
            | Op::HeapLoad { .. } => {}
            Op::HeapStore { .. }
            | Op::Retain
            | Op::Release
            | Op::CallClosure(_)
            | Op::SampleRate
            | Op::Now => {}
            Op::NewArray(_)
            | Op::ArrayLen
            | Op::ArrayLoad { .. }
            | Op::ArrayStore { .. }
            | Op::ArrayCopy(_) => {}
            Op::Print { .. } | Op::Tap(_) | Op::SampleLen(_) | Op::SampleRead { .. } => {}
            Op::Cell(_) | Op::BudgetLeave | Op::Faulted => {}
        }
    }

    /// For ops that address state: offset and size in words.
    fn state_use(&self, op: &Op) -> Option<(u32, u32)> {
        match op {
            Op::Load(_, offset)
            | Op::Store(_, offset)
            | Op::LinePos(offset)
            | Op::LineSetPos(offset) => Some((*offset, 1)),
            Op::LineLoad { offset, .. } | Op::LineStore { offset, .. } => Some((*offset, 1)),
            // While global code runs, the block is a fresh one.
            Op::Block { .. } if self.module.init == Some(self.id) => None,
            Op::Block { func, offset } => Some((*offset, self.module.funcs[*func].state.words)),
            Op::Fconst(_)
            | Op::Iconst(_)
            | Op::Rconst(_)
            | Op::Pure(_)
            | Op::Slow(_)
            | Op::Pair(_)
            | Op::FuncAddr(_) => None,
            Op::Alloc(_)
            | Op::HeapLoad { .. }
            | Op::HeapStore { .. }
            | Op::Retain
            | Op::Release => None,
            Op::NewArray(_)
            | Op::ArrayLen
            | Op::ArrayLoad { .. }
            | Op::ArrayStore { .. }
            | Op::ArrayCopy(_) => None,
            Op::Schedule(_)
            | Op::Limit
            | Op::Print { .. }
            | Op::Tap(_)
            | Op::SampleLen(_)
            | Op::SampleRead { .. } => None,
            Op::Call(_)
            | Op::CallClosure(_)
            | Op::SampleRate
            | Op::Now
            | Op::SetNow
            | Op::FirstNow => None,
            Op::Cell(_) | Op::Input(_) | Op::Output(_) => None,
            Op::BudgetReset | Op::BudgetEnter(_) | Op::BudgetLeave | Op::Faulted => None,
        }
    }

    fn address(
        &mut self,
        base: ValueId,
        offset: u32,
        words: u32,
        defs: &SecondaryMap<ValueId, Def>,
    ) {
        let func = self.func;
        let base_param = !func.closure && self.module.kernel != Some(self.id);
        if base_param && func.blocks[func.entry].params.first() == Some(&base) {
            if u64::from(offset) + u64::from(words) > u64::from(func.state.words) {
                self.say(format!(
                    "state at offset {offset} lies beyond its block of {} words",
                    func.state.words
                ));
            }
            return;
        }
        let Some((block, place @ 1..)) = defs[base] else { return };
        let def = &func.insts[func.blocks[block].insts[place as usize - 1]];
        if let Op::Iconst(constant) = def.op {
            let end = constant.checked_add(i64::from(offset) + i64::from(words));
            if constant < 0 || end.is_none_or(|end| end > i64::from(self.module.words)) {
                self.say(format!(
                    "state at word {constant}+{offset} lies beyond the {} words",
                    self.module.words
                ));
            }
        }
    }

    fn end(&mut self, block: &Block, reachable: bool) {
        match &block.end {
            Term::Jump(jump) => self.jump(jump),
            Term::Branch { cond, then, other } => {
                if self.func.values[*cond] != Ty::I64 {
                    self.say(format!("branches on {cond}, which is no i64"));
                }
                self.jump(then);
                self.jump(other);
            }
            Term::Return(values) => {
                let found: Vec<Ty> = values.iter().map(|v| self.func.values[*v]).collect();
                if found != self.func.rets {
                    self.say(format!(
                        "returns ({}), not ({})",
                        names(&found),
                        names(&self.func.rets)
                    ));
                }
            }
            Term::Open => {
                if reachable {
                    self.say("can be reached and has no end");
                }
            }
        }
    }

    fn jump(&mut self, jump: &Jump) {
        let types =
            |values: &[ValueId]| values.iter().map(|v| self.func.values[*v]).collect::<Vec<Ty>>();
        let (given, wanted) = (types(&jump.args), types(&self.func.blocks[jump.to].params));
        if given != wanted {
            self.say(format!(
                "jumps to {} with ({}), which takes ({})",
                jump.to,
                names(&given),
                names(&wanted)
            ));
        }
    }
}

#[cfg(test)]
mod tests;
