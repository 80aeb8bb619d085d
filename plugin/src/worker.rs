//! The worker: one thread per instance that has texts compiled and collects.
//!
//! Takes jobs from a channel (the newest text wins), has their texts compiled by [`Compiles`], gives
//! programs to the audio side through the session, and tells the results to [`Shared`]. Compiles again
//! when a file that the program uses has changed. Collects what is recorded and saves it. A panic of the
//! compiler is caught, reported as our bug, and a reproduction is saved in the folder of the user's data.
//! Dropping the [`Worker`] ends the thread and waits for it.

use crate::compiles::{Ask, Compiles, Done, Failure, Patience};
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
    FileCopy, Files, Hz, Nobody, Outcome, Processor, ProcessorSettings, Session, Target, Update,
    Watch, When,
};
use crossbeam_channel::{Receiver, after, never, select};
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
    text: Option<Ask>,
    /// A compile that has come to its end.
    done: Option<Done>,
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
            Job::Text { serial, text, origin, asked } => {
                self.text = Some(Ask { serial: Some(serial), text, origin, asked });
            }
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

impl Given {
    /// The backend. A name that this version does not know is of another one: the usual backend plays it.
    fn backend(&self) -> Target {
        self.wanted.backend.parse().unwrap_or(Target::Jit)
    }
}

/// The thread's own things.
struct Desk {
    kind: Kind,
    shared: Arc<Shared>,
    session: Session,
    /// Takes the place of the session as soon as its first text is compiled.
    next: Option<(Session, Processor)>,
    compiles: Compiles,
    giving: Giving,
    given: Given,
    osc: Option<Listener>,
    /// A ceiling that found no room on its way yet.
    ceiling: Option<f64>,
    /// The text that was compiled last.
    last: Option<Ask>,
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
            next: None,
            compiles: Compiles::new(),
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
            self.compile_due(&mut work);
            self.poll();
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
            if let Some((session, _)) = &mut self.next {
                session.set_rate(Hz(rate));
            }
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
            if let Some((session, _)) = &mut self.next {
                session.set_files(files_of(&self.given));
            }
            self.tell_of_folder();
        }
    }

    /// Stops what plays, for good: its session is not the one that is open. With a new processor on its
    /// way there is nothing to stop.
    fn hold(&mut self, renewed: bool) {
        let plays = self.accepted.take().is_some();
        self.last = None;
        self.compiles.leave();
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
            if let Some((session, _)) = &mut self.next {
                session.stop_recording();
            }
            return;
        }
        let (mut session, processor) = make(self.kind, &self.given);
        session.set_files(files_of(&self.given));
        self.next = Some((session, processor));
        if let Some(ask) = self.compiles.newest().cloned() {
            self.begin(ask);
        } else {
            self.begin_accepted();
        }
    }

    /// Has what plays compiled again, for the next session; without a program it takes over at once.
    fn begin_accepted(&mut self) {
        match self.accepted.clone() {
            Some(text) => {
                let asked = Instant::now();
                self.begin(Ask { serial: None, text, origin: Origin::Session, asked });
            }
            None => drop(self.give_next(None, &mut Nobody)),
        }
    }

    /// The next session takes over, with its first program if there is one.
    fn give_next(&mut self, first: Option<Outcome>, watch: &mut dyn Watch) -> Option<Update> {
        let (session, processor) = self.next.take()?;
        let names = self.session.slot_names();
        self.session = session;
        self.session.restore_slots(names);
        self.session.set_when(when_of(self.given.swap));
        self.ceiling = self.given.ceiling.filter(|level| !self.session.set_ceiling(*level));
        let update = first.and_then(|first| take(&mut self.session, first, watch));
        self.shared.renewed();
        self.giving.give(processor);
        update
    }

    /// Takes a compile that has come to its end; has a text compiled that has come, or the last one again if
    /// a file that it uses has changed.
    fn compile_due(&mut self, work: &mut Work) {
        if let Some(done) = work.done.take() {
            self.finish(done);
        }
        if let Some(ask) = work.text.take() {
            self.last = Some(ask.clone());
            self.begin(ask);
        } else if work.anew {
            self.begin_last();
        } else if self.compiles.newest().is_some() || self.looked.elapsed() < FILES {
            return;
        } else if self.session.files_changed() {
            self.begin_last();
        }
        self.looked = Instant::now();
        self.tell_of_folder();
    }

    fn begin_last(&mut self) {
        if let Some(ask) = self.last.clone() {
            self.begin(Ask { origin: Origin::Edit, asked: Instant::now(), ..ask });
        }
    }

    fn begin(&mut self, ask: Ask) {
        let session = self.next.as_ref().map_or(&self.session, |(session, _)| session);
        let draft = session.draft(&ask.text);
        self.compiles.begin(ask, draft);
    }

    /// Takes what became of a text, unless a newer one is being compiled.
    fn finish(&mut self, done: Done) {
        if !self.compiles.is_wanted(&done) {
            return;
        }
        let Done { ask, waited, outcome, .. } = done;
        let renewal = ask.serial.is_none();
        let watch = &mut Patience::new(&ask.text);
        let update = match outcome {
            Ok(outcome) if outcome.is_program() && self.next.is_some() => {
                Ok(self.give_next(Some(outcome), watch))
            }
            Ok(outcome) => Ok(take(&mut self.session, outcome, watch)),
            Err(why) => Err(why),
        };
        if matches!(&update, Ok(Some(update)) if update.accepted) {
            self.accepted = Some(Arc::clone(&ask.text));
        }
        if let Some(serial) = ask.serial {
            let around = Around {
                names: self.session.slot_names(),
                used: self.session.used_files(),
                missed: self.session.missed_files(),
                setting: format!("{}, {} Hz", self.given.backend(), self.given.rate),
                waited,
            };
            finish(&self.shared, serial, &ask, update, around);
        }
        match (&self.next, renewal) {
            (None, _) => {}
            (Some(_), false) => self.begin_accepted(),
            (Some(_), true) => {
                // It was a program before; what it is now, its next compile tells.
                self.give_next(None, &mut Nobody);
            }
        }
    }

    /// Collects what came back from the audio side, and tells of it.
    fn poll(&mut self) {
        match catch_unwind(AssertUnwindSafe(|| self.session.poll())) {
            Ok(notices) => notices.into_iter().for_each(|notice| tell(&self.shared, notice)),
            Err(_) => {
                let text = self.accepted.clone().unwrap_or_default();
                let bug = our_bug(&text, &[], &Around::default());
                self.shared.note(|console| console.notes.push(bug));
            }
        }
    }

    /// Says whether a folder was named that is not there.
    fn tell_of_folder(&self) {
        let folder = &self.given.folder;
        let missing = !folder.is_empty() && !Path::new(folder).is_dir();
        self.shared.note(|console| console.no_folder = missing);
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
        let timeout = match (busy, playing) {
            (true, _) => after(BUSY),
            (false, true) => after(CALM),
            (false, false) if self.session.has_files() => after(FILES),
            (false, false) => never(),
        };
        select! {
            recv(inbox) -> job => match job {
                Ok(job) => work.take(job),
                Err(_) => work.stop = true,
            },
            recv(self.compiles.finished()) -> done => work.done = done.ok(),
            recv(timeout) -> _ => {}
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
    let make = if given.wanted.record { Session::recorded } else { Session::with };
    let (mut session, processor) = make(given.backend(), settings);
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

/// Sends what became of a text, if it is a program; nothing if the engine broke.
fn take(session: &mut Session, outcome: Outcome, watch: &mut dyn Watch) -> Option<Update> {
    catch_unwind(AssertUnwindSafe(|| session.take(outcome, watch))).ok()
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
    /// Backend and sample rate, in words.
    setting: String,
    /// Time from the request to the compile's begin.
    waited: Duration,
}

/// Tells what became of a text; no update is a panic outside the engine's own guard.
fn finish(
    shared: &Shared,
    serial: u64,
    ask: &Ask,
    update: Result<Option<Update>, Failure>,
    around: Around,
) {
    let bug = |update: &Update| update.diagnostics.iter().any(|one| one.code == "compiler-bug");
    let messages = match update {
        Ok(Some(update)) if !bug(&update) => {
            return publish(shared, serial, ask.origin, &update, around);
        }
        Err(Failure::NoThread) => {
            vec![Message::general(Severity::Error, "The system gave no thread for the compiler.")]
        }
        broken @ (Ok(_) | Err(Failure::Broke)) => {
            let words = broken.iter().flatten().flat_map(|update| &update.diagnostics);
            let mut messages: Vec<Message> = words.map(message_of).collect();
            messages.insert(0, our_bug(&ask.text, &messages, &around));
            messages
        }
    };
    shared.finish(serial, ask.origin, None, |console| {
        console.accepted = false;
        console.diagnostics = messages;
    });
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
        console.waited_ms = files.waited.as_secs_f64() * 1000.0;
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

fn our_bug(text: &str, messages: &[Message], around: &Around) -> Message {
    let mut message = Message::general(
        Severity::Error,
        "The compiler met an error of its own; this is a bug in Attacca.",
    );
    let said: Vec<&str> = messages.iter().map(|message| message.text.as_str()).collect();
    message.help = match reproduction::save(text, &said, &around.setting, &around.used) {
        Ok(path) => format!("the program that shows it has been saved as {}", path.display()),
        Err(error) => format!("the program that shows it could not be saved ({error})"),
    };
    message
}

#[cfg(test)]
mod tests;
