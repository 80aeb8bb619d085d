//! An embedded CLAP host for tests: loads the built plugin file and plays it on the test's thread.
//!
//! Takes the library that cargo built beside the tests (`libattacca.so` and the like), gives
//! instances that can be activated, fed with events, saved, loaded and edited. Keeps count of what
//! the plugin asks of its host.

#![expect(unsafe_code, reason = "the CLAP ABI: loading a library and calling a private extension")]
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part of the rig")]

#[path = "../../src/clap/document_ext.rs"]
pub mod document_ext;
pub mod session;
#[path = "../../src/clap/session_ext.rs"]
pub mod session_ext;

use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer,
    ParamRescanFlags, PluginParams,
};
use clack_extensions::state::{HostState, HostStateImpl, PluginState};
use clack_host::events::event_types::{ParamValueEvent, TransportEvent, TransportFlags};
use clack_host::events::{EventFlags, EventHeader};
use clack_host::prelude::*;
use clack_host::process::{PluginAudioConfiguration, PluginAudioProcessor};
use clack_host::utils::{BeatTime, ClapId, SecondsTime};
use document_ext::{DOCUMENT_EXTENSION, DocumentExtension, DocumentStatus};
use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The effect's id.
pub const EFFECT: &CStr = c"audio.attacca.fx";
/// The instrument's id.
pub const SYNTH: &CStr = c"audio.attacca.synth";

/// What the plugin asked of the host.
#[derive(Default)]
pub struct Asked {
    /// A callback on the main thread is due.
    pub callback: AtomicBool,
    /// All flags of all rescans.
    pub rescans: AtomicU32,
    /// How often the project was marked as changed.
    pub dirty: AtomicU32,
}

/// The host's types.
pub struct TestHost;

/// Shared by all threads.
pub struct Shared(Arc<Asked>);

/// Of the main thread.
pub struct MainThread(Arc<Asked>);

impl HostHandlers for TestHost {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Shared) {
        builder.register::<HostParams>().register::<HostState>().register::<HostGui>();
    }
}

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {
        self.0.callback.store(true, Ordering::SeqCst);
    }
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

impl MainThreadHandler<'_> for MainThread {}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, flags: ParamRescanFlags) {
        self.0.rescans.fetch_or(flags.bits(), Ordering::SeqCst);
    }
    fn clear(&self, _id: ClapId, _flags: ParamClearFlags) {}
}

impl HostStateImpl for MainThread {
    fn mark_dirty(&self) {
        self.0.dirty.fetch_add(1, Ordering::SeqCst);
    }
}

impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, _size: GuiSize) -> Result<(), HostError> {
        Ok(())
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _was_destroyed: bool) {}
}

/// The plugin's file: cargo puts it one folder above the test's own executable, or beside it.
pub fn library() -> PathBuf {
    let name = format!("{}attacca{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let exe = std::env::current_exe().expect("a test has an executable");
    let found =
        exe.ancestors().skip(1).take(2).map(|folder| folder.join(&name)).find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!("no {name} beside {}: run `cargo build -p attacca` first", exe.display())
    })
}

/// Loads the plugin's file.
pub fn entry() -> PluginEntry {
    entry_from(&library())
}

/// Loads this plugin file.
pub fn entry_from(path: &std::path::Path) -> PluginEntry {
    // SAFETY: the library is ours; its initialisers do nothing.
    unsafe { PluginEntry::load(path) }.expect("the plugin file loads")
}

/// One instance in the host.
pub struct Rig {
    pub instance: PluginInstance<TestHost>,
    pub processor: Option<PluginAudioProcessor<TestHost>>,
    pub asked: Arc<Asked>,
    /// The song that goes on, if the host has one.
    pub song: Option<Song>,
    inputs: usize,
}

/// A song in four quarters at 120 beats a minute and 48 kHz.
#[derive(Default)]
pub struct Song {
    /// Frames since its start.
    pub frames: u64,
}

impl Song {
    /// Frames of a bar.
    pub const BAR: u64 = 96_000;

    fn transport(&self) -> TransportEvent {
        let beat = |frames: u64| BeatTime::from_float(frames as f64 * 4.0 / Self::BAR as f64);
        TransportEvent {
            header: EventHeader::new_core(0, EventFlags::empty()),
            flags: TransportFlags::HAS_TEMPO
                | TransportFlags::HAS_BEATS_TIMELINE
                | TransportFlags::HAS_TIME_SIGNATURE
                | TransportFlags::IS_PLAYING,
            song_pos_beats: beat(self.frames),
            song_pos_seconds: SecondsTime::from_int(0),
            tempo: 120.0,
            tempo_inc: 0.0,
            loop_start_beats: BeatTime::from_int(0),
            loop_end_beats: BeatTime::from_int(0),
            loop_start_seconds: SecondsTime::from_int(0),
            loop_end_seconds: SecondsTime::from_int(0),
            bar_start: beat(self.frames / Self::BAR * Self::BAR),
            bar_number: (self.frames / Self::BAR) as i32,
            time_signature_numerator: 4,
            time_signature_denominator: 4,
        }
    }
}

impl Rig {
    /// A new instance, not yet activated.
    pub fn new(entry: &PluginEntry, id: &CStr) -> Rig {
        let asked = Arc::new(Asked::default());
        let (shared, main) = (asked.clone(), asked.clone());
        let info = HostInfo::new("Attacca tests", "Attacca", "", "1").expect("names without zeros");
        let instance =
            PluginInstance::new(|_| Shared(shared), |_| MainThread(main), entry, id, &info)
                .expect("an instance");
        Rig {
            instance,
            processor: None,
            asked,
            song: None,
            inputs: if id == EFFECT { 2 } else { 0 },
        }
    }

    /// An active instance that plays `text`; the text has been compiled and swapped in.
    pub fn playing(entry: &PluginEntry, id: &CStr, rate: f64, text: &str) -> Rig {
        let mut rig = Rig::new(entry, id);
        assert!(rig.set_text(text));
        rig.activate(rate);
        rig.settle();
        rig
    }

    /// Activates and starts processing, with blocks of up to 8192 frames.
    pub fn activate(&mut self, rate: f64) {
        let config = PluginAudioConfiguration {
            sample_rate: rate,
            min_frames_count: 1,
            max_frames_count: 8192,
        };
        let stopped = self.instance.activate(|_, _| (), config).expect("it activates");
        let mut processor: PluginAudioProcessor<TestHost> = stopped.into();
        processor.ensure_processing_started().expect("it starts");
        self.processor = Some(processor);
    }

    /// Stops processing and deactivates.
    pub fn deactivate(&mut self) {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.into_stopped());
        }
    }

    /// Plays a block of silence.
    pub fn silence(&mut self, frames: usize) -> [Vec<f32>; 2] {
        self.process([vec![0.0; frames], vec![0.0; frames]], &EventBuffer::new())
    }

    /// Plays a block; gives what comes out.
    pub fn process(&mut self, input: [Vec<f32>; 2], events: &EventBuffer) -> [Vec<f32>; 2] {
        use clack_host::process::audio_buffers::{
            AudioPortBuffer, AudioPortBufferType, AudioPorts, InputChannel,
        };
        let frames = input[0].len();
        let mut input = input;
        let mut output = [vec![0.5f32; frames], vec![0.5f32; frames]];
        let (mut in_ports, mut out_ports) =
            (AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1));
        let port = AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                input.iter_mut().map(|channel| InputChannel::variable(channel.as_mut_slice())),
            ),
        };
        let in_audio = in_ports.with_input_buffers((self.inputs > 0).then_some(port));
        let mut out_audio = out_ports.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                output.iter_mut().map(|channel| channel.as_mut_slice()),
            ),
        }]);
        let mut out_events = EventBuffer::new();
        let transport = self.song.as_ref().map(Song::transport);
        if let Some(song) = &mut self.song {
            song.frames += frames as u64;
        }
        let processor = self.processor.as_mut().expect("it is active");
        let processor = processor.ensure_processing_started().expect("it is started");
        let mut out_events = OutputEvents::from_buffer(&mut out_events);
        processor
            .process(
                &in_audio,
                &mut out_audio,
                &InputEvents::from_buffer(events),
                &mut out_events,
                None,
                transport.as_ref(),
            )
            .expect("it processes");
        output
    }

    /// Does what the plugin asked for on the main thread.
    pub fn pump(&mut self) {
        if self.asked.callback.swap(false, Ordering::SeqCst) {
            self.instance.call_on_main_thread_callback();
        }
    }

    /// Plays silence until the newest text is compiled and, if accepted, swapped in.
    pub fn settle(&mut self) -> DocumentStatus {
        let end = Instant::now() + Duration::from_secs(20);
        let mut calm = 0;
        loop {
            if self.processor.is_some() {
                self.silence(64);
            }
            self.pump();
            let status = self.status();
            let swapped = self.processor.is_none() || status.accepted == 0 || status.swaps > 0;
            if status.compiling == 0 && status.compiles > 0 && swapped {
                calm += 1;
            }
            // A few more rounds: the report of a swap comes by the worker, after the swap.
            if calm > 20 {
                return status;
            }
            assert!(Instant::now() < end, "it never settled: {}", describe(&status));
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn document(&mut self) -> &'static DocumentExtension {
        let plugin = self.instance.raw_instance();
        let get = plugin.get_extension.expect("CLAP demands it");
        // SAFETY: a live instance, and the extension's name says what the pointer leads to.
        unsafe { get(plugin, DOCUMENT_EXTENSION.as_ptr()).cast::<DocumentExtension>().as_ref() }
            .expect("the document extension is there")
    }

    /// Replaces the program through the private extension.
    pub fn set_text(&mut self, text: &str) -> bool {
        self.set_bytes(text.as_bytes())
    }

    /// Hands over any bytes as the program's text.
    pub fn set_bytes(&mut self, bytes: &[u8]) -> bool {
        let set = self.document().set_text.expect("offered");
        // SAFETY: a live instance, and the bytes live through the call.
        unsafe { set(self.instance.raw_instance(), bytes.as_ptr().cast(), bytes.len() as u32) }
    }

    /// The program's text, through the private extension.
    pub fn text(&mut self) -> String {
        let get = self.document().get_text.expect("offered");
        let plugin = self.instance.raw_instance();
        // SAFETY: no room asks for the length only.
        let length = unsafe { get(plugin, std::ptr::null_mut(), 0) };
        let mut bytes = vec![0u8; length as usize];
        // SAFETY: the buffer is as long as it says.
        unsafe { get(plugin, bytes.as_mut_ptr().cast(), length) };
        String::from_utf8(bytes).expect("programs are UTF-8")
    }

    /// How the document stands, through the private extension.
    pub fn status(&mut self) -> DocumentStatus {
        let get = self.document().get_status.expect("offered");
        let mut status = std::mem::MaybeUninit::<DocumentStatus>::zeroed();
        // SAFETY: room for one status, which is filled when true comes back.
        unsafe {
            assert!(get(self.instance.raw_instance(), status.as_mut_ptr()));
            status.assume_init()
        }
    }

    /// The saved state.
    pub fn save(&mut self) -> Vec<u8> {
        let plugin = self.instance.plugin_handle();
        let state: PluginState = plugin.get_extension().expect("state is offered");
        let mut bytes = Vec::new();
        state.save(&plugin, &mut bytes).expect("it saves");
        bytes
    }

    /// Loads a state; false if the plugin refused it.
    pub fn load(&mut self, mut bytes: &[u8]) -> bool {
        let plugin = self.instance.plugin_handle();
        let state: PluginState = plugin.get_extension().expect("state is offered");
        state.load(&plugin, &mut bytes).is_ok()
    }

    /// Name, value and value text of a parameter slot.
    pub fn param(&mut self, slot: u32) -> (String, f64, String) {
        let plugin = self.instance.plugin_handle();
        let params: PluginParams = plugin.get_extension().expect("parameters are offered");
        let mut buffer = ParamInfoBuffer::new();
        let info = params.get_info(&plugin, slot, &mut buffer).expect("the slot exists");
        let (id, name) = (info.id, String::from_utf8_lossy(info.name).into_owned());
        assert_eq!((info.min_value, info.max_value, info.default_value), (0.0, 1.0, 0.5));
        let value = params.get_value(&plugin, id).expect("it has a value");
        let mut room = [0u8; 64];
        let text = params.value_to_text(&plugin, id, value, &mut room).expect("it has a text");
        let text = String::from_utf8_lossy(text).trim_end_matches('\0').to_owned();
        (name, value, text)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.deactivate();
    }
}

/// The id of parameter `v_n`, n = slot + 1: the hash that hosts have stored.
pub fn param_id(slot: u32) -> ClapId {
    let hash = format!("v_{}", slot + 1)
        .bytes()
        .fold(0u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    ClapId::new(hash & !(1 << 31))
}

/// An event that moves a parameter.
pub fn turn(offset: u32, slot: u32, value: f64) -> ParamValueEvent {
    ParamValueEvent::new(offset, param_id(slot), Pckn::match_all(), value)
}

/// The status in words, for failures.
pub fn describe(status: &DocumentStatus) -> String {
    format!(
        "state {} compiling {} compiles {} swaps {} accepted {} errors {} message {:?}",
        status.state,
        status.compiling,
        status.compiles,
        status.swaps,
        status.accepted,
        status.errors,
        words(&status.message)
    )
}

/// A zero-terminated text of the status.
pub fn words(field: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = field.iter().take_while(|c| **c != 0).map(|c| *c as u8).collect();
    CString::new(bytes).map_or(String::new(), |text| text.to_string_lossy().into_owned())
}
