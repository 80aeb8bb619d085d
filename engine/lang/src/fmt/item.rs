//! Layout of definitions, statements and blocks.

use super::doc::Doc;
use super::{Layout, first_offset, parts};
use crate::syntax::SyntaxKind::{Block, Eq, LBrace, ParamList, PubKw, UseKw, Variant};
use crate::syntax::{SyntaxElement, SyntaxNode};

impl Layout {
    pub(super) fn root(&mut self, root: &SyntaxNode) -> Doc {
        let stmts = parts(root);
        let mut docs = vec![self.statements(&stmts)];
        docs.extend(self.dangling(root.text_range().end().into(), stmts.is_empty()));
        Doc::concat(docs)
    }

    /// Statements, each on its own line, with the empty lines between them.
    fn statements(&mut self, stmts: &[SyntaxElement]) -> Doc {
        let mut docs = Vec::new();
        for (index, stmt) in stmts.iter().enumerate() {
            let (lead, blank) = self.lead(first_offset(stmt));
            if index > 0 {
                docs.push(if blank { Doc::empty() } else { Doc::hard() });
            }
            docs.push(lead);
            docs.push(self.element(stmt));
        }
        Doc::concat(docs)
    }

    pub(super) fn block(&mut self, block: &SyntaxNode) -> Doc {
        let doc = self.loose_block(block);
        Doc::group(doc)
    }

    /// A block whose lines break with those of the group around it.
    pub(super) fn loose_block(&mut self, block: &SyntaxNode) -> Doc {
        self.braces(&parts(block))
    }

    /// `{ statements }`; what it holds stays on lines of its own if it began there.
    fn braces(&mut self, parts: &[SyntaxElement]) -> Doc {
        let [open, stmts @ .., close] = parts else { return Doc::nil() };
        let broken = stmts.first().is_some_and(|stmt| self.after_break(stmt))
            || (!stmts.is_empty() && self.after_break(close));
        let open = self.element(open);
        let mut inner = Vec::new();
        if !stmts.is_empty() {
            inner.push(if broken { Doc::hard() } else { Doc::line() });
            inner.push(self.statements(stmts));
        }
        inner.extend(self.dangling(first_offset(close), stmts.is_empty()));
        let space = if inner.is_empty() { Doc::nil() } else { Doc::line() };
        let close = self.element(close);
        Doc::concat(vec![open, Doc::indent(Doc::concat(inner)), space, close])
    }

    /// `pub fn name(params) -> type { .. }`.
    pub(super) fn fn_def(&mut self, node: &SyntaxNode) -> Doc {
        let mut docs = Vec::new();
        for part in parts(node) {
            if !docs.is_empty() && part.kind() != ParamList {
                docs.push(Doc::space());
            }
            docs.push(match &part {
                SyntaxElement::Node(block) if block.kind() == Block => self.block(block),
                SyntaxElement::Node(_) | SyntaxElement::Token(_) => self.element(&part),
            });
        }
        Doc::concat(docs)
    }

    /// `pub mod name { items }`.
    pub(super) fn mod_def(&mut self, node: &SyntaxNode) -> Doc {
        let parts = parts(node);
        let head = parts.iter().position(|part| part.kind() == LBrace).unwrap_or(parts.len());
        let (head, body) = parts.split_at(head);
        let head = self.spaced(head);
        if body.is_empty() {
            return head;
        }
        let body = self.braces(body);
        Doc::concat(vec![head, Doc::space(), Doc::group(body)])
    }

    /// `pub use a::b::{c, d}`.
    pub(super) fn use_stmt(&mut self, node: &SyntaxNode) -> Doc {
        let mut docs = Vec::new();
        for part in parts(node) {
            let word = matches!(part.kind(), PubKw | UseKw);
            docs.push(self.element(&part));
            docs.push(if word { Doc::space() } else { Doc::nil() });
        }
        Doc::concat(docs)
    }

    /// `name: type = value`, and all that is written like it.
    pub(super) fn binding(&mut self, node: &SyntaxNode) -> Doc {
        let parts = parts(node);
        self.spaced(&parts)
    }

    /// `type Name = A | B(float)`: on one line, or each alternative on its own.
    pub(super) fn type_def(&mut self, node: &SyntaxNode) -> Doc {
        let parts = parts(node);
        let head = parts.iter().position(|part| part.kind() == Eq).unwrap_or(0);
        let (head, variants) = parts.split_at(head);
        let head = self.spaced(head);
        let mut docs = Vec::new();
        for part in variants {
            docs.push(if part.kind() == Variant { Doc::space() } else { Doc::line() });
            let (lead, _) = self.lead(first_offset(part));
            docs.push(lead);
            docs.push(self.element(part));
        }
        Doc::group(Doc::concat(vec![head, Doc::indent(Doc::concat(docs))]))
    }
}
