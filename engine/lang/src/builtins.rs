//! Every built-in function: its name, its type and the MIR op it becomes.

use attacca_mir::op::Pure;

macro_rules! builtins {
    ($( #[doc = $doc:literal] $name:ident $text:literal $arity:literal $lower:expr; )*) => {
        /// A built-in function of the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Builtin { $( #[doc = $doc] $name, )* }

        impl Builtin {
            /// All of them, in table order.
            pub const ALL: &'static [Builtin] = &[$(Builtin::$name),*];

            /// The name programs use.
            pub fn name(self) -> &'static str { match self { $(Builtin::$name => $text,)* } }

            /// Number of arguments.
            pub fn arity(self) -> usize { match self { $(Builtin::$name => $arity,)* } }

            /// How lowering treats it.
            pub fn lowering(self) -> Lowering { match self { $(Builtin::$name => $lower,)* } }

            /// The documentation shown by the editor.
            pub fn doc(self) -> &'static str { match self { $(Builtin::$name => $doc,)* } }
        }
    };
}

/// What a built-in becomes in MIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lowering {
    /// One op on floats giving a float.
    Op(Pure),
    /// An op on floats giving a truth value, turned into 1.0 or 0.0.
    Truth(Pure),
    /// Both operands above 0.
    And,
    /// Either operand above 0.
    Or,
    /// 1.0 if the operand is 0.
    Not,
    /// One-sample memory with a state cell per call site.
    Mem,
    /// Delay line per call site; the first argument is a number literal.
    Delay,
}

builtins! {
    #[doc = "`add(a, b)`: the operator `+`; also on tuples."]
    Add "add" 2 Lowering::Op(Pure::Add);
    #[doc = "`sub(a, b)`: the operator `-`; also on tuples."]
    Sub "sub" 2 Lowering::Op(Pure::Sub);
    #[doc = "`mult(a, b)`: the operator `*`; also on tuples."]
    Mult "mult" 2 Lowering::Op(Pure::Mul);
    #[doc = "`div(a, b)`: the operator `/`; also on tuples."]
    Div "div" 2 Lowering::Op(Pure::Div);
    #[doc = "`modulo(a, b)`: the operator `%`; keeps the sign of `a`."]
    Modulo "modulo" 2 Lowering::Op(Pure::Rem);
    #[doc = "`pow(a, b)`: the operator `^`, `a` to the power `b`."]
    Pow "pow" 2 Lowering::Op(Pure::Pow);
    #[doc = "`eq(a, b)`: the operator `==`, 1 or 0."]
    Eq "eq" 2 Lowering::Truth(Pure::Feq);
    #[doc = "`ne(a, b)`: the operator `!=`, 1 or 0."]
    Ne "ne" 2 Lowering::Truth(Pure::Fne);
    #[doc = "`lt(a, b)`: the operator `<`, 1 or 0."]
    Lt "lt" 2 Lowering::Truth(Pure::Flt);
    #[doc = "`le(a, b)`: the operator `<=`, 1 or 0."]
    Le "le" 2 Lowering::Truth(Pure::Fle);
    #[doc = "`gt(a, b)`: the operator `>`, 1 or 0."]
    Gt "gt" 2 Lowering::Truth(Pure::Fgt);
    #[doc = "`ge(a, b)`: the operator `>=`, 1 or 0."]
    Ge "ge" 2 Lowering::Truth(Pure::Fge);
    #[doc = "`and(a, b)`: the operator `&&`; both operands are evaluated, each is true above 0."]
    And "and" 2 Lowering::And;
    #[doc = "`or(a, b)`: the operator `||`; both operands are evaluated, each is true above 0."]
    Or "or" 2 Lowering::Or;
    #[doc = "`not(x)`: 1 if x is 0, else 0."]
    Not "not" 1 Lowering::Not;
    #[doc = "`neg(x)`: x with its sign changed."]
    Neg "neg" 1 Lowering::Op(Pure::Neg);
    #[doc = "`abs(x)`: x without its sign."]
    Abs "abs" 1 Lowering::Op(Pure::Abs);
    #[doc = "`sqrt(x)`: square root; NaN below 0."]
    Sqrt "sqrt" 1 Lowering::Op(Pure::Sqrt);
    #[doc = "`floor(x)`: the largest integer not above x."]
    Floor "floor" 1 Lowering::Op(Pure::Floor);
    #[doc = "`ceil(x)`: the smallest integer not below x."]
    Ceil "ceil" 1 Lowering::Op(Pure::Ceil);
    #[doc = "`round(x)`: the nearest integer, halves away from 0."]
    Round "round" 1 Lowering::Op(Pure::Round);
    #[doc = "`sin(x)`: sine of x radians."]
    Sin "sin" 1 Lowering::Op(Pure::Sin);
    #[doc = "`cos(x)`: cosine of x radians."]
    Cos "cos" 1 Lowering::Op(Pure::Cos);
    #[doc = "`tan(x)`: tangent of x radians."]
    Tan "tan" 1 Lowering::Op(Pure::Tan);
    #[doc = "`asin(x)`: inverse sine in radians."]
    Asin "asin" 1 Lowering::Op(Pure::Asin);
    #[doc = "`acos(x)`: inverse cosine in radians."]
    Acos "acos" 1 Lowering::Op(Pure::Acos);
    #[doc = "`atan(x)`: inverse tangent in radians."]
    Atan "atan" 1 Lowering::Op(Pure::Atan);
    #[doc = "`sinh(x)`: hyperbolic sine."]
    Sinh "sinh" 1 Lowering::Op(Pure::Sinh);
    #[doc = "`cosh(x)`: hyperbolic cosine."]
    Cosh "cosh" 1 Lowering::Op(Pure::Cosh);
    #[doc = "`tanh(x)`: hyperbolic tangent, -1 to 1."]
    Tanh "tanh" 1 Lowering::Op(Pure::Tanh);
    #[doc = "`atan2(y, x)`: angle of the point (x, y) in radians."]
    Atan2 "atan2" 2 Lowering::Op(Pure::Atan2);
    #[doc = "`log(x)`: natural logarithm."]
    Log "log" 1 Lowering::Op(Pure::Log);
    #[doc = "`min(a, b)`: the smaller; the other one if one is NaN."]
    Min "min" 2 Lowering::Op(Pure::Min);
    #[doc = "`max(a, b)`: the larger; the other one if one is NaN."]
    Max "max" 2 Lowering::Op(Pure::Max);
    #[doc = "`mem(x)`: the x of the previous call at this place; 0 first."]
    Mem "mem" 1 Lowering::Mem;
    #[doc = "`delay(max, x, t)`: x of t samples ago, t below max; max is a number literal."]
    Delay "delay" 3 Lowering::Delay;
}

impl Builtin {
    /// The built-in of this name.
    pub fn named(name: &str) -> Option<Builtin> {
        Self::ALL.iter().copied().find(|b| b.name() == name)
    }
}
