//! The parameters of the call that is being written.

use std::ops::Range;

use super::snapshot::{Found, Snapshot};
use crate::syntax::ast::{self, Node};
use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// A call's function, and which parameter comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `fn saw(freq: float, phase = 0.0) -> float`.
    pub label: String,
    /// Bytes of each parameter in the label.
    pub params: Vec<Range<usize>>,
    /// The parameter at the offset; none if there are not so many.
    pub active: Option<usize>,
    /// The function's comment.
    pub doc: String,
}

impl Snapshot {
    /// The innermost call whose arguments hold a byte offset.
    pub fn signature(&self, offset: usize) -> Option<Signature> {
        let at = self.offset(offset);
        let args = self.arguments_at(at)?;
        let callee = callee(&args)?;
        let mention = self.index.mention_at(callee.text_range().start().into())?;
        let found = self.resolve(mention)?;
        let line = self.callable(found)?;
        let commas = args.children_with_tokens().filter(|it| it.kind() == SyntaxKind::Comma);
        let passed = commas.filter(|it| u32::from(it.text_range().end()) <= at).count();
        let active = (passed < line.params.len()).then_some(passed);
        let doc = self.doc(found).to_owned();
        Some(Signature { label: line.text, params: line.params, active, doc })
    }

    /// The innermost argument list that is open at an offset.
    fn arguments_at(&self, at: u32) -> Option<SyntaxNode> {
        let mut token = self.parse.syntax().token_at_offset(at.into()).left_biased();
        // An unfinished list ends with its last token; the offset may be behind it.
        while token.as_ref().is_some_and(|token| token.kind().is_trivia()) {
            token = token.and_then(|token| token.prev_token());
        }
        token?.parent_ancestors().filter(|node| node.kind() == SyntaxKind::ArgList).find(|node| {
            let open = u32::from(node.text_range().start());
            let close = node.last_token().filter(|token| token.kind() == SyntaxKind::RParen);
            let own = close.filter(|close| close.parent().as_ref() == Some(node));
            open < at && own.is_none_or(|close| at <= u32::from(close.text_range().start()))
        })
    }

    /// The line of something that can be called.
    fn callable(&self, found: Found<'_>) -> Option<super::describe::Line> {
        let line = self.line(found);
        if !line.params.is_empty() || line.text.starts_with("fn ") {
            return Some(line);
        }
        let Found::Here(id) = found else { return None };
        let def = self.def(id)?;
        self.lambda_line(def)
    }
}

/// The name that is called: the last one of its path.
fn callee(args: &SyntaxNode) -> Option<SyntaxToken> {
    let call = args.parent()?;
    let path = call.children().find_map(ast::PathExpr::cast)?;
    path.segments().last().filter(|_| path.syntax().next_sibling().as_ref() == Some(args))
}
