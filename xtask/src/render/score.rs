//! What is to be rendered: length, input, events, swaps, as the options say.

use super::output::Format;
use super::{Args, compile_swap, midi};
use crate::Failure;
use attacca_engine::render::Score;
use attacca_engine::slots::SlotTable;
use attacca_engine::{EventKind, Program, Target};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A score as read from the options.
pub(super) struct Plan {
    pub(super) score: Score,
}

/// A sound file in memory.
pub(super) struct Wav {
    pub(super) rate: u32,
    pub(super) channels: Vec<Vec<f64>>,
}

impl Plan {
    /// Reads every file the options name; status 2 for what is wrong with them.
    pub(super) fn read(
        args: &Args,
        format: Format,
        program: &Arc<Program>,
        target: Target,
    ) -> Result<Self, Failure> {
        let mut score = Score { tempo: args.tempo, ..Score::default() };
        let mut length = None;
        if let Some(path) = &args.input {
            let wav = read_wav(path)?;
            if f64::from(wav.rate) != args.sample_rate {
                let message = format!(
                    "{} is at {} Hz; add --sample-rate {}",
                    path.display(),
                    wav.rate,
                    wav.rate
                );
                return Err(Failure::Usage(message));
            }
            length = wav.channels.first().map(|c| c.len() as u64);
            score.inputs = wav.channels;
        }
        if let Some(path) = &args.midi {
            let (events, frames) = midi::read(path, args.sample_rate)?;
            score.events = events;
            length = length.max(Some(frames));
        }
        let width = program.layout().outputs.max(program.layout().inputs);
        score.frames = frames(args, format, length, u64::from(width))?;
        for swap in &args.swaps {
            let (frame, path) = parse_swap(swap)?;
            score.swaps.push((frame, compile_swap(args, &path, target)?));
        }
        score.swaps.sort_by_key(|(frame, _)| *frame);
        let programs: Vec<&Program> =
            std::iter::once(&**program).chain(score.swaps.iter().map(|(_, p)| &**p)).collect();
        let mut moved = params(args, &programs)?;
        // A control set for a frame is set before the notes of that frame.
        moved.append(&mut score.events);
        moved.sort_by_key(|(frame, _)| *frame);
        score.events = moved;
        Ok(Self { score })
    }
}

/// Longest rendering, in frames: about 12 hours at 48 kHz.
const MOST_FRAMES: u64 = 1 << 31;
/// Most samples of all channels together, 16 GiB: all of them are held in memory.
const MOST_SAMPLES: u64 = 1 << 31;

fn frames(args: &Args, format: Format, given: Option<u64>, width: u64) -> Result<u64, Failure> {
    let frames = asked_frames(args, format, given)?;
    let most = MOST_FRAMES.min(MOST_SAMPLES / width.max(1));
    if frames > most {
        let asked = match args.seconds {
            Some(seconds) if args.frames.is_none() => format!("{seconds:e} seconds"),
            Some(_) | None => format!("{frames} frames"),
        };
        return Err(Failure::Usage(format!(
            "{asked}: too long for memory; the most is {most} frames"
        )));
    }
    Ok(frames)
}

fn asked_frames(args: &Args, format: Format, given: Option<u64>) -> Result<u64, Failure> {
    if let Some(frames) = args.frames {
        return Ok(frames);
    }
    if let Some(seconds) = args.seconds {
        if !(seconds.is_finite() && seconds >= 0.0) {
            return Err(Failure::Usage(format!("--seconds {seconds}: not a length")));
        }
        return Ok((seconds * args.sample_rate).round() as u64);
    }
    Ok(given.unwrap_or(match format {
        Format::Csv | Format::Json => 10,
        Format::Wav => (5.0 * args.sample_rate).round() as u64,
    }))
}

fn parse_swap(text: &str) -> Result<(u64, PathBuf), Failure> {
    let parts = text
        .split_once(':')
        .and_then(|(frame, path)| Some((frame.parse().ok()?, PathBuf::from(path))));
    parts.ok_or_else(|| Failure::Usage(format!("--swap {text}: write FRAME:FILE")))
}

/// `--param` as events; a name that no program of the score has is status 2.
fn params(args: &Args, programs: &[&Program]) -> Result<Vec<(u64, EventKind)>, Failure> {
    let mut slots = SlotTable::default();
    let mut known: Vec<(String, u16)> = Vec::new();
    for program in programs {
        for control in slots.bind(&program.layout().cells).controls {
            known.push((control.name, control.slot));
        }
    }
    args.params.iter().map(|param| one_param(param, args.sample_rate, &known)).collect()
}

fn one_param(param: &str, rate: f64, known: &[(String, u16)]) -> Result<(u64, EventKind), Failure> {
    let usage =
        || Failure::Usage(format!("--param {param}: write NAME=VALUE or NAME=VALUE@SECONDS"));
    let (name, rest) = param.rsplit_once('=').ok_or_else(usage)?;
    let (value, seconds) = rest.split_once('@').unwrap_or((rest, "0"));
    let value: f64 = value.parse().map_err(|_| usage())?;
    let seconds: f64 = seconds.parse().map_err(|_| usage())?;
    if value.is_nan() || !(seconds.is_finite() && seconds >= 0.0) {
        return Err(usage());
    }
    let Some((_, slot)) = known.iter().find(|(n, _)| n == name) else {
        let mut names: Vec<&str> = known.iter().map(|(n, _)| n.as_str()).collect();
        names.dedup();
        let there = if names.is_empty() {
            "the program has none".to_owned()
        } else {
            format!("there are: {}", names.join(", "))
        };
        return Err(Failure::Usage(format!("no control is called `{name}`; {there}")));
    };
    Ok(((seconds * rate).round() as u64, EventKind::Control { slot: *slot, value }))
}

/// A wav file of any bit depth, full scale ±1.
pub(super) fn read_wav(path: &Path) -> Result<Wav, Failure> {
    let bad = |e: hound::Error| Failure::Usage(format!("{}: {e}", path.display()));
    let mut reader = hound::WavReader::open(path).map_err(bad)?;
    let spec = reader.spec();
    let samples: Result<Vec<f64>, hound::Error> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().map(|x| x.map(f64::from)).collect(),
        hound::SampleFormat::Int => {
            let full = 2.0_f64.powi(i32::from(spec.bits_per_sample) - 1);
            reader.samples::<i32>().map(|x| x.map(|x| f64::from(x) / full)).collect()
        }
    };
    let samples = samples.map_err(bad)?;
    let width = usize::from(spec.channels.max(1));
    let channels =
        (0..width).map(|c| samples.iter().skip(c).step_by(width).copied().collect()).collect();
    Ok(Wav { rate: spec.sample_rate, channels })
}
