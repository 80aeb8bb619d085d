//! A small document printer: text with places where a line may or must break.
//!
//! Takes a [`Doc`], gives text. A group is printed on one line if it fits, else every line of it
//! (not of groups inside) breaks. Comments that run to the end of their line wait until the line
//! ends. Knows nothing of the language.

/// The widest line, in characters.
pub(super) const WIDTH: usize = 100;
/// How far a nested line is moved to the right, in spaces.
const STEP: usize = 2;

/// A text that is not laid out yet.
#[derive(Debug)]
pub(super) struct Doc {
    kind: Kind,
    /// It holds a line that must break; a group around it can't be on one line.
    breaks: bool,
}

#[derive(Debug)]
enum Kind {
    /// As it is; may hold line breaks (strings, comments).
    Text(String),
    /// A space, or a line break.
    Line,
    /// Nothing, or a line break.
    Soft,
    /// A line break.
    Hard,
    /// A line break and an empty line.
    Empty,
    Concat(Vec<Doc>),
    Indent(Box<Doc>),
    Group(Box<Doc>),
    /// A comment, for the end of the line.
    Trailing(String),
    /// A comment with a line of its own; for the end of the line if something stands before it.
    Own(String),
}

impl Doc {
    fn of(kind: Kind, breaks: bool) -> Self {
        Self { kind, breaks }
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::of(Kind::Text(text.into()), false)
    }

    pub(super) fn nil() -> Self {
        Self::concat(Vec::new())
    }

    pub(super) fn space() -> Self {
        Self::text(" ")
    }

    pub(super) fn line() -> Self {
        Self::of(Kind::Line, false)
    }

    pub(super) fn soft() -> Self {
        Self::of(Kind::Soft, false)
    }

    pub(super) fn hard() -> Self {
        Self::of(Kind::Hard, true)
    }

    pub(super) fn empty() -> Self {
        Self::of(Kind::Empty, true)
    }

    /// Nothing to see, but the group around it breaks.
    pub(super) fn force() -> Self {
        Self::of(Kind::Concat(Vec::new()), true)
    }

    pub(super) fn concat(parts: Vec<Self>) -> Self {
        let breaks = parts.iter().any(|part| part.breaks);
        Self::of(Kind::Concat(parts), breaks)
    }

    pub(super) fn indent(doc: Self) -> Self {
        let breaks = doc.breaks;
        Self::of(Kind::Indent(Box::new(doc)), breaks)
    }

    pub(super) fn group(doc: Self) -> Self {
        let breaks = doc.breaks;
        Self::of(Kind::Group(Box::new(doc)), breaks)
    }

    pub(super) fn trailing(comment: String) -> Self {
        Self::of(Kind::Trailing(comment), false)
    }

    pub(super) fn own(comment: String) -> Self {
        Self::of(Kind::Own(comment), true)
    }

    /// Whether it can't be on one line.
    pub(super) fn breaks(&self) -> bool {
        self.breaks
    }
}

/// Lays a document out.
pub(super) fn print(doc: &Doc) -> String {
    let mut printer = Printer::default();
    printer.run(doc);
    printer.finish()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Flat,
    Break,
}

type Item<'a> = (usize, Mode, &'a Doc);

#[derive(Debug, Default)]
struct Printer {
    out: String,
    /// Characters of the current line, indentation included.
    column: usize,
    /// Indentation of the current line, written before its first text.
    indent: usize,
    /// Something stands on the current line.
    started: bool,
    /// Comments that wait for the end of the line.
    pending: Vec<String>,
}

impl Printer {
    fn run(&mut self, doc: &Doc) {
        let mut stack: Vec<Item<'_>> = vec![(0, Mode::Break, doc)];
        while let Some((indent, mode, doc)) = stack.pop() {
            match &doc.kind {
                Kind::Text(text) => self.text(text),
                Kind::Line | Kind::Soft if mode == Mode::Break => self.newline(indent),
                Kind::Line => self.text(" "),
                Kind::Soft => {}
                Kind::Hard => self.newline(indent),
                Kind::Empty => {
                    self.newline(indent);
                    if !self.out.is_empty() && !self.out.ends_with("\n\n") {
                        self.out.push('\n');
                    }
                }
                Kind::Concat(parts) => {
                    stack.extend(parts.iter().rev().map(|part| (indent, mode, part)));
                }
                Kind::Indent(inner) => stack.push((indent + STEP, mode, inner)),
                Kind::Group(inner) => {
                    let flat = !inner.breaks && self.fits(&stack, indent, inner);
                    stack.push((indent, if flat { Mode::Flat } else { Mode::Break }, inner));
                }
                Kind::Trailing(comment) => self.pending.push(comment.clone()),
                Kind::Own(comment) => self.own(comment, indent),
            }
        }
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if !self.started {
            if text.trim().is_empty() {
                return;
            }
            self.out.extend(std::iter::repeat_n(' ', self.indent));
            self.column = self.indent;
            self.started = true;
        }
        self.out.push_str(text);
        self.column = after(self.column, text);
    }

    fn own(&mut self, comment: &str, indent: usize) {
        if self.started {
            self.pending.push(comment.to_owned());
        } else {
            self.indent = indent;
            self.text(comment);
            self.newline(indent);
        }
    }

    /// Ends the line, behind the comments that wait for it; an empty one is not ended again.
    fn newline(&mut self, indent: usize) {
        let mut ends = false;
        for comment in std::mem::take(&mut self.pending) {
            if ends {
                self.end_line(indent);
            }
            ends = comment.starts_with("//");
            self.text(if self.started { " " } else { "" });
            self.text(&comment);
        }
        self.end_line(indent);
    }

    fn end_line(&mut self, indent: usize) {
        if self.started {
            let kept = self.out.trim_end_matches(' ').len();
            self.out.truncate(kept);
            self.out.push('\n');
        }
        (self.indent, self.column, self.started) = (indent, indent, false);
    }

    /// Whether a group fits on the line, and behind it what comes before the next possible break.
    fn fits(&self, rest: &[Item<'_>], indent: usize, doc: &Doc) -> bool {
        let mut column = if self.started { self.column } else { self.indent.max(indent) };
        let mut ends = !self.pending.is_empty();
        let mut rest = rest.iter().rev();
        let mut stack = vec![(Mode::Flat, doc)];
        while column <= WIDTH {
            let Some((mode, doc)) =
                stack.pop().or_else(|| rest.next().map(|(_, mode, doc)| (*mode, *doc)))
            else {
                return true;
            };
            match &doc.kind {
                Kind::Text(text) => match text.find('\n') {
                    Some(end) => {
                        return column + text.get(..end).unwrap_or("").chars().count() <= WIDTH;
                    }
                    None => column += text.chars().count(),
                },
                Kind::Line | Kind::Soft if mode == Mode::Break => return true,
                Kind::Line | Kind::Soft if ends => return false,
                Kind::Line => column += 1,
                Kind::Soft => {}
                Kind::Hard | Kind::Empty | Kind::Own(_) => return true,
                Kind::Concat(parts) => stack.extend(parts.iter().rev().map(|part| (mode, part))),
                Kind::Indent(inner) | Kind::Group(inner) => stack.push((mode, inner)),
                Kind::Trailing(comment) => ends |= comment.starts_with("//"),
            }
        }
        false
    }

    fn finish(mut self) -> String {
        self.newline(0);
        let kept = self.out.trim_end_matches('\n').len();
        self.out.truncate(kept);
        if kept > 0 {
            self.out.push('\n');
        }
        self.out
    }
}

/// The column behind a text that starts at `column`.
fn after(column: usize, text: &str) -> usize {
    match text.rfind('\n') {
        Some(last) => text.get(last + 1..).unwrap_or("").chars().count(),
        None => column + text.chars().count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(count: usize) -> Doc {
        let mut parts = vec![Doc::text("(")];
        for index in 0..count {
            parts.push(if index == 0 { Doc::soft() } else { Doc::line() });
            parts.push(Doc::text("abcd"));
        }
        Doc::group(Doc::concat(vec![Doc::indent(Doc::concat(parts)), Doc::soft(), Doc::text(")")]))
    }

    #[test]
    fn a_group_breaks_as_a_whole() {
        assert_eq!(print(&words(3)), "(abcd abcd abcd)\n");
        assert_eq!(print(&words(20)), format!("(\n{})\n", "  abcd\n".repeat(20)));
    }

    #[test]
    fn what_follows_a_group_counts() {
        let tail = |len: usize| print(&Doc::concat(vec![words(19), Doc::text("x".repeat(len))]));
        assert_eq!(tail(4).lines().count(), 1);
        assert_eq!(tail(5).lines().count(), 21);
    }

    #[test]
    fn comments_wait_for_the_end_of_the_line() {
        let doc = Doc::concat(vec![
            Doc::text("a"),
            Doc::trailing("// one".to_owned()),
            Doc::own("// two".to_owned()),
            Doc::text(" + b"),
            Doc::empty(),
            Doc::own("// three".to_owned()),
            Doc::text("c"),
        ]);
        assert_eq!(print(&doc), "a + b // one\n// two\n\n// three\nc\n");
    }
}
