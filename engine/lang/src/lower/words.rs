//! Concrete types and the words that hold their values.

use std::ops::Range;
use std::sync::Arc;

use attacca_mir::op::Ty as Word;
use smol_str::SmolStr;

use crate::types::Typed;
use crate::types::ty::{Ty, VarId};

/// What the type parameters in scope are, by ascending variable.
pub(super) type Subst = Arc<[(VarId, Ty)]>;

/// Type parameters of a use on top of those around it; the former win.
pub(super) fn extend(around: &Subst, own: impl IntoIterator<Item = (VarId, Ty)>) -> Subst {
    let mut pairs: Vec<_> = own.into_iter().collect();
    for (var, ty) in around.iter() {
        if pairs.iter().all(|(own, _)| own != var) {
            pairs.push((*var, ty.clone()));
        }
    }
    pairs.sort_by_key(|(var, _)| *var);
    pairs.into()
}

/// A type without variables. What nothing decides is a number; an open record has just its fields.
pub(super) fn concrete(typed: &Typed, subst: &Subst, ty: &Ty) -> Ty {
    let Ty::Var(var) = ty else {
        return ty.map_parts(|part| concrete(typed, subst, part));
    };
    if let Some((_, known)) = subst.iter().find(|(own, _)| own == var) {
        return known.clone();
    }
    match typed.rows.get(var) {
        Some(fields) => {
            Ty::record(fields.iter().map(|(name, ty)| (name.clone(), concrete(typed, subst, ty))))
        }
        None => Ty::Number,
    }
}

/// The words of a value, in order.
pub(super) fn flatten(ty: &Ty) -> Vec<Word> {
    let mut out = Vec::new();
    push_words(ty, &mut out);
    out
}

fn push_words(ty: &Ty, out: &mut Vec<Word>) {
    match ty {
        Ty::Number | Ty::Var(_) | Ty::Error => out.push(Word::F64),
        Ty::Int | Ty::Str => out.push(Word::I64),
        Ty::Unit => {}
        Ty::Func(_) | Ty::Array(_) => out.push(Word::Ref),
        Ty::Code(_) | Ty::Variant(..) | Ty::Union(_) => {}
        Ty::Tuple(_) | Ty::Record(_) => {
            ty.parts().into_iter().for_each(|part| push_words(part, out))
        }
    }
}

/// How many words a value has.
pub(super) fn width(ty: &Ty) -> usize {
    match ty {
        Ty::Number
        | Ty::Int
        | Ty::Str
        | Ty::Func(_)
        | Ty::Array(_)
        | Ty::Code(_)
        | Ty::Variant(..)
        | Ty::Union(_)
        | Ty::Var(_)
        | Ty::Error => 1,
        Ty::Unit => 0,
        Ty::Tuple(_) | Ty::Record(_) => ty.parts().into_iter().map(width).sum(),
    }
}

/// The words of the direct part number `index`.
pub(super) fn part_range(ty: &Ty, index: usize) -> Range<usize> {
    let parts = ty.parts();
    let start = parts.iter().take(index).map(|part| width(part)).sum();
    start..start + parts.get(index).map_or(0, |part| width(part))
}

/// The words of a field, with its type.
pub(super) fn field_range(ty: &Ty, name: &SmolStr) -> (Range<usize>, Ty) {
    let Ty::Record(fields) = ty else { return (0..0, Ty::Error) };
    let Some(index) = fields.iter().position(|(field, _)| field == name) else {
        return (0..0, Ty::Error);
    };
    let field = fields.get(index).map_or(Ty::Error, |(_, ty)| ty.clone());
    (part_range(ty, index), field)
}

/// Names of the words of a variable: `x`, `pair.0`, `r.freq`.
pub(super) fn word_names(name: &str, ty: &Ty) -> Vec<String> {
    match ty {
        Ty::Unit => Vec::new(),
        Ty::Number
        | Ty::Int
        | Ty::Str
        | Ty::Func(_)
        | Ty::Array(_)
        | Ty::Code(_)
        | Ty::Variant(..)
        | Ty::Union(_)
        | Ty::Var(_)
        | Ty::Error => {
            vec![name.to_owned()]
        }
        Ty::Tuple(parts) => {
            let parts = parts.iter().enumerate();
            parts.flat_map(|(index, part)| word_names(&format!("{name}.{index}"), part)).collect()
        }
        Ty::Record(fields) => fields
            .iter()
            .flat_map(|(field, part)| word_names(&format!("{name}.{field}"), part))
            .collect(),
    }
}
