//! What a swap costs in the callback: plain blocks against blocks with a swap, in one run.

use super::quantile;
use crate::Failure;
use crate::peer::RATE;
use crate::program;
use crate::shell::root;
use attacca_engine::Target;
use attacca_engine::render::{RenderSettings, Renderer};
use serde_json::{Value, json};
use std::time::Instant;

/// Frames a block.
const BLOCK: usize = 64;

/// Swaps measured.
const SWAPS: usize = 400;

/// Plain blocks between two swaps.
const BETWEEN: usize = 50;

pub(super) fn run() -> Result<Value, Failure> {
    println!("\ncallback of {BLOCK} frames, microseconds");
    println!("{:28} {:>16} {:>16} {:>9}", "", "plain 50 / 99 %", "swap 50 / 99 %", "added");
    let dir = root().join("tests").join("bench");
    let mut rows = Vec::new();
    for name in ["long_delay", "workloads/polysynth", "workloads/fdn8"] {
        let file = dir.join(format!("{name}.mmm"));
        rows.push(one(name, &file)?);
    }
    Ok(Value::Array(rows))
}

fn one(name: &str, file: &std::path::Path) -> Result<Value, Failure> {
    let (program, _) = program::compile(file, &program::options(Target::Jit, RATE), &[])?;
    let mut renderer = Renderer::new(
        &program,
        RenderSettings { block: BLOCK, declick: 0.005, ..Default::default() },
    );
    let mut output = vec![vec![0.0; BLOCK]; program.layout().outputs as usize];
    let (mut plain, mut swapped) = (Vec::new(), Vec::new());
    for _ in 0..SWAPS {
        for _ in 0..BETWEEN {
            plain.push(block(&mut renderer, &mut output));
        }
        renderer.swap(&program);
        swapped.push(block(&mut renderer, &mut output));
        renderer.poll();
    }
    plain.sort_by(f64::total_cmp);
    swapped.sort_by(f64::total_cmp);
    let [p50, p99] = [0.5, 0.99].map(|q| quantile(&plain, q));
    let [s50, s99] = [0.5, 0.99].map(|q| quantile(&swapped, q));
    let short = name.rsplit('/').next().unwrap_or(name);
    println!("{short:28} {p50:8.2} {p99:7.2} {s50:8.2} {s99:7.2} {:9.2}", s50 - p50);
    Ok(json!({ "program": short, "plain_us": [p50, p99], "swap_us": [s50, s99] }))
}

/// Microseconds of one block.
fn block(renderer: &mut Renderer, output: &mut [Vec<f64>]) -> f64 {
    let mut outputs: Vec<&mut [f64]> = output.iter_mut().map(Vec::as_mut_slice).collect();
    let start = Instant::now();
    renderer.render(&[], &mut outputs, &[]);
    start.elapsed().as_secs_f64() * 1e6
}
