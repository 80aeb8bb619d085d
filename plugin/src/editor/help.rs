//! Help while writing: completions, the parameters of the call at the cursor, what stands under the
//! pointer, and where it is defined.
//!
//! Takes what an [`Assistant`] read of the text, aside; while that is behind, nothing is shown.
//! Every question takes far less than a frame.

use super::code::Shown;
use super::theme;
use attacca_engine::ide::{Completion, Completions, Place, Signature, Snapshot};
use egui::{Area, Context, Event, Id, Key, Modifiers, Order, Pos2, Rect, RichText, Ui, pos2, vec2};
use std::ops::Range;
use std::sync::Arc;

/// How long the pointer must rest, in seconds.
const REST: f32 = 0.35;
/// Rows of completions that are seen at once.
const ROWS: usize = 8;
/// Widest help, in points.
const WIDTH: f32 = 560.0;

/// Reads and lays out texts on a thread of its own.
pub trait Assistant: Send + Sync {
    /// Takes notice of a text; the newest one counts. Asks `context` for a frame when it is read.
    fn read(&mut self, text: &str, context: &Context);
    /// The last text that was read.
    fn snapshot(&mut self) -> Option<Arc<Snapshot>>;
    /// Begins to lay a text out in the standard form.
    fn format(&mut self, text: &str, context: &Context);
    /// A text that was laid out since the last call.
    fn formatted(&mut self) -> Option<Formatted>;
}

/// The outcome of laying out a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formatted {
    /// The text that was given.
    pub before: String,
    /// The text laid out, or why it wasn't.
    pub after: Result<String, String>,
}

/// The list of completions.
struct Menu {
    found: Completions,
    chosen: usize,
    /// Where the cursor was.
    at: usize,
}

/// What the user chose, for the text.
pub(super) enum Chosen {
    /// Put this in the place of these bytes.
    Insert(Range<usize>, String),
    /// Show this place.
    Go(Place),
}

/// The help of a window.
#[derive(Default)]
pub(super) struct Help {
    menu: Option<Menu>,
    /// Completions are wanted as soon as the text was read: only if begun, or in any case.
    wanted: Option<Wanted>,
    /// A row was clicked or a key pressed that takes the chosen one.
    taken: Option<usize>,
    /// Where the definition under the pointer or cursor was asked for.
    goto: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    WhenBegun,
    Anyway,
}

impl Help {
    /// Takes the keys that belong to the help, before the text field sees them. True if the field must
    /// be given the keyboard again.
    pub(super) fn keys(&mut self, ui: &Ui) -> bool {
        ui.input_mut(|input| {
            if input.consume_key(Modifiers::COMMAND, Key::Space) {
                self.wanted = Some(Wanted::Anyway);
            }
            self.goto |= input.consume_key(Modifiers::NONE, Key::F12);
            self.goto |= input.consume_key(Modifiers::COMMAND, Key::B);
            let Some(menu) = &mut self.menu else { return false };
            let count = menu.found.items.len();
            if input.consume_key(Modifiers::NONE, Key::ArrowDown) {
                menu.chosen = (menu.chosen + 1) % count.max(1);
            }
            if input.consume_key(Modifiers::NONE, Key::ArrowUp) {
                menu.chosen = (menu.chosen + count.max(1) - 1) % count.max(1);
            }
            if input.consume_key(Modifiers::NONE, Key::Enter)
                || input.consume_key(Modifiers::NONE, Key::Tab)
            {
                self.taken = Some(menu.chosen);
            }
            let closes = input.consume_key(Modifiers::NONE, Key::Escape);
            if closes {
                self.menu = None;
            }
            closes
        })
    }

    /// Asks where the name at the cursor is defined.
    pub(super) fn ask_definition(&mut self) {
        self.goto = true;
    }

    /// Draws what there is to say about the text as shown; gives what the user chose.
    pub(super) fn ui(
        &mut self,
        ui: &Ui,
        text: &str,
        shown: &Shown,
        snapshot: Option<&Snapshot>,
    ) -> Option<Chosen> {
        self.follow(ui, shown);
        let snapshot = snapshot.filter(|snapshot| snapshot.text() == text)?;
        if let Some(at) = shown.cursor.filter(|_| shown.focused || self.menu.is_some()) {
            self.open(snapshot, text, at);
            if let Some(signature) = snapshot.signature(at) {
                signature_line(ui.ctx(), &signature, shown, shown.place(text, at));
            }
        }
        let row = self.menu(ui.ctx(), text, shown).or(self.taken.take());
        if let Some(chosen) = row.and_then(|row| self.take(row)) {
            return Some(chosen);
        }
        self.pointer(ui, text, shown, snapshot)
    }

    /// Opens, keeps or closes the list as the text and the cursor change.
    fn follow(&mut self, ui: &Ui, shown: &Shown) {
        let typed = ui.input(|input| input.events.iter().any(|it| matches!(it, Event::Text(_))));
        if shown.changed {
            let open = self.menu.take().is_some();
            if typed || open {
                self.wanted = self.wanted.or(Some(Wanted::WhenBegun));
            }
        } else if self
            .menu
            .as_ref()
            .is_some_and(|menu| shown.cursor.is_some_and(|at| at != menu.at))
        {
            self.menu = None;
        }
    }

    /// The list, if one is wanted and the place has something to offer.
    fn open(&mut self, snapshot: &Snapshot, text: &str, at: usize) {
        let Some(wanted) = self.wanted.take() else { return };
        let found = snapshot.complete(at);
        let begun = text.get(found.range.start..at).unwrap_or("");
        let before = text.get(..found.range.start).unwrap_or("");
        let asks = !begun.is_empty() || before.ends_with('.') || before.ends_with("::");
        let done = found.items.first().is_some_and(|first| first.label == begun);
        if !found.items.is_empty() && (wanted == Wanted::Anyway || (asks && !done)) {
            self.menu = Some(Menu { found, chosen: 0, at });
        }
    }

    /// Closes the list with this row taken.
    fn take(&mut self, row: usize) -> Option<Chosen> {
        let menu = self.menu.take()?;
        let item = menu.found.items.get(row)?;
        Some(Chosen::Insert(menu.found.range, item.label.clone()))
    }

    /// Draws the list; gives the row that was clicked.
    fn menu(&mut self, context: &Context, text: &str, shown: &Shown) -> Option<usize> {
        let menu = self.menu.as_ref()?;
        let place = shown.place(text, menu.found.range.start);
        let mut clicked = None;
        let at = place.left_bottom() + vec2(-15.0, 3.0);
        let drawn = card(context, "completions", at, 6, |ui| {
            let rows = theme::ROW_HEIGHT * ROWS as f32 + 24.0;
            egui::ScrollArea::vertical().id_salt("completion list").max_height(rows).show(
                ui,
                |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    for (row, item) in menu.found.items.iter().enumerate() {
                        let chosen = row == menu.chosen;
                        let row_button = egui::Button::selectable(chosen, row_text(item));
                        let row_button = row_button.min_size(vec2(ui.available_width(), 0.0));
                        let response = ui.add(row_button.right_text(""));
                        if chosen {
                            response.scroll_to_me(None);
                        }
                        if response.clicked() {
                            clicked = Some(row);
                        }
                    }
                },
            );
            let item = menu.found.items.get(menu.chosen);
            if let Some(doc) = item.map(|item| &item.doc).filter(|doc| !doc.is_empty()) {
                ui.separator();
                ui.label(RichText::new(doc).size(12.5).color(theme::QUIET));
            }
        });
        let elsewhere = context.input(|input| {
            let point = input.pointer.interact_pos().filter(|_| input.pointer.any_click());
            point.is_some_and(|point| !drawn.contains(point))
        });
        if elsewhere {
            self.menu = None;
        }
        clicked
    }

    /// What stands under the pointer, and going to its definition.
    fn pointer(
        &mut self,
        ui: &Ui,
        text: &str,
        shown: &Shown,
        snapshot: &Snapshot,
    ) -> Option<Chosen> {
        let go = std::mem::take(&mut self.goto);
        if go && let Some(place) = shown.cursor.and_then(|at| snapshot.definition(at)) {
            return Some(Chosen::Go(place));
        }
        let (point, rested, clicked) = ui.input(|input| {
            let rested = input.pointer.time_since_last_movement() > REST;
            let clicked = input.modifiers.command && input.pointer.primary_clicked();
            (input.pointer.latest_pos(), rested, clicked)
        });
        // What lies over the text is not the text.
        let context = ui.ctx();
        let free = self.menu.is_none() && !egui::Popup::is_any_open(context);
        let point = point.filter(|at| free && context.layer_id_at(*at) == Some(ui.layer_id()))?;
        let at = shown.byte_at(text, point)?;
        if clicked && let Some(place) = snapshot.definition(at) {
            return Some(Chosen::Go(place));
        }
        if !rested {
            let wait = std::time::Duration::from_secs_f32(REST);
            ui.ctx().request_repaint_after(wait);
            return None;
        }
        let hover = snapshot.hover(at)?;
        let below = pos2(point.x, shown.place(text, hover.range.start).bottom() + 4.0);
        card(ui.ctx(), "hover", below, 6, |ui| {
            ui.label(RichText::new(&hover.title).font(theme::code_font()));
            if !hover.doc.is_empty() {
                ui.label(RichText::new(&hover.doc).size(12.5).color(theme::QUIET));
            }
        });
        None
    }
}

/// A raised card over the window; gives its place.
pub(super) fn card(
    context: &Context,
    id: &str,
    at: Pos2,
    margin: i8,
    contents: impl FnOnce(&mut Ui),
) -> Rect {
    let area = Area::new(Id::unique(id)).order(Order::Tooltip).fixed_pos(at).constrain(true);
    let shown = area.show(context, |ui| {
        let stroke = egui::Stroke::new(1.0, theme::LINE);
        let frame = egui::Frame::NONE.fill(theme::PANEL).stroke(stroke).corner_radius(6);
        frame.inner_margin(egui::Margin::symmetric(8, margin)).show(ui, |ui| {
            ui.set_max_width(WIDTH);
            contents(ui);
        });
    });
    shown.response.rect
}

/// The call at the cursor, above its row (below it in the first one), the next parameter in the accent's colour.
fn signature_line(context: &Context, signature: &Signature, shown: &Shown, row: Rect) {
    let active = signature.active.and_then(|active| signature.params.get(active)).cloned();
    let active = active.unwrap_or(0..0);
    let mut job = egui::text::LayoutJob::default();
    let mut part = |range: Range<usize>, color| {
        let format = egui::TextFormat::simple(theme::code_font(), color);
        job.append(signature.label.get(range).unwrap_or(""), 0.0, format);
    };
    part(0..active.start, theme::TEXT);
    part(active.clone(), theme::ACCENT);
    part(active.end..signature.label.len(), theme::TEXT);
    let above = row.left_top() - vec2(9.0, theme::ROW_HEIGHT + 4.0);
    let below = row.left_bottom() + vec2(-9.0, 4.0);
    let at = if above.y < shown.area.min.y { below } else { above };
    card(context, "signature", at, 1, |ui| {
        ui.label(job);
    });
}

/// A completion's name and, paler, its definition.
fn row_text(item: &Completion) -> egui::text::LayoutJob {
    let mut job = egui::text::LayoutJob::default();
    let font = theme::code_font();
    job.append(&item.label, 0.0, egui::TextFormat::simple(font, theme::TEXT));
    let detail: String = item.detail.chars().take(60).collect();
    let font = egui::FontId::monospace(12.0);
    job.append(&detail, 14.0, egui::TextFormat::simple(font, theme::QUIET));
    job
}
