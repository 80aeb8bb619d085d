//! `bench`: throughput, compile time, swaps; side by side with the peers where asked.
//!
//! Runs itself again in release, so that what is measured is what is shipped.

mod compile;
mod peers;
mod swap;

use crate::peer::{self, RATE};
use crate::program;
use crate::shell::{self, root};
use crate::{Failure, Outcome};
use attacca_engine::Target;
use attacca_engine::render::{RenderSettings, Renderer, Score};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// The workloads, in the order of their tables.
pub(crate) const WORKLOADS: &[&str] = &[
    "sine",
    "additive32",
    "fm2",
    "waveshaper",
    "biquad8",
    "svf_sweep",
    "moog",
    "compressor",
    "karplus",
    "moddelay",
    "fdn8",
    "polysynth",
    "closures",
];

/// Set in the process that measures.
const INNER: &str = "ATTACCA_BENCH_RELEASE";

/// Nanoseconds of a calibration step at 3.7 GHz, to which figures are scaled.
pub(crate) const CALIBRATION: f64 = 1.6216;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Also measure the peers of tests/bench, in the same interleaved rounds (about 10 minutes)
    #[arg(long)]
    peers: bool,
    /// Rounds of the peers
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Write the figures to this file
    #[arg(long, value_name = "F")]
    json: Option<PathBuf>,
    /// Only what swaps cost in the callback: every example, large states, and 64 instances at once (about 3 minutes)
    #[arg(long)]
    swap: bool,
    /// Speak the protocol of tests/bench/README.md for one workload
    #[arg(long, value_name = "MODE")]
    as_peer: Option<peer::Mode>,
    #[command(flatten)]
    peer: peer::Args,
}

pub(crate) fn run(args: &Args) -> Outcome {
    if let Some(mode) = args.as_peer {
        return peer::run(mode, &args.peer);
    }
    if std::env::var_os(INNER).is_none() {
        return again_in_release();
    }
    let mut figures = serde_json::Map::new();
    if args.peers {
        figures.insert("peers".into(), peers::run(args.rounds)?);
    } else if !args.swap {
        figures.insert("throughput".into(), throughput()?);
    }
    if !args.swap {
        figures.insert("compile".into(), compile::run()?);
    }
    figures.insert("swap".into(), swap::run(args.swap)?);
    if !args.swap {
        figures.insert("render".into(), render_speed()?);
    }
    if let Some(path) = &args.json {
        let text = format!("{:#}\n", Value::Object(figures));
        std::fs::write(path, text)
            .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
    }
    Ok(())
}

/// Builds xtask in release and runs the same command there.
fn again_in_release() -> Outcome {
    shell::cargo(&["build", "--quiet", "--release", "--package", "xtask"])?;
    let exe =
        shell::target_dir().join("release").join(format!("xtask{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(exe);
    command.args(std::env::args_os().skip(1)).env(INNER, "1");
    shell::run(&mut command, "xtask bench (release)")
}

/// The program file of a workload.
pub(crate) fn workload(name: &str) -> PathBuf {
    root().join("tests").join("bench").join("workloads").join(format!("{name}.mmm"))
}

fn throughput() -> Result<Value, Failure> {
    println!("ns a frame, blocks of 512, best of 5, scaled to 3.7 GHz");
    println!("{:12} {:>9} {:>9} {:>8} {:>11}", "", "jit", "vm", "vm/jit", "x realtime");
    let mut rows = Vec::new();
    let mut ratios = Vec::new();
    for name in WORKLOADS {
        let mut best = [0.0; 2];
        for (ns, target) in best.iter_mut().zip([Target::Jit, Target::Vm]) {
            let (program, _) =
                program::compile(&workload(name), &program::options(target, RATE), &[])?;
            let timed = peer::time(&program, 512, 0.1, 5);
            *ns = timed
                .iter()
                .map(|(ns, calib)| ns * CALIBRATION / calib)
                .fold(f64::INFINITY, f64::min);
        }
        let [jit, vm] = best;
        println!("{name:12} {jit:9.2} {vm:9.2} {:8.2} {:11.0}", vm / jit, 1e9 / RATE / jit);
        ratios.push(vm / jit);
        rows.push(json!({ "workload": name, "jit": jit, "vm": vm }));
    }
    println!("{:12} {:>9} {:>9} {:8.2}", "geometric", "", "mean", geometric_mean(&ratios));
    Ok(Value::Array(rows))
}

/// The geometric mean; NaN of nothing.
pub(crate) fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|x| x.ln()).sum::<f64>() / values.len() as f64).exp()
}

/// The value below which `part` of the sorted values lie.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let index = ((sorted.len() - 1) as f64 * part).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// A 60-second stereo FM patch, rendered whole.
fn render_speed() -> Result<Value, Failure> {
    let file = root().join("tests").join("bench").join("fm_stereo.mmm");
    let (program, _) = program::compile(&file, &program::options(Target::Jit, RATE), &[])?;
    let score = Score { frames: (60.0 * RATE) as u64, ..Score::default() };
    let start = Instant::now();
    let rendered = Renderer::new(&program, RenderSettings::default()).run(&score);
    let factor = 60.0 / start.elapsed().as_secs_f64();
    let peak = rendered.channels.iter().flatten().fold(0.0_f64, |p, x| p.max(x.abs()));
    println!("\nrender of 60 s of a stereo FM patch: {factor:.0} times real time (peak {peak:.2})");
    Ok(json!({ "realtime": factor }))
}
