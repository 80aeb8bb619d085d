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
pub(crate) mod number;
mod parser;
mod seen;
#[cfg(test)]
mod tests;

pub use kind::{Attacca, SyntaxElement, SyntaxKind, SyntaxNode, SyntaxToken};

use smol_str::SmolStr;

use crate::diag::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span};

/// Whether a token can begin a definition or statement.
pub(crate) fn starts_statement(kind: SyntaxKind) -> bool {
    grammar::starts_item(kind) || grammar::starts_statement(kind)
}

/// Longer texts are not programs, in bytes.
const LENGTH_LIMIT: usize = 16 << 20;

/// Texts with more words and signs are not programs: the tree of this many takes some 400 MB.
pub(crate) const WORDS_LIMIT: usize = 1_000_000;

/// A parsed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parse {
    green: rowan::GreenNode,
    file: FileId,
    broken: Vec<Broken>,
    end: End,
    words: usize,
}

/// A definition or statement with syntax errors: what it says is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// All of it.
    pub(crate) span: Span,
    /// Its tokens without spaces and comments.
    pub(crate) tokens: Vec<(SyntaxKind, SmolStr)>,
}

/// How a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Behind a token.
    Clean,
    /// In a string or comment: what is text and what is program is not known.
    Open,
}

/// The tree of a text, whichever file it is in a compilation. Cheap to copy; may be kept and shared
/// between compilations and threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTree(rowan::GreenNode);

impl TextTree {
    /// The tree as that of a file.
    pub fn placed(self, file: FileId) -> Parse {
        Parse { green: self.0, file, broken: Vec::new(), end: End::Clean, words: 0 }
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
        too_long(file, "the text is longer than 16 MiB", diags);
        ""
    } else {
        source
    };
    let mut tokens = lexer::lex(source);
    let mut words = tokens.iter().filter(|token| !token.kind.is_trivia()).count();
    let source = if words > WORDS_LIMIT {
        let message = format!("the text has more than {WORDS_LIMIT} words and signs");
        too_long(file, &message, diags);
        tokens.clear();
        words = 0;
        ""
    } else {
        source
    };
    let before = diags.mark();
    let mut parser = parser::Parser::new(source, file, &tokens, diags);
    grammar::root(&mut parser);
    let (broken, end) = (parser.broken(), parser.end());
    let green = parser.finish();
    if end == End::Open {
        // Where a quote is missing all that follows is turned inside out.
        diags.keep_first(before);
    }
    Parse { green, file, broken, end, words }
}

fn too_long(file: FileId, message: &str, diags: &mut Diagnostics) {
    let error = Diagnostic::error("text-too-long", Span::new(file, 0, 0), message);
    diags.push(error.help("divide it into files, and write `use` or `include` for each"));
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

    /// The definitions and statements with syntax errors.
    pub(crate) fn broken(&self) -> &[Broken] {
        &self.broken
    }

    /// How the text ends.
    pub(crate) fn end(&self) -> End {
        self.end
    }

    /// How many words and signs the text has; 0 for a tree that was kept.
    pub fn words(&self) -> usize {
        self.words
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
