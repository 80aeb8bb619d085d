//! The document: the program's text and the settings saved with the session.
//!
//! Also reads a saved state of any age and condition. What nice-plug writes is a length (8 bytes,
//! little-endian) and JSON: `{"version", "params": {"v_1": {"f32": x}, ..}, "fields": {"version",
//! "document", "settings"}}`, each field a JSON text of its own. Reading never fails half-way:
//! whatever text can be had is kept, all else is default, and notes say what was lost.

use crate::editor::{Live, Message, Osc, Severity, Span, SwapAt};
use crate::slots::{SLOTS, Slot};
use attacca_engine::FileCopy;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of the state that this build writes.
pub const STATE_VERSION: u32 = 1;

/// Longest program text that is taken from a state, in bytes.
const LONGEST_TEXT: usize = 16 << 20;

/// Longest name of a control that is taken from a state, in bytes.
const LONGEST_NAME: usize = 255;

/// What is saved beside the text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Compile while typing.
    pub live: bool,
    /// Hear control values by OSC.
    pub osc: bool,
    /// Why the program was stopped by a fault; empty if it was not. Such a program is not run by itself
    /// when its session is opened.
    pub faulted: String,
    /// Record what the instance is given, from its activation on, for a bug report.
    pub record: bool,
    /// The backend that runs programs, by its name; empty is the usual one.
    pub backend: String,
    /// Seconds that a program may be slower than real time before it is stopped; 0 is for ever.
    pub patience: f32,
    /// When edits take over.
    pub swap: SwapAt,
    /// The output is held at this level, in dBFS; none lets all finite samples pass.
    pub ceiling: Option<f32>,
    /// How much of the probes is shown.
    pub span: Span,
    /// Where the program's files are; empty if there is no such folder.
    pub folder: String,
    /// The files that the program used, for computers that do not have them.
    pub files: Vec<FileCopy>,
    /// The controls of the program when it was saved: their names can be shown before it is compiled.
    pub controls: Vec<Slot>,
    /// The name that each slot has or had, from slot 0: a name keeps its slot.
    pub names: Vec<String>,
}

/// Seconds that a program may be slower than real time, if the session says nothing else.
pub const PATIENCE: f32 = 2.0;

/// The level at which the output is held, if the session says nothing else, in dBFS.
pub const CEILING: f32 = 12.0;

/// Longest path of a folder that is taken from a state, in bytes.
const LONGEST_PATH: usize = 4096;

/// Most bytes of files that are taken from a state.
const MOST_FILES: usize = 16 << 20;

impl Default for Settings {
    fn default() -> Self {
        Self {
            live: false,
            osc: false,
            faulted: String::new(),
            record: false,
            backend: String::new(),
            patience: PATIENCE,
            swap: SwapAt::default(),
            ceiling: Some(CEILING),
            span: Span::default(),
            folder: String::new(),
            files: Vec::new(),
            controls: Vec::new(),
            names: Vec::new(),
        }
    }
}

impl Settings {
    /// The switch as the window knows it.
    pub fn live(&self) -> Live {
        if self.live { Live::On } else { Live::Off }
    }

    /// The level at which the output is held, linear.
    pub fn level(&self) -> f64 {
        self.ceiling.map_or(f64::INFINITY, |level| 10f64.powf(f64::from(level) / 20.0))
    }

    /// The other switch.
    pub fn osc(&self) -> Osc {
        if self.osc { Osc::On } else { Osc::Off }
    }
}

/// What could be had from a saved state.
#[derive(Debug, Default, PartialEq)]
pub struct Loaded {
    /// The program's text, as far as it was there.
    pub text: Option<String>,
    /// The settings; default where they were missing or broken.
    pub settings: Settings,
    /// Parameter values: slot and value 0..1.
    pub values: Vec<(usize, f32)>,
    /// What the user should know about the loading.
    pub notes: Vec<Message>,
}

/// Reads a saved state, whatever it is.
pub fn read_state(bytes: &[u8]) -> Loaded {
    let (json, whole) = body(bytes);
    let mut loaded = match serde_json::from_slice::<Value>(json) {
        Ok(Value::Object(state)) => from_json(&state),
        Ok(_) => Loaded::default(),
        Err(_) => salvage(json),
    };
    if let Some(text) = &mut loaded.text
        && text.len() > LONGEST_TEXT
    {
        let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        loaded.notes.push(warning("The saved program was too long and has been cut off."));
    }
    if loaded.text.is_none() {
        loaded.notes.push(warning("This session holds no program that could be read."));
    } else if !whole {
        loaded
            .notes
            .push(warning("The saved session is incomplete; what was there has been kept."));
    }
    loaded
}

/// The JSON behind the length, and whether all of it is there.
fn body(bytes: &[u8]) -> (&[u8], bool) {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return (bytes, false) };
    let length = u64::from_le_bytes(*length);
    match usize::try_from(length) {
        Ok(length) if length <= rest.len() => (&rest[..length], true),
        Ok(_) | Err(_) => (rest, false),
    }
}

fn from_json(state: &serde_json::Map<String, Value>) -> Loaded {
    let mut loaded = Loaded::default();
    let field =
        |key: &str| state.get("fields").and_then(|fields| fields.get(key)).and_then(Value::as_str);
    loaded.text = field("document").map(|json| match serde_json::from_str::<String>(json) {
        Ok(text) => text,
        Err(_) => json.to_owned(),
    });
    match field("version").map(serde_json::from_str::<u32>) {
        Some(Ok(version)) if version <= STATE_VERSION => {}
        Some(Ok(version)) => loaded.notes.push(warning(format!(
            "This session was saved by a newer Attacca (state version {version}); its program is here, other settings may be missing."
        ))),
        Some(Err(_)) | None => {
            loaded.notes.push(warning("The version of the saved session can't be read."));
        }
    }
    match field("settings").map(serde_json::from_str::<Settings>) {
        Some(Ok(settings)) => loaded.settings = sane(settings),
        Some(Err(_)) => {
            loaded.settings = sane(field("settings").map(lenient_settings).unwrap_or_default());
            let text = "Some of the saved settings can't be read; those are default.";
            loaded.notes.push(warning(text));
        }
        None => {}
    }
    if let Some(Value::Object(params)) = state.get("params") {
        loaded.values = (0..SLOTS).filter_map(|slot| value_of(params, slot)).collect();
    }
    loaded
}

fn value_of(params: &serde_json::Map<String, Value>, slot: usize) -> Option<(usize, f32)> {
    let value = params.get(&format!("v_{}", slot + 1))?.get("f32")?.as_f64()?;
    value.is_finite().then_some((slot, value.clamp(0.0, 1.0) as f32))
}

/// Those settings that can be read by themselves.
fn lenient_settings(json: &str) -> Settings {
    let Ok(Value::Object(all)) = serde_json::from_str::<Value>(json) else {
        return Settings::default();
    };
    let alone = |(key, value): (&String, &Value)| {
        let one = serde_json::Map::from_iter([(key.clone(), value.clone())]);
        serde_json::from_value::<Settings>(Value::Object(one)).is_ok()
    };
    let good = all.iter().filter(|entry| alone(*entry));
    let good = good.map(|(key, value)| (key.clone(), value.clone())).collect();
    serde_json::from_value(Value::Object(good)).unwrap_or_default()
}

/// Drops controls that no program could have declared.
fn sane(mut settings: Settings) -> Settings {
    settings.controls.retain(|slot| {
        usize::from(slot.slot) < SLOTS
            && slot.name.len() <= LONGEST_NAME
            && [slot.initial, slot.min, slot.max].iter().all(|value| value.is_finite())
            && slot.min <= slot.max
    });
    settings.names.truncate(SLOTS);
    if !(0.0..=3600.0).contains(&settings.patience) {
        settings.patience = PATIENCE;
    }
    if settings.ceiling.is_some_and(|level| !(-144.0..=144.0).contains(&level)) {
        settings.ceiling = Some(CEILING);
    }
    if settings.folder.len() > LONGEST_PATH {
        settings.folder.clear();
    }
    if settings.files.iter().map(|file| file.text.len() + file.name.len()).sum::<usize>()
        > MOST_FILES
    {
        settings.files.clear();
    }
    if settings.backend.len() > LONGEST_NAME {
        settings.backend.clear();
    }
    if settings.names.iter().any(|name| name.len() > LONGEST_NAME) {
        settings.names.clear();
    }
    settings
}

/// Finds the document in JSON that is cut off or damaged.
fn salvage(bytes: &[u8]) -> Loaded {
    let state = String::from_utf8_lossy(bytes);
    let mut loaded = Loaded::default();
    let Some(found) = state.find("\"document\":") else { return loaded };
    let outer = lenient_string(state[found + "\"document\":".len()..].trim_start());
    loaded.text = outer.as_deref().and_then(lenient_string);
    if loaded.text.is_some() {
        loaded.notes.push(warning(
            "The saved session is damaged; the program was saved from it, the rest is default.",
        ));
    }
    loaded
}

/// Reads a JSON string as far as it goes, without asking for its end.
fn lenient_string(json: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = json.strip_prefix('"')?.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => break,
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some('b') => text.push('\u{8}'),
                Some('f') => text.push('\u{c}'),
                Some('u') => {
                    let digits: String = rest.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&digits, 16).ok();
                    text.push(code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some(plain) => text.push(plain),
                None => break,
            },
            plain => text.push(plain),
        }
    }
    Some(text)
}

fn warning(text: impl Into<String>) -> Message {
    Message::general(Severity::Warning, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fn dsp() {\n  \"ä\\n\" 0.5\t}\n";

    fn saved() -> Vec<u8> {
        let fields = serde_json::json!({
            "version": "1",
            "document": serde_json::to_string(TEXT).expect("a string is JSON"),
            "settings": "{\"live\":true,\"controls\":[]}",
        });
        let state = serde_json::json!({
            "version": "0.1.0", "params": {"v_1": {"f32": 0.25}, "v_2": {"f32": 7.0}, "v_3": {"i32": 1}}, "fields": fields,
        });
        let json = serde_json::to_vec(&state).expect("a value is JSON");
        [&(json.len() as u64).to_le_bytes()[..], &json].concat()
    }

    #[test]
    fn a_whole_state_is_read_without_notes() {
        let loaded = read_state(&saved());
        assert_eq!(loaded.text.as_deref(), Some(TEXT));
        assert!(loaded.settings.live);
        assert_eq!(loaded.values, [(0, 0.25), (1, 1.0)]);
        assert_eq!(loaded.notes, []);
    }

    #[test]
    fn a_future_state_keeps_its_text_and_says_so() {
        let state = String::from_utf8_lossy(&saved()[8..])
            .replace("\"version\":\"1\"", "\"version\":\"99\"");
        let bytes = [&(state.len() as u64).to_le_bytes()[..], state.as_bytes()].concat();
        let loaded = read_state(&bytes);
        assert_eq!(loaded.text.as_deref(), Some(TEXT));
        assert!(loaded.notes[0].text.contains("newer Attacca"), "{:?}", loaded.notes);
    }

    #[test]
    fn a_setting_of_the_future_leaves_the_others_alone() {
        let settings = lenient_settings(
            r#"{"live":true,"swap":{"Measures":3},"names":["a"],"ceiling":-3.5,"patience":"long"}"#,
        );
        let want = Settings {
            live: true,
            names: vec!["a".into()],
            ceiling: Some(-3.5),
            ..Settings::default()
        };
        assert_eq!(settings, want);
        assert_eq!(lenient_settings("[]"), Settings::default());
    }

    #[test]
    fn settings_come_back_as_they_were_saved() {
        let settings = Settings {
            swap: SwapAt::Bars(4),
            ceiling: None,
            span: Span::Seconds,
            folder: "/home/me/songs".into(),
            patience: 0.5,
            ..Settings::default()
        };
        let json = serde_json::to_string(&settings).expect("settings are JSON");
        assert_eq!(serde_json::from_str::<Settings>(&json).ok().map(sane), Some(settings));
        let wild = Settings { ceiling: Some(1e9), patience: -1.0, ..Settings::default() };
        assert_eq!(sane(wild), Settings::default());
    }

    #[test]
    fn every_cut_gives_a_beginning_of_the_text_or_nothing() {
        let bytes = saved();
        for cut in 0..bytes.len() {
            let loaded = read_state(&bytes[..cut]);
            assert!(!loaded.notes.is_empty(), "cut at {cut} is silent");
            if let Some(text) = loaded.text {
                let same = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
                assert!(TEXT.starts_with(same), "cut at {cut}: {text:?}");
            }
        }
    }

    #[test]
    fn the_text_survives_a_lost_end() {
        let bytes = saved();
        let params = bytes.windows(8).position(|w| w == b"\"params\"").expect("params are there");
        assert_eq!(read_state(&bytes[..params]).text.as_deref(), Some(TEXT));
    }

    #[test]
    fn noise_is_not_a_program() {
        let mut seed = 1u64;
        for length in 0..400 {
            let noise: Vec<u8> = (0..length)
                .map(|_| {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    (seed >> 33) as u8
                })
                .collect();
            assert_eq!(read_state(&noise).text, None);
        }
        assert_eq!(read_state(b"\xff\xff\xff\xff\xff\xff\xff\xff{}").text, None);
        let deep = "[".repeat(100_000);
        assert_eq!(read_state(deep.as_bytes()).text, None);
    }
}
