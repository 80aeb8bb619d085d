//! Declared types: aliases, variants, unions.

use super::error::TypeError;
use super::infer::Checker;
use super::ty::Ty;
use crate::diag::Diagnostic;
use crate::hir::{AliasId, TypeDef, TypeExpr, TypeExprKind, TypeId};
use crate::source::Span;

/// How far an alias is understood.
#[derive(Clone, Debug, Default)]
pub(super) enum AliasState {
    /// Not looked at yet.
    #[default]
    New,
    /// Being looked at: meeting it again means a cycle.
    Open,
    /// This type.
    Done(Ty),
}

impl Checker<'_, '_> {
    /// Finds out what all constructors carry.
    pub(super) fn declared_types(&mut self) {
        let program = self.program;
        // Types that are part of a cycle already reported.
        let mut told = Vec::new();
        for id in program.types.keys() {
            if !told.contains(&id) {
                told.extend(self.check_cycle(id));
            }
        }
        for (id, def) in &program.types {
            let payloads = def
                .variants
                .iter()
                .map(|variant| variant.payload.as_ref().map(|ty| self.annotation(ty)))
                .collect();
            self.payloads[id] = payloads;
        }
        for (id, alias) in &program.aliases {
            self.alias(id, alias.span);
        }
    }

    /// A variant type by its definition.
    pub(super) fn declared(&self, id: TypeId) -> Ty {
        match self.program.types.get(id) {
            Some(def) if self.is_broken(def.span) => Ty::Error,
            Some(def) => Ty::Variant(id, def.name.clone()),
            None => Ty::Error,
        }
    }

    /// What an alias stands for.
    pub(super) fn alias(&mut self, id: AliasId, at: Span) -> Ty {
        match &self.aliases[id] {
            AliasState::Done(ty) => return ty.clone(),
            AliasState::Open => {
                let name = &self.program.aliases[id].name;
                let message = format!("the alias `{name}` stands for itself");
                let error = Diagnostic::error("cyclic-alias", at, message);
                let span = self.program.aliases[id].span;
                self.diagnose(error.also(span, "this one"));
                self.aliases[id] = AliasState::Done(Ty::Error);
                return Ty::Error;
            }
            AliasState::New => {}
        }
        self.aliases[id] = AliasState::Open;
        let program = self.program;
        let letters = std::mem::take(&mut self.frame().letters);
        let ty = match self.is_broken(program.aliases[id].span) {
            true => Ty::Error,
            false => self.annotation(&program.aliases[id].ty),
        };
        self.frame().letters = letters;
        if let AliasState::Done(known) = &self.aliases[id] {
            return known.clone();
        }
        let ty = if self.table.fits(&ty) {
            ty
        } else {
            self.report(TypeError::Large { at: program.aliases[id].span });
            Ty::Error
        };
        self.aliases[id] = AliasState::Done(ty.clone());
        ty
    }

    /// A union, without duplicates; of one member that one. With a member that is not known,
    /// nothing is known of the whole: its tags and slots follow from all members.
    pub(super) fn union(&mut self, members: Vec<Ty>) -> Ty {
        self.unions = true;
        let mut out: Vec<Ty> = Vec::new();
        for member in members {
            let member = self.table.zonk(&member);
            if member.holds_variable() {
                return self.table.fresh();
            }
            let parts = if let Ty::Union(parts) = &member { parts.to_vec() } else { vec![member] };
            for part in parts {
                if !out.contains(&part) {
                    out.push(part);
                }
            }
        }
        // One order, so that the order of the text makes no other type.
        out.sort_by_key(|member| format!("{member:?}"));
        match (out.len(), out.pop()) {
            (1, Some(only)) => only,
            (_, last) => {
                out.extend(last);
                Ty::Union(out.into())
            }
        }
    }

    /// A type that contains itself needs `rec`; several that contain each other are not possible.
    /// Gives the types that were looked through on the way to a reported cycle.
    fn check_cycle(&mut self, id: TypeId) -> Vec<TypeId> {
        let program = self.program;
        let def = &program.types[id];
        let (mut types, mut aliases) = (Vec::new(), Vec::new());
        // What is still to be looked through, and whether another type lies between.
        let mut todo: Vec<(&TypeExpr, Way)> = payloads(def).map(|ty| (ty, Way::Direct)).collect();
        while let Some((ty, way)) = todo.pop() {
            match &ty.kind {
                TypeExprKind::Named(other) if *other == id => {
                    if way == Way::Direct && def.recursive {
                        continue;
                    }
                    self.recursive_type(id, ty.span, way);
                    return types;
                }
                TypeExprKind::Named(other) => {
                    if !types.contains(other) {
                        types.push(*other);
                        let other = payloads(&program.types[*other]);
                        todo.extend(other.map(|ty| (ty, Way::Around)));
                    }
                }
                TypeExprKind::Alias(alias) => {
                    if !aliases.contains(&(*alias, way)) {
                        aliases.push((*alias, way));
                        todo.push((&program.aliases[*alias].ty, way));
                    }
                }
                TypeExprKind::Array(of) | TypeExprKind::Code(of) => todo.push((of, way)),
                TypeExprKind::Tuple(parts) | TypeExprKind::Union(parts) => {
                    todo.extend(parts.iter().map(|ty| (ty, way)));
                }
                TypeExprKind::Record(fields) => {
                    todo.extend(fields.iter().map(|(_, ty)| (ty, way)));
                }
                TypeExprKind::Func(params, ret) => {
                    todo.extend(params.iter().map(|ty| (ty, way)));
                    todo.push((ret, way));
                }
                TypeExprKind::Float
                | TypeExprKind::Int
                | TypeExprKind::Str
                | TypeExprKind::Unit
                | TypeExprKind::Param(_)
                | TypeExprKind::Infer => {}
            }
        }
        Vec::new()
    }

    fn recursive_type(&mut self, id: TypeId, at: Span, way: Way) {
        let def = &self.program.types[id];
        let name = &def.name;
        let (message, help) = match way {
            Way::Direct => (
                format!("`{name}` contains itself"),
                format!("a type that contains itself is declared with `rec`: type rec {name} = .."),
            ),
            Way::Around => (
                format!("`{name}` contains itself by way of another type"),
                "put both into one type with more constructors".to_owned(),
            ),
        };
        let error = Diagnostic::error("recursive-type", at, message);
        self.diagnose(error.also(def.span, "declared here").help(help));
    }
}

/// How a type comes to contain itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    Around,
}

fn payloads(def: &TypeDef) -> impl Iterator<Item = &TypeExpr> {
    def.variants.iter().filter_map(|variant| variant.payload.as_ref())
}
