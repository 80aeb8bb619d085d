//! The panel of settings below the row of tools: what one sets once and forgets.

use super::model::{Action, Folder, Osc, Snapshot};
use super::{quiet, theme};
use egui::{DragValue, Label, Panel, RichText, TextEdit, Ui, vec2};

/// Width of the names, in points.
const NAMES: f32 = 76.0;
/// The ceiling that a guard gets when it is switched on, in dBFS.
const CEILING: f32 = 12.0;

/// The panel's own state.
#[derive(Default)]
pub(super) struct Settings {
    open: bool,
    /// The folder as it is typed, until Enter or another place is clicked.
    folder: Option<String>,
}

impl Settings {
    /// Whether the panel is shown.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Opens or closes the panel.
    pub(super) fn toggle(&mut self) {
        self.open = !self.open;
    }

    /// Draws the panel, if it is open.
    pub(super) fn ui(&mut self, ui: &mut Ui, snapshot: &Snapshot, actions: &mut Vec<Action>) {
        if !self.open {
            return;
        }
        let frame =
            egui::Frame::NONE.fill(theme::BACKGROUND).inner_margin(egui::Margin::symmetric(14, 10));
        Panel::top("settings").frame(frame).show(ui, |ui| {
            ceiling(ui, snapshot.guard.ceiling, actions);
            patience(ui, snapshot.patience, actions);
            self.folder(ui, &snapshot.folder, actions);
            osc(ui, snapshot.osc, actions);
            report(ui, snapshot, actions);
        });
    }

    fn folder(&mut self, ui: &mut Ui, folder: &Folder, actions: &mut Vec<Action>) {
        row(ui, "Folder", |ui| {
            let mut text = self.folder.clone().unwrap_or_else(|| folder.path.clone());
            let field = TextEdit::singleline(&mut text)
                .hint_text("where the files are that the program includes")
                .desired_width((ui.available_width() - 8.0).clamp(120.0, 460.0));
            let response = ui.add(field);
            response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "folder"));
            if response.changed() {
                self.folder = Some(text);
            }
            if response.lost_focus()
                && let Some(text) = self.folder.take()
                && text.trim() != folder.path
            {
                actions.push(Action::Folder(text.trim().to_owned()));
            }
            let (text, color) = if folder.missing {
                ("there is no such folder".to_owned(), theme::WARN)
            } else if folder.files.is_empty() {
                (String::new(), theme::QUIET)
            } else {
                (format!("in use: {}", folder.files.join(", ")), theme::QUIET)
            };
            ui.add(Label::new(RichText::new(text).size(12.5).color(color)).truncate());
        });
    }
}

fn ceiling(ui: &mut Ui, ceiling: Option<f32>, actions: &mut Vec<Action>) {
    row(ui, "Output", |ui| {
        let mut on = ceiling.is_some();
        if ui.checkbox(&mut on, "hold at").changed() {
            actions.push(Action::Ceiling(on.then_some(CEILING)));
        }
        let mut level = ceiling.unwrap_or(CEILING);
        let value = DragValue::new(&mut level).range(-48.0..=24.0).speed(0.1).suffix(" dBFS");
        let value = value.custom_formatter(|level, _| format!("{level:+.1}"));
        let response = ui.add_enabled(on, value.update_while_editing(false));
        if response.changed() {
            actions.push(Action::Ceiling(Some(level)));
        }
        quiet(ui, "each channel by itself; what is not a number is silenced in any case");
    });
}

fn patience(ui: &mut Ui, patience: f32, actions: &mut Vec<Action>) {
    row(ui, "Load", |ui| {
        let mut on = patience > 0.0;
        if ui.checkbox(&mut on, "stop after").changed() {
            let usual = crate::document::PATIENCE;
            actions.push(Action::Patience(if on { usual } else { 0.0 }));
        }
        let mut seconds = if patience > 0.0 { patience } else { crate::document::PATIENCE };
        let value = DragValue::new(&mut seconds).range(0.1..=60.0).speed(0.05).suffix(" s");
        let value = value.fixed_decimals(1).update_while_editing(false);
        let response = ui.add_enabled(on, value);
        if response.changed() {
            actions.push(Action::Patience(seconds));
        }
        quiet(ui, "above 100 %, slower than real time; a render may take its time");
    });
}

fn osc(ui: &mut Ui, osc: Osc, actions: &mut Vec<Action>) {
    row(ui, "OSC", |ui| {
        let mut on = osc == Osc::On;
        if ui.checkbox(&mut on, "set controls").changed() {
            actions.push(Action::Osc(if on { Osc::On } else { Osc::Off }));
        }
        quiet(ui, "from programs on this machine: /name value, UDP port 9000");
    });
}

fn report(ui: &mut Ui, snapshot: &Snapshot, actions: &mut Vec<Action>) {
    row(ui, "Bug report", |ui| {
        let (mut on, tape) = (snapshot.record, &snapshot.tape);
        if ui.checkbox(&mut on, "record").changed() {
            actions.push(Action::Record(on));
        }
        if ui.add_enabled(on, egui::Button::new("Save the recording")).clicked() {
            actions.push(Action::SaveRecording);
        }
        let size = format!("{:.1} of 64 MB", tape.bytes as f64 / f64::from(1 << 20));
        let text = match (on, tape.failed.as_str(), tape.saved.as_str()) {
            (false, _, _) => "keeps what is played and edited; begins the program anew".to_owned(),
            (true, "", "") if tape.over.is_empty() => size,
            (true, "", "") => format!("{size}; it has ended: {}", tape.over),
            (true, "", saved) => format!("{size}; saved as {saved}"),
            (true, failed, _) => format!("it could not be saved: {failed}"),
        };
        quiet(ui, text);
    });
}

fn row(ui: &mut Ui, name: &str, contents: impl FnOnce(&mut Ui)) {
    ui.horizontal_wrapped(|ui| {
        let left = egui::Layout::left_to_right(egui::Align::Center);
        ui.allocate_ui_with_layout(vec2(NAMES, 26.0), left, |ui| {
            ui.set_min_width(NAMES);
            ui.label(RichText::new(name).color(theme::QUIET));
        });
        contents(ui);
    });
}
