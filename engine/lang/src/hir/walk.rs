//! The direct parts of expressions.

use super::{BindingId, ExprId, ExprKind, MatchPattern, Pattern, Stmt};

impl Stmt {
    /// The expression of the statement.
    pub fn value(&self) -> ExprId {
        match self {
            Self::Let { value, .. } | Self::LetRec { value, .. } | Self::Expr(value) => *value,
        }
    }
}

impl ExprKind {
    /// Visits the direct sub-expressions in the order of evaluation; the bodies of lambdas are none.
    pub fn for_each_child(&self, mut visit: impl FnMut(ExprId)) {
        match self {
            Self::Call { callee, args } => {
                visit(*callee);
                args.iter().for_each(|arg| visit(*arg));
            }
            Self::Tuple(parts) | Self::Array(parts) => parts.iter().for_each(|part| visit(*part)),
            Self::Index(of, index) => {
                visit(*of);
                visit(*index);
            }
            Self::Match { scrutinee, arms } => {
                visit(*scrutinee);
                arms.iter().for_each(|arm| visit(arm.body));
            }
            Self::Quote(code) | Self::Splice(code) => visit(*code),
            Self::Proj(of, _) | Self::Field(of, ..) => visit(*of),
            Self::Record(fields) | Self::Incomplete(fields) => {
                fields.iter().for_each(|(_, value)| visit(*value));
            }
            Self::If { cond, then, other } => {
                visit(*cond);
                visit(*then);
                other.iter().for_each(|other| visit(*other));
            }
            Self::Block { stmts, value } => {
                stmts.iter().for_each(|stmt| visit(stmt.value()));
                value.iter().for_each(|value| visit(*value));
            }
            Self::Assign { value, .. } => visit(*value),
            Self::Number(_)
            | Self::Str(_)
            | Self::Var(_)
            | Self::Builtin(_)
            | Self::SelfValue(_)
            | Self::Now
            | Self::SampleRate
            | Self::Lambda(_)
            | Self::Construct(..)
            | Self::Cell(_)
            | Self::Probe { .. }
            | Self::Sample { .. }
            | Self::Error => {}
        }
    }
}

impl Pattern {
    /// The pattern with other bindings, made in order.
    pub(crate) fn renamed(&self, name: &mut impl FnMut(BindingId) -> BindingId) -> Self {
        match self {
            Self::Bind(binding) => Self::Bind(name(*binding)),
            Self::Ignore(span) => Self::Ignore(*span),
            Self::Tuple(parts, span) => {
                Self::Tuple(parts.iter().map(|part| part.renamed(name)).collect(), *span)
            }
            Self::Record(fields, span) => {
                let fields = fields.iter().map(|(it, part)| (it.clone(), part.renamed(name)));
                Self::Record(fields.collect(), *span)
            }
        }
    }
}

impl MatchPattern {
    /// The pattern with other bindings, made in order.
    pub(crate) fn renamed(&self, name: &mut impl FnMut(BindingId) -> BindingId) -> Self {
        match self {
            Self::Number(value, span) => Self::Number(*value, *span),
            Self::Any(span) => Self::Any(*span),
            Self::Variant(ty, tag, payload, span) => {
                let payload = payload.as_ref().map(|payload| payload.renamed(name));
                Self::Variant(*ty, *tag, payload, *span)
            }
            Self::Member(member, payload, span) => {
                let payload = payload.as_ref().map(|payload| payload.renamed(name));
                Self::Member(*member, payload, *span)
            }
            Self::Tuple(parts, span) => {
                Self::Tuple(parts.iter().map(|part| part.renamed(name)).collect(), *span)
            }
            Self::Error(span) => Self::Error(*span),
        }
    }
}
