//! A new name for a variable, parameter or function of a text.

use std::ops::Range;

use super::index::{Def, DefId, DefKind, Index};
use super::snapshot::{Found, Snapshot, usizes};
use crate::diag::Diagnostics;
use crate::source::SourceMap;
use crate::syntax::lexer::lex;
use crate::syntax::{self, SyntaxKind};

/// A piece of text to put in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// Bytes to replace.
    pub range: Range<usize>,
    /// What stands there then.
    pub text: String,
}

impl Snapshot {
    /// The edits that give the name at a byte offset another one everywhere, in order; or, in a
    /// sentence, why that can't be.
    pub fn rename(&self, offset: usize, name: &str) -> Result<Vec<TextEdit>, String> {
        let at = self.offset(offset);
        let id = match self.name_at(at) {
            Some((_, Found::Here(id))) => id,
            Some((_, Found::There(module, _))) => {
                return Err(format!("this is defined in the module `{}`", module.name));
            }
            Some((_, Found::Module(module))) => {
                return Err(format!("`{}` is the name of a file", module.name));
            }
            Some((_, Found::Builtin(builtin))) => {
                return Err(format!("`{}` is built in", builtin.name()));
            }
            None => return Err("there is no name here".to_owned()),
        };
        let def = self.def(id).ok_or("there is no name here")?;
        self.allowed(def)?;
        well_formed(name)?;
        let edits = self.edits(id, def, name);
        self.means_the_same(&edits, name)?;
        Ok(edits)
    }

    /// Whether nothing but this text knows the name.
    fn allowed(&self, def: &Def) -> Result<(), String> {
        let name = &def.name;
        match def.kind {
            DefKind::Constructor | DefKind::Type | DefKind::Module => {
                return Err("only variables, parameters and functions are renamed".to_owned());
            }
            DefKind::Function | DefKind::Variable | DefKind::Parameter => {}
        }
        if def.global && name == "dsp" {
            return Err("`dsp` is what is played; with another name nothing is".to_owned());
        }
        if def.global && (def.public || def.module.is_some()) {
            return Err(format!("`{name}` belongs to a module; other texts may use it"));
        }
        if def.kind == DefKind::Parameter && self.is_field(name) {
            return Err(format!(
                "a record of this text has a field `{name}`, which may name this parameter"
            ));
        }
        Ok(())
    }

    /// Whether some record gives a value for this name.
    fn is_field(&self, name: &str) -> bool {
        let nodes = self.parse.syntax().descendants();
        let fields = nodes.filter(|node| node.kind() == SyntaxKind::RecordField);
        fields.filter_map(|field| field.first_token()).any(|token| token.text() == name)
    }

    /// The definition and all mentions.
    fn edits(&self, id: DefId, def: &Def, name: &str) -> Vec<TextEdit> {
        let mentions = self.index.mentions.iter().filter(|mention| mention.target == Some(id));
        let mut ranges: Vec<_> = mentions.map(|mention| usizes(&mention.range)).collect();
        ranges.push(usizes(&def.range));
        ranges.sort_by_key(|range| range.start);
        ranges.into_iter().map(|range| TextEdit { range, text: name.to_owned() }).collect()
    }

    /// Whether all names mean what they meant, once the edits are made.
    fn means_the_same(&self, edits: &[TextEdit], name: &str) -> Result<(), String> {
        let text = apply(&self.text, edits);
        let file = SourceMap::new().add("text", &text);
        let parse = syntax::parse(&text, file, &mut Diagnostics::new());
        let after = Index::of(&parse.syntax());
        let targets = |index: &Index| -> Vec<Option<DefId>> {
            index.mentions.iter().map(|mention| mention.target).collect()
        };
        if after.defs.len() == self.index.defs.len() && targets(&after) == targets(&self.index) {
            return Ok(());
        }
        Err(format!("`{name}` is used here already and would mean something else"))
    }
}

/// A text with its edits made.
pub fn apply(text: &str, edits: &[TextEdit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for edit in edits {
        out.push_str(text.get(from..edit.range.start).unwrap_or(""));
        out.push_str(&edit.text);
        from = edit.range.end;
    }
    out.push_str(text.get(from..).unwrap_or(""));
    out
}

/// Whether a text is a name.
fn well_formed(name: &str) -> Result<(), String> {
    match lex(name).as_slice() {
        [only] if only.kind == SyntaxKind::Ident => Ok(()),
        [only] if only.kind.is_keyword() => Err(format!("`{name}` is a reserved word")),
        _ => {
            Err(format!("`{name}` is no name: letters, digits and `_`, not beginning with a digit"))
        }
    }
}
