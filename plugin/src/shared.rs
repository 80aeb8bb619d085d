//! What the parts of one plugin instance share: document, messages, parameter slots, meters.
//!
//! The host's main thread, the window and the worker meet here behind short locks; the audio
//! thread touches only the atomics (`slots` values, `meter`). Requests to the host go through a
//! link that the CLAP layer sets and cuts; no lock is held while the host is called.

mod shown;

use crate::console::Console;
use crate::document::{Loaded, Settings};
use crate::editor::{Message, Severity, Span, SwapAt};
use crate::job::{Job, Origin, Parameters, Wanted};
use crate::kind::Kind;
pub(crate) use crate::meter::AudioState;
use crate::meter::{CHANNELS, Meter};
use crate::scopes::Scopes;
use crate::slots::{Move, Slots};
use attacca_engine::ProbeValues;
use crossbeam_channel::{Receiver, Sender};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Ask the host to read names and texts of the parameters again.
pub(crate) const REQUEST_INFO: u32 = 1;
/// Tell the host that the project has changed.
pub(crate) const REQUEST_DIRTY: u32 = 2;
/// Set parameter values that follow their names.
pub(crate) const REQUEST_VALUES: u32 = 4;

/// The sample rate until the host names one, in hertz.
pub(crate) const FIRST_RATE: f64 = 48_000.0;

/// A way to have the host call us on its main thread.
pub(crate) trait HostLink: Send {
    /// Asks for the call; returns at once.
    fn call_me(&self);
}

struct State {
    text: Arc<str>,
    settings: Settings,
    /// The program was stopped by a fault when its session was saved: it waits for the user.
    held: bool,
    /// Grows when the text is replaced from outside the window.
    revision: u64,
    /// The serial of the newest text handed to the worker, and of the newest that it finished.
    asked: u64,
    done: u64,
    /// The text that was last handed to the worker: the window may hold a newer one.
    compiled: Option<Arc<str>>,
    /// The sample rate that the worker was told, in hertz.
    rate: f64,
    console: Console,
    moves: Vec<Move>,
    /// How often each channel had been held back when the user last looked.
    looked: [[u32; 2]; CHANNELS],
    /// When the window was last drawn.
    drawn: Option<Instant>,
}

impl State {
    fn wanted(&self) -> Wanted {
        let Settings { record, backend, .. } = &self.settings;
        Wanted { record: *record, backend: backend.clone() }
    }
}

/// The shared part of one instance.
pub(crate) struct Shared {
    /// Effect or instrument.
    pub(crate) kind: Kind,
    /// The parameter slots.
    pub(crate) slots: Arc<Slots>,
    /// What the audio thread tells.
    pub(crate) meter: Meter,
    state: Mutex<State>,
    /// What the probes show. Never locked together with `state`.
    scopes: Mutex<Scopes>,
    finished: Condvar,
    jobs: Sender<Job>,
    link: Mutex<Option<Box<dyn HostLink>>>,
    requests: AtomicU32,
}

impl Shared {
    /// The shared part of a new instance with its kind's first program, and the worker's end of the
    /// job queue. Nothing is compiled yet.
    pub(crate) fn new(kind: Kind) -> (Arc<Shared>, Receiver<Job>) {
        let (jobs, inbox) = crossbeam_channel::unbounded();
        let state = State {
            text: kind.first_program().into(),
            settings: Settings::default(),
            held: false,
            revision: 1,
            asked: 0,
            done: 0,
            rate: FIRST_RATE,
            compiled: None,
            console: Console::default(),
            moves: Vec::new(),
            looked: [[0; 2]; CHANNELS],
            drawn: None,
        };
        let shared = Shared {
            kind,
            slots: Arc::new(Slots::new()),
            meter: Meter::new(),
            state: Mutex::new(state),
            scopes: Mutex::default(),
            finished: Condvar::new(),
            jobs,
            link: Mutex::new(None),
            requests: AtomicU32::new(0),
        };
        (Arc::new(shared), inbox)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, job: Job) {
        // The worker is gone only while the instance is being destroyed: then nobody waits for it.
        drop(self.jobs.send(job));
    }

    /// Ends the worker after what it is doing.
    pub(crate) fn stop_worker(&self) {
        self.send(Job::Stop);
    }

    /// The program's text.
    pub(crate) fn text(&self) -> Arc<str> {
        self.state().text.clone()
    }

    /// The settings, with the controls as they are now.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = self.state().settings.clone();
        settings.controls = self.slots.in_use();
        settings
    }

    /// Number and text of the document as it was last replaced from outside the window, if that was
    /// after `revision`.
    pub(crate) fn newer_than(&self, revision: u64) -> Option<(u64, Arc<str>, Settings)> {
        let state = self.state();
        (state.revision != revision)
            .then(|| (state.revision, state.text.clone(), state.settings.clone()))
    }

    /// Keeps the window's text with the session.
    pub(crate) fn edit(&self, text: &str) {
        self.state().text = text.into();
        self.request(REQUEST_DIRTY);
    }

    /// Switches live compiling; saved with the session.
    pub(crate) fn set_live(&self, live: bool) {
        self.state().settings.live = live;
        self.request(REQUEST_DIRTY);
    }

    /// Opens or closes the OSC port; saved with the session.
    pub(crate) fn set_osc(&self, osc: bool) {
        self.state().settings.osc = osc;
        self.send(Job::Osc(osc));
        self.request(REQUEST_DIRTY);
    }

    /// Chooses when edits take over; saved with the session.
    pub(crate) fn set_swap(&self, swap: SwapAt) {
        self.state().settings.swap = swap;
        self.send(Job::Swap(swap));
        self.request(REQUEST_DIRTY);
    }

    /// Sets the level in dBFS at which the output is held; saved with the session.
    pub(crate) fn set_ceiling(&self, ceiling: Option<f32>) {
        let mut state = self.state();
        state.settings.ceiling = ceiling;
        let level = state.settings.level();
        drop(state);
        self.send(Job::Ceiling(level));
        self.request(REQUEST_DIRTY);
    }

    /// Sets how many seconds a program may be slower than real time; saved with the session.
    pub(crate) fn set_patience(&self, seconds: f32) {
        self.state().settings.patience = seconds;
        self.meter.set_patience(seconds);
        self.request(REQUEST_DIRTY);
    }

    /// Records from now on, with a fresh instance of the program, or no longer; saved with the session.
    pub(crate) fn set_record(&self, record: bool) {
        let mut state = self.state();
        state.settings.record = record;
        self.send(Job::Renew(state.wanted()));
        drop(state);
        self.request(REQUEST_DIRTY);
    }

    /// Saves what was recorded; the console says where.
    pub(crate) fn save_recording(&self) {
        self.send(Job::SaveRecording);
    }

    /// Sets where the program's files are, and compiles it again; saved with the session.
    pub(crate) fn set_folder(&self, folder: &str) {
        let mut state = self.state();
        folder.clone_into(&mut state.settings.folder);
        let copies = state.settings.files.clone();
        self.send(Job::Files { folder: folder.to_owned(), copies, again: !state.held });
        drop(state);
        self.request(REQUEST_DIRTY);
    }

    /// Chooses how much of the probes is shown; saved with the session.
    pub(crate) fn set_span(&self, span: Span) {
        self.state().settings.span = span;
        self.request(REQUEST_DIRTY);
    }

    /// Forgets how often the output was held back.
    pub(crate) fn clear_guard(&self) {
        self.state().looked = self.meter.held();
    }

    /// Runs the program that was stopped, from its beginning.
    pub(crate) fn run_again(&self) {
        let state = self.state();
        let never = state.held || state.compiled.is_none();
        let text = state.compiled.clone().unwrap_or_else(|| state.text.clone());
        drop(state);
        if never {
            self.hand_over(text, Origin::Edit);
        } else {
            self.send(Job::Again);
        }
    }

    /// Compiles the window's text.
    pub(crate) fn compile(&self, text: &str) {
        self.ask(text.into(), Origin::Edit);
    }

    /// Replaces the text from outside the window and compiles it.
    pub(crate) fn replace(&self, text: &str) {
        self.state().revision += 1;
        self.ask(text.into(), Origin::Edit);
        self.request(REQUEST_DIRTY);
    }

    /// Takes over what was saved; gives back whether there was a program. Returns at once.
    pub(crate) fn load(&self, loaded: Loaded) -> bool {
        let Loaded { text, settings, values: _, notes } = loaded;
        let mut state = self.state();
        state.console.notes = notes;
        let Some(text) = text else { return false };
        state.revision += 1;
        self.slots.install(&settings.controls);
        self.send(Job::Names(settings.names.clone()));
        self.send(Job::Osc(settings.osc));
        self.send(Job::Swap(settings.swap));
        self.send(Job::Ceiling(settings.level()));
        let (folder, copies) = (settings.folder.clone(), settings.files.clone());
        self.send(Job::Files { folder, copies, again: false });
        self.meter.set_patience(settings.patience);
        state.held = !settings.faulted.is_empty();
        let before = state.wanted();
        if state.held {
            // What plays belongs to another session.
            self.send(Job::Hold);
            state.compiled = None;
            // Nobody waits for what was asked for before.
            state.done = state.asked;
            let reason = &settings.faulted;
            let mut message = Message::general(
                Severity::Error,
                format!("This program had stopped when its session was saved: {reason}."),
            );
            message.help = "it is not run by itself".to_owned();
            state.console.fault = Some(message);
        }
        state.settings = settings;
        state.moves.clear();
        let wanted = state.wanted();
        if wanted.record || wanted != before {
            self.send(Job::Renew(wanted));
        }
        drop(state);
        self.ask(text.into(), Origin::Session);
        true
    }

    fn ask(&self, text: Arc<str>, origin: Origin) {
        self.state().text = text.clone();
        self.hand_over(text, origin);
    }

    fn hand_over(&self, text: Arc<str>, origin: Origin) {
        let mut state = self.state();
        match origin {
            Origin::Edit => state.held = false,
            Origin::Session if state.held => return,
            Origin::Session => {}
        }
        state.compiled = Some(text.clone());
        state.asked += 1;
        let serial = state.asked;
        // Sent under the lock, so that serials arrive in order.
        self.send(Job::Text { serial, text, origin, asked: Instant::now() });
    }

    /// Prepares for playing at `rate` hertz: has the text compiled for it, and waits at most `patience`.
    pub(crate) fn activate(&self, rate: f64, patience: Duration) {
        let mut state = self.state();
        let record = state.settings.record;
        let stale = state.asked == 0 || state.rate != rate || record;
        if state.rate != rate {
            state.rate = rate;
            self.send(Job::Rate(rate));
        }
        if record {
            self.send(Job::Renew(state.wanted()));
        }
        let text = state.compiled.clone().unwrap_or_else(|| state.text.clone());
        drop(state);
        if stale {
            self.hand_over(text, Origin::Session);
        }
        self.wait(patience);
    }

    /// Waits until the newest text is compiled, but not longer than `patience`.
    fn wait(&self, patience: Duration) {
        let end = Instant::now() + patience;
        let mut state = self.state();
        while state.done < state.asked {
            let now = Instant::now();
            if now >= end {
                return;
            }
            let waited = self.finished.wait_timeout(state, end - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Notes a finished compile: called by the worker.
    pub(crate) fn finish(
        &self,
        serial: u64,
        origin: Origin,
        program: Option<Parameters<'_>>,
        write: impl FnOnce(&mut Console),
    ) {
        let mut state = self.state();
        state.console.compiles += 1;
        state.done = state.done.max(serial);
        // Of the session that was open before: nobody asks for it any more.
        let program = program.filter(|_| !state.held);
        if !state.held {
            write(&mut state.console);
        }
        let moves = program.map(|program| {
            state.settings.names = program.names;
            state.settings.files = program.files;
            self.slots.install(program.controls)
        });
        let mut requests = 0;
        if let Some(moves) = moves {
            requests |= REQUEST_INFO;
            if origin == Origin::Edit && !moves.is_empty() {
                state.moves = moves;
                requests |= REQUEST_VALUES;
            }
        }
        drop(state);
        self.finished.notify_all();
        if requests != 0 {
            self.request(requests);
        }
    }

    /// Notes something that happened while sound runs: called by the worker.
    pub(crate) fn note(&self, write: impl FnOnce(&mut Console)) {
        write(&mut self.state().console);
    }

    /// Notes that the program was stopped: called by the worker.
    pub(crate) fn stopped(&self, fault: Message) {
        let mut state = self.state();
        state.settings.faulted.clone_from(&fault.text);
        state.console.fault = Some(fault);
        drop(state);
        self.request(REQUEST_DIRTY);
    }

    /// Notes that a program took over in the callback, in microseconds: called by the worker.
    pub(crate) fn swapped(&self, micros: f64) {
        let mut state = self.state();
        state.console.swaps += 1;
        state.console.swap_us = Some(micros);
        if !state.held {
            state.console.fault = None;
            state.settings.faulted.clear();
        }
    }

    /// Takes what the probes have shown: called by the worker.
    pub(crate) fn show_probes(&self, values: Vec<ProbeValues>) {
        self.scopes().add(values);
    }

    /// Whether somebody looks at the window: only then is it worth collecting what probes show.
    pub(crate) fn is_looked_at(&self) -> bool {
        self.state().drawn.is_some_and(|drawn| drawn.elapsed() < Duration::from_secs(1))
    }

    fn scopes(&self) -> MutexGuard<'_, Scopes> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the audio side does; a program that was put in the place of a held one is none.
    pub(crate) fn playing(&self) -> AudioState {
        match self.meter.playing() {
            AudioState::Playing if self.state().held => AudioState::Idle,
            now @ (AudioState::Idle | AudioState::Playing | AudioState::Faulted) => now,
        }
    }

    /// Another processor is on its way: what the old one counted does not count. Called by the worker.
    pub(crate) fn renewed(&self) {
        self.state().looked = [[0; 2]; CHANNELS];
    }

    /// A copy of what was said.
    pub(crate) fn console(&self) -> Console {
        self.state().console.clone()
    }

    /// True while a text waits for its compile or is being compiled.
    pub(crate) fn is_compiling(&self) -> bool {
        let state = self.state();
        state.done < state.asked
    }

    /// Parameter values to set on the main thread; taken once.
    pub(crate) fn take_moves(&self) -> Vec<Move> {
        std::mem::take(&mut self.state().moves)
    }

    /// Connects to the host, or cuts the connection.
    pub(crate) fn set_link(&self, link: Option<Box<dyn HostLink>>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }

    /// Asks the host to let us do something on its main thread. Never from the audio thread.
    pub(crate) fn request(&self, what: u32) {
        self.requests.fetch_or(what, Ordering::AcqRel);
        if let Some(link) = &*self.link.lock().unwrap_or_else(PoisonError::into_inner) {
            link.call_me();
        }
    }

    /// What was requested since the last call.
    pub(crate) fn take_requests(&self) -> u32 {
        self.requests.swap(0, Ordering::AcqRel)
    }

    /// All messages, the most important first.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let state = self.state();
        let console = &state.console;
        let mut messages: Vec<Message> = console.fault.iter().cloned().collect();
        messages.extend(console.diagnostics.iter().cloned());
        messages.extend(console.reports.iter().cloned());
        messages.extend(console.notes.iter().cloned());
        messages
    }

    /// How many errors the last compile reported, and the first message of all.
    pub(crate) fn first_message(&self) -> (u32, Option<Message>) {
        let console = self.console();
        let errors = console
            .diagnostics
            .iter()
            .filter(|message| message.severity == Severity::Error)
            .count();
        (u32::try_from(errors).unwrap_or(u32::MAX), self.messages().into_iter().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_program_runs_when_it_is_asked_for() {
        let (shared, inbox) = Shared::new(Kind::Instrument);
        let settings = Settings { faulted: "it is too slow".into(), ..Settings::default() };
        let text = Some("fn dsp() { 0 }".to_owned());
        assert!(shared.load(Loaded { text, settings, ..Loaded::default() }));
        shared.activate(44_100.0, Duration::ZERO);
        let texts = |job: Job| matches!(job, Job::Text { text, .. } if &*text == "fn dsp() { 0 }");
        assert!(!inbox.try_iter().any(texts), "it waits for the user");
        assert!(shared.snapshot().stopped);
        shared.run_again();
        assert!(inbox.try_iter().any(texts));
    }

    #[test]
    fn a_late_compile_of_another_session_says_nothing_of_a_held_one() {
        let (shared, _inbox) = Shared::new(Kind::Instrument);
        shared.compile("fn dsp() { 1 }");
        let settings = Settings {
            faulted: "it is too slow".into(),
            names: vec!["kept".into()],
            ..Settings::default()
        };
        let text = Some("fn dsp() { 0 }".to_owned());
        assert!(shared.load(Loaded { text, settings, ..Loaded::default() }));
        let late = || Parameters { controls: &[], files: Vec::new(), names: Vec::new() };
        shared.finish(1, Origin::Edit, Some(late()), |console| console.fault = None);
        assert!(!shared.is_compiling());
        assert!(shared.first_message().1.is_some_and(|it| it.text.contains("too slow")));
        assert_eq!(shared.settings().names, ["kept"]);
        shared.compile("fn dsp() { 2 }");
        shared.finish(2, Origin::Edit, Some(late()), |console| console.fault = None);
        assert_eq!(shared.first_message().1, None);
        assert!(shared.settings().names.is_empty());
    }
}
