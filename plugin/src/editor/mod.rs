//! The window's contents: code, controls, messages, status.
//!
//! [`View`] is plain state that draws itself into an egui `Ui`. Each frame it takes a [`Snapshot`]
//! of the plugin and gives back the [`Action`]s of the user; it never touches the host, the engine
//! or a thread, so that a test can drive it without a screen. It knows no type of the plugin
//! framework.

mod code;
mod controls;
mod help;
mod theme;

use attacca_engine::ide::{DefKind, OutlineItem, Place, TextEdit, apply};
use egui::{Align, Key, Layout, Modifiers, Panel, RichText, Ui};
use std::ops::Range;

pub use help::{Assistant, Formatted};
pub use theme::install;

/// How long the text must rest before a live compile is asked for, in seconds.
const LIVE_DELAY: f64 = 0.18;

/// What a piece of text is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Names and whatever has no better kind.
    Plain,
    /// `fn`, `let`, `if` and the like.
    Keyword,
    /// A number.
    Number,
    /// A string.
    Text,
    /// A comment.
    Comment,
    /// An operator.
    Operator,
    /// Brackets, commas, colons.
    Punctuation,
    /// `self`, `now`, `samplerate`.
    Value,
    /// A built-in function.
    Builtin,
    /// A macro call, a stage mark, a quote or splice.
    Macro,
    /// A type.
    Type,
    /// The name of a function where it is made or called.
    Function,
    /// What the lexer couldn't read.
    Wrong,
}

/// A coloured piece of text: bytes and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// What they are.
    pub kind: TokenKind,
}

/// Colours a text: tokens in order, without overlaps.
pub type Highlighter = fn(&str) -> Vec<Token>;

/// How serious a message is, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// For information.
    Note,
    /// The program plays, but look here.
    Warning,
    /// The program was not accepted, or stopped.
    Error,
}

/// A message of the compiler, the engine or the plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How serious.
    pub severity: Severity,
    /// What to say.
    pub text: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// Line from 1; 0 when the message has no place.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
    /// Line of the end, from 1.
    pub end_line: u32,
    /// Column just behind the end, from 1.
    pub end_column: u32,
}

impl Message {
    /// A message without a place.
    pub fn general(severity: Severity, text: impl Into<String>) -> Message {
        Message {
            severity,
            text: text.into(),
            help: String::new(),
            line: 0,
            column: 0,
            end_line: 0,
            end_column: 0,
        }
    }
}

/// A control that the program declares, with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Number of the parameter slot, from 0.
    pub slot: usize,
    /// Its name in the program.
    pub name: String,
    /// Value, 0..1.
    pub value: f64,
    /// Initial value, 0..1.
    pub initial: f64,
    /// The value as the user reads it.
    pub text: String,
}

/// What the audio side does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Playing {
    /// No program yet: an effect passes its input through.
    Through,
    /// No program yet: an instrument is silent.
    Silent,
    /// A program plays.
    Program,
    /// The program stopped with a fault.
    Faulted,
}

/// Everything of the plugin that a frame shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What the plugin is called, such as "effect".
    pub kind: &'static str,
    /// The text as the plugin holds it; replaces the view's text when `revision` changes.
    pub revision: u64,
    /// What the audio side does.
    pub playing: Playing,
    /// A text is being compiled.
    pub compiling: bool,
    /// Compile time of the last text, in milliseconds.
    pub compile_ms: Option<f64>,
    /// Time of the last swap in the callback, in microseconds.
    pub swap_us: Option<f64>,
    /// Load of the callback, 0..1.
    pub load: f64,
    /// The last plan in words, such as "12 kept, 1 fresh".
    pub plan: String,
    /// Messages, the most important first.
    pub messages: Vec<Message>,
    /// The program's controls.
    pub controls: Vec<Control>,
    /// Whether control values are heard by OSC.
    pub osc: Osc,
}

/// What is done with a control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gesture {
    /// The user takes hold of it.
    Begin,
    /// It moves to this value, 0..1.
    Set(f64),
    /// The user lets go.
    End,
}

/// What the user wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// The text changed; keep it with the session.
    Edited(String),
    /// Compile the text and play it.
    Compile(String),
    /// Compile while typing, or not.
    Live(Live),
    /// Hear control values by OSC, or not.
    Osc(Osc),
    /// A control was touched.
    Turn {
        /// Its slot, from 0.
        slot: usize,
        /// What was done.
        gesture: Gesture,
    },
}

/// Whether the program is compiled while it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// After each pause in typing.
    On,
    /// Only when asked for.
    Off,
}

/// Whether programs on this machine may set controls by OSC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Osc {
    /// They are heard on UDP port 9000.
    On,
    /// No port is open.
    Off,
}

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
    assistant: Box<dyn Assistant>,
    /// What the editor itself has to say, until the next change.
    note: String,
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
            assistant,
            note: String::new(),
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
        if self.help.keys(ui) {
            self.area.focus();
        }
        let bar = egui::Frame::NONE.fill(theme::PANEL).inner_margin(egui::Margin::symmetric(14, 8));
        Panel::top("bar").frame(bar).show(ui, |ui| {
            compile |= self.bar(ui, snapshot, &mut actions);
        });
        Panel::bottom("status").frame(bar).show(ui, |ui| self.status(ui, snapshot));
        self.messages(ui, snapshot);
        if !snapshot.controls.is_empty() {
            let frame = egui::Frame::NONE.fill(theme::BACKGROUND).inner_margin(12);
            Panel::right("controls").frame(frame).default_size(224.0).min_size(118.0).show(
                ui,
                |ui| {
                    caption(ui, "CONTROLS");
                    egui::ScrollArea::vertical().id_salt("knobs").auto_shrink([false, false]).show(
                        ui,
                        |ui| {
                            controls::ui(ui, &snapshot.controls, &mut actions);
                        },
                    );
                },
            );
        }
        self.source(ui, snapshot, &mut actions);
        compile |= self.live_compile(ui);
        if compile {
            self.touched = None;
            self.dirty = false;
            actions.push(Action::Compile(self.text.clone()));
        }
        actions
    }

    fn source(&mut self, ui: &mut Ui, snapshot: &Snapshot, actions: &mut Vec<Action>) {
        let frame = egui::Frame::NONE.fill(theme::PAPER);
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            let shown = self.area.ui(ui, &mut self.text, &snapshot.messages, self.highlight);
            if shown.changed {
                self.edited(ui, actions);
            }
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
        });
    }

    /// Notes that the text changed.
    fn edited(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        self.touched = Some(ui.input(|input| input.time));
        self.dirty = true;
        self.note.clear();
        actions.push(Action::Edited(self.text.clone()));
    }

    /// Shows a definition; those of other texts are only named.
    fn go_to(&mut self, place: Place) {
        match place.module {
            None => self.area.go_to_byte(&self.text, place.range.start),
            Some(module) => self.note = format!("defined in the module {module}"),
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

    /// The definitions of the text as a menu; a click goes to one.
    fn outline(&mut self, ui: &mut Ui) {
        let face = RichText::new("Outline").color(theme::QUIET);
        let button = egui::Button::new(face);
        let config = egui::containers::menu::MenuConfig::new();
        egui::containers::menu::MenuButton::from_button(button).config(config).ui(ui, |ui| {
            ui.set_max_width(420.0);
            let items = self.assistant.snapshot().map(|known| known.outline()).unwrap_or_default();
            egui::ScrollArea::vertical().id_salt("outline list").max_height(420.0).show(ui, |ui| {
                for item in items.iter().filter(|item| item.kind != DefKind::Constructor) {
                    if ui.add(egui::Button::selectable(false, outline_row(item))).clicked() {
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

    /// True when the text has rested long enough in live mode.
    fn live_compile(&mut self, ui: &Ui) -> bool {
        let (Live::On, Some(touched)) = (self.live, self.touched) else { return false };
        let rest = LIVE_DELAY - (ui.input(|input| input.time) - touched);
        if rest > 0.0 {
            ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(rest));
        }
        rest <= 0.0
    }

    fn bar(&mut self, ui: &mut Ui, snapshot: &Snapshot, actions: &mut Vec<Action>) -> bool {
        let mut compile = false;
        ui.horizontal(|ui| {
            ui.label(RichText::new("attacca").size(20.0).strong().color(theme::ACCENT));
            ui.label(RichText::new(snapshot.kind).size(13.0).color(theme::QUIET));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let face = RichText::new("Compile").strong().color(theme::BACKGROUND);
                let button = egui::Button::new(face).fill(theme::ACCENT);
                let hint = format!("Compile and play ({}+Enter)", command_name());
                compile = ui.add(button).on_hover_text(hint).clicked();
                let on = self.live == Live::On;
                let hint = "Compile while typing; a text with errors leaves the sound as it is";
                let face =
                    RichText::new("Live").color(if on { theme::ACCENT } else { theme::QUIET });
                if ui.add(egui::Button::new(face).selected(on)).on_hover_text(hint).clicked() {
                    self.live = if on { Live::Off } else { Live::On };
                    actions.push(Action::Live(self.live));
                }
                let on = snapshot.osc == Osc::On;
                let hint =
                    "Let programs on this machine set controls by OSC: /name value, UDP port 9000";
                let face =
                    RichText::new("OSC").color(if on { theme::ACCENT } else { theme::QUIET });
                if ui.add(egui::Button::new(face).selected(on)).on_hover_text(hint).clicked() {
                    actions.push(Action::Osc(if on { Osc::Off } else { Osc::On }));
                }
                let hint = format!("Lay the text out ({}+Shift+F)", command_name());
                let face = RichText::new("Format").color(theme::QUIET);
                if ui.add(egui::Button::new(face)).on_hover_text(hint).clicked() {
                    self.assistant.format(&self.text, ui.ctx());
                }
                self.outline(ui);
                if self.dirty {
                    ui.label(RichText::new("edited, not compiled").size(12.0).color(theme::QUIET));
                }
            });
        });
        compile
    }

    fn messages(&mut self, ui: &mut Ui, snapshot: &Snapshot) {
        if snapshot.messages.is_empty() {
            return;
        }
        let frame =
            egui::Frame::NONE.fill(theme::BACKGROUND).inner_margin(egui::Margin::symmetric(14, 8));
        Panel::bottom("messages").frame(frame).resizable(true).default_size(96.0).show(ui, |ui| {
            egui::ScrollArea::vertical().id_salt("message list").auto_shrink([false, true]).show(
                ui,
                |ui| {
                    for message in &snapshot.messages {
                        if message_row(ui, message) && message.line > 0 {
                            self.area.go_to(message.line, message.column);
                        }
                    }
                },
            );
        });
    }

    fn status(&self, ui: &mut Ui, snapshot: &Snapshot) {
        ui.horizontal(|ui| {
            let (color, word) = match snapshot.playing {
                Playing::Program => (theme::GOOD, "playing"),
                Playing::Faulted => (theme::BAD, "faulted"),
                Playing::Through => (theme::QUIET, "passing through"),
                Playing::Silent => (theme::QUIET, "silent"),
            };
            let (dot, _) = ui.allocate_exact_size(egui::vec2(10.0, 16.0), egui::Sense::hover());
            ui.painter().circle_filled(dot.center(), 4.5, color);
            ui.label(RichText::new(word).color(color));
            if snapshot.compiling {
                quiet(ui, "compiling…");
            } else if let Some(ms) = snapshot.compile_ms {
                quiet(ui, format!("compiled in {ms:.1} ms"));
            }
            if let Some(us) = snapshot.swap_us {
                quiet(ui, format!("swap {us:.0} µs"));
            }
            if !snapshot.plan.is_empty() {
                quiet(ui, &snapshot.plan);
            }
            if !self.note.is_empty() {
                ui.label(RichText::new(&self.note).size(12.5).color(theme::WARN));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let percent = (snapshot.load * 100.0).clamp(0.0, 999.0);
                let color = if percent > 80.0 { theme::BAD } else { theme::QUIET };
                ui.label(RichText::new(format!("CPU {percent:.1} %")).size(12.5).color(color));
                if let Some(row) = self.area.cursor_row() {
                    quiet(ui, format!("line {}", row + 1));
                }
            });
        });
    }
}

fn quiet(ui: &mut Ui, text: impl Into<String>) {
    ui.label(RichText::new(text).size(12.5).color(theme::QUIET));
}

fn caption(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).size(11.0).strong().color(theme::QUIET));
    ui.add_space(2.0);
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
    let row = egui::Label::new(RichText::new(line).color(color)).wrap().sense(egui::Sense::click());
    let response = ui.add(row);
    if message.line > 0 {
        return response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked();
    }
    false
}

fn outline_row(item: &OutlineItem) -> RichText {
    let text = format!("{}{}", "    ".repeat(item.level), item.detail);
    RichText::new(text).font(theme::code_font())
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

fn command_name() -> &'static str {
    if cfg!(target_os = "macos") { "Cmd" } else { "Ctrl" }
}

#[cfg(test)]
mod tests;
