//! Text to tree: lexer, grammar, lossless tree, typed view.
//!
//! Any text has a tree that prints back to the same text; what is wrong with it goes to
//! [`Diagnostics`]. Knows nothing of names and types.

pub mod ast;
mod chunks;
mod grammar;
mod kind;
pub mod lexer;
#[cfg(test)]
pub(crate) mod mutation;
mod parser;
#[cfg(test)]
mod tests;

pub use kind::{Attacca, SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};

use crate::diag::Diagnostics;
use crate::source::{FileId, Span};

/// Whether a token can begin a definition or statement.
pub(crate) fn starts_statement(kind: SyntaxKind) -> bool {
    grammar::starts_item(kind) || grammar::starts_statement(kind)
}

/// Longer texts are not programs, in bytes.
const LENGTH_LIMIT: usize = 16 << 20;

/// A parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse {
    green: rowan::GreenNode,
    file: FileId,
    broken: Vec<Span>,
}

/// The tree of a text, whichever file it is in a compilation. Cheap to copy; may be kept and shared
/// between compilations and threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTree(rowan::GreenNode);

impl TextTree {
    /// The tree as that of a file.
    pub fn placed(self, file: FileId) -> Parse {
        Parse { green: self.0, file, broken: Vec::new() }
    }
}

/// Reads a text. Mistakes are reported, and the tree holds everything that was understood.
///
/// ```
/// # use attacca_lang::{diag::Diagnostics, source::SourceMap, syntax};
/// let mut sources = SourceMap::new();
/// let file = sources.add("patch.mmm", "fn dsp() { 1 + }");
/// let mut diags = Diagnostics::new();
/// let parse = syntax::parse(sources.text(file), file, &mut diags);
/// assert!(diags.has_errors());
/// assert_eq!(parse.syntax().text(), "fn dsp() { 1 + }");
/// ```
pub fn parse(source: &str, file: FileId, diags: &mut Diagnostics) -> Parse {
    let source = if source.len() > LENGTH_LIMIT {
        diags.error("text-too-long", Span::new(file, 0, 0), "the text is longer than 16 MiB");
        ""
    } else {
        source
    };
    let tokens = lexer::lex(source);
    let mut parser = parser::Parser::new(source, file, &tokens, diags);
    grammar::root(&mut parser);
    let broken = parser.broken();
    Parse { green: parser.finish(), file, broken }
}

impl Parse {
    /// The root of the tree.
    pub fn syntax(&self) -> SyntaxNode {
        SyntaxNode::new_root(self.green.clone())
    }

    /// The typed view of the tree.
    pub fn tree(&self) -> ast::Root {
        ast::Root::new(self.syntax())
    }

    /// The tree without its file.
    pub fn into_text_tree(self) -> TextTree {
        TextTree(self.green)
    }

    /// The definitions and statements with syntax errors, each as a whole: what they say is not known.
    pub fn broken(&self) -> &[Span] {
        &self.broken
    }

    /// The file the text was of.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Where a node of this tree is.
    pub fn span(&self, node: &SyntaxNode) -> Span {
        let range = node.text_range();
        Span::new(self.file, range.start().into(), range.end().into())
    }
}
