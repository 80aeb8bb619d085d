//! Bytecode: what the emitter makes, the verifier checks and the interpreter runs.
//!
//! An op is 8 bytes: its number and three operands of 16 bits. Ops with more operands take a second
//! word, calls and moves a list after it. [`Opcode`] is one table of name and operand roles;
//! encoding, verification and disassembly follow from the roles. Functions that are not worth an
//! opcode are named in [`Bytecode::ext`] and called by their place in it, so that bytecode outlives a
//! reordering of the table of pure ops. Holds data only; nothing here runs.

use serde::{Deserialize, Serialize};

/// Changes whenever the meaning of stored bytecode does.
pub const VERSION: u32 = 2;

/// One 8-byte word of code: an op, the second word of one, or four entries of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[repr(C, align(8))]
pub struct Instr {
    /// Number of the [`Opcode`].
    pub code: u16,
    /// First operand.
    pub a: u16,
    /// Second operand.
    pub b: u16,
    /// Third operand.
    pub c: u16,
}

impl Instr {
    /// The four halfwords in order.
    pub fn parts(self) -> [u16; 4] {
        [self.code, self.a, self.b, self.c]
    }

    /// The word with these halfwords.
    pub fn from_parts(parts: [u16; 4]) -> Self {
        let [code, a, b, c] = parts;
        Self { code, a, b, c }
    }
}

/// A compiled program, without what its instances own. Stored and loaded by serde.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bytecode {
    /// [`VERSION`] of the emitter that made it.
    pub version: u32,
    /// Code of all functions.
    pub ops: Vec<Instr>,
    /// Constants, by bits.
    pub consts: Vec<u64>,
    /// Functions by their number in the module; empty entries for those that cannot run.
    pub funcs: Vec<FuncCode>,
    /// The function that renders a block, if there is one.
    pub kernel: Option<u32>,
    /// Names of the functions that extension ops call: pure ops and slow functions of MIR.
    pub ext: Vec<String>,
}

/// Where one function lies and what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FuncCode {
    /// Its name in the program.
    pub name: String,
    /// Index of its first op.
    pub entry: u32,
    /// Words of code; 0 for a function that is not compiled.
    pub len: u32,
    /// Registers of a frame.
    pub frame: u32,
    /// Parameters, in the first registers.
    pub params: u16,
    /// Results.
    pub rets: u16,
    /// Whether it may be called through a closure.
    pub closure: bool,
    /// Site that its faults name.
    pub site: u32,
}

/// What an operand halfword means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A register written.
    Dst,
    /// A register read.
    Src,
    /// A small number.
    Imm,
    /// The low half of a 32-bit number; [`Role::High`] follows.
    Wide,
    /// The low half of a jump target, an index into the ops; [`Role::High`] follows.
    Target,
    /// The high half of the number before.
    High,
    /// Place in [`Bytecode::ext`].
    Ext,
    /// Not used, 0.
    Unused,
}

/// The list after an op, in words of four halfwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// None.
    None,
    /// `b` registers read, then `c` registers written.
    Call,
    /// `a` registers read.
    Return,
    /// `c` registers read.
    Fields,
    /// `a` pairs of a register written and a register read, done in order.
    Moves,
}

macro_rules! opcodes {
    ($( $(#[$doc:meta])* $name:ident $text:literal $roles:literal; )*) => {
        /// The operations of the machine. Roles: d register written, s register read, i small number,
        /// W 32-bit number, T jump target, x extension, _ unused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u16)]
        #[expect(missing_docs, reason = "fused ops are described by their names")]
        pub enum Opcode { $( $(#[$doc])* $name, )* }

        impl Opcode {
            /// Every op, in the order of the numbers.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name),*];

            /// The name in a disassembly.
            pub fn name(self) -> &'static str { match self { $(Opcode::$name => $text,)* } }

            /// The operands' roles as letters.
            fn letters(self) -> &'static str { match self { $(Opcode::$name => $roles,)* } }
        }
    };
}

opcodes! {
    /// Copies a register.
    Mov "mov" "ds";
    /// Two copies, one after the other.
    Mov2 "mov2" "dsds";
    /// Three copies, one after the other.
    Mov3 "mov3" "dsdsds";
    /// Copies by a list.
    Moves "moves" "i";
    /// `b` constants from number W into registers from `a`.
    Consts "consts" "di_W";
    /// Goes on at T.
    Jump "jump" "_T";
    /// Jumps if not 0.
    JumpIf "jump_if" "sT";
    /// Jumps if 0.
    JumpIfNot "jump_if_not" "sT";
    JumpFlt "jump_flt" "ss_T";
    JumpFle "jump_fle" "ss_T";
    JumpFeq "jump_feq" "ss_T";
    JumpFne "jump_fne" "ss_T";
    /// Jumps if `a < b` is false, as with NaN.
    JumpNotFlt "jump_not_flt" "ss_T";
    /// Jumps if `a <= b` is false, as with NaN.
    JumpNotFle "jump_not_fle" "ss_T";
    JumpIlt "jump_ilt" "ss_T";
    JumpIle "jump_ile" "ss_T";
    JumpIeq "jump_ieq" "ss_T";
    JumpIne "jump_ine" "ss_T";
    /// Leaves the function with a list of results.
    Return "return" "i";
    /// Calls function `a` with a list.
    Call "call" "iii";
    /// Calls the closure in register `a` with a list; zeros if it is null.
    CallClosure "call_closure" "sii";

    Add "add" "dss";
    Sub "sub" "dss";
    Mul "mul" "dss";
    Div "div" "dss";
    Rem "rem" "dss";
    Min "min" "dss";
    Max "max" "dss";
    Pow "pow" "dss";
    Neg "neg" "ds";
    Abs "abs" "ds";
    Sqrt "sqrt" "ds";
    Floor "floor" "ds";
    Trunc "trunc" "ds";
    Sin "sin" "ds";
    Cos "cos" "ds";
    Tan "tan" "ds";
    Tanh "tanh" "ds";
    Log "log" "ds";
    Flt "flt" "dss";
    Fle "fle" "dss";
    Feq "feq" "dss";
    Fne "fne" "dss";
    Iadd "iadd" "dss";
    Isub "isub" "dss";
    Imul "imul" "dss";
    Iand "iand" "dss";
    Ior "ior" "dss";
    Ixor "ixor" "dss";
    Ishl "ishl" "dss";
    Ushr "ushr" "dss";
    Sshr "sshr" "dss";
    Ieq "ieq" "dss";
    Ine "ine" "dss";
    Ilt "ilt" "dss";
    Ile "ile" "dss";
    Ftoi "ftoi" "ds";
    Itof "itof" "ds";
    /// `b` plus a small number.
    IaddImm "iadd_imm" "dsi";
    Select "select" "dsss";
    SelectFlt "select_flt" "dssss";
    SelectFle "select_fle" "dssss";
    SelectFeq "select_feq" "dssss";
    SelectIlt "select_ilt" "dssss";
    SelectIeq "select_ieq" "dssss";
    /// An extension of one, two or three operands.
    Ext1 "ext1" "dxs";
    Ext2 "ext2" "dxss";
    Ext3 "ext3" "dxsss";

    /// Remainder by 1: a phase.
    Rem1 "rem_1" "ds";
    /// Remainder of a sum by 1: the step of a phasor.
    AddRem1 "add_rem_1" "dss";
    /// Remainder by a power of two: value, inverse of the divisor, divisor.
    RemPow2 "rem_pow2" "dsss";
    /// `(a * b + c) % d` for a power of two: a noise generator. Inverse of the divisor, then divisor.
    MulAddRemPow2 "mul_add_rem_pow2" "dsssss";
    /// Length of a delay in whole samples: truncated, clamped to 0..=W-1, W where that is 0.
    DelayBack "delay_back" "ds_W";

    /// State word at register `b` plus an offset.
    Load "load" "dsi";
    Store "store" "sis";
    LinePos "line_pos" "dsi";
    LineSetPos "line_set_pos" "sis";
    LineLoad "line_load" "dsis";
    LineStore "line_store" "siss";
    /// Sample at the difference of two registers.
    LineLoadSub "line_load_sub" "dsiss";
    /// Sample so many places before the write position.
    LineBack "line_back" "dsis";
    /// Sample at the difference of two registers, then a store at the first: a delay that counts by frames.
    DelayAt "delay_at" "dsisss";
    /// [`Opcode::DelayAt`] at the sum of two registers.
    DelayAtSum "delay_at_sum" "dsissss";
    /// Stores at the write position and moves it on.
    LinePush "line_push" "sis";
    /// [`Opcode::LineBack`], then [`Opcode::LinePush`]: a whole delay.
    Delay "delay" "dsiss";

    /// A new object of shape `b` with a list of fields.
    Alloc "alloc" "dii";
    HeapLoad "heap_load" "dsi";
    HeapStore "heap_store" "sis";
    Retain "retain" "s";
    Release "release" "s";
    /// An array of shape `b` with as many zero elements as register `c` says.
    NewArray "new_array" "dis";
    ArrayLen "array_len" "ds";
    /// Array, index, fields of an element, field.
    ArrayLoad "array_load" "dssii";
    /// Array, index, value, fields of an element, field.
    ArrayStore "array_store" "sssii";
    /// To, index there, from, index there, count.
    ArrayCopy "array_copy" "sssss";
    /// While global code runs: a fresh state block for function number `b`.
    FreshBlock "fresh_block" "di";

    /// Calls closure `b` at time `a`; W is the site.
    Schedule "schedule" "ss_W";
    Limit "limit" "d";
    /// Prints `a`, and a new line if `b` is not 0.
    Print "print" "si";
    /// Shows `b` on probe `a`.
    Tap "tap" "is";
    SampleLen "sample_len" "di";
    /// Sample file `b` at position `c`, channel as MIR numbers it.
    SampleRead "sample_read" "disi";

    Now "now" "d";
    SetNow "set_now" "s";
    FirstNow "first_now" "d";
    Cell "cell" "di";
    Input "input" "dis";
    Output "output" "iss";
    BudgetReset "budget_reset" "_";
    BudgetEnter "budget_enter" "dW";
    BudgetLeave "budget_leave" "_";
    Faulted "faulted" "d";

    AddAdd "add_add" "dsss";
    AddSub "add_sub" "dsss";
    AddRsub "add_rsub" "dsss";
    AddMul "add_mul" "dsss";
    SubAdd "sub_add" "dsss";
    SubSub "sub_sub" "dsss";
    SubRsub "sub_rsub" "dsss";
    SubMul "sub_mul" "dsss";
    MulAdd "mul_add" "dsss";
    MulSub "mul_sub" "dsss";
    MulRsub "mul_rsub" "dsss";
    MulMul "mul_mul" "dsss";
    AddAddAdd "add_add_add" "dssss";
    AddAddSub "add_add_sub" "dssss";
    AddAddRsub "add_add_rsub" "dssss";
    AddAddMul "add_add_mul" "dssss";
    AddSubAdd "add_sub_add" "dssss";
    AddSubSub "add_sub_sub" "dssss";
    AddSubRsub "add_sub_rsub" "dssss";
    AddSubMul "add_sub_mul" "dssss";
    AddRsubAdd "add_rsub_add" "dssss";
    AddRsubSub "add_rsub_sub" "dssss";
    AddRsubRsub "add_rsub_rsub" "dssss";
    AddRsubMul "add_rsub_mul" "dssss";
    AddMulAdd "add_mul_add" "dssss";
    AddMulSub "add_mul_sub" "dssss";
    AddMulRsub "add_mul_rsub" "dssss";
    AddMulMul "add_mul_mul" "dssss";
    SubAddAdd "sub_add_add" "dssss";
    SubAddSub "sub_add_sub" "dssss";
    SubAddRsub "sub_add_rsub" "dssss";
    SubAddMul "sub_add_mul" "dssss";
    SubSubAdd "sub_sub_add" "dssss";
    SubSubSub "sub_sub_sub" "dssss";
    SubSubRsub "sub_sub_rsub" "dssss";
    SubSubMul "sub_sub_mul" "dssss";
    SubRsubAdd "sub_rsub_add" "dssss";
    SubRsubSub "sub_rsub_sub" "dssss";
    SubRsubRsub "sub_rsub_rsub" "dssss";
    SubRsubMul "sub_rsub_mul" "dssss";
    SubMulAdd "sub_mul_add" "dssss";
    SubMulSub "sub_mul_sub" "dssss";
    SubMulRsub "sub_mul_rsub" "dssss";
    SubMulMul "sub_mul_mul" "dssss";
    MulAddAdd "mul_add_add" "dssss";
    MulAddSub "mul_add_sub" "dssss";
    MulAddRsub "mul_add_rsub" "dssss";
    MulAddMul "mul_add_mul" "dssss";
    MulSubAdd "mul_sub_add" "dssss";
    MulSubSub "mul_sub_sub" "dssss";
    MulSubRsub "mul_sub_rsub" "dssss";
    MulSubMul "mul_sub_mul" "dssss";
    MulRsubAdd "mul_rsub_add" "dssss";
    MulRsubSub "mul_rsub_sub" "dssss";
    MulRsubRsub "mul_rsub_rsub" "dssss";
    MulRsubMul "mul_rsub_mul" "dssss";
    MulMulAdd "mul_mul_add" "dssss";
    MulMulSub "mul_mul_sub" "dssss";
    MulMulRsub "mul_mul_rsub" "dssss";
    MulMulMul "mul_mul_mul" "dssss";
    AddOfAddAdd "add_of_add_add" "dssss";
    SubOfAddAdd "sub_of_add_add" "dssss";
    MulOfAddAdd "mul_of_add_add" "dssss";
    AddOfAddSub "add_of_add_sub" "dssss";
    SubOfAddSub "sub_of_add_sub" "dssss";
    MulOfAddSub "mul_of_add_sub" "dssss";
    AddOfAddMul "add_of_add_mul" "dssss";
    SubOfAddMul "sub_of_add_mul" "dssss";
    MulOfAddMul "mul_of_add_mul" "dssss";
    AddOfSubAdd "add_of_sub_add" "dssss";
    SubOfSubAdd "sub_of_sub_add" "dssss";
    MulOfSubAdd "mul_of_sub_add" "dssss";
    AddOfSubSub "add_of_sub_sub" "dssss";
    SubOfSubSub "sub_of_sub_sub" "dssss";
    MulOfSubSub "mul_of_sub_sub" "dssss";
    AddOfSubMul "add_of_sub_mul" "dssss";
    SubOfSubMul "sub_of_sub_mul" "dssss";
    MulOfSubMul "mul_of_sub_mul" "dssss";
    AddOfMulAdd "add_of_mul_add" "dssss";
    SubOfMulAdd "sub_of_mul_add" "dssss";
    MulOfMulAdd "mul_of_mul_add" "dssss";
    AddOfMulSub "add_of_mul_sub" "dssss";
    SubOfMulSub "sub_of_mul_sub" "dssss";
    MulOfMulSub "mul_of_mul_sub" "dssss";
    AddOfMulMul "add_of_mul_mul" "dssss";
    SubOfMulMul "sub_of_mul_mul" "dssss";
    MulOfMulMul "mul_of_mul_mul" "dssss";
}

impl Opcode {
    /// The op with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The roles of the halfwords after the op's number, second word included.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        self.letters()
            .bytes()
            .flat_map(|letter| match letter {
                b'd' => [Some(Role::Dst), None],
                b's' => [Some(Role::Src), None],
                b'i' => [Some(Role::Imm), None],
                b'W' => [Some(Role::Wide), Some(Role::High)],
                b'T' => [Some(Role::Target), Some(Role::High)],
                b'x' => [Some(Role::Ext), None],
                _ => [Some(Role::Unused), None],
            })
            .flatten()
    }

    /// Words of the op, its list not counted: 1 or 2.
    pub fn words(self) -> usize {
        1 + usize::from(self.roles().count() > 3)
    }

    /// The list that follows.
    pub fn list(self) -> List {
        if self == Self::Call || self == Self::CallClosure {
            List::Call
        } else if self == Self::Return {
            List::Return
        } else if self == Self::Alloc {
            List::Fields
        } else if self == Self::Moves {
            List::Moves
        } else {
            List::None
        }
    }

    /// Whether code never goes on behind this op.
    pub fn ends(self) -> bool {
        self == Self::Jump || self == Self::Return
    }
}

/// The halfwords of the op at the front of `ops` after its number, and those of its list.
/// `None` if the op's number is unknown or the code ends inside it.
pub(crate) fn split(ops: &[Instr]) -> Option<(Opcode, Vec<u16>, Vec<u16>)> {
    let first = ops.first()?;
    let op = Opcode::from_number(first.code)?;
    let entries = match op.list() {
        List::None => 0,
        List::Call => usize::from(first.b) + usize::from(first.c),
        List::Return => usize::from(first.a),
        List::Fields => usize::from(first.c),
        List::Moves => 2 * usize::from(first.a),
    };
    let words = op.words();
    let all = ops.get(..words + entries.div_ceil(4))?;
    let operands = all[..words].iter().flat_map(|w| w.parts()).skip(1).collect();
    let list = all[words..].iter().flat_map(|w| w.parts()).take(entries).collect();
    Some((op, operands, list))
}

/// Words of the op at the front of `ops`, list included.
pub(crate) fn length(op: Opcode, list: &[u16]) -> usize {
    op.words() + list.len().div_ceil(4)
}
