//! The data of a MIR module: functions, blocks, instructions, values, and what surrounds them.

use crate::op::{Op, Ty};
use attacca_rt::code::{CellSource, SampleSource, Shape, Site, TapSource};
use cranelift_entity::{PrimaryMap, entity_impl};
use smallvec::SmallVec;

/// A function of a module; printed `fn3`. Passes never renumber functions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncId(u32);
entity_impl!(FuncId, "fn");

/// A basic block of a function; printed `bb2`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(u32);
entity_impl!(BlockId, "bb");

/// The result of an instruction or a block parameter; printed `v12`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(u32);
entity_impl!(ValueId, "v");

/// An instruction of a function; not printed, its results are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstId(u32);
entity_impl!(InstId, "inst");

/// A shape of heap objects; printed `shape1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeId(u32);
entity_impl!(ShapeId, "shape");

/// A signature of closure calls; printed `sig0`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SigId(u32);
entity_impl!(SigId, "sig");

/// A whole program in MIR.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// All functions; numbers stay what lowering made them.
    pub funcs: PrimaryMap<FuncId, Function>,
    /// Runs the global code: `() -> ()`, state base 0 as a constant.
    pub init: Option<FuncId>,
    /// `(base: i64, inputs: f64..) -> (outputs: f64..)`, called once per sample.
    pub dsp: Option<FuncId>,
    /// `(frames: i64) -> (rendered: i64)`; made by `opt::kernel`.
    pub kernel: Option<FuncId>,
    /// Shapes of heap objects.
    pub shapes: PrimaryMap<ShapeId, Shape>,
    /// Signatures of closure calls, without the closure itself.
    pub sigs: PrimaryMap<SigId, Signature>,
    /// Global variables; their words come first in the state.
    pub globals: Vec<Global>,
    /// Word address of `dsp`'s own state block (after the globals).
    pub dsp_base: u32,
    /// Words of the state known so far: globals, `dsp`'s block, and after the global code ran the
    /// blocks of the function values it made.
    pub words: u32,
    /// Blocks of function values made by the global code: (address, function).
    pub blocks: Vec<(u32, FuncId)>,
    /// Host values read by the program.
    pub cells: Vec<CellSource>,
    /// Places that faults can name.
    pub sites: Vec<Site>,
    /// Probes, by the number that [`Op::Tap`] names.
    pub taps: Vec<TapSource>,
    /// Sound files, by the number that [`Op::SampleLen`] and [`Op::SampleRead`] name.
    pub samples: Vec<SampleSource>,
    /// Voices of each group of polyphonic voices ([`CellSource::Voice`]).
    pub voices: Vec<u32>,
    /// Input channels of `dsp`.
    pub inputs: u32,
    /// Output channels of `dsp`.
    pub outputs: u32,
    /// Sample rate in hertz that the program is compiled for.
    pub rate: f64,
}

/// Argument and result types of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Signature {
    /// Argument types.
    pub params: Vec<Ty>,
    /// Result types.
    pub rets: Vec<Ty>,
}

/// One word of a global variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Global {
    /// The variable's name, with the path of the part for tuples and records (`pair.0`).
    pub name: String,
    /// Its type.
    pub ty: Ty,
    /// Word address, from 0.
    pub word: u32,
    /// Whether any code other than its own initialiser stores to it.
    pub assigned: bool,
    /// Hash of the initialiser's tokens and the variable's type: an assigned global keeps its value while this stays.
    pub init_text: u64,
    /// Place of the initialiser, an index into `Module::sites`.
    pub site: u32,
}

/// One function. The entry block's parameters are the function's parameters.
#[derive(Clone, Debug)]
pub struct Function {
    /// The name as the program has it; `name.lambda` for nested ones.
    pub name: String,
    /// Result types.
    pub rets: Vec<Ty>,
    /// First block.
    pub entry: BlockId,
    /// All blocks, reachable or not.
    pub blocks: PrimaryMap<BlockId, Block>,
    /// All instructions, placed in a block or not.
    pub insts: PrimaryMap<InstId, Inst>,
    /// All values.
    pub values: PrimaryMap<ValueId, Ty>,
    /// What one instance of this function remembers.
    pub state: FuncState,
    /// Whether the function is called through closures (then its first parameter is the closure).
    pub closure: bool,
    /// Place in the program, an index into `Module::sites`.
    pub site: u32,
    /// What a closure of this function carries, in the order of its fields from the third on: the
    /// name of the variable, or of the function whose state base it is.
    pub captures: Vec<Capture>,
    /// Hash of its type in the language; 0 for functions that are never values.
    pub types: u64,
}

/// One captured word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Capture {
    /// The variable's name; words of one variable share it. A function's for state bases.
    pub name: String,
    /// What the word is.
    pub kind: CaptureKind,
    /// Type of the word.
    pub ty: Ty,
    /// Hash of the variable's type in the language.
    pub types: u64,
}

/// Kinds of captured words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaptureKind {
    /// A word of a variable that never changes.
    Value,
    /// The cell of a variable that changes.
    Cell,
    /// The base of a state block.
    Base,
}

impl CaptureKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Value, Self::Cell, Self::Base];

    /// The name used by the text format.
    pub fn name(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Cell => "cell",
            Self::Base => "base",
        }
    }
}

/// A straight line of instructions and how it ends.
#[derive(Clone, Debug)]
pub struct Block {
    /// Parameters, given by every jump here.
    pub params: Vec<ValueId>,
    /// Instructions in order.
    pub insts: Vec<InstId>,
    /// The end.
    pub end: Term,
}

/// An operation with its operands and results.
#[derive(Clone, Debug)]
pub struct Inst {
    /// What to do.
    pub op: Op,
    /// Operands.
    pub args: SmallVec<[ValueId; 4]>,
    /// Results; more than one for calls only.
    pub results: SmallVec<[ValueId; 2]>,
}

/// A jump target with the values for its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Jump {
    /// Target block.
    pub to: BlockId,
    /// One value a parameter.
    pub args: SmallVec<[ValueId; 4]>,
}

/// The end of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// Goes on elsewhere.
    Jump(Jump),
    /// Goes to `then` where the i64 `cond` is not 0, else to `other`.
    Branch {
        /// The i64 tested.
        cond: ValueId,
        /// Taken when it is not 0.
        then: Jump,
        /// Taken when it is 0.
        other: Jump,
    },
    /// Returns these values.
    Return(SmallVec<[ValueId; 4]>),
    /// Not yet ended; the verifier rejects it.
    Open,
}

/// What one instance of a function remembers, as a block of words with a canonical layout.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FuncState {
    /// Size of the block in words, children included.
    pub words: u32,
    /// The function's own leaves, by ascending offset.
    pub leaves: Vec<Leaf>,
    /// Blocks of the functions it calls and the function values it makes, by ascending offset.
    pub children: Vec<Child>,
}

/// One remembered word or delay line.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Word offset in the block.
    pub offset: u32,
    /// What it is.
    pub kind: LeafKind,
    /// What a person would call it: the binding it initialises, or the operation.
    pub name: String,
    /// Site index for messages and identity.
    pub site: u32,
    /// Hash of the type in the language where its words mean nothing without the others: what is no
    /// number, and no tuple or record of numbers. Else 0.
    pub types: u64,
}

/// Kinds of leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeafKind {
    /// Word `part` of the function's `self` value.
    SelfValue {
        /// Which part of a tuple, 0 for a number.
        part: u32,
        /// Its type.
        ty: Ty,
    },
    /// The cell of a `mem` call.
    Mem,
    /// A delay line of at most `len` samples.
    Line {
        /// Longest delay in samples.
        len: u32,
    },
}

/// The block of a callee or function value inside its caller's block.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    /// Word offset in the caller's block.
    pub offset: u32,
    /// The function called or made into a value.
    pub func: FuncId,
    /// The name it is bound to (`let osc1 = sine(440)`), else empty.
    pub binding: String,
    /// Site index for messages and identity.
    pub site: u32,
}

impl Function {
    /// The types of the parameters.
    pub fn params(&self) -> Vec<Ty> {
        self.blocks[self.entry].params.iter().map(|v| self.values[*v]).collect()
    }

    /// An empty function with an open entry block and no parameters.
    pub fn new(name: impl Into<String>, rets: Vec<Ty>) -> Self {
        let mut blocks = PrimaryMap::new();
        let entry = blocks.push(Block { params: Vec::new(), insts: Vec::new(), end: Term::Open });
        Self {
            name: name.into(),
            rets,
            entry,
            blocks,
            insts: PrimaryMap::new(),
            values: PrimaryMap::new(),
            state: FuncState::default(),
            closure: false,
            site: 0,
            captures: Vec::new(),
            types: 0,
        }
    }
}

impl Term {
    /// The jumps of this end, in order.
    pub fn jumps(&self) -> impl Iterator<Item = &Jump> {
        let (a, b) = match self {
            Self::Jump(j) => (Some(j), None),
            Self::Branch { then, other, .. } => (Some(then), Some(other)),
            Self::Return(_) | Self::Open => (None, None),
        };
        a.into_iter().chain(b)
    }

    /// The jumps of this end, in order, to be changed.
    pub fn jumps_mut(&mut self) -> impl Iterator<Item = &mut Jump> {
        let (a, b) = match self {
            Self::Jump(j) => (Some(j), None),
            Self::Branch { then, other, .. } => (Some(then), Some(other)),
            Self::Return(_) | Self::Open => (None, None),
        };
        a.into_iter().chain(b)
    }

    /// Every value this end uses, to be changed.
    pub fn uses_mut(&mut self) -> Vec<&mut ValueId> {
        match self {
            Self::Jump(j) => j.args.iter_mut().collect(),
            Self::Branch { cond, then, other } => std::iter::once(cond)
                .chain(then.args.iter_mut())
                .chain(other.args.iter_mut())
                .collect(),
            Self::Return(values) => values.iter_mut().collect(),
            Self::Open => Vec::new(),
        }
    }

    /// Every value this end uses.
    pub fn uses(&self) -> Vec<ValueId> {
        let mut copy = self.clone();
        copy.uses_mut().into_iter().map(|v| *v).collect()
    }
}
