//! The control side's half of the hand-over: numbers programs, plans, sends, collects.
//!
//! Takes compiled programs, gives notices of what became of them. Whatever comes back from the audio
//! side is dropped here. Knows neither text nor compiler.

use crate::message::{Notice, PlanSummary, describe_dropped, describe_fault, describe_guard};
use crate::program::Program;
use crate::slots::Bound;
use attacca_rt::carry::Carried;
use attacca_rt::event::EventKind;
use attacca_rt::ftz;
use attacca_rt::migrate::Plan;
use attacca_rt::processor::{Remote, Report};
use attacca_rt::program::{Preparation, Prepared};
use attacca_rt::swap::{Planned, ProgramId, Retire, Retired};
use attacca_rt::tap::{Ears, text_of};
use attacca_rt::transport::When;
use std::sync::Arc;
use std::time::Instant;

/// What is known of a program that was sent.
struct Sent {
    id: ProgramId,
    /// Its place in the order in which programs were asked for; one that is planned again keeps it.
    order: u64,
    base: ProgramId,
    program: Arc<Program>,
    bound: Bound,
    ears: Ears,
    /// It takes nothing over: what a reset waits for.
    fresh: bool,
    /// Whether it has been told that printed numbers were lost.
    told_lost: bool,
}

/// What a program starts from, and when.
struct Start {
    base: ProgramId,
    plan: Plan,
    when: When,
}

/// What a probe has shown since the last time.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeValues {
    /// The probe's name; parts of a tuple or record are joined by dots.
    pub name: String,
    /// One value each time the program came by.
    pub values: Vec<f64>,
}

/// What became of the programs that one instance was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Instances of programs made.
    pub made: u64,
    /// How many of them were dropped, all by the control side: they came back, or were never taken.
    pub dropped: u64,
}

/// The control side of one processor.
pub struct Link {
    remote: Remote,
    traffic: Traffic,
    max_frames: usize,
    when: When,
    last_id: u64,
    last_order: u64,
    /// What plays, as far as is known.
    current: Option<Sent>,
    /// On their way, oldest first.
    flying: Vec<Sent>,
    /// Found no room in the ring.
    waiting: Option<Box<Prepared>>,
    /// Programs planned again, with their old and new numbers.
    renamed: Vec<(ProgramId, ProgramId)>,
    /// A reset waits for a fresh instance: whatever is sent until one plays takes nothing over.
    reset_due: bool,
    clock: Clock,
}

impl Link {
    /// The control side of a processor that plays nothing yet.
    pub fn new(remote: Remote, max_frames: usize) -> Self {
        Self {
            remote,
            traffic: Traffic::default(),
            max_frames,
            when: When::AtOnce,
            last_id: 0,
            last_order: 0,
            current: None,
            flying: Vec::new(),
            waiting: None,
            renamed: Vec::new(),
            reset_due: false,
            clock: Clock::new(),
        }
    }

    /// What became of the programs sent so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// When the programs sent from now on take over.
    pub fn set_when(&mut self, when: When) {
        self.when = when;
    }

    /// Sends a program, planned from what plays; returns its number and what it keeps. Makes the
    /// instance; allocates.
    pub fn send(&mut self, program: &Arc<Program>, bound: Bound) -> (ProgramId, PlanSummary) {
        self.last_order += 1;
        self.send_as(program, bound, self.last_order)
    }

    fn send_as(
        &mut self,
        program: &Arc<Program>,
        bound: Bound,
        order: u64,
    ) -> (ProgramId, PlanSummary) {
        if self.reset_due {
            return (self.send_fresh(program, bound, order), program.first_plan());
        }
        let (base, plan, summary) = self.plan(program);
        let start = Start { base, plan, when: self.when };
        (self.post(program, bound, order, start), summary)
    }

    /// Sends the newest program again, as if it had never played. False if there is none.
    pub fn restart(&mut self) -> bool {
        let (old, program, bound) = match (self.flying.last(), &self.current) {
            (Some(sent), _) => (sent.id, Arc::clone(&sent.program), sent.bound.clone()),
            (None, Some(sent)) => {
                // The host's values outlive a reset.
                let bound = Bound { forget: 0, ..sent.bound.clone() };
                (sent.id, Arc::clone(&sent.program), bound)
            }
            (None, None) => return false,
        };
        self.begin_anew();
        self.last_order += 1;
        let id = self.send_fresh(&program, bound, self.last_order);
        self.renamed.push((old, id));
        true
    }

    /// From here on programs take nothing over, until one plays.
    pub fn begin_anew(&mut self) {
        self.reset_due = true;
    }

    fn send_fresh(&mut self, program: &Arc<Program>, bound: Bound, order: u64) -> ProgramId {
        let base = self.current.as_ref().map_or(ProgramId::NONE, |sent| sent.id);
        let start = Start { base, plan: Plan::default(), when: When::AtOnce };
        self.post(program, bound, order, start)
    }

    /// Makes an instance of a program and sends it.
    fn post(
        &mut self,
        program: &Arc<Program>,
        bound: Bound,
        order: u64,
        Start { base, plan, when }: Start,
    ) -> ProgramId {
        self.last_id += 1;
        let id = ProgramId(self.last_id);
        let mut prepared = Prepared::new(
            Preparation {
                id,
                base,
                code: Arc::clone(&program.code),
                plan,
                cells: bound.cells.clone(),
                forget: bound.forget,
                when,
                fresh: self.reset_due,
                rate: program.rate,
                max_frames: self.max_frames,
                samples: program.samples.clone(),
            },
            &program.image,
        );
        let ears = prepared.take_ears().unwrap_or_default();
        // One that waits for room is superseded before it was even sent.
        if let Some(old) = self.waiting.take() {
            self.flying.retain(|sent| sent.id != old.id());
            self.traffic.dropped += 1;
        }
        self.traffic.made += 1;
        let program = Arc::clone(program);
        let fresh = self.reset_due;
        let told_lost = false;
        self.flying.push(Sent { id, order, base, program, bound, ears, fresh, told_lost });
        self.waiting = Some(Box::new(prepared));
        self.push();
        id
    }

    /// Collects what came back; returns what happened meanwhile.
    pub fn poll(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        while let Ok(report) = self.remote.reports.pop() {
            self.hear(report, &mut notices);
        }
        let mut stale: Option<Sent> = None;
        while let Ok(Retired { program, why }) = self.remote.retired.pop() {
            self.traffic.dropped += 1;
            match why {
                Retire::Replaced => self.replaced(program.id(), &mut notices),
                Retire::Superseded => self.flying.retain(|sent| sent.id != program.id()),
                Retire::Stale => {
                    let sent = self.take_flying(program.id());
                    stale = stale.into_iter().chain(sent).max_by_key(|sent| sent.order);
                }
            }
        }
        // What took over between the two loops is what a program that came back is planned from.
        while let Ok(report) = self.remote.reports.pop() {
            self.hear(report, &mut notices);
        }
        // Only the newest is worth planning again: not one that a newer program has overtaken.
        let mut others = self.flying.iter().chain(&self.current);
        if let Some(sent) = stale
            && others.all(|other| other.order < sent.order)
        {
            let (id, _) = self.send_as(&sent.program, sent.bound, sent.order);
            self.renamed.push((sent.id, id));
        }
        self.push();
        self.listen(&mut notices);
        notices
    }

    /// Programs that were planned again since the last call: their old and new numbers.
    pub fn renamed(&mut self) -> Vec<(ProgramId, ProgramId)> {
        std::mem::take(&mut self.renamed)
    }

    /// An event that does not come from the host; lost if too many are on their way.
    pub fn event(&mut self, event: EventKind) -> bool {
        self.remote.events.push(event).is_ok()
    }

    /// What the probes of the playing program have shown since the last time.
    pub fn probes(&mut self) -> Vec<ProbeValues> {
        let Some(sent) = &mut self.current else { return Vec::new() };
        let taps = sent.program.layout().taps.iter().enumerate();
        taps.map(|(at, tap)| ProbeValues {
            name: tap.name.clone(),
            values: std::iter::from_fn(|| sent.ears.value(at)).collect(),
        })
        .collect()
    }

    /// Collects what the playing program has printed.
    fn listen(&mut self, notices: &mut Vec<Notice>) {
        let Some(sent) = &mut self.current else { return };
        let prints: Vec<_> = std::iter::from_fn(|| sent.ears.print()).collect();
        if !prints.is_empty() {
            notices.push(Notice::Printed { text: text_of(&prints) });
        }
        if sent.ears.lost() > 0 && !sent.told_lost {
            sent.told_lost = true;
            let message = "more numbers are printed than can be shown; some are left out";
            notices.push(Notice::Report { message: message.to_owned() });
        }
    }

    /// Whether something is still on its way.
    pub fn outstanding(&self) -> bool {
        !self.flying.is_empty()
    }

    /// The program that plays, as far as is known.
    pub fn current(&self) -> Option<&Arc<Program>> {
        self.current.as_ref().map(|sent| &sent.program)
    }

    fn plan(&self, next: &Program) -> (ProgramId, Plan, PlanSummary) {
        match &self.current {
            None => (ProgramId::NONE, Plan::default(), next.first_plan()),
            Some(old) => {
                let (plan, summary) = old.program.plan_to(next);
                (old.id, plan, summary)
            }
        }
    }

    fn push(&mut self) {
        if let Some(prepared) = self.waiting.take()
            && let Err(rtrb::PushError::Full(back)) = self.remote.programs.push(prepared)
        {
            self.waiting = Some(back);
        }
    }

    fn take_flying(&mut self, id: ProgramId) -> Option<Sent> {
        let at = self.flying.iter().position(|sent| sent.id == id)?;
        Some(self.flying.remove(at))
    }

    fn hear(&mut self, report: Report, notices: &mut Vec<Notice>) {
        match report {
            Report::Swapped { id, at, words, lines, carried, ticks } => {
                self.took_over(id, notices);
                let micros = self.clock.micros(ticks);
                notices.push(Notice::SwapDone { id, at, micros, words, lines, carried });
                notices.extend(not_carried(carried).map(|message| Notice::Report { message }));
            }
            Report::Fault { id, fault } => {
                let Some(sent) = self.current.as_ref().filter(|sent| sent.id == id) else { return };
                let (message, line) = describe_fault(fault, sent.program.layout());
                notices.push(Notice::Fault { message, line });
            }
            Report::Guarded { channel, ceiling, .. } => {
                let message = describe_guard(channel, ceiling);
                notices.push(Notice::Report { message });
            }
            Report::TaskDropped { id, site } => {
                let sent = self.current.as_ref().filter(|sent| sent.id == id);
                let sites = sent.map_or(&[][..], |sent| &sent.program.layout().sites);
                let message = describe_dropped(site, sites);
                notices.push(Notice::Report { message });
            }
            Report::ChannelsDropped { program, host, .. } => {
                let message = format!(
                    "`dsp` has {program} outputs, the host takes {host}; the others are not heard"
                );
                notices.push(Notice::Report { message });
            }
        }
    }

    fn took_over(&mut self, id: ProgramId, notices: &mut Vec<Notice>) {
        let Some(sent) = self.take_flying(id) else { return };
        self.listen(notices);
        let prints = &sent.program.image.prints;
        if !prints.is_empty() {
            notices.push(Notice::Printed { text: text_of(prints) });
        }
        self.reset_due &= !sent.fresh;
        self.current = Some(sent);
    }

    /// A program came back: if its successor's own report was lost, this tells of it.
    fn replaced(&mut self, id: ProgramId, notices: &mut Vec<Notice>) {
        if self.current.as_ref().is_some_and(|sent| sent.id == id)
            && let Some(next) = self.flying.iter().find(|sent| sent.base == id).map(|sent| sent.id)
        {
            self.took_over(next, notices);
        }
    }
}

/// What a swap had to leave behind beyond what its plan says.
fn not_carried(carried: Carried) -> impl Iterator<Item = String> {
    let fresh = (carried.fresh > 0).then(|| {
        format!(
            "{} of the values that the plan keeps start fresh: they hold too much, or what is gone",
            carried.fresh
        )
    });
    let dropped = (carried.dropped > 0)
        .then(|| format!("{} tasks are dropped: their functions are gone", carried.dropped));
    fresh.into_iter().chain(dropped)
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let current = self.current.as_ref().map(|sent| sent.id);
        write!(f, "Link(current {current:?}, {} on their way)", self.flying.len())
    }
}

/// Translates the processor's ticks to time, by reading both clocks twice.
#[derive(Debug)]
struct Clock {
    start: Instant,
    ticks: u64,
}

impl Clock {
    fn new() -> Self {
        Self { start: Instant::now(), ticks: ftz::ticks() }
    }

    fn micros(&self, ticks: u64) -> f64 {
        let micros = self.start.elapsed().as_secs_f64() * 1e6;
        let passed = ftz::ticks().saturating_sub(self.ticks);
        if passed == 0 { 0.0 } else { ticks as f64 * micros / passed as f64 }
    }
}
