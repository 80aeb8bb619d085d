//! A module of the library, to be read: where a definition is that is not in the program's text.
//!
//! Opens over the code at the definition; Escape or its button closes it. Never changes anything.

use super::code::{Shown, coloured};
use super::{Highlighter, theme};
use attacca_engine::stdlib;
use egui::{Id, Key, Label, Modifiers, Rect, RichText, ScrollArea, Ui, Window, pos2, vec2};

/// What is being read, if anything is.
#[derive(Default)]
pub(super) struct Peek {
    open: Option<Open>,
}

struct Open {
    module: String,
    text: &'static str,
    /// Row of the definition, from 0.
    row: usize,
    /// It has been scrolled to.
    shown: bool,
}

impl Peek {
    /// Opens a module at a byte of its text; false if the library has none of this name.
    pub(super) fn open(&mut self, module: &str, byte: usize) -> bool {
        let Some(text) = stdlib::module(module) else { return false };
        let row = text.get(..byte).unwrap_or("").matches('\n').count();
        self.open = Some(Open { module: module.to_owned(), text, row, shown: false });
        true
    }

    /// Takes the key that closes it. True if the code must be given the keyboard again.
    pub(super) fn keys(&mut self, ui: &Ui) -> bool {
        let open = self.open.is_some();
        let leaves = open && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
        if leaves {
            self.open = None;
        }
        leaves
    }

    /// Draws it over the lower part of the code.
    pub(super) fn ui(&mut self, ui: &Ui, code: &Shown, highlight: Highlighter) {
        let Some(open) = &mut self.open else { return };
        let size = vec2((code.area.width() - 40.0).min(760.0), code.area.height() * 0.5);
        let place = pos2(code.area.min.x + 14.0, code.area.max.y - size.y - 44.0);
        let mut stays = true;
        let title = RichText::new(format!("library: {}", open.module)).size(13.0);
        let frame = egui::Frame::window(ui.style()).shadow(egui::Shadow::NONE);
        let window = Window::new(title).id(Id::unique("peek")).open(&mut stays).frame(frame);
        window.collapsible(false).default_pos(place).default_size(size).show(ui.ctx(), |ui| {
            ScrollArea::both().id_salt("peek text").auto_shrink([false, false]).show(ui, |ui| {
                let top = ui.cursor().min;
                let row = Rect::from_min_size(
                    pos2(top.x, top.y + open.row as f32 * theme::ROW_HEIGHT),
                    vec2(ui.available_width(), theme::ROW_HEIGHT),
                );
                ui.painter().rect_filled(row, 3.0, theme::RAISED);
                let job = coloured(open.text, &[], highlight);
                ui.add(Label::new(job).extend().selectable(true));
                if !open.shown {
                    ui.scroll_to_rect(row, Some(egui::Align::Center));
                    open.shown = true;
                }
            });
        });
        if !stays {
            self.open = None;
        }
    }
}
