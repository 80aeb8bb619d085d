//! The worker: one thread per instance that compiles and collects.
//!
//! Takes jobs from a channel (the newest text wins), gives programs to the audio side through the
//! session, and tells the results to [`Shared`]. Compiles again when a file that the program uses has changed. A panic of the compiler is caught, reported as our
//! bug, and a reproduction is saved in the folder of the user's data. Dropping the [`Worker`] ends the
//! thread and waits for it.

use crate::editor::{Message, Severity, SwapAt};
use crate::kind::Kind;
use crate::report::{message_of, slot_of, tell, when_of};
use crate::reproduction;
use crate::shared::{AudioState, FIRST_RATE, Job, Origin, Parameters, Shared};
use crate::slots::Slot;
use attacca_engine::osc::{self, Listener};
use attacca_engine::{FileCopy, Files, Hz, Processor, Session, SessionSettings, Target, Update};
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
    /// Starts the thread of an instance; gives the audio side of its session.
    pub(crate) fn start(
        kind: Kind,
        shared: &Arc<Shared>,
        inbox: Receiver<Job>,
    ) -> (Worker, Processor) {
        let settings = SessionSettings {
            target: Target::Jit,
            rate: Hz(FIRST_RATE),
            max_frames: MAX_FRAMES,
            idle: kind.idle(),
        };
        let (mut session, processor) = Session::new(settings);
        session.set_files(Files::from_environment());
        let theirs = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("attacca worker".into())
            .spawn(move || run(session, &theirs, &inbox));
        if thread.is_err() {
            let text = "The system gave no thread for the compiler; programs can't be compiled.";
            shared.note(|console| console.notes.push(Message::general(Severity::Error, text)));
        }
        (Worker { shared: Arc::clone(shared), thread: thread.ok() }, processor)
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
    /// The last text is compiled again.
    anew: bool,
    /// The newest program starts again.
    again: bool,
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
            Job::Again => self.again = true,
            Job::Stop => self.stop = true,
        }
    }
}

fn run(mut session: Session, shared: &Shared, inbox: &Receiver<Job>) {
    let mut osc: Option<Listener> = None;
    // A ceiling that found no room on its way yet.
    let mut ceiling: Option<f64> = None;
    let mut folder = String::new();
    let mut last: Option<(u64, Arc<str>)> = None;
    let mut looked = Instant::now();
    loop {
        let busy = session.outstanding() || osc.is_some() || ceiling.is_some();
        let work = wait(&session, shared, inbox, busy);
        if work.stop {
            return;
        }
        match work.osc {
            Some(true) if osc.is_none() => osc = listen(shared),
            Some(false) => osc = None,
            Some(true) | None => {}
        }
        if let Some(osc) = &mut osc {
            osc.poll(|name, value| {
                // Names that no control has are for other listeners.
                session.set_control(name, value);
            });
        }
        if let Some(rate) = work.rate {
            session.set_rate(Hz(rate));
        }
        if let Some(names) = work.names {
            session.restore_slots(names);
        }
        if let Some(swap) = work.swap {
            session.set_when(when_of(swap));
        }
        ceiling = work.ceiling.or(ceiling).filter(|level| !session.set_ceiling(*level));
        if let Some((path, copies)) = work.files {
            set_files(&mut session, shared, &path, copies);
            folder = path;
        }
        if shared.meter.fresh.swap(false, Ordering::Acquire) || work.again {
            session.restart();
        }
        let compiled = work.text.is_some();
        if let Some((serial, text, origin)) = work.text {
            compile(&mut session, shared, serial, &text, origin);
            last = Some((serial, text));
            looked = Instant::now();
        }
        let again = work.anew && !compiled;
        if again || looked.elapsed() >= FILES {
            let again = last.as_ref().filter(|_| again || session.files_changed());
            if let Some((serial, text)) = again {
                compile(&mut session, shared, *serial, text, Origin::Edit);
            }
            looked = Instant::now();
            let missing = is_missing(&folder);
            shared.note(|console| console.no_folder = missing);
        }
        for notice in session.poll() {
            tell(shared, notice);
        }
        if shared.is_looked_at() {
            shared.show_probes(session.probes());
        }
    }
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

/// Where the next programs find their files.
fn set_files(session: &mut Session, shared: &Shared, folder: &str, copies: Vec<FileCopy>) {
    let files = Files::from_environment().with_copies(copies);
    session.set_files(if folder.is_empty() { files } else { files.in_folder(folder) });
    let missing = is_missing(folder);
    shared.note(|console| console.no_folder = missing);
}

/// Whether a folder was named that is not there.
fn is_missing(folder: &str) -> bool {
    !folder.is_empty() && !Path::new(folder).is_dir()
}

fn wait(session: &Session, shared: &Shared, inbox: &Receiver<Job>, busy: bool) -> Work {
    let mut work = Work::default();
    // One that took over while nothing was processed yet may fault in the first block.
    let playing = session.current().is_some() || shared.meter.playing() != AudioState::Idle;
    let first = match (busy, playing) {
        (true, _) => inbox.recv_timeout(BUSY),
        (false, true) => inbox.recv_timeout(CALM),
        (false, false) if session.has_files() => inbox.recv_timeout(FILES),
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

fn compile(session: &mut Session, shared: &Shared, serial: u64, text: &str, origin: Origin) {
    let updated = catch_unwind(AssertUnwindSafe(|| session.update(text)));
    let around = Around {
        names: session.slot_names(),
        used: session.used_files(),
        missed: session.missed_files(),
    };
    finish(shared, serial, text, origin, updated.ok(), around);
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
