//! What the plugin records in a host renders the same bits again: random blocks, notes, parameters,
//! edits, resets and a program that is too slow, through the real plugin file.

mod rig;

use attacca_engine::record::{Recording, Step};
use attacca_engine::{Files, Target};
use attacca_tests::pieces::{Dice, Piece, STOPPED};
use clack_host::events::event_types::{NoteOffEvent, NoteOnEvent};
use clack_host::prelude::*;
use rig::document_ext::DOCUMENT_FAULTED;
use rig::session::state;
use rig::{EFFECT, Rig, entry, turn};
use std::time::{Duration, Instant};

/// What the host heard, channel by channel.
type Heard = [Vec<f32>; 2];

fn block(rig: &mut Rig, dice: &mut Dice, heard: &mut Heard) {
    let frames = 1 + dice.below(3000);
    let loud = dice.below(4) > 0;
    let mut sample = || if loud { dice.below(2001) as f32 / 1000.0 - 1.0 } else { 0.0 };
    let input = [(0..frames).map(|_| sample()).collect(), (0..frames).map(|_| sample()).collect()];
    let mut events = EventBuffer::new();
    let mut offset = 0;
    for _ in 0..dice.below(4) {
        offset = (offset + dice.below(frames)).min(frames - 1);
        let pckn = Pckn::new(0u16, 0u16, 40 + dice.below(40) as u16, 1u32);
        match dice.below(3) {
            0 => events.push(&NoteOnEvent::new(offset as u32, pckn, 0.7)),
            1 => events.push(&NoteOffEvent::new(offset as u32, pckn, 0.0)),
            _ => events.push(&turn(offset as u32, dice.below(4) as u32, 0.25)),
        };
    }
    let [left, right] = rig.process(input, &events);
    heard[0].extend(left);
    heard[1].extend(right);
}

/// Plays and edits at random.
fn perform(rig: &mut Rig, dice: &mut Dice, blocks: usize) -> Heard {
    let mut heard: Heard = Default::default();
    let mut piece = Piece::new(dice);
    for n in 0..blocks {
        match dice.below(12) {
            0..3 => {
                piece.edit(dice);
                let stopped = dice.below(8) == 0;
                let text = if stopped { STOPPED.to_owned() } else { piece.text() };
                assert!(rig.set_text(&text));
            }
            3 if dice.below(4) == 0 => rig.processor.as_mut().expect("it is active").reset(),
            4 => rig.pump(),
            _ => {}
        }
        block(rig, dice, &mut heard);
        // As fast as a patient host: the worker has time to compile.
        if n % 3 == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    heard
}

/// The file as it was saved; it is removed.
fn saved(rig: &mut Rig) -> Recording {
    let path = rig.save_recording();
    let bytes = std::fs::read(&path).expect("the file is there");
    std::fs::remove_file(&path).expect("it can be removed");
    assert!(path.to_string_lossy().ends_with(".attacca"), "{}", path.display());
    Recording::from_bytes(&bytes).expect("a recording")
}

/// The end of what was heard is what the recording plays, bit for bit; gives its length in frames.
fn same(heard: &Heard, recording: &Recording, what: &str) -> usize {
    assert_eq!(recording.note, "", "{what}");
    for target in Target::ALL {
        let played = recording.replay(Some(*target), Files::library()).expect("it plays");
        for (channel, (played, heard)) in played.channels.iter().zip(heard).enumerate() {
            let before = heard.len().checked_sub(played.len()).expect("no more than was heard");
            let differs = |at: &usize| played[*at].to_bits() != heard[before + at].to_bits();
            let at = (0..played.len()).find(differs);
            assert_eq!(at, None, "{what}: frame of channel {channel} on {target}");
        }
    }
    recording
        .steps
        .iter()
        .map(|step| if let Step::Block { frames, .. } = step { *frames as usize } else { 0 })
        .sum()
}

fn count(recording: &Recording, is: impl Fn(&Step) -> bool) -> usize {
    recording.steps.iter().filter(|step| is(step)).count()
}

#[test]
fn a_recording_from_activation_plays_what_the_host_heard() {
    let entry = entry();
    let mut swaps = 0;
    for seed in 1..=4 {
        let mut dice = Dice::new(seed);
        let mut rig = Rig::new(&entry, EFFECT);
        assert!(rig.load(&state("fn dsp(l, r) { (l, r * 0.5) }", "{\"record\":true}")));
        rig.activate(48_000.0);
        let heard = perform(&mut rig, &mut dice, 150);
        let recording = saved(&mut rig);
        let frames = same(&heard, &recording, &format!("seed {seed}"));
        assert_eq!(frames, heard[0].len(), "seed {seed}: from the first block on");
        swaps += count(&recording, |step| matches!(step, Step::Swap { .. }));
        // The next activation records anew, at its own rate.
        rig.deactivate();
        rig.activate(44_100.0);
        let heard = perform(&mut rig, &mut dice, 30);
        let recording = saved(&mut rig);
        assert_eq!(same(&heard, &recording, "activated again"), heard[0].len());
        assert_eq!(recording.rate, 44_100.0);
    }
    assert!(swaps > 40, "{swaps}");
}

#[test]
fn a_recording_that_is_armed_begins_the_program_anew() {
    let entry = entry();
    let text = "fn count() { self + 1 }\nfn dsp(l, r) { (count() / 16777216, l) }";
    let mut rig = Rig::playing(&entry, EFFECT, 48_000.0, text);
    let mut dice = Dice::new(9);
    rig.record(true);
    let mut heard: Heard = Default::default();
    for _ in 0..60 {
        block(&mut rig, &mut dice, &mut heard);
        std::thread::sleep(Duration::from_millis(1));
    }
    let recording = saved(&mut rig);
    let frames = same(&heard, &recording, "armed");
    assert!(frames > 10_000 && frames <= heard[0].len(), "{frames}");
    let begin = heard[0].len() - frames;
    assert_eq!(
        heard[0][begin..begin + 600].iter().filter(|x| **x * 16_777_216.0 == 500.0).count(),
        1
    );
    rig.record(false);
    let count = |rig: &mut Rig| rig.silence(64)[0][63] * 16_777_216.0;
    let before = count(&mut rig);
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(count(&mut rig), before + 64.0, "what plays goes on when the recording ends");
}

#[test]
fn a_program_that_was_too_slow_stops_at_the_same_frame_again() {
    let entry = entry();
    let slow = "fn fib(n) { if (n < 2) { n } else { fib(n - 1) + fib(n - 2) } }
        fn dsp(l, r) { (l + fib(19) * 0.0 + 0.25, r) }";
    let mut rig = Rig::new(&entry, EFFECT);
    assert!(rig.load(&state(slow, "{\"record\":true,\"patience\":0.2}")));
    rig.activate(48_000.0);
    let mut heard: Heard = Default::default();
    let end = Instant::now() + Duration::from_secs(20);
    while rig.status().state != DOCUMENT_FAULTED {
        for (to, from) in heard.iter_mut().zip(rig.silence(64)) {
            to.extend(from);
        }
        assert!(Instant::now() < end, "{}", rig::describe(&rig.status()));
    }
    block(&mut rig, &mut Dice::new(3), &mut heard);
    let recording = saved(&mut rig);
    assert_eq!(same(&heard, &recording, "too slow"), heard[0].len());
    assert_eq!(count(&recording, |step| *step == Step::TooSlow), 1);
}
