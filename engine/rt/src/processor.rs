//! The audio thread's object: takes over new programs, splits blocks at events, renders.
//!
//! Owns the program that plays and the one that waits, the values that outlive programs, and the
//! time. Takes host channels and events, gives host channels and a [`Status`]. Nothing here
//! allocates, frees, locks, waits, calls the system or panics.

use crate::ahead::{Ahead, Coming};
use crate::block::{Frame, idle, spread, to_f32};
use crate::carry::Carried;
use crate::ctx::{Fault, FaultKind};
use crate::event::{Event, EventKind, Pending};
use crate::fade::{Fade, frames_of};
use crate::ftz::{self, Guard};
use crate::guard::{Check, Guards, Held};
use crate::param::Values;
use crate::program::Prepared;
use crate::record::{Mark, Recorder, Turn};
pub use crate::settings::{Idle, OutputGuard, Pace, ProcessorSettings, Report, Status};
use crate::swap::{HandOver, Planned, ProgramId, Ready, Retired, Swap};
use crate::transport::Moment;
use crate::{Hz, MAX_CHANNELS};
use rtrb::{Consumer, Producer, RingBuffer};
use std::array;

/// Programs that can be on their way back at once.
const RETIRE_PLACES: usize = 4;

/// Programs that can be on their way in at once.
const SEND_PLACES: usize = 8;

/// Reports that can wait to be read; more are lost.
const REPORT_PLACES: usize = 64;

/// Events of the control side that can be on their way.
const EVENT_PLACES: usize = 256;

/// The control side's ends of the rings.
#[derive(Debug)]
pub struct Remote {
    /// Programs to play.
    pub programs: Producer<Box<Prepared>>,
    /// Programs that come back, to be dropped or planned again.
    pub retired: Consumer<Retired<Box<Prepared>>>,
    /// Reports.
    pub reports: Consumer<Report>,
    /// Events that do not come from the host; each takes effect at the next block.
    pub events: Producer<EventKind>,
}

type Hands = HandOver<Box<Prepared>, Consumer<Box<Prepared>>, Producer<Retired<Box<Prepared>>>>;

/// What the current program has shown since it took over.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    stopped: bool,
    /// Silent until a fresh instance takes over.
    muted: bool,
    stopped_at: Option<u64>,
    broken: bool,
    reported_channels: bool,
    reported_tasks: bool,
}

/// The audio side of one instance.
#[derive(Debug)]
pub struct Processor {
    settings: ProcessorSettings,
    hands: Hands,
    reports: Producer<Report>,
    events: Consumer<EventKind>,
    /// How many of them the next sample hears.
    sent: usize,
    values: Values,
    /// To see what events would do to `values`.
    spare: Box<Values>,
    now: u64,
    seen: Seen,
    guards: Guards,
    fade: Fade,
    last: Frame,
    host_in: Vec<Box<[f64]>>,
    host_out: Vec<Box<[f64]>>,
    recorder: Option<Recorder>,
}

impl Processor {
    /// A processor without a program, and the control side's ends of its rings. Allocates.
    pub fn new(settings: ProcessorSettings) -> (Self, Remote) {
        let settings =
            ProcessorSettings { max_frames: settings.max_frames.clamp(1, 1 << 16), ..settings };
        let (programs, inbox) = RingBuffer::new(SEND_PLACES);
        let (outbox, retired) = RingBuffer::new(RETIRE_PLACES);
        let (reports, heard) = RingBuffer::new(REPORT_PLACES);
        let (sent, events) = RingBuffer::new(EVENT_PLACES);
        let channels = settings.channels.min(MAX_CHANNELS);
        let buffers = || (0..channels).map(|_| vec![0.0; settings.max_frames].into()).collect();
        let processor = Self {
            settings,
            hands: HandOver::new(inbox, outbox),
            reports,
            events,
            sent: 0,
            values: Values::default(),
            spare: Box::default(),
            now: 0,
            seen: Seen::default(),
            guards: Guards::new(settings.guard),
            fade: Fade::new(),
            last: [0.0; MAX_CHANNELS],
            host_in: buffers(),
            host_out: buffers(),
            recorder: None,
        };
        (processor, Remote { programs, retired, reports: heard, events: sent })
    }

    /// Keeps what [`Self::process`] is given from now on. For a new processor: a recording starts from nothing.
    pub fn record(&mut self, recorder: Recorder) {
        self.recorder = Some(recorder);
    }

    /// Renders one host block in place: inputs are read from `channels`, outputs written there.
    /// `events` are ordered by offset. Audio thread.
    pub fn process(&mut self, channels: &mut [&mut [f32]], events: &[Event]) -> Status {
        let _mode = Guard::new();
        let frames = channels.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let (mut host_in, mut host_out) =
            (std::mem::take(&mut self.host_in), std::mem::take(&mut self.host_out));
        let used = channels.len().min(host_in.len());
        let mut events = Pending { events, base: 0 };
        let mut from = 0;
        while from < frames || events.base == 0 {
            let count = (frames - from).min(self.settings.max_frames);
            if let Some(recorder) = &mut self.recorder {
                recorder.block(channels, from, count, events.events, events.base);
            }
            for (buffer, channel) in host_in.iter_mut().zip(channels.iter()) {
                for (to, x) in
                    buffer.iter_mut().zip(channel.get(from..from + count).unwrap_or_default())
                {
                    *to = f64::from(*x);
                }
            }
            let inputs: [&[f64]; MAX_CHANNELS] = array::from_fn(|at| {
                host_in.get(at).and_then(|b| b.get(..count)).unwrap_or_default()
            });
            let mut outputs: [&mut [f64]; MAX_CHANNELS] = array::from_fn(|_| Default::default());
            for (view, buffer) in outputs.iter_mut().zip(&mut host_out) {
                *view = buffer.get_mut(..count).unwrap_or_default();
            }
            let (inputs, outputs) = (inputs.get(..used), outputs.get_mut(..used));
            self.chunk(inputs.unwrap_or_default(), outputs.unwrap_or_default(), count, &mut events);
            for (at, channel) in channels.iter_mut().enumerate() {
                let Some(channel) = channel.get_mut(from..from + count) else { continue };
                match host_out.get(at) {
                    Some(buffer) => to_f32(channel, buffer),
                    None => channel.fill(0.0),
                }
            }
            from += count;
            if count == 0 {
                break;
            }
        }
        (self.host_in, self.host_out) = (host_in, host_out);
        self.take_rest(&events);
        self.status()
    }

    /// Renders one block from f64 inputs to f64 outputs, all of the same length. For rendering to a
    /// file, where `outputs` are the program's own channels.
    pub fn render(
        &mut self,
        inputs: &[&[f64]],
        outputs: &mut [&mut [f64]],
        events: &[Event],
    ) -> Status {
        let _mode = Guard::new();
        let frames = outputs.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let mut events = Pending { events, base: 0 };
        if frames <= self.settings.max_frames && outputs.len() <= MAX_CHANNELS {
            self.chunk(inputs, outputs, frames, &mut events);
        } else {
            self.render_parts(inputs, outputs, frames, &mut events);
        }
        self.take_rest(&events);
        self.status()
    }

    /// Renders a block longer than a kernel call.
    fn render_parts(
        &mut self,
        inputs: &[&[f64]],
        outputs: &mut [&mut [f64]],
        frames: usize,
        events: &mut Pending<'_>,
    ) {
        let used = outputs.len().min(MAX_CHANNELS);
        let mut from = 0;
        while from < frames {
            let count = (frames - from).min(self.settings.max_frames);
            let mut part_in: [&[f64]; MAX_CHANNELS] = [&[]; MAX_CHANNELS];
            for (view, input) in part_in.iter_mut().zip(inputs) {
                *view = input.get(from..from + count).unwrap_or_default();
            }
            let mut part_out: [&mut [f64]; MAX_CHANNELS] = array::from_fn(|_| Default::default());
            for (view, output) in part_out.iter_mut().zip(outputs.iter_mut()) {
                *view = output.get_mut(from..from + count).unwrap_or_default();
            }
            let part_in = part_in.get(..inputs.len()).unwrap_or(&part_in);
            let part_out = part_out.get_mut(..used).unwrap_or_default();
            self.chunk(part_in, part_out, count, events);
            from += count;
        }
    }

    /// Lets a waiting program take over without rendering. For the control side, while the host has
    /// the plugin deactivated and the control side owns the processor.
    pub fn apply_pending(&mut self) -> Swap {
        let _mode = Guard::new();
        if let Some(recorder) = &mut self.recorder {
            recorder.mark(Mark::Quiet);
        }
        let swap = self.poll(&[], 0, &[], Turn::First);
        self.fade = Fade::new();
        swap
    }

    /// Stops the program that plays because it is too slow for real time; whoever measures the load
    /// says so. Its last output decays. Nothing happens if none plays. Audio thread.
    pub fn stop_too_slow(&mut self) {
        if self.status() == Status::Playing
            && let Some(program) = self.hands.current()
        {
            let site = program.layout().sites.iter().position(|site| site.function == "dsp");
            let site = site.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX);
            let id = program.id();
            self.seen.stopped_at = Some(self.now);
            if let Some(recorder) = &mut self.recorder {
                recorder.mark(Mark::TooSlow);
            }
            self.stop(id, Fault { kind: FaultKind::TooSlow, site });
        }
    }

    /// Silence from here until a fresh instance takes over: for a reset, whose instance is on its way. A
    /// program that would go on with what played has to wait for it. Nothing happens without a program.
    /// Audio thread.
    pub fn mute(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.mark(Mark::Muted);
        }
        self.seen.muted = self.hands.current().is_some();
        if self.seen.muted {
            self.fade = Fade::new();
            self.last = [0.0; MAX_CHANNELS];
        }
    }

    /// Whether a program plays.
    pub fn status(&self) -> Status {
        match (self.hands.current(), self.seen.stopped) {
            (None, _) => Status::Idle,
            (Some(_), true) => Status::Faulted,
            (Some(_), false) => Status::Playing,
        }
    }

    /// Time of the next frame, in samples since the processor was made.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Time of the frame at which the program was stopped, if it was.
    pub fn stopped_at(&self) -> Option<u64> {
        self.seen.stopped_at
    }

    /// The program that plays.
    pub fn current(&self) -> Option<&Prepared> {
        self.hands.current().map(|program| &**program)
    }

    /// How often an output channel was held back by the guard.
    pub fn held(&self, channel: usize) -> Held {
        self.guards.held(channel)
    }

    /// The place in the song at which the program that waits will take over; `None` if none waits for
    /// its moment.
    pub fn waits_for(&self) -> Option<Moment> {
        let wait = self.frames_to_swap()?;
        Some(self.values.anchor().moment(self.now.saturating_add(wait)))
    }

    /// Takes in new programs, then renders up to `max_frames` frames, split at events.
    fn chunk(
        &mut self,
        inputs: &[&[f64]],
        outputs: &mut [&mut [f64]],
        frames: usize,
        events: &mut Pending<'_>,
    ) {
        self.sent = self.events.slots();
        self.poll(inputs, outputs.len(), events.first(), Turn::First);
        self.take_sent();
        let mut from = 0;
        loop {
            let mut next = self.take_events(events, from, frames);
            if self.frames_to_swap() == Some(0) {
                self.poll_at(inputs, outputs.len(), from);
            }
            if let Some(wait @ 1..) = self.frames_to_swap() {
                next = next.min(from.saturating_add(usize::try_from(wait).unwrap_or(usize::MAX)));
            }
            if self.values.waits() {
                next = next.min(from + 1);
            }
            if next > from {
                self.piece(inputs, outputs, from, next - from);
                if self.values.pass() {
                    self.read_cells();
                }
            }
            from = next;
            if from >= frames {
                break;
            }
        }
        events.base += frames.max(1);
    }

    /// Applies the events that the control side had sent before the chunk. Later ones wait for the next, so
    /// that a swap foresees no others.
    fn take_sent(&mut self) {
        let mut moved = false;
        let rate = self.rate().0;
        for _ in 0..std::mem::take(&mut self.sent) {
            let Ok(event) = self.events.pop() else { break };
            if let Some(recorder) = &mut self.recorder {
                recorder.mark(Mark::Sent(event));
            }
            moved |= self.take_event(&event, rate);
        }
        if moved {
            self.read_cells();
        }
    }

    /// Applies an event; true if a program may read something else now.
    fn take_event(&mut self, event: &EventKind, rate: f64) -> bool {
        if let EventKind::Ceiling { level } = *event {
            self.guards.set_ceiling(level);
        }
        self.values.take(event, self.now, rate)
    }

    /// Applies the events due at frame `from` of this chunk; returns where the next one is due.
    fn take_events(&mut self, pending: &mut Pending<'_>, from: usize, frames: usize) -> usize {
        let mut moved = false;
        let mut next = frames;
        let rate = self.rate().0;
        while let [event, rest @ ..] = pending.events {
            let at = (event.offset as usize).saturating_sub(pending.base);
            if at > from {
                next = at.min(frames);
                break;
            }
            moved |= self.take_event(&event.kind, rate);
            pending.events = rest;
        }
        if moved {
            self.read_cells();
        }
        next
    }

    /// Applies events beyond the block's end, which a host should not send: a note must not hang.
    fn take_rest(&mut self, pending: &Pending<'_>) {
        let rate = self.rate().0;
        for event in pending.events {
            self.take_event(&event.kind, rate);
        }
        if !pending.events.is_empty() {
            self.read_cells();
        }
    }

    fn read_cells(&mut self) {
        if let Some(program) = self.hands.current_mut() {
            program.read_cells(&self.values);
        }
    }

    /// Renders frames without events or swaps in them.
    fn piece(&mut self, inputs: &[&[f64]], outputs: &mut [&mut [f64]], from: usize, frames: usize) {
        if self.seen.muted {
            for output in outputs.iter_mut() {
                output.get_mut(from..from + frames).unwrap_or_default().fill(0.0);
            }
            self.now += frames as u64;
            return;
        }
        let mut done = 0;
        if !self.seen.stopped
            && let Some(program) = self.hands.current_mut()
        {
            program.hear(inputs, from, frames);
            let fault = play(program, &mut done, frames, self.now);
            spread(program, outputs, from, done);
            let dropped = program.dropped_tasks();
            let id = program.id();
            let count = program.output_count();
            self.finish(outputs, from, done);
            self.report_channels(id, count, outputs.len());
            self.report_tasks(id, dropped);
            if let Some(fault) = fault {
                self.seen.stopped_at = Some(self.now + done as u64);
                self.stop(id, fault);
            }
        }
        if done < frames {
            idle(self.settings.idle, inputs, outputs, from + done, frames - done);
            self.finish(outputs, from + done, frames - done);
        }
        self.now += frames as u64;
    }

    /// Adds the fade, guards the frames and keeps the last one.
    fn finish(&mut self, outputs: &mut [&mut [f64]], from: usize, frames: usize) {
        if frames == 0 {
            return;
        }
        self.fade.add(outputs, from, frames);
        let id = self.hands.current_id();
        for (channel, output) in outputs.iter_mut().enumerate() {
            let output = output.get_mut(from..from + frames).unwrap_or_default();
            let check = self.guards.pass(channel, output);
            if let (Some(last), Some(x)) = (self.last.get_mut(channel), output.last()) {
                *last = *x;
            }
            self.seen.broken |= check.broken;
            if check == Check::default() || self.seen.stopped {
                continue;
            }
            let untold = self.guards.untold(channel, check);
            let channel = channel as u32;
            if untold.broken {
                self.report(Report::Guarded { id, channel, ceiling: None });
            }
            if untold.loud {
                let ceiling = Some(self.guards.ceiling());
                self.report(Report::Guarded { id, channel, ceiling });
            }
        }
    }

    fn report_channels(&mut self, id: ProgramId, program: usize, host: usize) {
        if program > host && !self.seen.reported_channels {
            self.seen.reported_channels = true;
            self.report(Report::ChannelsDropped { id, program: program as u32, host: host as u32 });
        }
    }

    fn report_tasks(&mut self, id: ProgramId, (count, site): (u64, u32)) {
        if count > 0 && !self.seen.reported_tasks {
            self.seen.reported_tasks = true;
            self.report(Report::TaskDropped { id, site });
        }
    }

    /// Stops the program: its last good output decays to what plays without one.
    fn stop(&mut self, id: ProgramId, fault: Fault) {
        self.seen.stopped = true;
        let goal = self.last.map(|x| self.guards.hold(x));
        self.fade.start_fault(goal, self.rate());
        self.report(Report::Fault { id, fault });
    }

    /// The sample rate of what plays.
    fn rate(&self) -> Hz {
        self.hands.current().map_or(self.settings.rate, |program| program.rate())
    }

    /// Reports are lost when nobody reads them; the sound matters more.
    fn report(&mut self, report: Report) {
        self.reports.push(report).ok();
    }

    /// Frames until the moment of the program that waits for one.
    fn frames_to_swap(&self) -> Option<u64> {
        let pending = self.hands.pending()?;
        pending.frames_to_swap(self.values.anchor(), self.now)
    }

    /// [`Self::poll`] at frame `from` of a block.
    fn poll_at(&mut self, inputs: &[&[f64]], host_outputs: usize, from: usize) {
        let rest: [&[f64]; MAX_CHANNELS] = array::from_fn(|at| {
            inputs.get(at).and_then(|input| input.get(from..)).unwrap_or_default()
        });
        self.poll(rest.get(..inputs.len()).unwrap_or(&rest), host_outputs, &[], Turn::Events);
    }

    /// Takes in new programs and lets the newest take over if it can; `events` come at the same sample,
    /// after it.
    fn poll(
        &mut self,
        inputs: &[&[f64]],
        host_outputs: usize,
        events: &[Event],
        turn: Turn,
    ) -> Swap {
        let start = ftz::ticks();
        let Self { hands, settings, seen, guards, fade, last, now, values, .. } = self;
        let mut coming =
            Coming { sent: (&mut self.events, self.sent), events, spare: &mut self.spare };
        let mut lines = 0;
        let mut carried = Carried::default();
        let swap = hands.poll(|old, new| {
            let (stopped, idle) = (seen.stopped, settings.idle);
            let ahead = Ahead { stopped, fade, last, inputs, host_outputs, now: *now, idle };
            let mut goal = ahead.idle_frame();
            if let Some(old) = old {
                let early = turn == Turn::First && new.follows_events(*now);
                if early || (seen.muted && !new.is_fresh()) {
                    return Ready::Later;
                }
                // After broken output the lines are full of it: they start fresh.
                let keep_lines = !seen.broken;
                let copied = !keep_lines || new.advance_copies(old, settings.pace.budget());
                // Nobody waits for a beat in silence.
                let due = new.is_due(values.anchor(), *now) || seen.stopped || seen.muted;
                if !due || !copied {
                    return Ready::Later;
                }
                new.begin(*now);
                carried = new.take_words(old);
                if seen.muted {
                    goal = [0.0; MAX_CHANNELS];
                } else if settings.declick > 0.0 {
                    coming.tell(old, values, *now);
                    goal = ahead.expected(old);
                }
                if keep_lines {
                    lines = new.plan().lines.len() as u32;
                    new.take_lines(old);
                }
            } else {
                new.begin(*now);
            }
            // What was heard is where it goes on from.
            let goal = goal.map(|x| guards.hold(x));
            fade.start(goal, frames_of(settings.declick, new.rate()));
            Ready::Now
        });
        if swap == Swap::Done {
            self.seen = Seen::default();
            self.guards.restart();
            self.take_over(start, lines, carried, turn);
        }
        swap
    }

    /// What is left to do once a new program is current.
    fn take_over(&mut self, start: u64, lines: u32, carried: Carried, turn: Turn) {
        let Some(program) = self.hands.current_mut() else { return };
        self.values.forget(program.forget());
        self.values.resize_voices(&program.layout().voices);
        program.read_cells(&self.values);
        let (id, words) = (program.id(), program.plan().word_count());
        let fresh = program.is_fresh();
        let ticks = ftz::ticks().saturating_sub(start);
        let at = self.now;
        if let Some(recorder) = &mut self.recorder {
            recorder.mark(Mark::Swapped { id, at, fresh, turn });
        }
        self.report(Report::Swapped { id, at, words, lines, carried, ticks });
    }
}

/// Renders `frames` frames of the program, the first at time `now`, and its tasks between them.
/// `done` counts the frames; gives the fault that stopped it.
fn play(program: &mut Prepared, done: &mut usize, frames: usize, now: u64) -> Option<Fault> {
    while *done < frames {
        let time = now + *done as u64;
        if program.next_task() <= time
            && let Some(fault) = program.run_tasks(time)
        {
            return Some(fault);
        }
        let room = program.next_task().saturating_sub(time);
        let count = (frames - *done).min(usize::try_from(room).unwrap_or(usize::MAX));
        let (rendered, stopped) = program.run(*done, count, time);
        *done += rendered;
        // A kernel that neither renders nor says why would keep us here for ever.
        let stuck = Fault { kind: FaultKind::Tasks, site: 0 };
        let fault = stopped.or((rendered == 0).then_some(stuck));
        if fault.is_some() {
            return fault;
        }
    }
    None
}
