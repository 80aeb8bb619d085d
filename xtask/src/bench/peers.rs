//! `bench --peers`: the kit of `tests/bench`, with our backends in its rounds.

use super::{WORKLOADS, geometric_mean};
use crate::Failure;
use crate::shell::{self, root, target_dir};
use serde_json::{Value, json};
use std::process::Command;

pub(super) fn run(rounds: u32) -> Result<Value, Failure> {
    let exe = std::env::current_exe().map_err(|e| Failure::Usage(format!("own path: {e}")))?;
    let out = target_dir().join("peers.json");
    let mut command = Command::new("python3");
    command.arg(root().join("tests").join("bench").join("run_peers.py"));
    command.args(["--rounds", &rounds.to_string()]);
    command.arg("--work").arg(target_dir().join("peers")).arg("--out").arg(&out);
    for backend in ["jit", "vm"] {
        command.arg("--extra").arg(format!(
            "attacca-{backend}={} bench --as-peer {{mode}} --file {{file}} --block {{block}} --seconds {{seconds}} --reps {{reps}} --backend {backend}",
            exe.display()
        ));
    }
    shell::run(&mut command, "run_peers.py")?;
    let failed = |what: String| Failure::Usage(format!("{}: {what}", out.display()));
    let text = std::fs::read_to_string(&out).map_err(|e| failed(e.to_string()))?;
    let results: Value = serde_json::from_str(&text).map_err(|e| failed(e.to_string()))?;
    print_ratios(&results);
    Ok(results)
}

/// Normalised ns a frame of a peer on a workload, blocks of 512.
fn cell(results: &Value, workload: &str, peer: &str, field: &str) -> Option<f64> {
    let rows = results["results"].as_array()?;
    let row = rows
        .iter()
        .find(|r| r["workload"] == workload && r["peer"] == peer && r["block"] == json!(512))?;
    row[field].as_f64()
}

fn print_ratios(results: &Value) {
    let best_faust = |w: &str| {
        let peers =
            ["faust254-g++", "faust-g++", "faust-clang", "faust-mvec", "faust-mvec-v", "faust-jit"];
        peers.iter().filter_map(|p| cell(results, w, p, "norm")).fold(f64::NAN, f64::min)
    };
    println!("\nattacca-jit, ratio of ns a frame (below 1 is faster), blocks of 512");
    let titles = ["jit ns", "/faust 2.54", "/best faust", "mimium/jit", "vm/jit", "difference"];
    println!("{:12} {}", "", titles.map(|t| format!("{t:>12}")).join(""));
    let mut ratios = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for w in WORKLOADS {
        let Some(jit) = cell(results, w, "attacca-jit", "norm") else { continue };
        let faust = cell(results, w, "faust254-g++", "norm").unwrap_or(f64::NAN);
        // mimium's WASM backend computes wrong samples for polysynth; it is left out of its mean.
        let mimium = if *w == "polysynth" { None } else { cell(results, w, "mimium-wasm", "norm") };
        let vm = cell(results, w, "attacca-vm", "norm").unwrap_or(f64::NAN);
        let row = [jit / faust, jit / best_faust(w), mimium.unwrap_or(f64::NAN) / jit, vm / jit];
        let difference = cell(results, w, "attacca-jit", "max_diff").unwrap_or(f64::NAN);
        println!(
            "{w:12} {jit:12.2}{}{difference:12.1e}",
            row.map(|x| format!("{x:12.2}")).join("")
        );
        for (list, value) in ratios.iter_mut().zip(row) {
            if value.is_finite() {
                list.push(value);
            }
        }
    }
    println!(
        "{:12} {:12}{}",
        "geometric",
        "mean",
        ratios.map(|r| format!("{:12.2}", geometric_mean(&r))).join("")
    );
}
