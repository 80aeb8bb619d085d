//! `--expect`: comparing what was rendered with a file.

use crate::{Failure, Outcome};
use std::path::Path;

/// Status 1, naming the first frame and channel that differ, both values and the peak difference, or
/// else the numbers of channels or frames that differ.
pub(super) fn compare(path: &Path, got: &[Vec<f64>], tolerance: f64) -> Outcome {
    let want = read(path)?;
    let counts = counts(&want, got);
    let lengths = (want.first().map_or(0, Vec::len), got.first().map_or(0, Vec::len));
    let exact_f32 = kind(path) == "wav";
    let mut first = None;
    let mut peak = 0.0_f64;
    for frame in 0..lengths.0.min(lengths.1) {
        for (channel, (w, g)) in want.iter().zip(got).enumerate() {
            // A wav golden holds 32-bit floats.
            let (w, g) = (w[frame], if exact_f32 { f64::from(g[frame] as f32) } else { g[frame] });
            let same = w.to_bits() == g.to_bits() || (w.is_nan() && g.is_nan());
            let difference = if same { 0.0 } else { (w - g).abs() };
            if !(same || difference <= tolerance) && first.is_none() {
                first = Some((frame, channel, w, g));
            }
            peak = peak.max(if difference.is_nan() { f64::INFINITY } else { difference });
        }
    }
    let first = first.map(|(frame, channel, w, g)| {
        format!(
            "frame {frame}, channel {channel}: expected {w:?}, got {g:?}; peak difference {peak:e}"
        )
    });
    let said: Vec<String> = first.into_iter().chain(counts).collect();
    if said.is_empty() {
        return Ok(());
    }
    Err(Failure::Rejected(format!("{}: {}", path.display(), said.join("; "))))
}

/// The numbers of channels and frames that differ. A csv file of empty lines has no channels.
fn counts(want: &[Vec<f64>], got: &[Vec<f64>]) -> Vec<String> {
    let mut said = Vec::new();
    if want.len() != got.len() {
        said.push(format!("has {} channels, the program gives {}", want.len(), got.len()));
    }
    if let (Some(want), Some(got)) = (want.first(), got.first())
        && want.len() != got.len()
    {
        said.push(format!("has {} frames, {} were rendered", want.len(), got.len()));
    }
    said
}

/// The extension of a file's name in lower case.
fn kind(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn read(path: &Path) -> Result<Vec<Vec<f64>>, Failure> {
    let bad = |what: String| Failure::Usage(format!("{}: {what}", path.display()));
    match kind(path).as_str() {
        "wav" => Ok(super::score::read_wav(path)?.channels),
        "csv" => {
            let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
            let row = |line: &str| {
                if line.is_empty() {
                    return Ok(Vec::new());
                }
                line.split(',').map(|x| x.trim().parse()).collect::<Result<Vec<f64>, _>>()
            };
            let rows: Result<Vec<_>, _> = text.lines().map(row).collect();
            planar(rows.map_err(|e| bad(e.to_string()))?)
                .ok_or_else(|| bad("rows of different length".into()))
        }
        "json" => {
            let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
            let json: serde_json::Value =
                serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?;
            let rows = json["frames"].as_array().ok_or_else(|| bad("no \"frames\"".into()))?;
            let number = |x: &serde_json::Value| match x.as_str() {
                Some(text) => text.parse().unwrap_or(f64::NAN),
                None => x.as_f64().unwrap_or(f64::NAN),
            };
            let rows = rows
                .iter()
                .map(|r| r.as_array().map(|r| r.iter().map(number).collect()).unwrap_or_default());
            planar(rows.collect()).ok_or_else(|| bad("rows of different length".into()))
        }
        _ => Err(bad("a golden is a .wav, .csv or .json file".into())),
    }
}

fn planar(rows: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    let width = rows.first().map_or(0, Vec::len);
    let same = rows.iter().all(|r| r.len() == width);
    same.then(|| (0..width).map(|c| rows.iter().map(|r| r[c]).collect()).collect())
}
