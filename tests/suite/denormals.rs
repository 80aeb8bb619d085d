//! Every example decays into silence at no more than 1.2 times what it costs while it sounds: numbers too
//! small to be heard are zero, so that no processor slows down over them.

use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Renderer};
use attacca_engine::{Event, EventKind, Hz, Program, Target};
use attacca_tests::golden::{files, programs};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Frames of a block; one measurement.
const BLOCK: usize = 256;

/// Blocks with a note and an input: two seconds.
const SOUND: usize = 375;

/// Blocks of the decay: twelve seconds.
const DECAY: usize = 2_250;

/// Blocks of which the fastest counts: what the others take more is not the program's.
const WINDOW: usize = 15;

/// What the decay may cost, in parts of the sound.
const MOST: f64 = 1.2;

/// Times that an example is played at least, and at most while it looks slow: the machine may be busy
/// with something else. The work of a block is the same each time, so that its fastest time counts.
const RUNS: [usize; 2] = [2, 12];

/// Plays a note with some input, then nothing; keeps the fastest time of each block.
fn play(program: &Arc<Program>, fastest: &mut [Duration]) {
    let settings = RenderSettings { block: BLOCK, ..RenderSettings::default() };
    let mut renderer = Renderer::new(program, settings);
    let on = EventKind::NoteOn { channel: 0, note: 57, velocity: 100.0, id: -1 };
    let off = EventKind::NoteOff { channel: 0, note: 57, velocity: 0.0, id: -1 };
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    for (n, fastest) in fastest.iter_mut().enumerate() {
        let level = if n < SOUND { 0.2 } else { 0.0 };
        let input: [f64; BLOCK] =
            std::array::from_fn(|at| level * ((at + n * BLOCK) as f64 * 0.05).sin());
        let kind = if n == 0 { on } else { off };
        let note = [Event { offset: 0, kind }];
        let events = if n == 0 || n == SOUND { &note[..] } else { &[] };
        let start = Instant::now();
        renderer.render(&[&input, &input], &mut [&mut left, &mut right], events);
        *fastest = (*fastest).min(start.elapsed());
    }
}

/// The cost of the slowest part, a tenth of a second long.
fn slowest(blocks: &[Duration]) -> f64 {
    let parts = blocks.chunks(WINDOW).filter_map(|part| part.iter().min());
    parts.max().map_or(0.0, Duration::as_secs_f64)
}

/// What the decay costs in parts of the sound.
fn ratio(path: &Path) -> f64 {
    let text = std::fs::read_to_string(path).expect("a listed file can be read");
    let options = Options { target: Target::Jit, rate: Hz(48_000.0), ..Options::default() };
    let compiled = pipeline::compile_with(&path.display().to_string(), &text, &options, &files());
    let program = compiled.program.expect("an example is good");
    let mut fastest = vec![Duration::MAX; SOUND + DECAY];
    let mut ratio = f64::MAX;
    for run in 1..=RUNS[1] {
        play(&program, &mut fastest);
        let (sound, decay) = fastest.split_at(SOUND);
        ratio = slowest(decay) / slowest(sound).max(1e-9);
        if run >= RUNS[0] && ratio <= MOST {
            break;
        }
    }
    ratio
}

#[test]
fn examples_decay_into_silence_without_getting_slow() {
    let examples = programs("../examples");
    assert!(examples.len() >= 30, "{}", examples.len());
    let ratios = examples.iter().map(|path| (path.display(), ratio(path)));
    let slow: Vec<String> = ratios
        .filter(|(_, ratio)| *ratio > MOST)
        .map(|(path, ratio)| format!("{path}: {ratio:.2} times"))
        .collect();
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
