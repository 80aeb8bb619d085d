//! What was recorded renders the same bits again: random sessions with edits, events, resets, faults,
//! blocks of all lengths, on every backend.

use attacca_engine::record::Recording;
use attacca_engine::{
    Event, EventKind, Files, Hz, Notice, ProcessorSettings, Session, Target, Transport, When,
};

/// Numbers that look random, the same at every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides.max(1)
    }

    fn sample(&mut self) -> f32 {
        self.below(2001) as f32 / 1000.0 - 1.0
    }
}

/// State, a line whose length changes, a task, controls, notes; now and then one that is stopped.
fn program(dice: &mut Dice) -> String {
    let (freq, line, step) = (100 + dice.below(900), 1000 + dice.below(9000), dice.below(9));
    if dice.below(8) == 0 {
        return "fn down(x) { down(x + 1.0) * 0.5 }\nfn dsp(l, r) { (down(l), r) }".to_owned();
    }
    format!(
        "let beats = 0.0
         fn tick() {{ beats = beats + {step}.0
             tick@(now + 333.0) }}
         tick@1.0
         fn phasor(f) {{ (self + f / samplerate) % 1.0 }}
         fn dsp(l, r) {{
             let note = midi_note_mono!(0, 60, 0)
             let gain = Control!(\"gain{}\", 0.5)
             let wet = delay({line}, l + phasor({freq}.0) * gain, {}.0)
             (wet + beats * 0.001, r * 0.5 + mem(l) + phasor(note.pitch) * note.velocity * 0.01)
         }}",
        dice.below(3),
        line / 2
    )
}

fn events(dice: &mut Dice, frames: usize, now: u64) -> Vec<Event> {
    let mut events: Vec<Event> = (0..dice.below(4))
        .map(|_| {
            // One may lie beyond the block, which a host should not do.
            let offset = dice.below(frames + 3) as u32;
            let note = 40 + dice.below(40) as u8;
            let kind = match dice.below(4) {
                0 => EventKind::Param { slot: dice.below(3) as u16, value: 0.1 },
                1 => EventKind::NoteOn { channel: 0, note, velocity: 90.0, id: -1 },
                2 => EventKind::NoteOff { channel: 0, note, velocity: 0.0, id: -1 },
                _ => EventKind::Transport(Transport {
                    tempo: 60.0 + dice.below(200) as f64,
                    playing: dice.below(4) > 0,
                    position: now as f64,
                    ..Transport::default()
                }),
            };
            Event { offset, kind }
        })
        .collect();
    events.sort_by_key(|event| event.offset);
    events
}

/// A session that is recorded: what the host heard, and the recording.
fn perform(target: Target, dice: &mut Dice) -> (Vec<Vec<f32>>, Vec<Notice>, Recording) {
    let settings =
        ProcessorSettings { max_frames: 64, rate: Hz(48_000.0), ..ProcessorSettings::default() };
    let (mut session, mut processor) = Session::recorded(target, settings);
    let mut heard = vec![Vec::new(); 2];
    let mut notices = Vec::new();
    for _ in 0..400 {
        match dice.below(12) {
            0 | 1 => {
                let whens = [When::AtOnce, When::Beat, When::Bar];
                session.set_when(whens[dice.below(3)]);
                assert!(session.update(&program(dice)).accepted);
            }
            2 => drop(session.set_control("gain1", 0.25)),
            3 => notices.extend(session.poll()),
            7 => drop(session.set_ceiling([0.25, 0.75, f64::INFINITY][dice.below(3)])),
            4 if dice.below(4) == 0 => drop(processor.apply_pending()),
            5 if dice.below(4) == 0 => {
                // As the plugin does it: the silence begins before the fresh instance is sent, and an
                // edit may be on its way already or follow at once.
                processor.mute();
                session.restart();
            }
            6 if dice.below(8) == 0 => processor.stop_too_slow(),
            _ => {}
        }
        let frames = dice.below(200);
        let loud = dice.below(3) > 0;
        let mut block: Vec<Vec<f32>> = (0..2)
            .map(|_| (0..frames).map(|_| if loud { dice.sample() } else { 0.0 }).collect())
            .collect();
        let events = events(dice, frames, processor.now());
        let mut views: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
        processor.process(&mut views, &events);
        for (to, from) in heard.iter_mut().zip(&block) {
            to.extend_from_slice(from);
        }
    }
    notices.extend(session.poll());
    let recording = session.recording().expect("this session records").clone();
    (heard, notices, recording)
}

fn bits(channels: &[Vec<f32>]) -> Vec<Vec<u32>> {
    channels.iter().map(|channel| channel.iter().map(|x| x.to_bits()).collect()).collect()
}

/// Frame of the first difference.
fn first_difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> Option<usize> {
    let (a, b) = (bits(a), bits(b));
    assert_eq!((a[0].len(), a[1].len()), (b[0].len(), b[1].len()));
    (0..a[0].len()).find(|at| a[0][*at] != b[0][*at] || a[1][*at] != b[1][*at])
}

#[test]
fn what_was_recorded_renders_the_same_bits() {
    let (mut swaps, mut faults) = (0, 0);
    for seed in 0..20 {
        for target in Target::ALL {
            let (heard, notices, recording) = perform(*target, &mut Dice(seed));
            assert_eq!(recording.note, "");
            let bytes = recording.to_bytes().expect("a recording can be written");
            let read = Recording::from_bytes(&bytes).expect("it can be read again");
            assert_eq!(read, recording);
            for backend in Target::ALL {
                let played = read.replay(Some(*backend), Files::library()).expect("it plays");
                let at = first_difference(&heard, &played.channels);
                assert_eq!(at, None, "seed {seed}, {target}, replayed on {backend}");
            }
            swaps += notices.iter().filter(|n| matches!(n, Notice::SwapDone { .. })).count();
            faults += notices.iter().filter(|n| matches!(n, Notice::Fault { .. })).count();
        }
    }
    assert!(swaps > 400 && faults > 20, "{swaps} swaps, {faults} faults");
}

#[test]
fn a_recording_that_nobody_collects_ends_with_a_note() {
    let (mut session, mut processor) = Session::recorded(Target::Vm, ProcessorSettings::default());
    assert!(session.update("fn sum(x) { self * 0.5 + x }\nfn dsp(l, r) { (sum(l), r) }").accepted);
    let mut heard = vec![Vec::new(); 2];
    for n in 0..600 {
        let (mut left, mut right) = (vec![0.5f32; 512], vec![n as f32 / 600.0; 512]);
        processor.process(&mut [&mut left, &mut right], &[]);
        heard[0].extend(left);
        heard[1].extend(right);
    }
    drop(session.poll());
    let recording = session.recording().expect("this session records");
    assert!(recording.note.contains("faster"), "{}", recording.note);
    let played = recording.replay(None, Files::library()).expect("its beginning plays");
    let length = played.channels[0].len();
    assert!(length > 100_000 && length < 600 * 512, "{length}");
    let begun: Vec<Vec<f32>> = heard.iter().map(|channel| channel[..length].to_vec()).collect();
    assert_eq!(first_difference(&begun, &played.channels), None);
}

#[test]
fn what_is_no_recording_is_refused() {
    let (mut session, _) = Session::recorded(Target::Vm, ProcessorSettings::default());
    let whole = session.recording().expect("it records").to_bytes().expect("it can be written");
    assert!(Recording::from_bytes(&whole).is_ok());
    for cut in 0..whole.len() {
        assert!(Recording::from_bytes(&whole[..cut]).is_err(), "cut at {cut}");
    }
    let other = String::from_utf8_lossy(&whole).replacen("recording 2", "recording 9", 1);
    let why = Recording::from_bytes(other.as_bytes()).expect_err("another version");
    assert!(why.contains("another version"), "{why}");
}

#[test]
fn a_recording_is_full_at_64_megabytes() {
    let (mut session, mut processor) = Session::recorded(Target::Vm, ProcessorSettings::default());
    let mut blocks = 0;
    while session.recorded_bytes().expect("it records").1.is_empty() {
        let (mut left, mut right) = (vec![0.5f32; 4096], vec![0.25f32; 4096]);
        processor.process(&mut [&mut left, &mut right], &[]);
        drop(session.poll());
        blocks += 1;
        assert!(blocks < 3000, "it never ends");
    }
    let recording = session.recording().expect("this session records");
    assert!(recording.note.contains("64 MB"), "{}", recording.note);
    let bytes = recording.to_bytes().expect("it can be written").len();
    assert!((60 << 20..66 << 20).contains(&bytes), "{bytes}");
}
