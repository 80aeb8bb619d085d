//! The window driven without a screen: every test looks at what a user would see and do.

use super::*;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;

/// A view with the snapshot it is shown and everything the user did so far.
struct Desk {
    view: View,
    snapshot: Snapshot,
    actions: Vec<Action>,
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
        osc: Osc::Off,
    }
}

fn error(text: &str, line: u32, column: u32) -> Message {
    let end = Message {
        line,
        column,
        end_line: line,
        end_column: column + 1,
        ..Message::general(Severity::Error, text)
    };
    Message { help: "write a number".into(), ..end }
}

fn desk(text: &str, snapshot: Snapshot) -> Harness<'static, Desk> {
    let view = View::new(text.to_owned(), snapshot.revision, Live::Off, colours);
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
fn osc_is_switched_by_a_button() {
    let mut harness = desk("fn dsp() { 0 }", snapshot());
    harness.get_by_label("OSC").click();
    harness.run_steps(3);
    assert_eq!(harness.state().actions, [Action::Osc(Osc::On)]);
    harness.state_mut().snapshot.osc = Osc::On;
    harness.run_steps(3);
    harness.get_by_label("OSC").click();
    harness.run_steps(3);
    assert_eq!(harness.state().actions[1..], [Action::Osc(Osc::Off)]);
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
    harness.get_by_label("compiled in 4.2 ms");
    harness.get_by_label("CPU 12.5 %");
    harness.get_by_label("12 kept, 1 fresh");
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
        | Action::Osc(_) => None,
    };
    actions.iter().filter_map(turn).collect()
}
