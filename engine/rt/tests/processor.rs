//! The processor with hand-written programs: events, block splits, channels, faults, swaps.

use attacca_rt::Hz;
use attacca_rt::code::{Code, Image, Layout, LineSpec, ObjectKind, Shape, WordKind};
use attacca_rt::ctx::{Ctx, Fault, FaultKind};
use attacca_rt::event::{Event, EventKind};
use attacca_rt::guard::Held;
use attacca_rt::heap::{Heap, HeapRef};
use attacca_rt::migrate::{LineMove, Plan, WordRun};
use attacca_rt::param::CellInput;
use attacca_rt::processor::{
    Idle, OutputGuard, Pace, Processor, ProcessorSettings, Remote, Report, Status,
};
use attacca_rt::program::{Preparation, Prepared};
use attacca_rt::sched::TASK_PLACES;
use attacca_rt::swap::{ProgramId, Retire, Swap};
use attacca_rt::voices::VoiceField;
use std::sync::Arc;

/// What a double computes in one frame.
type Frame = fn(&mut Ctx<'_>, usize) -> Option<Fault>;

struct Double {
    layout: Layout,
    frame: Frame,
    task: Task,
}

/// What a double's tasks do.
type Task = fn(&mut Ctx<'_>, HeapRef);

impl Code for Double {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn run(&self, ctx: &mut Ctx<'_>, frames: u32) -> u32 {
        assert!(attacca_rt::ftz::held(), "kernels run with the guard held");
        for at in 0..frames {
            ctx.fault = (self.frame)(ctx, at as usize);
            if ctx.fault.is_some() {
                return at;
            }
        }
        frames
    }

    fn call(&self, ctx: &mut Ctx<'_>, closure: HeapRef) {
        (self.task)(ctx, closure);
    }
}

/// Word 0 counts frames; the output is the count.
fn count(ctx: &mut Ctx<'_>, at: usize) -> Option<Fault> {
    let value = f64::from_bits(ctx.state.words()[0]) + 1.0;
    ctx.state.words_mut()[0] = value.to_bits();
    ctx.outputs[0][at] = value;
    None
}

/// Copies inputs to outputs, cell 0 to the last output.
fn through(ctx: &mut Ctx<'_>, at: usize) -> Option<Fault> {
    for (input, output) in ctx.inputs.iter().zip(ctx.outputs.iter_mut()) {
        output[at] = input[at];
    }
    if let (Some(cell), Some(output)) = (ctx.cells.first(), ctx.outputs.last_mut()) {
        output[at] = *cell;
    }
    None
}

/// The time of each frame.
fn now(ctx: &mut Ctx<'_>, at: usize) -> Option<Fault> {
    ctx.outputs[0][at] = (ctx.now + at as u64) as f64;
    None
}

/// 0.5, until the time is 100.
fn faulty(ctx: &mut Ctx<'_>, at: usize) -> Option<Fault> {
    if ctx.now + at as u64 >= 100 {
        return Some(Fault { kind: FaultKind::Heap, site: 3 });
    }
    ctx.outputs[0][at] = 0.5;
    None
}

/// A delay of the line's length, fed with the count in word 0.
fn delay(ctx: &mut Ctx<'_>, at: usize) -> Option<Fault> {
    let value = f64::from_bits(ctx.state.words()[0]) + 1.0;
    ctx.state.words_mut()[0] = value.to_bits();
    let line = &mut ctx.state.lines_mut()[0];
    let pos = line.pos();
    ctx.outputs[0][at] = line.load(pos - i64::from(line.len()));
    line.store(pos, value);
    line.set_pos(pos + 1);
    None
}

fn not_a_number(ctx: &mut Ctx<'_>, at: usize) -> Option<Fault> {
    ctx.outputs[0][at] = if at == 1 { f64::NAN } else { -9.0 };
    None
}

/// Not a number once on the right, much too loud on the left at frames 10 to 19.
fn uneven(ctx: &mut Ctx<'_>, at: usize) -> Option<Fault> {
    ctx.outputs[0][at] = if (10..20).contains(&at) { 7.0 } else { 0.25 };
    ctx.outputs[1][at] = if at == 30 { f64::NAN } else { 0.75 };
    None
}

fn layout(inputs: u32, outputs: u32, words: u32) -> Layout {
    Layout { inputs, outputs, words, ..Layout::default() }
}

fn line_layout(len: u32) -> Layout {
    Layout { lines: vec![LineSpec { word: 1, len }], ..layout(0, 1, 2) }
}

struct Rig {
    processor: Processor,
    remote: Remote,
    ids: u64,
    max_frames: usize,
    /// Whether what is sent is what a reset waits for.
    fresh: bool,
}

impl Rig {
    fn new(settings: ProcessorSettings) -> Self {
        let (processor, remote) = Processor::new(settings);
        Self { processor, remote, ids: 0, max_frames: settings.max_frames, fresh: false }
    }

    fn send(&mut self, frame: Frame, layout: Layout, cells: Vec<CellInput>, plan: Plan) -> u64 {
        self.send_from(self.ids, frame, layout, cells, plan)
    }

    fn send_from(
        &mut self,
        base: u64,
        frame: Frame,
        layout: Layout,
        cells: Vec<CellInput>,
        plan: Plan,
    ) -> u64 {
        self.ids += 1;
        let from = Preparation {
            id: ProgramId(self.ids),
            base: ProgramId(base),
            code: Arc::new(Double { layout, frame, task: |_, _| {} }),
            plan,
            cells,
            when: attacca_rt::transport::When::AtOnce,
            fresh: self.fresh,
            forget: 0,
            rate: Hz(48_000.0),
            max_frames: self.max_frames,
            samples: Vec::new(),
        };
        self.remote.programs.push(Box::new(Prepared::new(from, &Image::default()))).unwrap();
        self.ids
    }

    fn render(&mut self, frames: usize, events: &[Event]) -> Vec<f64> {
        let mut out = vec![9.0; frames];
        self.processor.render(&[], &mut [&mut out], events);
        out
    }

    fn reports(&mut self) -> Vec<Report> {
        std::iter::from_fn(|| self.remote.reports.pop().ok()).collect()
    }

    fn retired(&mut self) -> Vec<Retire> {
        std::iter::from_fn(|| self.remote.retired.pop().ok()).map(|back| back.why).collect()
    }
}

fn exact() -> ProcessorSettings {
    ProcessorSettings {
        declick: 0.0,
        guard: OutputGuard::Off,
        pace: Pace::AtOnce,
        idle: Idle::Silence,
        ..ProcessorSettings::default()
    }
}

fn keep_word() -> Plan {
    Plan { words: vec![WordRun { from: 0, to: 0, len: 1, kind: WordKind::F64 }], ..Plan::default() }
}

#[test]
fn events_take_effect_at_their_frame_whatever_the_blocks() {
    let cell = CellInput::Param { slot: 2, initial: -1.0, min: 0.0, max: 10.0 };
    for max_frames in [1, 3, 7, 64] {
        let mut rig = Rig::new(ProcessorSettings { max_frames, ..exact() });
        rig.send(through, layout(0, 1, 0), vec![cell], Plan::default());
        let param = |offset, value| Event { offset, kind: EventKind::Param { slot: 2, value } };
        let out = rig.render(10, &[param(3, 0.5), param(3, 0.6), param(7, 1.0), param(10, 0.1)]);
        assert_eq!(out, [-1.0, -1.0, -1.0, 6.0, 6.0, 6.0, 6.0, 10.0, 10.0, 10.0], "{max_frames}");
        assert_eq!(rig.render(1, &[]), [1.0], "an event at the end counts in the next block");
    }
}

#[test]
fn events_in_an_empty_block_are_not_lost() {
    let mut rig = Rig::new(exact());
    let cell = CellInput::Pitch { channel: 0, initial: 1.0 };
    rig.send(through, layout(0, 1, 0), vec![cell], Plan::default());
    let kind = EventKind::NoteOn { channel: 0, note: 60, velocity: 100.0, id: -1 };
    rig.render(0, &[Event { offset: 5, kind }]);
    assert_eq!(rig.render(2, &[]), [60.0, 60.0]);
}

#[test]
fn values_outlive_programs() {
    let cell = |min| CellInput::Param { slot: 0, initial: 0.25, min, max: 1.0 };
    let mut rig = Rig::new(exact());
    rig.send(through, layout(0, 1, 0), vec![cell(0.0)], Plan::default());
    rig.render(1, &[Event { offset: 0, kind: EventKind::Param { slot: 0, value: 0.5 } }]);
    rig.send(through, layout(0, 1, 0), vec![cell(-1.0)], Plan::default());
    assert_eq!(rig.render(1, &[]), [0.0]);
}

#[test]
fn time_goes_on_through_blocks_and_swaps() {
    let mut rig = Rig::new(ProcessorSettings { max_frames: 4, ..exact() });
    rig.send(now, layout(0, 1, 0), vec![], Plan::default());
    assert_eq!(rig.render(6, &[]), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    rig.send(now, layout(0, 1, 0), vec![], Plan::default());
    assert_eq!(rig.render(2, &[]), [6.0, 7.0]);
    assert_eq!(rig.processor.now(), 8);
}

#[test]
fn one_output_plays_on_both_channels_and_one_input_hears_the_mean() {
    let mut rig = Rig::new(ProcessorSettings { max_frames: 2, ..exact() });
    rig.send(through, layout(1, 1, 0), vec![], Plan::default());
    let (mut left, mut right) = ([1.0f32, 0.5, 0.0], [0.0f32, 0.5, -1.0]);
    assert_eq!(rig.processor.process(&mut [&mut left, &mut right], &[]), Status::Playing);
    assert_eq!((left, right), ([0.5, 0.5, -0.5], [0.5, 0.5, -0.5]));
    let mut mono = [0.25f32];
    rig.processor.process(&mut [&mut mono], &[]);
    assert_eq!(mono, [0.25]);
}

#[test]
fn more_channels_than_the_host_has_are_reported_and_silent() {
    let mut rig = Rig::new(exact());
    let id = ProgramId(rig.send(through, layout(3, 3, 0), vec![], Plan::default()));
    let (mut left, mut right) = ([1.0f32], [2.0f32]);
    rig.processor.process(&mut [&mut left, &mut right], &[]);
    rig.processor.process(&mut [&mut left, &mut right], &[]);
    assert_eq!((left, right), ([1.0], [2.0]));
    let dropped = Report::ChannelsDropped { id, program: 3, host: 2 };
    assert_eq!(rig.reports().iter().filter(|report| **report == dropped).count(), 1);
}

#[test]
fn without_a_program_an_effect_passes_its_input_and_a_synth_is_silent() {
    for (idle, want) in [(Idle::PassThrough, 0.75), (Idle::Silence, 0.0)] {
        let mut rig = Rig::new(ProcessorSettings { idle, ..ProcessorSettings::default() });
        let mut channel = [0.75f32; 3];
        assert_eq!(rig.processor.process(&mut [&mut channel], &[]), Status::Idle);
        assert_eq!(channel, [want; 3]);
    }
}

#[test]
fn a_fault_fades_out_and_the_next_program_plays() {
    let mut rig = Rig::new(ProcessorSettings { max_frames: 64, ..exact() });
    let id = ProgramId(rig.send(faulty, layout(0, 1, 0), vec![], Plan::default()));
    let out = rig.render(600, &[]);
    assert_eq!(rig.processor.status(), Status::Faulted);
    assert!(out[..100].iter().all(|x| *x == 0.5));
    assert_eq!(out[100], 0.5);
    assert!(out[100..340].windows(2).all(|pair| pair[0] > pair[1]), "it decays over 240 frames");
    assert!(out[340..].iter().all(|x| *x == 0.0));
    let fault = Fault { kind: FaultKind::Heap, site: 3 };
    assert!(rig.reports().contains(&Report::Fault { id, fault }));
    assert_eq!(rig.processor.stopped_at(), Some(100));
    rig.send(now, layout(0, 1, 0), vec![], Plan::default());
    assert_eq!(rig.render(1, &[]), [600.0]);
    assert_eq!((rig.processor.status(), rig.processor.stopped_at()), (Status::Playing, None));
}

#[test]
fn words_and_lines_go_on_and_the_old_program_comes_back() {
    let mut rig = Rig::new(exact());
    let plan = Plan { lines: vec![LineMove { from: 0, to: 0 }], ..keep_word() };
    rig.send(delay, line_layout(4), vec![], Plan::default());
    assert_eq!(rig.render(6, &[]), [0.0, 0.0, 0.0, 0.0, 1.0, 2.0]);
    rig.send(delay, line_layout(4), vec![], plan);
    assert_eq!(rig.render(3, &[]), [3.0, 4.0, 5.0]);
    assert_eq!(rig.retired(), [Retire::Replaced]);
    let swapped = rig.reports().into_iter().filter_map(|report| match report {
        Report::Swapped { id, words, lines, .. } => Some((id.0, words, lines)),
        Report::Fault { .. }
        | Report::Guarded { .. }
        | Report::TaskDropped { .. }
        | Report::ChannelsDropped { .. } => None,
    });
    assert_eq!(swapped.collect::<Vec<_>>(), [(1, 0, 0), (2, 1, 1)]);
}

#[test]
fn a_resized_line_is_exact_offline_and_bounded_live() {
    let plan = || Plan { resized: vec![LineMove { from: 0, to: 0 }], ..keep_word() };
    let mut rig = Rig::new(exact());
    rig.send(delay, line_layout(4), vec![], Plan::default());
    rig.render(6, &[]);
    rig.send(delay, line_layout(3), vec![], plan());
    assert_eq!(rig.render(3, &[]), [4.0, 5.0, 6.0]);

    let mut rig = Rig::new(ProcessorSettings { pace: Pace::Bounded, ..exact() });
    rig.send(delay, line_layout(50_000), vec![], Plan::default());
    rig.render(50_000, &[]);
    rig.send(delay, line_layout(40_000), vec![], plan());
    let mut blocks = 0;
    while rig.retired().is_empty() {
        rig.render(512, &[]);
        blocks += 1;
    }
    assert!((2..=4).contains(&blocks), "{blocks} blocks until the copy was done");
    let next = 50_000.0 + f64::from(blocks) * 512.0 - 40_000.0 + 1.0;
    assert_eq!(rig.render(1, &[]), [next]);
}

#[test]
fn a_plan_from_a_program_that_is_gone_comes_back_stale() {
    let mut rig = Rig::new(exact());
    rig.send(now, layout(0, 1, 0), vec![], Plan::default());
    rig.render(1, &[]);
    rig.send_from(0, count, layout(0, 1, 1), vec![], Plan::default());
    assert_eq!(rig.render(1, &[]), [1.0], "the old one plays on");
    assert_eq!(rig.retired(), [Retire::Stale]);
    rig.send_from(1, count, layout(0, 1, 1), vec![], Plan::default());
    rig.send_from(1, now, layout(0, 1, 0), vec![], Plan::default());
    assert_eq!(rig.render(1, &[]), [2.0]);
    assert_eq!(rig.retired(), [Retire::Superseded, Retire::Replaced]);
}

#[test]
fn a_jump_is_hidden_by_an_offset_that_decays() {
    let mut rig = Rig::new(ProcessorSettings { declick: 0.005, ..exact() });
    rig.send(count, layout(0, 1, 1), vec![], Plan::default());
    rig.render(300, &[]);
    rig.send(count, layout(0, 1, 1), vec![], Plan::default());
    let out = rig.render(300, &[]);
    assert_eq!(out[0], 301.0, "the first frame is what the old program would have played");
    assert!(out.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 2.0), "no jump");
    assert_eq!(out[299], 300.0);
}

#[test]
fn an_identical_program_changes_no_bit() {
    let plan = || Plan { lines: vec![LineMove { from: 0, to: 0 }], ..keep_word() };
    let play = |swap: bool| {
        let mut rig = Rig::new(ProcessorSettings { declick: 0.005, ..exact() });
        rig.send(delay, line_layout(4), vec![], Plan::default());
        let mut out = rig.render(7, &[]);
        if swap {
            rig.send(delay, line_layout(4), vec![], plan());
        }
        out.extend(rig.render(20, &[]));
        out
    };
    assert_eq!(play(false), play(true));
}

#[test]
fn the_guard_holds_back_what_hurts() {
    let mut rig = Rig::new(ProcessorSettings::default());
    let id = ProgramId(rig.send(not_a_number, layout(0, 1, 0), vec![], Plan::default()));
    let mut channel = [0.0f32; 300];
    rig.processor.process(&mut [&mut channel], &[]);
    assert!(channel.iter().all(|x| x.is_finite() && x.abs() < 4.0));
    assert_eq!((channel[1], channel[299]), (0.0, -3.981_071_7));
    let reports = rig.reports();
    assert!(reports.contains(&Report::Guarded { id, channel: 0, ceiling: None }));
}

#[test]
fn what_was_held_back_fades_from_where_it_was_held() {
    let mut rig = Rig::new(ProcessorSettings::default());
    rig.send(not_a_number, layout(0, 1, 0), vec![], Plan::default());
    let mut channel = [0.0f32; 300];
    rig.processor.process(&mut [&mut channel], &[]);
    rig.reports();
    rig.send(faulty, layout(0, 1, 0), vec![], Plan::default());
    rig.processor.process(&mut [&mut channel], &[]);
    assert_eq!(channel[0], -3.981_071_7, "-9 was never heard");
    let guarded = |report: &Report| matches!(report, Report::Guarded { .. });
    assert!(!rig.reports().iter().any(guarded), "the new program is not loud");
}

#[test]
fn the_guard_holds_each_channel_by_itself_below_the_ceiling_that_is_set() {
    let mut rig = Rig::new(ProcessorSettings { declick: 0.0, ..ProcessorSettings::default() });
    let id = ProgramId(rig.send(uneven, layout(0, 2, 0), vec![], Plan::default()));
    let mut play = |ceiling: Option<f64>| {
        if let Some(level) = ceiling {
            rig.remote.events.push(EventKind::Ceiling { level }).expect("there is room");
        }
        let (mut left, mut right) = ([0.0f32; 64], [0.0f32; 64]);
        rig.processor.process(&mut [&mut left, &mut right], &[]);
        let held = [rig.processor.held(0), rig.processor.held(1)];
        ([left[9], left[10], right[10], right[30]], held, rig.reports())
    };
    play(None);
    let (heard, held, _) = play(None);
    assert_eq!(heard, [0.25, 3.981_071_7, 0.75, 0.0]);
    assert_eq!(held, [Held { loud: 1, broken: 0 }, Held { loud: 0, broken: 1 }]);
    let (heard, _, reports) = play(Some(0.5));
    assert_eq!(heard, [0.25, 0.5, 0.5, 0.0]);
    let guarded = |report: &&Report| matches!(report, Report::Guarded { .. });
    let reports: Vec<&Report> = reports.iter().filter(guarded).collect();
    assert_eq!(reports, [&Report::Guarded { id, channel: 1, ceiling: Some(0.5) }]);
    let (heard, _, _) = play(Some(f64::INFINITY));
    assert_eq!(heard, [0.25, 7.0, 0.75, 0.0]);
}

#[test]
fn a_program_that_is_too_slow_decays_and_the_next_one_plays() {
    let mut rig = Rig::new(exact());
    rig.processor.stop_too_slow();
    assert_eq!(rig.reports(), [], "nothing plays yet");
    let id = ProgramId(rig.send(count, layout(0, 1, 1), vec![], Plan::default()));
    rig.render(100, &[]);
    rig.reports();
    rig.processor.stop_too_slow();
    rig.processor.stop_too_slow();
    let reports = rig.reports();
    let [Report::Fault { id: of, fault }] = reports[..] else { panic!("{reports:?}") };
    assert_eq!((of, fault.kind), (id, FaultKind::TooSlow));
    assert_eq!(rig.processor.stopped_at(), Some(100));
    let out = rig.render(400, &[]);
    assert_eq!(rig.processor.status(), Status::Faulted);
    assert!(out.windows(2).all(|pair| pair[0] >= pair[1]), "it decays: {out:?}");
    assert!(out[0] > 90.0 && out[0] <= 100.0 && out[399] == 0.0, "{} {}", out[0], out[399]);
    rig.send(count, layout(0, 1, 1), vec![], keep_word());
    assert_eq!(rig.render(1, &[])[0], 101.0);
    assert_eq!(rig.processor.status(), Status::Playing);
}

#[test]
fn a_reset_is_silent_until_the_fresh_instance_plays_from_its_start() {
    let mut rig = Rig::new(ProcessorSettings { declick: 0.005, ..exact() });
    rig.processor.mute();
    rig.send(count, layout(0, 1, 1), vec![], Plan::default());
    assert_ne!(rig.render(400, &[])[399], 0.0, "nothing played that could be reset");
    rig.processor.mute();
    assert_eq!(rig.render(70, &[]), vec![0.0; 70]);
    rig.send(now, layout(0, 1, 1), vec![], keep_word());
    assert_eq!(rig.render(30, &[]), vec![0.0; 30], "an edit on its way does not end the silence");
    rig.fresh = true;
    rig.send_from(1, now, layout(0, 1, 1), vec![], Plan::default());
    let out = rig.render(400, &[]);
    assert_eq!(out[399], 899.0, "time goes on");
    assert_eq!(rig.retired(), [Retire::Superseded, Retire::Replaced]);
    rig.send(count, layout(0, 1, 1), vec![], Plan::default());
    rig.processor.mute();
    let out = rig.render(400, &[]);
    assert_eq!(out[399], 400.0, "the count begins anew: {}", out[399]);
    assert!(out[0].abs() < 2.0, "nothing of what sounded is faded: {}", out[0]);
}

#[test]
fn a_deactivated_processor_takes_programs_over_without_rendering() {
    let mut rig = Rig::new(exact());
    rig.send(now, layout(0, 1, 0), vec![], Plan::default());
    assert_eq!(rig.processor.apply_pending(), Swap::Done);
    assert_eq!((rig.processor.status(), rig.processor.now()), (Status::Playing, 0));
}

/// A closure in the heap of an image.
fn closure_image() -> (Layout, Image, HeapRef) {
    let shape = Shape { kind: ObjectKind::Closure, fields: vec![WordKind::I64; 2] };
    let layout = Layout {
        heap_words: 4096,
        shapes: vec![shape.clone()],
        tasks: TASK_PLACES,
        ..layout(0, 1, 1)
    };
    let mut heap = Heap::new(4096, &[shape], &[]);
    let closure = heap.alloc(0, &[1, 0]).unwrap();
    (layout, Image { heap: heap.image(), ..Image::default() }, closure)
}

impl Rig {
    /// A program that starts from an image and has tasks.
    fn send_tasks(&mut self, frame: Frame, task: Task, layout: Layout, image: &Image) {
        let from = Preparation {
            id: ProgramId(self.ids + 1),
            base: ProgramId(self.ids),
            code: Arc::new(Double { layout, frame, task }),
            plan: Plan::default(),
            cells: vec![],
            when: attacca_rt::transport::When::AtOnce,
            fresh: self.fresh,
            forget: 0,
            rate: Hz(48_000.0),
            max_frames: self.max_frames,
            samples: vec![],
        };
        self.ids += 1;
        self.remote.programs.push(Box::new(Prepared::new(from, image))).unwrap();
    }
}

/// Word 0, as it is.
fn word(ctx: &mut Ctx<'_>, at: usize) -> Option<Fault> {
    ctx.outputs[0][at] = f64::from_bits(ctx.state.words()[0]);
    None
}

/// Adds 1 to word 0, and does so again three samples later.
fn add_again(ctx: &mut Ctx<'_>, closure: HeapRef) {
    let value = f64::from_bits(ctx.state.words()[0]) + 1.0;
    ctx.state.words_mut()[0] = value.to_bits();
    let now = ctx.now;
    let parts = ctx.state.parts();
    parts.heap.retain(closure);
    parts.tasks.schedule(parts.heap, now, now as f64 + 3.0, closure, 0);
}

#[test]
fn tasks_run_before_their_frame_whatever_the_block_size() {
    let (layout, mut image, closure) = closure_image();
    image.tasks = vec![attacca_rt::sched::Task { time: 2, order: 0, closure, site: 0 }];
    let want: Vec<f64> = (0..100).map(|n: i32| f64::from((n + 1).div_euclid(3))).collect();
    for block in [1, 7, 64, 100] {
        let mut rig = Rig::new(exact());
        rig.send_tasks(word, add_again, layout.clone(), &image);
        let mut out = Vec::new();
        while out.len() < 100 {
            out.extend(rig.render(block.min(100 - out.len()), &[]));
        }
        assert_eq!(out, want, "blocks of {block}");
        let state = rig.processor.current().unwrap().state();
        assert_eq!(state.heap().owners(closure), 1, "one task waits, and owns its closure");
    }
}

#[test]
fn times_of_a_new_programs_tasks_count_from_its_swap() {
    let (layout, mut image, closure) = closure_image();
    image.tasks = vec![attacca_rt::sched::Task { time: 2, order: 0, closure, site: 0 }];
    let mut rig = Rig::new(exact());
    rig.render(10, &[]);
    rig.send_tasks(word, add_again, layout, &image);
    assert_eq!(rig.render(6, &[]), [0.0, 0.0, 1.0, 1.0, 1.0, 2.0]);
}

#[test]
fn a_storm_of_tasks_is_a_fault_at_its_sample() {
    let (layout, mut image, _) = closure_image();
    let closure = HeapRef::NULL;
    let task = |order| attacca_rt::sched::Task { time: 5, order, closure, site: 3 };
    image.tasks = (0..10_001).map(task).collect();
    for block in [1, 4, 16] {
        let mut rig = Rig::new(exact());
        rig.send_tasks(word, |_, _| {}, layout.clone(), &image);
        for _ in 0..16 / block {
            rig.render(block, &[]);
        }
        assert_eq!(rig.processor.stopped_at(), Some(5));
        let told: Vec<_> = std::iter::from_fn(|| rig.remote.reports.pop().ok()).collect();
        let fault = Fault { kind: FaultKind::Tasks, site: 3 };
        assert!(told.contains(&Report::Fault { id: ProgramId(1), fault }), "{told:?}");
    }
}

#[test]
fn a_task_that_comes_too_late_is_told_once() {
    let (layout, image, _) = closure_image();
    let late: Frame = |ctx, at| {
        let now = ctx.now + at as u64;
        let parts = ctx.state.parts();
        parts.tasks.schedule(parts.heap, now, now as f64, HeapRef::NULL, 9);
        ctx.outputs[0][at] = 1.0;
        None
    };
    let mut rig = Rig::new(exact());
    rig.send_tasks(late, |_, _| {}, layout, &image);
    rig.render(10, &[]);
    rig.render(10, &[]);
    let told: Vec<_> = std::iter::from_fn(|| rig.remote.reports.pop().ok())
        .filter(|report| matches!(report, Report::TaskDropped { .. }))
        .collect();
    assert_eq!(told, [Report::TaskDropped { id: ProgramId(1), site: 9 }]);
    assert_eq!(rig.processor.current().unwrap().state().tasks().dropped(), 20);
}

#[test]
fn a_stolen_voice_shows_a_closed_gate_for_one_frame_at_every_block_size() {
    let on = |offset, note| {
        let kind = EventKind::NoteOn { channel: 0, note, velocity: 127.0, id: -1 };
        Event { offset, kind }
    };
    for block in [1u32, 3, 12] {
        let mut rig = Rig::new(exact());
        let layout = Layout { voices: vec![1], ..layout(0, 1, 0) };
        let field = VoiceField::Gate;
        let cells = vec![CellInput::Voice { group: 0, voice: 0, field }];
        rig.send(through, layout, cells, Plan::default());
        let all = [on(2, 60), on(6, 62), on(7, 64)];
        let mut out = Vec::new();
        for start in (0..12).step_by(block as usize) {
            let due = all.iter().filter(|e| (start..start + block).contains(&e.offset));
            let due: Vec<_> =
                due.map(|e| Event { offset: e.offset - start, kind: e.kind }).collect();
            out.extend(rig.render(block as usize, &due));
        }
        let want = [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        assert_eq!(out, want, "blocks of {block}");
    }
}
