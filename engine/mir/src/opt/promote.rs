//! Keeps state in registers over the frame loop of the kernel.
//!
//! A state word at a constant address that no remaining call may touch becomes a loop-carried
//! value, loaded before the loop and stored after it. Only so many fit the machine's registers;
//! the rest stay in memory, which costs no more than a spill. The write position of a delay line
//! that advances once a frame becomes its start plus the frame's number.

use crate::build::Builder;
use crate::module::{BlockId, FuncId, Function, InstId, Module, Term, ValueId};
use crate::op::{Op, Pure, Ty};
use crate::opt::cfg::Cfg;
use crate::opt::rewrite::definitions;
use crate::opt::ssa::{self, Access, Place};
use cranelift_entity::SecondaryMap;
use rustc_hash::FxHashMap;

/// Most words carried in registers.
const MOST_WORDS: usize = 12;

/// Runs on the kernel.
pub fn run(module: &mut Module) {
    run_with(module, MOST_WORDS);
}

/// [`run`] with another number of words: for a backend with as many registers as it likes.
pub fn run_with(module: &mut Module, most_words: usize) {
    let Some(kernel) = module.kernel else { return };
    let touched = Touched::of(module, kernel);
    let func = &mut module.funcs[kernel];
    if touched.everything {
        return;
    }
    advance_lines(func, &touched);
    promote_words(func, &touched, most_words);
}

/// State that calls left in the kernel may touch.
struct Touched {
    everything: bool,
    ranges: Vec<(i64, i64)>,
}

impl Touched {
    fn of(module: &Module, kernel: FuncId) -> Self {
        let func = &module.funcs[kernel];
        let defs = definitions(func);
        let unknown = calls_unknown(module);
        let mut touched = Self { everything: false, ranges: Vec::new() };
        for block in Cfg::new(func).order {
            for inst in &func.blocks[block].insts {
                let data = &func.insts[*inst];
                match data.op {
                    Op::Call(callee) => {
                        let base = data.args.first().and_then(|a| integer(func, &defs, *a));
                        match base {
                            Some(base) if !module.funcs[callee].closure && !unknown[callee] => {
                                let words = i64::from(module.funcs[callee].state.words);
                                touched.ranges.push((base, base + words));
                            }
                            Some(_) | None => touched.everything = true,
                        }
                    }
                    Op::CallClosure(_) => touched.everything = true,
                    _ => {}
                }
            }
        }
        if !touched.ranges.is_empty() {
            touched.ranges.push((0, i64::from(module.dsp_base)));
        }
        touched.ranges = merge(touched.ranges);
        touched
    }

    fn contains(&self, address: i64) -> bool {
        let next = self.ranges.partition_point(|(from, _)| *from <= address);
        self.ranges[..next].last().is_some_and(|(_, to)| address < *to)
    }
}

/// The same ranges by ascending start, none touching another.
fn merge(mut ranges: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    ranges.sort_unstable();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (from, to) in ranges {
        match merged.last_mut() {
            Some((_, end)) if from <= *end => *end = to.max(*end),
            Some(_) | None => merged.push((from, to)),
        }
    }
    merged
}

/// Functions that are closures or call unknown ones, and those that reach such a function.
fn calls_unknown(module: &Module) -> SecondaryMap<FuncId, bool> {
    let mut callers: SecondaryMap<FuncId, Vec<FuncId>> = SecondaryMap::new();
    let mut unknown: SecondaryMap<FuncId, bool> = SecondaryMap::new();
    let mut work = Vec::new();
    for (id, func) in &module.funcs {
        let mut found = func.closure;
        for inst in func.insts.values() {
            found |= matches!(inst.op, Op::CallClosure(_));
        }
        for inst in func.blocks.values().flat_map(|block| &block.insts) {
            if let Op::Call(to) | Op::FuncAddr(to) = func.insts[*inst].op {
                callers[to].push(id);
            }
        }
        if found {
            work.push(id);
        }
    }
    while let Some(func) = work.pop() {
        if !std::mem::replace(&mut unknown[func], true) {
            work.append(&mut callers[func]);
        }
    }
    unknown
}

fn integer(
    func: &Function,
    defs: &SecondaryMap<ValueId, Option<InstId>>,
    value: ValueId,
) -> Option<i64> {
    match func.insts[defs[value]?].op {
        Op::Iconst(x) => Some(x),
        _ => None,
    }
}

/// The constant word address an instruction accesses, with the kind of access.
fn address(
    func: &Function,
    defs: &SecondaryMap<ValueId, Option<InstId>>,
    inst: InstId,
) -> Option<i64> {
    let data = &func.insts[inst];
    match data.op {
        Op::Load(_, offset)
        | Op::Store(_, offset)
        | Op::LinePos(offset)
        | Op::LineSetPos(offset) => Some(integer(func, defs, data.args[0])? + i64::from(offset)),
        _ => None,
    }
}

fn promote_words(func: &mut Function, touched: &Touched, most_words: usize) {
    let defs = definitions(func);
    let found = promotable(func, &defs, touched, most_words);
    if found.is_empty() {
        return;
    }
    let mut places = Vec::new();
    let mut index: FxHashMap<i64, usize> = FxHashMap::default();
    let entry = func.entry;
    let mut made: Vec<InstId> = Vec::new();
    for (at, ty) in &found {
        let mut b = Builder { func, block: entry };
        let base = b.iconst(*at);
        let inst = b.inst(Op::Load(*ty, 0), &[base], &[*ty]);
        made.push(inst);
        index.insert(*at, places.len());
        places.push(Place { ty: *ty, initial: func.insts[inst].results[0] });
    }
    let access = |func: &Function, inst: InstId| -> Option<Access> {
        if made.contains(&inst) {
            return None;
        }
        let place = *index.get(&address(func, &defs, inst)?)?;
        match func.insts[inst].op {
            Op::Load(..) => Some(Access::Read(place)),
            Op::Store(..) => Some(Access::Write(place, func.insts[inst].args[1])),
            _ => None,
        }
    };
    let returns = ssa::promote(func, &places, access);
    for (block, values) in returns {
        for ((at, ty), value) in found.iter().zip(&values) {
            let mut b = Builder { func, block };
            let base = b.iconst(*at);
            b.effect(Op::Store(*ty, 0), &[base, *value]);
        }
    }
}

/// Words stored to in the loop, with one type each, the most worthwhile first.
fn promotable(
    func: &Function,
    defs: &SecondaryMap<ValueId, Option<InstId>>,
    touched: &Touched,
    most_words: usize,
) -> Vec<(i64, Ty)> {
    let mut words: Vec<(i64, Ty, bool, bool)> = Vec::new();
    let mut index: FxHashMap<i64, usize> = FxHashMap::default();
    for inst in func.blocks.values().flat_map(|b| &b.insts) {
        let (ty, stores) = match func.insts[*inst].op {
            Op::Load(ty, _) => (ty, false),
            Op::Store(ty, _) => (ty, true),
            _ => continue,
        };
        let Some(at) = address(func, defs, *inst) else { continue };
        match index.get(&at).map(|word| &mut words[*word]) {
            Some(word) => {
                word.2 |= stores;
                word.3 &= word.1 == ty;
            }
            None => {
                index.insert(at, words.len());
                words.push((at, ty, stores, true));
            }
        }
    }
    words.retain(|(at, ty, stores, same)| {
        *stores && *same && *ty != Ty::Ref && !touched.contains(*at)
    });
    words.truncate(most_words);
    words.into_iter().map(|(at, ty, ..)| (at, ty)).collect()
}

/// Lines that advance once a frame count by the frame's number instead of a word each.
fn advance_lines(func: &mut Function, touched: &Touched) {
    let cfg = Cfg::new(func);
    let Some((header, body)) = cfg.loops().into_iter().next() else { return };
    let Some(latch) = cfg.preds[header].iter().copied().find(|p| cfg.dominates(header, *p)) else {
        return;
    };
    let defs = definitions(func);
    let Some(frame) = frame_number(func, &defs, header, latch) else { return };
    let mut lines: FxHashMap<i64, Vec<(BlockId, InstId)>> = FxHashMap::default();
    for block in &body {
        for inst in &func.blocks[*block].insts {
            if matches!(func.insts[*inst].op, Op::LinePos(_) | Op::LineSetPos(_))
                && let Some(at) = address(func, &defs, *inst)
            {
                lines.entry(at).or_default().push((*block, *inst));
            }
        }
    }
    let mut lines: Vec<_> = lines.into_iter().collect();
    lines.sort_by_key(|(at, _)| *at);
    for (at, accesses) in lines {
        let [(read_block, read), (write_block, write)] = accesses.as_slice() else { continue };
        let once = cfg.dominates(*read_block, latch) && cfg.dominates(*write_block, latch);
        if !once || touched.contains(at) || !steps_by_one(func, &defs, *read, *write) {
            continue;
        }
        advance_line(func, at, frame, (*read_block, *read), (*write_block, *write));
    }
}

/// The header's parameter that counts frames: starts at 0, one more each time round.
fn frame_number(
    func: &Function,
    defs: &SecondaryMap<ValueId, Option<InstId>>,
    header: BlockId,
    latch: BlockId,
) -> Option<ValueId> {
    let jump = func.blocks[latch].end.jumps().find(|j| j.to == header)?;
    func.blocks[header].params.iter().zip(&jump.args).find_map(|(param, next)| {
        let inst = &func.insts[defs[*next]?];
        let one = inst.args.get(1).and_then(|a| integer(func, defs, *a)) == Some(1);
        (inst.op == Op::Pure(Pure::Iadd) && inst.args[0] == *param && one).then_some(*param)
    })
}

fn steps_by_one(
    func: &Function,
    defs: &SecondaryMap<ValueId, Option<InstId>>,
    read: InstId,
    write: InstId,
) -> bool {
    if !matches!(func.insts[read].op, Op::LinePos(_))
        || !matches!(func.insts[write].op, Op::LineSetPos(_))
    {
        return false;
    }
    let Some(next) = defs[func.insts[write].args[1]] else { return false };
    let next = &func.insts[next];
    next.op == Op::Pure(Pure::Iadd)
        && next.args[0] == func.insts[read].results[0]
        && integer(func, defs, next.args[1]) == Some(1)
}

fn advance_line(
    func: &mut Function,
    at: i64,
    frame: ValueId,
    read: (BlockId, InstId),
    write: (BlockId, InstId),
) {
    let entry = func.entry;
    let mut b = Builder { func, block: entry };
    let base = b.iconst(at);
    let start = b.value(Op::LinePos(0), &[base], Ty::I64);
    func.insts[read.1].op = Op::Pure(Pure::Iadd);
    func.insts[read.1].args = [start, frame].into_iter().collect();
    func.blocks[write.0].insts.retain(|i| *i != write.1);
    let exits: Vec<_> = func
        .blocks
        .iter()
        .filter_map(|(block, data)| match &data.end {
            Term::Return(values) => values.first().map(|v| (block, *v)),
            _ => None,
        })
        .collect();
    for (block, rendered) in exits {
        let mut b = Builder { func, block };
        let base = b.iconst(at);
        let next = b.pure(Pure::Iadd, &[start, rendered]);
        b.effect(Op::LineSetPos(0), &[base, next]);
    }
}
