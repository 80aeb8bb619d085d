//! What stands under the pointer.

use std::ops::Range;

use super::snapshot::{Snapshot, usizes};
use crate::syntax::ast::{self, Node};
use crate::syntax::{SyntaxKind, SyntaxToken};

/// What is known of a name or value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// Bytes it is about.
    pub range: Range<usize>,
    /// One line of the language: a definition with its types.
    pub title: String,
    /// The comment above the definition, or the documentation of a built-in; may be empty.
    pub doc: String,
}

impl Snapshot {
    /// What stands at a byte offset; nothing for white space, comments, brackets.
    pub fn hover(&self, offset: usize) -> Option<Hover> {
        let at = self.offset(offset);
        if let Some((range, found)) = self.name_at(at) {
            let title = self.line(found).text;
            return Some(Hover { range, title, doc: self.doc(found).to_owned() });
        }
        let token = self.token_at(at)?;
        let range = token.text_range();
        let range = usizes(&(u32::from(range.start())..u32::from(range.end())));
        self.field(&token).or_else(|| self.reserved(&token)).map(|(title, doc)| Hover {
            range,
            title,
            doc,
        })
    }

    /// A field of a record, an element of a tuple.
    fn field(&self, token: &SyntaxToken) -> Option<(String, String)> {
        let parent = token.parent()?;
        let base = match parent.kind() {
            SyntaxKind::FieldExpr => ast::FieldExpr::cast(parent)?.base()?,
            SyntaxKind::ProjExpr => ast::ProjExpr::cast(parent)?.base()?,
            _ => return None,
        };
        let ty = self.type_of(&base)?;
        let fields = self.types().fields(&ty);
        let (name, ty) = fields.into_iter().find(|(name, _)| name == token.text())?;
        Some((format!(".{name}: {}", self.types().show(&ty)), String::new()))
    }

    /// The type of an expression of this text.
    pub(super) fn type_of(&self, expr: &ast::Expr) -> Option<crate::types::ty::Ty> {
        let definition = |mention: u32| {
            let target = self.index.mention_at(mention)?.target?;
            self.def(target).map(|def| def.range.start)
        };
        self.types().of_expr(expr, &definition)
    }

    /// `self`, `now`, `samplerate`.
    fn reserved(&self, token: &SyntaxToken) -> Option<(String, String)> {
        let (name, doc) = match token.kind() {
            SyntaxKind::SelfKw => {
                ("self", "What this function returned one sample ago; 0 at the start.")
            }
            SyntaxKind::NowKw => ("now", "The number of samples since the start."),
            SyntaxKind::SamplerateKw => ("samplerate", "Samples per second, in hertz."),
            _ => return None,
        };
        let ty = self.type_of(&ast::Expr::cast(token.parent()?)?);
        let ty = ty.map_or("float".to_owned(), |ty| self.types().show(&ty));
        Some((format!("{name}: {ty}"), doc.to_owned()))
    }
}
