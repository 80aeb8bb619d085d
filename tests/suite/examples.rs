//! Every program of `examples/`: it plays, is heard, stays below full scale, starts without a click,
//! and sounds tomorrow as it does today.
//!
//! `ATTACCA_BLESS=1` rewrites the digests in `tests/render/examples.txt`.

use attacca_engine::pipeline::{self, Compiled, Options};
use attacca_engine::render::Score;
use attacca_engine::{EventKind, Hz, Target};
use attacca_tests::golden::{difference, files, render, tests_dir};
use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::path::{Path, PathBuf};

const RATE: f64 = 48_000.0;

/// Frames of each digest: four seconds.
const FRAMES: usize = 192_000;

/// Frames in which a start may click: ten milliseconds.
const START: usize = 480;

fn examples() -> Vec<PathBuf> {
    let folder = tests_dir().join("../examples");
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        files.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "mmm")).collect();
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a listed file can be read")
}

fn compile(path: &Path, target: Target) -> Result<Compiled, String> {
    let options = Options { target, rate: Hz(RATE), ..Options::default() };
    let compiled =
        pipeline::compile_with(&path.display().to_string(), &text(path), &options, &files());
    if compiled.program.is_some() && compiled.diagnostics.is_empty() {
        Ok(compiled)
    } else {
        Err(compiled.diagnostics.render(&compiled.sources))
    }
}

/// What an effect hears: a chord that is struck twice a second, louder on the left.
fn input(frames: usize) -> Vec<Vec<f64>> {
    let chord = |n: usize| {
        let time = n as f64 / RATE;
        let struck = time * 2.0 % 1.0;
        let level = (struck * 50.0).min(1.0) * (-struck * 4.0).exp();
        [220.0, 277.2, 329.6, 440.0].iter().map(|freq| (time * freq * TAU).sin()).sum::<f64>()
            * level
            * 0.2
    };
    vec![(0..frames).map(chord).collect(), (0..frames).map(|n| chord(n) * 0.7).collect()]
}

/// What an instrument is played: a chord, note by note, then two overlapping notes.
fn notes() -> Vec<(u64, EventKind)> {
    let mut events = Vec::new();
    for (at, length, note, velocity) in [
        (4_800, 60_000, 57, 70.0),
        (16_800, 48_000, 60, 90.0),
        (28_800, 36_000, 64, 100.0),
        (40_800, 24_000, 69, 120.0),
        (96_000, 40_000, 52, 110.0),
        (120_000, 48_000, 76, 60.0),
    ] {
        events.push((at, EventKind::NoteOn { channel: 0, note, velocity, id: -1 }));
        let end = EventKind::NoteOff { channel: 0, note, velocity: 0.0, id: -1 };
        events.push((at + length, end));
    }
    events.sort_by_key(|(at, _)| *at);
    events
}

fn score(frames: usize) -> Score {
    Score { frames: frames as u64, inputs: input(frames), events: notes(), ..Score::default() }
}

/// FNV-1a over the bits of all samples.
fn digest(channels: &[Vec<f64>]) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in channels.iter().flatten().flat_map(|x| x.to_bits().to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// The largest step from one sample to the next; the first comes from silence.
fn largest_step(samples: &[f64], first: f64) -> f64 {
    let before = std::iter::once(&first).chain(samples);
    before.zip(samples).map(|(a, b)| (b - a).abs()).fold(0.0, f64::max)
}

/// What is wrong with how a program sounds. A drum may strike at once, but no harder than later on.
fn listen(channels: &[Vec<f64>]) -> Option<String> {
    let peak = channels.iter().flatten().fold(0.0, |peak: f64, x| peak.max(x.abs()));
    if channels.iter().flatten().any(|x| !x.is_finite()) {
        return Some("there are samples that are no numbers".into());
    }
    if peak >= 1.0 {
        return Some(format!("its peak is {peak}"));
    }
    if peak < 0.05 {
        return Some(format!("it is hardly heard: its peak is {peak}"));
    }
    for (channel, samples) in channels.iter().enumerate() {
        let (start, rest) = samples.split_at(START);
        let (first, later) = (largest_step(start, 0.0), largest_step(rest, rest[0]));
        if samples[0].abs() > 0.01 || first > later * 1.5 {
            return Some(format!(
                "channel {channel} clicks at its start: first sample {}, a step of {first} against {later}",
                samples[0]
            ));
        }
    }
    None
}

fn check(path: &Path) -> Result<String, String> {
    let compiled = compile(path, Target::Jit)?;
    let channels = render(&compiled, &score(FRAMES), 256)?;
    if let Some(wrong) = listen(&channels) {
        return Err(wrong);
    }
    let short = FRAMES / 8;
    let vm = render(&compile(path, Target::Vm)?, &score(short), 64)?;
    let head: Vec<Vec<f64>> = channels.iter().map(|samples| samples[..short].to_vec()).collect();
    match difference(&head, &vm) {
        Some(what) => Err(format!("the vm differs: {what}")),
        None => Ok(digest(&channels)),
    }
}

#[test]
fn examples_sound_as_they_did() {
    let file = tests_dir().join("render/examples.txt");
    let (mut wrong, mut found) = (Vec::new(), BTreeMap::new());
    for path in examples() {
        match check(&path) {
            Ok(digest) => drop(found.insert(name(&path), digest)),
            Err(what) => wrong.push(format!("{}: {what}", name(&path))),
        }
    }
    assert!(wrong.is_empty(), "{} examples:\n{}", wrong.len(), wrong.join("\n"));
    let said: String = found.iter().map(|(name, digest)| format!("{name} {digest}\n")).collect();
    if std::env::var_os("ATTACCA_BLESS").is_some() {
        std::fs::write(&file, &said).expect("the digests can be written");
    }
    let want = std::fs::read_to_string(&file).unwrap_or_default();
    let changed: Vec<&str> =
        said.lines().filter(|line| !want.lines().any(|w| w == *line)).collect();
    assert!(changed.is_empty() && said == want, "these sound different now: {changed:?}");
}

#[test]
fn examples_say_what_they_are_and_what_to_change_first() {
    let paths = examples();
    assert!(paths.len() >= 30, "only {} examples", paths.len());
    for path in &paths {
        let text = text(path);
        let head: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
        assert!(head.len() >= 2, "{}: no comment at the top", name(path));
        assert!(head.iter().any(|line| line.starts_with("// Change first: ")), "{}", name(path));
    }
    let count = |what: &str| paths.iter().filter(|path| text(path).contains(what)).count();
    assert!(count("Control!(") >= 8, "controls in {}", count("Control!("));
    assert!(count("use ") >= 25 && count("@(") >= 2 && count("mini(") >= 1);
    assert!(count("midi_note_mono!") >= 1 && count("host::voices!") >= 1);
}
