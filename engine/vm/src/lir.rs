//! Machine code before registers: ops of the machine over numbered values, in blocks.
//!
//! Made by `select`, read by `regs` and `emit`. A value number with [`CONST`] set is a constant of the
//! function; the others are MIR values and temporaries.

use crate::code::{List, Opcode, Role};
use smallvec::SmallVec;

/// A value of a function: a MIR value, a temporary, or with [`CONST`] set a constant.
pub(crate) type Reg = u32;

/// Set in the number of a constant.
pub(crate) const CONST: Reg = 1 << 31;

/// A block of the function, by its label.
pub(crate) type Label = u32;

/// An operand, as the roles of the op say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    /// A value read or written.
    Reg(Reg),
    /// A 16-bit number.
    Imm(u16),
    /// A 32-bit number.
    Wide(u32),
    /// Nothing.
    Unused,
}

/// One op, or copies that all happen at once.
#[derive(Clone, Debug)]
pub(crate) enum Inst {
    /// An op of the machine.
    Op(MachineOp),
    /// Parallel copies: (written, read).
    Copies(Vec<(Reg, Reg)>),
}

/// One op with its operands and list.
#[derive(Clone, Debug)]
pub(crate) struct MachineOp {
    /// What to do.
    pub(crate) op: Opcode,
    /// One entry a role; a 32-bit number counts as one.
    pub(crate) slots: SmallVec<[Slot; 7]>,
    /// Entries of the list after the op.
    pub(crate) list: Vec<Reg>,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// Goes on elsewhere.
    Jump(Label),
    /// Goes to the first label where the test holds, else to the second.
    Branch(Test, Label, Label),
    /// Leaves the function.
    Return(Vec<Reg>),
}

/// A condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Test {
    /// The comparison.
    pub(crate) kind: TestKind,
    /// Left operand.
    pub(crate) a: Reg,
    /// Right operand; the left one again where there is none.
    pub(crate) b: Reg,
}

/// Comparisons that selects and jumps do themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestKind {
    /// Not 0.
    If,
    /// 0.
    IfNot,
    /// Floats, less.
    Flt,
    /// Floats, less or equal.
    Fle,
    /// Floats, equal.
    Feq,
    /// Floats, not equal.
    Fne,
    /// Floats, not less.
    NotFlt,
    /// Floats, not less or equal.
    NotFle,
    /// Integers, less.
    Ilt,
    /// Integers, less or equal.
    Ile,
    /// Integers, equal.
    Ieq,
    /// Integers, not equal.
    Ine,
}

/// A block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// What others call it.
    pub(crate) label: Label,
    /// Ops in order.
    pub(crate) insts: Vec<Inst>,
    /// The end.
    pub(crate) end: End,
}

/// A function.
#[derive(Clone, Debug)]
pub(crate) struct Func {
    /// Blocks in the order of the code; the first is the entry.
    pub(crate) blocks: Vec<Block>,
    /// Values of the parameters.
    pub(crate) params: Vec<Reg>,
    /// Constants, by bits.
    pub(crate) consts: Vec<u64>,
    /// Values and temporaries are below this number.
    pub(crate) values: u32,
    /// One more than the highest label.
    pub(crate) labels: u32,
}

impl Test {
    /// The test that holds where this one does not.
    pub(crate) fn negated(self) -> Self {
        let (kind, a, b) = match self.kind {
            TestKind::If => (TestKind::IfNot, self.a, self.b),
            TestKind::IfNot => (TestKind::If, self.a, self.b),
            TestKind::Flt => (TestKind::NotFlt, self.a, self.b),
            TestKind::Fle => (TestKind::NotFle, self.a, self.b),
            TestKind::NotFlt => (TestKind::Flt, self.a, self.b),
            TestKind::NotFle => (TestKind::Fle, self.a, self.b),
            TestKind::Feq => (TestKind::Fne, self.a, self.b),
            TestKind::Fne => (TestKind::Feq, self.a, self.b),
            TestKind::Ilt => (TestKind::Ile, self.b, self.a),
            TestKind::Ile => (TestKind::Ilt, self.b, self.a),
            TestKind::Ieq => (TestKind::Ine, self.a, self.b),
            TestKind::Ine => (TestKind::Ieq, self.a, self.b),
        };
        Self { kind, a, b }
    }

    /// The jump taken where the test holds.
    pub(crate) fn jump(self) -> Opcode {
        match self.kind {
            TestKind::If => Opcode::JumpIf,
            TestKind::IfNot => Opcode::JumpIfNot,
            TestKind::Flt => Opcode::JumpFlt,
            TestKind::Fle => Opcode::JumpFle,
            TestKind::Feq => Opcode::JumpFeq,
            TestKind::Fne => Opcode::JumpFne,
            TestKind::NotFlt => Opcode::JumpNotFlt,
            TestKind::NotFle => Opcode::JumpNotFle,
            TestKind::Ilt => Opcode::JumpIlt,
            TestKind::Ile => Opcode::JumpIle,
            TestKind::Ieq => Opcode::JumpIeq,
            TestKind::Ine => Opcode::JumpIne,
        }
    }
}

impl MachineOp {
    /// An op without a list.
    pub(crate) fn new(op: Opcode, slots: impl IntoIterator<Item = Slot>) -> Self {
        Self { op, slots: slots.into_iter().collect(), list: Vec::new() }
    }

    /// Calls `visit` with every value written.
    pub(crate) fn defs(&self, mut visit: impl FnMut(Reg)) {
        self.operands(Role::Dst, &mut visit);
        if self.op.list() == List::Call {
            self.list[self.args()..].iter().copied().for_each(visit);
        }
    }

    /// Calls `visit` with every value read.
    pub(crate) fn uses(&self, mut visit: impl FnMut(Reg)) {
        self.operands(Role::Src, &mut visit);
        let read = if self.op.list() == List::Call { self.args() } else { self.list.len() };
        self.list[..read].iter().copied().for_each(visit);
    }

    fn operands(&self, role: Role, visit: &mut impl FnMut(Reg)) {
        let roles = self.op.roles().filter(|role| *role != Role::High);
        for (slot, found) in self.slots.iter().zip(roles) {
            if let Slot::Reg(reg) = slot
                && found == role
            {
                visit(*reg);
            }
        }
    }

    /// Values at the front of a call's list that are read.
    fn args(&self) -> usize {
        match self.slots.get(1) {
            Some(Slot::Imm(count)) => usize::from(*count),
            Some(Slot::Reg(_) | Slot::Wide(_) | Slot::Unused) | None => 0,
        }
    }
}

impl End {
    /// Labels it goes to.
    pub(crate) fn labels(&self) -> impl Iterator<Item = Label> {
        let (a, b) = match self {
            Self::Jump(to) => (Some(*to), None),
            Self::Branch(_, then, other) => (Some(*then), Some(*other)),
            Self::Return(_) => (None, None),
        };
        a.into_iter().chain(b)
    }

    /// Calls `visit` with every value read.
    pub(crate) fn uses(&self, mut visit: impl FnMut(Reg)) {
        match self {
            Self::Jump(_) => {}
            Self::Branch(test, ..) => {
                visit(test.a);
                visit(test.b);
            }
            Self::Return(values) => values.iter().copied().for_each(visit),
        }
    }
}
