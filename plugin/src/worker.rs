//! The worker: one thread per instance that compiles and collects.
//!
//! Takes jobs from a channel (the newest text wins), gives programs to the audio side through the
//! session, and tells the results to [`Shared`]. Compiles again when a file that the program uses has
//! changed. Collects what is recorded and saves it. A panic of the compiler is caught, reported as our bug, and a reproduction is saved in the folder of the user's data. Dropping the [`Worker`] ends the
//! thread and waits for it.

use crate::editor::{Message, Severity, SwapAt};
use crate::handoff::{Giving, Taking, handoff};
use crate::job::{Job, Origin, Parameters, Wanted};
use crate::kind::Kind;
use crate::report::{message_of, slot_of, tell, when_of};
use crate::reproduction;
use crate::shared::{AudioState, FIRST_RATE, Shared};
use crate::slots::Slot;
use attacca_engine::osc::{self, Listener};
use attacca_engine::{
    FileCopy, Files, Hz, Processor, ProcessorSettings, Session, Target, Update, When,
};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest block that the processor is given at once, in frames.
pub(crate) const MAX_FRAMES: usize = 2048;

/// How often the session is polled while something is on its way.
const BUSY: Duration = Duration::from_millis(5);

/// How often it is polled while a program plays, for faults and resets.
const CALM: Duration = Duration::from_millis(20);

/// How often the files that a program uses are looked at.
const FILES: Duration = Duration::from_millis(500);

/// Owner of the thread.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread of an instance; gives the audio side of its session, and what brings others.
    pub(crate) fn start(
        kind: Kind,
        shared: &Arc<Shared>,
        inbox: Receiver<Job>,
    ) -> (Worker, Processor, Taking) {
        let (giving, taking) = handoff();
        let (desk, processor) = Desk::new(kind, Arc::clone(shared), giving);
        let thread = std::thread::Builder::new()
            .name("attacca worker".into())
            .spawn(move || desk.run(&inbox));
        if thread.is_err() {
            let text = "The system gave no thread for the compiler; programs can't be compiled.";
            shared.note(|console| console.notes.push(Message::general(Severity::Error, text)));
        }
        (Worker { shared: Arc::clone(shared), thread: thread.ok() }, processor, taking)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.stop_worker();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already shown by the panic hook; there is nobody to tell here.
            drop(thread.join());
        }
    }
}

/// What a look into the inbox brought.
#[derive(Default)]
struct Work {
    text: Option<(u64, Arc<str>, Origin)>,
    names: Option<Vec<String>>,
    rate: Option<f64>,
    osc: Option<bool>,
    swap: Option<SwapAt>,
    ceiling: Option<f64>,
    files: Option<(String, Vec<FileCopy>)>,
    renew: Option<Wanted>,
    /// The last text is compiled again.
    anew: bool,
    /// The newest program starts again.
    again: bool,
    /// What plays must not go on.
    hold: bool,
    /// The recording is saved.
    save: bool,
    stop: bool,
}

impl Work {
    fn take(&mut self, job: Job) {
        match job {
            Job::Text { serial, text, origin } => self.text = Some((serial, text, origin)),
            Job::Names(names) => self.names = Some(names),
            Job::Rate(rate) => self.rate = Some(rate),
            Job::Osc(on) => self.osc = Some(on),
            Job::Swap(swap) => self.swap = Some(swap),
            Job::Ceiling(level) => self.ceiling = Some(level),
            Job::Files { folder, copies, again } => {
                self.files = Some((folder, copies));
                self.anew |= again;
            }
            Job::Renew(wanted) => self.renew = Some(wanted),
            Job::Again => self.again = true,
            Job::Hold => {
                // A text that was asked for before belongs to what is held.
                (self.hold, self.text) = (true, None);
            }
            Job::SaveRecording => self.save = true,
            Job::Stop => self.stop = true,
        }
    }
}

/// What every session of the instance is told.
struct Given {
    wanted: Wanted,
    rate: f64,
    swap: SwapAt,
    /// The output guard's ceiling, linear; `None` before the first was set.
    ceiling: Option<f64>,
    folder: String,
    copies: Vec<FileCopy>,
}

/// The thread's own things.
struct Desk {
    kind: Kind,
    shared: Arc<Shared>,
    session: Session,
    giving: Giving,
    given: Given,
    osc: Option<Listener>,
    /// A ceiling that found no room on its way yet.
    ceiling: Option<f64>,
    /// The text that was compiled last.
    last: Option<(u64, Arc<str>)>,
    /// The text that became a program last.
    accepted: Option<Arc<str>>,
    /// When the files were looked at.
    looked: Instant,
}

impl Desk {
    fn new(kind: Kind, shared: Arc<Shared>, giving: Giving) -> (Self, Processor) {
        let given = Given {
            wanted: Wanted { record: false, backend: String::new() },
            rate: FIRST_RATE,
            swap: SwapAt::Once,
            ceiling: None,
            folder: String::new(),
            copies: Vec::new(),
        };
        let (mut session, processor) = make(kind, &given);
        session.set_files(Files::from_environment());
        let desk = Self {
            kind,
            shared,
            session,
            giving,
            given,
            osc: None,
            ceiling: None,
            last: None,
            accepted: None,
            looked: Instant::now(),
        };
        (desk, processor)
    }

    fn run(mut self, inbox: &Receiver<Job>) {
        loop {
            let mut work = self.wait(inbox);
            if work.stop {
                return;
            }
            self.settle(&mut work);
            if work.hold {
                self.hold(work.renew.is_some());
            }
            if let Some(wanted) = work.renew.take() {
                self.renew(wanted);
            }
            if self.shared.meter.fresh.swap(false, Ordering::Acquire) || work.again {
                self.session.restart();
            }
            self.compile_due(&work);
            for notice in self.session.poll() {
                tell(&self.shared, notice);
            }
            self.giving.poll();
            self.tell_of_recording(work.save);
            if self.shared.is_looked_at() {
                self.shared.show_probes(self.session.probes());
            }
        }
    }

    /// Passes on what was set.
    fn settle(&mut self, work: &mut Work) {
        match work.osc {
            Some(true) if self.osc.is_none() => self.osc = listen(&self.shared),
            Some(false) => self.osc = None,
            Some(true) | None => {}
        }
        if let Some(osc) = &mut self.osc {
            osc.poll(|name, value| {
                // Names that no control has are for other listeners.
                self.session.set_control(name, value);
            });
        }
        if let Some(rate) = work.rate {
            self.given.rate = rate;
            self.session.set_rate(Hz(rate));
        }
        if let Some(names) = work.names.take() {
            self.session.restore_slots(names);
        }
        if let Some(swap) = work.swap {
            self.given.swap = swap;
            self.session.set_when(when_of(swap));
        }
        self.given.ceiling = work.ceiling.or(self.given.ceiling);
        self.ceiling = work.ceiling.or(self.ceiling);
        self.ceiling = self.ceiling.filter(|level| !self.session.set_ceiling(*level));
        if let Some((folder, copies)) = work.files.take() {
            (self.given.folder, self.given.copies) = (folder, copies);
            self.session.set_files(files_of(&self.given));
            self.tell_of_folder();
        }
    }

    /// Stops what plays, for good: its session is not the one that is open. With a new processor on its
    /// way there is nothing to stop.
    fn hold(&mut self, renewed: bool) {
        let plays = self.accepted.take().is_some();
        self.last = None;
        if plays && !renewed {
            self.session.set_when(When::AtOnce);
            self.session.update(self.kind.empty_program());
            self.session.set_when(when_of(self.given.swap));
        }
    }

    /// Begins with a new processor, which plays what played, from its beginning. One that only has to
    /// record no more goes on.
    fn renew(&mut self, wanted: Wanted) {
        let goes_on = !wanted.record && wanted.backend == self.given.wanted.backend;
        self.given.wanted = wanted;
        if goes_on {
            self.session.stop_recording();
            return;
        }
        let names = self.session.slot_names();
        let (session, processor) = make(self.kind, &self.given);
        self.session = session;
        self.session.restore_slots(names);
        self.session.set_files(files_of(&self.given));
        self.session.set_when(when_of(self.given.swap));
        self.ceiling = self.given.ceiling.filter(|level| !self.session.set_ceiling(*level));
        if let Some(text) = &self.accepted {
            let again = catch_unwind(AssertUnwindSafe(|| self.session.update(text)));
            // It was a program before; if it breaks the compiler now, its next compile tells.
            drop(again);
        }
        self.shared.renewed();
        self.giving.give(processor);
    }

    /// Compiles a text that has come, or the last one again if a file that it uses has changed.
    fn compile_due(&mut self, work: &Work) {
        if let Some((serial, text, origin)) = &work.text {
            self.last = Some((*serial, Arc::clone(text)));
            self.compile(*serial, text, *origin);
        } else if (work.anew || self.looked.elapsed() >= FILES)
            && let Some((serial, text)) = self.last.clone()
            && (work.anew || self.session.files_changed())
        {
            self.compile(serial, &text, Origin::Edit);
        } else if self.looked.elapsed() < FILES {
            return;
        }
        self.looked = Instant::now();
        self.tell_of_folder();
    }

    /// Says whether a folder was named that is not there.
    fn tell_of_folder(&self) {
        let folder = &self.given.folder;
        let missing = !folder.is_empty() && !Path::new(folder).is_dir();
        self.shared.note(|console| console.no_folder = missing);
    }

    fn compile(&mut self, serial: u64, text: &Arc<str>, origin: Origin) {
        if compile(&mut self.session, &self.shared, serial, text, origin) {
            self.accepted = Some(Arc::clone(text));
        }
    }

    /// Says how the recording stands; saves it if that is asked for.
    fn tell_of_recording(&mut self, save: bool) {
        let Some((bytes, over)) = self.session.recorded_bytes() else { return };
        let over = over.to_owned();
        self.shared.note(|console| (console.tape.bytes, console.tape.over) = (bytes, over));
        if !save {
            return;
        }
        let file = self.session.recording().map(|recording| recording.to_bytes());
        let saved = file.unwrap_or_else(|| Err("nothing is recorded".to_owned()));
        let saved = saved.and_then(|bytes| {
            reproduction::save_recording(&bytes).map_err(|error| error.to_string())
        });
        self.shared.note(|console| match saved {
            Ok(path) => {
                console.tape.saved = path.display().to_string();
                console.tape.failed.clear();
            }
            Err(why) => console.tape.failed = why,
        });
    }

    fn wait(&self, inbox: &Receiver<Job>) -> Work {
        let mut work = Work::default();
        let busy = self.session.outstanding()
            || self.osc.is_some()
            || self.ceiling.is_some()
            || self.giving.is_busy();
        // One that took over while nothing was processed yet may fault in the first block; and what is
        // recorded has to be collected.
        let playing = self.session.current().is_some()
            || self.shared.meter.playing() != AudioState::Idle
            || self.session.recorded_bytes().is_some();
        let first = match (busy, playing) {
            (true, _) => inbox.recv_timeout(BUSY),
            (false, true) => inbox.recv_timeout(CALM),
            (false, false) if self.session.has_files() => inbox.recv_timeout(FILES),
            (false, false) => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match first {
            Ok(job) => work.take(job),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => work.stop = true,
        }
        for job in inbox.try_iter() {
            work.take(job);
        }
        work
    }
}

/// A session and its audio side.
fn make(kind: Kind, given: &Given) -> (Session, Processor) {
    let settings = ProcessorSettings {
        rate: Hz(given.rate),
        max_frames: MAX_FRAMES,
        idle: kind.idle(),
        ..ProcessorSettings::default()
    };
    // A name that this version does not know is of another one: the usual backend plays it.
    let target = given.wanted.backend.parse().unwrap_or(Target::Jit);
    let make = if given.wanted.record { Session::recorded } else { Session::with };
    let (mut session, processor) = make(target, settings);
    session.set_rate(Hz(given.rate));
    (session, processor)
}

/// Where programs find their files.
fn files_of(given: &Given) -> Files {
    let files = Files::from_environment().with_copies(given.copies.clone());
    if given.folder.is_empty() { files } else { files.in_folder(&given.folder) }
}

/// Opens the OSC port; says so in the window if that fails.
fn listen(shared: &Shared) -> Option<Listener> {
    let address: SocketAddr = osc::ADDRESS.parse().ok()?;
    match Listener::bind(address) {
        Ok(listener) => Some(listener),
        Err(error) => {
            let text = format!("OSC is not heard: the port {address} cannot be opened ({error}).");
            shared.note(|console| console.notes.push(Message::general(Severity::Warning, text)));
            None
        }
    }
}

/// Compiles a text; true if it became a program.
fn compile(
    session: &mut Session,
    shared: &Shared,
    serial: u64,
    text: &str,
    origin: Origin,
) -> bool {
    let updated = catch_unwind(AssertUnwindSafe(|| session.update(text)));
    let accepted = updated.as_ref().is_ok_and(|update| update.accepted);
    let around = Around {
        names: session.slot_names(),
        used: session.used_files(),
        missed: session.missed_files(),
    };
    finish(shared, serial, text, origin, updated.ok(), around);
    accepted
}

/// What a session knows of a text beside its program.
#[derive(Default)]
struct Around {
    /// The names that slots have.
    names: Vec<String>,
    /// The files it uses.
    used: Vec<FileCopy>,
    /// Those of them that are copies.
    missed: Vec<String>,
}

/// Tells what became of a text; no update is a panic outside the engine's own guard.
fn finish(
    shared: &Shared,
    serial: u64,
    text: &str,
    origin: Origin,
    update: Option<Update>,
    around: Around,
) {
    let bug = |update: &Update| update.diagnostics.iter().any(|one| one.code == "compiler-bug");
    match update {
        Some(update) if !bug(&update) => publish(shared, serial, origin, &update, around),
        broken => {
            let words = broken.iter().flat_map(|update| &update.diagnostics).map(message_of);
            let mut messages: Vec<Message> = words.collect();
            messages.insert(0, our_bug(text, &messages));
            shared.finish(serial, origin, None, |console| {
                console.accepted = false;
                console.diagnostics = messages;
            });
        }
    }
}

fn publish(shared: &Shared, serial: u64, origin: Origin, update: &Update, files: Around) {
    let controls: Vec<Slot> = update.controls.iter().map(slot_of).collect();
    let shown = files.used.iter().map(|file| short_name(&file.name)).collect();
    let notes = files.missed.iter().map(|name| {
        let text = format!(
            "{} is not there; the copy that was saved with the session plays.",
            short_name(name)
        );
        Message::general(Severity::Note, text)
    });
    let notes: Vec<Message> = notes.collect();
    let program = update.accepted.then_some(Parameters {
        controls: &controls,
        files: files.used,
        names: files.names,
    });
    shared.finish(serial, origin, program, |console| {
        console.accepted = update.accepted;
        console.compile_ms = Some(update.compile.as_secs_f64() * 1000.0);
        console.diagnostics = update.diagnostics.iter().map(message_of).collect();
        if update.accepted {
            console.diagnostics.extend(notes);
            console.files = shown;
            console.reports.clear();
            console.fault = None;
            console.printed.clear();
            console.print(&update.printed);
            console.plan =
                [update.plan.kept, update.plan.fresh, update.plan.dropped].map(|n| n as u32);
            console.plan_text = format!("{} kept, {} fresh", update.plan.kept, update.plan.fresh);
        }
    });
}

/// The last part of a path.
fn short_name(path: &str) -> String {
    Path::new(path).file_name().map_or(path.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn our_bug(text: &str, messages: &[Message]) -> Message {
    let mut message = Message::general(
        Severity::Error,
        "The compiler met an error of its own; this is a bug in Attacca.",
    );
    let said: Vec<&str> = messages.iter().map(|message| message.text.as_str()).collect();
    message.help = match reproduction::save(text, &said) {
        Ok(path) => format!("the program that shows it has been saved as {}", path.display()),
        Err(error) => format!("the program that shows it could not be saved ({error})"),
    };
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use attacca_engine::SessionSettings;

    #[test]
    fn a_compile_that_breaks_is_our_bug_with_a_reproduction_and_the_next_one_plays() {
        let (shared, inbox) = Shared::new(Kind::Instrument);
        drop(inbox);
        let settings = SessionSettings {
            target: Target::Vm,
            rate: Hz(FIRST_RATE),
            max_frames: 64,
            idle: Kind::Instrument.idle(),
        };
        let (mut session, _processor) = Session::new(settings);
        let text = "fn dsp() { 0.125 } // broken by hand";
        let broken = catch_unwind(|| -> Update { panic!("injected") });
        finish(&shared, 1, text, Origin::Edit, broken.ok(), Around::default());
        let (errors, first) = shared.first_message();
        let first = first.expect("a message");
        assert_eq!(errors, 1);
        assert!(first.text.contains("bug in Attacca"), "{first:?}");
        let path = first.help.rsplit(" saved as ").next().expect("a path");
        let saved = std::fs::read_to_string(path).expect("the reproduction is there");
        std::fs::remove_file(path).expect("it can be removed");
        assert!(saved.contains(text) && saved.contains(env!("CARGO_PKG_VERSION")), "{saved}");
        compile(&mut session, &shared, 2, text, Origin::Edit);
        assert_eq!(shared.first_message(), (0, None));
        assert!(shared.console().accepted);
    }
}
