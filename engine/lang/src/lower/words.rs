//! Concrete types and the words that hold their values.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use attacca_mir::op::Ty as Word;
use cranelift_entity::SecondaryMap;
use rustc_hash::FxHasher;
use smol_str::SmolStr;

use crate::hir::{Program, TypeId};
use crate::source::SourceMap;
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

/// What the variables of a type are in a type made from it; the first found counts.
pub(super) fn matched(general: &Ty, special: &Ty, found: &mut Vec<(VarId, Ty)>) {
    if let Ty::Var(var) = general {
        if found.iter().all(|(known, _)| known != var) {
            found.push((*var, special.clone()));
        }
        return;
    }
    for (general, special) in general.parts().into_iter().zip(special.parts()) {
        matched(general, special, found);
    }
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

/// How many words of each kind the alternatives of a variant or union share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    pub(super) floats: u32,
    pub(super) ints: u32,
    pub(super) refs: u32,
}

impl Slots {
    /// Makes room for one more alternative.
    fn admit(&mut self, words: &[Word]) {
        let count = |kind| words.iter().filter(|word| **word == kind).count() as u32;
        self.floats = self.floats.max(count(Word::F64));
        self.ints = self.ints.max(count(Word::I64));
        self.refs = self.refs.max(count(Word::Ref));
    }

    /// Tag and slots: floats, integers, refs.
    pub(super) fn words(self) -> impl Iterator<Item = Word> {
        let repeat = |word, count: u32| std::iter::repeat_n(word, count as usize);
        std::iter::once(Word::I64)
            .chain(repeat(Word::F64, self.floats))
            .chain(repeat(Word::I64, self.ints))
            .chain(repeat(Word::Ref, self.refs))
    }

    /// Where the words of an alternative lie, tag counted.
    pub(super) fn places(self, words: &[Word]) -> Vec<usize> {
        let mut next = (1, 1 + self.floats as usize, 1 + (self.floats + self.ints) as usize);
        let place = |word: &Word| {
            let at = match word {
                Word::F64 => &mut next.0,
                Word::I64 => &mut next.1,
                Word::Ref => &mut next.2,
            };
            *at += 1;
            *at - 1
        };
        words.iter().map(place).collect()
    }
}

/// How values of a declared type are held.
#[derive(Clone, Copy, Debug, Default)]
struct Layout {
    slots: Slots,
    /// A type that may contain itself is one ref to an object with tag and slots.
    boxed: bool,
}

/// The words of values of all types.
#[derive(Debug, Default)]
pub(super) struct Layouts {
    declared: SecondaryMap<TypeId, Option<Layout>>,
    /// Whether some type is larger than any program needs.
    pub(super) too_large: Option<TypeId>,
}

/// Most words of one value of a declared type, and deepest chain of types in each other.
const MAX_WORDS: usize = 4096;

impl Layouts {
    /// Lays out all declared types of a program.
    pub(super) fn of(typed: &Typed) -> Self {
        let mut out = Self::default();
        for (id, def) in &typed.program.types {
            let boxed = def.recursive;
            out.declared[id] = boxed.then_some(Layout { slots: Slots::default(), boxed });
        }
        for id in typed.program.types.keys() {
            out.lay_out(typed, id, 0);
        }
        out
    }

    fn lay_out(&mut self, typed: &Typed, id: TypeId, depth: usize) {
        if depth > MAX_WORDS / 16 {
            self.too_large = self.too_large.or(Some(id));
            return;
        }
        let mut slots = Slots::default();
        for payload in typed.payloads[id].iter().flatten() {
            let payload = concrete(typed, &Subst::from([]), payload);
            self.lay_out_parts(typed, &payload, depth);
            let words = self.flatten(&payload);
            if words.len() > MAX_WORDS {
                self.too_large = self.too_large.or(Some(id));
                return;
            }
            slots.admit(&words);
        }
        let boxed = typed.program.types[id].recursive;
        self.declared[id] = Some(Layout { slots, boxed });
    }

    /// Lays out the declared types inside a type that were not yet.
    fn lay_out_parts(&mut self, typed: &Typed, ty: &Ty, depth: usize) {
        match ty {
            Ty::Variant(id, _) if self.declared[*id].is_none() => {
                self.lay_out(typed, *id, depth + 1);
            }
            Ty::Tuple(_) | Ty::Record(_) | Ty::Union(_) => {
                ty.parts().into_iter().for_each(|part| self.lay_out_parts(typed, part, depth));
            }
            // Refs need no layout of what they lead to.
            Ty::Variant(..)
            | Ty::Array(_)
            | Ty::Func(_)
            | Ty::Code(_)
            | Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Var(_)
            | Ty::Error => {}
        }
    }

    /// Whether a declared type is held as one ref.
    pub(super) fn is_boxed(&self, id: TypeId) -> bool {
        self.declared[id].is_some_and(|layout| layout.boxed)
    }

    /// The slots of a declared type or union; none for others.
    pub(super) fn slots(&self, ty: &Ty) -> Slots {
        match ty {
            Ty::Variant(id, _) => self.declared[*id].unwrap_or_default().slots,
            Ty::Union(members) => {
                let mut slots = Slots::default();
                members.iter().for_each(|member| slots.admit(&self.flatten(member)));
                slots
            }
            Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Tuple(_)
            | Ty::Record(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Var(_)
            | Ty::Error => Slots::default(),
        }
    }

    /// The words of a value, in order.
    pub(super) fn flatten(&self, ty: &Ty) -> Vec<Word> {
        let mut out = Vec::new();
        self.push_words(ty, &mut out);
        out
    }

    fn push_words(&self, ty: &Ty, out: &mut Vec<Word>) {
        if out.len() > MAX_WORDS {
            return;
        }
        match ty {
            Ty::Number | Ty::Var(_) | Ty::Error => out.push(Word::F64),
            Ty::Int | Ty::Str => out.push(Word::I64),
            // Code is gone when a program is lowered.
            Ty::Unit | Ty::Code(_) => {}
            Ty::Func(_) | Ty::Array(_) => out.push(Word::Ref),
            Ty::Variant(id, _) if self.is_boxed(*id) => out.push(Word::Ref),
            Ty::Variant(..) | Ty::Union(_) => out.extend(self.slots(ty).words()),
            Ty::Tuple(_) | Ty::Record(_) => {
                ty.parts().into_iter().for_each(|part| self.push_words(part, out));
            }
        }
    }

    /// How many words a value has.
    pub(super) fn width(&self, ty: &Ty) -> usize {
        self.flatten(ty).len()
    }

    /// The words of the direct part number `index` of a tuple or record.
    pub(super) fn part_range(&self, ty: &Ty, index: usize) -> Range<usize> {
        let parts = ty.parts();
        let start = parts.iter().take(index).map(|part| self.width(part)).sum();
        start..start + parts.get(index).map_or(0, |part| self.width(part))
    }

    /// The words of a field, with its type.
    pub(super) fn field_range(&self, ty: &Ty, name: &SmolStr) -> (Range<usize>, Ty) {
        let Ty::Record(fields) = ty else { return (0..0, Ty::Error) };
        let Some(index) = fields.iter().position(|(field, _)| field == name) else {
            return (0..0, Ty::Error);
        };
        let field = fields.get(index).map_or(Ty::Error, |(_, ty)| ty.clone());
        (self.part_range(ty, index), field)
    }

    /// Names of the words of a variable: `x`, `pair.0`, `r.freq`, `shape.tag`.
    pub(super) fn word_names(&self, name: &str, ty: &Ty) -> Vec<String> {
        match ty {
            Ty::Tuple(parts) => {
                let parts = (0..).zip(parts.iter());
                parts
                    .flat_map(|(at, part)| self.word_names(&format!("{name}.{at}"), part))
                    .collect()
            }
            Ty::Record(fields) => fields
                .iter()
                .flat_map(|(field, part)| self.word_names(&format!("{name}.{field}"), part))
                .collect(),
            Ty::Variant(..) | Ty::Union(_) if self.width(ty) > 1 => (0..self.width(ty))
                .map(
                    |at| if at == 0 { format!("{name}.tag") } else { format!("{name}.{}", at - 1) },
                )
                .collect(),
            Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Var(_)
            | Ty::Error => vec![name.to_owned(); self.width(ty)],
        }
    }

    /// The words of a function type's argument and result.
    pub(super) fn signature(&self, ty: &Ty) -> (Vec<Word>, Vec<Word>) {
        match ty {
            Ty::Func(func) => (self.flatten(&func.arg), self.flatten(&func.ret)),
            Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Tuple(_)
            | Ty::Record(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Var(_)
            | Ty::Error => (Vec::new(), Vec::new()),
        }
    }
}

/// Hash of a type: equal for the same type in two versions of a program. A type with a declared one in
/// it changes with any declaration.
pub(super) fn type_hash(declared: u64, ty: &Ty) -> u64 {
    let mut hash = FxHasher::default();
    ty.hash(&mut hash);
    if names_declared(ty) {
        declared.hash(&mut hash);
    }
    hash.finish().max(1)
}

/// Hash of all declared types.
pub(super) fn declared_types(program: &Program, sources: &SourceMap) -> u64 {
    let mut hash = FxHasher::default();
    let words = |span| crate::words::hash(sources.slice(span));
    for def in program.types.values() {
        (&def.name, def.recursive).hash(&mut hash);
        for variant in &def.variants {
            (&variant.name, variant.payload.as_ref().map(|ty| words(ty.span))).hash(&mut hash);
        }
    }
    for alias in program.aliases.values() {
        (&alias.name, words(alias.ty.span)).hash(&mut hash);
    }
    hash.finish()
}

fn names_declared(ty: &Ty) -> bool {
    matches!(ty, Ty::Variant(..)) || ty.parts().into_iter().any(names_declared)
}

/// Whether a value is numbers, each of which means something without the others.
pub(super) fn is_numbers(ty: &Ty) -> bool {
    match ty {
        Ty::Number | Ty::Unit | Ty::Var(_) | Ty::Error => true,
        Ty::Tuple(_) | Ty::Record(_) => ty.parts().into_iter().all(is_numbers),
        Ty::Int
        | Ty::Str
        | Ty::Func(_)
        | Ty::Array(_)
        | Ty::Code(_)
        | Ty::Variant(..)
        | Ty::Union(_) => false,
    }
}
