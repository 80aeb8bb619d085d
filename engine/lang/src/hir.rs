//! The program with names resolved: what `names` gives to `types` and `lower`.
//!
//! Operators, pipes and other sugar are gone; every use of a name points at its binding. Broken
//! parts are [`ExprKind::Error`], already reported, so that later passes stay silent about them.

use crate::builtins::Builtin;
use crate::source::Span;
use cranelift_entity::{PrimaryMap, entity_impl};
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
    /// The last global named `dsp`.
    pub dsp: Option<BindingId>,
    /// Top-level statements with syntax errors: what else seems wrong there may follow from them.
    pub broken: Vec<Span>,
}

/// A statement of a block or of the program.
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
    /// `Control!("name", initial)`.
    Control {
        /// The control's name.
        name: SmolStr,
        /// Its initial value.
        initial: f64,
    },
    /// `midi_note_mono!(channel, note, velocity)`: a record `{pitch, velocity}`.
    MidiNote {
        /// MIDI channel 0..=14.
        channel: u8,
        /// Pitch before the first note.
        note: f64,
        /// Velocity before the first note.
        velocity: f64,
    },
    /// Something already reported; has any type.
    Error,
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
    /// A single lower-case letter: a type parameter of the enclosing signature.
    Param(SmolStr),
    /// An unknown name: treated as inferred (a warning was given).
    Infer,
}
