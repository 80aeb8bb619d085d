//! The corpus of edits on every backend at every block size, and the page made from it.

use attacca_engine::Target;
use attacca_tests::edits;
use attacca_tests::edits::Edit;
use attacca_tests::golden::{BLOCKS, tests_dir};

#[test]
fn every_edit_keeps_what_it_should() {
    let edits = edits::all().unwrap_or_else(|what| panic!("{what}"));
    let mut wrong = Vec::new();
    for edit in &edits {
        let runs = Target::ALL.iter().flat_map(|target| BLOCKS.map(|block| (*target, block)));
        for (target, block) in runs {
            if let Err(what) = edit.check(target, block) {
                wrong
                    .push(format!("{} ({target}, blocks of {block}): {what}", edit.path.display()));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} edits:\n{}", wrong.len(), edits.len(), wrong.join("\n"));
    assert!(edits.len() >= 100, "only {} edits were found", edits.len());
}

#[test]
fn the_page_about_edits_is_up_to_date() {
    let path = tests_dir().join("../docs/what-survives.md");
    let page = edits::page().unwrap_or_else(|what| panic!("{what}"));
    if std::env::var_os("ATTACCA_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "{} is not what tests/edits says: run `cargo xtask bless`",
        path.display()
    );
}

/// Frames of 5 ms at 48 kHz, the time over which a jump is hidden.
const DECLICK: usize = 240;

/// What is wrong with how the jump of an edit is hidden.
fn hidden(edit: &Edit, target: Target) -> Result<(), String> {
    let at = edit.at() as usize;
    let frames = (at + DECLICK + 20) as u64;
    let alone = edit.alone(target, frames)?;
    let plain = edit.render_with(target, 64, frames, 0.0)?.channels;
    let got = edit.render_with(target, 64, frames, 0.005)?.channels;
    for (channel, ((alone, plain), got)) in alone.iter().zip(&plain).zip(&got).enumerate() {
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()));
        if !alone[at].is_finite() || !plain[at..].iter().all(|x| x.is_finite()) {
            continue;
        }
        // The swap sample is what the old program would have played: no step that it would not make.
        if !near(alone[at], got[at]) {
            return Err(format!("channel {channel}: {} at the swap, not {}", got[at], alone[at]));
        }
        let jump = (alone[at] - plain[at]).abs();
        let left = |frame: usize| (got[frame] - plain[frame]).abs();
        let slack = |frame: usize| 1e-9 * (1.0 + plain[frame].abs());
        for frame in at + 1..at + DECLICK {
            if left(frame) > left(frame - 1) + slack(frame) {
                return Err(format!("channel {channel}: the offset grows at frame {frame}"));
            }
        }
        // After the set time it is below -80 dB of what it was; exactly nothing, in fact.
        for frame in at + DECLICK..frames as usize {
            if left(frame) > jump * 1e-4 || got[frame].to_bits() != plain[frame].to_bits() {
                return Err(format!("channel {channel}: an offset of {} is left", left(frame)));
            }
        }
        // A swap whose outputs agree adds nothing.
        if jump == 0.0 && got != plain {
            return Err(format!("channel {channel}: there was no jump to hide"));
        }
    }
    Ok(())
}

#[test]
fn no_edit_clicks() {
    let edits = edits::all().unwrap_or_else(|what| panic!("{what}"));
    let mut wrong = Vec::new();
    for edit in &edits {
        for target in Target::ALL {
            if let Err(what) = hidden(edit, *target) {
                wrong.push(format!("{} ({target}): {what}", edit.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} edits:\n{}", wrong.len(), edits.len(), wrong.join("\n"));
}

#[test]
fn a_program_that_replaces_itself_at_every_block_changes_no_bit() {
    let edits = edits::all().unwrap_or_else(|what| panic!("{what}"));
    for edit in &edits {
        for target in Target::ALL {
            for text in [&edit.before, &edit.after] {
                let (plain, swapped) = edits::itself(text, *target, 7, 200)
                    .unwrap_or_else(|what| panic!("{}: {what}", edit.path.display()));
                // What is not finite starts anew, whoever takes over.
                let finite = plain.iter().flatten().all(|x| x.is_finite());
                assert!(!finite || plain == swapped, "{} ({target})\n{text}", edit.path.display());
            }
        }
    }
}
