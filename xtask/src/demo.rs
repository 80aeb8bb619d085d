//! `demo`: the main job without a DAW. Builds the plugin, loads its CLAP file in an embedded host,
//! plays a phrase through it, edits the program three times while it sounds, and writes demo.wav.

#[path = "../../plugin/tests/rig/mod.rs"]
pub(crate) mod rig;

use crate::{Failure, Outcome, bundle, shell};
use clack_host::events::event_types::{NoteOffEvent, NoteOnEvent};
use clack_host::prelude::*;
use rig::Rig;
use std::time::{Duration, Instant};

/// Frames a second.
const RATE: usize = 48_000;

/// Frames a block.
const BLOCK: usize = 64;

/// Seconds of music.
const SECONDS: usize = 12;

/// Keys of the phrase, one every quarter of a second.
const PHRASE: [u8; 16] = [57, 60, 64, 69, 67, 64, 60, 62, 55, 59, 62, 67, 65, 62, 59, 60];

/// The program to begin with, and its edits: what a person would do, and the text.
fn programs() -> [(&'static str, String); 4] {
    let first = include_str!("demo.mmm").to_owned();
    let brighter = first.replace("800.0 + 1800.0 * glow", "1500.0 + 4200.0 * glow");
    let detuned = brighter.replace("saw(freq * 0.996)", "saw(freq * 0.991)");
    let echoing = detuned.replace(
        "  (dry, dry)",
        "  let wet = echo(dry, 0.31)\n  (dry + wet * 0.5, dry + mem(wet) * 0.5)",
    );
    [
        ("first program", first),
        ("brighter filter", brighter),
        ("wider detune", detuned),
        ("echo added", echoing),
    ]
}

/// One edit as it went.
struct Edit {
    title: &'static str,
    compile_ms: f64,
    swap_us: f64,
    kept: u32,
    fresh: u32,
    frame: usize,
}

pub(crate) fn run() -> Outcome {
    let bundles = bundle::bundle("checked")?;
    let entry = rig::entry_from(&bundles.clap);
    let [first, edits @ ..] = programs();
    let mut rig = Rig::playing(&entry, rig::SYNTH, RATE as f64, &first.1);
    let mut done = vec![record(&mut rig, first.0, 0)?];
    let mut sound = [Vec::new(), Vec::new()];
    let mut edits = edits.into_iter().zip(1..).peekable();
    let mut waiting: Option<(&'static str, u64, Instant)> = None;
    while sound[0].len() < SECONDS * RATE {
        let at = sound[0].len();
        if let Some(((title, text), _)) = edits.next_if(|(_, number)| at >= number * 3 * RATE) {
            let swaps = rig.status().swaps;
            if !rig.set_text(&text) {
                return Err(Failure::Rejected(format!("the plugin refused the text of `{title}`")));
            }
            waiting = Some((title, swaps, Instant::now()));
        }
        let block = rig.process([vec![0.0; BLOCK], vec![0.0; BLOCK]], &notes(at));
        for (channel, samples) in sound.iter_mut().zip(block) {
            channel.extend(samples);
        }
        rig.pump();
        if let Some((title, swaps, since)) = waiting {
            if rig.status().swaps > swaps {
                done.push(record(&mut rig, title, at)?);
                waiting = None;
            } else if since.elapsed() > Duration::from_secs(10) {
                return Err(Failure::Rejected(format!(
                    "`{title}` did not arrive: {}",
                    rig::describe(&rig.status())
                )));
            }
            // Real time goes on while the worker compiles: a block lasts 1.3 ms.
            std::thread::sleep(Duration::from_micros(1_000_000 * BLOCK as u64 / RATE as u64));
        }
    }
    if waiting.is_some() || edits.peek().is_some() {
        return Err(Failure::Rejected("the phrase ended before the last edit arrived".into()));
    }
    write(&sound)?;
    print_table(&done, &sound);
    judge(&sound)
}

/// The state of the plugin after an edit; an error if it was not accepted.
fn record(rig: &mut Rig, title: &'static str, frame: usize) -> Result<Edit, Failure> {
    let status = rig.status();
    if status.accepted == 0 || status.errors > 0 {
        return Err(Failure::Rejected(format!("`{title}`: {}", rig::describe(&status))));
    }
    let (kept, fresh) = (status.kept, status.fresh);
    Ok(Edit { title, compile_ms: status.compile_ms, swap_us: status.swap_us, kept, fresh, frame })
}

/// The phrase's events in the block that starts at this frame.
fn notes(at: usize) -> EventBuffer {
    let mut events = EventBuffer::new();
    let step = RATE / 4;
    for offset in 0..BLOCK {
        let frame = at + offset;
        let key = u16::from(PHRASE[(frame / step) % PHRASE.len()]);
        let pckn = Pckn::new(0u16, 0u16, key, clack_host::events::Match::All);
        if frame.is_multiple_of(step) && frame < (SECONDS - 2) * RATE {
            events.push(&NoteOnEvent::new(offset as u32, pckn, 0.8));
        } else if frame % step == step * 3 / 4 {
            events.push(&NoteOffEvent::new(offset as u32, pckn, 0.0));
        }
    }
    events
}

fn write(sound: &[Vec<f32>; 2]) -> Outcome {
    let path = shell::root().join("demo.wav");
    let spec = hound::WavSpec {
        channels: 2,
        sample_rate: RATE as u32,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let failed = |e: hound::Error| Failure::Usage(format!("{}: {e}", path.display()));
    let mut writer = hound::WavWriter::create(&path, spec).map_err(failed)?;
    for (l, r) in sound[0].iter().zip(&sound[1]) {
        writer.write_sample(*l).map_err(failed)?;
        writer.write_sample(*r).map_err(failed)?;
    }
    writer.finalize().map_err(failed)?;
    println!("\n{} ({SECONDS} s, peak {:.2})", path.display(), peak(sound));
    Ok(())
}

fn peak(sound: &[Vec<f32>; 2]) -> f32 {
    sound.iter().flatten().fold(0.0, |p, x| p.max(x.abs()))
}

/// The largest step between two samples in a stretch of either channel.
fn largest_step(sound: &[Vec<f32>; 2], from: usize, to: usize) -> f32 {
    let steps = sound.iter().flat_map(|c| c[from.min(c.len())..to.min(c.len())].windows(2));
    steps.map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

fn print_table(edits: &[Edit], sound: &[Vec<f32>; 2]) {
    println!(
        "\n{:18} {:>6} {:>11} {:>9} {:>11} {:>13} {:>15}",
        "edit", "at s", "compile ms", "swap us", "state kept", "largest jump", "50 ms before"
    );
    for edit in edits {
        let (from, to) = (edit.frame.saturating_sub(1), edit.frame + BLOCK + 1);
        let before = largest_step(sound, edit.frame.saturating_sub(RATE / 20), edit.frame);
        println!(
            "{:18} {:6.2} {:11.2} {:9.2} {:>11} {:13.4} {:15.4}",
            edit.title,
            edit.frame as f64 / RATE as f64,
            edit.compile_ms,
            edit.swap_us,
            format!("{} of {}", edit.kept, edit.kept + edit.fresh),
            largest_step(sound, from, to),
            before
        );
    }
}

/// The demo fails when it is silent, broken or too loud.
fn judge(sound: &[Vec<f32>; 2]) -> Outcome {
    if sound.iter().flatten().any(|x| !x.is_finite()) {
        return Err(Failure::Rejected("the output is not finite".into()));
    }
    for second in 0..SECONDS - 2 {
        let range = second * RATE..(second + 1) * RATE;
        if sound[0][range].iter().all(|x| x.abs() < 1e-3) {
            return Err(Failure::Rejected(format!("second {second} is silent")));
        }
    }
    if peak(sound) > 1.0 {
        return Err(Failure::Rejected(format!("the output is too loud (peak {:.2})", peak(sound))));
    }
    Ok(())
}
