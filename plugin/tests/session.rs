//! What a saved session brings along: the output's ceiling, the moment of edits, the program's files.

mod rig;

use rig::{EFFECT, Rig, Song, entry, words};
use std::path::{Path, PathBuf};

/// A state as the plugin would have saved it.
fn state(text: &str, settings: &serde_json::Value) -> Vec<u8> {
    let json = serde_json::json!({
        "version": "0.1.0",
        "params": {},
        "fields": {
            "version": "1",
            "document": serde_json::to_string(text).expect("a text is JSON"),
            "settings": settings.to_string(),
        },
    });
    let json = json.to_string();
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat()
}

/// An instance that plays a saved session.
fn opened(bytes: &[u8]) -> Rig {
    let entry = entry();
    let mut rig = Rig::new(&entry, EFFECT);
    assert!(rig.load(bytes));
    rig.activate(48_000.0);
    let status = rig.settle();
    assert_eq!(status.accepted, 1, "{}", words(&status.message));
    for _ in 0..20 {
        rig.silence(64);
    }
    rig
}

/// The last frame of a block.
fn heard(rig: &mut Rig) -> (f32, f32) {
    let [left, right] = rig.silence(64);
    (left[63], right[63])
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("attacca-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("it can be written");
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of a temporary folder does no harm.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn the_ceiling_of_the_session_holds_each_channel() {
    let text = "fn dsp(l, r) { (100, 0.25) }";
    for (settings, want) in [
        (serde_json::json!({}), (3.981_071_7, 0.25)),
        (serde_json::json!({"ceiling": 0.0}), (1.0, 0.25)),
        (serde_json::json!({"ceiling": -40.0}), (0.01, 0.01)),
        (serde_json::json!({"ceiling": null}), (100.0, 0.25)),
        (serde_json::json!({"ceiling": 1e9}), (3.981_071_7, 0.25)),
    ] {
        let mut rig = opened(&state(text, &settings));
        assert_eq!(heard(&mut rig), want, "{settings}");
        let saved = rig.save();
        let again = heard(&mut opened(&saved));
        assert_eq!(again, want, "saved again: {}", String::from_utf8_lossy(&saved));
    }
}

#[test]
fn edits_wait_for_the_bar_that_the_session_says() {
    let settings = serde_json::json!({"swap": "Bar"});
    let mut rig = opened(&state("fn dsp(l, r) { 0.25 }", &settings));
    rig.song = Some(Song { frames: 2 * Song::BAR + 10 });
    rig.silence(64);
    assert!(rig.set_text("fn dsp(l, r) { 0.5 }"));
    rig.settle();
    assert_eq!(heard(&mut rig).0, 0.25, "it waits");
    let at = rig.song.as_ref().map_or(0, |song| song.frames);
    assert!(at < 3 * Song::BAR, "this machine is too slow: {at}");
    let waits = rig.silence((3 * Song::BAR - at) as usize);
    assert!(waits[0].iter().all(|x| *x == 0.25), "up to the last frame of the bar");
    let [left, _] = rig.silence(512);
    // The fade begins at the level of before and ends at the new one.
    assert!((left[0] - 0.25).abs() < 0.01 && left[511] == 0.5, "{} {}", left[0], left[511]);
}

#[test]
fn a_session_opens_where_its_files_are_not() {
    let text = "use tone::*\nfn dsp(l, r) { tone() }";
    let folder = Folder::new("session");
    folder.write("tone.mmm", "include(\"./part.mmm\")\npub fn tone() { part() * 2 }");
    folder.write("part.mmm", "fn part() { 0.125 }");
    let settings = serde_json::json!({"folder": folder.path().display().to_string()});
    let mut rig = opened(&state(text, &settings));
    assert_eq!(heard(&mut rig).0, 0.25);
    assert_eq!(words(&rig.status().message), "");
    let saved = rig.save();
    drop(folder);
    let mut rig = opened(&saved);
    assert_eq!(heard(&mut rig).0, 0.25, "the copies play");
    let said = words(&rig.status().message);
    assert_eq!(said, "tone.mmm is not there; the copy that was saved with the session plays.");
    let mut third = opened(&rig.save());
    assert_eq!(heard(&mut third).0, 0.25, "copies are copied on");
}

#[test]
fn a_file_that_comes_back_is_heard_at_once() {
    let text = "use tone::*\nfn dsp(l, r) { tone() }";
    let folder = Folder::new("back");
    folder.write("tone.mmm", "pub fn tone() { 0.25 }");
    let settings = serde_json::json!({"folder": folder.path().display().to_string()});
    let saved = opened(&state(text, &settings)).save();
    std::fs::remove_file(folder.path().join("tone.mmm")).expect("it is there");
    let mut rig = opened(&saved);
    assert_eq!(heard(&mut rig).0, 0.25, "the copy plays");
    folder.write("tone.mmm", "pub fn tone() { 0.75 }");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while heard(&mut rig).0 != 0.75 {
        assert!(std::time::Instant::now() < end, "the file is never heard");
        std::thread::yield_now();
    }
}
