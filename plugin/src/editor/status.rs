//! The lines at the bottom of the window: messages, and how it stands.

use super::model::{Action, Guard, Message, Playing, Severity, Snapshot};
use super::{View, quiet, theme};
use egui::{Align, Button, Label, Layout, Panel, RichText, Sense, Ui, vec2};

impl View {
    /// Draws the messages, if there are any.
    pub(super) fn messages(&mut self, ui: &mut Ui, snapshot: &Snapshot, actions: &mut Vec<Action>) {
        if snapshot.messages.is_empty() {
            return;
        }
        let frame =
            egui::Frame::NONE.fill(theme::BACKGROUND).inner_margin(egui::Margin::symmetric(14, 8));
        let panel = Panel::bottom("messages").frame(frame).resizable(true).default_size(96.0);
        panel.show(ui, |ui| {
            let list = egui::ScrollArea::vertical().id_salt("message list");
            list.auto_shrink([false, true]).show(ui, |ui| {
                for (row, message) in snapshot.messages.iter().enumerate() {
                    // The fault comes first.
                    let clicked = if row == 0 && snapshot.stopped {
                        ui.horizontal(|ui| {
                            run_again(ui, actions);
                            message_row(ui, message)
                        })
                        .inner
                    } else {
                        message_row(ui, message)
                    };
                    if clicked {
                        self.area.go_to(message.line, message.column);
                    }
                }
            });
        });
    }

    /// Draws the line of status.
    pub(super) fn status(&self, ui: &mut Ui, snapshot: &Snapshot, actions: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            let (color, word) = match snapshot.playing {
                Playing::Program => (theme::GOOD, "playing"),
                Playing::Faulted => (theme::BAD, "faulted"),
                Playing::Through => (theme::QUIET, "passing through"),
                Playing::Silent => (theme::QUIET, "silent"),
            };
            let (dot, _) = ui.allocate_exact_size(vec2(10.0, 16.0), Sense::hover());
            ui.painter().circle_filled(dot.center(), 4.5, color);
            ui.label(RichText::new(word).color(color));
            if let Some(place) = snapshot.waits {
                ui.label(RichText::new(waiting(place)).strong().color(theme::ACCENT));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let percent = (snapshot.load * 100.0).clamp(0.0, 999.0);
                let color = if percent > 80.0 { theme::BAD } else { theme::QUIET };
                ui.label(RichText::new(format!("CPU {percent:.1} %")).size(12.5).color(color))
                    .on_hover_text("Time that the sound takes, of the time that it lasts");
                if let Some(row) = self.area.cursor_row() {
                    quiet(ui, format!("line {}", row + 1));
                }
                lamp(ui, &snapshot.guard, actions);
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    self.last_compile(ui, snapshot);
                });
            });
        });
    }

    /// What the last compile and swap did, as far as there is room.
    fn last_compile(&self, ui: &mut Ui, snapshot: &Snapshot) {
        let mut said = Vec::new();
        if snapshot.compiling {
            said.push("compiling…".to_owned());
        } else if let Some(ms) = snapshot.compile_ms {
            said.push(format!("compiled in {ms:.1} ms"));
        }
        said.extend(snapshot.swap_us.map(|us| format!("swap {us:.0} µs")));
        if !snapshot.plan.is_empty() {
            said.push(snapshot.plan.clone());
        }
        let (text, color) = if self.note.is_empty() {
            (said.join("   "), theme::QUIET)
        } else {
            (self.note.clone(), theme::WARN)
        };
        ui.add(Label::new(RichText::new(text).size(12.5).color(color)).truncate());
    }
}

/// What is said while an edit waits for its moment: bar and beat count from 1, as the host's do.
fn waiting((bar, beat): (f64, f64)) -> String {
    if beat < 0.01 {
        return format!("plays at bar {}", bar + 1.0);
    }
    format!("plays at bar {}, beat {:.0}", bar + 1.0, beat + 1.0)
}

/// Says how often the output was held back; a click forgets it.
fn lamp(ui: &mut Ui, guard: &Guard, actions: &mut Vec<Action>) {
    let [left, right] = guard.held;
    if left.times() == 0 && right.times() == 0 {
        return;
    }
    let text = format!("held back: L {}× R {}×", left.times(), right.times());
    let face = RichText::new(text).size(12.5).color(theme::BACKGROUND);
    let button = Button::new(face).fill(theme::WARN).min_size(vec2(0.0, 20.0));
    let level = guard.ceiling.map_or("its ceiling".to_owned(), |level| format!("{level:+.1} dBFS"));
    let hint = format!(
        "The output was kept from hurting:\nlouder than {level}: left {}×, right {}×\nnot a number: left {}×, right {}×\nClick to forget.",
        left.loud, right.loud, left.broken, right.broken
    );
    let shown = ui.scope(|ui| {
        ui.spacing_mut().button_padding = vec2(8.0, 2.0);
        ui.add(button)
    });
    if shown.inner.on_hover_text(hint).clicked() {
        actions.push(Action::ClearGuard);
    }
}

fn run_again(ui: &mut Ui, actions: &mut Vec<Action>) {
    let face = RichText::new("Run it again").strong().color(theme::BACKGROUND);
    let button = Button::new(face).fill(theme::BAD);
    if ui.add(button).on_hover_text("Start the stopped program anew").clicked() {
        actions.push(Action::Again);
    }
}

/// One message as a row that can be clicked; true if it was.
fn message_row(ui: &mut Ui, message: &Message) -> bool {
    let color = match message.severity {
        Severity::Error => theme::BAD,
        Severity::Warning => theme::WARN,
        Severity::Note => theme::TEXT,
    };
    let mut line = String::new();
    if message.line > 0 {
        line = format!("line {}: ", message.line);
    }
    line.push_str(&message.text);
    if !message.help.is_empty() {
        line.push_str(" — ");
        line.push_str(&message.help);
    }
    let response =
        ui.add(Label::new(RichText::new(line).color(color)).wrap().sense(Sense::click()));
    if message.line > 0 {
        return response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked();
    }
    false
}
