//! Source texts and places in them.
//!
//! Owns the names and texts of the files of one compilation, gives ids, spans and line/column
//! lookup. Never reads a file: texts come from the caller.

use std::sync::Arc;

use cranelift_entity::{PrimaryMap, entity_impl};

/// A source text of a [`SourceMap`]; printed `file0`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);
entity_impl!(FileId, "file");

/// A piece of a source text: byte offsets, `end` excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The text this is a piece of.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes `start..end` of `file`.
    pub fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end: end.max(start) }
    }

    /// Whether the other span lies inside this one.
    pub fn holds(self, inner: Self) -> bool {
        self.file == inner.file && self.start <= inner.start && inner.end <= self.end
    }

    /// The smallest span that holds both; `self` if they are of different files.
    pub fn cover(self, other: Self) -> Self {
        if self.file != other.file {
            return self;
        }
        Self::new(self.file, self.start.min(other.start), self.end.max(other.end))
    }

    /// The byte range, for slicing a text.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A place as people name it: both count from 1, columns count Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: u32,
    /// Column in Unicode scalar values, from 1.
    pub column: u32,
}

/// One file: its name as given, its text, and where its lines start.
#[derive(Clone, Debug)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Vec<u32>,
}

impl Source {
    /// Takes a text; lines end at LF, CR LF or a lone CR.
    pub fn new(name: &str, text: &str) -> Self {
        let mut line_starts = vec![0];
        let mut bytes = text.bytes().zip(1u32..).peekable();
        while let Some((byte, after)) = bytes.next() {
            let is_cr_lf = byte == b'\r' && bytes.peek().is_some_and(|(next, _)| *next == b'\n');
            if byte == b'\n' || (byte == b'\r' && !is_cr_lf) {
                line_starts.push(after);
            }
        }
        Self { name: name.into(), text: text.into(), line_starts }
    }

    /// The name it was added with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset; offsets beyond the end count as the end.
    pub fn locate(&self, offset: u32) -> LineColumn {
        let offset = offset.min(self.text.len() as u32);
        let index = self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.line_starts.get(index).copied().unwrap_or(0) as usize;
        let before = self.text.char_indices_between(start, offset as usize);
        LineColumn { line: index as u32 + 1, column: before + 1 }
    }

    /// The byte offset of a place; past the end of a line is the line's end. The inverse of [`Source::locate`].
    pub fn offset(&self, place: LineColumn) -> u32 {
        let index = place.line.saturating_sub(1) as usize;
        let Some(start) = self.line_starts.get(index) else {
            return self.text.len() as u32;
        };
        let line = self.line(place.line);
        let within = line.char_indices().nth(place.column.saturating_sub(1) as usize);
        start + within.map_or(line.len(), |(at, _)| at) as u32
    }

    /// The text of a line (counted from 1) without its line break; empty if there is none.
    pub fn line(&self, line: u32) -> &str {
        let index = line.saturating_sub(1) as usize;
        let start = self.line_starts.get(index).map_or(self.text.len(), |start| *start as usize);
        let end = self.line_starts.get(index + 1).map_or(self.text.len(), |end| *end as usize);
        self.text.get(start..end).unwrap_or("").trim_end_matches(['\n', '\r'])
    }

    /// Number of lines, at least 1.
    pub fn line_count(&self) -> u32 {
        self.line_starts.len() as u32
    }
}

/// Counting characters up to an offset that may lie inside one.
trait CountChars {
    fn char_indices_between(&self, start: usize, end: usize) -> u32;
}

impl CountChars for str {
    fn char_indices_between(&self, start: usize, end: usize) -> u32 {
        // A character that begins before the end counts, whole or not.
        let inside = (end..=self.len()).find_map(|end| self.get(start..end));
        inside.unwrap_or("").chars().count() as u32
    }
}

/// The texts of one compilation.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: PrimaryMap<FileId, Source>,
}

impl SourceMap {
    /// A map without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text under a name shown in messages.
    pub fn add(&mut self, name: &str, text: &str) -> FileId {
        self.files.push(Source::new(name, text))
    }

    /// The file with this id, if it is of this map.
    pub fn get(&self, file: FileId) -> Option<&Source> {
        self.files.get(file)
    }

    /// The name of a file; empty for an id of another map.
    pub fn name(&self, file: FileId) -> &str {
        self.get(file).map_or("", Source::name)
    }

    /// The text of a file; empty for an id of another map.
    pub fn text(&self, file: FileId) -> &str {
        self.get(file).map_or("", Source::text)
    }

    /// The text a span covers; empty if it lies outside.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.range()).unwrap_or("")
    }

    /// Where a span starts.
    pub fn start(&self, span: Span) -> LineColumn {
        self.locate(span.file, span.start)
    }

    /// The place after a span's last character.
    pub fn end(&self, span: Span) -> LineColumn {
        self.locate(span.file, span.end)
    }

    /// Line and column of a byte offset.
    pub fn locate(&self, file: FileId, offset: u32) -> LineColumn {
        self.get(file).map_or(LineColumn { line: 1, column: 1 }, |source| source.locate(offset))
    }

    /// All files with their ids, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Source)> {
        self.files.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_end_in_three_ways() {
        let source = Source::new("a", "é1\r\nx\ry\n");
        for (offset, line, column) in [
            (0, 1, 1),
            (2, 1, 2),
            (3, 1, 3),
            (5, 2, 1),
            (7, 3, 1),
            (8, 3, 2),
            (9, 4, 1),
            (99, 4, 1),
        ] {
            let place = LineColumn { line, column };
            assert_eq!(source.locate(offset), place, "offset {offset}");
        }
        assert_eq!(source.line(1), "é1");
        assert_eq!(source.line(3), "y");
        assert_eq!(source.line_count(), 4);
    }

    #[test]
    fn offset_undoes_locate() {
        let source = Source::new("a", "let é = 1\nfn dsp() { é }\n");
        for (at, _) in source.text().char_indices() {
            assert_eq!(source.offset(source.locate(at as u32)), at as u32);
        }
    }
}
