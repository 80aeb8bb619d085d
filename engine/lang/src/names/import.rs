//! `mod`, `use` and `include`: where other texts and names come in.

#![expect(clippy::wildcard_enum_match_arm, reason = "only a few kinds are special at each place")]

use std::rc::Rc;

use smol_str::SmolStr;

use super::module::{Target, Value, Visibility, Waiting};
use super::suggest::nearest;
use super::{Depth, Here, Resolve};
use crate::diag::Diagnostic;
use crate::hir::{Module, ModuleId, Stage};
use crate::loader::{Loaded, Missing, Origin, Wanted};
use crate::source::{FileId, Span};
use crate::syntax::{self, SyntaxToken, ast};

/// Files that a program may load, each `include` counted.
const MOST_FILES: u32 = 500;
/// Files or modules within each other.
const DEEPEST: usize = 40;

/// What the names at the end of a `use` say.
enum Names {
    /// `use m`.
    None,
    /// `use m::*`.
    All,
    /// `use m::f`, `use m::{f, g}`.
    Some(Vec<SyntaxToken>),
}

impl Resolve<'_> {
    // Modules.

    /// `mod m { .. }` or `mod m`.
    pub(super) fn mod_def(&mut self, def: &ast::ModDef) {
        let Some(name) = def.name() else {
            self.foreign_any = true;
            return;
        };
        if def.is_inline() {
            let module = self.module_named(self.module, name.text());
            let here = Here { module, stage: Stage::Audio, ..self.here() };
            self.inside_module(module, self.token_span(&name), here, |cx| {
                cx.items(&def.stmts().collect::<Vec<_>>());
            });
        } else if self.modules.child(self.module, name.text()).is_none() {
            self.load_module(self.module, &name);
        }
    }

    /// The module of this name inside another one, made if it is new.
    fn module_named(&mut self, parent: ModuleId, name: &str) -> ModuleId {
        if let Some(known) = self.modules.child(parent, name) {
            return known;
        }
        let path = match self.module_path(parent) {
            around if around.is_empty() => name.into(),
            around => SmolStr::from(format!("{around}::{name}")),
        };
        let module = self.program.modules.push(Module { path, parent: Some(parent) });
        self.modules.add_child(parent, name.into(), module);
        module
    }

    /// Resolves the body of a module.
    fn inside_module(
        &mut self,
        module: ModuleId,
        at: Span,
        here: Here,
        body: impl FnOnce(&mut Self),
    ) {
        if self.modules.open.len() >= DEEPEST {
            let error = Diagnostic::error("nested-too-deeply", at, "modules are nested too deeply");
            self.report(error);
            self.foreign_any = true;
            return;
        }
        self.modules.open.push(module);
        self.elsewhere(here, body);
        self.modules.open.pop();
    }

    /// Loads the file of a module and resolves it here. None if there is no such file; that is said.
    fn load_module(&mut self, parent: ModuleId, name: &SyntaxToken) -> Option<ModuleId> {
        let at = self.token_span(name);
        let wanted = Wanted::Module(name.text());
        let Some(loaded) = self.load(wanted, at) else {
            self.foreign_any = true;
            return None;
        };
        let module = self.module_named(parent, name.text());
        let origin = loaded.origin;
        let (file, tree) = self.parsed(loaded);
        let here = Here { file, module, stage: Stage::Audio, horizon: self.horizon };
        self.inside_module(module, at, here, |cx| {
            let items: Vec<ast::Stmt> = tree.stmts().collect();
            match origin {
                Origin::Library => cx.library_items(&items),
                Origin::File => cx.items(&items),
            }
        });
        Some(module)
    }

    /// A library module: functions wait until they are used.
    fn library_items(&mut self, items: &[ast::Stmt]) {
        items.iter().for_each(|item| self.declare_type(item));
        for item in items {
            match item {
                ast::Stmt::FnDef(def) => self.function_later(def),
                ast::Stmt::ModDef(def) if def.is_inline() => self.library_module(def),
                other => self.item(other),
            }
        }
    }

    fn library_module(&mut self, def: &ast::ModDef) {
        let Some(name) = def.name() else { return };
        let module = self.module_named(self.module, name.text());
        let here = Here { module, stage: Stage::Audio, ..self.here() };
        self.inside_module(module, self.token_span(&name), here, |cx| {
            cx.library_items(&def.stmts().collect::<Vec<_>>());
        });
    }

    fn function_later(&mut self, def: &ast::FnDef) {
        let Some(name) = def.name() else { return };
        let waiting = Waiting { def: def.clone(), file: self.file, stage: self.stage };
        let (value, span) = (Value::Waiting(Rc::new(waiting)), self.token_span(&name));
        let visibility = Visibility::of(def.is_public());
        self.modules.define(self.module, name.text().into(), value, visibility, span);
    }

    // Files.

    /// Asks for a text; says so if there is none.
    fn load(&mut self, wanted: Wanted<'_>, at: Span) -> Option<Loaded> {
        if self.loads >= MOST_FILES {
            let message = format!("the program is made of more than {MOST_FILES} files");
            self.report(Diagnostic::error("too-many-files", at, message));
            return None;
        }
        if self.words > syntax::WORDS_LIMIT {
            let message = format!(
                "the files of the program have more than {} words and signs together",
                syntax::WORDS_LIMIT
            );
            let error = Diagnostic::error("text-too-long", at, message);
            self.report(error.help("use fewer or shorter files"));
            return None;
        }
        self.loads += 1;
        match self.loader.load(self.sources.name(self.file), wanted) {
            Ok(loaded) => Some(loaded),
            Err(missing) => {
                self.not_found(wanted, &missing, at);
                None
            }
        }
    }

    fn not_found(&mut self, wanted: Wanted<'_>, missing: &Missing, at: Span) {
        let message = match (wanted, &missing.reason) {
            (_, Some(reason)) => reason.clone(),
            (Wanted::Module(name), None) => {
                format!("there is no module `{name}`, and no file {name}.mmm")
            }
            (Wanted::Include(path), None) => format!("there is no file {path}"),
        };
        let mut error = Diagnostic::error("file-not-found", at, message);
        if let Wanted::Module(name) = wanted {
            let later = self.later_module(name).filter(|later| later.file == at.file);
            if let Some(later) = later.filter(|later| later.start > at.start) {
                error = error
                    .also(later, "defined further down")
                    .help("move it in front of its first use");
            } else if let Some(near) = self.near_module(name).filter(|near| near != name) {
                error = error.help(format!("did you mean `{near}`?"));
            }
        }
        if !missing.tried.is_empty() && missing.reason.is_none() {
            error = error.note(format!("looked for {}", missing.tried.join(", ")));
        }
        self.report(error);
    }

    /// Where a module of this name is defined further down.
    fn later_module(&self, name: &str) -> Option<Span> {
        self.later_modules.get(name).copied()
    }

    /// Adds a text to the program's, with its tree.
    fn parsed(&mut self, loaded: Loaded) -> (FileId, ast::Root) {
        let file = self.sources.add(&loaded.name, &loaded.text);
        let parse = match loaded.tree {
            Some(tree) => tree.placed(file),
            None => {
                let parse = syntax::parse(&loaded.text, file, self.diags);
                self.words += parse.words();
                self.note_broken(&parse);
                parse
            }
        };
        (file, parse.tree())
    }

    /// `include("file")`: its definitions as if they stood here, outside of any module.
    pub(super) fn include(&mut self, include: &ast::Include) {
        let Some((path, token)) = include.path() else {
            self.foreign_any = true;
            return;
        };
        let at = self.token_span(&token);
        if self.included.len() >= DEEPEST {
            let message = "files are included too deeply within each other";
            self.report(Diagnostic::error("nested-too-deeply", at, message));
            self.foreign_any = true;
            return;
        }
        let Some(loaded) = self.load(Wanted::Include(&path), at) else {
            self.foreign_any = true;
            return;
        };
        let name = |file: &FileId| self.sources.name(*file);
        let around: Vec<FileId> =
            std::iter::once(self.file).chain(self.included.iter().rev().copied()).collect();
        if let Some(steps) =
            around.iter().position(|file| self.loader.is_same(name(file), &loaded.name))
        {
            let message = match steps {
                0 => "the file includes itself".to_owned(),
                _ => format!("the file includes itself, through {}", name(&self.file)),
            };
            self.report(Diagnostic::error("include-cycle", at, message));
            self.foreign_any = true;
            return;
        }
        let (file, tree) = self.parsed(loaded);
        let here =
            Here { file, module: ModuleId::ROOT, stage: Stage::Audio, horizon: self.horizon };
        self.included.push(self.file);
        self.elsewhere(here, |cx| cx.items(&tree.stmts().collect::<Vec<_>>()));
        self.included.pop();
    }

    // Imports.

    /// `use a::b`, with what stands at its end.
    pub(super) fn use_stmt(&mut self, stmt: &ast::UseStmt) {
        let mut path: Vec<SyntaxToken> = stmt.segments().collect();
        let names = match stmt.list() {
            Some(list) => Names::Some(list.names().collect()),
            None if stmt.is_wildcard() => Names::All,
            None if path.len() > 1 => Names::Some(path.pop().into_iter().collect()),
            None => Names::None,
        };
        let Some(module) = self.used_module(&path) else { return };
        match names {
            Names::None => {}
            Names::All => self.modules.add_wildcard(module),
            Names::Some(names) => {
                let visibility = Visibility::of(stmt.is_public());
                names.iter().for_each(|name| self.import(module, name, visibility));
            }
        }
    }

    /// The module that a `use` names, loaded if its first name is new.
    fn used_module(&mut self, path: &[SyntaxToken]) -> Option<ModuleId> {
        let first = path.first()?;
        if let Some(known) = self.modules_at(path).first() {
            return Some(*known);
        }
        if self.modules_at(std::slice::from_ref(first)).is_empty() {
            let depth = std::mem::replace(&mut self.depth, Depth::Top);
            let loaded = self.load_module(ModuleId::ROOT, first);
            self.depth = depth;
            loaded?;
        }
        let found = self.modules_at(path).first().copied();
        if found.is_none() {
            let whole: Vec<SyntaxToken> = path.iter().chain(path.last()).cloned().collect();
            self.no_module(&whole);
            self.foreign_any = true;
        }
        found
    }

    /// Makes a member of a module known by its name alone.
    fn import(&mut self, module: ModuleId, name: &SyntaxToken, visibility: Visibility) {
        let text = SmolStr::new(name.text());
        let exists = self.modules.member(module, &text, self.horizon).is_some()
            || self.modules.type_member(module, &text).is_some()
            || self.modules.child(module, &text).is_some();
        let global = self.modules.has_let(module, &text)
            || self.modules.constructor(&text, self.horizon).is_some();
        let unfinished = self.modules.open.contains(&module);
        if !exists && global {
            return;
        }
        if !exists && !unfinished {
            self.no_member(module, name, "member");
            self.foreign.insert(text);
            return;
        }
        let target = Target { module, name: text.clone() };
        if visibility == Visibility::Public && self.module != ModuleId::ROOT {
            let span = self.token_span(name);
            self.modules.define(
                self.module,
                text.clone(),
                Value::Alias(target.clone()),
                visibility,
                span,
            );
        }
        self.modules.add_alias(text, target);
    }

    // The library in suggestions.

    /// Says where the library has a name, or one like it.
    pub(super) fn library_hint(&mut self, name: &str) -> Option<Public> {
        if self.library_names.is_none() {
            let names = self.read_library();
            self.library_names = Some(names);
        }
        let names = self.library_names.as_deref().unwrap_or_default();
        let exact = names.iter().find(|known| known.name == name);
        let near = || {
            let near = nearest(name, names.iter().map(|known| known.name.as_str()))?;
            names.iter().find(|known| known.name == near)
        };
        exact.or_else(near).cloned()
    }

    /// The public functions of the library, each with its module.
    fn read_library(&self) -> Vec<Public> {
        let from = self.sources.name(self.file);
        let mut names = Vec::new();
        for module in self.loader.library() {
            let Ok(loaded) = self.loader.load(from, Wanted::Module(module)) else { continue };
            let tree = match loaded.tree {
                Some(tree) => tree.placed(self.file),
                None => {
                    syntax::parse(&loaded.text, self.file, &mut crate::diag::Diagnostics::new())
                }
            };
            public_functions(module, tree.tree().stmts(), &mut names);
        }
        names
    }
}

/// A public function of the library.
#[derive(Clone, Debug)]
pub(super) struct Public {
    pub(super) name: SmolStr,
    /// The path of its module.
    pub(super) module: SmolStr,
    /// Its parameters if it computes a value for macro code; of no use in audio code.
    pub(super) for_macros: Option<String>,
}

/// Whether a function is said to give something else than code.
pub(super) fn gives_a_value(def: &ast::FnDef) -> bool {
    def.ret().is_some_and(|ret| !matches!(ret, ast::Type::CodeType(_)))
}

fn public_functions(module: &str, items: impl Iterator<Item = ast::Stmt>, names: &mut Vec<Public>) {
    let mut stage = Stage::Audio;
    for item in items {
        match item {
            ast::Stmt::FnDef(def) if def.is_public() => {
                let Some(name) = def.name() else { continue };
                let params = def.params().filter_map(|param| param.name());
                let params: Vec<String> = params.map(|name| name.text().to_owned()).collect();
                let of_macros = stage == Stage::Macro && gives_a_value(&def);
                names.push(Public {
                    name: name.text().into(),
                    module: module.into(),
                    for_macros: of_macros.then(|| params.join(", ")),
                });
            }
            ast::Stmt::ModDef(def) => {
                let Some(name) = def.name() else { continue };
                let path = format!("{module}::{}", name.text());
                // Library modules are nested once or twice.
                public_functions(&path, def.stmts(), names);
            }
            ast::Stmt::StageDecl(decl) => {
                stage = if decl.is_macro() { Stage::Macro } else { Stage::Audio };
            }
            ast::Stmt::FnDef(_)
            | ast::Stmt::UseStmt(_)
            | ast::Stmt::Include(_)
            | ast::Stmt::TypeAlias(_)
            | ast::Stmt::TypeDef(_)
            | ast::Stmt::LetStmt(_)
            | ast::Stmt::LetrecStmt(_)
            | ast::Stmt::ExprStmt(_) => {}
        }
    }
}
