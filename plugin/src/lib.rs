//! Attacca, the plugin: an effect and an instrument whose sound is a program that you edit while it plays.
//!
//! This file is the life of an instance: made, activated, processing, destroyed. `process` runs the
//! engine's processor and nothing else; compiling happens on the [`worker`], text and messages live
//! in [`shared`], the window is in [`editor`] and [`window`], and everything about CLAP itself is in
//! [`clap`].

mod assistant;
pub mod clap;
mod compiles;
mod console;
pub mod document;
pub mod editor;
mod events;
mod handoff;
mod job;
mod kind;
mod meter;
mod params;
mod report;
mod reproduction;
mod scopes;
mod shared;
pub mod slots;
mod window;
mod worker;

use crate::events::EventList;
use crate::handoff::Taking;
use crate::kind::Kind;
use crate::meter::Meter;
use crate::params::PluginParams;
use crate::shared::{AudioState, Shared};
use crate::window::Window;
use crate::worker::Worker;
use attacca_engine::{LoadWatch, Processor, Status};
use nice_plug::prelude::{
    ActivateContext, AsyncExecutor, AudioIOLayout, AuxiliaryBuffers, Buffer, BufferConfig,
    ClapFeature, ClapPlugin, MidiConfig, Params, Plugin, PortNames, ProcessContext, ProcessMode,
    ProcessStatus, new_nonzero_u32,
};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

clap_wrapper::export_vst3!();

/// How long activation waits for a compile in flight.
const PATIENCE: Duration = Duration::from_millis(250);

thread_local! {
    /// The shared part of the instance that was made last on this thread: the CLAP layer takes it
    /// right after it has made an instance.
    static NEWEST: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

/// Takes the shared part of the instance that was just made on this thread.
fn take_newest() -> Option<Arc<Shared>> {
    NEWEST.with(|newest| newest.borrow_mut().take())
}

/// One instance: the audio side of a session, and the worker that compiles for it.
pub struct Attacca<const INSTRUMENT: bool> {
    shared: Arc<Shared>,
    params: Arc<PluginParams>,
    audio: Audio,
    /// Last, so that the thread ends after everything else of the instance.
    _worker: Worker,
}

/// The effect: stereo in, stereo out.
pub type Effect = Attacca<false>;

/// The instrument: MIDI in, stereo out.
pub type Instrument = Attacca<true>;

/// What `process` works with.
struct Audio {
    processor: Box<Processor>,
    /// Brings another processor: of a recording that begins.
    fresh: Taking,
    events: EventList,
    /// Hertz, for the load meter.
    rate: f32,
    /// Stops a program that is too slow.
    watch: LoadWatch,
    /// Whether the host waits for the sound of each block.
    mode: ProcessMode,
    /// A panic was caught: the instance stays as if it had no program.
    broken: bool,
}

impl<const INSTRUMENT: bool> Default for Attacca<INSTRUMENT> {
    fn default() -> Self {
        let kind = if INSTRUMENT { Kind::Instrument } else { Kind::Effect };
        let (shared, inbox) = Shared::new(kind);
        let (worker, processor, fresh) = Worker::start(kind, &shared, inbox);
        NEWEST.with(|newest| *newest.borrow_mut() = Some(Arc::clone(&shared)));
        let audio = Audio {
            processor: Box::new(processor),
            fresh,
            events: EventList::new(),
            rate: 48_000.0,
            watch: LoadWatch::new(f64::from(document::PATIENCE)),
            mode: ProcessMode::Realtime,
            broken: false,
        };
        Attacca { params: Arc::new(PluginParams::new(&shared)), shared, audio, _worker: worker }
    }
}

const EFFECT_PORTS: &[AudioIOLayout] = &[AudioIOLayout {
    main_input_channels: Some(new_nonzero_u32(2)),
    main_output_channels: Some(new_nonzero_u32(2)),
    aux_input_ports: &[],
    aux_output_ports: &[],
    names: PortNames { layout: Some("Stereo"), ..PortNames::const_default() },
}];

const INSTRUMENT_PORTS: &[AudioIOLayout] = &[AudioIOLayout {
    main_input_channels: None,
    main_output_channels: Some(new_nonzero_u32(2)),
    aux_input_ports: &[],
    aux_output_ports: &[],
    names: PortNames { layout: Some("Stereo"), ..PortNames::const_default() },
}];

impl<const INSTRUMENT: bool> Plugin for Attacca<INSTRUMENT> {
    const NAME: &'static str = if INSTRUMENT { "Attacca Synth" } else { "Attacca" };
    const VENDOR: &'static str = "Attacca";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] =
        if INSTRUMENT { INSTRUMENT_PORTS } else { EFFECT_PORTS };
    const MIDI_INPUT: MidiConfig = MidiConfig::MidiCCs;
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    type Editor = Window;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Window> {
        Window::new(Self::NAME, &self.shared, &self.params)
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        self.audio.rate = config.sample_rate;
        self.audio.mode = config.process_mode;
        self.audio.watch.restart();
        self.shared.activate(f64::from(config.sample_rate), PATIENCE);
        self.audio.begin(&self.shared.meter);
        // Nothing plays yet: the program that came in the meantime need not wait for the first block.
        self.audio.processor.apply_pending();
        true
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let began = Instant::now();
        let (audio, shared) = (&mut self.audio, &*self.shared);
        audio.begin(&shared.meter);
        audio.events.start(&shared.slots);
        audio.events.transport(context.transport());
        while let Some(event) = context.next_event() {
            audio.events.add(&event);
        }
        let state = audio.run(buffer.as_slice());
        shared.meter.set_playing(state);
        shared.meter.look_at(&audio.processor);
        let available = buffer.samples() as f32 / audio.rate;
        let spent = began.elapsed().as_secs_f32();
        shared.meter.add_load(spent / available.max(1e-6));
        audio.watch_load(state, spent, available, shared.meter.patience());
        ProcessStatus::KeepAlive
    }
}

impl Audio {
    /// Lets another processor take over if one has come, from nothing; or does what a reset asks for,
    /// before a program that comes after it.
    fn begin(&mut self, meter: &Meter) {
        if self.fresh.exchange(&mut self.processor) {
            self.events.forget();
            self.watch.restart();
            self.broken = false;
            // It is as after a reset already.
            meter.reset.store(false, Ordering::Relaxed);
        } else if meter.reset.swap(false, Ordering::Relaxed) {
            self.events.all_notes_off();
            self.processor.mute();
        }
    }

    /// Stops a program that has been too slow for too long, in seconds. A render may take its time.
    fn watch_load(&mut self, state: AudioState, spent: f32, available: f32, patience: f32) {
        let waits = match self.mode {
            ProcessMode::Realtime | ProcessMode::Buffered => true,
            ProcessMode::Offline => false,
        };
        if !waits || patience <= 0.0 || state != AudioState::Playing {
            return self.watch.restart();
        }
        self.watch.set_patience(f64::from(patience));
        if self.watch.add(f64::from(spent), f64::from(available)) {
            self.processor.stop_too_slow();
        }
    }

    /// Renders a block of any length in place. A panic stops the program for good and passes on what
    /// is in the channels; nice-plug's callbacks must never unwind.
    fn run(&mut self, channels: &mut [&mut [f32]]) -> AudioState {
        if self.broken {
            return AudioState::Faulted;
        }
        match catch_unwind(AssertUnwindSafe(|| {
            self.processor.process(channels, self.events.as_slice())
        })) {
            Ok(Status::Playing) => AudioState::Playing,
            Ok(Status::Idle) => AudioState::Idle,
            Ok(Status::Faulted) => AudioState::Faulted,
            Err(_) => {
                self.broken = true;
                AudioState::Faulted
            }
        }
    }
}

impl ClapPlugin for Effect {
    const CLAP_ID: &'static str = "audio.attacca.fx";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("An effect whose sound is a program you edit while it plays");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::AudioEffect, ClapFeature::MultiEffects, ClapFeature::Stereo];
}

impl ClapPlugin for Instrument {
    const CLAP_ID: &'static str = "audio.attacca.synth";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("An instrument whose sound is a program you edit while it plays");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::Instrument, ClapFeature::Synthesizer, ClapFeature::Stereo];
}
