//! Renders programs without a host: fixed blocks, events and swaps at exact frames.
//!
//! The control side and the audio side of one instance on one thread, the same parts that a plugin
//! has on two. The samples do not depend on the block size.

use crate::link::{Link, ProbeValues};
use crate::message::{ControlInfo, Notice, PlanSummary, describe_dropped, describe_fault};
use crate::pipeline::Compiled;
use crate::program::Program;
use crate::slots::SlotTable;
use attacca_mir::eval::Oracle;
use attacca_rt::Hz;
use attacca_rt::carry::Carried;
use attacca_rt::code::Layout;
use attacca_rt::event::{Event, EventKind};
use attacca_rt::fade::after_fault;
use attacca_rt::ftz::Guard;
use attacca_rt::param::Values;
use attacca_rt::processor::{Idle, OutputGuard, Pace, Processor, ProcessorSettings, Status};
use attacca_rt::tap::text_of;
use attacca_rt::transport::{Transport, When};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How to render.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RenderSettings {
    /// Frames a block.
    pub block: usize,
    /// Seconds over which the jump of a swap is hidden; 0 is off.
    pub declick: f64,
    /// Whether the output is guarded as in the plugin.
    pub guard: OutputGuard,
    /// When the programs of a score take over, from their frames on.
    pub when: When,
}

impl Default for RenderSettings {
    fn default() -> Self {
        Self { block: 64, declick: 0.0, guard: OutputGuard::Off, when: When::AtOnce }
    }
}

/// What is to be rendered.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Length.
    pub frames: u64,
    /// Planar input; silence after its end.
    pub inputs: Vec<Vec<f64>>,
    /// Events with their frames, in order.
    pub events: Vec<(u64, EventKind)>,
    /// Programs that take over before a frame, in order.
    pub swaps: Vec<(u64, Arc<Program>)>,
    /// Beats a minute of a song that starts with the first frame; 120 if nothing is said.
    pub tempo: Option<f64>,
    /// Whether what the probes show is kept.
    pub probes: bool,
}

impl Score {
    /// The events, the song's start before them.
    fn all_events(&self) -> Vec<(u64, EventKind)> {
        let tempo = self.tempo.unwrap_or(Transport::default().tempo);
        let start = Transport { tempo, playing: true, ..Transport::default() };
        let mut events = vec![(0, EventKind::Transport(start))];
        events.extend_from_slice(&self.events);
        events
    }
}

/// One swap that took place.
#[derive(Clone, Debug, PartialEq)]
pub struct SwapDone {
    /// The first frame of the new program.
    pub frame: u64,
    /// What it kept.
    pub plan: PlanSummary,
    /// Time it took in the callback, in microseconds.
    pub micros: f64,
    /// State words copied.
    pub words: u32,
    /// Delay lines exchanged by pointer.
    pub lines: u32,
    /// What of the heap and the tasks went on.
    pub carried: Carried,
}

/// A program that was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The first frame that the program did not render: exact, whatever the block size.
    pub frame: u64,
    /// What and why.
    pub message: String,
    /// Line of the function, from 1; 0 if unknown.
    pub line: u32,
}

/// What was rendered.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// Planar output: the first program's channels, each as long as the score. From the frame of a fault
    /// on the last sample decays.
    pub channels: Vec<Vec<f64>>,
    /// The first fault; rendering goes on after it.
    pub fault: Option<Stopped>,
    /// The swaps of the score.
    pub swaps: Vec<SwapDone>,
    /// Other things worth telling, in order.
    pub reports: Vec<String>,
    /// What the programs printed.
    pub printed: String,
    /// What the probes of the last program showed, if the score asks for it.
    pub probes: Vec<ProbeValues>,
    /// Time of all blocks.
    pub total: Duration,
    /// Time of the slowest block.
    pub worst: Duration,
}

/// One instance without a host.
#[derive(Debug)]
pub struct Renderer {
    link: Link,
    processor: Processor,
    slots: SlotTable,
    controls: Vec<ControlInfo>,
    outputs: usize,
    block: usize,
    /// What was printed before the first frame.
    printed: String,
}

impl Renderer {
    /// An instance that plays `program` from its first frame on.
    pub fn new(program: &Arc<Program>, settings: RenderSettings) -> Self {
        let block = settings.block.clamp(1, 1 << 16);
        let (processor, remote) = Processor::new(ProcessorSettings {
            max_frames: block,
            channels: 0,
            idle: Idle::Silence,
            guard: settings.guard,
            pace: Pace::AtOnce,
            declick: settings.declick,
            rate: program.rate,
        });
        let mut renderer = Self {
            link: Link::new(remote, block),
            processor,
            slots: SlotTable::default(),
            controls: Vec::new(),
            outputs: program.layout().outputs as usize,
            block,
            printed: String::new(),
        };
        renderer.swap(program);
        renderer.link.set_when(settings.when);
        // Taken in now, without a fade: before the first frame nothing sounds.
        renderer.processor.apply_pending();
        for notice in renderer.link.poll() {
            match notice {
                Notice::Printed { text } => renderer.printed += &text,
                Notice::SwapDone { .. } | Notice::Fault { .. } | Notice::Report { .. } => {}
            }
        }
        renderer
    }

    /// The controls of the program sent last.
    pub fn controls(&self) -> &[ControlInfo] {
        &self.controls
    }

    /// The next block starts with this program.
    pub fn swap(&mut self, program: &Arc<Program>) -> PlanSummary {
        let bound = self.slots.bind(&program.layout().cells);
        self.controls.clone_from(&bound.controls);
        self.link.send(program, bound).1
    }

    /// Renders one block of any length; see [`Processor::render`].
    pub fn render(
        &mut self,
        inputs: &[&[f64]],
        outputs: &mut [&mut [f64]],
        events: &[Event],
    ) -> Status {
        self.processor.render(inputs, outputs, events)
    }

    /// What happened since the last time.
    pub fn poll(&mut self) -> Vec<Notice> {
        self.link.poll()
    }

    /// Renders a whole score.
    pub fn run(&mut self, score: &Score) -> Rendered {
        self.run_watched(score, |_| {})
    }

    /// Renders a whole score; `progress` is told how many frames are done.
    pub fn run_watched(&mut self, score: &Score, mut progress: impl FnMut(u64)) -> Rendered {
        let mut done = Rendered {
            channels: vec![vec![0.0; score.frames as usize]; self.outputs],
            ..Rendered::default()
        };
        let all = score.all_events();
        let (mut events, mut swaps) = (&all[..], &score.swaps[..]);
        done.printed = std::mem::take(&mut self.printed);
        let mut from = 0;
        // Of the program sent last: it may wait for a while.
        let mut plan = None;
        while from < score.frames {
            while let [(frame, program), rest @ ..] = swaps
                && *frame <= from
            {
                plan = Some(self.swap(program));
                swaps = rest;
            }
            let next_swap = swaps.first().map_or(score.frames, |(frame, _)| *frame);
            let to = (from + self.block as u64).min(next_swap).min(score.frames);
            self.part(score, from, to, &mut events, &mut done);
            self.notice(from, &mut plan, &mut done);
            if score.probes {
                self.record(&mut done.probes);
            }
            from = to;
            progress(from);
        }
        done
    }

    fn part(
        &mut self,
        score: &Score,
        from: u64,
        to: u64,
        events: &mut &[(u64, EventKind)],
        done: &mut Rendered,
    ) {
        let split = events.partition_point(|(frame, _)| *frame < to);
        let (due, rest) = events.split_at(split);
        *events = rest;
        let due: Vec<Event> = due
            .iter()
            .map(|(frame, kind)| Event { offset: frame.saturating_sub(from) as u32, kind: *kind })
            .collect();
        let range = from as usize..to as usize;
        let inputs: Vec<Vec<f64>> =
            score.inputs.iter().map(|input| cut(input, range.clone())).collect();
        let inputs: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
        let mut outputs: Vec<&mut [f64]> =
            done.channels.iter_mut().map(|channel| &mut channel[range.clone()]).collect();
        // A program without outputs still has to run.
        let mut nothing = vec![0.0; range.len()];
        if outputs.is_empty() {
            outputs.push(&mut nothing);
        }
        let start = Instant::now();
        self.processor.render(&inputs, &mut outputs, &due);
        let time = start.elapsed();
        done.total += time;
        done.worst = done.worst.max(time);
    }

    fn notice(&mut self, from: u64, plan: &mut Option<PlanSummary>, done: &mut Rendered) {
        for notice in self.link.poll() {
            match notice {
                Notice::SwapDone { at, micros, words, lines, carried, .. } => {
                    let plan = plan.take().unwrap_or_default();
                    let frame = at;
                    done.swaps.push(SwapDone { frame, plan, micros, words, lines, carried });
                }
                Notice::Fault { message, line } => {
                    let frame = self.processor.stopped_at().unwrap_or(from);
                    let fault = Stopped { frame, message, line };
                    done.fault.get_or_insert(fault);
                }
                Notice::Printed { text } => done.printed += &text,
                Notice::Report { message } => done.reports.push(message),
            }
        }
    }

    /// Adds what the probes showed; another program's probes take the place of the ones before.
    fn record(&mut self, all: &mut Vec<ProbeValues>) {
        let new = self.link.probes();
        let same = all.len() == new.len() && all.iter().zip(&new).all(|(a, b)| a.name == b.name);
        if !same {
            *all = new;
            return;
        }
        for (all, new) in all.iter_mut().zip(new) {
            all.values.extend(new.values);
        }
    }
}

/// Renders a score by the oracle: the program as lowered, read step by step. Slow and exact. Swaps
/// are not part of it; the fault of the global code is the error.
pub fn oracle(compiled: &Compiled, score: &Score) -> Result<Rendered, String> {
    let _mode = Guard::new();
    let module = compiled.sample.as_ref().ok_or("the program was rejected")?;
    let bound = SlotTable::default().bind(&module.cells);
    let oracle = Oracle::with_samples(module, module.rate, compiled.samples.clone());
    let mut oracle = oracle.map_err(|error| error.to_string())?;
    let mut values = Values::default();
    values.resize_voices(&module.voices);
    let mut channels = vec![Vec::new(); module.outputs as usize];
    let inputs = mix(&score.inputs, module.inputs as usize, score.frames as usize);
    let start = Instant::now();
    let all = score.all_events();
    let (mut from, mut events) = (0, &all[..]);
    while from < score.frames {
        while let [(frame, event), rest @ ..] = events
            && *frame <= from
        {
            values.take(event, from, module.rate);
            events = rest;
        }
        for (at, cell) in bound.cells.iter().enumerate() {
            oracle.set_cell(at, values.read(cell));
        }
        let next = if values.waits() { from + 1 } else { score.frames };
        let to = events.first().map_or(next, |(frame, _)| *frame).min(next).min(score.frames);
        let range = from as usize..to as usize;
        let piece: Vec<Vec<f64>> = inputs.iter().map(|input| cut(input, range.clone())).collect();
        for (all, rendered) in channels.iter_mut().zip(oracle.render(&piece, range.len())) {
            all.extend(rendered);
        }
        if oracle.fault().is_some() {
            break;
        }
        values.pass();
        from = to;
    }
    let names = module.taps.iter().map(|tap| tap.name.clone());
    let probes =
        names.zip(oracle.taps()).map(|(name, values)| ProbeValues { name, values: values.clone() });
    let probes = if score.probes { probes.collect() } else { Vec::new() };
    let printed = text_of(oracle.printed());
    let fault = oracle.fault().map(|fault| {
        let layout = Layout { sites: module.sites.clone(), ..Layout::default() };
        let (message, line) = describe_fault(fault, &layout);
        Stopped { frame: oracle.now(), message, line }
    });
    finish(&mut channels, score.frames as usize, Hz(module.rate));
    let reports =
        oracle.dropped().map(|dropped| describe_dropped(dropped.site, &module.sites)).into_iter();
    let reports = reports.collect();
    let (swaps, total) = (Vec::new(), start.elapsed());
    Ok(Rendered { channels, fault, swaps, reports, printed, probes, total, worst: total })
}

/// The end of a program that was stopped: its last sample decays.
fn finish(channels: &mut [Vec<f64>], frames: usize, rate: Hz) {
    let last: Vec<f64> = channels.iter().map(|it| it.last().copied().unwrap_or(0.0)).collect();
    let done = channels.first().map_or(frames, Vec::len);
    channels.iter_mut().for_each(|channel| channel.resize(frames, 0.0));
    let mut ends: Vec<&mut [f64]> = channels.iter_mut().map(|it| &mut it[done..]).collect();
    if done < frames {
        after_fault(&last, &mut ends, rate);
    }
}

/// Host channels as a program hears them: one input hears their mean.
fn mix(inputs: &[Vec<f64>], wanted: usize, frames: usize) -> Vec<Vec<f64>> {
    let padded: Vec<Vec<f64>> = inputs.iter().map(|input| cut(input, 0..frames)).collect();
    if wanted == 1 && padded.len() > 1 {
        let scale = 1.0 / padded.len() as f64;
        let mean = |at: usize| padded.iter().map(|input| input[at]).sum::<f64>() * scale;
        return vec![(0..frames).map(mean).collect()];
    }
    (0..wanted).map(|at| padded.get(at).cloned().unwrap_or_else(|| vec![0.0; frames])).collect()
}

/// A piece of an input, silence after its end.
fn cut(input: &[f64], range: std::ops::Range<usize>) -> Vec<f64> {
    let mut piece = input.get(range.start..range.end.min(input.len())).unwrap_or_default().to_vec();
    piece.resize(range.len(), 0.0);
    piece
}
