//! The program with names resolved: what `names` gives to `types` and `lower`.
//!
//! Operators, pipes and other sugar are gone; every use of a name points at its binding. Broken
//! parts are [`ExprKind::Error`], already reported, so that later passes stay silent about them.
//! Code of both stages is here until `stage` expands the program; then everything is
//! [`Stage::Audio`].

pub(crate) mod owners;
mod walk;

use crate::builtins::Builtin;
use crate::source::Span;
use attacca_rt::code::CellSource;
use cranelift_entity::{PrimaryMap, entity_impl};
use half::f16;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

/// An expression; printed `e7`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(u32);
entity_impl!(ExprId, "e");

/// A variable, parameter or function name; printed `b3`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BindingId(u32);
entity_impl!(BindingId, "b");

/// A function or lambda; printed `lam2`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LambdaId(u32);
entity_impl!(LambdaId, "lam");

/// A declared variant type; printed `type1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(u32);
entity_impl!(TypeId, "type");

/// A type alias; printed `alias1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AliasId(u32);
entity_impl!(AliasId, "alias");

/// A module; printed `mod1`. `mod0` is the program around all others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(u32);
entity_impl!(ModuleId, "mod");

impl ModuleId {
    /// The program itself: what stands in no `mod`.
    pub const ROOT: Self = Self(0);
}

/// A module.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its names from the outermost module on, as `outer::inner`; empty for the program itself.
    pub path: SmolStr,
    /// The module around it; none for the program itself.
    pub parent: Option<ModuleId>,
}

/// Code that was put in by a splice; printed `expansion0`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExpansionId(u32);
entity_impl!(ExpansionId, "expansion");

/// Code that was put in by a splice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// Where the splice is: `$..`, or a macro call.
    pub site: Span,
    /// How many were put in before it at the same place of the same code.
    pub copy: u32,
    /// The code that the splice itself is in, if that was put in too.
    pub parent: Option<ExpansionId>,
}

/// When code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// While compiling.
    Macro,
    /// While sound runs, global code included.
    #[default]
    Audio,
}

/// A resolved program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Top-level statements in source order; `fn` definitions are among them.
    pub stmts: Vec<Stmt>,
    /// All expressions.
    pub exprs: PrimaryMap<ExprId, Expr>,
    /// All bindings.
    pub bindings: PrimaryMap<BindingId, Binding>,
    /// All functions and lambdas.
    pub lambdas: PrimaryMap<LambdaId, Lambda>,
    /// All declared variant types.
    pub types: PrimaryMap<TypeId, TypeDef>,
    /// All type aliases.
    pub aliases: PrimaryMap<AliasId, AliasDef>,
    /// All modules, the program itself first.
    pub modules: PrimaryMap<ModuleId, Module>,
    /// The modules of functions that are in one.
    pub homes: FxHashMap<BindingId, ModuleId>,
    /// The last global named `dsp`.
    pub dsp: Option<BindingId>,
    /// Top-level statements with syntax errors: what else seems wrong there may follow from them.
    pub broken: Vec<Span>,
    /// Functions that mention an unknown name: what they take is perhaps not what was meant.
    pub unclear: FxHashSet<LambdaId>,
    /// Everything that splices put in.
    pub expansions: PrimaryMap<ExpansionId, Expansion>,
    /// For each expression that a splice put in: by the innermost one.
    pub expanded: FxHashMap<ExprId, ExpansionId>,
    /// Voices of each group of polyphonic voices.
    pub voices: Vec<u32>,
    /// What macro code printed.
    pub printed: String,
}

impl Program {
    /// The module that a function is a member of; `None` outside of modules. A `let` of a module is a
    /// global of the program.
    pub fn module_of(&self, binding: BindingId) -> Option<ModuleId> {
        self.homes.get(&binding).copied()
    }

    /// Rounds number literals as mimium 4.1 does (language.md Q1): to the nearest half-precision number
    /// if that is less than 0.00001 away. For comparing with mimium only.
    pub fn round_literals(&mut self) {
        for expr in self.exprs.values_mut() {
            if let ExprKind::Number(number) = &mut expr.kind {
                let half = f16::from_f64(*number).to_f64();
                if (half - *number).abs() < 0.000_01 {
                    *number = half;
                }
            }
        }
    }

    /// The splice of the text that put this code in: the one that no other splice put there.
    pub fn outermost(&self, expansion: ExpansionId) -> Option<Span> {
        let mut found = self.expansions.get(expansion)?;
        while let Some(parent) = found.parent.and_then(|parent| self.expansions.get(parent)) {
            found = parent;
        }
        Some(found.site)
    }
}

/// A declared variant type: `type Shape = Dot | Circle(float)`.
#[derive(Clone, Debug)]
pub struct TypeDef {
    /// Its name.
    pub name: SmolStr,
    /// Where the name is.
    pub span: Span,
    /// Whether it was declared with `rec`.
    pub recursive: bool,
    /// Its constructors; the tag is the position.
    pub variants: Vec<VariantDef>,
}

/// A constructor of a [`TypeDef`].
#[derive(Clone, Debug)]
pub struct VariantDef {
    /// Its name.
    pub name: SmolStr,
    /// Where the name is.
    pub span: Span,
    /// What it carries; several types are one tuple.
    pub payload: Option<TypeExpr>,
}

/// `type alias P = {x: float}`.
#[derive(Clone, Debug)]
pub struct AliasDef {
    /// Its name.
    pub name: SmolStr,
    /// Where the name is.
    pub span: Span,
    /// What it stands for.
    pub ty: TypeExpr,
}

/// A statement of a block or of the program. Its stage is that of its value's expression.
#[derive(Clone, Debug)]
pub enum Stmt {
    /// `let pattern: ty = value`; also `fn` that does not refer to itself.
    Let {
        /// What is bound.
        pattern: Pattern,
        /// The annotation, if any.
        ty: Option<TypeExpr>,
        /// The value.
        value: ExprId,
    },
    /// `letrec name = value`; also `fn` that refers to itself.
    LetRec {
        /// The name, visible in the value.
        binding: BindingId,
        /// The value, a lambda in every correct program.
        value: ExprId,
    },
    /// An expression evaluated for its effect.
    Expr(ExprId),
}

/// The left side of a `let`.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// A name.
    Bind(BindingId),
    /// `_`.
    Ignore(Span),
    /// `(p, q, ..)`.
    Tuple(Vec<Pattern>, Span),
    /// `{field = p, ..}`.
    Record(Vec<(SmolStr, Pattern)>, Span),
}

/// A name bound to a value.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The name.
    pub name: SmolStr,
    /// Where it is bound.
    pub span: Span,
    /// What binds it.
    pub kind: BindingKind,
    /// When it is bound; usable at the same stage only.
    pub stage: Stage,
    /// Whether some assignment targets it (or a field of it).
    pub assigned: bool,
    /// Whether a lambda other than its owner uses it. Never set for globals.
    pub captured: bool,
    /// The innermost lambda around it; `None` for globals and for locals of global blocks.
    pub owner: Option<LambdaId>,
}

/// What binds a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingKind {
    /// A top-level `let`, `letrec` or `fn`.
    Global,
    /// A `let` in a block.
    Local,
    /// A parameter.
    Param,
}

/// A function or lambda.
#[derive(Clone, Debug)]
pub struct Lambda {
    /// The name of the `fn`, or of the `let` whose value it is.
    pub name: Option<SmolStr>,
    /// Parameters in order.
    pub params: Vec<Param>,
    /// Annotated result; for `|..| -> t` lambdas it has no effect and is left out.
    pub ret: Option<TypeExpr>,
    /// The body.
    pub body: ExprId,
    /// Whether the body (not counting nested lambdas) mentions `self`.
    pub uses_self: bool,
    /// The lambda around it.
    pub parent: Option<LambdaId>,
    /// Non-global variables of enclosing lambdas (or global blocks) it or a nested lambda uses, in order of first use.
    pub captures: Vec<BindingId>,
    /// The whole definition.
    pub span: Span,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// The variable.
    pub binding: BindingId,
    /// Its annotation.
    pub ty: Option<TypeExpr>,
    /// Its default value.
    pub default: Option<ExprId>,
}

/// An expression with its place.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it is.
    pub span: Span,
    /// When it runs.
    pub stage: Stage,
}

/// Kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number literal.
    Number(f64),
    /// A string literal.
    Str(SmolStr),
    /// A variable.
    Var(BindingId),
    /// A built-in function, as callee or as value.
    Builtin(Builtin),
    /// `self` of this lambda.
    SelfValue(LambdaId),
    /// `now`.
    Now,
    /// `samplerate`.
    SampleRate,
    /// A function value.
    Lambda(LambdaId),
    /// A call; operators are calls of built-ins.
    Call {
        /// What is called.
        callee: ExprId,
        /// The arguments as written.
        args: Vec<ExprId>,
    },
    /// `(a, b)`.
    Tuple(Vec<ExprId>),
    /// `t.0`.
    Proj(ExprId, u32),
    /// `{x = 1, y = 2}`: fields in alphabetical order.
    Record(Vec<(SmolStr, ExprId)>),
    /// `r.x`, with the place of the field's name.
    Field(ExprId, SmolStr, Span),
    /// `if`.
    If {
        /// The condition, true when above 0.
        cond: ExprId,
        /// Taken when true.
        then: ExprId,
        /// Taken else; unit when missing.
        other: Option<ExprId>,
    },
    /// A block with its own scope; unit without a value.
    Block {
        /// Its statements, the value not included.
        stmts: Vec<Stmt>,
        /// Its value.
        value: Option<ExprId>,
    },
    /// `x = e`, `x.f = e`.
    Assign {
        /// The variable.
        target: BindingId,
        /// Fields below it, outermost first.
        fields: Vec<(SmolStr, Span)>,
        /// The new value.
        value: ExprId,
    },
    /// `{x = 1, ..}`: fields in alphabetical order; the others take the defaults of the function
    /// it is given to.
    Incomplete(Vec<(SmolStr, ExprId)>),
    /// `[a, b]`.
    Array(Vec<ExprId>),
    /// `a[i]`.
    Index(ExprId, ExprId),
    /// `match`.
    Match {
        /// What is looked at.
        scrutinee: ExprId,
        /// The arms in order; the first that fits is taken.
        arms: Vec<Arm>,
    },
    /// A constructor, as value, as callee, or as function: its type and its position there.
    Construct(TypeId, u32),
    /// `` `e``: code as a value. Stage macro.
    Quote(ExprId),
    /// `$e`: the code that `e` gives. Gone after expansion.
    Splice(ExprId),
    /// A number that the host feeds in.
    Cell(Box<CellSource>),
    /// A function that gives back its argument and shows it.
    Probe {
        /// The probe's name.
        name: SmolStr,
        /// Names of its channels, if they are not numbered.
        channels: Option<Vec<SmolStr>>,
    },
    /// A part of a sound file.
    Sample {
        /// The path as written.
        path: SmolStr,
        /// Which part.
        part: SamplePart,
    },
    /// Something already reported; has any type.
    Error,
}

/// What a program reads of a sound file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SamplePart {
    /// Number of frames.
    Length,
    /// A function `(position in frames) -> sample` of the mean of all channels.
    Player,
    /// A function `(position in frames) -> sample` of one channel.
    Channel(u32),
}

/// An arm of a `match`.
#[derive(Clone, Debug)]
pub struct Arm {
    /// When it is taken.
    pub pattern: MatchPattern,
    /// Its value.
    pub body: ExprId,
}

/// When an arm of a `match` is taken.
#[derive(Clone, Debug)]
pub enum MatchPattern {
    /// A number: the integer the scrutinee is truncated to.
    Number(f64, Span),
    /// `_`.
    Any(Span),
    /// A constructor; the pattern, if any, binds what it carries.
    Variant(TypeId, u32, Option<Pattern>, Span),
    /// A member of a union by the name of its type.
    Member(MemberType, Option<Pattern>, Span),
    /// `(p, q)`.
    Tuple(Vec<MatchPattern>, Span),
    /// Something already reported; fits everything.
    Error(Span),
}

/// Members of unions that a `match` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberType {
    /// `float`.
    Float,
    /// `int`.
    Int,
    /// `string`.
    Str,
}

/// A written type.
#[derive(Clone, Debug)]
pub struct TypeExpr {
    /// What it says.
    pub kind: TypeExprKind,
    /// Where.
    pub span: Span,
}

/// Kinds of written types.
#[derive(Clone, Debug)]
pub enum TypeExprKind {
    /// `float`.
    Float,
    /// `int`.
    Int,
    /// `string`.
    Str,
    /// `()`.
    Unit,
    /// `(A, B)`.
    Tuple(Vec<TypeExpr>),
    /// `{x: A, y: B}`, alphabetical.
    Record(Vec<(SmolStr, TypeExpr)>),
    /// `(A, B) -> C`.
    Func(Vec<TypeExpr>, Box<TypeExpr>),
    /// `[A]`.
    Array(Box<TypeExpr>),
    /// `` `A``.
    Code(Box<TypeExpr>),
    /// `A | B`.
    Union(Vec<TypeExpr>),
    /// A declared variant type.
    Named(TypeId),
    /// An alias.
    Alias(AliasId),
    /// A single lower-case letter: a type parameter of the enclosing signature.
    Param(SmolStr),
    /// An unknown name: treated as inferred (a warning was given).
    Infer,
}
