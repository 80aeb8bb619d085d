//! One live document: compiles its text, keeps what plays, hands programs to the audio side.
//!
//! The control side of one instance; lives on the worker thread. Never panics on a user's text.

use crate::link::{Link, ProbeValues, Traffic};
use crate::loader::{FileCopy, Files};
use crate::message::{ControlInfo, Message, Notice, PlanSummary};
use crate::pipeline::{
    self, Compiled, Leave, Nobody, Options, Pass, TOO_MANY_CONTROLS, Watch, no_slot,
};
use crate::program::Program;
use crate::record::{Collector, Edit, Recording};
use crate::slots::SlotTable;
use crate::target::Target;
use attacca_rt::Hz;
use attacca_rt::event::EventKind;
use attacca_rt::processor::{Idle, Processor, ProcessorSettings};
use attacca_rt::record::Recorder;
use attacca_rt::swap::ProgramId;
use attacca_rt::transport::When;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// The name of the program's text in messages.
pub const PATCH: &str = "patch.mmm";

/// What a session is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionSettings {
    /// The backend.
    pub target: Target,
    /// The sample rate of the first compiles.
    pub rate: Hz,
    /// Frames rendered at once at most; longer host blocks are split.
    pub max_frames: usize,
    /// What plays while no program does.
    pub idle: Idle,
}

/// The control side of one instance.
#[derive(Debug)]
pub struct Session {
    options: Options,
    link: Link,
    slots: SlotTable,
    files: Files,
    /// Notices heard while updating, given out by the next poll.
    heard: Vec<Notice>,
    collector: Option<Box<Collector>>,
}

/// What became of a text.
#[derive(Clone, Debug)]
pub struct Update {
    /// Whether a program was sent; otherwise what played plays on.
    pub accepted: bool,
    /// The number of the program sent.
    pub id: Option<ProgramId>,
    /// Errors and warnings, in the order of their places.
    pub diagnostics: Vec<Message>,
    /// What macro code printed.
    pub printed: String,
    /// Time from the text to code.
    pub compile: Duration,
    /// The controls of the program sent.
    pub controls: Vec<ControlInfo>,
    /// What the program keeps of the one before.
    pub plan: PlanSummary,
}

/// A text with what it takes to compile it: needs no session while it is compiled.
#[derive(Debug)]
pub struct Draft {
    text: Arc<str>,
    options: Options,
    files: Files,
}

/// What became of a draft; whoever made it may take it.
#[derive(Debug)]
pub struct Outcome {
    draft: Draft,
    compiled: Compiled,
}

impl Draft {
    /// Compiles it.
    pub fn compile(self, watch: &mut dyn Watch) -> Outcome {
        let Self { text, options, files } = &self;
        let compiled = pipeline::compile_watched(PATCH, text, options, files, watch);
        Outcome { draft: self, compiled }
    }
}

impl Outcome {
    /// Whether it is a program.
    pub fn is_program(&self) -> bool {
        self.compiled.program.is_some()
    }
}

impl Session {
    /// A session without a program, and its audio side.
    pub fn new(settings: SessionSettings) -> (Self, Processor) {
        let processor = ProcessorSettings {
            max_frames: settings.max_frames,
            idle: settings.idle,
            rate: settings.rate,
            ..ProcessorSettings::default()
        };
        Self::with(settings.target, processor)
    }

    /// Like [`Session::new`], with every setting of the processor.
    pub fn with(target: Target, settings: ProcessorSettings) -> (Self, Processor) {
        let (processor, remote) = Processor::new(settings);
        let options = Options { target, rate: settings.rate, ..Options::default() };
        let link = Link::new(remote, settings.max_frames);
        let (slots, files) = (SlotTable::default(), Files::library());
        let session = Self { options, link, slots, files, heard: Vec::new(), collector: None };
        (session, processor)
    }

    /// Like [`Session::with`], recording what the audio side is given from its first block on.
    pub fn recorded(target: Target, settings: ProcessorSettings) -> (Self, Processor) {
        let (mut session, mut processor) = Self::with(target, settings);
        let (recorder, tape) = Recorder::new();
        processor.record(recorder);
        session.collector = Some(Box::new(Collector::new(tape, target, &settings)));
        (session, processor)
    }

    /// What was recorded so far, if this session records.
    pub fn recording(&mut self) -> Option<&Recording> {
        let collector = self.collector.as_mut()?;
        collector.collect();
        Some(collector.recording())
    }

    /// Bytes recorded so far, and why the recording has ended already, if it has; nothing if this session
    /// does not record.
    pub fn recorded_bytes(&self) -> Option<(usize, &str)> {
        let collector = self.collector.as_ref()?;
        Some((collector.size(), &collector.recording().note))
    }

    /// Forgets what was recorded and records no more.
    pub fn stop_recording(&mut self) {
        self.collector = None;
    }

    /// Takes what came by recording; numbers of programs first, since marks name them.
    fn collect(&mut self) {
        let renamed = self.link.renamed();
        if let Some(collector) = &mut self.collector {
            renamed.into_iter().for_each(|(old, new)| collector.renamed(old, new));
            collector.collect();
        }
    }

    /// Where the next updates find the files that a program uses; only the library before.
    pub fn set_files(&mut self, files: Files) {
        self.files = files;
    }

    /// Whether a file that the last update looked for has changed since: the same text may now be
    /// another program. Asks the file system.
    pub fn files_changed(&self) -> bool {
        self.files.changed()
    }

    /// Copies of the files that the last update found, to be saved with the document and given to
    /// [`Files::with_copies`] when it is opened.
    pub fn used_files(&self) -> Vec<FileCopy> {
        self.files.used()
    }

    /// Names of the files that the last update did not find, so that their copies stood in.
    pub fn missed_files(&self) -> Vec<String> {
        self.files.missed()
    }

    /// Whether the last update looked for any files.
    pub fn has_files(&self) -> bool {
        self.files.any()
    }

    /// Compiles a text; if it is good, plans it against what plays and sends it.
    pub fn update(&mut self, text: &str) -> Update {
        let outcome = self.draft(text).compile(&mut Nobody);
        self.take(outcome, &mut Nobody)
    }

    /// A text to be compiled for this session, on any thread.
    pub fn draft(&self, text: &str) -> Draft {
        Draft { text: text.into(), options: self.options, files: self.files.fresh() }
    }

    /// Takes what became of a draft; if it is a program, plans it against what plays and sends it.
    pub fn take(&mut self, outcome: Outcome, watch: &mut dyn Watch) -> Update {
        // What happened until now decides what the plan starts from.
        let heard = self.link.poll();
        self.heard.extend(heard);
        self.collect();
        let Outcome { draft: Draft { text, options, files }, compiled } = outcome;
        self.files.remember(files);
        let mut update = Update {
            accepted: false,
            id: None,
            printed: compiled.printed.clone(),
            diagnostics: compiled.messages(),
            compile: compiled.time,
            controls: Vec::new(),
            plan: PlanSummary::default(),
        };
        let Some(program) = &compiled.program else { return update };
        let slots = self.collector.is_some().then(|| self.slots.clone());
        let sent = catch_unwind(AssertUnwindSafe(|| {
            watch.enter(Pass::Plan)?;
            Ok::<_, Leave>(self.send(program, &compiled, &mut update))
        }));
        match sent {
            Ok(Ok(id)) => {
                if let (Some(collector), Some(slots)) = (&mut self.collector, slots) {
                    let (rate, files) = (options.rate.0, self.files.used());
                    collector.sent(id, Edit { text: text.to_string(), rate, slots, files });
                }
            }
            Ok(Err(Leave::Newer | Leave::TooLong)) => {}
            Err(panic) => {
                let bug = pipeline::bug(compiled.start(), panic.as_ref());
                update.diagnostics.insert(0, Message::of(&bug, &compiled.sources));
            }
        }
        update
    }

    /// Sends a program that was compiled before, planned against what plays. A session that records takes
    /// texts only.
    pub fn play(&mut self, program: &Arc<Program>) -> ProgramId {
        debug_assert!(self.collector.is_none(), "a recording holds texts");
        let heard = self.link.poll();
        self.heard.extend(heard);
        let bound = self.slots.bind(&program.layout().cells);
        self.link.send(program, bound).0
    }

    /// What became of the programs sent so far.
    pub fn traffic(&self) -> Traffic {
        self.link.traffic()
    }

    /// Makes ready for a recorded edit: the slots and files it had; `fresh` is one that a reset waited for.
    pub(crate) fn prepare(&mut self, edit: &Edit, fresh: bool) {
        self.options.rate = Hz(edit.rate);
        self.slots = edit.slots.clone();
        self.files.put_first(edit.files.clone());
        if fresh {
            self.link.begin_anew();
        }
    }

    /// Collects what came back from the audio side; returns what happened there.
    pub fn poll(&mut self) -> Vec<Notice> {
        let mut notices = std::mem::take(&mut self.heard);
        notices.extend(self.link.poll());
        self.collect();
        notices
    }

    /// Sets a control of the playing program by name, in the program's own units; false if none has it.
    pub fn set_control(&mut self, name: &str, value: f64) -> bool {
        let Some(slot) = self.slots.slot_of(name) else { return false };
        self.link.event(EventKind::Control { slot, value })
    }

    /// The output guard holds louder samples at this level, linear; infinity lets all finite ones pass.
    /// False if too many events are on their way.
    pub fn set_ceiling(&mut self, level: f64) -> bool {
        self.link.event(EventKind::Ceiling { level })
    }

    /// Sends an event that does not come from the host; lost if too many are on their way.
    pub(crate) fn send_event(&mut self, event: EventKind) -> bool {
        self.link.event(event)
    }

    /// What the probes of the playing program have shown since the last time.
    pub fn probes(&mut self) -> Vec<ProbeValues> {
        self.link.probes()
    }

    /// Whether something is still on its way: poll again soon.
    pub fn outstanding(&self) -> bool {
        self.link.outstanding()
    }

    /// When the programs sent from now on take over: at once, or at the next beat or bar of the host's
    /// transport. While one waits, a newer one takes its place.
    pub fn set_when(&mut self, when: When) {
        self.link.set_when(when);
    }

    /// The next update compiles for this sample rate.
    pub fn set_rate(&mut self, rate: Hz) {
        self.options.rate = rate;
    }

    /// The program that plays, as far as is known.
    pub fn current(&self) -> Option<&Arc<Program>> {
        self.link.current()
    }

    /// Sends the newest program again with fresh state: what a host's reset asks for. False if there is
    /// no program yet.
    pub fn restart(&mut self) -> bool {
        let heard = self.link.poll();
        self.heard.extend(heard);
        self.link.restart()
    }

    /// Names of the parameter slots, to be saved with the document.
    pub fn slot_names(&self) -> Vec<String> {
        self.slots.names().map(str::to_owned).collect()
    }

    /// Gives slots the names they had when the document was saved. Before the first update.
    pub fn restore_slots(&mut self, names: Vec<String>) {
        self.slots = SlotTable::restore(names);
    }

    fn send(
        &mut self,
        program: &Arc<Program>,
        compiled: &Compiled,
        update: &mut Update,
    ) -> ProgramId {
        let bound = self.slots.bind(&program.layout().cells);
        update.controls.clone_from(&bound.controls);
        if !bound.without.is_empty() {
            // Names that have a slot keep it, so others may go without than in a program alone.
            update.diagnostics.retain(|message| message.code != TOO_MANY_CONTROLS);
            let left = compiled.controls.iter().filter(|(name, _)| bound.without.contains(name));
            let warnings = left.map(|(name, at)| no_slot(name, *at));
            update.diagnostics.extend(warnings.map(|one| Message::of(&one, &compiled.sources)));
            update.diagnostics.sort_by_key(|message| (message.line, message.column));
        }
        let (id, plan) = self.link.send(program, bound);
        (update.accepted, update.id, update.plan) = (true, Some(id), plan);
        id
    }
}
