//! A new name for what the cursor stands on: F2 or Ctrl+R opens a small field at the name, Enter
//! takes it.
//!
//! Takes what is known of the text, gives the edits; it is `ide` that knows which names mean the same.

use super::code::Shown;
use super::{help, theme};
use attacca_engine::ide::{Snapshot, TextEdit};
use egui::{Key, Modifiers, RichText, Ui, vec2};

/// Renaming in a window.
#[derive(Default)]
pub(super) struct Rename {
    /// It was asked for: the field opens as soon as the text was read.
    asked: bool,
    open: Option<Open>,
}

/// The field.
struct Open {
    /// Where the cursor was.
    at: usize,
    /// Where the name begins.
    start: usize,
    name: String,
    /// Why the name can't be had.
    wrong: String,
    /// It has not had the keyboard yet.
    new: bool,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// These edits change the name.
    Renamed {
        /// In order.
        edits: Vec<TextEdit>,
        /// Where the cursor is then.
        cursor: usize,
    },
    /// Nothing can be renamed here, for this reason.
    Refused(String),
    /// The user left it.
    Left,
}

impl Rename {
    /// Takes the keys that belong to it, before the text field sees them. True if the text must be given
    /// the keyboard again.
    pub(super) fn keys(&mut self, ui: &Ui) -> bool {
        ui.input_mut(|input| {
            self.asked |= input.consume_key(Modifiers::NONE, Key::F2);
            // Function keys do not come through every adapter between the window and us.
            self.asked |= input.consume_key(Modifiers::COMMAND, Key::R);
            let leaves = self.open.is_some() && input.consume_key(Modifiers::NONE, Key::Escape);
            if leaves {
                self.open = None;
            }
            leaves
        })
    }

    /// Asks for another name for what is at the cursor.
    pub(super) fn ask(&mut self) {
        self.asked = true;
    }

    /// Draws the field, if it is open.
    pub(super) fn ui(
        &mut self,
        ui: &Ui,
        text: &str,
        shown: &Shown,
        snapshot: Option<&Snapshot>,
    ) -> Option<Outcome> {
        let snapshot = snapshot.filter(|snapshot| snapshot.text() == text)?;
        if std::mem::take(&mut self.asked) {
            match begin(text, shown.cursor?, snapshot) {
                Ok(open) => self.open = Some(open),
                Err(why) => return Some(Outcome::Refused(why)),
            }
        }
        let open = self.open.as_mut()?;
        let at = shown.place(text, open.start).left_bottom() + vec2(-9.0, 3.0);
        let entered = field(ui, at, open);
        match entered? {
            Entered::Left => {
                self.open = None;
                Some(Outcome::Left)
            }
            Entered::Name => match snapshot.rename(open.at, &open.name) {
                Ok(edits) => {
                    let cursor = moved(open.at, &edits);
                    self.open = None;
                    Some(Outcome::Renamed { edits, cursor })
                }
                Err(why) => {
                    (open.wrong, open.new) = (why, true);
                    None
                }
            },
        }
    }
}

/// The field for the name at `at`, or why there can't be one.
fn begin(text: &str, at: usize, snapshot: &Snapshot) -> Result<Open, String> {
    // A name that nobody uses asks whether it can be renamed at all.
    let mut free = "renamed".to_owned();
    while text.contains(&free) {
        free.push('_');
    }
    let edits = snapshot.rename(at, &free)?;
    let here = edits.iter().find(|edit| edit.range.start <= at && at <= edit.range.end);
    let range = here.map(|edit| edit.range.clone()).ok_or("there is no name here")?;
    let name = text.get(range.clone()).unwrap_or("").to_owned();
    Ok(Open { at, start: range.start, name, wrong: String::new(), new: true })
}

enum Entered {
    Name,
    Left,
}

fn field(ui: &Ui, at: egui::Pos2, open: &mut Open) -> Option<Entered> {
    let mut entered = None;
    help::card(ui.ctx(), "rename", at, 6, |ui| {
        let field = egui::TextEdit::singleline(&mut open.name).font(theme::code_font());
        let output = field.desired_width(180.0).show(ui);
        let response = output.response.response;
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "new name"));
        if response.lost_focus() && !open.new {
            let enter = ui.input(|input| input.key_pressed(Key::Enter));
            entered = Some(if enter { Entered::Name } else { Entered::Left });
        }
        if std::mem::take(&mut open.new) {
            let mut state = output.state;
            let all = egui::text::CCursor::new(open.name.chars().count());
            let range = egui::text::CCursorRange::two(egui::text::CCursor::new(0), all);
            state.cursor.set_char_range(Some(range));
            state.store(ui.ctx(), response.id);
            response.request_focus();
        }
        if !open.wrong.is_empty() {
            ui.label(RichText::new(&open.wrong).size(12.5).color(theme::BAD));
        }
    });
    entered
}

/// Where a place of the text is after the edits.
fn moved(at: usize, edits: &[TextEdit]) -> usize {
    let before = edits.iter().filter(|edit| edit.range.end <= at);
    let shift: isize =
        before.map(|edit| edit.text.len() as isize - edit.range.len() as isize).sum();
    let inside = edits.iter().find(|edit| edit.range.start <= at && at < edit.range.end);
    let at = inside.map_or(at, |edit| edit.range.start);
    at.saturating_add_signed(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_at_its_name() {
        let edits = [2..4, 8..10].map(|range| TextEdit { range, text: "longer".into() });
        for (at, want) in [(0, 0), (2, 2), (3, 2), (4, 8), (6, 10), (9, 12), (10, 18), (12, 20)] {
            assert_eq!(moved(at, &edits), want, "{at}");
        }
    }
}
