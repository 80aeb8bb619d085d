//! Wraps `dsp` in its frame loop: from sample form to kernel form.
//!
//! ```text
//! fn kernel(frames) { for i in 0..frames { outputs[i] = dsp(inputs[i]); if faulted { return i } } return frames }
//! ```
//!
//! Where `dsp` can schedule tasks, the loop also ends before the time of the first one.

use crate::build::Builder;
use crate::module::{FuncId, Function, Module};
use crate::op::{Op, Pure, Ty};
use crate::opt::inline::reachable;

/// Makes `module.kernel` out of `module.dsp`.
pub fn run(module: &mut Module) {
    let Some(dsp) = module.dsp else { return };
    if module.kernel.is_some() {
        return;
    }
    let needs = Needs::of(module, dsp);
    let mut func = Function::new("kernel", vec![Ty::I64]);
    let mut b = Builder::new(&mut func);
    let entry = b.block;
    let frames = b.param(entry, Ty::I64);
    let (header, body, next, exit) = (b.new_block(), b.new_block(), b.new_block(), b.new_block());
    let index = b.param(header, Ty::I64);
    let rendered = b.param(exit, Ty::I64);
    let zero = b.iconst(0);
    let base = b.iconst(i64::from(module.dsp_base));
    b.jump(header, &[zero]);

    b.switch_to(header);
    let more = b.pure(Pure::Ilt, &[index, frames]);
    b.branch(more, (body, &[]), (exit, &[index]));

    b.switch_to(body);
    if needs.budget {
        b.effect(Op::BudgetReset, &[]);
    }
    if needs.now {
        let first = b.value(Op::FirstNow, &[], Ty::I64);
        let time = b.pure(Pure::Iadd, &[first, index]);
        b.effect(Op::SetNow, &[time]);
    }
    let mut args = vec![base];
    for channel in 0..module.inputs {
        args.push(b.value(Op::Input(channel), &[index], Ty::F64));
    }
    let rets = module.funcs[dsp].rets.clone();
    let results = b.call(dsp, &args, &rets);
    if needs.fault {
        let faulted = b.value(Op::Faulted, &[], Ty::I64);
        b.branch(faulted, (exit, &[index]), (next, &[]));
    } else {
        b.jump(next, &[]);
    }

    b.switch_to(next);
    for (channel, value) in (0..module.outputs).zip(&results) {
        b.effect(Op::Output(channel), &[index, *value]);
    }
    let one = b.iconst(1);
    let following = b.pure(Pure::Iadd, &[index, one]);
    if needs.limit {
        let first = b.value(Op::FirstNow, &[], Ty::I64);
        let time = b.pure(Pure::Iadd, &[first, following]);
        let limit = b.value(Op::Limit, &[], Ty::I64);
        let due = b.pure(Pure::Ile, &[limit, time]);
        b.branch(due, (exit, &[following]), (header, &[following]));
    } else {
        b.jump(header, &[following]);
    }

    b.switch_to(exit);
    b.ret(&[rendered]);
    module.kernel = Some(module.funcs.push(func));
}

/// What the code under `dsp` needs of its loop.
struct Needs {
    budget: bool,
    now: bool,
    fault: bool,
    limit: bool,
}

impl Needs {
    fn of(module: &Module, dsp: FuncId) -> Self {
        let mut needs = Self { budget: false, now: false, fault: false, limit: false };
        for func in reachable(module, dsp) {
            for inst in module.funcs[func].insts.values() {
                needs.budget |= matches!(inst.op, Op::BudgetEnter(_));
                needs.now |= matches!(inst.op, Op::Now | Op::Schedule(_));
                needs.fault |= matches!(inst.op, Op::BudgetEnter(_)) || inst.op.stops();
                needs.limit |= matches!(inst.op, Op::Schedule(_));
            }
        }
        needs
    }
}

/// After inlining: the kernel computes its own time, and announces it only to those who still ask.
pub fn finish(module: &mut Module) {
    let Some(kernel) = module.kernel else { return };
    let asked = reachable(module, kernel).iter().any(|f| {
        let func = &module.funcs[*f];
        let mut placed = func.blocks.values().flat_map(|b| &b.insts).map(|i| &func.insts[*i].op);
        // The scheduler asks for the time itself.
        placed.any(|op| matches!(op, Op::Schedule(_)) || (*f != kernel && matches!(op, Op::Now)))
    });
    let func = &mut module.funcs[kernel];
    let time = func.blocks.values().flat_map(|b| &b.insts).find_map(|inst| {
        let data = &func.insts[*inst];
        matches!(data.op, Op::SetNow).then(|| data.args[0])
    });
    let Some(time) = time else { return };
    for block in func.blocks.keys().collect::<Vec<_>>() {
        let insts = std::mem::take(&mut func.blocks[block].insts);
        for inst in insts {
            if matches!(func.insts[inst].op, Op::SetNow) && !asked {
                continue;
            }
            if matches!(func.insts[inst].op, Op::Now) {
                func.insts[inst].op = Op::Pure(Pure::Itof);
                func.insts[inst].args = [time].into_iter().collect();
            }
            func.blocks[block].insts.push(inst);
        }
    }
}
