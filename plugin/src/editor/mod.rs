//! The window's contents: code, controls, messages, status.
//!
//! [`View`] is plain state that draws itself into an egui `Ui`. Each frame it takes a [`Snapshot`]
//! of the plugin and gives back the [`Action`]s of the user; it never touches the host, the engine
//! or a thread, so that a test can drive it without a screen. It knows no type of the plugin
//! framework.

mod bar;
mod code;
mod controls;
mod help;
mod model;
mod peek;
mod rename;
mod scopes;
mod settings;
mod status;
mod theme;

use attacca_engine::ide::{Place, TextEdit, apply};
use egui::{Key, Modifiers, Panel, RichText, Ui};

pub use help::{Assistant, Formatted};
pub use model::{
    Action, Control, Folder, Gesture, Guard, Held, Highlighter, Live, Message, Osc, Playing, Probe,
    Severity, Snapshot, Span, Stroke, SwapAt, Tape, Token, TokenKind,
};
pub use theme::install;

/// How long the text must rest before a live compile is asked for, in seconds.
const LIVE_DELAY: f64 = 0.18;

/// The state of the window.
pub struct View {
    text: String,
    revision: u64,
    live: Live,
    area: code::CodeArea,
    /// When the text last changed and wasn't compiled since, in egui's seconds.
    touched: Option<f64>,
    /// The text differs from what was last compiled.
    dirty: bool,
    highlight: Highlighter,
    help: help::Help,
    rename: rename::Rename,
    peek: peek::Peek,
    assistant: Box<dyn Assistant>,
    /// What the editor itself has to say, until the next change.
    note: String,
    settings: settings::Settings,
    scales: scopes::Scales,
}

impl View {
    /// A view of `text`, coloured by `highlight`, with the help that `assistant` gives.
    pub fn new(
        text: String,
        revision: u64,
        live: Live,
        highlight: Highlighter,
        assistant: Box<dyn Assistant>,
    ) -> View {
        View {
            text,
            revision,
            live,
            area: code::CodeArea::new(),
            touched: None,
            dirty: false,
            highlight,
            help: help::Help::default(),
            rename: rename::Rename::default(),
            peek: peek::Peek::default(),
            assistant,
            note: String::new(),
            settings: settings::Settings::default(),
            scales: scopes::Scales::default(),
        }
    }

    /// The text as it stands in the window.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The revision of the plugin's text that the view last took over.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes over a text that came from outside: a session, a preset, another program.
    pub fn replace(&mut self, text: String, revision: u64, live: Live) {
        self.text = text;
        self.revision = revision;
        self.live = live;
        self.touched = None;
        self.dirty = false;
    }

    /// Draws one frame into the whole of `ui` and gives back what the user did.
    pub fn ui(&mut self, ui: &mut Ui, snapshot: &Snapshot) -> Vec<Action> {
        let mut actions = Vec::new();
        // Before the text field sees it: a fast chord is gone from the modifiers at the end of the frame.
        let mut compile = ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Enter));
        let chord = Modifiers::COMMAND | Modifiers::SHIFT;
        if ui.input_mut(|input| input.consume_key(chord, Key::F)) {
            self.assistant.format(&self.text, ui.ctx());
        }
        self.take_formatted(ui, &mut actions);
        if self.rename.keys(ui) || self.help.keys(ui) || self.peek.keys(ui) {
            self.area.focus();
        }
        let bar = egui::Frame::NONE.fill(theme::PANEL).inner_margin(egui::Margin::symmetric(14, 8));
        Panel::top("bar").frame(bar).show(ui, |ui| {
            compile |= self.bar(ui, snapshot, &mut actions);
        });
        self.settings.ui(ui, snapshot, &mut actions);
        Panel::bottom("status").frame(bar).show(ui, |ui| {
            self.status(ui, snapshot, &mut actions);
        });
        self.messages(ui, snapshot, &mut actions);
        self.side(ui, snapshot, &mut actions);
        self.source(ui, snapshot, &mut actions);
        compile |= self.live_compile(ui);
        if compile {
            self.touched = None;
            self.dirty = false;
            actions.push(Action::Compile(self.text.clone()));
        }
        actions
    }

    /// What the program declares: its knobs, and its probes below them.
    fn side(&mut self, ui: &mut Ui, snapshot: &Snapshot, actions: &mut Vec<Action>) {
        let (controls, probes) = (&snapshot.controls, &snapshot.probes);
        if controls.is_empty() && probes.is_empty() {
            return;
        }
        let frame = egui::Frame::NONE.fill(theme::BACKGROUND).inner_margin(12);
        let side = Panel::right("controls").frame(frame).default_size(226.0).min_size(126.0);
        side.show(ui, |ui| {
            let scales = &mut self.scales;
            if controls.is_empty() {
                return scopes::ui(ui, snapshot, scales, actions);
            }
            if !probes.is_empty() {
                let most = ui.available_height() * 0.55;
                let size = scopes::height(probes.len()).min(most);
                let below = Panel::bottom("probes").frame(egui::Frame::NONE).resizable(false);
                below.exact_size(size).show(ui, |ui| scopes::ui(ui, snapshot, scales, actions));
            }
            caption(ui, "CONTROLS");
            let knobs = egui::ScrollArea::vertical().id_salt("knobs").auto_shrink([false, false]);
            knobs.show(ui, |ui| controls::ui(ui, controls, actions));
        });
    }

    fn source(&mut self, ui: &mut Ui, snapshot: &Snapshot, actions: &mut Vec<Action>) {
        let frame = egui::Frame::NONE.fill(theme::PAPER);
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            let shown = self.area.ui(ui, &mut self.text, &snapshot.messages, self.highlight);
            if shown.changed {
                self.edited(ui, actions);
            }
            self.menu(ui, &shown);
            self.assistant.read(&self.text, ui.ctx());
            let known = self.assistant.snapshot();
            match self.help.ui(ui, &self.text, &shown, known.as_deref()) {
                Some(help::Chosen::Insert(range, text)) => {
                    let end = range.start + text.len();
                    self.text = apply(&self.text, &[TextEdit { range, text }]);
                    self.area.go_to_byte(&self.text, end);
                    self.edited(ui, actions);
                }
                Some(help::Chosen::Go(place)) => self.go_to(place),
                None => {}
            }
            self.peek.ui(ui, &shown, self.highlight);
            match self.rename.ui(ui, &self.text, &shown, known.as_deref()) {
                Some(rename::Outcome::Renamed { edits, cursor }) => {
                    self.text = apply(&self.text, &edits);
                    self.area.go_to_byte(&self.text, cursor);
                    self.edited(ui, actions);
                }
                Some(rename::Outcome::Refused(why)) => self.note = why,
                Some(rename::Outcome::Left) => self.area.focus(),
                None => {}
            }
        });
    }

    /// What can be done with the name that was clicked with the other button.
    fn menu(&mut self, ui: &Ui, shown: &code::Shown) {
        if shown.response.secondary_clicked()
            && let Some(at) = ui.input(|input| input.pointer.interact_pos())
            && let Some(byte) = shown.byte_at(&self.text, at)
        {
            self.area.go_to_byte(&self.text, byte);
        }
        shown.response.context_menu(|ui| {
            let command = bar::command_name();
            let entry = |ui: &mut Ui, name: &str, keys: &str| {
                let keys = RichText::new(format!("{command}+{keys}")).color(theme::QUIET);
                ui.add(egui::Button::new(name).right_text(keys).min_size(egui::vec2(210.0, 0.0)))
                    .clicked()
            };
            if entry(ui, "Go to definition", "B") {
                self.help.ask_definition();
            }
            if entry(ui, "Rename", "R") {
                self.rename.ask();
            }
            if entry(ui, "Format", "Shift+F") {
                self.assistant.format(&self.text, ui.ctx());
            }
        });
    }

    /// Notes that the text changed.
    fn edited(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        self.touched = Some(ui.input(|input| input.time));
        self.dirty = true;
        self.note.clear();
        actions.push(Action::Edited(self.text.clone()));
    }

    /// Shows a definition, in this text or in the library's.
    fn go_to(&mut self, place: Place) {
        match place.module {
            None => self.area.go_to_byte(&self.text, place.range.start),
            Some(module) => {
                if !self.peek.open(&module, place.range.start) {
                    self.note = format!("defined in the module {module}");
                }
            }
        }
    }

    /// Takes over a text that was laid out, if nothing was written since.
    fn take_formatted(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        let Some(formatted) = self.assistant.formatted() else { return };
        match formatted.after {
            Err(reason) => self.note = format!("not formatted: {reason}"),
            Ok(after) if formatted.before == self.text && after != self.text => {
                let cursor = self.area.cursor_byte().map(|at| same_place(&self.text, at, &after));
                self.text = after;
                if let Some(cursor) = cursor {
                    self.area.go_to_byte(&self.text, cursor);
                }
                self.edited(ui, actions);
            }
            Ok(_) => {}
        }
    }

    /// True when the text has rested long enough in live mode.
    fn live_compile(&mut self, ui: &Ui) -> bool {
        let (Live::On, Some(touched)) = (self.live, self.touched) else { return false };
        let rest = LIVE_DELAY - (ui.input(|input| input.time) - touched);
        if rest > 0.0 {
            ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(rest));
        }
        rest <= 0.0
    }
}

fn quiet(ui: &mut Ui, text: impl Into<String>) {
    ui.label(RichText::new(text).size(12.5).color(theme::QUIET));
}

fn caption(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).size(11.0).strong().color(theme::QUIET));
    ui.add_space(2.0);
}

/// Where a byte of a text is in the same text with other white space: behind the same character, or
/// in front of it if white space was before the byte.
fn same_place(before: &str, at: usize, after: &str) -> usize {
    let blank = |c: char| c.is_whitespace() || c == ';';
    let head = before.get(..at).unwrap_or(before);
    let count = head.chars().filter(|c| !blank(*c)).count();
    let leads = head.ends_with(blank);
    let mut seen = 0;
    for (byte, c) in after.char_indices() {
        if seen == count && !(leads && blank(c)) {
            return byte;
        }
        seen += usize::from(!blank(c));
    }
    after.len()
}

#[cfg(test)]
mod tests;
