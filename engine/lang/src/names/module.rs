//! What modules hold: the tables that names are looked up in.
//!
//! Entries carry the time of their definition, so that a library function, which is resolved only when
//! it is used, sees what was defined before it and nothing later.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use crate::hir::{BindingId, ModuleId, Stage, TypeExprKind, TypeId};
use crate::source::{FileId, Span};
use crate::syntax::ast;

/// When something was defined; later is larger.
pub(super) type Time = u32;

/// Whether a member may be named from outside its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    Public,
    Private,
}

impl Visibility {
    pub(super) fn of(public: bool) -> Self {
        if public { Self::Public } else { Self::Private }
    }
}

/// A value member of a module.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) module: ModuleId,
    pub(super) since: Time,
    pub(super) value: Value,
    pub(super) visibility: Visibility,
    pub(super) span: Span,
}

/// What a member is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Bound(BindingId),
    /// A library function that nothing has used yet.
    Waiting(Rc<Waiting>),
    /// `pub use` of a member of another module.
    Alias(Target),
}

/// A function that is resolved at its first use.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) def: ast::FnDef,
    pub(super) file: FileId,
    pub(super) stage: Stage,
}

/// A member by its place; it may not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) module: ModuleId,
    pub(super) name: SmolStr,
}

/// A declared type.
#[derive(Clone, Debug)]
pub(super) struct TypeMember {
    pub(super) kind: TypeExprKind,
    pub(super) visibility: Visibility,
    pub(super) span: Span,
}

/// The tables of all modules.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// Members by name, of all modules, in the order of their definition: most names are of none.
    values: FxHashMap<SmolStr, Vec<Member>>,
    types: FxHashMap<(ModuleId, SmolStr), TypeMember>,
    /// The modules that declare a type of this name.
    declaring: FxHashMap<SmolStr, Vec<ModuleId>>,
    children: FxHashMap<(ModuleId, SmolStr), ModuleId>,
    constructors: FxHashMap<SmolStr, Vec<(Time, TypeId, u32)>>,
    announced: FxHashMap<SmolStr, (TypeId, u32)>,
    aliases: FxHashMap<SmolStr, Vec<(Time, Target)>>,
    wildcards: Vec<(Time, ModuleId)>,
    /// Names that a `let` in a module made global.
    lets: FxHashSet<(ModuleId, SmolStr)>,
    /// Modules whose end was not reached yet.
    pub(super) open: Vec<ModuleId>,
    now: Time,
}

impl Modules {
    /// The time of the next definition.
    fn tick(&mut self) -> Time {
        self.now += 1;
        self.now
    }

    pub(super) fn define(
        &mut self,
        module: ModuleId,
        name: SmolStr,
        value: Value,
        visibility: Visibility,
        span: Span,
    ) {
        let member = Member { module, since: self.tick(), value, visibility, span };
        self.values.entry(name).or_default().push(member);
    }

    /// The newest definition of a member up to a time.
    pub(super) fn member(&self, module: ModuleId, name: &str, until: Time) -> Option<&Member> {
        let mut all = self.values.get(name)?.iter().rev();
        all.find(|member| member.module == module && member.since <= until)
    }

    /// Whether any module has a member of this name.
    pub(super) fn is_member(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Gives a waiting function its binding.
    pub(super) fn wake(&mut self, module: ModuleId, name: &str, since: Time, binding: BindingId) {
        let all = self.values.get_mut(name).into_iter().flatten();
        let mut own = all.filter(|member| member.module == module);
        let found = own.find(|member| member.since == since);
        if let Some(member) = found {
            member.value = Value::Bound(binding);
        }
    }

    /// All value members of a module.
    pub(super) fn members(&self, module: ModuleId) -> impl Iterator<Item = (&SmolStr, &Member)> {
        let newest = move |all: &'_ [Member]| all.iter().rposition(|it| it.module == module);
        self.values.iter().filter_map(move |(name, all)| Some((name, all.get(newest(all)?)?)))
    }

    pub(super) fn declare_type(&mut self, module: ModuleId, name: SmolStr, member: TypeMember) {
        let declaring = self.declaring.entry(name.clone()).or_default();
        if !declaring.contains(&module) {
            declaring.push(module);
        }
        self.types.insert((module, name), member);
    }

    pub(super) fn type_member(&self, module: ModuleId, name: &str) -> Option<&TypeMember> {
        self.types.get(&(module, SmolStr::new(name)))
    }

    /// The modules that declare a type of this name.
    pub(super) fn declaring(&self, name: &str) -> &[ModuleId] {
        self.declaring.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn type_names(&self) -> impl Iterator<Item = &str> {
        self.declaring.keys().map(SmolStr::as_str)
    }

    pub(super) fn add_child(&mut self, parent: ModuleId, name: SmolStr, child: ModuleId) {
        self.children.insert((parent, name), child);
    }

    /// The module of this name inside another one.
    pub(super) fn child(&self, parent: ModuleId, name: &str) -> Option<ModuleId> {
        self.children.get(&(parent, SmolStr::new(name))).copied()
    }

    /// Names of the modules inside another one.
    pub(super) fn child_names(&self, parent: ModuleId) -> impl Iterator<Item = &str> {
        let own = self.children.keys().filter(move |(home, _)| *home == parent);
        own.map(|(_, name)| name.as_str())
    }

    pub(super) fn add_constructor(&mut self, name: SmolStr, ty: TypeId, index: u32) {
        let since = self.tick();
        self.constructors.entry(name).or_default().push((since, ty, index));
    }

    /// Notes a constructor whose type is declared further down; one that is declared goes before it.
    pub(super) fn announce_constructor(&mut self, name: SmolStr, ty: TypeId, index: u32) {
        self.announced.entry(name).or_insert((ty, index));
    }

    pub(super) fn constructor(&self, name: &str, until: Time) -> Option<(TypeId, u32)> {
        let mut all = self.constructors.get(name).into_iter().flatten().rev();
        let found = all.find(|(since, ..)| *since <= until);
        found.map(|(_, ty, index)| (*ty, *index))
    }

    /// A constructor of a type that is declared further down.
    pub(super) fn later_constructor(&self, name: &str) -> Option<(TypeId, u32)> {
        self.announced.get(name).copied()
    }

    pub(super) fn constructor_names(&self) -> impl Iterator<Item = &str> {
        self.constructors.keys().map(SmolStr::as_str)
    }

    pub(super) fn add_alias(&mut self, name: SmolStr, target: Target) {
        let since = self.tick();
        self.aliases.entry(name).or_default().push((since, target));
    }

    /// What a name was imported as.
    pub(super) fn alias(&self, name: &str, until: Time) -> Option<Target> {
        let all = self.aliases.get(name)?;
        all.iter().rev().find(|(since, _)| *since <= until).map(|(_, target)| target.clone())
    }

    pub(super) fn alias_names(&self) -> impl Iterator<Item = &str> {
        self.aliases.keys().map(SmolStr::as_str)
    }

    pub(super) fn add_wildcard(&mut self, module: ModuleId) {
        let since = self.tick();
        if !self.wildcards.iter().any(|(_, known)| *known == module) {
            self.wildcards.push((since, module));
        }
    }

    /// The modules imported with `*` up to a time, in the order of their `use`.
    pub(super) fn wildcards(&self, until: Time) -> Vec<ModuleId> {
        let seen = self.wildcards.iter().take_while(|(since, _)| *since <= until);
        seen.map(|(_, module)| *module).collect()
    }

    pub(super) fn add_let(&mut self, module: ModuleId, name: SmolStr) {
        self.lets.insert((module, name));
    }

    /// Whether a `let` in this module made a global of this name.
    pub(super) fn has_let(&self, module: ModuleId, name: &str) -> bool {
        self.lets.contains(&(module, SmolStr::new(name)))
    }
}
