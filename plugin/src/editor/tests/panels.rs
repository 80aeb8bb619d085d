//! The panels around the text: when edits take over, settings, faults, the guard, probes, renaming.

use super::*;

fn click(harness: &mut Harness<'static, Desk>, label: &str) {
    harness.get_by_label(label).click();
    harness.run_steps(4);
}

fn last(harness: &Harness<'static, Desk>) -> Option<Action> {
    harness.state().actions.last().cloned()
}

#[test]
fn the_moment_of_an_edit_is_chosen_from_a_menu() {
    let mut harness = desk("0", snapshot());
    for (choice, swap) in
        [("Next beat", SwapAt::Beat), ("Next bar", SwapAt::Bar), ("Every 4 bars", SwapAt::Bars(4))]
    {
        click(&mut harness, "Plays at once");
        click(&mut harness, choice);
        assert_eq!(last(&harness), Some(Action::Swap(swap)));
        assert!(harness.query_by_label(choice).is_none(), "the menu is closed");
    }
    harness.state_mut().snapshot.swap = SwapAt::Bars(4);
    harness.run_steps(2);
    click(&mut harness, "Plays every 4 bars");
    click(&mut harness, "At once");
    assert_eq!(last(&harness), Some(Action::Swap(SwapAt::Once)));
}

#[test]
fn an_edit_that_waits_says_for_which_bar_and_the_text_can_be_edited_on() {
    let mut shown = snapshot();
    shown.waits = Some((11.0, 0.0));
    let mut harness = desk("", shown);
    harness.get_by_label("plays at bar 12");
    type_text(&mut harness, "1");
    assert_eq!(last(&harness), Some(Action::Edited("1".into())));
    harness.state_mut().snapshot.waits = Some((3.0, 2.0));
    harness.run_steps(2);
    harness.get_by_label("plays at bar 4, beat 3");
    harness.state_mut().snapshot.waits = None;
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("plays at").is_none());
}

#[test]
fn a_stopped_program_is_run_again_by_a_button() {
    let mut shown = snapshot();
    shown.playing = Playing::Faulted;
    shown.messages = vec![error("`dsp` is too slow for real time", 2, 1)];
    let mut harness = desk("one\ntwo", shown);
    assert!(harness.query_by_label("Run it again").is_none(), "an error alone stops nothing");
    harness.state_mut().snapshot.stopped = true;
    harness.run_steps(2);
    click(&mut harness, "Run it again");
    assert_eq!(harness.state().actions, [Action::Again]);
    harness.get_by_label_contains("line 2: `dsp` is too slow for real time").click();
    harness.run_steps(4);
    type_text(&mut harness, "X");
    assert_eq!(harness.state().view.text(), "one\nXtwo");
}

#[test]
fn the_guard_shows_which_channel_was_held_back_and_how_often() {
    let mut harness = desk("0", snapshot());
    assert!(harness.query_by_label_contains("held back").is_none());
    harness.state_mut().snapshot.guard.held =
        [Held { loud: 2, broken: 1 }, Held { loud: 0, broken: 0 }];
    harness.run_steps(2);
    click(&mut harness, "held back: L 3× R 0×");
    assert_eq!(last(&harness), Some(Action::ClearGuard));
}

#[test]
fn settings_are_in_a_panel_that_opens_and_closes() {
    let mut harness = desk("0", snapshot());
    assert!(harness.query_by_label("hold at").is_none());
    click(&mut harness, "Settings");
    harness.get_by_label("hold at");
    click(&mut harness, "Settings");
    assert!(harness.query_by_label("hold at").is_none());
    assert_eq!(harness.state().actions, []);
}

#[test]
fn ceiling_patience_and_osc_are_switched_in_the_settings() {
    let mut harness = desk("0", snapshot());
    click(&mut harness, "Settings");
    for (label, action) in [
        ("hold at", Action::Ceiling(None)),
        ("stop after", Action::Patience(0.0)),
        ("set controls", Action::Osc(Osc::On)),
    ] {
        click(&mut harness, label);
        assert_eq!(last(&harness), Some(action));
    }
    let shown = &mut harness.state_mut().snapshot;
    (shown.guard.ceiling, shown.patience, shown.osc) = (None, 0.0, Osc::On);
    harness.run_steps(2);
    for (label, action) in [
        ("hold at", Action::Ceiling(Some(12.0))),
        ("stop after", Action::Patience(2.0)),
        ("set controls", Action::Osc(Osc::Off)),
    ] {
        click(&mut harness, label);
        assert_eq!(last(&harness), Some(action));
    }
}

#[test]
fn numbers_are_typed_into_the_settings() {
    let mut harness = desk("0", snapshot());
    click(&mut harness, "Settings");
    for (value, typed, action) in
        [("+12.0 dBFS", "-6", Action::Ceiling(Some(-6.0))), ("2.0 s", "0.5", Action::Patience(0.5))]
    {
        harness.get_all_by_value(value).next().expect("the number is shown").click();
        harness.run_steps(3);
        harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        harness.event(egui::Event::Text(typed.to_owned()));
        harness.run_steps(2);
        harness.key_press(Key::Enter);
        harness.run_steps(3);
        assert_eq!(last(&harness), Some(action));
    }
}

#[test]
fn the_folder_is_typed_and_taken_with_enter() {
    let mut harness = desk("0", snapshot());
    click(&mut harness, "Settings");
    let field = harness.get_by_role_and_label(Role::TextInput, "folder");
    field.focus();
    field.type_text("/home/me/songs");
    harness.run_steps(3);
    assert_eq!(harness.state().actions, [], "half a path is no folder");
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert_eq!(harness.state().actions, [Action::Folder("/home/me/songs".into())]);
    let shown = &mut harness.state_mut().snapshot.folder;
    *shown = Folder { path: "/home/me/songs".into(), missing: true, files: vec![] };
    harness.run_steps(2);
    harness.get_by_label("there is no such folder");
    let shown = &mut harness.state_mut().snapshot.folder;
    (shown.missing, shown.files) = (false, vec!["tone.mmm".into(), "room.mmm".into()]);
    harness.run_steps(2);
    harness.get_by_label("in use: tone.mmm, room.mmm");
}

fn probe(name: &str, value: f64) -> Probe {
    let stroke = |at: usize| {
        let value = (at as f32 * 0.1).sin();
        Stroke { low: value, high: value }
    };
    Probe { name: name.into(), value: Some(value), trace: (0..200).map(stroke).collect() }
}

#[test]
fn probes_are_shown_with_name_and_value_and_a_span_that_is_chosen() {
    let mut shown = snapshot();
    shown.probes = vec![probe("level", 0.25), probe("osc.freq", 440.0)];
    let mut harness = desk("0", shown);
    harness.get_by_label("level 0.25");
    harness.get_by_label("osc.freq 440");
    click(&mut harness, "4 s");
    assert_eq!(last(&harness), Some(Action::Span(Span::Seconds)));
    harness.state_mut().snapshot.probes[0].value = Some(-0.5);
    harness.run_steps(2);
    harness.get_by_label("level -0.5");
    let control =
        Control { slot: 0, name: "mix".into(), value: 0.5, initial: 0.5, text: "0".into() };
    harness.state_mut().snapshot.controls = vec![control];
    harness.run_steps(2);
    let knob = harness.get_by_role_and_label(Role::Slider, "mix").rect();
    let scope = harness.get_by_label("level -0.5").rect();
    assert!(knob.max.y <= scope.min.y && scope.width() > 100.0, "{knob:?} {scope:?}");
}

#[test]
fn a_scale_shrinks_only_after_a_while() {
    let mut shown = snapshot();
    shown.probes = vec![probe("level", 0.0)];
    let mut harness = desk("0", shown);
    let scale = |harness: &Harness<'static, Desk>| harness.state().view.scales["level"].0.high;
    assert_eq!(scale(&harness), 1.0);
    let quieter = |stroke: &mut Stroke| stroke.high *= 0.1;
    harness.state_mut().snapshot.probes[0].trace.iter_mut().for_each(|stroke| {
        quieter(stroke);
        stroke.low = stroke.high;
    });
    harness.run_steps(4);
    assert_eq!(scale(&harness), 1.0);
    harness.run_steps(240);
    assert!((scale(&harness) - 0.1).abs() < 1e-6);
    harness.state_mut().snapshot.probes[0].trace[3].high = 30.0;
    harness.run_steps(2);
    assert_eq!(scale(&harness), 50.0);
}

#[test]
fn a_local_name_is_changed_everywhere() {
    let mut harness = desk("fn f(a) { a + a }\nfn dsp() { f(1) }\n", snapshot());
    harness.state_mut().view.area.go_to_byte("fn f(a)", 5);
    harness.run_steps(4);
    harness.key_press(Key::F2);
    harness.run_steps(4);
    let field = harness.get_by_role_and_label(Role::TextInput, "new name");
    assert_eq!(field.value().as_deref(), Some("a"));
    harness.event(egui::Event::Text("gain".into()));
    harness.run_steps(3);
    harness.key_press(Key::Enter);
    harness.run_steps(4);
    let want = "fn f(gain) { gain + gain }\nfn dsp() { f(1) }\n";
    assert_eq!(harness.state().view.text(), want);
    assert_eq!(last(&harness), Some(Action::Edited(want.into())));
    assert!(harness.query_by_role_and_label(Role::TextInput, "new name").is_none());
    type_text(&mut harness, "_");
    assert_eq!(harness.state().view.text(), want.replacen("gain", "_gain", 1));
}

#[test]
fn a_name_that_is_taken_is_refused_with_a_reason() {
    let mut harness = desk("fn f(a, b) { a + b }\n", snapshot());
    harness.state_mut().view.area.go_to_byte("fn f(a)", 5);
    harness.run_steps(4);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::R);
    harness.run_steps(4);
    harness.event(egui::Event::Text("b".into()));
    harness.run_steps(3);
    harness.key_press(Key::Enter);
    harness.run_steps(4);
    harness.get_by_label("`b` is used here already and would mean something else");
    harness.key_press(Key::Escape);
    harness.run_steps(4);
    assert!(harness.query_by_role_and_label(Role::TextInput, "new name").is_none());
    assert_eq!(harness.state().view.text(), "fn f(a, b) { a + b }\n");
    type_text(&mut harness, "X");
    assert_eq!(harness.state().view.text(), "fn f(Xa, b) { a + b }\n");
}

#[test]
fn what_can_not_be_renamed_says_why() {
    let mut harness = desk("fn dsp() { sin(1) }\n", snapshot());
    for (at, why) in [
        (3, "`dsp` is what is played; with another name nothing is"),
        (12, "`sin` is built in"),
        (19, "there is no name here"),
    ] {
        let text = harness.state().view.text().to_owned();
        harness.state_mut().view.area.go_to_byte(&text, at);
        harness.run_steps(4);
        harness.key_press(Key::F2);
        harness.run_steps(4);
        harness.get_by_label(why);
    }
}

#[test]
fn a_narrow_window_keeps_every_tool() {
    let mut harness = desk("let gain = 1\n", snapshot());
    harness.set_size(egui::vec2(480.0, 320.0));
    harness.run_steps(4);
    for label in ["Compile", "Live", "At once", "More"] {
        let rect = harness.get_by_label(label).rect();
        assert!(rect.min.x >= 0.0 && rect.max.x <= 480.0, "{label} {rect:?}");
    }
    let title = harness.get_by_label("attacca").rect();
    assert!(title.max.x <= harness.get_by_label("More").rect().min.x, "{title:?}");
    click(&mut harness, "More");
    click(&mut harness, "Settings");
    harness.get_by_label("hold at");
}

#[test]
fn a_definition_of_the_library_is_shown_to_be_read() {
    let mut harness = desk("use osc::*\nfn dsp() { phasor(1, 0) }\n", snapshot());
    harness.state_mut().view.area.go_to_byte("use osc::*\nfn dsp() { pha", 25);
    harness.run_steps(4);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::B);
    harness.run_steps(6);
    harness.get_by_label("library: osc");
    harness.get_by_label_contains("pub fn phasor(freq");
    harness.key_press(Key::Escape);
    harness.run_steps(6);
    assert!(harness.query_by_label("library: osc").is_none());
    type_text(&mut harness, "X");
    assert_eq!(harness.state().view.text(), "use osc::*\nfn dsp() { phaXsor(1, 0) }\n");
}

#[test]
fn the_other_button_offers_what_can_be_done_with_a_name() {
    let mut harness = desk("let gain = 1\nfn dsp() { gain }\n", snapshot());
    let second_row = egui::pos2(52.0 + 8.0 + 105.0, 50.0 + 8.0 + 28.0);
    let open = |harness: &mut Harness<'static, Desk>| {
        for pressed in [true, false] {
            harness.event(egui::Event::PointerMoved(second_row));
            harness.event(egui::Event::PointerButton {
                pos: second_row,
                button: egui::PointerButton::Secondary,
                pressed,
                modifiers: Modifiers::NONE,
            });
            harness.run_steps(2);
        }
        harness.run_steps(3);
    };
    open(&mut harness);
    harness.run_steps(60);
    assert!(harness.query_by_label("let gain: float").is_none(), "help does not lie over the menu");
    harness.get_by_label_contains("Go to definition").click();
    harness.run_steps(6);
    type_text(&mut harness, "X");
    assert_eq!(harness.state().view.text(), "let Xgain = 1\nfn dsp() { gain }\n");
    harness.state_mut().view.replace("let gain = 1\nfn dsp() { gain }\n".into(), 2, Live::Off);
    harness.run_steps(4);
    open(&mut harness);
    harness.get_by_label_contains("Rename").click();
    harness.run_steps(6);
    harness.event(egui::Event::Text("level".into()));
    harness.run_steps(3);
    harness.key_press(Key::Enter);
    harness.run_steps(4);
    assert_eq!(harness.state().view.text(), "let level = 1\nfn dsp() { level }\n");
}

#[test]
fn a_recording_for_a_bug_report_is_begun_and_saved_in_the_settings() {
    let mut harness = desk("0", snapshot());
    click(&mut harness, "Settings");
    click(&mut harness, "Save the recording");
    assert_eq!(harness.state().actions, [], "nothing is recorded yet");
    click(&mut harness, "record");
    assert_eq!(last(&harness), Some(Action::Record(true)));
    harness.state_mut().snapshot.record = true;
    harness.state_mut().snapshot.tape.bytes = 3 << 20;
    harness.run_steps(2);
    harness.get_by_label("3.0 of 64 MB");
    click(&mut harness, "Save the recording");
    assert_eq!(last(&harness), Some(Action::SaveRecording));
    harness.state_mut().snapshot.tape.saved = "/a/recording-1.attacca".into();
    harness.run_steps(2);
    harness.get_by_label("3.0 of 64 MB; saved as /a/recording-1.attacca");
    harness.state_mut().snapshot.tape.failed = "the disk is full".into();
    harness.run_steps(2);
    harness.get_by_label("it could not be saved: the disk is full");
}
