//! Writing samples: wav, csv, json.

use crate::{Failure, Outcome};
use clap::ValueEnum;
use std::io::{Cursor, Write as _};
use std::path::Path;

/// Forms of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// RIFF sound file.
    Wav,
    /// One line a frame, channels separated by commas, no header.
    Csv,
    /// `{"rate","channels","frames":[[..]]}`.
    Json,
}

/// Sample formats of a wav file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Bits {
    /// 16-bit integers; clip.
    #[value(name = "16")]
    Int16,
    /// 24-bit integers; clip.
    #[value(name = "24")]
    Int24,
    /// 32-bit floats.
    #[value(name = "32f")]
    Float32,
}

/// What is written.
pub(super) struct Sound<'a> {
    /// Frames a second.
    pub(super) rate: f64,
    /// Length, also of a sound without channels.
    pub(super) frames: u64,
    /// Planar samples.
    pub(super) channels: &'a [Vec<f64>],
}

impl Sound<'_> {
    fn frames(&self) -> impl Iterator<Item = Vec<f64>> {
        (0..self.frames as usize).map(|n| self.channels.iter().map(|c| c[n]).collect())
    }
}

/// The bytes of a file.
pub(super) fn encode(format: Format, bits: Bits, sound: &Sound<'_>) -> Result<Vec<u8>, Failure> {
    match format {
        Format::Wav => wav(bits, sound),
        Format::Csv => Ok(csv(sound).into_bytes()),
        Format::Json => Ok(json(sound).into_bytes()),
    }
}

/// Writes to a file, or to standard output for `-`.
pub(super) fn save(path: &Path, bytes: &[u8]) -> Outcome {
    let written = if path == Path::new("-") {
        std::io::stdout().write_all(bytes)
    } else {
        std::fs::write(path, bytes)
    };
    match written {
        // Whoever read our output has seen enough.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::Usage(format!("cannot write {}: {e}", path.display()))),
        Ok(()) => Ok(()),
    }
}

fn csv(sound: &Sound<'_>) -> String {
    let mut text = String::new();
    for frame in sound.frames() {
        let cells: Vec<String> = frame.iter().map(|x| format!("{x:?}")).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn json(sound: &Sound<'_>) -> String {
    let (rate, channels) = (sound.rate, sound.channels.len());
    let mut text = format!("{{\"rate\":{rate},\"channels\":{channels},\"frames\":[");
    // JSON has no NaN and no infinity: they are written as strings.
    let number = |x: &f64| match x {
        x if x.is_nan() => "\"nan\"".to_owned(),
        x if x.is_infinite() => format!("\"{x}\""),
        x => format!("{x:?}"),
    };
    for (n, frame) in sound.frames().enumerate() {
        let cells: Vec<String> = frame.iter().map(number).collect();
        let comma = if n == 0 { "" } else { "," };
        text.push_str(&format!("{comma}[{}]", cells.join(",")));
    }
    text.push_str("]}\n");
    text
}

fn wav(bits: Bits, sound: &Sound<'_>) -> Result<Vec<u8>, Failure> {
    if sound.rate.fract() != 0.0 {
        let message =
            format!("a wav file can't hold a sample rate of {}; use a whole number", sound.rate);
        return Err(Failure::Usage(message));
    }
    let (bits_per_sample, sample_format) = match bits {
        Bits::Int16 => (16, hound::SampleFormat::Int),
        Bits::Int24 => (24, hound::SampleFormat::Int),
        Bits::Float32 => (32, hound::SampleFormat::Float),
    };
    let spec = hound::WavSpec {
        channels: sound.channels.len() as u16,
        sample_rate: sound.rate as u32,
        bits_per_sample,
        sample_format,
    };
    let failed = |e: hound::Error| Failure::Usage(format!("cannot write wav: {e}"));
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).map_err(failed)?;
    let mut clipped = 0_u64;
    for x in sound.frames().flatten() {
        match sample_format {
            hound::SampleFormat::Float => writer.write_sample(x as f32),
            hound::SampleFormat::Int => {
                let full = f64::from(1_u32 << (bits_per_sample - 1));
                let scaled = (x * full).round();
                let kept = scaled.clamp(-full, full - 1.0);
                clipped += u64::from(scaled != kept);
                writer.write_sample(if kept.is_nan() { 0 } else { kept as i32 })
            }
        }
        .map_err(failed)?;
    }
    writer.finalize().map_err(failed)?;
    if clipped > 0 {
        eprintln!(
            "warning: {clipped} samples were beyond full scale and are clipped; `--bits 32f` keeps them"
        );
    }
    Ok(bytes.into_inner())
}
