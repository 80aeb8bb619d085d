//! `bench --as-peer`: one workload in the line protocol of `tests/bench/README.md`.

use crate::program::{Math, compile, options, target};
use crate::{Failure, Outcome};
use attacca_engine::render::{RenderSettings, Renderer};
use attacca_engine::{Program, Target};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Frames printed by `dump`.
const DUMP_FRAMES: usize = 4800;

/// Sample rate of every workload, in hertz.
pub(crate) const RATE: f64 = 48_000.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Times it.
    Bench,
    /// Prints its first samples.
    Dump,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Program file
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Frames a block
    #[arg(long, default_value_t = 512)]
    pub(crate) block: usize,
    /// Least time of one repetition
    #[arg(long, default_value_t = 0.1)]
    pub(crate) seconds: f64,
    /// Repetitions
    #[arg(long, default_value_t = 3)]
    pub(crate) reps: usize,
    /// jit or vm
    #[arg(long, default_value = "jit")]
    pub(crate) backend: String,
    /// Arithmetic
    #[arg(long, default_value = "strict")]
    pub(crate) math: Math,
}

pub(crate) fn run(mode: Mode, args: &Args) -> Outcome {
    args.math.available()?;
    let file =
        args.file.as_deref().ok_or_else(|| Failure::Usage("--as-peer needs --file".into()))?;
    let target = target(&args.backend)?;
    match mode {
        Mode::Bench => {
            let compile_ms = compile_time(file, target)?;
            let (program, _) = compile(file, &options(target, RATE), &[])?;
            let timed = time(&program, args.block, args.seconds, args.reps);
            println!(
                "{{\"ns\":{:?},\"calib\":{:?},\"compile_ms\":{compile_ms:.4}}}",
                timed.iter().map(|t| t.0).collect::<Vec<_>>(),
                timed.iter().map(|t| t.1).collect::<Vec<_>>()
            );
        }
        Mode::Dump => {
            let (program, _) = compile(file, &options(target, RATE), &[])?;
            dump(&program);
        }
    }
    Ok(())
}

/// Best of five compiles, in milliseconds.
fn compile_time(file: &Path, target: Target) -> Result<f64, Failure> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let (_, compiled) = compile(file, &options(target, RATE), &[])?;
        best = best.min(compiled.time.as_secs_f64() * 1e3);
    }
    Ok(best)
}

fn dump(program: &Arc<Program>) {
    let mut renderer = Renderer::new(program, RenderSettings::default());
    let score = attacca_engine::render::Score { frames: DUMP_FRAMES as u64, ..Default::default() };
    let channels = renderer.run(&score).channels;
    let mut text = String::new();
    for n in 0..DUMP_FRAMES {
        let row: Vec<String> = channels.iter().map(|c| format!("{:.17e}", c[n])).collect();
        text.push_str(&row.join(" "));
        text.push('\n');
    }
    print!("{text}");
}

/// Nanoseconds a frame and the calibration beside it, for each repetition.
pub(crate) fn time(
    program: &Arc<Program>,
    block: usize,
    seconds: f64,
    reps: usize,
) -> Vec<(f64, f64)> {
    let mut renderer =
        Renderer::new(program, RenderSettings { block, ..RenderSettings::default() });
    let layout = program.layout();
    let input = vec![vec![0.0; block]; layout.inputs as usize];
    let inputs: Vec<&[f64]> = input.iter().map(Vec::as_slice).collect();
    let mut output = vec![vec![0.0; block]; (layout.outputs as usize).max(1)];
    let mut blocks = |count: u64| {
        for _ in 0..count {
            let mut outputs: Vec<&mut [f64]> = output.iter_mut().map(Vec::as_mut_slice).collect();
            renderer.render(&inputs, &mut outputs, &[]);
        }
    };
    // Warm up, and find out how many blocks fill the time.
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed().as_secs_f64() < seconds * 0.2 {
        blocks(16);
        count += 16;
    }
    let per_rep = (count * 5).max(16);
    (0..reps)
        .map(|_| {
            let before = calibrate();
            let start = Instant::now();
            blocks(per_rep);
            let ns = start.elapsed().as_secs_f64() * 1e9 / (per_rep as f64 * block as f64);
            (ns, before.min(calibrate()))
        })
        .collect()
}

/// Nanoseconds of one step of a chain of six dependent one-cycle operations; best of three runs.
pub(crate) fn calibrate() -> f64 {
    const STEPS: u32 = 1 << 19;
    let run = |seed: u64| {
        let start = Instant::now();
        let mut x = std::hint::black_box(seed);
        for _ in 0..STEPS {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
        std::hint::black_box(x);
        start.elapsed().as_secs_f64() * 1e9 / f64::from(STEPS)
    };
    (1..=3).map(run).fold(f64::INFINITY, f64::min)
}
