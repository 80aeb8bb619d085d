//! Unification: what is known about type variables while a program is checked.
//!
//! Takes pairs of types that must agree, gives [`Clash`] where they cannot. Polymorphism is by
//! levels: a variable made inside a definition and not reachable from outside is generalised.
//! Types are bounded in size and depth, so that no program makes the checker run away.

use std::cell::Cell;

use cranelift_entity::PrimaryMap;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::ty::{Rows, Ty, VarId};

/// Most parts one type may have, all levels counted.
pub(crate) const MAX_PARTS: usize = 4096;
/// Deepest nesting of one type.
pub(crate) const MAX_NESTING: usize = 64;

/// Why two types do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clash {
    /// They are different.
    Differ,
    /// Tuples of different lengths.
    Length,
    /// A field that is needed is missing.
    Field(SmolStr),
    /// A type would contain itself.
    Infinite,
    /// A type would be larger than the limits above.
    Large,
}

#[derive(Clone, Debug)]
enum State {
    Free { level: u32 },
    Generic,
    Bound(Ty),
}

/// A type with the variables that each use replaces by its own.
#[derive(Clone, Debug)]
pub struct Scheme {
    /// Type parameters.
    pub vars: Vec<VarId>,
    /// The type they occur in.
    pub ty: Ty,
}

impl Scheme {
    /// A type without parameters.
    pub(crate) fn mono(ty: Ty) -> Self {
        Self { vars: Vec::new(), ty }
    }
}

/// All type variables of one check.
#[derive(Default)]
pub(crate) struct Table {
    vars: PrimaryMap<VarId, State>,
    pub(crate) rows: Rows,
    level: u32,
}

impl Table {
    /// A new unknown type.
    pub(crate) fn fresh(&mut self) -> Ty {
        Ty::Var(self.vars.push(State::Free { level: self.level }))
    }

    /// What follows is inside one more generalisable definition.
    pub(crate) fn enter(&mut self) {
        self.level += 1;
    }

    /// Undoes [`Table::enter`].
    pub(crate) fn leave(&mut self) {
        self.level -= 1;
    }

    /// The type with its outermost variable replaced, if it is known.
    pub(crate) fn resolve(&self, ty: &Ty) -> Ty {
        let mut ty = ty.clone();
        while let Ty::Var(var) = &ty {
            match &self.vars[*var] {
                State::Bound(next) => ty = next.clone(),
                State::Free { .. } | State::Generic => break,
            }
        }
        ty
    }

    /// The type with all known variables replaced.
    pub(crate) fn zonk(&self, ty: &Ty) -> Ty {
        // Larger types were told where they grew; written out they could fill the memory.
        let room = Cell::new(64 * MAX_PARTS);
        self.zonk_within(ty, &room)
    }

    fn zonk_within(&self, ty: &Ty, room: &Cell<usize>) -> Ty {
        let Some(rest) = room.get().checked_sub(1) else { return Ty::Error };
        room.set(rest);
        self.resolve(ty).map_parts(|part| self.zonk_within(part, room))
    }

    /// The open records that are still open, with known variables replaced.
    pub(crate) fn final_rows(&self) -> Rows {
        let free = self.rows.iter().filter(|(var, _)| !matches!(self.vars[**var], State::Bound(_)));
        let zonked = |fields: &[(SmolStr, Ty)]| {
            fields.iter().map(|(n, t)| (n.clone(), self.zonk(t))).collect()
        };
        free.map(|(var, fields)| (*var, zonked(fields))).collect()
    }

    /// Makes two types agree.
    pub(crate) fn unify(&mut self, a: &Ty, b: &Ty) -> Result<(), Clash> {
        let (a, b) = (self.resolve(a), self.resolve(b));
        match (&a, &b) {
            (Ty::Error, _) | (_, Ty::Error) => Ok(()),
            (Ty::Var(x), Ty::Var(y)) if x == y => Ok(()),
            (Ty::Var(var), other) | (other, Ty::Var(var)) => self.bind(*var, other),
            (Ty::Number, Ty::Number)
            | (Ty::Int, Ty::Int)
            | (Ty::Str, Ty::Str)
            | (Ty::Unit, Ty::Unit) => Ok(()),
            (Ty::Tuple(xs), Ty::Tuple(ys)) if xs.len() != ys.len() => Err(Clash::Length),
            (Ty::Tuple(xs), Ty::Tuple(ys)) => {
                xs.iter().zip(ys.iter()).try_for_each(|(x, y)| self.unify(x, y))
            }
            (Ty::Record(xs), Ty::Record(ys)) => {
                for (name, _) in xs.iter() {
                    b.field(name).ok_or_else(|| Clash::Field(name.clone()))?;
                }
                for (name, y) in ys.iter() {
                    let x = a.field(name).ok_or_else(|| Clash::Field(name.clone()))?;
                    self.unify(x, y)?;
                }
                Ok(())
            }
            (Ty::Func(x), Ty::Func(y)) => {
                self.unify(&x.arg, &y.arg)?;
                self.unify(&x.ret, &y.ret)
            }
            (Ty::Array(x), Ty::Array(y)) | (Ty::Code(x), Ty::Code(y)) => self.unify(x, y),
            (Ty::Variant(x, _), Ty::Variant(y, _)) if x == y => Ok(()),
            // Members are in one order, whatever the text's.
            (Ty::Union(xs), Ty::Union(ys)) if xs.len() == ys.len() => {
                xs.iter().zip(ys.iter()).try_for_each(|(x, y)| self.unify(x, y))
            }
            (
                Ty::Number
                | Ty::Int
                | Ty::Str
                | Ty::Unit
                | Ty::Tuple(_)
                | Ty::Record(_)
                | Ty::Func(_)
                | Ty::Array(_)
                | Ty::Code(_)
                | Ty::Variant(..)
                | Ty::Union(_),
                _,
            ) => Err(Clash::Differ),
        }
    }

    fn bind(&mut self, var: VarId, ty: &Ty) -> Result<(), Clash> {
        self.admit(var, ty)?;
        let Some(wanted) = self.rows.get(&var).cloned() else {
            self.vars[var] = State::Bound(ty.clone());
            return Ok(());
        };
        match ty {
            Ty::Var(other) => {
                for (name, field) in wanted.iter() {
                    self.admit(*other, field)?;
                    self.add_field(*other, name, field)?;
                }
            }
            Ty::Record(_) => {
                for (name, field) in wanted.iter() {
                    let has = ty.field(name).ok_or_else(|| Clash::Field(name.clone()))?;
                    self.unify(field, has)?;
                }
            }
            Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Tuple(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Error => {
                return Err(Clash::Differ);
            }
        }
        self.vars[var] = State::Bound(ty.clone());
        Ok(())
    }

    /// Requires that the record behind an unknown type has a field; gives the field's type.
    pub(crate) fn need_field(&mut self, var: VarId, name: &SmolStr) -> Ty {
        let known = self.rows.get(&var).and_then(|fields| fields.iter().find(|(n, _)| n == name));
        if let Some((_, ty)) = known {
            return ty.clone();
        }
        let level = match &self.vars[var] {
            State::Free { level } => *level,
            State::Generic | State::Bound(_) => self.level,
        };
        let ty = Ty::Var(self.vars.push(State::Free { level }));
        self.insert_field(var, name, &ty);
        ty
    }

    fn add_field(&mut self, var: VarId, name: &SmolStr, ty: &Ty) -> Result<(), Clash> {
        let known = self.rows.get(&var).and_then(|fields| fields.iter().find(|(n, _)| n == name));
        if let Some((_, has)) = known.cloned() {
            return self.unify(&has, ty);
        }
        self.insert_field(var, name, ty);
        Ok(())
    }

    fn insert_field(&mut self, var: VarId, name: &SmolStr, ty: &Ty) {
        let old = self.rows.get(&var).map_or(&[][..], |fields| fields);
        let mut fields = old.to_vec();
        fields.push((name.clone(), ty.clone()));
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.rows.insert(var, fields.into());
    }

    /// Checks that `var` may become `ty`: not inside itself, not too large; what `ty` mentions
    /// becomes as visible as `var`.
    fn admit(&mut self, var: VarId, ty: &Ty) -> Result<(), Clash> {
        let level = match &self.vars[var] {
            State::Free { level } => *level,
            State::Generic | State::Bound(_) => self.level,
        };
        let mut budget = MAX_PARTS;
        self.walk(ty, 0, &mut budget, &mut |table, seen| {
            if seen == var {
                return Err(Clash::Infinite);
            }
            if let State::Free { level: own } = &mut table.vars[seen] {
                *own = (*own).min(level);
            }
            Ok(())
        })
    }

    /// Whether a type that was put together stays within the limits.
    pub(crate) fn fits(&mut self, ty: &Ty) -> bool {
        let mut budget = MAX_PARTS;
        self.walk(ty, 0, &mut budget, &mut |_, _| Ok(())).is_ok()
    }

    /// Visits all variables of a type, those inside open records included.
    fn walk(
        &mut self,
        ty: &Ty,
        depth: usize,
        budget: &mut usize,
        visit: &mut impl FnMut(&mut Self, VarId) -> Result<(), Clash>,
    ) -> Result<(), Clash> {
        if *budget == 0 || depth > MAX_NESTING {
            return Err(Clash::Large);
        }
        *budget -= 1;
        let ty = self.resolve(ty);
        if let Ty::Var(var) = ty {
            visit(self, var)?;
            let fields = self.rows.get(&var).cloned();
            return fields
                .iter()
                .flat_map(|fields| fields.iter())
                .try_for_each(|(_, field)| self.walk(field, depth + 1, budget, visit));
        }
        ty.parts().into_iter().try_for_each(|part| self.walk(part, depth + 1, budget, visit))
    }

    /// Makes a scheme of a definition's type: variables that only the definition sees become its
    /// parameters.
    pub(crate) fn generalise(&mut self, ty: &Ty) -> Scheme {
        let level = self.level;
        let mut vars = Vec::new();
        let mut budget = MAX_PARTS;
        let walked = self.walk(ty, 0, &mut budget, &mut |table, var| {
            if matches!(&table.vars[var], State::Free { level: own } if *own > level) {
                vars.push(var);
                table.vars[var] = State::Generic;
            }
            Ok(())
        });
        // A type beyond the limits was reported where it grew; it stays as general as was seen.
        debug_assert!(walked.is_ok() || !vars.is_empty() || !self.fits(ty));
        Scheme { vars, ty: self.zonk(ty) }
    }

    /// A use of a scheme: its type with fresh parameters, and which parameter became what.
    pub(crate) fn instantiate(&mut self, scheme: &Scheme) -> (Ty, Vec<(VarId, Ty)>) {
        if scheme.vars.is_empty() {
            return (scheme.ty.clone(), Vec::new());
        }
        let pairs: Vec<_> = scheme.vars.iter().map(|var| (*var, self.fresh())).collect();
        let map: FxHashMap<_, _> = pairs.iter().cloned().collect();
        for (var, fresh) in &pairs {
            if let (Some(fields), Ty::Var(fresh)) = (self.rows.get(var).cloned(), fresh) {
                let fields = fields.iter().map(|(name, ty)| (name.clone(), self.replace(ty, &map)));
                let fields = fields.collect();
                self.rows.insert(*fresh, fields);
            }
        }
        (self.replace(&scheme.ty, &map), pairs)
    }

    fn replace(&self, ty: &Ty, map: &FxHashMap<VarId, Ty>) -> Ty {
        let ty = self.resolve(ty);
        match &ty {
            Ty::Var(var) => map.get(var).cloned().unwrap_or(ty),
            Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Tuple(_)
            | Ty::Record(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Error => ty.map_parts(|part| self.replace(part, map)),
        }
    }
}
