//! Every example decays into silence at no more than 1.2 times what it costs while it sounds: numbers too
//! small to be heard are zero, so that no processor slows down over them.

use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Renderer};
use attacca_engine::{Event, EventKind, Hz, Target};
use attacca_tests::golden::{files, programs};
use std::path::Path;
use std::time::{Duration, Instant};

/// Frames of a block; one measurement.
const BLOCK: usize = 256;

/// Measurements of each state.
const BLOCKS: usize = 200;

/// Frames of silence before it is measured: twelve seconds.
const DECAY: usize = 576_000;

/// What silence may cost, in parts of sound.
const MOST: f64 = 1.2;

/// Tries: the machine may be busy with something else.
const TRIES: usize = 6;

/// The time of the fastest block: what the others take more is not the program's.
fn fastest(renderer: &mut Renderer, level: f64) -> Duration {
    let mut best = Duration::MAX;
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    for n in 0..BLOCKS {
        let input: [f64; BLOCK] =
            std::array::from_fn(|at| level * ((at + n * BLOCK) as f64 * 0.05).sin());
        let start = Instant::now();
        renderer.render(&[&input, &input], &mut [&mut left, &mut right], &[]);
        best = best.min(start.elapsed());
    }
    best
}

/// What silence costs in parts of sound: in a fresh instance, after a note and some input.
fn ratio(path: &Path) -> f64 {
    let text = std::fs::read_to_string(path).expect("a listed file can be read");
    let options = Options { target: Target::Jit, rate: Hz(48_000.0), ..Options::default() };
    let compiled = pipeline::compile_with(&path.display().to_string(), &text, &options, &files());
    let program = compiled.program.expect("an example is good");
    let mut renderer =
        Renderer::new(&program, RenderSettings { block: BLOCK, ..RenderSettings::default() });
    let note = |kind| [Event { offset: 0, kind }];
    let on = EventKind::NoteOn { channel: 0, note: 57, velocity: 100.0, id: -1 };
    let mut none = [0.0; BLOCK];
    let mut other = [0.0; BLOCK];
    renderer.render(&[&[0.1; BLOCK][..]; 2], &mut [&mut none, &mut other], &note(on));
    let sound = fastest(&mut renderer, 0.2);
    let off = EventKind::NoteOff { channel: 0, note: 57, velocity: 0.0, id: -1 };
    renderer.render(&[&[0.0; BLOCK][..]; 2], &mut [&mut none, &mut other], &note(off));
    for _ in 0..DECAY / BLOCK {
        renderer.render(&[&[0.0; BLOCK][..]; 2], &mut [&mut none, &mut other], &[]);
    }
    let silence = fastest(&mut renderer, 0.0);
    silence.as_secs_f64() / sound.as_secs_f64().max(1e-9)
}

#[test]
fn examples_decay_into_silence_without_getting_slow() {
    let mut slow = Vec::new();
    let examples = programs("../examples");
    assert!(examples.len() >= 30, "{}", examples.len());
    for path in &examples {
        let mut best = f64::MAX;
        for _ in 0..TRIES {
            best = best.min(ratio(path));
            if best <= MOST {
                break;
            }
        }
        if best > MOST {
            slow.push(format!("{}: {best:.2} times", path.display()));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
