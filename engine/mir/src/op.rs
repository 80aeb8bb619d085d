//! The operations of MIR: one table of pure ops, and the ops that touch an instance.
//!
//! Pure ops are rows of [`pure_ops!`]: name, argument types, result type, meaning. Printing,
//! parsing, arity checks, folding, the oracle and the `vm` backend follow from the row.

use crate::math::scalar as math;
use crate::module::{FuncId, ShapeId, SigId};

/// The type of a MIR value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// 64-bit float.
    F64,
    /// 64-bit signed integer; also truth, as 0 or 1.
    I64,
    /// Heap offset in words, 0 is null.
    Ref,
}

impl Ty {
    /// The name used by the text format.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::I64 => "i64",
            Self::Ref => "ref",
        }
    }
}

impl From<Ty> for attacca_rt::code::WordKind {
    fn from(ty: Ty) -> Self {
        match ty {
            Ty::F64 => Self::F64,
            Ty::I64 => Self::I64,
            Ty::Ref => Self::Ref,
        }
    }
}

/// A constant operand or result, by bits.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    /// A float.
    F(f64),
    /// An integer or truth value.
    I(i64),
}

impl Scalar {
    /// The word that holds this value.
    pub fn to_bits(self) -> u64 {
        match self {
            Self::F(x) => x.to_bits(),
            Self::I(x) => x as u64,
        }
    }

    /// Reads a word as a value of type `ty` (a `ref` reads as an integer).
    pub fn from_bits(ty: Ty, bits: u64) -> Self {
        match ty {
            Ty::F64 => Self::F(f64::from_bits(bits)),
            Ty::I64 | Ty::Ref => Self::I(bits as i64),
        }
    }
}

macro_rules! pure_ops {
    (@ty f) => { Ty::F64 };
    (@ty i) => { Ty::I64 };
    (@get f $v:expr) => { f64::from_bits($v) };
    (@get i $v:expr) => { $v as i64 };
    (@put f $e:expr) => { f64::to_bits($e) };
    (@put i $e:expr) => { ($e) as u64 };
    ($( $(#[$doc:meta])* $name:ident $text:literal ( $($arg:ident : $k:ident),* ) -> $r:ident = $e:expr; )*) => {
        /// An operation whose result depends on its arguments alone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Pure { $( $(#[$doc])* $name, )* }

        impl Pure {
            /// Every pure op, in table order.
            pub const ALL: &'static [Pure] = &[$(Pure::$name),*];

            /// The name used by the text format.
            pub fn name(self) -> &'static str { match self { $(Pure::$name => $text,)* } }

            /// The argument types.
            pub fn params(self) -> &'static [Ty] { match self { $(Pure::$name => &[$(pure_ops!(@ty $k)),*],)* } }

            /// The result type.
            pub fn result(self) -> Ty { match self { $(Pure::$name => pure_ops!(@ty $r),)* } }

            /// Computes the op on words; `args` holds as many as [`Pure::params`] names.
            /// The caller holds the flush-to-zero guard.
            #[inline]
            pub fn eval(self, args: &[u64]) -> u64 {
                match self {
                    $(Pure::$name => {
                        let [$($arg),*] = args else { unreachable!("arity is verified") };
                        $(let $arg = pure_ops!(@get $k *$arg);)*
                        pure_ops!(@put $r $e)
                    })*
                }
            }
        }
    };
}

pure_ops! {
    /// `a + b`.
    Add "add" (a: f, b: f) -> f = a + b;
    /// `a - b`.
    Sub "sub" (a: f, b: f) -> f = a - b;
    /// `a * b`.
    Mul "mul" (a: f, b: f) -> f = a * b;
    /// `a / b`.
    Div "div" (a: f, b: f) -> f = a / b;
    /// `a - trunc(a / b) * b` in two roundings for finite `b`; `a` for finite `a` and infinite `b`; else NaN.
    Rem "rem" (a: f, b: f) -> f = math::rem(a, b);
    /// Sign flipped, NaN included.
    Neg "neg" (a: f) -> f = -a;
    /// Sign cleared.
    Abs "abs" (a: f) -> f = a.abs();
    /// Square root; NaN below zero.
    Sqrt "sqrt" (a: f) -> f = a.sqrt();
    /// Largest integer not above.
    Floor "floor" (a: f) -> f = math::floor(a);
    /// Smallest integer not below.
    Ceil "ceil" (a: f) -> f = math::ceil(a);
    /// Towards zero.
    Trunc "trunc" (a: f) -> f = math::trunc(a);
    /// To the nearest integer, halves away from zero.
    Round "round" (a: f) -> f = math::round(a);
    /// The smaller; the other one if one is NaN.
    Min "min" (a: f, b: f) -> f = math::min(a, b);
    /// The larger; the other one if one is NaN.
    Max "max" (a: f, b: f) -> f = math::max(a, b);
    /// Sine of radians.
    Sin "sin" (a: f) -> f = math::sin(a);
    /// Cosine of radians.
    Cos "cos" (a: f) -> f = math::cos(a);
    /// Tangent of radians.
    Tan "tan" (a: f) -> f = math::tan(a);
    /// Inverse sine, radians.
    Asin "asin" (a: f) -> f = math::asin(a);
    /// Inverse cosine, radians.
    Acos "acos" (a: f) -> f = math::acos(a);
    /// Inverse tangent, radians.
    Atan "atan" (a: f) -> f = math::atan(a);
    /// Angle of the point `(b, a)`, radians.
    Atan2 "atan2" (a: f, b: f) -> f = math::atan2(a, b);
    /// Hyperbolic sine.
    Sinh "sinh" (a: f) -> f = math::sinh(a);
    /// Hyperbolic cosine.
    Cosh "cosh" (a: f) -> f = math::cosh(a);
    /// Hyperbolic tangent; the result lies in -1..=1.
    Tanh "tanh" (a: f) -> f = math::tanh(a);
    /// Natural logarithm.
    Log "log" (a: f) -> f = math::log(a);
    /// `a` to the power `b`.
    Pow "pow" (a: f, b: f) -> f = math::pow(a, b);
    /// Truth of `a == b`; false with NaN.
    Feq "feq" (a: f, b: f) -> i = i64::from(a == b);
    /// Truth of `a != b`; true with NaN.
    Fne "fne" (a: f, b: f) -> i = i64::from(a != b);
    /// Truth of `a < b`; false with NaN.
    Flt "flt" (a: f, b: f) -> i = i64::from(a < b);
    /// Truth of `a <= b`; false with NaN.
    Fle "fle" (a: f, b: f) -> i = i64::from(a <= b);
    /// Truth of `a > b`; false with NaN.
    Fgt "fgt" (a: f, b: f) -> i = i64::from(a > b);
    /// Truth of `a >= b`; false with NaN.
    Fge "fge" (a: f, b: f) -> i = i64::from(a >= b);
    /// Wrapping sum.
    Iadd "iadd" (a: i, b: i) -> i = a.wrapping_add(b);
    /// Wrapping difference.
    Isub "isub" (a: i, b: i) -> i = a.wrapping_sub(b);
    /// Wrapping product.
    Imul "imul" (a: i, b: i) -> i = a.wrapping_mul(b);
    /// Bitwise and.
    Iand "iand" (a: i, b: i) -> i = a & b;
    /// Bitwise or.
    Ior "ior" (a: i, b: i) -> i = a | b;
    /// Bitwise exclusive or.
    Ixor "ixor" (a: i, b: i) -> i = a ^ b;
    /// Shift left by `b mod 64`.
    Ishl "ishl" (a: i, b: i) -> i = a.wrapping_shl(b as u32);
    /// Logical shift right by `b mod 64`.
    Ushr "ushr" (a: i, b: i) -> i = ((a as u64).wrapping_shr(b as u32)) as i64;
    /// Arithmetic shift right by `b mod 64`.
    Sshr "sshr" (a: i, b: i) -> i = a.wrapping_shr(b as u32);
    /// Truth of `a == b`.
    Ieq "ieq" (a: i, b: i) -> i = i64::from(a == b);
    /// Truth of `a != b`.
    Ine "ine" (a: i, b: i) -> i = i64::from(a != b);
    /// Truth of `a < b`, signed.
    Ilt "ilt" (a: i, b: i) -> i = i64::from(a < b);
    /// Truth of `a <= b`, signed.
    Ile "ile" (a: i, b: i) -> i = i64::from(a <= b);
    /// Float to integer towards zero; saturates, NaN gives 0.
    Ftoi "ftoi" (a: f) -> i = a as i64;
    /// Integer to the nearest float.
    Itof "itof" (a: i) -> f = a as f64;
    /// The float's bits.
    Bits "bits" (a: f) -> i = a.to_bits() as i64;
    /// The float with these bits.
    FromBits "frombits" (a: i) -> f = f64::from_bits(a as u64);
    /// `b` where `c` is not 0, else `d`; floats.
    Select "select" (c: i, b: f, d: f) -> f = if c != 0 { b } else { d };
    /// `b` where `c` is not 0, else `d`; integers.
    Iselect "iselect" (c: i, b: i, d: i) -> i = if c != 0 { b } else { d };
}

/// Precise versions of elementary functions, called where the fast polynomial does not reach.
pub use crate::math::SlowFn;

/// One MIR instruction without its operands. Operands and results stand beside it in
/// [`crate::module::Inst`]; the comment names them `(operands) -> results`.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// `() -> f64`. A float constant, by bits.
    Fconst(u64),
    /// `() -> i64`. An integer constant.
    Iconst(i64),
    /// `() -> ref`. A heap offset known after the global code ran; 0 is null.
    Rconst(u32),
    /// See [`Pure`].
    Pure(Pure),
    /// `(floats..) -> f64`. Made by legalisation only.
    Slow(SlowFn),
    /// `(a, b) -> (f64, f64)`. One elementary function of two numbers, side by side; made by the
    /// `pair` pass for backends with two lanes.
    Pair(Pure),
    /// `() -> i64`. The number of a function, as closures hold it.
    FuncAddr(FuncId),

    // ---- state of the instance: word address = base operand + immediate ----
    /// `(base) -> ty`. Reads a state word.
    Load(Ty, u32),
    /// `(base, value)`. Writes a state word.
    Store(Ty, u32),
    /// `(base) -> i64`. Write position of the delay line at this address; any i64, taken modulo the ring.
    LinePos(u32),
    /// `(base, pos)`. Sets the write position.
    LineSetPos(u32),
    /// `(base, index) -> f64`. Sample `index mod ring` of a line whose longest delay is `len`.
    LineLoad {
        /// Word offset of the line.
        offset: u32,
        /// Longest delay in samples; the ring has the next power of two.
        len: u32,
    },
    /// `(base, index, value)`. Writes sample `index mod ring`.
    LineStore {
        /// Word offset of the line.
        offset: u32,
        /// Longest delay in samples; the ring has the next power of two.
        len: u32,
    },
    /// `(base) -> i64`. Base of the state block for a function value made here. In sample and
    /// kernel code: base + offset. While global code runs: a fresh zeroed block of `func`.
    Block {
        /// The function whose block it is.
        func: FuncId,
        /// Offset of its static block in the enclosing function's block.
        offset: u32,
    },

    // ---- heap ----
    /// `(fields..) -> ref`. A new object; the fields are all given.
    Alloc(ShapeId),
    /// `(object) -> ty`. Reads a field.
    HeapLoad {
        /// Shape of the object, as far as the field goes: closures of one type share their prefix.
        shape: ShapeId,
        /// Field number.
        field: u32,
        /// Type of the field.
        ty: Ty,
    },
    /// `(object, value)`. Writes a field of a cell.
    HeapStore {
        /// Shape of the object.
        shape: ShapeId,
        /// Field number.
        field: u32,
        /// Type of the field.
        ty: Ty,
    },
    /// `(len) -> ref`. A new array of `len` zero elements; null if `len` is not above 0.
    NewArray(ShapeId),
    /// `(array) -> i64`. Number of elements; 0 for null.
    ArrayLen,
    /// `(array, index) -> ty`. Reads a field of an element; zero where there is none.
    ArrayLoad {
        /// Shape of the array.
        shape: ShapeId,
        /// Field number within the element.
        field: u32,
        /// Type of the field.
        ty: Ty,
    },
    /// `(array, index, value)`. Writes a field of an element; nothing happens where there is none. The
    /// array is what a [`Op::NewArray`] of this function gave.
    ArrayStore {
        /// Shape of the array.
        shape: ShapeId,
        /// Field number within the element.
        field: u32,
        /// Type of the field.
        ty: Ty,
    },
    /// `(to, to_index, from, from_index, count)`. Copies whole elements, as if all were read first; those
    /// that do not exist on both sides are left out. `to` is what a [`Op::NewArray`] of this function
    /// gave. Refs that are copied get an owner, those overwritten lose one.
    ArrayCopy(ShapeId),
    /// `(object)`. One more owner. Null is allowed. Inserted by the `rc` pass alone.
    Retain,
    /// `(object)`. One owner less; frees at zero. Null is allowed. Inserted by the `rc` pass alone.
    Release,

    // ---- calls ----
    /// `(args..) -> rets`. Calls a known function.
    Call(FuncId),
    /// `(closure, args..) -> rets`. Calls the function in field 0 of the closure; the closure
    /// itself is its first argument. A null closure gives zeros.
    CallClosure(SigId),

    // ---- host ----
    /// `() -> f64`. The sample rate in hertz; a constant once `specialise` ran.
    SampleRate,
    /// `() -> f64`. The time of the current sample, counted from activation.
    Now,
    /// `(time)`. Kernel form: sets the current time (an i64) for functions that read [`Op::Now`].
    SetNow,
    /// `() -> i64`. Kernel form: time of the first frame of this call.
    FirstNow,
    /// `(time, closure)`. Calls a function value `() -> ..` at the start of sample `time` (truncated,
    /// counted from activation). One at or before the present is dropped and reported. Takes over an
    /// owner of the closure. Names a site, for faults and reports.
    Schedule(u32),
    /// `() -> i64`. Kernel form: the kernel returns before this time; lowered by [`Op::Schedule`].
    Limit,
    /// `(number)`. Shows a number as text; `probe` and `probeln`.
    Print {
        /// Whether the line ends behind it.
        newline: bool,
    },
    /// `(number)`. Records a number for probe n (`Layout::taps`).
    Tap(u32),
    /// `() -> f64`. Frames of sound file n (`Layout::samples`); 0 if it could not be read.
    SampleLen(u32),
    /// `(position) -> f64`. A sound file at a position in frames, between two frames on the line through
    /// them; the last frame holds until the end, before the start and behind the end it is 0.
    SampleRead {
        /// Number of the file.
        sample: u32,
        /// 0 is the mean of all channels, n is channel n - 1; one that the file does not have is 0.
        channel: u32,
    },
    /// `() -> f64`. Host value number n (`Layout::cells`).
    Cell(u32),
    /// `(frame) -> f64`. Kernel form: one input sample; 0 for a channel the host does not give.
    Input(u32),
    /// `(frame, value)`. Kernel form: one output sample.
    Output(u32),

    // ---- faults ----
    /// `()`. Kernel form: start of a sample, restores the call budget.
    BudgetReset,
    /// `() -> i64`. One more call in this sample and one level deeper; 1 if the budget allows it,
    /// else 0 with the fault set (site number of the module); then nothing was entered and no
    /// [`Op::BudgetLeave`] follows. Gives 0 at once while a fault is set.
    BudgetEnter(u32),
    /// `()`. One level up again.
    BudgetLeave,
    /// `() -> i64`. 1 once a fault is set.
    Faulted,
}

/// How an op behaves towards passes that move, merge or delete it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Depends on its operands alone: merge, move, delete.
    Pure,
    /// Reads what stores or calls may change: delete when unused.
    Read,
    /// Changes something: keep, in order.
    Write,
}

impl Op {
    /// Whether the op takes words of the heap, which may be full: then it stops the program.
    pub fn allocates(&self) -> bool {
        matches!(self, Self::Alloc(_) | Self::NewArray(_))
    }

    /// Whether the op may set a fault without giving a value that says so.
    pub fn stops(&self) -> bool {
        self.allocates() || matches!(self, Self::Schedule(_))
    }

    /// The op's effect. Allocation counts as a read: unused, it can go.
    pub fn effect(&self) -> Effect {
        match self {
            Self::Fconst(_)
            | Self::Iconst(_)
            | Self::Rconst(_)
            | Self::Pure(_)
            | Self::Slow(_)
            | Self::Pair(_)
            | Self::FuncAddr(_)
            | Self::SampleRate
            | Self::FirstNow
            | Self::SampleLen(_)
            | Self::SampleRead { .. }
            | Self::Cell(_) => Effect::Pure,
            Self::Load(..)
            | Self::LinePos(_)
            | Self::LineLoad { .. }
            | Self::Block { .. }
            | Self::Alloc(_)
            | Self::HeapLoad { .. }
            | Self::NewArray(_)
            | Self::ArrayLen
            | Self::ArrayLoad { .. }
            | Self::Now
            | Self::Limit
            | Self::Input(_)
            | Self::Faulted => Effect::Read,
            Self::Store(..)
            | Self::LineSetPos(_)
            | Self::LineStore { .. }
            | Self::HeapStore { .. }
            | Self::ArrayStore { .. }
            | Self::ArrayCopy(_)
            | Self::Schedule(_)
            | Self::Print { .. }
            | Self::Tap(_)
            | Self::Retain
            | Self::Release
            | Self::Call(_)
            | Self::CallClosure(_)
            | Self::SetNow
            | Self::Output(_)
            | Self::BudgetReset
            | Self::BudgetEnter(_)
            | Self::BudgetLeave => Effect::Write,
        }
    }
}
