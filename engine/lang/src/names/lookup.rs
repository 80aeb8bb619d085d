//! What a name means here, and what to say when it means nothing.
//!
//! A plain name: local variables; members of the module and of those around it; constructors; aliases;
//! wildcards in the order of their `use`; built-ins (language reference 7.2, with module members before
//! top-level names).

use smol_str::SmolStr;

use super::Resolve;
use super::module::{Member, Target, Time, Value, Visibility, Waiting};
use super::suggest::nearest;
use crate::builtins::Builtin;
use crate::diag::Diagnostic;
use crate::hir::{BindingId, ModuleId, TypeExprKind, TypeId};
use crate::source::Span;
use crate::syntax::SyntaxToken;

/// An alias of an alias of an alias: more are a circle.
const MOST_ALIASES: u32 = 32;

/// What a name means.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Binding(BindingId),
    Constructor(TypeId, u32),
    Builtin(Builtin),
    Private(Private),
    Nothing,
}

/// A member that can't be named from here.
#[derive(Clone, Debug)]
pub(super) struct Private {
    target: Target,
    span: Span,
}

/// What a type's name means.
pub(super) enum FoundType {
    Known(TypeExprKind, Visibility, Span),
    Private(Private),
    Nothing,
}

/// What a path leads to.
pub(super) enum PathFound<T> {
    Found(T),
    /// No module of this name.
    NoModule,
    /// The module has no such member.
    NoMember(ModuleId),
}

impl Resolve<'_> {
    /// The module of the code being resolved and those around it, the program itself last.
    pub(super) fn around(&self) -> Vec<ModuleId> {
        let parent = |module: &ModuleId| self.program.modules.get(*module).and_then(|it| it.parent);
        std::iter::successors(Some(self.module), parent).collect()
    }

    /// Whether private members of a module may be named here.
    fn sees_into(&self, module: ModuleId) -> bool {
        self.around().contains(&module)
    }

    /// What a plain name means here.
    pub(super) fn find(&mut self, name: &str) -> Found {
        if let Some(local) = self.scopes.find(name) {
            return Found::Binding(local);
        }
        let is_member = self.modules.is_member(name);
        for module in self.around().into_iter().filter(|_| is_member) {
            if let Some(found) = self.find_member(module, name) {
                return found;
            }
        }
        if let Some((ty, index)) = self.modules.constructor(name, self.horizon) {
            return Found::Constructor(ty, index);
        }
        if let Some(target) = self.modules.alias(name, self.horizon)
            && let Some(found) = self.find_member(target.module, &target.name)
        {
            return found;
        }
        let mut hidden = None;
        let wildcards = if is_member { self.modules.wildcards(self.horizon) } else { Vec::new() };
        for module in wildcards {
            match self.find_member(module, name) {
                Some(Found::Private(private)) => hidden = hidden.or(Some(private)),
                Some(found) => return found,
                None => {}
            }
        }
        match (Builtin::named(name), hidden) {
            (Some(builtin), _) => Found::Builtin(builtin),
            (None, Some(private)) => Found::Private(private),
            (None, None) => match self.modules.later_constructor(name) {
                Some((ty, index)) => Found::Constructor(ty, index),
                None => Found::Nothing,
            },
        }
    }

    /// What `a::b::name` means here.
    pub(super) fn find_path(&mut self, path: &[SyntaxToken]) -> PathFound<Found> {
        let Some((name, modules)) = path.split_last() else { return PathFound::NoModule };
        let modules = self.modules_at(modules);
        for module in &modules {
            if let Some(found) = self.find_member(*module, name.text()) {
                return PathFound::Found(found);
            }
        }
        modules.first().map_or(PathFound::NoModule, |module| PathFound::NoMember(*module))
    }

    /// The modules that a path may mean, likeliest first: absolute, inside the modules around, through
    /// aliases and wildcards.
    pub(super) fn modules_at(&self, path: &[SyntaxToken]) -> Vec<ModuleId> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let mut found = Vec::new();
        let mut add = |start: Option<ModuleId>| {
            let end = rest.iter().try_fold(start?, |at, name| self.submodule(at, name.text()));
            found.extend(end.filter(|end| !found.contains(end)));
            end
        };
        let first = first.text();
        add(self.submodule(ModuleId::ROOT, first));
        for module in self.around() {
            add(self.submodule(module, first));
        }
        if let Some(target) = self.modules.alias(first, self.horizon) {
            add(self.submodule(target.module, &target.name));
        }
        for module in self.modules.wildcards(self.horizon) {
            add(self.submodule(module, first));
        }
        found
    }

    /// A module inside another one, also by an alias of `pub use`.
    fn submodule(&self, parent: ModuleId, name: &str) -> Option<ModuleId> {
        let mut at = Target { module: parent, name: name.into() };
        for _ in 0..MOST_ALIASES {
            if let Some(child) = self.modules.child(at.module, &at.name) {
                return Some(child);
            }
            match self.modules.member(at.module, &at.name, self.horizon)?.value.clone() {
                Value::Alias(target) => at = target,
                Value::Bound(_) | Value::Waiting(_) => return None,
            }
        }
        None
    }

    /// A member of a module as seen from here.
    fn find_member(&mut self, module: ModuleId, name: &str) -> Option<Found> {
        let mut at = Target { module, name: name.into() };
        for _ in 0..MOST_ALIASES {
            let member = self.modules.member(at.module, &at.name, self.horizon)?;
            if member.visibility == Visibility::Private && !self.sees_into(at.module) {
                return Some(Found::Private(Private { span: member.span, target: at }));
            }
            let Member { since, value, .. } = member.clone();
            match value {
                Value::Bound(binding) => return Some(Found::Binding(binding)),
                Value::Waiting(waiting) => {
                    return Some(Found::Binding(self.wake(&at, since, &waiting)));
                }
                Value::Alias(target) => at = target,
            }
        }
        None
    }

    /// Resolves a library function that is used for the first time.
    fn wake(&mut self, at: &Target, since: Time, waiting: &Waiting) -> BindingId {
        let here = super::Here {
            file: waiting.file,
            module: at.module,
            stage: waiting.stage,
            horizon: since,
        };
        self.elsewhere(here, |cx| {
            let span = waiting.def.name().map(|name| cx.token_span(&name));
            let span = span.unwrap_or(Span::new(waiting.file, 0, 0));
            let binding = cx.declare(&at.name, span, crate::hir::BindingKind::Global);
            cx.modules.wake(at.module, &at.name, since, binding);
            cx.at_home(binding);
            let stmt = cx.function(&waiting.def, binding);
            cx.ready.push(stmt);
            binding
        })
    }

    // Types.

    /// What a plain type name means here.
    pub(super) fn find_type(&self, name: &str) -> FoundType {
        let around = self.around().into_iter();
        let alias = self.modules.alias(name, self.horizon);
        let alias = alias.filter(|target| target.name == name).map(|target| target.module);
        let own = around.chain(alias).find_map(|module| self.find_type_member(module, name));
        if let Some(found) = own {
            return found;
        }
        let mut wildcards = self.modules.wildcards(self.horizon).into_iter();
        let public = wildcards.find_map(|module| match self.find_type_member(module, name) {
            Some(FoundType::Known(kind, visibility, span)) => {
                Some(FoundType::Known(kind, visibility, span))
            }
            Some(FoundType::Private(_) | FoundType::Nothing) | None => None,
        });
        match (public, self.modules.declaring(name)) {
            (Some(found), _) => found,
            (None, [only]) => self.find_type_member(*only, name).unwrap_or(FoundType::Nothing),
            (None, _) => FoundType::Nothing,
        }
    }

    /// What `m::Name` means here as a type.
    pub(super) fn find_type_path(&self, path: &[SyntaxToken]) -> PathFound<FoundType> {
        let Some((name, modules)) = path.split_last() else { return PathFound::NoModule };
        let modules = self.modules_at(modules);
        let found = modules.iter().find_map(|module| self.find_type_member(*module, name.text()));
        match (found, modules.first()) {
            (Some(found), _) => PathFound::Found(found),
            (None, Some(module)) => PathFound::NoMember(*module),
            (None, None) => PathFound::NoModule,
        }
    }

    fn find_type_member(&self, module: ModuleId, name: &str) -> Option<FoundType> {
        let mut at = Target { module, name: name.into() };
        for _ in 0..MOST_ALIASES {
            if let Some(member) = self.modules.type_member(at.module, &at.name) {
                if member.visibility == Visibility::Private && !self.sees_into(at.module) {
                    return Some(FoundType::Private(Private { span: member.span, target: at }));
                }
                let (kind, visibility, span) =
                    (member.kind.clone(), member.visibility, member.span);
                return Some(FoundType::Known(kind, visibility, span));
            }
            match self.modules.member(at.module, &at.name, self.horizon)?.value.clone() {
                Value::Alias(target) => at = target,
                Value::Bound(_) | Value::Waiting(_) => return None,
            }
        }
        None
    }

    // Messages.

    /// The path of a module as written: `outer::inner`.
    pub(super) fn module_path(&self, module: ModuleId) -> SmolStr {
        self.program.modules.get(module).map_or_else(SmolStr::default, |it| it.path.clone())
    }

    /// Reports a member that can't be named from outside.
    pub(super) fn private(&mut self, private: &Private, at: Span) {
        let Private { target: Target { module, name }, span } = private;
        let message = format!("`{name}` of module `{}` is private", self.module_path(*module));
        let error = Diagnostic::error("private-member", at, message);
        let error = error.also(*span, "defined here");
        self.report(
            error.help("to use it outside of its module, write `pub` in front of it there"),
        );
    }

    /// Reports a path whose module is unknown.
    pub(super) fn no_module(&mut self, path: &[SyntaxToken]) {
        let [modules @ .., _] = path else { return };
        let Some(first) = modules.first() else { return };
        if self.may_be_foreign(first.text()) {
            return;
        }
        let known = self.modules_at(std::slice::from_ref(first));
        let unknown = modules.iter().enumerate().skip(1).find(|(count, _)| {
            self.modules_at(modules.get(..=*count).unwrap_or_default()).is_empty()
        });
        if let (Some(module), Some((_, name))) = (known.first(), unknown) {
            let module = modules.iter().position(|it| it == name).map_or(*module, |count| {
                let before = self.modules_at(modules.get(..count).unwrap_or_default());
                before.first().copied().unwrap_or(*module)
            });
            return self.no_member(module, name, "module");
        }
        let (at, name) = (self.token_span(first), first.text());
        if !self.tell_once(&format!("{name}::")) {
            return;
        }
        let error = Diagnostic::error("unknown-module", at, format!("there is no module `{name}`"));
        let near = self.near_module(name);
        self.report(match near {
            Some(near) if near == name => error.help(format!("write `use {name}` at the top")),
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("define it with `mod`, or write `use` to load a file"),
        });
    }

    /// The module that was probably meant, known or of the library.
    pub(super) fn near_module(&self, name: &str) -> Option<String> {
        let library = self.loader.library();
        if library.contains(&name) {
            return Some(name.to_owned());
        }
        let known = self.modules.child_names(ModuleId::ROOT).chain(library);
        nearest(name, known).map(str::to_owned)
    }

    /// Reports that a module has no member of this name; `what` says what kind is looked for.
    pub(super) fn no_member(&mut self, module: ModuleId, name: &SyntaxToken, what: &str) {
        let (at, name) = (self.token_span(name), name.text());
        let path = self.module_path(module);
        if self.may_be_foreign(name) || !self.tell_once(&format!("{path}::{name}")) {
            return;
        }
        let message = format!("module `{path}` has no {what} `{name}`");
        let error = Diagnostic::error("unknown-member", at, message);
        if self.has_said_enough() {
            return self.report(error);
        }
        if self.modules.has_let(module, name) {
            let error = error.note("a `let` in a module makes a global variable of the program");
            return self.report(error.help(format!("write it without the module: {name}")));
        }
        if self.modules.constructor(name, self.horizon).is_some() {
            let error = error.note("constructors are known everywhere by their own name");
            return self.report(error.help(format!("write it without the module: {name}")));
        }
        if let Some(later) = self.later.get(&(module, name.into())).copied()
            && later.file == at.file
            && later.start > at.start
        {
            let error = error.also(later, "defined further down");
            return self.report(error.help("move the definition in front of its first use"));
        }
        let public = self.modules.members(module).filter(|(_, member)| {
            member.visibility == Visibility::Public || self.sees_into(module)
        });
        let names = public.map(|(name, _)| name.as_str());
        let near = nearest(name, names.chain(self.modules.child_names(module)));
        let near = near.map(|near| format!("did you mean `{near}`?"));
        self.report(match near {
            Some(near) => error.help(near),
            None => error,
        });
    }

    /// Every plain value name that can be used here, for suggestions.
    pub(super) fn visible_names(&self) -> Vec<SmolStr> {
        let mut names: Vec<SmolStr> = self.scopes.names().map(SmolStr::new).collect();
        for module in self.around() {
            names.extend(self.modules.members(module).map(|(name, _)| name.clone()));
        }
        for module in self.modules.wildcards(self.horizon) {
            let members = self.modules.members(module);
            let public = members.filter(|(_, member)| member.visibility == Visibility::Public);
            names.extend(public.map(|(name, _)| name.clone()));
        }
        names.extend(self.modules.alias_names().map(SmolStr::new));
        names.extend(self.modules.constructor_names().map(SmolStr::new));
        names
    }
}
