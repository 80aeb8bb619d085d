//! The machine the grammar drives: looks at tokens, records events, builds the lossless tree.
//!
//! Takes tokens, gives a green tree that holds every byte. Keeps the rules of error reporting: one message
//! for each mistake, none after the parser gave up on text that is nested too deeply. What follows a mistake
//! is taken for its consequence, up to the next statement on a line of its own outside of all that was open;
//! if brackets are not paired, up to the next definition.

use rowan::{GreenNode, GreenNodeBuilder};

use super::chunks::Chunks;
use super::kind::SyntaxKind;
use super::lexer::Token;
use super::seen::{Seen, divides, hidden, see};
use super::{Broken, End};
use crate::diag::{Diagnostic, Diagnostics, Mark as DiagMark};
use crate::source::{FileId, Span};

/// How deep the grammar may call itself, in units of one operand.
const DEPTH_LIMIT: u32 = 1024;
/// What one level of brackets, blocks or prefixes costs: 256 of them fit.
const LEVEL: u32 = 4;
/// How deep nodes of the tree may lie in each other; long operator chains reach it first. Dropping a tree
/// takes stack for each level, so this fits into a small one.
const TREE_LIMIT: usize = 2048;

/// What the grammar did, in order.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A node begins; `outer` is the distance to the `Start` of a node that was put around it later.
    Start { kind: Option<SyntaxKind>, outer: u32 },
    /// The last open node ends.
    Finish,
    /// The next token that is not trivia.
    Token,
}

/// A node that is being parsed.
#[derive(Debug)]
pub(super) struct Marker(usize);

/// A finished node; others can still be put around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done(usize);

/// A state to return to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checkpoint {
    pos: usize,
    events: usize,
    told: Told,
    broken: usize,
    diags: DiagMark,
}

/// What was reported last, and how far that goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    /// Where the parser was at the last message.
    pos: Option<usize>,
    /// The token that the last message was about.
    at: usize,
    /// The last token at which what was reported before could no longer matter.
    sound: usize,
}

/// Tokens, position, events, messages.
pub(super) struct Parser<'a> {
    source: &'a str,
    file: FileId,
    raw: &'a [Token],
    seen: Vec<Seen>,
    pos: usize,
    events: Vec<Event>,
    diags: &'a mut Diagnostics,
    depth: u32,
    told: Told,
    /// Where the last statement or definition begins.
    begun: usize,
    chunks: Chunks,
    /// Chunks with a mistake, by number.
    broken: Vec<usize>,
    gave_up: bool,
    /// Whether a string or comment has no end: that the text ends too early follows from it.
    end: End,
    /// Reserved words that were reported as names; their uses are no news.
    reserved: Vec<SyntaxKind>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(
        source: &'a str,
        file: FileId,
        raw: &'a [Token],
        diags: &'a mut Diagnostics,
    ) -> Self {
        let (seen, wrong) = see(source, file, raw, diags);
        let open =
            diags.iter().any(|one| one.span.file == file && one.code.starts_with("unterminated"));
        let end = if open { End::Open } else { End::Clean };
        let events = Vec::with_capacity(seen.len() * 3);
        let chunks = Chunks::of(seen.iter().map(|token| (token.kind, divides(token))));
        let mut parser = Self {
            source,
            file,
            raw,
            seen,
            pos: 0,
            events,
            diags,
            depth: 0,
            told: Told::default(),
            begun: 0,
            chunks,
            broken: Vec::new(),
            gave_up: false,
            end,
            reserved: Vec::new(),
        };
        wrong.into_iter().for_each(|token| parser.note_broken(token));
        parser
    }

    // Looking.

    /// The kind of the token `ahead` places on; [`SyntaxKind::Eof`] at the end or after giving up.
    pub(super) fn nth(&self, ahead: usize) -> SyntaxKind {
        match self.seen.get(self.pos + ahead) {
            Some(token) if !self.gave_up => token.kind,
            Some(_) | None => SyntaxKind::Eof,
        }
    }

    pub(super) fn current(&self) -> SyntaxKind {
        self.nth(0)
    }

    pub(super) fn at(&self, kind: SyntaxKind) -> bool {
        self.current() == kind
    }

    pub(super) fn at_end(&self) -> bool {
        self.at(SyntaxKind::Eof)
    }

    /// Whether a line break or `;` stands before the current token.
    pub(super) fn after_break(&self) -> bool {
        self.seen.get(self.pos).is_some_and(|token| token.after_break)
    }

    /// Whether the current token starts its line without indentation.
    pub(super) fn at_margin(&self) -> bool {
        self.seen.get(self.pos).is_some_and(|token| token.at_margin)
    }

    /// Whether nothing stands between the current token and the next one.
    pub(super) fn next_is_joined(&self) -> bool {
        self.seen.get(self.pos + 1).is_some_and(|token| token.joined)
    }

    /// The kind of the last token taken; [`SyntaxKind::Eof`] at the start.
    pub(super) fn before(&self) -> SyntaxKind {
        let before = self.pos.checked_sub(1).and_then(|before| self.seen.get(before));
        before.map_or(SyntaxKind::Eof, |token| token.kind)
    }

    /// The text of the current token.
    pub(super) fn text(&self) -> &'a str {
        self.text_at(self.pos)
    }

    /// The text of the token with this number.
    pub(super) fn text_at(&self, position: usize) -> &'a str {
        let token = self.seen.get(position);
        token.and_then(|t| self.source.get(t.start as usize..t.end as usize)).unwrap_or("")
    }

    /// Whether a name stands right behind a number.
    pub(super) fn letters_behind_number(&self) -> bool {
        self.at(SyntaxKind::Ident)
            && matches!(self.before(), SyntaxKind::Integer | SyntaxKind::Float)
            && self.seen.get(self.pos).is_some_and(|token| token.joined)
    }

    /// Number of the current token; grows with every token taken.
    pub(super) fn position(&self) -> usize {
        self.pos
    }

    /// The place of the token with this number; the end of the last token beyond the end.
    pub(super) fn span_at(&self, position: usize) -> Span {
        match self.seen.get(position) {
            Some(token) => Span::new(self.file, token.start, token.end),
            None => {
                let end = self.seen.last().map_or(0, |token| token.end);
                Span::new(self.file, end, end)
            }
        }
    }

    pub(super) fn span(&self) -> Span {
        self.span_at(self.pos)
    }

    /// The place right behind the last token taken: where something is missing.
    pub(super) fn span_behind(&self) -> Span {
        let end = self.pos.checked_sub(1).map_or(0, |before| self.span_at(before).end);
        Span::new(self.file, end, end)
    }

    // Taking.

    pub(super) fn bump(&mut self) {
        if self.at_end() {
            return;
        }
        self.events.push(Event::Token);
        self.pos += 1;
    }

    pub(super) fn eat(&mut self, kind: SyntaxKind) -> bool {
        let found = self.at(kind);
        if found {
            self.bump();
        }
        found
    }

    /// Takes a token of this kind or reports that it is missing.
    pub(super) fn expect(&mut self, kind: SyntaxKind) -> bool {
        self.eat(kind) || {
            self.expected(&kind.described());
            false
        }
    }

    /// Takes a closing bracket, or reports that it is missing and where its partner is.
    pub(super) fn close(&mut self, kind: SyntaxKind, opened_at: usize) -> bool {
        if self.eat(kind) {
            return true;
        }
        let around = self.chunks.of_token(opened_at);
        let shifted = self.broken.contains(&around) && !self.chunks.is_paired(around);
        if shifted || self.follows_up() {
            return false;
        }
        let opened = self.span_at(opened_at);
        let wanted = kind.described();
        let message = self.expected_message(&wanted);
        let code = if self.at_end() { "unexpected-end" } else { "expected-token" };
        self.report(Diagnostic::error(code, self.span(), message).also(opened, "opened here"));
        false
    }

    /// Puts the current token into an error node.
    pub(super) fn skip(&mut self) {
        let marker = self.start();
        self.bump();
        self.finish_node(marker, SyntaxKind::Error);
    }

    // Nodes.

    pub(super) fn start(&mut self) -> Marker {
        self.events.push(Event::Start { kind: None, outer: 0 });
        Marker(self.events.len() - 1)
    }

    pub(super) fn finish_node(&mut self, marker: Marker, kind: SyntaxKind) -> Done {
        if let Some(Event::Start { kind: slot, .. }) = self.events.get_mut(marker.0) {
            *slot = Some(kind);
        }
        self.events.push(Event::Finish);
        Done(marker.0)
    }

    /// Opens a node around a finished one.
    pub(super) fn around(&mut self, done: Done) -> Marker {
        let marker = self.start();
        if let Some(Event::Start { outer, .. }) = self.events.get_mut(done.0) {
            *outer = (marker.0 - done.0) as u32;
        }
        marker
    }

    // Depth.

    /// Goes one level of nesting down, unless that is too deep. Pair with [`Parser::leave`].
    pub(super) fn enter(&mut self) -> bool {
        self.enter_by(LEVEL)
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(LEVEL);
    }

    /// Like [`Parser::enter`] for the right side of an operator, and for `else if`.
    pub(super) fn enter_operand(&mut self) -> bool {
        self.enter_by(1)
    }

    pub(super) fn leave_operand(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    fn enter_by(&mut self, cost: u32) -> bool {
        if self.depth + cost > DEPTH_LIMIT {
            let span = self.span();
            self.report(too_deep(span));
            self.gave_up = true;
            return false;
        }
        self.depth += cost;
        true
    }

    // Trying.

    pub(super) fn checkpoint(&self) -> Checkpoint {
        let diags = self.diags.mark();
        let (events, broken) = (self.events.len(), self.broken.len());
        Checkpoint { pos: self.pos, events, told: self.told, broken, diags }
    }

    /// Whether something was reported since.
    pub(super) fn failed_since(&self, checkpoint: Checkpoint) -> bool {
        self.told != checkpoint.told
    }

    /// Undoes everything since. Not for undoing [`Parser::around`].
    pub(super) fn return_to(&mut self, checkpoint: Checkpoint) {
        self.pos = checkpoint.pos;
        self.events.truncate(checkpoint.events);
        self.told = checkpoint.told;
        self.broken.truncate(checkpoint.broken);
        self.diags.rollback(checkpoint.diags);
    }

    // Messages.

    /// Reports that `what` is missing here.
    pub(super) fn expected(&mut self, what: &str) {
        let message = self.expected_message(what);
        let code = if self.at_end() { "unexpected-end" } else { "expected-token" };
        self.report(Diagnostic::error(code, self.span(), message));
    }

    /// `expected X, found Y`, or that the text ends.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other tokens are named by their kind")]
    pub(super) fn expected_message(&self, what: &str) -> String {
        match self.current() {
            SyntaxKind::Eof => format!("unexpected end of input: expected {what}"),
            SyntaxKind::Ident => format!("expected {what}, found `{}`", self.text()),
            other => format!("expected {what}, found {}", other.described()),
        }
    }

    /// Reports a mistake at the current token, unless it follows from one that was reported.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        let here = self.seen.get(self.pos);
        let known = here.map_or(self.end == End::Open, |token| token.after_unknown);
        if known || self.gave_up || self.is_spoilt() {
            return;
        }
        let at = self.place();
        (self.told.pos, self.told.at) = (Some(self.pos), at);
        self.note_broken(at);
        self.diags.push(diagnostic);
    }

    /// The token that a mistake here belongs to. Where the next definition begins, something is missing in
    /// the one before.
    fn place(&self) -> usize {
        let first = self.chunks.tokens(self.chunks.of_token(self.pos)).start;
        if first == self.pos && self.begun != self.pos { first.saturating_sub(1) } else { self.pos }
    }

    /// Whether what seems wrong here follows from the mistake that was reported last.
    fn is_spoilt(&self) -> bool {
        let Told { pos: Some(pos), at, sound } = self.told else { return false };
        let (chunk, before) = (self.chunks.of_token(self.place()), self.chunks.of_token(at));
        pos == self.pos
            || (chunk == before && sound <= at)
            || (self.chunks.same_definition(chunk, before) && !self.chunks.is_paired(before))
    }

    /// Whether something was wrong before in the same definition: what has no place here may follow from it.
    pub(super) fn follows_up(&self) -> bool {
        let chunk = self.chunks.of_token(self.place());
        self.broken.iter().any(|broken| {
            let shifted = !self.chunks.is_paired(*broken);
            *broken == chunk || (shifted && self.chunks.same_definition(*broken, chunk))
        })
    }

    /// Notes that a statement or definition begins here: it is a new one if nothing that was open at
    /// the last mistake is open any more.
    pub(super) fn begin_statement(&mut self) {
        self.begun = self.pos;
        let Told { pos: Some(_), at, .. } = self.told else { return };
        if self.after_break() && self.chunks.is_outside(self.pos, at) {
            self.told.sound = self.pos;
        }
    }

    fn note_broken(&mut self, token: usize) {
        let chunk = self.chunks.of_token(token);
        if !self.broken.contains(&chunk) {
            self.broken.push(chunk);
        }
    }

    /// How the text ends.
    pub(super) fn end(&self) -> End {
        self.end
    }

    /// The definitions and statements in which something is wrong, each as a whole.
    pub(super) fn broken(&self) -> Vec<Broken> {
        let broken = self.broken.iter().map(|chunk| {
            let tokens = self.chunks.tokens(*chunk);
            // Spaces behind a node may belong to it.
            let end = self.seen.get(tokens.end).map_or(self.source.len() as u32, |it| it.start);
            let start = self.span_at(tokens.start).start;
            let span = Span::new(self.file, start, end.max(start));
            let seen = self.seen.get(tokens.clone()).unwrap_or_default();
            let kinds = seen.iter().map(|token| token.kind);
            let tokens = kinds.zip(tokens.map(|at| self.text_at(at).into())).collect();
            Broken { span, tokens }
        });
        broken.collect()
    }

    /// Notes that the current token was reported as a reserved word used as a name.
    pub(super) fn reserve(&mut self) {
        self.reserved.push(self.current());
    }

    /// Whether the current token is such a word, used again.
    pub(super) fn at_reserved(&self) -> bool {
        self.reserved.contains(&self.current())
    }

    // Building.

    /// Puts what is left after giving up into an error node of the open root.
    pub(super) fn take_rest(&mut self) {
        self.gave_up = false;
        let marker = self.start();
        while !self.at_end() {
            self.bump();
        }
        self.finish_node(marker, SyntaxKind::Error);
    }

    /// Whether parsing stopped before the end because of nesting.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Turns the events into the tree.
    pub(super) fn finish(self) -> GreenNode {
        let Self { source, file, raw, mut events, diags, .. } = self;
        let mut build = Build::new(source, raw);
        for index in 0..events.len() {
            match events.get(index).copied() {
                Some(Event::Start { kind: Some(_), .. }) => {
                    let kinds = outer_kinds(&mut events, index);
                    build.flush_trivia();
                    kinds.into_iter().rev().for_each(|kind| build.open(kind));
                }
                Some(Event::Finish) => build.close(),
                Some(Event::Token) => build.token(),
                Some(Event::Start { kind: None, .. }) | None => {}
            }
        }
        if let Some((start, end)) = build.too_deep {
            diags.push(too_deep(Span::new(file, start, end)));
        }
        build.builder.finish()
    }
}

/// The kinds of a node and of all nodes put around it, innermost first; their events are used up.
fn outer_kinds(events: &mut [Event], index: usize) -> Vec<SyntaxKind> {
    let mut kinds = Vec::new();
    let mut at = index;
    while let Some(Event::Start { kind, outer }) = events.get_mut(at) {
        kinds.extend(kind.take());
        if *outer == 0 {
            break;
        }
        at += *outer as usize;
    }
    kinds
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error("nested-too-deeply", span, "this is nested too deeply")
        .help("give parts of it names with `let` or `fn`")
}

/// The tree under construction.
struct Build<'a> {
    builder: GreenNodeBuilder<'static>,
    source: &'a str,
    raw: std::slice::Iter<'a, Token>,
    offset: usize,
    /// For each open event, whether a node was really opened.
    open: Vec<bool>,
    depth: usize,
    too_deep: Option<(u32, u32)>,
}

impl<'a> Build<'a> {
    fn new(source: &'a str, raw: &'a [Token]) -> Self {
        let builder = GreenNodeBuilder::new();
        Self { builder, source, raw: raw.iter(), offset: 0, open: vec![], depth: 0, too_deep: None }
    }

    fn open(&mut self, kind: SyntaxKind) {
        let fits = self.depth < TREE_LIMIT;
        if fits {
            self.builder.start_node(kind.into());
            self.depth += 1;
        } else if self.too_deep.is_none() {
            let next = self.raw.as_slice().first().map_or(0, |token| token.len);
            self.too_deep = Some((self.offset as u32, self.offset as u32 + next));
        }
        self.open.push(fits);
    }

    fn close(&mut self) {
        if self.open.len() == 1 {
            self.flush_trivia();
        }
        if self.open.pop() == Some(true) {
            self.builder.finish_node();
            self.depth -= 1;
        }
    }

    /// Trivia belongs to the node around the next token's outermost new node.
    fn flush_trivia(&mut self) {
        if self.open.is_empty() {
            return;
        }
        while self.raw.as_slice().first().is_some_and(|token| hidden(token.kind)) {
            self.raw_token();
        }
    }

    fn token(&mut self) {
        self.flush_trivia();
        self.raw_token();
    }

    fn raw_token(&mut self) {
        if let Some(token) = self.raw.next() {
            let end = self.offset + token.len as usize;
            self.builder.token(token.kind.into(), self.source.get(self.offset..end).unwrap_or(""));
            self.offset = end;
        }
    }
}
