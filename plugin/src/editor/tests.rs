//! The window driven without a screen: every test looks at what a user would see and do.

use super::*;
use attacca_engine::ide;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use std::sync::Arc;

/// A view with the snapshot it is shown and everything the user did so far.
struct Desk {
    view: View,
    snapshot: Snapshot,
    actions: Vec<Action>,
}

/// Reads and lays out on the spot, so that every frame is certain.
#[derive(Default)]
struct AtOnce {
    known: Option<Arc<ide::Snapshot>>,
    formatted: Option<Formatted>,
}

impl Assistant for AtOnce {
    fn read(&mut self, text: &str, _: &egui::Context) {
        if self.known.as_ref().is_none_or(|known| known.text() != text) {
            self.known = Some(Arc::new(ide::Snapshot::new(text, ide::standard_library())));
        }
    }

    fn snapshot(&mut self) -> Option<Arc<ide::Snapshot>> {
        self.known.clone()
    }

    fn format(&mut self, text: &str, _: &egui::Context) {
        let after = attacca_engine::format("t", text).map_err(|_| "a mistake".to_owned());
        self.formatted = Some(Formatted { before: text.to_owned(), after });
    }

    fn formatted(&mut self) -> Option<Formatted> {
        self.formatted.take()
    }
}

fn colours(text: &str) -> Vec<Token> {
    let number = |(at, _): (usize, &str)| Token { range: at..at + 1, kind: TokenKind::Number };
    text.match_indices(|c: char| c.is_ascii_digit()).map(number).collect()
}

fn snapshot() -> Snapshot {
    Snapshot {
        kind: "effect",
        revision: 1,
        playing: Playing::Program,
        compiling: false,
        compile_ms: Some(4.25),
        swap_us: Some(3.0),
        load: 0.125,
        plan: "12 kept, 1 fresh".into(),
        messages: Vec::new(),
        controls: Vec::new(),
        probes: Vec::new(),
        span: Span::Cycles,
        osc: Osc::Off,
        swap: SwapAt::Once,
        waits: None,
        stopped: false,
        guard: Guard { ceiling: Some(12.0), held: [Held::default(); 2] },
        patience: 2.0,
        folder: Folder::default(),
        record: false,
        tape: Tape::default(),
    }
}

fn error(text: &str, line: u32, column: u32) -> Message {
    let end = Message {
        line,
        column,
        end_line: line,
        end_column: column.saturating_add(1),
        ..Message::general(Severity::Error, text)
    };
    Message { help: "write a number".into(), ..end }
}

fn desk(text: &str, snapshot: Snapshot) -> Harness<'static, Desk> {
    let view =
        View::new(text.to_owned(), snapshot.revision, Live::Off, colours, Box::<AtOnce>::default());
    let desk = Desk { view, snapshot, actions: Vec::new() };
    let mut harness = Harness::builder().with_size(egui::vec2(960.0, 620.0)).build_ui_state(
        |ui, desk: &mut Desk| {
            super::install(ui.ctx());
            let done = desk.view.ui(ui, &desk.snapshot);
            desk.actions.extend(done);
        },
        desk,
    );
    harness.run_steps(3);
    harness
}

fn type_text(harness: &mut Harness<'static, Desk>, text: &str) {
    let field = harness.get_by_role_and_label(Role::MultilineTextInput, "source");
    field.focus();
    field.type_text(text);
    harness.run_steps(3);
}

use egui::Role;

#[test]
fn typing_is_kept_with_the_session_and_nothing_is_compiled() {
    let mut harness = desk("", snapshot());
    type_text(&mut harness, "fn dsp() { 1 }");
    let desk = harness.state();
    assert_eq!(desk.view.text(), "fn dsp() { 1 }");
    assert_eq!(desk.actions.last(), Some(&Action::Edited("fn dsp() { 1 }".into())));
    assert!(!desk.actions.iter().any(|action| matches!(action, Action::Compile(_))));
}

#[test]
fn command_enter_compiles_and_leaves_the_text_alone() {
    let mut harness = desk("fn dsp() { 1 }", snapshot());
    type_text(&mut harness, "");
    harness.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    harness.run_steps(3);
    let desk = harness.state();
    assert_eq!(desk.actions, [Action::Compile("fn dsp() { 1 }".into())]);
    assert_eq!(desk.view.text(), "fn dsp() { 1 }");
}

#[test]
fn the_button_compiles() {
    let mut harness = desk("0", snapshot());
    harness.get_by_label("Compile").click();
    harness.run_steps(3);
    assert_eq!(harness.state().actions, [Action::Compile("0".into())]);
}

#[test]
fn live_compiles_once_after_a_pause() {
    let mut harness = desk("", snapshot());
    harness.get_by_label("Live").click();
    harness.run_steps(2);
    type_text(&mut harness, "7");
    harness.run_steps(60);
    let compiled = |action: &&Action| matches!(action, Action::Compile(_));
    assert_eq!(harness.state().actions[0], Action::Live(Live::On));
    assert_eq!(harness.state().actions.iter().filter(compiled).count(), 1);
    type_text(&mut harness, "8");
    harness.run_steps(60);
    assert_eq!(harness.state().actions.iter().filter(compiled).count(), 2);
}

#[test]
fn a_click_on_a_message_goes_to_its_line() {
    let mut shown = snapshot();
    shown.messages = vec![error("this is not a number", 3, 2)];
    let mut harness = desk("one\ntwo\nthree\n", shown);
    harness.get_by_label_contains("line 3: this is not a number").click();
    harness.run_steps(4);
    type_text(&mut harness, "X");
    assert_eq!(harness.state().view.text(), "one\ntwo\ntXhree\n");
}

#[test]
fn the_status_line_says_how_it_stands() {
    let harness = desk("0", snapshot());
    harness.get_by_label("playing");
    harness.get_by_label("compiled in 4.2 ms   swap 3 µs   12 kept, 1 fresh");
    harness.get_by_label("CPU 12.5 %");
    for (playing, word) in [
        (Playing::Faulted, "faulted"),
        (Playing::Silent, "silent"),
        (Playing::Through, "passing through"),
    ] {
        let harness = desk("0", Snapshot { playing, ..snapshot() });
        harness.get_by_label(word);
    }
}

#[test]
fn a_knob_is_turned_and_reset() {
    let mut shown = snapshot();
    let control =
        Control { slot: 5, name: "cutoff".into(), value: 0.75, initial: 0.5, text: "900.0".into() };
    shown.controls = vec![control];
    let mut harness = desk("0", shown);
    let knob = harness.get_by_role_and_label(Role::Slider, "cutoff");
    let place = knob.rect().center();
    harness.drag_at(place);
    harness.run_steps(2);
    harness.hover_at(place - egui::vec2(0.0, 20.0));
    harness.run_steps(2);
    harness.drop_at(place - egui::vec2(0.0, 20.0));
    harness.run_steps(2);
    let gestures: Vec<Gesture> = turns(&harness.state().actions, 5);
    assert_eq!(gestures.first(), Some(&Gesture::Begin));
    assert_eq!(gestures.last(), Some(&Gesture::End));
    let up = gestures.iter().any(|gesture| matches!(gesture, Gesture::Set(value) if *value > 0.8));
    assert!(up, "{gestures:?}");
}

#[test]
fn arrow_keys_turn_a_knob_that_was_clicked() {
    let mut shown = snapshot();
    let control =
        Control { slot: 0, name: "mix".into(), value: 0.5, initial: 0.5, text: "0".into() };
    shown.controls = vec![control];
    let mut harness = desk("0", shown);
    harness.get_by_role_and_label(Role::Slider, "mix").focus();
    harness.run_steps(2);
    harness.key_press(Key::ArrowUp);
    harness.run_steps(2);
    let gestures = turns(&harness.state().actions, 0);
    assert_eq!(gestures, [Gesture::Begin, Gesture::Set(0.51), Gesture::End]);
}

#[test]
fn a_text_from_outside_replaces_what_was_there() {
    let mut harness = desk("old", snapshot());
    harness.state_mut().view.replace("new".into(), 2, Live::On);
    harness.run_steps(2);
    assert_eq!((harness.state().view.text(), harness.state().view.revision()), ("new", 2));
    assert_eq!(harness.state().actions, []);
}

#[test]
fn wild_places_and_texts_never_panic() {
    let mut shown = snapshot();
    shown.messages =
        vec![error("far away", 4_000_000_000, 7), error("wide", 1, u32::MAX), error("ä", 2, 2)];
    for text in ["", "\n", "äöü\n€", "\u{0}\r\n\t", "🎛️\n🎹"] {
        let mut harness = desk(text, shown.clone());
        harness.get_by_label_contains("far away").click();
        harness.run_steps(4);
        type_text(&mut harness, "1");
        assert!(harness.state().view.text().contains('1'));
    }
}

fn turns(actions: &[Action], wanted: usize) -> Vec<Gesture> {
    let turn = |action: &Action| match action {
        Action::Turn { slot, gesture } if *slot == wanted => Some(*gesture),
        Action::Turn { .. }
        | Action::Edited(_)
        | Action::Compile(_)
        | Action::Live(_)
        | Action::Osc(_)
        | Action::Swap(_)
        | Action::Again
        | Action::Ceiling(_)
        | Action::ClearGuard
        | Action::Patience(_)
        | Action::Folder(_)
        | Action::Record(_)
        | Action::SaveRecording
        | Action::Span(_) => None,
    };
    actions.iter().filter_map(turn).collect()
}

#[test]
fn a_name_is_completed_with_the_keyboard() {
    let mut harness = desk("let cutoff = 3\n", snapshot());
    put_cursor_at_the_end(&mut harness);
    type_text(&mut harness, "cut");
    harness.get_by_label_contains("cutoff");
    harness.key_press(Key::Enter);
    harness.run_steps(4);
    assert_eq!(harness.state().view.text(), "let cutoff = 3\ncutoff");
    assert!(harness.query_by_label_contains("let cutoff: float").is_none(), "the list is closed");
    type_text(&mut harness, "+1");
    assert_eq!(harness.state().view.text(), "let cutoff = 3\ncutoff+1");
    let last = harness.state().actions.last().cloned();
    assert_eq!(last, Some(Action::Edited("let cutoff = 3\ncutoff+1".into())));
}

#[test]
fn a_completion_is_chosen_by_arrow_or_click() {
    let mut harness = desk("let pan1 = 1\nlet pan2 = 2\n", snapshot());
    put_cursor_at_the_end(&mut harness);
    type_text(&mut harness, "pa");
    harness.key_press(Key::ArrowDown);
    harness.run_steps(2);
    harness.key_press(Key::Tab);
    harness.run_steps(4);
    assert_eq!(harness.state().view.text(), "let pan1 = 1\nlet pan2 = 2\npan1");
    type_text(&mut harness, " pa");
    harness.get_by_label_contains("let pan2: float").click();
    harness.run_steps(4);
    assert_eq!(harness.state().view.text(), "let pan1 = 1\nlet pan2 = 2\npan1 pan2");
}

#[test]
fn escape_closes_the_completions_and_the_text_keeps_the_keyboard() {
    let mut harness = desk("let cutoff = 3\n", snapshot());
    put_cursor_at_the_end(&mut harness);
    type_text(&mut harness, "cut");
    harness.key_press(Key::Escape);
    harness.run_steps(4);
    assert!(harness.query_by_label_contains("let cutoff: float").is_none());
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert_eq!(harness.state().view.text(), "let cutoff = 3\ncut\n");
}

#[test]
fn the_call_at_the_cursor_shows_its_parameters() {
    let mut harness = desk("fn mix(a, b) { a + b }\n", snapshot());
    put_cursor_at_the_end(&mut harness);
    type_text(&mut harness, "mix(1, ");
    harness.get_by_label("fn mix(a: float, b: float) -> float");
}

#[test]
fn resting_on_a_name_shows_its_type_and_comment() {
    let mut harness = desk("// Twice as much.\nfn twice(x) { x * 2 }\n", snapshot());
    harness.hover_at(egui::pos2(52.0 + 8.0 + 40.0, 50.0 + 8.0 + 28.0));
    harness.run_steps(60);
    harness.get_by_label("fn twice(x: float) -> float");
    harness.get_by_label("Twice as much.");
}

#[test]
fn the_definition_of_a_name_is_gone_to() {
    let mut harness = desk("let gain = 1\n\n\ngain", snapshot());
    put_cursor_at_the_end(&mut harness);
    harness.key_press(Key::F12);
    harness.run_steps(4);
    type_text(&mut harness, "X");
    assert_eq!(harness.state().view.text(), "let Xgain = 1\n\n\ngain");
    harness.state_mut().view.replace("let gain = 1\n\n\ngain".into(), 2, Live::Off);
    put_cursor_at_the_end(&mut harness);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
    harness.run_steps(4);
    type_text(&mut harness, "Y");
    assert_eq!(harness.state().view.text(), "let Ygain = 1\n\n\ngain");
}

#[test]
fn the_outline_goes_to_a_definition() {
    let mut harness = desk("let gain = 1\nfn voice(f) { f }\n", snapshot());
    harness.get_by_label("Outline").click();
    harness.run_steps(4);
    harness.get_by_label("fn voice(f)").click();
    harness.run_steps(4);
    type_text(&mut harness, "X");
    assert_eq!(harness.state().view.text(), "let gain = 1\nfn Xvoice(f) { f }\n");
}

#[test]
fn the_text_is_laid_out_by_button_and_by_keys() {
    let mut harness = desk("fn f(x){x*2}", snapshot());
    put_cursor_at_the_end(&mut harness);
    harness.get_by_label("Format").click();
    harness.run_steps(4);
    assert_eq!(harness.state().view.text(), "fn f(x) { x * 2 }\n");
    assert!(matches!(harness.state().actions.last(), Some(Action::Edited(_))));
    type_text(&mut harness, "let  a=1");
    harness.key_press_modifiers(Modifiers::COMMAND | Modifiers::SHIFT, Key::F);
    harness.run_steps(4);
    assert_eq!(harness.state().view.text(), "fn f(x) { x * 2 }\nlet a = 1\n");
    harness.state_mut().view.replace("fn f(".into(), 2, Live::Off);
    harness.get_by_label("Format").click();
    harness.run_steps(4);
    harness.get_by_label("not formatted: a mistake");
    assert_eq!(harness.state().view.text(), "fn f(");
}

#[test]
fn the_place_in_a_text_survives_other_white_space() {
    for (at, want) in [(0, 0), (2, 4), (5, 8), (6, 9)] {
        assert_eq!(same_place("a  b;c d", at, "a   b\n  c\nd"), want, "{at}");
    }
}

fn put_cursor_at_the_end(harness: &mut Harness<'static, Desk>) {
    let text = harness.state().view.text().to_owned();
    harness.state_mut().view.area.go_to_byte(&text, text.len());
    harness.run_steps(4);
}

mod panels;
