//! Random edits of random programs in the real plugin while a host plays it: blocks of all lengths, changing
//! sample rates, re-activations, resets, saved sessions, recordings, instances that come and go.
//!
//! Nothing may stop a program that is not meant to stop, every sample is a number below the ceiling, and
//! memory stays. The same seed makes the same edits. A part of the plugin's tests and of
//! `cargo xtask soak`.

#![allow(unreachable_pub, reason = "a part of a test and of xtask")]

use super::pieces::{Dice, Piece, STOPPED};
use super::rig::document_ext::{DOCUMENT_FAULTED, DOCUMENT_PLAYING};
use super::rig::session::state;
use super::rig::{self, EFFECT, Rig, SYNTH};
use clack_host::events::event_types::{NoteOffEvent, NoteOnEvent};
use clack_host::prelude::*;
use std::time::{Duration, Instant};

/// The loudest sample that the plugin lets pass: +12 dBFS, rounded up.
const LOUDEST: f32 = 3.982;

/// How much memory may grow after the first quarter of the time, in bytes: the system's allocator keeps
/// what a recording of up to 64 MB, which grows by doubling, has given back.
const GROWTH: u64 = 128 << 20;

/// What a run has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Soaked {
    /// Edits made.
    pub edits: u64,
    /// Programs that took over.
    pub swaps: u64,
    /// Programs that were meant to stop, and did.
    pub faults: u64,
    /// Frames played.
    pub frames: u64,
    /// Activations.
    pub activations: u64,
    /// Instances made.
    pub instances: u64,
    /// Resident memory after the first quarter and at the end, in bytes; 0 where it is not known.
    pub memory: [u64; 2],
}

struct Soak<'a> {
    entry: &'a PluginEntry,
    settings: String,
    dice: Dice,
    rig: Rig,
    piece: Piece,
    text: String,
    /// Whether the fault that shows is known to be of a program that has to be stopped.
    known: bool,
    /// Swaps of the instance when they were last added up.
    swaps: u64,
    seen: Soaked,
}

/// Plays for `time` on the backend of this name; says what was seen, or what went wrong and in which
/// program.
pub fn soak(
    entry: &PluginEntry,
    backend: &str,
    seed: u64,
    time: Duration,
) -> Result<Soaked, String> {
    // How fast this computer is must not matter.
    let settings = serde_json::json!({"backend": backend, "patience": 0.0}).to_string();
    let mut dice = Dice::new(seed);
    let piece = Piece::new(&mut dice);
    let rig = Rig::new(entry, EFFECT);
    let text = piece.text();
    let seen = Soaked { instances: 1, ..Soaked::default() };
    let mut soak = Soak { entry, settings, dice, rig, piece, text, known: false, swaps: 0, seen };
    let done = soak.run(time);
    let Soak { seen, text, .. } = &soak;
    done.map_err(|what| format!("{backend}, seed {seed}, {seen:?}: {what}\n{text}"))?;
    Ok(soak.seen)
}

impl Soak<'_> {
    fn run(&mut self, time: Duration) -> Result<(), String> {
        self.open();
        self.activate();
        let start = Instant::now();
        while start.elapsed() < time {
            self.step()?;
            if self.seen.memory[0] == 0 && start.elapsed() > time / 4 {
                self.seen.memory[0] = self.measure();
            }
        }
        self.seen.memory[1] = self.measure();
        let [before, after] = self.seen.memory;
        if after > before + GROWTH {
            return Err(format!("memory has grown from {before} to {after} bytes"));
        }
        Ok(())
    }

    /// Memory without what the instance has recorded.
    fn measure(&mut self) -> u64 {
        self.begin_again();
        resident()
    }

    /// Opens a session with the text.
    fn open(&mut self) {
        let opened = self.rig.load(&state(&self.text, &self.settings));
        debug_assert!(opened, "the state is whole");
    }

    fn activate(&mut self) {
        let rates = [44_100.0, 48_000.0, 88_200.0, 96_000.0, 192_000.0];
        self.rig.activate(rates[self.dice.below(rates.len())]);
        self.seen.activations += 1;
    }

    /// An edit, something that hosts do, and some blocks.
    fn step(&mut self) -> Result<(), String> {
        if self.dice.below(40) == 0 {
            self.piece = Piece::new(&mut self.dice);
        }
        self.piece.edit(&mut self.dice);
        let stopped = self.dice.below(50) == 0;
        self.text = if stopped { STOPPED.to_owned() } else { self.piece.text() };
        match self.dice.below(400) {
            0..4 => self.open(),
            4..6 => self.begin_again(),
            _ if self.rig.set_text(&self.text) => {}
            _ => return Err("the text was refused".to_owned()),
        }
        self.seen.edits += 1;
        self.disturb();
        // Most edits are heard; some are overtaken by the next one.
        if self.dice.below(4) > 0 {
            self.hear(stopped)?;
        }
        for _ in 0..self.dice.below(6) {
            self.block()?;
        }
        self.add_swaps();
        Ok(())
    }

    /// What hosts do at any time.
    fn disturb(&mut self) {
        match self.dice.below(200) {
            0..8 => {
                self.rig.deactivate();
                self.activate();
            }
            8..12 => self.rig.processor.as_mut().expect("it is active").reset(),
            12..14 => self.rig.record(true),
            14..17 => self.rig.record(false),
            17..20 => drop(self.rig.save()),
            20..24 => self.rig.run_again(),
            _ => {}
        }
    }

    /// Another instance in the place of this one, which goes while it plays and compiles.
    fn begin_again(&mut self) {
        let id = if self.dice.below(2) == 0 { EFFECT } else { SYNTH };
        self.rig = Rig::new(self.entry, id);
        self.swaps = 0;
        self.seen.instances += 1;
        self.open();
        self.activate();
    }

    /// Plays until the newest text has taken over, or was stopped.
    fn hear(&mut self, stopped: bool) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(30);
        let wanted = if stopped { DOCUMENT_FAULTED } else { DOCUMENT_PLAYING };
        let mut calm = 0;
        loop {
            self.block()?;
            let status = self.rig.status();
            if status.compiling == 0 && status.accepted == 0 {
                return Err(format!("rejected: {}", rig::words(&status.message)));
            }
            if status.compiling == 0 && status.state == wanted {
                calm += 1;
            }
            // What was sent last is taken in by the second block at most.
            if calm > 2 {
                break;
            }
            if Instant::now() > end {
                return Err(format!("it never settled: {}", rig::describe(&status)));
            }
        }
        self.seen.faults += u64::from(stopped);
        Ok(())
    }

    fn block(&mut self) -> Result<(), String> {
        let dice = &mut self.dice;
        let frames = 1 + dice.below(900);
        let mut sample = || dice.below(2001) as f32 / 1000.0 - 1.0;
        let left: Vec<f32> = (0..frames).map(|_| sample()).collect();
        let right = left.iter().map(|x| x * 0.5).collect();
        let mut events = EventBuffer::new();
        let pckn = Pckn::new(0u16, 0u16, 40 + dice.below(40) as u16, 1u32);
        let offset = dice.below(frames) as u32;
        match dice.below(4) {
            0 => events.push(&NoteOnEvent::new(offset, pckn, 0.7)),
            1 => events.push(&NoteOffEvent::new(offset, pckn, 0.0)),
            2 => events.push(&rig::turn(offset, dice.below(128) as u32, 0.75)),
            _ => {}
        }
        let heard = self.rig.process([left, right], &events);
        self.rig.pump();
        self.seen.frames += frames as u64;
        if let Some(x) = heard.iter().flatten().find(|x| !x.is_finite() || x.abs() > LOUDEST) {
            return Err(format!("a sample is {x}"));
        }
        let status = self.rig.status();
        if status.state == DOCUMENT_FAULTED && !self.known {
            self.look_at_fault()?;
        }
        self.known = status.state == DOCUMENT_FAULTED;
        Ok(())
    }

    /// An error unless the plugin says, once its worker has heard of the fault, that the one program was
    /// stopped that has to be.
    fn look_at_fault(&mut self) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(2);
        loop {
            self.rig.silence(64);
            let status = self.rig.status();
            // What is on its way, a program or with a recording another processor, may take its place
            // before the fault is told; nothing new is sent meanwhile.
            let replaced = status.state != DOCUMENT_FAULTED;
            if replaced || rig::words(&status.message).contains("`down`") {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("it was stopped: {}", rig::describe(&status)));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn add_swaps(&mut self) {
        let swaps = self.rig.status().swaps;
        self.seen.swaps += swaps.saturating_sub(self.swaps);
        self.swaps = swaps;
    }
}

/// Resident memory of this process, in bytes; 0 where it is not known.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: Option<u64> = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4096
}
