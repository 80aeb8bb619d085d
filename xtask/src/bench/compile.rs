//! From text to code: how long it takes, how it grows with the length, how much memory it needs.

use super::{quantile, workload};
use crate::peer::RATE;
use crate::program;
use crate::shell::root;
use crate::{Failure, Outcome};
use attacca_engine::Target;
use attacca_engine::pipeline;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Lengths of the growing programs, in lines.
const LENGTHS: [usize; 5] = [100, 1_000, 5_000, 10_000, 20_000];

/// Measures all of it.
pub(super) fn run() -> Result<Value, Failure> {
    let times = times()?;
    let growth = growth()?;
    Ok(json!({ "times": times, "growth": growth }))
}

fn program_of(name: &str) -> PathBuf {
    root().join("tests").join("bench").join("compile").join(name)
}

fn times() -> Result<Value, Failure> {
    println!("\ntext to code, ms");
    println!("{:28} {:>6} {:>8} {:>8}", "", "", "median", "99 %");
    let mut rows = Vec::new();
    for (name, file, rounds) in [
        ("100 lines", program_of("hundred.mmm"), 200),
        ("polysynth", workload("polysynth"), 200),
        ("closures", workload("closures"), 200),
        ("1,000 lines with imports", program_of("thousand.mmm"), 40),
        ("macros: mini-notation", program_of("mininotation.mmm"), 40),
    ] {
        for target in [Target::Jit, Target::Vm] {
            let mut times = Vec::new();
            for _ in 0..rounds {
                let compiled = program::compile_any(&file, &program::options(target, RATE), &[])?;
                if compiled.program.is_none() {
                    return Err(Failure::Rejected(program::human(&compiled)));
                }
                times.push(compiled.time.as_secs_f64() * 1e3);
            }
            times.sort_by(f64::total_cmp);
            let (median, high) = (quantile(&times, 0.5), quantile(&times, 0.99));
            println!("{name:28} {:>6} {median:8.2} {high:8.2}", target.name());
            rows.push(json!({ "program": name, "backend": target.name(), "median_ms": median, "p99_ms": high }));
        }
    }
    Ok(Value::Array(rows))
}

/// A program of about this many lines: instruments of ten lines, each used once.
fn long_program(lines: usize) -> String {
    let count = lines / 11;
    let mut text = String::from("fn phasor(freq) { (self + freq / samplerate) % 1.0 }\n");
    for n in 0..count {
        let next = if n == 0 { "0.0".to_owned() } else { format!("piece{}(x * 0.99)", n - 1) };
        text += &format!(
            "fn piece{n}(x) {{\n  let freq = {} + x\n  let phase = phasor(freq)\n  let left = if (phase < 0.5) phase else 1.0 - phase\n  \
             let level = self * 0.999 + left * 0.001\n  let tone = left * 2.0 - 1.0\n  let rest = {next}\n  \
             let gain = min(level, 0.5)\n  let out = tone * gain + rest * 0.5\n  out\n}}\n",
            100 + n % 900
        );
    }
    text + &format!("fn dsp() {{ piece{}(0.0) }}\n", count.saturating_sub(1))
}

/// How compile time grows with the length, and the most memory that this process had meanwhile.
fn growth() -> Result<Value, Failure> {
    println!("\nlonger programs, text to code, ms");
    let mut rows = Vec::new();
    for target in [Target::Jit, Target::Vm] {
        let mut points = Vec::new();
        for lines in LENGTHS {
            let text = long_program(lines);
            let options = program::options(target, RATE);
            let measured = reset_peak().is_ok();
            let rounds = if lines > 2_000 { 2 } else { 9 };
            let mut best = f64::INFINITY;
            for _ in 0..rounds {
                let compiled = pipeline::compile("long.mmm", &text, &options);
                if compiled.program.is_none() {
                    return Err(Failure::Rejected(program::human(&compiled)));
                }
                best = best.min(compiled.time.as_secs_f64() * 1e3);
            }
            let peak = memory("VmHWM").filter(|_| measured);
            let shown = peak.map_or(String::new(), |mb| format!("{mb:8.0} MB, the whole process"));
            println!("{lines:>9} lines {:>6} {best:10.1} {shown}", target.name());
            points.push(((lines as f64).ln(), best.ln()));
            rows.push(
                json!({ "lines": lines, "backend": target.name(), "ms": best, "peak_mb": peak }),
            );
        }
        let exponent = slope(points.get(1..).unwrap_or_default());
        println!(
            "{:>15} {:>6} {exponent:10.2}  (time grows like lines to this power, from 1,000 on)",
            "exponent",
            target.name()
        );
        rows.push(json!({ "backend": target.name(), "exponent": exponent }));
    }
    Ok(Value::Array(rows))
}

/// The slope of the line of least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, p| (sum.0 + p.0 / n, sum.1 + p.1 / n));
    let (over, under) = points
        .iter()
        .fold((0.0, 0.0), |sum, p| (sum.0 + (p.0 - x) * (p.1 - y), sum.1 + (p.0 - x).powi(2)));
    over / under
}

/// A figure of this process in megabytes, where the system tells.
fn memory(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Forgets the largest size so far.
fn reset_peak() -> Outcome {
    std::fs::write("/proc/self/clear_refs", "5").map_err(|e| Failure::Usage(e.to_string()))
}
