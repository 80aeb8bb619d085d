//! The standard form of a program: indentation, spaces, line breaks.
//!
//! Takes a text, gives a text with the same tokens, the same tree and the same comments; only white
//! space differs, and `;` becomes a line break. Keeps empty lines (one at a time). Text that does
//! not parse is refused with what is wrong with it.
//!
//! What the writer decides: a block, list or `match` whose first line ends behind the opening
//! bracket stays broken, pipes on lines of their own stay there, and rows of arrays stay rows.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a layout names the kinds it treats in a way of their own; all others are alike to it"
)]

mod comments;
mod doc;
mod expr;
mod item;
mod list;
#[cfg(test)]
mod tests;

use crate::diag::{Diagnostic, Diagnostics};
use crate::source::{FileId, Span};
use crate::syntax::{self, Parse, SyntaxElement, SyntaxNode};
use comments::{Around, Comment, around_tokens};
use doc::Doc;
use rustc_hash::FxHashMap;

/// Comments in places where nobody puts them can need a few rounds until they stay.
const ROUNDS: usize = 8;

/// Lays a program out; nothing if it does not parse, with what is wrong in `diags`.
///
/// ```
/// # use attacca_lang::{diag::Diagnostics, fmt, source::SourceMap};
/// let mut sources = SourceMap::new();
/// let file = sources.add("patch.mmm", "fn f(x){x*2 ; // twice\n\n\n\n}");
/// let mut diags = Diagnostics::new();
/// let laid_out = fmt::format(sources.text(file), file, &mut diags);
/// assert_eq!(laid_out.as_deref(), Some("fn f(x) {\n  x * 2 // twice\n}\n"));
/// ```
pub fn format(text: &str, file: FileId, diags: &mut Diagnostics) -> Option<String> {
    let original = parse(text, file, diags)?;
    let mut before = text.to_owned();
    let mut tree = original.clone();
    for _ in 0..ROUNDS {
        let after = once(&tree);
        if after == before {
            return Some(after);
        }
        let mut found = Diagnostics::new();
        let Some(next) = parse(&after, file, &mut found) else { break };
        if !same(&original, &next) {
            break;
        }
        (tree, before) = (next, after);
    }
    let at = Span::new(file, 0, 0);
    let error = Diagnostic::error("cannot-format", at, "this program can't be laid out safely");
    diags.push(error.note("this is a mistake of the formatter; the text was left as it is"));
    None
}

fn parse(text: &str, file: FileId, diags: &mut Diagnostics) -> Option<Parse> {
    let mut found = Diagnostics::new();
    let parse = syntax::parse(text, file, &mut found);
    let accepted = !found.has_errors();
    found.iter().for_each(|one| diags.push(one.clone()));
    accepted.then_some(parse)
}

/// One round.
fn once(parse: &Parse) -> String {
    let root = parse.syntax();
    let mut layout = Layout { around: around_tokens(&root) };
    doc::print(&layout.root(&root))
}

/// Whether two trees differ only in white space; comments may have moved.
fn same(one: &Parse, other: &Parse) -> bool {
    shape(one).eq(shape(other)) && comments(one) == comments(other)
}

/// Nodes and tokens in order, without trivia.
fn shape(parse: &Parse) -> impl Iterator<Item = (syntax::SyntaxKind, usize, String)> {
    let elements = parse.syntax().descendants_with_tokens();
    elements.filter(|element| !element.kind().is_trivia()).map(|element| match element {
        SyntaxElement::Node(node) => {
            let children = node.children_with_tokens().filter(|it| !it.kind().is_trivia());
            (node.kind(), children.count(), String::new())
        }
        SyntaxElement::Token(token) => (token.kind(), 0, token.text().to_owned()),
    })
}

fn comments(parse: &Parse) -> Vec<String> {
    let tokens = parse.syntax().descendants_with_tokens().filter_map(|it| it.into_token());
    let comments = tokens.filter(|token| token.kind() == syntax::SyntaxKind::Comment);
    let mut texts: Vec<String> = comments
        .map(|it| {
            if it.text().starts_with("//") { it.text().trim_end() } else { it.text() }.to_owned()
        })
        .collect();
    texts.sort_unstable();
    texts
}

/// Turns a tree into a document. Every token is taken once, in order.
struct Layout {
    around: FxHashMap<u32, Around>,
}

/// The children of a node that are not trivia.
fn parts(node: &SyntaxNode) -> Vec<SyntaxElement> {
    node.children_with_tokens().filter(|it| !it.kind().is_trivia()).collect()
}

/// The offset of the first token of a node that is not trivia.
fn first_offset(element: &SyntaxElement) -> u32 {
    element.text_range().start().into()
}

/// A comment on the line of what stands before it.
fn behind(comment: Comment) -> Doc {
    if comment.is_line() {
        Doc::trailing(comment.text)
    } else {
        Doc::text(format!(" {}", comment.text))
    }
}

impl Layout {
    /// A node or token with the comments around it.
    fn element(&mut self, element: &SyntaxElement) -> Doc {
        match element {
            SyntaxElement::Node(node) => self.node(node),
            SyntaxElement::Token(token) => {
                let around = self.around.remove(&u32::from(token.text_range().start()));
                let Around { leading, trailing, .. } = around.unwrap_or_default();
                let mut docs = Vec::new();
                for comment in leading {
                    if comment.ends_line {
                        docs.push(Doc::own(comment.text));
                    } else {
                        docs.push(Doc::text(comment.text + " "));
                    }
                }
                docs.push(Doc::text(token.text()));
                docs.extend(trailing.into_iter().map(behind));
                Doc::concat(docs)
            }
        }
    }

    /// Takes the comments behind a token.
    fn trailing(&mut self, offset: u32) -> Vec<Doc> {
        let around = self.around.get_mut(&offset);
        let comments = around.map(|around| std::mem::take(&mut around.trailing));
        comments.unwrap_or_default().into_iter().map(behind).collect()
    }

    /// Whether a line ends right before this element.
    fn after_break(&self, element: &SyntaxElement) -> bool {
        self.around.get(&first_offset(element)).is_some_and(|around| around.after_break)
    }

    /// Takes the comments before an element: each with its line end, and whether an empty line stands
    /// before the whole.
    fn lead(&mut self, offset: u32) -> (Doc, bool) {
        let Some(around) = self.around.get_mut(&offset) else { return (Doc::nil(), false) };
        let comments = std::mem::take(&mut around.leading);
        let blank_before_token = around.blank;
        let blank = comments.first().map_or(blank_before_token, |first| first.blank);
        let mut docs = Vec::new();
        let mut rest = comments.into_iter().peekable();
        while let Some(comment) = rest.next() {
            let blank = rest.peek().map_or(blank_before_token, |next| next.blank);
            docs.push(Doc::text(comment.text));
            docs.push(match (comment.ends_line, blank) {
                (false, _) => Doc::space(),
                (true, false) => Doc::hard(),
                (true, true) => Doc::empty(),
            });
        }
        (Doc::concat(docs), blank)
    }

    /// The comments before a closing bracket (or the end), each after a line break; nothing if there
    /// are none.
    fn dangling(&mut self, offset: u32, first: bool) -> Option<Doc> {
        let around = self.around.get_mut(&offset)?;
        let comments = std::mem::take(&mut around.leading);
        if comments.is_empty() {
            return None;
        }
        let mut docs = Vec::new();
        for (index, comment) in comments.into_iter().enumerate() {
            let own_line = comment.ends_line || comment.is_line();
            docs.push(match own_line {
                true if comment.blank && !(first && index == 0) => Doc::empty(),
                true => Doc::hard(),
                false => Doc::line(),
            });
            docs.push(Doc::text(comment.text));
        }
        Some(Doc::concat(docs))
    }

    /// All parts side by side.
    fn glue(&mut self, node: &SyntaxNode) -> Doc {
        let docs = parts(node).iter().map(|part| self.element(part)).collect();
        Doc::concat(docs)
    }

    /// All parts with a space between them, but none before `:`.
    fn spaced(&mut self, parts: &[SyntaxElement]) -> Doc {
        let mut docs = Vec::new();
        for part in parts {
            if !docs.is_empty() && part.kind() != syntax::SyntaxKind::Colon {
                docs.push(Doc::space());
            }
            docs.push(self.element(part));
        }
        Doc::concat(docs)
    }
}
