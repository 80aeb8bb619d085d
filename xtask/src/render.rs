//! `render`: a program to a sound file, csv or json; exact, whatever the block size.

mod golden;
mod midi;
mod output;
mod replay;
mod score;

use crate::program::{self, Math};
use crate::{Failure, Outcome};
use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Rendered, Renderer};
use attacca_engine::{OutputGuard, Program, Target};
use clap::ValueEnum;
use output::Format;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Program file, or with `--replay` a recording
    file: PathBuf,
    /// Play FILE as a recording that the plugin saved: the same bits as then
    #[arg(long, conflicts_with_all = [
        "frames", "seconds", "sample_rate", "block_size", "tempo", "input", "midi", "params", "swaps",
        "declick", "guard", "literals",
    ])]
    replay: bool,
    /// Output file; `-` is standard output. Without it csv and json go to standard output, wav to STEM.wav
    #[arg(short = 'o', long)]
    out: Option<PathBuf>,
    /// Length in frames
    #[arg(long, conflicts_with = "seconds", allow_negative_numbers = true)]
    frames: Option<u64>,
    /// Length in seconds
    #[arg(long, allow_negative_numbers = true)]
    seconds: Option<f64>,
    /// Frames a second
    #[arg(long, default_value_t = 48_000.0, allow_negative_numbers = true)]
    sample_rate: f64,
    /// Frames a block; does not change the samples
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    block_size: u32,
    /// Quarter notes a minute of the song that starts with the first frame; 120 without it
    #[arg(long, allow_negative_numbers = true)]
    tempo: Option<f64>,
    /// jit, vm, closures, wasm or eval
    #[arg(long, default_value = "jit")]
    backend: String,
    /// Arithmetic
    #[arg(long, default_value = "strict")]
    math: Math,
    /// Form of the output
    #[arg(long)]
    format: Option<Format>,
    /// Bits a sample of a wav file
    #[arg(long, default_value = "32f")]
    bits: output::Bits,
    /// Sound file that the program hears; also gives the length
    #[arg(long)]
    input: Option<PathBuf>,
    /// MIDI file that plays the program; also gives the length, plus 2 seconds
    #[arg(long)]
    midi: Option<PathBuf>,
    /// NAME=VALUE or NAME=VALUE@SECONDS: sets a control, in the program's units
    #[arg(long = "param", value_name = "NAME=VALUE[@SECONDS]")]
    params: Vec<String>,
    /// FRAME:FILE: another program takes over exactly before a frame
    #[arg(long = "swap", value_name = "FRAME:FILE")]
    swaps: Vec<String>,
    /// Milliseconds over which the jump of a swap is hidden; 0 is off
    #[arg(long, default_value_t = 0.0, value_name = "MS", allow_negative_numbers = true)]
    declick: f64,
    /// Guard the output as the plugin does
    #[arg(long)]
    guard: bool,
    /// Compare with this wav, csv or json file; status 1 at the first difference
    #[arg(long, value_name = "GOLDEN")]
    expect: Option<PathBuf>,
    /// Largest difference from the golden that passes
    #[arg(long, default_value_t = 0.0, value_name = "X", allow_negative_numbers = true)]
    tolerance: f64,
    /// Compile time, realtime factor, worst callback and the plan of each swap, to standard error
    #[arg(long)]
    stats: bool,
    /// Folder searched for modules
    #[arg(long = "lib", value_name = "DIR")]
    libs: Vec<PathBuf>,
    /// Number literals as written, or rounded as mimium rounds them
    #[arg(long, default_value = "exact")]
    literals: Literals,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Literals {
    Exact,
    Mimium,
}

pub(crate) fn run(args: &Args) -> Outcome {
    available(args)?;
    if args.replay {
        return replay::run(args);
    }
    let eval = args.backend == "eval";
    let target = if eval { Target::Vm } else { program::target(&args.backend)? };
    let (program, compiled) = program::compile(&args.file, &options(args, target), &args.libs)?;
    let format = format(args)?;
    if format == Format::Wav && program.layout().outputs == 0 {
        return Err(Failure::Rejected(format!(
            "{} has no outputs: nothing to write as wav",
            args.file.display()
        )));
    }
    let plan = score::Plan::read(args, format, &program, target)?;
    let rendered = if eval {
        oracle(args, &compiled, &plan)?
    } else {
        let mut renderer = Renderer::new(&program, settings(args));
        renderer.run_watched(&plan.score, progress(plan.score.frames))
    };
    report(args, &compiled.time, &plan, &rendered);
    match &args.expect {
        Some(golden) => {
            golden::compare(golden, &rendered.channels, args.tolerance)?;
            if args.out.is_some() {
                write(args, format, plan.score.frames, &rendered)?;
            }
        }
        None => write(args, format, plan.score.frames, &rendered)?,
    }
    match &rendered.fault {
        Some(fault) => Err(Failure::Rejected(format!(
            "{}:{}: the program was stopped at frame {}: {}",
            args.file.display(),
            fault.line,
            fault.frame,
            fault.message
        ))),
        None => Ok(()),
    }
}

/// Status 2 for options whose part is still to come.
fn available(args: &Args) -> Outcome {
    args.math.available()?;
    if let Some(tempo) = args.tempo.filter(|tempo| !(tempo.is_finite() && *tempo > 0.0)) {
        return Err(Failure::Usage(format!("--tempo {tempo}: not a tempo")));
    }
    let wrong = [("--tolerance", args.tolerance), ("--declick", args.declick)];
    if let Some((name, value)) = wrong.iter().find(|(_, x)| !(x.is_finite() && *x >= 0.0)) {
        return Err(Failure::Usage(format!("{name} {value}: not a number from 0 on")));
    }
    if !(args.sample_rate.is_finite() && args.sample_rate >= 1.0 && args.sample_rate <= 1e6) {
        let message = format!("--sample-rate {}: not a sample rate", args.sample_rate);
        return Err(Failure::Usage(message));
    }
    Ok(())
}

/// How the programs of this render are compiled.
fn options(args: &Args, target: Target) -> Options {
    let literals = match args.literals {
        Literals::Exact => pipeline::Literals::Exact,
        Literals::Mimium => pipeline::Literals::Mimium,
    };
    Options { literals, ..program::options(target, args.sample_rate) }
}

fn settings(args: &Args) -> RenderSettings {
    RenderSettings {
        block: args.block_size as usize,
        declick: args.declick / 1000.0,
        guard: if args.guard { OutputGuard::On } else { OutputGuard::Off },
        ..RenderSettings::default()
    }
}

/// The format asked for, else the one the output's name says, else wav.
fn format(args: &Args) -> Result<Format, Failure> {
    if let Some(format) = args.format {
        return Ok(format);
    }
    let extension = args.out.as_deref().filter(|p| *p != Path::new("-")).and_then(Path::extension);
    let extension = extension.map(|e| e.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        None | Some("wav") => Ok(Format::Wav),
        Some("csv") => Ok(Format::Csv),
        Some("json") => Ok(Format::Json),
        Some(other) => {
            Err(Failure::Usage(format!("`.{other}`: unknown format; use wav, csv or json")))
        }
    }
}

/// Renders by the plain evaluator, the reference for all backends.
fn oracle(
    args: &Args,
    compiled: &attacca_engine::pipeline::Compiled,
    plan: &score::Plan,
) -> Result<Rendered, Failure> {
    if !args.swaps.is_empty() || args.guard {
        return crate::not_built("`--swap` and `--guard` with `--backend eval`")
            .map(|()| Rendered::default());
    }
    attacca_engine::render::oracle(compiled, &plan.score).map_err(Failure::Rejected)
}

fn write(args: &Args, format: Format, frames: u64, rendered: &Rendered) -> Outcome {
    let default = || match format {
        Format::Wav => args
            .file
            .with_extension("wav")
            .file_name()
            .map_or_else(|| "out.wav".into(), PathBuf::from),
        Format::Csv | Format::Json => PathBuf::from("-"),
    };
    let path = args.out.clone().unwrap_or_else(default);
    let sound = output::Sound { rate: args.sample_rate, frames, channels: &rendered.channels };
    let bytes = output::encode(format, args.bits, &sound)?;
    output::save(&path, &bytes)
}

/// A progress bar on a terminal for what takes longer than a second.
fn progress(frames: u64) -> impl FnMut(u64) {
    let bar = indicatif::ProgressBar::with_draw_target(
        Some(frames),
        indicatif::ProgressDrawTarget::hidden(),
    );
    let start = std::time::Instant::now();
    move |done| {
        if bar.is_hidden() && start.elapsed() > Duration::from_secs(1) {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        bar.set_position(done);
        if done >= frames {
            bar.finish_and_clear();
        }
    }
}

fn report(args: &Args, compile: &Duration, plan: &score::Plan, rendered: &Rendered) {
    let printed = &rendered.printed;
    eprint!("{printed}{}", if printed.is_empty() || printed.ends_with('\n') { "" } else { "\n" });
    for report in &rendered.reports {
        eprintln!("note: {report}");
    }
    if !args.stats {
        return;
    }
    let seconds = plan.score.frames as f64 / args.sample_rate;
    eprintln!("compile          {:.3} ms", compile.as_secs_f64() * 1e3);
    eprintln!("realtime factor  {:.1}", seconds / rendered.total.as_secs_f64().max(1e-9));
    eprintln!(
        "worst callback   {:.1} us of {} frames",
        rendered.worst.as_secs_f64() * 1e6,
        args.block_size
    );
    for swap in &rendered.swaps {
        let p = &swap.plan;
        eprintln!(
            "swap at {}: {:.1} us; {} kept, {} fresh, {} dropped; {} words copied, {} lines exchanged",
            swap.frame, swap.micros, p.kept, p.fresh, p.dropped, swap.words, swap.lines
        );
        p.text.lines().for_each(|line| eprintln!("  {line}"));
    }
}

/// A program for `--swap`, compiled like the first one.
fn compile_swap(args: &Args, path: &Path, target: Target) -> Result<Arc<Program>, Failure> {
    program::compile(path, &options(args, target), &args.libs).map(|(program, _)| program)
}
