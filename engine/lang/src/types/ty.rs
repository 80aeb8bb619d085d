//! The types of the language, and how they are printed.
//!
//! Owns [`Ty`] and nothing else: types are plain values, shared by reference count, and know
//! nothing of inference. A function has exactly one argument type: `()` for no parameters, the
//! type itself for one, a tuple for several, so that `f(1, 2)` and `f((1, 2))` are one call.

use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use cranelift_entity::entity_impl;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::hir::{LambdaId, TypeId};

/// A type not known yet, or a parameter of a polymorphic function; printed `t4`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VarId(u32);
entity_impl!(VarId, "t");

/// Fields of a record, alphabetical.
pub type Fields = Arc<[(SmolStr, Ty)]>;

/// Variables that stand for a record with at least these fields.
pub type Rows = FxHashMap<VarId, Fields>;

/// A type of the language.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// `float`, a 64-bit number.
    Number,
    /// `int`, reachable through annotations alone.
    Int,
    /// `string`.
    Str,
    /// `()`.
    Unit,
    /// `(A, B)`.
    Tuple(Arc<[Ty]>),
    /// `{x: A, y: B}`.
    Record(Fields),
    /// `(A, B) -> C`.
    Func(Arc<Func>),
    /// `[A]`.
    Array(Arc<Ty>),
    /// `` `A``.
    Code(Arc<Ty>),
    /// A declared variant type, with its name.
    Variant(TypeId, SmolStr),
    /// `A | B`.
    Union(Arc<[Ty]>),
    /// Not known, or a type parameter.
    Var(VarId),
    /// The type of something already reported; agrees with every type.
    Error,
}

/// A function type.
#[derive(Clone, Debug)]
pub struct Func {
    /// The one argument: unit, the parameter's type, or the tuple of all parameters.
    pub arg: Ty,
    /// The result.
    pub ret: Ty,
    /// The function whose parameter names and defaults a call by record uses. Not part of the
    /// type's identity.
    pub names: Option<LambdaId>,
}

impl PartialEq for Func {
    fn eq(&self, other: &Self) -> bool {
        self.arg == other.arg && self.ret == other.ret
    }
}

impl Eq for Func {}

impl Hash for Func {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.arg.hash(state);
        self.ret.hash(state);
    }
}

impl Ty {
    /// A tuple of these.
    pub fn tuple(elements: impl IntoIterator<Item = Ty>) -> Self {
        Self::Tuple(elements.into_iter().collect())
    }

    /// A record of these fields, which are put in alphabetical order.
    pub fn record(fields: impl IntoIterator<Item = (SmolStr, Ty)>) -> Self {
        let mut fields: Vec<_> = fields.into_iter().collect();
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self::Record(fields.into())
    }

    /// A function without parameter names.
    pub fn func(arg: Ty, ret: Ty) -> Self {
        Self::Func(Arc::new(Func { arg, ret, names: None }))
    }

    /// The one argument type that stands for these parameters or arguments.
    pub fn pack(mut parts: Vec<Ty>) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (None, _) => Self::Unit,
            (Some(only), true) => only,
            (Some(last), false) => {
                parts.push(last);
                Self::tuple(parts)
            }
        }
    }

    /// How many arguments a function with this argument type takes, for messages.
    pub fn count(&self) -> usize {
        match self {
            Self::Unit => 0,
            Self::Tuple(parts) => parts.len(),
            Self::Number
            | Self::Int
            | Self::Str
            | Self::Record(_)
            | Self::Func(_)
            | Self::Array(_)
            | Self::Code(_)
            | Self::Variant(..)
            | Self::Union(_)
            | Self::Var(_)
            | Self::Error => 1,
        }
    }

    /// The direct parts, in order.
    pub fn parts(&self) -> Vec<&Ty> {
        match self {
            Self::Tuple(parts) => parts.iter().collect(),
            Self::Record(fields) => fields.iter().map(|(_, ty)| ty).collect(),
            Self::Func(func) => vec![&func.arg, &func.ret],
            Self::Array(of) | Self::Code(of) => vec![of],
            Self::Union(members) => members.iter().collect(),
            Self::Number
            | Self::Int
            | Self::Str
            | Self::Unit
            | Self::Variant(..)
            | Self::Var(_)
            | Self::Error => vec![],
        }
    }

    /// The same type with its direct parts changed.
    pub fn map_parts(&self, mut change: impl FnMut(&Ty) -> Ty) -> Self {
        match self {
            Self::Tuple(parts) => Self::Tuple(parts.iter().map(change).collect()),
            Self::Record(fields) => {
                Self::Record(fields.iter().map(|(name, ty)| (name.clone(), change(ty))).collect())
            }
            Self::Func(func) => {
                let (arg, ret) = (change(&func.arg), change(&func.ret));
                Self::Func(Arc::new(Func { arg, ret, names: func.names }))
            }
            Self::Array(of) => Self::Array(Arc::new(change(of))),
            Self::Code(of) => Self::Code(Arc::new(change(of))),
            Self::Union(members) => Self::Union(members.iter().map(change).collect()),
            Self::Number
            | Self::Int
            | Self::Str
            | Self::Unit
            | Self::Variant(..)
            | Self::Var(_)
            | Self::Error => self.clone(),
        }
    }

    /// The type of a field, if this is a record that has it.
    pub fn field(&self, name: &str) -> Option<&Ty> {
        match self {
            Self::Record(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, ty)| ty),
            Self::Tuple(_)
            | Self::Func(_)
            | Self::Array(_)
            | Self::Code(_)
            | Self::Variant(..)
            | Self::Union(_)
            | Self::Number
            | Self::Int
            | Self::Str
            | Self::Unit
            | Self::Var(_)
            | Self::Error => None,
        }
    }

    /// Whether a function is somewhere in a value of this type.
    pub fn holds_function(&self) -> bool {
        matches!(self, Self::Func(_)) || self.parts().into_iter().any(Self::holds_function)
    }

    /// Whether something already reported is somewhere in this type.
    pub fn holds_error(&self) -> bool {
        matches!(self, Self::Error) || self.parts().into_iter().any(Self::holds_error)
    }

    /// Whether a union is somewhere in this type.
    pub fn holds_union(&self) -> bool {
        matches!(self, Self::Union(_)) || self.parts().into_iter().any(Self::holds_union)
    }

    /// Whether a variable is somewhere in this type.
    pub fn holds_variable(&self) -> bool {
        matches!(self, Self::Var(_)) || self.parts().into_iter().any(Self::holds_variable)
    }
}

/// Prints types; unknown types get the letters a, b, c in the order they are met.
pub struct Printer<'r> {
    rows: &'r Rows,
    letters: Vec<VarId>,
}

impl<'r> Printer<'r> {
    /// A printer that knows these open records.
    pub fn new(rows: &'r Rows) -> Self {
        Self { rows, letters: Vec::new() }
    }

    /// The type as a person would write it.
    pub fn show(&mut self, ty: &Ty) -> String {
        let mut out = String::new();
        self.write(&mut out, ty);
        out
    }

    /// Whether nothing at all is known of a type.
    pub(crate) fn is_unknown(&self, ty: &Ty) -> bool {
        matches!(ty, Ty::Var(var) if !self.rows.contains_key(var))
    }

    fn write(&mut self, out: &mut String, ty: &Ty) {
        match ty {
            Ty::Number => out.push_str("float"),
            Ty::Int => out.push_str("int"),
            Ty::Str => out.push_str("string"),
            Ty::Unit => out.push_str("()"),
            Ty::Error => out.push('?'),
            Ty::Tuple(parts) => self.write_tuple(out, parts),
            Ty::Record(fields) => self.write_record(out, fields, false),
            Ty::Func(func) => {
                let listed = matches!(func.arg, Ty::Unit | Ty::Tuple(_));
                out.push_str(if listed { "" } else { "(" });
                self.write(out, &func.arg);
                out.push_str(if listed { "" } else { ")" });
                out.push_str(" -> ");
                self.write(out, &func.ret);
            }
            Ty::Array(of) => {
                out.push('[');
                self.write(out, of);
                out.push(']');
            }
            Ty::Code(of) => {
                let grouped = matches!(**of, Ty::Func(_) | Ty::Union(_));
                out.push_str(if grouped { "`(" } else { "`" });
                self.write(out, of);
                out.push_str(if grouped { ")" } else { "" });
            }
            Ty::Variant(_, name) => out.push_str(name),
            Ty::Union(members) => {
                for (i, member) in members.iter().enumerate() {
                    out.push_str(if i > 0 { " | " } else { "" });
                    self.write(out, member);
                }
            }
            Ty::Var(var) => match self.rows.get(var).cloned() {
                Some(fields) => self.write_record(out, &fields, true),
                None => self.write_letter(out, *var),
            },
        }
    }

    fn write_tuple(&mut self, out: &mut String, parts: &[Ty]) {
        out.push('(');
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            self.write(out, part);
        }
        out.push_str(if parts.len() == 1 { ",)" } else { ")" });
    }

    fn write_record(&mut self, out: &mut String, fields: &[(SmolStr, Ty)], open: bool) {
        out.push('{');
        for (i, (name, ty)) in fields.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            out.push_str(name);
            out.push_str(": ");
            self.write(out, ty);
        }
        out.push_str(if open { ", ..}" } else { "}" });
    }

    fn write_letter(&mut self, out: &mut String, var: VarId) {
        let index = self.letters.iter().position(|v| *v == var).unwrap_or_else(|| {
            self.letters.push(var);
            self.letters.len() - 1
        });
        out.push(char::from(b'a' + (index % 26) as u8));
        // Writing to a String cannot fail; the result carries nothing.
        if index >= 26 && write!(out, "{}", index / 26).is_err() {
            out.push('?');
        }
    }
}
