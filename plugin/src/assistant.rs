//! Reads and lays out the editor's text on a thread of its own, so that the window never waits.
//!
//! Takes the newest text, gives snapshots that answer at once. Older texts that were not begun are
//! skipped. The thread starts with the first text and ends, waited for, with the [`Helper`].

use crate::editor::{Assistant, Formatted};
use attacca_engine::ide::{Snapshot, standard_library};
use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::Context;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

/// What is asked of the thread.
enum Job {
    Read(String, Context),
    Format(String, Context),
}

/// What it gives back.
enum Answer {
    Read(Arc<Snapshot>),
    Formatted(Formatted),
}

/// The window's side of the thread.
#[derive(Default)]
pub(crate) struct Helper {
    thread: Option<Thread>,
    /// The text that was last sent to be read.
    sent: Option<String>,
    snapshot: Option<Arc<Snapshot>>,
    formatted: Option<Formatted>,
}

struct Thread {
    jobs: Option<Sender<Job>>,
    answers: Receiver<Answer>,
    handle: Option<JoinHandle<()>>,
}

impl Helper {
    fn send(&mut self, job: Job) {
        if self.thread.is_none() {
            self.thread = Thread::start();
        }
        if let Some(jobs) = self.thread.as_ref().and_then(|thread| thread.jobs.as_ref()) {
            // A thread that is gone answers nothing: the editor goes on without help.
            drop(jobs.send(job));
        }
    }

    fn collect(&mut self) {
        let answers = self.thread.iter().flat_map(|thread| thread.answers.try_iter());
        for answer in answers {
            match answer {
                Answer::Read(snapshot) => self.snapshot = Some(snapshot),
                Answer::Formatted(formatted) => self.formatted = Some(formatted),
            }
        }
    }
}

impl Assistant for Helper {
    fn read(&mut self, text: &str, context: &Context) {
        if self.sent.as_deref() != Some(text) {
            self.sent = Some(text.to_owned());
            self.send(Job::Read(text.to_owned(), context.clone()));
        }
    }

    fn snapshot(&mut self) -> Option<Arc<Snapshot>> {
        self.collect();
        self.snapshot.clone()
    }

    fn format(&mut self, text: &str, context: &Context) {
        self.send(Job::Format(text.to_owned(), context.clone()));
    }

    fn formatted(&mut self) -> Option<Formatted> {
        self.collect();
        self.formatted.take()
    }
}

impl Thread {
    fn start() -> Option<Thread> {
        let (jobs, inbox) = unbounded();
        let (outbox, answers) = unbounded();
        let thread = std::thread::Builder::new().name("attacca editor".into());
        let handle = thread.spawn(move || run(&inbox, &outbox)).ok()?;
        Some(Thread { jobs: Some(jobs), answers, handle: Some(handle) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(handle) = self.handle.take() {
            drop(handle.join());
        }
    }
}

/// The thread: until nobody asks any more.
fn run(inbox: &Receiver<Job>, outbox: &Sender<Answer>) {
    let library = standard_library();
    let mut waiting = None;
    while let Some(job) = next(inbox, &mut waiting) {
        let (answer, context) = match job {
            Job::Read(text, context) => {
                let library = Arc::clone(&library);
                let read = || Arc::new(Snapshot::new(&text, library).with_types());
                (catch_unwind(AssertUnwindSafe(read)).ok().map(Answer::Read), context)
            }
            Job::Format(text, context) => {
                let after = catch_unwind(AssertUnwindSafe(|| laid_out(&text)));
                let formatted = after.ok().map(|after| Formatted { before: text, after });
                (formatted.map(Answer::Formatted), context)
            }
        };
        if answer.is_some_and(|answer| outbox.send(answer).is_err()) {
            return;
        }
        context.request_repaint();
    }
}

/// The next job; texts to be read that are older than the newest one are skipped. `waiting` keeps what
/// came behind the text that is given.
fn next(inbox: &Receiver<Job>, waiting: &mut Option<Job>) -> Option<Job> {
    let mut job = waiting.take().or_else(|| inbox.recv().ok())?;
    while matches!(job, Job::Read(..)) {
        match inbox.try_recv() {
            Ok(newer @ Job::Format(..)) => {
                *waiting = Some(newer);
                break;
            }
            Ok(newer) => job = newer,
            Err(_) => break,
        }
    }
    Some(job)
}

/// The text in the standard form, or the first mistake in it.
fn laid_out(text: &str) -> Result<String, String> {
    attacca_engine::format("text", text).map_err(|refused| {
        let first = refused.messages.first();
        first.map_or("not laid out".into(), |it| format!("line {}: {}", it.line, it.message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// Waits for something that the thread gives, at most ten seconds.
    fn wait<T>(mut ask: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(given) = ask() {
                return given;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "the thread answers");
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_newest_text_is_read_and_every_layout_is_answered() {
        let context = Context::default();
        let mut helper = Helper::default();
        for round in 0..200 {
            helper.read(&format!("let a{round} = 1"), &context);
        }
        helper.format("let  b = 2", &context);
        helper.read("let last = 1", &context);
        helper.format("let b = ", &context);
        let formatted = wait(|| helper.formatted());
        assert!(formatted.before.starts_with("let"));
        wait(|| helper.snapshot().filter(|known| known.text() == "let last = 1"));
        assert_eq!(helper.snapshot().map(|known| known.outline().len()), Some(1));
    }

    #[test]
    fn texts_become_laid_out_or_say_why_not() {
        assert_eq!(laid_out("let  b = 2").as_deref(), Ok("let b = 2\n"));
        let refused = laid_out("let a = 1\nlet b = )");
        assert!(refused.is_err_and(|reason| reason.starts_with("line 2: ")));
    }
}
