//! Definitions in a line: how they are written, with the types that were found.

use super::index::{Def, DefKind, Written};
use super::snapshot::{Found, Snapshot};
use crate::builtins::Builtin;
use crate::types::ty::Ty;

/// A function's line, and where its parameters stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) params: Vec<std::ops::Range<usize>>,
}

impl Snapshot {
    /// How something is written, with its types.
    pub(super) fn line(&self, found: Found<'_>) -> Line {
        match found {
            Found::Here(id) => self.def(id).map(|def| self.def_line("", def)).unwrap_or_default(),
            Found::There(module, id) => {
                let def = module.index.defs.get(id);
                def.map(|def| self.def_line(&module.name, def)).unwrap_or_default()
            }
            Found::Module(module) => plain(format!("mod {}", module.name)),
            Found::Builtin(builtin) => builtin_line(builtin),
        }
    }

    /// The comment that documents something.
    pub(super) fn doc<'a>(&'a self, found: Found<'a>) -> &'a str {
        match found {
            Found::Here(id) => self.def(id).map_or("", |def| def.doc.as_str()),
            Found::There(module, id) => {
                module.index.defs.get(id).map_or("", |def| def.doc.as_str())
            }
            Found::Module(module) => &module.doc,
            Found::Builtin(builtin) => documented(builtin).1,
        }
    }

    /// A variable that holds a function, as a call of it.
    pub(super) fn lambda_line(&self, def: &Def) -> Option<Line> {
        let types = self.types();
        let ty = types.of_name(def.range.start)?;
        let Ty::Func(func) = &ty else { return None };
        if def.params.is_empty() && func.arg != Ty::Unit {
            return Some(plain(format!("{}: {}", def.name, types.show(&ty))));
        }
        let (params, ret) = types.signature(&ty, def.params.len())?;
        let shown = params.iter().map(|ty| types.show(ty)).collect();
        Some(function_line(&def.name, &def.params, Some(shown), Some(types.show(&ret)), ""))
    }

    /// A definition of a module, or of the text itself if the name is empty.
    fn def_line(&self, module: &str, def: &Def) -> Line {
        let types = self.types();
        let ty = types.of_member(module, def.range.start);
        match def.kind {
            DefKind::Function => {
                let found = ty.and_then(|ty| types.signature(&ty, def.params.len()));
                let (params, ret) = found.unzip();
                let shown = params.map(|params| params.iter().map(|ty| types.show(ty)).collect());
                let ret = ret.map(|ret| types.show(&ret));
                function_line(&format!("fn {}", def.name), &def.params, shown, ret, &def.head)
            }
            DefKind::Variable | DefKind::Parameter => {
                let keyword = if def.kind == DefKind::Variable { "let " } else { "" };
                let ty = ty.map(|ty| format!(": {}", types.show(&ty))).unwrap_or_default();
                plain(format!("{keyword}{}{ty}", def.name))
            }
            DefKind::Constructor | DefKind::Type | DefKind::Module => plain(def.head.clone()),
        }
    }
}

fn plain(text: String) -> Line {
    Line { text, params: Vec::new() }
}

/// `fn name(a: float, b = 1) -> float`.
fn function_line(
    start: &str,
    params: &[Written],
    types: Option<Vec<String>>,
    ret: Option<String>,
    head: &str,
) -> Line {
    let mut line = Line { text: format!("{start}("), params: Vec::new() };
    for (index, param) in params.iter().enumerate() {
        if index > 0 {
            line.text.push_str(", ");
        }
        let from = line.text.len();
        line.text.push_str(&param.name);
        let ty = types.as_ref().and_then(|types| types.get(index)).filter(|_| !param.annotated);
        if let Some(ty) = ty {
            line.text.push_str(&format!(": {ty}"));
        }
        line.text.push_str(&param.rest);
        line.params.push(from..line.text.len());
    }
    line.text.push(')');
    let written = head.rsplit_once(") ->").map(|(_, ret)| ret.trim().to_owned());
    if let Some(ret) = written.or(ret) {
        line.text.push_str(&format!(" -> {ret}"));
    }
    line
}

/// A built-in as its documentation calls it, with the type of its result.
fn builtin_line(builtin: Builtin) -> Line {
    let (call, _) = documented(builtin);
    let (name, params) = call.split_once('(').unwrap_or((builtin.name(), ""));
    let mut line = Line { text: format!("{name}("), params: Vec::new() };
    let params = params.trim_end_matches(')').split(',').map(str::trim);
    for (index, param) in params.filter(|it| !it.is_empty()).enumerate() {
        if index > 0 {
            line.text.push_str(", ");
        }
        let from = line.text.len();
        line.text.push_str(param);
        line.params.push(from..line.text.len());
    }
    line.text.push_str(") -> ");
    line.text.push_str(builtin.written_type().map_or("float", result));
    line
}

/// A built-in's name as it is written: macros with their `!`.
pub(super) fn builtin_name(builtin: Builtin) -> &'static str {
    let (call, _) = documented(builtin);
    call.split_once('(').map_or(builtin.name(), |(name, _)| name)
}

/// The call in backticks that a built-in's documentation begins with, and what is said about it.
pub(super) fn documented(builtin: Builtin) -> (&'static str, &'static str) {
    let doc = builtin.doc();
    doc.strip_prefix('`').and_then(|doc| doc.split_once("`: ")).unwrap_or((builtin.name(), doc))
}

/// What stands behind the parameters of a written function type.
fn result(ty: &str) -> &str {
    let mut depth = 0;
    for (at, c) in ty.char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return ty.get(at + 1..).unwrap_or("").trim_start_matches(" -> ");
        }
    }
    ty
}
