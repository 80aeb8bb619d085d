//! Edits while a program plays: the program before, the program after, and what must be heard.
//!
//! ```text
//! // @edit {"at":3,"times":6,"expected":[1.0, 2.0, 3.0, 13.0, 23.0, 33.0]}
//! // A counter goes on from where it is when its step changes.
//! === before
//! fn dsp() { .. }
//! === after
//! fn dsp() { .. }
//! ```
//!
//! The second program takes over before frame `at` of `times`. What must be heard is `expected` (samples
//! of the first program's channels, interleaved), or `"like"`: `"before"` is what the first program plays
//! alone, `"after"` from the swap on what the second one plays alone, `"fresh"` the second one from its
//! start, and with a third section, `=== sounds like`, what that program plays. Optional: `declick` in
//! milliseconds, `tolerance`, `dropped` (leaves that the plan must drop), `notes` (each `[frame, key, end]`, held
//! on without `end`), `controls` (each `[frame, "name", value]`).
//!
//! Modules are found in `tests/edits/lib`. Each other folder of `tests/edits` is a clause of `docs/what-survives.md`, which is made from them; its
//! `about.md` says what the clause promises.

use crate::golden::tests_dir;
use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::{RenderSettings, Rendered, Renderer, Score};
use attacca_engine::{ControlInfo, EventKind, Files, Program, Target};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One edit as read from its file.
pub struct Edit {
    /// Its file.
    pub path: PathBuf,
    /// What it shows, in a sentence.
    pub title: String,
    /// The program that plays first.
    pub before: String,
    /// The program that takes over.
    pub after: String,
    /// The program that it must sound like, if there is one.
    pub model: Option<String>,
    header: Value,
}

/// Every edit of the corpus, sorted by file.
pub fn all() -> Result<Vec<Edit>, String> {
    let mut paths = Vec::new();
    for clause in clauses() {
        for entry in std::fs::read_dir(clause).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|e| e == "edit") {
                paths.push(entry.path());
            }
        }
    }
    paths.sort();
    let read =
        |path: PathBuf| Edit::read(&path).map_err(|what| format!("{}: {what}", path.display()));
    paths.into_iter().map(read).collect()
}

/// The folders of the corpus, sorted.
pub fn clauses() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(tests_dir().join("edits")).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> =
        entries.map(|e| e.path()).filter(|path| path.join("about.md").is_file()).collect();
    folders.sort();
    folders
}

impl Edit {
    fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
        let text = text.strip_prefix("// @edit ").ok_or("the first line is no `// @edit`")?;
        let (header, text) = text.split_once('\n').ok_or("nothing follows the header")?;
        let header: Value = serde_json::from_str(header).map_err(|e| format!("header: {e}"))?;
        let known = [
            "at",
            "times",
            "expected",
            "like",
            "declick",
            "tolerance",
            "dropped",
            "notes",
            "controls",
        ];
        for key in header.as_object().ok_or("the header is no object")?.keys() {
            if !known.contains(&key.as_str()) {
                return Err(format!("header: unknown key `{key}`"));
            }
        }
        let (title, text) = text.split_once("\n=== before\n").ok_or("no `=== before`")?;
        let (before, text) = text.split_once("\n=== after\n").ok_or("no `=== after`")?;
        let (after, model) = match text.split_once("\n=== sounds like\n") {
            Some((after, model)) => (after, Some(model.to_owned())),
            None => (text, None),
        };
        let title = title.strip_prefix("// ").ok_or("no title")?.to_owned();
        let path = path.to_path_buf();
        let edit = Self { path, title, before: before.into(), after: after.into(), model, header };
        let wants = [
            edit.header["expected"].is_array(),
            edit.header["like"].is_string(),
            edit.model.is_some(),
        ];
        if wants.iter().filter(|want| **want).count() != 1 || edit.at() >= edit.frames() {
            return Err(
                "header: one of `expected` and `like`, or a third program; `at` below `times`"
                    .into(),
            );
        }
        Ok(edit)
    }

    /// The first frame of the second program.
    pub fn at(&self) -> u64 {
        self.header["at"].as_u64().unwrap_or(u64::MAX)
    }

    /// Frames to render.
    pub fn frames(&self) -> u64 {
        self.header["times"].as_u64().unwrap_or(0)
    }

    /// Both programs.
    pub fn programs(&self, target: Target) -> Result<[Arc<Program>; 2], String> {
        Ok([compile(&self.before, target)?, compile(&self.after, target)?])
    }

    /// Renders the edit.
    pub fn render(&self, target: Target, block: usize) -> Result<Rendered, String> {
        let declick = self.header["declick"].as_f64().unwrap_or(0.0) / 1000.0;
        self.render_with(target, block, self.frames(), declick)
    }

    /// Renders the edit for longer, hiding its jump over `declick` seconds.
    pub fn render_with(
        &self,
        target: Target,
        block: usize,
        frames: u64,
        declick: f64,
    ) -> Result<Rendered, String> {
        let [before, after] = self.programs(target)?;
        let settings = RenderSettings { block, declick, ..RenderSettings::default() };
        let mut renderer = Renderer::new(&before, settings);
        let (events, swaps) = (self.events(&renderer), vec![(self.at(), after)]);
        let rendered = renderer.run(&Score { frames, events, swaps, ..Score::default() });
        match (&rendered.fault, rendered.swaps.len()) {
            (Some(fault), _) => Err(format!("stopped at frame {}: {}", fault.frame, fault.message)),
            (None, 1) => Ok(rendered),
            (None, count) => Err(format!("{count} swaps took place")),
        }
    }

    /// What the first program plays alone.
    pub fn alone(&self, target: Target, frames: u64) -> Result<Vec<Vec<f64>>, String> {
        self.play(&self.before, target, frames)
    }

    /// What one of the programs plays alone.
    fn play(&self, text: &str, target: Target, frames: u64) -> Result<Vec<Vec<f64>>, String> {
        let mut renderer = Renderer::new(&compile(text, target)?, RenderSettings::default());
        let score = Score { frames, events: self.events(&renderer), ..Score::default() };
        Ok(renderer.run(&score).channels)
    }

    /// What the host sends, in order; moves of controls that this program does not have are left out.
    fn events(&self, renderer: &Renderer) -> Vec<(u64, EventKind)> {
        let mut events = Vec::new();
        for note in self.header["notes"].as_array().into_iter().flatten() {
            let key = note[1].as_u64().unwrap_or(0) as u8;
            let on = EventKind::NoteOn { channel: 0, note: key, velocity: 127.0, id: -1 };
            let off = EventKind::NoteOff { channel: 0, note: key, velocity: 0.0, id: -1 };
            events.extend(note[0].as_u64().map(|frame| (frame, on)));
            events.extend(note[2].as_u64().map(|frame| (frame, off)));
        }
        for control in self.header["controls"].as_array().into_iter().flatten() {
            let named = |info: &&ControlInfo| control[1].as_str() == Some(info.name.as_str());
            let slot = renderer.controls().iter().find(named).map(|info| info.slot);
            let (frame, value) = (control[0].as_u64(), crate::golden::number(&control[2]));
            events.extend(
                frame.zip(slot).map(|(frame, slot)| (frame, EventKind::Control { slot, value })),
            );
        }
        events.sort_by_key(|(frame, _)| *frame);
        events
    }

    /// What must be heard, planar.
    pub fn wanted(&self, target: Target) -> Result<Vec<Vec<f64>>, String> {
        let alone = |text: &str| self.play(text, target, self.frames());
        let at = self.at() as usize;
        let with = |rest: &dyn Fn(&[f64]) -> Vec<f64>| -> Result<Vec<Vec<f64>>, String> {
            let (before, after) = (alone(&self.before)?, alone(&self.after)?);
            let join =
                |(before, after): (&Vec<f64>, &Vec<f64>)| [&before[..at], &rest(after)].concat();
            Ok(before.iter().zip(&after).map(join).collect())
        };
        match (self.header["like"].as_str(), &self.model) {
            (Some("before"), _) => alone(&self.before),
            (Some("after"), _) => with(&|after| after[at..].to_vec()),
            (Some("fresh"), _) => with(&|after| after[..after.len() - at].to_vec()),
            (Some(other), _) => Err(format!("header: `like` cannot be {other:?}")),
            (None, Some(model)) => alone(model),
            (None, None) => self.expected(),
        }
    }

    fn expected(&self) -> Result<Vec<Vec<f64>>, String> {
        let samples: Vec<f64> = self.header["expected"]
            .as_array()
            .into_iter()
            .flatten()
            .map(crate::golden::number)
            .collect();
        let frames = self.frames() as usize;
        if samples.is_empty() || !samples.len().is_multiple_of(frames) {
            return Err(format!("header: {} samples for {frames} frames", samples.len()));
        }
        let channels = samples.len() / frames;
        Ok((0..channels)
            .map(|c| samples.iter().skip(c).step_by(channels).copied().collect())
            .collect())
    }

    /// Checks the edit on one backend at one block size; the error says what is wrong.
    pub fn check(&self, target: Target, block: usize) -> Result<(), String> {
        let (want, got) = (self.wanted(target)?, self.render(target, block)?);
        let plan = &got.swaps[0].plan;
        let tolerance = self.header["tolerance"].as_f64().unwrap_or(0.0);
        if want.len() != got.channels.len() {
            return Err(format!("{} channels instead of {}", got.channels.len(), want.len()));
        }
        for (channel, (want, got)) in want.iter().zip(&got.channels).enumerate() {
            for (frame, (want, got)) in want.iter().zip(got).enumerate() {
                let same = want == got
                    || (want.is_nan() && got.is_nan())
                    || (want - got).abs() <= tolerance;
                if !same {
                    return Err(format!(
                        "frame {frame}, channel {channel}: {got:?} instead of {want:?}\n{}",
                        plan.text
                    ));
                }
            }
        }
        match self.header["dropped"].as_u64() {
            Some(want) if want != plan.dropped as u64 => {
                Err(format!("{} leaves are dropped instead of {want}\n{}", plan.dropped, plan.text))
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn compile(text: &str, target: Target) -> Result<Arc<Program>, String> {
    let files = Files::library().in_folder(tests_dir().join("edits"));
    let options = Options { target, ..Options::default() };
    let compiled = pipeline::compile_with("edit.mmm", text, &options, &files);
    let said = compiled.diagnostics.render(&compiled.sources);
    compiled.program.ok_or_else(|| format!("{said}\n{text}"))
}

/// Planar samples.
pub type Channels = Vec<Vec<f64>>;

/// A program alone, and the same while it replaces itself before every block of `block` frames.
pub fn itself(
    text: &str,
    target: Target,
    block: usize,
    frames: u64,
) -> Result<(Channels, Channels), String> {
    let program = compile(text, target)?;
    let settings = RenderSettings { block, declick: 0.005, ..RenderSettings::default() };
    let times = (block as u64..frames).step_by(block);
    let swaps = times.map(|frame| (frame, Arc::clone(&program))).collect();
    let mut score = Score { frames, ..Score::default() };
    let alone = Renderer::new(&program, settings).run(&score).channels;
    score.swaps = swaps;
    let swapped = Renderer::new(&program, settings).run(&score).channels;
    Ok((alone, swapped))
}

/// The page `docs/what-survives.md`, made from the corpus.
pub fn page() -> Result<String, String> {
    let edits = all()?;
    let mut page = String::from(
        "# What survives which edit\n\n\
         Made from the programs in `tests/edits`, each of which is run on every backend: do not edit this \
         page, edit those and run `cargo xtask bless`. In every example the program plays, is replaced, and \
         what it had remembered goes on as the sentence says.\n",
    );
    for clause in clauses() {
        let about = std::fs::read_to_string(clause.join("about.md"))
            .map_err(|e| format!("{}: {e}", clause.join("about.md").display()))?;
        let (title, about) = about.split_once('\n').unwrap_or((&about, ""));
        page += &format!("\n## {title}\n\n{}\n", about.trim());
        for edit in edits.iter().filter(|edit| edit.path.parent() == Some(&*clause)) {
            page += &format!(
                "\n{}\n\n```diff\n{}```\n",
                edit.title,
                difference(&edit.before, &edit.after)
            );
        }
    }
    Ok(page)
}

/// The lines of two texts, those of one only marked as in a diff.
fn difference(before: &str, after: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    // Lengths of the longest common subsequences of the rests.
    let mut longest = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = match a[i] == b[j] {
                true => longest[i + 1][j + 1] + 1,
                false => longest[i + 1][j].max(longest[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < a.len() || j < b.len() {
        let same = i < a.len() && j < b.len() && a[i] == b[j];
        let drop = !same && i < a.len() && (j == b.len() || longest[i + 1][j] >= longest[i][j + 1]);
        let (mark, line) = match (same, drop) {
            (true, _) => (' ', a[i]),
            (false, true) => ('-', a[i]),
            (false, false) => ('+', b[j]),
        };
        text += &format!("{mark} {line}\n");
        (i, j) = (i + usize::from(same || drop), j + usize::from(same || !drop));
    }
    text
}
