//! Layout of what stands in brackets with commas.

use super::doc::Doc;
use super::{Layout, first_offset};
use crate::syntax::SyntaxElement;
use crate::syntax::SyntaxKind::{self, *};

/// One element and its comma.
struct Entry {
    /// Comments before it.
    lead: Doc,
    /// An empty line stands before it.
    blank: bool,
    /// It begins a line.
    row: bool,
    /// The kind of its last part.
    kind: SyntaxKind,
    doc: Doc,
    comma: Doc,
}

impl Layout {
    /// `(a, b)` and its like: `parts` begin with the opening bracket and end with the closing one.
    pub(super) fn list(&mut self, parts: &[SyntaxElement]) -> Doc {
        let [open, inner @ .., close] = parts else { return Doc::nil() };
        let table = open.kind() == LBracket && inner.iter().all(is_simple);
        let broken = inner.first().is_some_and(|first| self.after_break(first));
        let open = self.element(open);
        let entries = self.entries(inner);
        let dangling = self.dangling(first_offset(close), entries.is_empty());
        if !broken && dangling.is_none() && hugs(&entries) {
            return self.hug(open, entries, close);
        }
        let closes =
            if entries.is_empty() && dangling.is_none() { Doc::nil() } else { Doc::soft() };
        let mut docs = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let hard = entry.lead.breaks() || (table && entry.row);
            let separator = match index {
                0 if broken || hard => Doc::hard(),
                0 => Doc::soft(),
                _ if entry.blank => Doc::empty(),
                _ if hard => Doc::hard(),
                _ => Doc::line(),
            };
            let doc = Doc::concat(vec![entry.lead, entry.doc, entry.comma]);
            match index {
                // The elements of a table fill its lines.
                1.. if table => docs.push(Doc::group(Doc::concat(vec![separator, doc]))),
                _ => docs.extend([separator, doc]),
            }
        }
        docs.extend(dangling);
        let close = self.element(close);
        Doc::group(Doc::concat(vec![open, Doc::indent(Doc::concat(docs)), closes, close]))
    }

    fn entries(&mut self, inner: &[SyntaxElement]) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut begins = true;
        for part in inner {
            if part.kind() == Comma {
                let comma = self.element(part);
                if let Some(entry) = entries.last_mut() {
                    entry.comma = comma;
                }
                begins = true;
                continue;
            }
            let row = self.after_break(part);
            let (lead, blank) =
                if begins { self.lead(first_offset(part)) } else { (Doc::nil(), false) };
            let doc = self.element(part);
            match entries.last_mut() {
                // `r <- x = 1` is three parts of one element.
                Some(entry) if !begins => {
                    let before = std::mem::replace(&mut entry.doc, Doc::nil());
                    entry.doc = Doc::concat(vec![before, Doc::space(), doc]);
                    entry.kind = part.kind();
                }
                Some(_) | None => {
                    entries.push(Entry {
                        lead,
                        blank,
                        row,
                        kind: part.kind(),
                        doc,
                        comma: Doc::nil(),
                    });
                }
            }
            begins = false;
        }
        entries
    }

    /// `f(a, |x| {` and `})`: only the last element breaks.
    fn hug(&mut self, open: Doc, entries: Vec<Entry>, close: &SyntaxElement) -> Doc {
        let mut docs = vec![open];
        for (index, entry) in entries.into_iter().enumerate() {
            if index > 0 {
                docs.push(Doc::space());
            }
            docs.extend([entry.lead, entry.doc, entry.comma]);
        }
        docs.push(self.element(close));
        Doc::concat(docs)
    }
}

/// Whether the brackets of the last element may stand with those of the list.
fn hugs(entries: &[Entry]) -> bool {
    let Some((last, others)) = entries.split_last() else { return false };
    let brackets = matches!(
        last.kind,
        LambdaExpr
            | RecordExpr
            | RecordUpdateExpr
            | ArrayExpr
            | TupleExpr
            | Block
            | MatchExpr
            | QuoteExpr
    );
    let calm = others.iter().all(|it| !it.doc.breaks() && !it.lead.breaks() && !it.blank);
    brackets && calm && !last.lead.breaks() && (others.is_empty() || last.doc.breaks())
}

/// Whether an element of an array is so small that many go on a line.
fn is_simple(part: &SyntaxElement) -> bool {
    match part.kind() {
        Comma | Literal => true,
        PathExpr | PrefixExpr | QuoteExpr => usize::from(part.text_range().len()) < 20,
        _ => false,
    }
}
