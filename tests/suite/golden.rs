//! Golden programs: a program file whose first line says what it must compute.
//!
//! ```text
//! // @test {"times":4,"expected":[0.0, 1.0, 2.0, 3.0]}
//! ```
//!
//! `times` is the number of frames, `expected` the samples, channels interleaved. Optional:
//! `tolerance` (absolute, for `expected` only; backends always agree bit for bit), `rate` in hertz,
//! `input` (planar), `notes` (`[frame, channel, key, velocity]`, velocity 0 is a note-off), `params`
//! (`[frame, name, value]` in the program's units), `cc` (`[frame, channel, number, value 0..127]`),
//! `bend` (`[frame, channel, value -1..1]`), `transport` (`[frame, tempo, playing, beat, bar, first beat
//! of the bar, quarters a bar, position]`), `tempo`, `printed` (what is printed, as one text), `probes`
//! (values by name), `stopped` (the frame at which a fault stops the program), `reports` (what is told
//! while sound runs).

use attacca_engine::pipeline::{self, Compiled, Options};
use attacca_engine::render::{RenderSettings, Rendered, Renderer, Score};
use attacca_engine::slots::SlotTable;
use attacca_engine::{EventKind, Files, Hz, Target, Transport};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Block sizes that every program is run at.
pub const BLOCKS: [usize; 4] = [1, 7, 64, 512];

/// The workspace's `tests` folder.
pub fn tests_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Finds the files that programs use beside them, whatever the environment says.
pub fn files() -> Files {
    Files::library().in_folder("")
}

/// Every program below a folder of `tests`, sorted; what stands in folders named `lib` is used by them.
pub fn programs(dir: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&tests_dir().join(dir), &mut found);
    found.sort();
    found
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()) {
        if path.ends_with("lib") {
            // Files that programs of this folder use.
        } else if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "mmm") {
            found.push(path);
        }
    }
}

/// One golden program as read from its file.
#[derive(Clone)]
pub struct Golden {
    /// Its file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    header: Value,
}

impl Golden {
    /// Reads a program; an error says what is wrong with its header.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("// @test "))
            .ok_or("no `// @test` line")?;
        let header: Value = serde_json::from_str(line).map_err(|e| format!("header: {e}"))?;
        let golden = Self { path: path.to_path_buf(), text, header };
        let known = [
            "times",
            "expected",
            "tolerance",
            "rate",
            "input",
            "notes",
            "params",
            "stereo",
            "cc",
            "bend",
            "transport",
            "tempo",
            "printed",
            "probes",
            "stopped",
            "reports",
        ];
        for key in golden.header.as_object().ok_or("the header is no object")?.keys() {
            if !known.contains(&key.as_str()) {
                return Err(format!("header: unknown key `{key}`"));
            }
        }
        if golden.frames() == 0 || golden.expected().is_empty() {
            return Err("header: `times` and `expected` are needed".into());
        }
        Ok(golden)
    }

    /// Frames to render.
    pub fn frames(&self) -> u64 {
        self.header["times"].as_u64().unwrap_or(0)
    }

    /// Expected samples, interleaved. `"nan"`, `"inf"` and `"-inf"` stand for what JSON cannot write.
    pub fn expected(&self) -> Vec<f64> {
        self.header["expected"].as_array().into_iter().flatten().map(number).collect()
    }

    fn rate(&self) -> f64 {
        self.header["rate"].as_f64().unwrap_or(48_000.0)
    }

    /// Compiles for a backend.
    pub fn compile(&self, target: Target) -> Result<Compiled, String> {
        let options = Options { target, rate: Hz(self.rate()), ..Options::default() };
        let compiled = pipeline::compile_with(
            &self.path.display().to_string(),
            &self.text,
            &options,
            &files(),
        );
        match compiled.program {
            Some(_) => Ok(compiled),
            None => Err(compiled.diagnostics.render(&compiled.sources)),
        }
    }

    /// What to render: length, inputs and events of the header.
    pub fn score(&self, compiled: &Compiled) -> Score {
        let channels = self.header["input"].as_array().into_iter().flatten();
        let inputs =
            channels.map(|c| c.as_array().into_iter().flatten().map(number).collect()).collect();
        let mut events = Vec::new();
        let mut slots = SlotTable::default();
        let controls = compiled
            .program
            .as_ref()
            .map(|p| slots.bind(&p.layout().cells).controls)
            .unwrap_or_default();
        for param in self.header["params"].as_array().into_iter().flatten() {
            let control = controls.iter().find(|c| Some(c.name.as_str()) == param[1].as_str());
            let slot = control.map_or(u16::MAX, |c| c.slot);
            events.push((
                param[0].as_u64().unwrap_or(0),
                EventKind::Control { slot, value: number(&param[2]) },
            ));
        }
        for note in self.header["notes"].as_array().into_iter().flatten() {
            let byte = |i: usize| note[i].as_u64().unwrap_or(0) as u8;
            let (channel, key, velocity) = (byte(1), byte(2), number(&note[3]));
            let kind = if velocity > 0.0 {
                EventKind::NoteOn { channel, note: key, velocity, id: -1 }
            } else {
                EventKind::NoteOff { channel, note: key, velocity: 0.0, id: -1 }
            };
            events.push((note[0].as_u64().unwrap_or(0), kind));
        }
        let byte = |value: &Value| value.as_u64().unwrap_or(0) as u8;
        for cc in self.header["cc"].as_array().into_iter().flatten() {
            let (channel, controller, value) = (byte(&cc[1]), byte(&cc[2]), number(&cc[3]));
            let kind = EventKind::Cc { channel, controller, value };
            events.push((cc[0].as_u64().unwrap_or(0), kind));
        }
        for bend in self.header["bend"].as_array().into_iter().flatten() {
            let kind = EventKind::Bend { channel: byte(&bend[1]), value: number(&bend[2]) };
            events.push((bend[0].as_u64().unwrap_or(0), kind));
        }
        for row in self.header["transport"].as_array().into_iter().flatten() {
            events.push((row[0].as_u64().unwrap_or(0), transport(row)));
        }
        events.sort_by_key(|(frame, _)| *frame);
        let tempo = self.header["tempo"].as_f64();
        Score {
            frames: self.frames(),
            inputs,
            events,
            tempo,
            probes: self.header["probes"].is_object(),
            ..Score::default()
        }
    }

    /// Checks what one backend printed, told and showed on probes, and that it played to the end, against the
    /// header.
    pub fn compare_told(&self, got: &Rendered) -> Result<(), String> {
        let stopped = got.fault.as_ref().map(|fault| fault.frame);
        if stopped != self.header["stopped"].as_u64() {
            return Err(match &got.fault {
                Some(fault) => format!("stopped at frame {}: {}", fault.frame, fault.message),
                None => "the program is to be stopped, and was not".into(),
            });
        }
        let reports = self.header["reports"].as_array().into_iter().flatten();
        let reports: Vec<_> = reports.filter_map(Value::as_str).collect();
        if reports != got.reports {
            return Err(format!("{reports:?} is to be told, not {:?}", got.reports));
        }
        if let Some(printed) = self.header["printed"].as_str()
            && printed != got.printed
        {
            return Err(format!("{printed:?} is to be printed, not {:?}", got.printed));
        }
        let Some(probes) = self.header["probes"].as_object() else { return Ok(()) };
        for (name, want) in probes {
            let want: Vec<f64> = want.as_array().into_iter().flatten().map(number).collect();
            let shown = got.probes.iter().find(|probe| probe.name == *name);
            let shown = shown.map(|probe| &probe.values[..]).unwrap_or_default();
            if shown != want {
                return Err(format!("probe `{name}` is to show {want:?}, not {shown:?}"));
            }
        }
        if probes.len() != got.probes.len() {
            let names: Vec<_> = got.probes.iter().map(|probe| &probe.name).collect();
            return Err(format!("{} probes are expected, there are {names:?}", probes.len()));
        }
        Ok(())
    }

    /// Checks one backend's samples against the header.
    pub fn compare_expected(&self, got: &[Vec<f64>]) -> Result<(), String> {
        let want = self.expected();
        let tolerance = self.header["tolerance"].as_f64().unwrap_or(0.0);
        let frames = self.frames() as usize;
        if want.len() != frames * got.len() {
            return Err(format!(
                "{} samples are expected, {} channels x {frames} come out",
                want.len(),
                got.len()
            ));
        }
        for (index, want) in want.iter().enumerate() {
            let (frame, channel) = (index / got.len(), index % got.len());
            let got = got[channel][frame];
            let same =
                got == *want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= tolerance;
            if !same {
                return Err(format!(
                    "frame {frame}, channel {channel}: expected {want:?}, got {got:?}"
                ));
            }
        }
        Ok(())
    }
}

fn transport(row: &Value) -> EventKind {
    EventKind::Transport(Transport {
        tempo: number(&row[1]),
        playing: number(&row[2]) > 0.0,
        beat: number(&row[3]),
        bar: number(&row[4]),
        bar_start: number(&row[5]),
        numerator: number(&row[6]),
        denominator: 4.0,
        position: number(&row[7]),
    })
}

/// A number of a header.
pub(crate) fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("nan") => f64::NAN,
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some(_) | None => value.as_f64().unwrap_or(f64::NAN),
    }
}

/// Renders at one block size.
pub fn render(compiled: &Compiled, score: &Score, block: usize) -> Result<Vec<Vec<f64>>, String> {
    play(compiled, score, block).map(|rendered| rendered.channels)
}

/// Renders at one block size, on after a fault; what is told comes with the samples.
pub fn run(compiled: &Compiled, score: &Score, block: usize) -> Result<Rendered, String> {
    let program = compiled.program.as_ref().ok_or("rejected")?;
    let mut renderer =
        Renderer::new(program, RenderSettings { block, ..RenderSettings::default() });
    Ok(renderer.run(score))
}

/// Renders at one block size to the end; what is told comes with the samples.
pub fn play(compiled: &Compiled, score: &Score, block: usize) -> Result<Rendered, String> {
    let rendered = run(compiled, score, block)?;
    match rendered.fault {
        Some(fault) => Err(format!("stopped at frame {}: {}", fault.frame, fault.message)),
        None => Ok(rendered),
    }
}

/// The first place where two renderings differ in a bit (all NaNs are one value).
pub fn difference(want: &[Vec<f64>], got: &[Vec<f64>]) -> Option<String> {
    if want.len() != got.len() {
        return Some(format!("{} channels against {}", want.len(), got.len()));
    }
    for (channel, (want, got)) in want.iter().zip(got).enumerate() {
        for (frame, (w, g)) in want.iter().zip(got).enumerate() {
            if w.to_bits() != g.to_bits() && !(w.is_nan() && g.is_nan()) {
                return Some(format!("frame {frame}, channel {channel}: {w:?} against {g:?}"));
            }
        }
        if want.len() != got.len() {
            return Some(format!("{} frames against {}", want.len(), got.len()));
        }
    }
    None
}
