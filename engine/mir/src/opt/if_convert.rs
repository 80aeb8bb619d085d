//! Turns a branch whose arms only compute a few cheap values into selects.
//!
//! The arms must be free of effects and cheap: both are computed from now on. What a branch may
//! skip for its cost (elementary functions, divisions, line reads) stays a branch.

use crate::module::{BlockId, Function, Module, Term, ValueId};
use crate::op::{Effect, Op, Pure, Ty};
use crate::opt::cfg::Cfg;
use crate::opt::inline::cost;
use crate::opt::rewrite::Aliases;
use smallvec::SmallVec;

/// Most instructions computed in vain by one converted branch.
const ARM_BUDGET: u32 = 10;

/// Runs on every function.
pub fn run(module: &mut Module) {
    for func in module.funcs.values_mut() {
        convert(func);
    }
}

/// Runs on one function until nothing changes. A round converts all branches without branches in
/// their arms, so that there are as many rounds as branches are nested.
pub fn convert(func: &mut Function) {
    loop {
        let cfg = Cfg::new(func);
        let mut changed = false;
        let mut aliases = Aliases::default();
        for block in cfg.order.iter().rev() {
            // What `cfg` says of predecessors stays true or too large while branches go.
            if let Some((join, arms)) = candidate(func, &cfg, *block) {
                apply(func, &mut aliases, *block, join, arms);
                changed = true;
            }
        }
        if !changed {
            return;
        }
        aliases.apply(func);
        super::copy_prop::propagate(func);
    }
}

/// For each side: the arm block, or none when the branch jumps to the join directly.
type Arms = [Option<BlockId>; 2];

fn candidate(func: &Function, cfg: &Cfg, block: BlockId) -> Option<(BlockId, Arms)> {
    let Term::Branch { then, other, .. } = &func.blocks[block].end else { return None };
    let arm = |to: BlockId| -> Option<BlockId> {
        let Term::Jump(jump) = &func.blocks[to].end else { return None };
        (cfg.preds[to].len() == 1 && cheap(func, to)).then_some(jump.to)
    };
    let (join, arms) = match (arm(then.to), arm(other.to)) {
        (Some(a), Some(b)) if a == b => (a, [Some(then.to), Some(other.to)]),
        (Some(a), _) if a == other.to => (a, [Some(then.to), None]),
        (_, Some(b)) if b == then.to => (b, [None, Some(other.to)]),
        (None | Some(_), None | Some(_)) => {
            return (then.to == other.to && selectable(func, then.to))
                .then_some((then.to, [None, None]));
        }
    };
    let forward = cfg.rank[join] > cfg.rank[block];
    (forward && join != block && selectable(func, join)).then_some((join, arms))
}

fn selectable(func: &Function, join: BlockId) -> bool {
    func.blocks[join].params.iter().all(|p| func.values[*p] != Ty::Ref)
}

fn cheap(func: &Function, arm: BlockId) -> bool {
    let mut total = 0;
    for inst in &func.blocks[arm].insts {
        let op = &func.insts[*inst].op;
        let heavy = matches!(
            op,
            Op::Pure(Pure::Div | Pure::Sqrt | Pure::Rem) | Op::Slow(_) | Op::LineLoad { .. }
        );
        let readable = matches!(op, Op::Load(..) | Op::LinePos(_));
        if heavy || (op.effect() != Effect::Pure && !readable) {
            return false;
        }
        total += cost(op);
    }
    total <= ARM_BUDGET
}

fn apply(func: &mut Function, aliases: &mut Aliases, block: BlockId, join: BlockId, arms: Arms) {
    let Term::Branch { cond, then, other } = func.blocks[block].end.clone() else { return };
    let mut sides: Vec<SmallVec<[ValueId; 4]>> = Vec::new();
    for (jump, arm) in [then, other].into_iter().zip(arms) {
        sides.push(side(func, aliases, block, jump, arm));
    }
    let mut args: SmallVec<[ValueId; 4]> = SmallVec::new();
    for (a, b) in sides[0].iter().zip(&sides[1]) {
        let (a, b) = (aliases.get(*a), aliases.get(*b));
        args.push(if a == b { a } else { select(func, block, cond, a, b) });
    }
    func.blocks[block].end = Term::Jump(crate::module::Jump { to: join, args });
}

/// Moves an arm's instructions to the branching block; gives the values it passes to the join. What
/// stands for the arm's parameters is added to `aliases`, to be applied by the caller.
fn side(
    func: &mut Function,
    aliases: &mut Aliases,
    block: BlockId,
    jump: crate::module::Jump,
    arm: Option<BlockId>,
) -> SmallVec<[ValueId; 4]> {
    let Some(arm) = arm else { return jump.args };
    let params = std::mem::take(&mut func.blocks[arm].params);
    for (param, arg) in params.iter().zip(&jump.args) {
        aliases.set(*param, *arg);
    }
    let insts = std::mem::take(&mut func.blocks[arm].insts);
    func.blocks[block].insts.extend(insts);
    match &func.blocks[arm].end {
        Term::Jump(to) => to.args.clone(),
        Term::Branch { .. } | Term::Return(_) | Term::Open => SmallVec::new(),
    }
}

fn select(func: &mut Function, block: BlockId, cond: ValueId, a: ValueId, b: ValueId) -> ValueId {
    let op = match func.values[a] {
        Ty::F64 => Pure::Select,
        Ty::I64 | Ty::Ref => Pure::Iselect,
    };
    crate::build::Builder { func, block }.pure(op, &[cond, a, b])
}
