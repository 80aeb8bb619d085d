//! The code area: text, line numbers, colours, error marks, and going to a line.
//!
//! Takes the text and the messages; gives what was shown where. Colouring runs only when
//! the text or the messages changed, and costs nothing on other frames. Knows nothing of the
//! plugin around it.

use super::{Highlighter, Message, Severity, theme};
use egui::text::{CCursor, CCursorRange, LayoutJob, TextFormat};
use egui::{Align2, FontId, Galley, Id, Rect, Role, ScrollArea, Stroke, TextBuffer, Ui, pos2};
use std::ops::Range;
use std::sync::Arc;

/// Width of the line-number column, in points.
const GUTTER: f32 = 52.0;

/// The text field with its caches.
pub(super) struct CodeArea {
    /// Where to put the cursor at the next frame: line and column, both from 1.
    goto: Option<(u32, u32)>,
    /// Take the keyboard at the next frame.
    focus: bool,
    /// The row of the cursor in the last frame.
    row: Option<usize>,
    /// Its byte.
    byte: Option<usize>,
    cache: Cache,
}

/// The code as it was shown in a frame.
pub(super) struct Shown {
    /// The user changed the text.
    pub(super) changed: bool,
    /// It has the keyboard.
    pub(super) focused: bool,
    /// Where the cursor is, in bytes, or was when it had the keyboard.
    pub(super) cursor: Option<usize>,
    /// The part of the window that shows code.
    pub(super) area: Rect,
    /// The text field.
    pub(super) response: egui::Response,
    galley: Arc<Galley>,
    origin: egui::Pos2,
}

impl Shown {
    /// The place of a byte on the screen: as high as its row.
    pub(super) fn place(&self, text: &str, byte: usize) -> Rect {
        let character = text.get(..byte).unwrap_or(text).chars().count();
        self.galley.pos_from_cursor(CCursor::new(character)).translate(self.origin.to_vec2())
    }

    /// The byte that is drawn at a point; none beside the text.
    pub(super) fn byte_at(&self, text: &str, point: egui::Pos2) -> Option<usize> {
        let cursor = self.galley.cursor_from_pos(point - self.origin);
        let near = self.galley.pos_from_cursor(cursor).translate(self.origin.to_vec2());
        let touches = near.y_range().contains(point.y) && (near.center().x - point.x).abs() < 9.0;
        (touches && self.area.contains(point)).then(|| byte_of(text, usize::from(cursor.index)))
    }
}

/// The last coloured text.
#[derive(Default)]
struct Cache {
    text: String,
    marks: Vec<Range<usize>>,
    job: LayoutJob,
}

impl CodeArea {
    pub(super) fn new() -> CodeArea {
        CodeArea { goto: None, focus: true, row: None, byte: None, cache: Cache::default() }
    }

    /// Takes the keyboard at the next frame.
    pub(super) fn focus(&mut self) {
        self.focus = true;
    }

    /// Puts the cursor at a byte of the text at the next frame.
    pub(super) fn go_to_byte(&mut self, text: &str, byte: usize) {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        self.go_to(line as u32, column as u32);
    }

    /// Puts the cursor at `line` and `column` (both from 1) and scrolls there at the next frame.
    pub(super) fn go_to(&mut self, line: u32, column: u32) {
        self.goto = Some((line, column));
        self.focus = true;
    }

    /// The byte of the cursor, if the field has had one.
    pub(super) fn cursor_byte(&self) -> Option<usize> {
        self.byte
    }

    /// The row (from 0) of the cursor, if the field has had one.
    pub(super) fn cursor_row(&self) -> Option<usize> {
        self.row
    }

    /// Draws the area over all the space that `ui` has left.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        text: &mut String,
        messages: &[Message],
        highlight: Highlighter,
    ) -> Shown {
        let marks = marks_of(text, messages);
        let whole = ui.available_rect_before_wrap();
        ui.painter().rect_filled(whole, 0.0, theme::PAPER);
        let gutter = Rect::from_min_max(whole.min, pos2(whole.min.x + GUTTER, whole.max.y));
        let id = Id::unique("attacca source");
        let mut child = ui.new_child(
            egui::UiBuilder::new()
                .max_rect(Rect::from_min_max(pos2(gutter.max.x, whole.min.y), whole.max)),
        );
        let row_behind = self.row;
        let scroll = ScrollArea::both().id_salt("source scroll").auto_shrink([false, false]);
        let shown = scroll.show(&mut child, |ui| {
            let behind = ui.painter().add(egui::Shape::Noop);
            let cache = &mut self.cache;
            let mut layouter = |ui: &Ui, buffer: &dyn TextBuffer, _wrap: f32| {
                cache.galley(ui, buffer.as_str(), &marks, highlight)
            };
            let output = egui::TextEdit::multiline(text)
                .id(id)
                .code_editor()
                .frame(egui::Frame::NONE.inner_margin(egui::Margin::symmetric(8, 8)))
                .desired_width(f32::INFINITY)
                .min_size(ui.available_size())
                .layouter(&mut layouter)
                .show(ui);
            output.response.widget_info(|| {
                egui::WidgetInfo::labeled(Role::MultilineTextInput, true, "source")
            });
            if let Some(row) = row_behind.and_then(|row| output.galley.rows.get(row)) {
                let top = output.galley_pos.y + row.pos.y;
                let band = Rect::from_min_max(
                    pos2(ui.clip_rect().min.x, top),
                    pos2(ui.clip_rect().max.x, top + theme::ROW_HEIGHT),
                );
                ui.painter().set(behind, egui::Shape::rect_filled(band, 0.0, theme::CURRENT_ROW));
            }
            output
        });
        let output = shown.inner;
        let changed = output.response.changed();
        self.row = output.cursor_range.map(|range| row_of(text, usize::from(range.primary.index)));
        paint_gutter(ui, gutter, &output.galley, output.galley_pos.y, self.row, messages);
        if self.focus {
            self.focus = false;
            output.response.request_focus();
        }
        if let Some((line, column)) = self.goto.take() {
            put_cursor(&child, id, text, &output.galley, output.galley_pos, line, column);
        }
        ui.allocate_rect(whole, egui::Sense::hover());
        let cursor = output.cursor_range;
        let cursor = cursor.map(|range| byte_of(text, usize::from(range.primary.index)));
        self.byte = cursor.or(self.byte);
        Shown {
            changed,
            focused: output.response.has_focus(),
            response: output.response.response.clone(),
            cursor: self.byte,
            area: Rect::from_min_max(pos2(gutter.max.x, whole.min.y), whole.max),
            galley: output.galley,
            origin: output.galley_pos,
        }
    }
}

impl Cache {
    fn galley(
        &mut self,
        ui: &Ui,
        text: &str,
        marks: &[Range<usize>],
        highlight: Highlighter,
    ) -> Arc<Galley> {
        if self.text != text || self.marks != marks || self.job.is_empty() {
            self.job = coloured(text, marks, highlight);
            self.text = text.to_owned();
            self.marks = marks.to_vec();
        }
        ui.fonts_mut(|fonts| fonts.layout_job(self.job.clone()))
    }
}

/// One section per token, underlined where a message points.
pub(super) fn coloured(text: &str, marks: &[Range<usize>], highlight: Highlighter) -> LayoutJob {
    let mut job =
        LayoutJob { wrap: egui::text::TextWrapping::no_max_width(), ..LayoutJob::default() };
    let mut at = 0;
    for token in highlight(text) {
        let (start, end) = (token.range.start.max(at), token.range.end.min(text.len()));
        if start >= end || !text.is_char_boundary(start) || !text.is_char_boundary(end) {
            continue;
        }
        append(&mut job, text, at..start, theme::TEXT, marks);
        append(&mut job, text, start..end, theme::token(token.kind), marks);
        at = end;
    }
    append(&mut job, text, at..text.len(), theme::TEXT, marks);
    job
}

fn append(
    job: &mut LayoutJob,
    text: &str,
    range: Range<usize>,
    color: egui::Color32,
    marks: &[Range<usize>],
) {
    if range.is_empty() {
        return;
    }
    let marked = marks.iter().any(|mark| mark.start < range.end && range.start < mark.end);
    let underline = if marked { Stroke::new(1.5, theme::BAD) } else { Stroke::NONE };
    let format = TextFormat {
        font_id: theme::code_font(),
        line_height: Some(theme::ROW_HEIGHT),
        color,
        underline,
        ..TextFormat::default()
    };
    job.append(&text[range], 0.0, format);
}

/// The byte ranges that the errors among `messages` point at.
fn marks_of(text: &str, messages: &[Message]) -> Vec<Range<usize>> {
    let mut marks = Vec::new();
    for message in messages.iter().filter(|message| message.severity == Severity::Error) {
        if message.line == 0 {
            continue;
        }
        let start = byte_at(text, message.line, message.column);
        let end = byte_at(text, message.end_line.max(message.line), message.end_column);
        marks.push(start..end.max(start + 1).min(text.len().max(start)));
    }
    marks
}

/// The byte of a line and column (both from 1, columns in characters); the line's end if it is shorter.
fn byte_at(text: &str, line: u32, column: u32) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].find('\n') {
            Some(newline) => start += newline + 1,
            None => return text.len(),
        }
    }
    let rest = &text[start..];
    let rest = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let skip = column.saturating_sub(1) as usize;
    start + rest.char_indices().nth(skip).map_or(rest.len(), |(byte, _)| byte)
}

/// The byte of a character, counted from 0.
fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(byte, _)| byte)
}

fn row_of(text: &str, character: usize) -> usize {
    text.chars().take(character).filter(|c| *c == '\n').count()
}

fn put_cursor(
    ui: &Ui,
    id: Id,
    text: &str,
    galley: &Galley,
    galley_pos: egui::Pos2,
    line: u32,
    column: u32,
) {
    let character = text[..byte_at(text, line, column)].chars().count();
    let cursor = CCursor::new(character);
    let mut state = egui::text_edit::TextEditState::load(ui.ctx(), id).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::one(cursor)));
    state.store(ui.ctx(), id);
    let place = galley.pos_from_cursor(cursor).translate(galley_pos.to_vec2());
    ui.scroll_to_rect(place, Some(egui::Align::Center));
    ui.ctx().request_repaint();
}

fn paint_gutter(
    ui: &Ui,
    gutter: Rect,
    galley: &Galley,
    top: f32,
    current: Option<usize>,
    messages: &[Message],
) {
    let painter = ui.painter_at(gutter);
    painter.rect_filled(gutter, 0.0, theme::PAPER);
    painter.vline(gutter.max.x - 0.5, gutter.y_range(), Stroke::new(1.0, theme::LINE));
    for (row, placed) in galley.rows.iter().enumerate() {
        let y = top + placed.pos.y;
        if y + theme::ROW_HEIGHT < gutter.min.y || y > gutter.max.y {
            continue;
        }
        let worst = worst_at(messages, row + 1);
        let color = match worst {
            Some(Severity::Error) => theme::BAD,
            Some(Severity::Warning) => theme::WARN,
            Some(Severity::Note) | None if current == Some(row) => theme::TEXT,
            Some(Severity::Note) | None => theme::QUIET,
        };
        if matches!(worst, Some(Severity::Error | Severity::Warning)) {
            painter.circle_filled(
                pos2(gutter.min.x + 10.0, y + theme::ROW_HEIGHT / 2.0),
                3.5,
                color,
            );
        }
        painter.text(
            pos2(gutter.max.x - 12.0, y + theme::ROW_HEIGHT / 2.0),
            Align2::RIGHT_CENTER,
            row + 1,
            FontId::monospace(12.0),
            color,
        );
    }
}

fn worst_at(messages: &[Message], line: usize) -> Option<Severity> {
    messages
        .iter()
        .filter(|message| message.line as usize == line)
        .map(|message| message.severity)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_becomes_a_byte() {
        let text = "ab\ncäd\n";
        for (line, column, want) in
            [(1, 1, 0), (1, 9, 2), (2, 1, 3), (2, 3, 6), (3, 1, 8), (9, 9, 8)]
        {
            assert_eq!(byte_at(text, line, column), want, "{line}:{column}");
        }
    }

    #[test]
    fn rows_are_counted_by_newlines() {
        assert_eq!((row_of("a\nb\nc", 0), row_of("a\nb\nc", 2), row_of("a\nb\nc", 5)), (0, 1, 2));
    }
}
