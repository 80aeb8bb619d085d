//! The threads that compile for one instance.
//!
//! Takes drafts, gives what became of the newest. A newer draft is begun at once: the one before is told to
//! leave, runs out on its own thread, and is dropped. There are at most two such threads; while neither
//! has come to its end, the newest draft waits. A panic outside the engine's own guard is caught here.

use crate::job::Origin;
use attacca_engine::{Cancel, Draft, Leave, Outcome, Pass, Watch};
use crossbeam_channel::{Receiver, Sender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Threads that may be busy at once.
const MOST: usize = 2;

/// A compile that takes longer than this is left at its next pass.
const LONGEST: Duration = Duration::from_secs(20);

/// What is compiled, and who asked for it.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// Which request this is; `None` if nobody waits for the answer.
    pub(crate) serial: Option<u64>,
    /// The program.
    pub(crate) text: Arc<str>,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// When it was asked for.
    pub(crate) asked: Instant,
}

/// A compile that has come to its end.
pub(crate) struct Done {
    pub(crate) ask: Ask,
    /// Time from the request to the compile's begin.
    pub(crate) waited: Duration,
    /// What became of it.
    pub(crate) outcome: Result<Outcome, Failure>,
    number: u64,
}

/// Why a compile has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The compiler broke.
    Broke,
    /// The system gave no thread.
    NoThread,
}

struct Running {
    number: u64,
    ask: Ask,
    cancel: Cancel,
    thread: Option<JoinHandle<()>>,
}

/// Tells a compile to leave.
pub(crate) struct Patience {
    cancel: Cancel,
    end: Instant,
    /// A test may ask for a panic in a pass: `// broken at Types`.
    #[cfg(test)]
    text: Arc<str>,
}

impl Patience {
    /// Waits from now on for this text.
    #[cfg_attr(not(test), expect(unused_variables, reason = "only tests look for their marks"))]
    pub(crate) fn new(text: &Arc<str>) -> Self {
        Self {
            cancel: Cancel::default(),
            end: Instant::now() + LONGEST,
            #[cfg(test)]
            text: Arc::clone(text),
        }
    }
}

impl Watch for Patience {
    fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    #[cfg_attr(not(test), expect(unused_variables, reason = "only tests look for their marks"))]
    fn enter(&mut self, pass: Pass) -> Result<(), Leave> {
        #[cfg(test)]
        assert!(!self.text.contains(&format!("// broken at {pass:?}\n")), "broken at {pass:?}");
        if self.cancel.is_cancelled() {
            Err(Leave::Newer)
        } else if Instant::now() > self.end {
            Err(Leave::TooLong)
        } else {
            Ok(())
        }
    }
}

/// The threads of an instance. Dropping it tells them to leave, and waits for them.
pub(crate) struct Compiles {
    running: Vec<Running>,
    /// The newest, while all threads are busy.
    waiting: Option<(Ask, Draft)>,
    /// The number of the newest that was begun, unless nobody wants it any more.
    newest: Option<u64>,
    begun: u64,
    done: Sender<Done>,
    finished: Receiver<Done>,
}

impl Compiles {
    pub(crate) fn new() -> Self {
        let (done, finished) = crossbeam_channel::unbounded();
        Self { running: Vec::new(), waiting: None, newest: None, begun: 0, done, finished }
    }

    /// Where compiles arrive that have come to their end; each is to be given to [`Self::is_wanted`].
    pub(crate) fn finished(&self) -> &Receiver<Done> {
        &self.finished
    }

    /// What is being compiled, or waits for a thread.
    pub(crate) fn newest(&self) -> Option<&Ask> {
        let running = || {
            let newest = self.running.iter().find(|it| Some(it.number) == self.newest)?;
            Some(&newest.ask)
        };
        self.waiting.as_ref().map(|(ask, _)| ask).or_else(running)
    }

    /// Begins a compile; nobody wants what was begun before.
    pub(crate) fn begin(&mut self, ask: Ask, draft: Draft) {
        self.leave();
        if self.running.len() >= MOST {
            self.waiting = Some((ask, draft));
            return;
        }
        self.begun += 1;
        self.newest = Some(self.begun);
        let (number, cancel) = (self.begun, Cancel::default());
        let patience = Patience { cancel: cancel.clone(), ..Patience::new(&ask.text) };
        let (asked, done) = (ask.clone(), self.done.clone());
        let work = move || run(asked, draft, patience, number, &done);
        let thread = std::thread::Builder::new().name("attacca compiler".into()).spawn(work);
        if thread.is_err() {
            // Without a thread there is no answer; the channel tells of it like of any other.
            let done = Done {
                ask: ask.clone(),
                waited: Duration::ZERO,
                outcome: Err(Failure::NoThread),
                number,
            };
            drop(self.done.send(done));
        }
        self.running.push(Running { number, ask, cancel, thread: thread.ok() });
    }

    /// Nobody wants what was begun so far.
    pub(crate) fn leave(&mut self) {
        (self.waiting, self.newest) = (None, None);
        for running in &self.running {
            running.cancel.cancel();
        }
    }

    /// Notes the end of a compile, and begins the one that waited for its thread. True if it is the newest.
    pub(crate) fn is_wanted(&mut self, done: &Done) -> bool {
        if let Some(at) = self.running.iter().position(|it| it.number == done.number) {
            let running = self.running.remove(at);
            // It has sent its last word; panics of the compiler were caught before that.
            running.thread.map_or(Ok(()), JoinHandle::join).unwrap_or_default();
        }
        let wanted = self.newest == Some(done.number);
        if let Some((ask, draft)) = self.waiting.take() {
            self.begin(ask, draft);
        }
        wanted
    }
}

impl Drop for Compiles {
    fn drop(&mut self) {
        self.leave();
        for running in &mut self.running {
            if let Some(thread) = running.thread.take() {
                // A panic was already shown by the panic hook; there is nobody to tell here.
                drop(thread.join());
            }
        }
    }
}

fn run(ask: Ask, draft: Draft, mut patience: Patience, number: u64, done: &Sender<Done>) {
    let waited = ask.asked.elapsed();
    let outcome = catch_unwind(AssertUnwindSafe(|| draft.compile(&mut patience)));
    let outcome = outcome.map_err(|_| Failure::Broke);
    // If the worker is gone, nobody waits.
    drop(done.send(Done { ask, waited, outcome, number }));
}
