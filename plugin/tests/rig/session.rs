//! The buttons of the window, pressed through the private extension `audio.attacca.session/1`; and
//! states as the plugin would have saved them.

use super::Rig;
use super::session_ext::{SESSION_EXTENSION, SessionExtension};
use std::path::PathBuf;
use std::time::{Duration, Instant};

impl Rig {
    fn session(&mut self) -> &'static SessionExtension {
        let plugin = self.instance.raw_instance();
        let get = plugin.get_extension.expect("CLAP demands it");
        // SAFETY: a live instance, and the extension's name says what the pointer leads to.
        unsafe { get(plugin, SESSION_EXTENSION.as_ptr()).cast::<SessionExtension>().as_ref() }
            .expect("the session extension is there")
    }

    /// Runs the stopped program again.
    pub fn run_again(&mut self) {
        let run = self.session().run_again.expect("offered");
        // SAFETY: a live instance.
        unsafe { run(self.instance.raw_instance()) };
    }

    /// Records from now on, or no longer.
    pub fn record(&mut self, on: bool) {
        let record = self.session().record.expect("offered");
        // SAFETY: a live instance.
        unsafe { record(self.instance.raw_instance(), on) };
    }

    /// Saves the recording; gives the file.
    pub fn save_recording(&mut self) -> PathBuf {
        let before = self.saved_recording();
        let save = self.session().save_recording.expect("offered");
        // SAFETY: a live instance.
        unsafe { save(self.instance.raw_instance()) };
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let saved = self.saved_recording();
            if saved != before {
                return saved.into();
            }
            assert!(Instant::now() < end, "the recording was not saved");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn saved_recording(&mut self) -> String {
        let saved = self.session().saved_recording.expect("offered");
        let plugin = self.instance.raw_instance();
        // SAFETY: no room asks for the length only.
        let length = unsafe { saved(plugin, std::ptr::null_mut(), 0) };
        let mut bytes = vec![0u8; length as usize];
        // SAFETY: the buffer is as long as it says.
        unsafe { saved(plugin, bytes.as_mut_ptr().cast(), length) };
        String::from_utf8(bytes).expect("a path")
    }
}

/// A state with this text and these settings, in JSON.
pub fn state(text: &str, settings: &str) -> Vec<u8> {
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let fields = [("version", "1".to_owned()), ("document", quote(text))];
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("settings", settings)])
        .map(|(name, value)| format!("{}:{}", quote(name), quote(value)))
        .collect();
    let json =
        format!("{{\"version\":\"0.1.0\",\"params\":{{}},\"fields\":{{{}}}}}", fields.join(","));
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat()
}
