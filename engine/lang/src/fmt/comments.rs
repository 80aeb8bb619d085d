//! Which comments and empty lines stand around each token.
//!
//! Takes a tree, gives for every token the comments before it, and those behind it on its line.
//! `;` counts as white space here: it separates statements, not lines of text.

use rustc_hash::FxHashMap;

use crate::syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// A comment.
#[derive(Clone, Debug)]
pub(super) struct Comment {
    /// Its text, without white space at the end.
    pub(super) text: String,
    /// An empty line stands before it.
    pub(super) blank: bool,
    /// The line ends behind it.
    pub(super) ends_line: bool,
}

impl Comment {
    /// Whether it runs to the end of its line whatever follows.
    pub(super) fn is_line(&self) -> bool {
        self.text.starts_with("//")
    }
}

/// What stands around a token.
#[derive(Clone, Debug, Default)]
pub(super) struct Around {
    /// Comments between the line of the token before, and this token.
    pub(super) leading: Vec<Comment>,
    /// Comments behind the token on its line, if the line ends there.
    pub(super) trailing: Vec<Comment>,
    /// A line ends between the token before and this one.
    pub(super) after_break: bool,
    /// An empty line stands right before the token.
    pub(super) blank: bool,
}

/// The surroundings of all tokens by their offset; those of the end of the text at its length.
pub(super) fn around_tokens(root: &SyntaxNode) -> FxHashMap<u32, Around> {
    let mut table: FxHashMap<u32, Around> = FxHashMap::default();
    let mut gap = Gap::default();
    let mut last = None;
    for token in root.descendants_with_tokens().filter_map(|it| it.into_token()) {
        match token.kind() {
            SyntaxKind::Comment => gap.comment(&token),
            SyntaxKind::Newline => gap.lines += lines(token.text()),
            kind if kind.is_trivia() => {}
            _ => {
                let offset = u32::from(token.text_range().start());
                std::mem::take(&mut gap).close(&mut table, last.replace(offset), offset, false);
            }
        }
    }
    gap.close(&mut table, last, u32::from(root.text_range().end()), true);
    table
}

/// How many lines end in this piece of white space.
fn lines(text: &str) -> usize {
    let mut count = 0;
    let mut before = ' ';
    for c in text.chars() {
        count += usize::from(c != ';' && !(before == '\r' && c == '\n'));
        before = c;
    }
    count
}

/// What stands between two tokens.
#[derive(Debug, Default)]
struct Gap {
    comments: Vec<(Comment, bool)>,
    /// Lines ended since the last comment.
    lines: usize,
    after_break: bool,
}

impl Gap {
    fn comment(&mut self, token: &SyntaxToken) {
        self.end_piece();
        let text =
            if token.text().starts_with("//") { token.text().trim_end() } else { token.text() };
        let comment = Comment { text: text.to_owned(), blank: self.lines > 1, ends_line: false };
        self.comments.push((comment, self.after_break));
        self.lines = 0;
    }

    /// Tells the last comment whether its line ended.
    fn end_piece(&mut self) {
        self.after_break |= self.lines > 0;
        if let Some((last, _)) = self.comments.last_mut() {
            last.ends_line = self.lines > 0;
        }
    }

    fn close(
        mut self,
        table: &mut FxHashMap<u32, Around>,
        before: Option<u32>,
        at: u32,
        at_end: bool,
    ) {
        self.end_piece();
        let after_break = self.after_break;
        let (own, same_line): (Vec<_>, Vec<_>) =
            self.comments.into_iter().partition(|(_, own_line)| *own_line);
        let mut leading: Vec<Comment> = own.into_iter().map(|(comment, _)| comment).collect();
        let mut same_line: Vec<Comment> =
            same_line.into_iter().map(|(comment, _)| comment).collect();
        match before.and_then(|before| table.get_mut(&before)) {
            Some(before) if after_break || at_end => before.trailing = same_line,
            Some(_) | None => {
                same_line.append(&mut leading);
                leading = same_line;
            }
        }
        let blank = self.lines > 1;
        table.insert(at, Around { leading, trailing: Vec::new(), after_break, blank });
    }
}
