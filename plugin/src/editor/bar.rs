//! The row of tools at the top of the window.

use super::model::{Action, Live, Snapshot, SwapAt};
use super::{View, quiet, theme};
use attacca_engine::ide::{DefKind, OutlineItem};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{
    Align, AtomKind, AtomPaintArgs, Button, IntoSizedResult, Layout, RichText, SizedAtomKind, Ui,
};
use std::sync::Arc;

/// A window narrower than this has fewer tools in the row and the others in a menu, in points.
const NARROW: f32 = 760.0;

/// The choices of the menu that says when edits take over.
const SWAPS: [SwapAt; 7] = [
    SwapAt::Once,
    SwapAt::Beat,
    SwapAt::Bar,
    SwapAt::Bars(2),
    SwapAt::Bars(4),
    SwapAt::Bars(8),
    SwapAt::Bars(16),
];

impl View {
    /// Draws the row; true if the user wants the text compiled.
    pub(super) fn bar(
        &mut self,
        ui: &mut Ui,
        snapshot: &Snapshot,
        actions: &mut Vec<Action>,
    ) -> bool {
        let mut compile = false;
        let narrow = ui.available_width() < NARROW;
        ui.horizontal(|ui| {
            ui.label(RichText::new("attacca").size(20.0).strong().color(theme::ACCENT));
            if !narrow {
                ui.label(RichText::new(snapshot.kind).size(13.0).color(theme::QUIET));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let face = RichText::new("Compile").strong().color(theme::BACKGROUND);
                let button = Button::new(face).fill(theme::ACCENT);
                let hint = format!("Compile and play ({}+Enter)", command_name());
                compile = ui.add(button).on_hover_text(hint).clicked();
                swap_menu(ui, snapshot.swap, narrow, actions);
                let on = self.live == Live::On;
                let hint = "Compile while typing; a text with errors leaves the sound as it is";
                if ui.add(tool("Live", on)).on_hover_text(hint).clicked() {
                    self.live = if on { Live::Off } else { Live::On };
                    actions.push(Action::Live(self.live));
                }
                if narrow {
                    let more = MenuButton::from_button(menu_tool("More", false));
                    more.ui(ui, |ui| self.tools(ui));
                } else {
                    self.tools(ui);
                }
                if self.dirty && !narrow {
                    quiet(ui, "edited, not compiled");
                }
            });
        });
        compile
    }

    /// The tools that a narrow window has in a menu.
    fn tools(&mut self, ui: &mut Ui) {
        let open = self.settings.is_open();
        let hint = "Output, load, files and remote control";
        if ui.add(tool("Settings", open)).on_hover_text(hint).clicked() {
            self.settings.toggle();
        }
        let hint = format!("Lay the text out ({}+Shift+F)", command_name());
        if ui.add(tool("Format", false)).on_hover_text(hint).clicked() {
            self.assistant.format(&self.text, ui.ctx());
        }
        let config = MenuConfig::new();
        MenuButton::from_button(menu_tool("Outline", false)).config(config).ui(ui, |ui| {
            ui.set_max_width(420.0);
            let items = self.assistant.snapshot().map(|known| known.outline()).unwrap_or_default();
            egui::ScrollArea::vertical().id_salt("outline list").max_height(420.0).show(ui, |ui| {
                for item in items.iter().filter(|item| item.kind != DefKind::Constructor) {
                    if ui.add(Button::selectable(false, outline_row(item))).clicked() {
                        self.area.go_to_byte(&self.text, item.range.start);
                        ui.close();
                    }
                }
                if items.is_empty() {
                    quiet(ui, "nothing is defined");
                }
            });
        });
    }
}

/// A button of the row.
fn tool(name: &str, on: bool) -> Button<'_> {
    let color = if on { theme::ACCENT } else { theme::QUIET };
    Button::new(RichText::new(name).color(color)).selected(on)
}

/// A button of the row that opens a menu.
fn menu_tool(name: &str, on: bool) -> Button<'_> {
    let color = if on { theme::ACCENT } else { theme::QUIET };
    let arrow = AtomKind::closure(move |_, _| {
        let size = egui::Vec2::splat(9.0);
        let paint = move |ui: &Ui, args: AtomPaintArgs| {
            let rect = egui::Rect::from_center_size(args.rect.center(), egui::vec2(8.0, 5.0));
            ui.painter().add(egui::Shape::rotated_triangle(rect, 0.0, color));
        };
        let sized = SizedAtomKind::Paint { paint: Arc::new(paint), size };
        IntoSizedResult { intrinsic_size: size, sized }
    });
    Button::new((RichText::new(name).color(color), arrow)).selected(on)
}

/// The choice of when edits take over.
fn swap_menu(ui: &mut Ui, now: SwapAt, narrow: bool, actions: &mut Vec<Action>) {
    let name = swap_name(now);
    let name = if narrow { name } else { format!("Plays {}", name.to_lowercase()) };
    let button = menu_tool(&name, now != SwapAt::Once);
    let shown = MenuButton::from_button(button).ui(ui, |ui| {
        for choice in SWAPS {
            if ui.add(Button::selectable(choice == now, swap_name(choice))).clicked() {
                actions.push(Action::Swap(choice));
                ui.close();
            }
        }
    });
    let hint = "When an edit takes over from what plays, by the host's song; \
        while the song stands, at once";
    shown.0.on_hover_text(hint);
}

/// A moment in the song, as the menu calls it.
fn swap_name(swap: SwapAt) -> String {
    match swap {
        SwapAt::Once => "At once".to_owned(),
        SwapAt::Beat => "Next beat".to_owned(),
        SwapAt::Bar => "Next bar".to_owned(),
        SwapAt::Bars(bars) => format!("Every {bars} bars"),
    }
}

fn outline_row(item: &OutlineItem) -> RichText {
    let text = format!("{}{}", "    ".repeat(item.level), item.detail);
    RichText::new(text).font(theme::code_font())
}

pub(super) fn command_name() -> &'static str {
    if cfg!(target_os = "macos") { "Cmd" } else { "Ctrl" }
}
