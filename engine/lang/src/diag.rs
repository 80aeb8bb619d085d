//! What the front end has to say to the person who writes the program.
//!
//! Takes messages from every pass into one [`Diagnostics`], gives them in order, and turns them
//! into text. Errors are data: code, place, words. Never prints anything by itself.

use std::fmt::Write as _;

use crate::source::{SourceMap, Span};
use attacca_mir::cancel::Cancel;

/// More messages than this are counted, not kept.
const KEPT: usize = 500;
/// More messages than this are counted, not shown: nobody reads the 101st.
const SHOWN: usize = 100;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program is rejected.
    Error,
    /// The program runs, perhaps not as meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`, as printed and as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A further place that explains a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub text: String,
}

/// One message with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the program is rejected.
    pub severity: Severity,
    /// A stable name in kebab case, as `unknown-name`.
    pub code: &'static str,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to write beside the marks under `span`; may be empty.
    pub label: String,
    /// Further places.
    pub labels: Vec<Label>,
    /// What to do about it, each a sentence.
    pub help: Vec<String>,
    /// Background, each a sentence.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message.into())
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message.into())
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: String) -> Self {
        let label = String::new();
        Self { severity, code, message, span, label, labels: vec![], help: vec![], notes: vec![] }
    }

    /// The words beside the marks under the main place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// A further place with its words.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Says which macro call led here. A place in another text, as of the library, is second to it.
    #[must_use]
    pub fn in_macro_call(mut self, call: Span, text: &str) -> Self {
        if call.holds(self.span) {
            return self;
        }
        if call.file == self.span.file {
            return self.also(call, text);
        }
        let inside = std::mem::replace(&mut self.span, call);
        self.also(inside, "here")
    }

    /// Background.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Helps and notes as one list of lines, helps first, each with its prefix (`help: ..`).
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        let help = self.help.iter().map(|text| format!("help: {text}"));
        help.chain(self.notes.iter().map(|text| format!("note: {text}")))
    }

    /// The further places as lines, each with its position and words (`patch.mmm:1:5: defined here`).
    pub fn places(&self, sources: &SourceMap) -> impl Iterator<Item = String> {
        self.labels.iter().map(|label| {
            let start = sources.start(label.span);
            let name = sources.name(label.span.file);
            format!("{name}:{}:{}: {}", start.line, start.column, label.text)
        })
    }

    /// The message as text for a terminal, ending with a line break.
    ///
    /// ```
    /// use attacca_lang::{diag::Diagnostic, source::{SourceMap, Span}};
    /// let mut sources = SourceMap::new();
    /// let file = sources.add("patch.mmm", "fn dsp() { nope }");
    /// let diagnostic = Diagnostic::error("unknown-name", Span::new(file, 11, 15), "`nope` is not defined");
    /// assert!(diagnostic.render(&sources).contains("┌ patch.mmm:1:12"));
    /// ```
    pub fn render(&self, sources: &SourceMap) -> String {
        let mut out = format!("{}[{}]: {}\n", self.severity.name(), self.code, self.message);
        let lines = self.labels.iter().map(|label| label.span).chain([self.span]);
        let last = lines.map(|span| sources.start(span).line).max().unwrap_or(1);
        let margin = last.to_string().len();
        snippet(&mut out, sources, margin, self.span, '^', &self.label);
        for label in &self.labels {
            snippet(&mut out, sources, margin, label.span, '-', &label.text);
        }
        for remark in self.remarks() {
            line(&mut out, format_args!("{:margin$} = {remark}", ""));
        }
        out
    }
}

/// Appends one line; writing to a `String` cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    if out.write_fmt(text).is_ok() {
        out.push('\n');
    }
}

/// Appends a place, its source line and the marks under it.
fn snippet(
    out: &mut String,
    sources: &SourceMap,
    margin: usize,
    span: Span,
    mark: char,
    text: &str,
) {
    let start = sources.start(span);
    let end = sources.end(span);
    let name = sources.name(span.file);
    let source = sources.get(span.file).map_or("", |source| source.line(start.line));
    let length = source.chars().count() as u32 + 1;
    let last = if end.line == start.line { end.column } else { length };
    let marks = last.saturating_sub(start.column).max(1) as usize;
    line(out, format_args!("{:margin$} ┌ {name}:{}:{}", "", start.line, start.column));
    let shown = excerpt(&source.replace('\t', " "), start.column as usize - 1, marks);
    line(out, format_args!("{:>margin$} │ {}", start.line, shown.text));
    let under = format!(
        "{:margin$} │ {:indent$}{} {text}",
        "",
        "",
        mark.to_string().repeat(shown.marks),
        indent = shown.indent
    );
    line(out, format_args!("{}", under.trim_end()));
}

/// Most characters of a source line that a message shows.
const WIDTH: usize = 120;

/// A piece of a line around what is marked.
struct Excerpt {
    text: String,
    indent: usize,
    marks: usize,
}

/// The line, or of a long one the piece around `marks` characters from `start` on.
fn excerpt(source: &str, start: usize, marks: usize) -> Excerpt {
    let length = source.chars().count();
    if length <= WIDTH {
        return Excerpt { text: source.to_owned(), indent: start, marks };
    }
    let marks = marks.min(WIDTH / 2);
    let from = start.saturating_sub((WIDTH - marks) / 2);
    let piece: String = source.chars().skip(from).take(WIDTH).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if from + WIDTH < length { "…" } else { "" };
    let indent = start - from + before.chars().count();
    Excerpt { text: format!("{before}{piece}{after}"), indent, marks }
}

/// The messages of one compilation, in the order they were found.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
    dropped: usize,
    cancel: Cancel,
}

impl Diagnostics {
    /// No messages yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No messages yet, of a compile that may be called off.
    pub fn of(cancel: Cancel) -> Self {
        Self { cancel, ..Self::default() }
    }

    /// Whether the compile was called off: what the passes do now is of no use.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Adds a message, unless it was added before: expanded code is checked once more. After 500
    /// messages it is only counted.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < KEPT && self.list.contains(&diagnostic) {
            return;
        }
        match diagnostic.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => {}
        }
        if self.list.len() < KEPT {
            self.list.push(diagnostic);
        } else {
            self.dropped += 1;
        }
    }

    /// Adds an error in the plainest form.
    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::error(code, span, message));
    }

    /// Adds a warning in the plainest form.
    pub fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.push(Diagnostic::warning(code, span, message));
    }

    /// Whether the program is rejected.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Number of errors, the dropped ones included.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Number of messages that were counted but not kept.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// Number of messages kept.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The messages, in the order they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// The messages in the order of their places.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut list: Vec<_> = self.list.iter().collect();
        list.sort_by_key(|diagnostic| diagnostic.span);
        list
    }

    /// The messages as text, in the order of their places, separated by empty lines. Of more than
    /// 100, the rest is a number.
    pub fn render(&self, sources: &SourceMap) -> String {
        let shown = self.sorted().into_iter().take(SHOWN);
        let parts: Vec<_> = shown.map(|one| one.render(sources)).collect();
        let mut out = parts.join("\n");
        let more = self.dropped + self.list.len() - parts.len();
        if more > 0 {
            line(&mut out, format_args!("\n… and {more} more"));
        }
        out
    }

    /// Where to come back to with [`Diagnostics::rollback`].
    pub(crate) fn mark(&self) -> Mark {
        Mark { kept: self.list.len(), errors: self.errors, dropped: self.dropped }
    }

    /// Keeps of what came after the mark only what stands first in its text.
    pub(crate) fn keep_first(&mut self, mark: Mark) {
        let first =
            self.list.get(mark.kept..).unwrap_or_default().iter().min_by_key(|it| it.span.start);
        let Some(first) = first.cloned() else { return };
        self.rollback(mark);
        self.push(first);
    }

    /// Forgets what came after the mark: a trial that did not work out.
    pub(crate) fn rollback(&mut self, mark: Mark) {
        self.list.truncate(mark.kept);
        self.errors = mark.errors;
        self.dropped = mark.dropped;
    }
}

/// A state of [`Diagnostics`] to return to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    kept: usize,
    errors: usize,
    dropped: usize,
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let mut sources = SourceMap::new();
        let text = format!("{}nope{}", "a ".repeat(50_000), " b".repeat(50_000));
        let file = sources.add("patch.mmm", &text);
        let said = Diagnostic::error("unknown-name", Span::new(file, 100_000, 100_004), "no")
            .render(&sources);
        assert!(said.len() < 1_000, "{} bytes", said.len());
        let lines: Vec<&str> = said.lines().collect();
        let column = |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count());
        assert_eq!(column(lines[2], "nope"), column(lines[3], "^^^^"));
    }

    #[test]
    fn a_message_shows_its_line_and_what_to_do() {
        let mut sources = SourceMap::new();
        let file = sources.add("patch.mmm", "a\nb\nc\n  ${ make_osc(freq) }\n");
        let text = Diagnostic::error(
            "wrong-stage",
            Span::new(file, 20, 24),
            "`freq` exists only while sound runs",
        )
        .label("used here, in a macro")
        .also(Span::new(file, 0, 1), "bound here")
        .help("pass a quoted expression: make_osc(`freq)")
        .render(&sources);
        expect![[r#"
            error[wrong-stage]: `freq` exists only while sound runs
              ┌ patch.mmm:4:15
            4 │   ${ make_osc(freq) }
              │               ^^^^ used here, in a macro
              ┌ patch.mmm:1:1
            1 │ a
              │ - bound here
              = help: pass a quoted expression: make_osc(`freq)
        "#]]
        .assert_eq(&text);
    }

    #[test]
    fn messages_beyond_the_limit_are_counted() {
        let mut diags = Diagnostics::new();
        let mut sources = SourceMap::new();
        let file = sources.add("a", "");
        for number in 0..KEPT + 3 {
            diags.error("x", Span::new(file, 0, 0), format!("number {number}"));
        }
        assert_eq!((diags.len(), diags.dropped(), diags.error_count()), (KEPT, 3, KEPT + 3));
        let text = diags.render(&sources);
        assert_eq!(text.matches("error[x]").count(), SHOWN);
        assert!(text.ends_with(&format!("\n… and {} more\n", KEPT + 3 - SHOWN)), "{text}");
    }
}
