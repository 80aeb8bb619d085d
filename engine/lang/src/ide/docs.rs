//! Comments above definitions, and definitions in one line.

use crate::syntax::{SyntaxKind, SyntaxNode};

/// The comment lines directly above a definition, without their `//`.
pub(super) fn above(node: &SyntaxNode) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut comment: Option<String> = None;
    let mut ended = 0;
    let mut token = node.first_token().and_then(|first| first.prev_token());
    while let Some(current) = token {
        match current.kind() {
            SyntaxKind::Whitespace => {}
            SyntaxKind::Newline => {
                lines.extend(comment.take());
                ended += breaks(current.text());
                if ended > 1 {
                    break;
                }
            }
            SyntaxKind::Comment if current.text().starts_with("//") => {
                comment = Some(strip(current.text()));
                ended = 0;
            }
            // What stands in front of the comment on its line: it belongs to that.
            _ => {
                comment = None;
                break;
            }
        }
        token = current.prev_token();
    }
    lines.extend(comment);
    lines.reverse();
    if lines.first().is_some_and(|line| line.starts_with("@test")) {
        lines.remove(0);
    }
    lines.join("\n")
}

/// The comment at the top of a text: what a module is about.
pub(super) fn heading(text: &str) -> String {
    let lines = text.lines().map(str::trim).take_while(|line| line.starts_with("//"));
    lines.map(strip).filter(|line| !line.starts_with("@test")).collect::<Vec<_>>().join("\n")
}

fn strip(comment: &str) -> String {
    let text = comment.trim_start_matches('/');
    text.strip_prefix(' ').unwrap_or(text).trim_end().to_owned()
}

/// Lines that end in a piece of white space.
fn breaks(text: &str) -> usize {
    text.replace("\r\n", "\n").chars().filter(|c| *c != ';').count()
}

/// Whether a definition is marked `pub`.
pub(super) fn is_public(node: &SyntaxNode) -> bool {
    node.first_token().is_some_and(|token| token.kind() == SyntaxKind::PubKw)
}

/// A function without `pub` and body: `fn saw(freq, phase = 0.0) -> float`.
pub(super) fn head(node: &SyntaxNode) -> String {
    join(node, |kind| matches!(kind, SyntaxKind::Block | SyntaxKind::PubKw))
}

/// A node on one line, without comments.
pub(super) fn one_line(node: &SyntaxNode) -> String {
    join(node, |kind| kind == SyntaxKind::PubKw)
}

/// The tokens of a node with single spaces where white space was, without children of some kinds.
fn join(node: &SyntaxNode, skip: impl Fn(SyntaxKind) -> bool) -> String {
    let mut out = String::new();
    let mut gap = false;
    for child in node.children_with_tokens().filter(|it| !skip(it.kind())) {
        let tokens: Vec<_> = match child {
            crate::syntax::SyntaxElement::Node(node) => {
                node.descendants_with_tokens().filter_map(|it| it.into_token()).collect()
            }
            crate::syntax::SyntaxElement::Token(token) => vec![token],
        };
        for token in tokens {
            if token.kind().is_trivia() {
                gap = true;
                continue;
            }
            if gap && !out.is_empty() && !out.ends_with('(') && token.kind() != SyntaxKind::RParen {
                out.push(' ');
            }
            gap = false;
            out.push_str(token.text());
        }
    }
    out
}
