//! Many instances in one process, each between two programs: what the callbacks take, who drops what was
//! replaced. One audio thread, one worker. Also part of `cargo xtask bench --swap`.

#![allow(unreachable_pub, reason = "public in the tests' library, a part of xtask")]

use attacca_engine::{
    Event, EventKind, Hz, Idle, OutputGuard, Pace, Processor, ProcessorSettings, Program, Session,
    Target,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Frames a block.
pub const BLOCK: usize = 64;

/// The sample rate.
pub const RATE: f64 = 48_000.0;

/// The time between two swaps of one instance.
pub const BETWEEN: Duration = Duration::from_millis(100);

/// Which time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// That of the world: blocks come when a sound card would ask for them.
    World,
    /// That of the sound, which is rendered as fast as it can be.
    Sound,
}

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Instances.
    pub instances: usize,
    /// How long, by `clock`.
    pub time: Duration,
    /// Which time counts.
    pub clock: Clock,
    /// Whether each instance alternates between its programs.
    pub swaps: bool,
}

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The callbacks in which no program took over.
    pub plain: Times,
    /// Those in which one did.
    pub swapped: Times,
    /// Instances of programs that the worker made.
    pub made: u64,
    /// Instances of programs that the worker dropped by the time when nothing was under way.
    pub dropped: u64,
    /// How many were alive then, in all sessions and processors together.
    pub alive: u64,
    /// How many are alive once all sessions and processors are gone.
    pub left: u64,
    /// Resident memory after a tenth of the time and at the end, in bytes; 0 where it is not known.
    pub memory: [u64; 2],
}

/// How long callbacks took, counted by twentieths of a microsecond.
#[derive(Clone, Debug)]
pub struct Times {
    counts: Vec<u64>,
    longest: f64,
}

/// Parts of a microsecond that are told apart.
const PARTS: f64 = 20.0;

impl Default for Times {
    fn default() -> Self {
        // Two milliseconds; what is longer counts as that long.
        Self { counts: vec![0; 40_000], longest: 0.0 }
    }
}

impl Times {
    /// Counts a time in microseconds.
    pub fn add(&mut self, micros: f64) {
        let at = ((micros * PARTS) as usize).min(self.counts.len() - 1);
        self.counts[at] += 1;
        self.longest = self.longest.max(micros);
    }

    /// Counts all that another has counted.
    pub fn add_all(&mut self, other: &Self) {
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count += other;
        }
        self.longest = self.longest.max(other.longest);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The longest, in microseconds.
    pub fn longest(&self) -> f64 {
        self.longest
    }

    /// The microseconds that `part` of the times stay below; NaN of nothing.
    pub fn quantile(&self, part: f64) -> f64 {
        let wanted = (self.count() as f64 * part).ceil() as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted && *count > 0
        });
        found.map_or(f64::NAN, |at| (at + 1) as f64 / PARTS)
    }

    /// How many took from `from` to below `to` microseconds.
    pub fn between(&self, from: f64, to: f64) -> u64 {
        let at = |micros: f64| ((micros * PARTS) as usize).min(self.counts.len());
        self.counts[at(from)..at(to)].iter().sum()
    }
}

/// Runs instances; instance `n` plays the pair `n` modulo their number. `own` makes of a program what is
/// sent, each time that it is.
pub fn run(
    pairs: &[[Arc<Program>; 2]],
    run: Run,
    own: impl Fn(&Arc<Program>) -> Arc<Program>,
) -> Seen {
    let before = holders(pairs);
    let settings = ProcessorSettings {
        max_frames: BLOCK,
        rate: Hz(RATE),
        idle: Idle::Silence,
        guard: OutputGuard::On,
        pace: Pace::Bounded,
        ..ProcessorSettings::default()
    };
    let (mut sessions, mut processors) = (Vec::new(), Vec::new());
    for pair in pairs.iter().cycle().take(run.instances) {
        let (mut session, processor) = Session::with(Target::default(), settings);
        session.play(&own(&pair[0]));
        sessions.push((session, pair));
        processors.push(processor);
    }
    let shared = Shared::default();
    let mut worker = Worker { run, shared: &shared, start: Instant::now(), memory: [0; 2] };
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let audio = scope.spawn(|| audio(&mut processors, &shared, run.clock));
        worker.work(&mut sessions, &own);
        shared.stop.store(true, Ordering::Relaxed);
        if let Ok((plain, swapped)) = audio.join() {
            (seen.plain, seen.swapped) = (plain, swapped);
        }
    });
    for (session, _) in &sessions {
        let traffic = session.traffic();
        seen.made += traffic.made;
        seen.dropped += traffic.dropped;
    }
    // Each instance of a program holds its code, beside the pairs.
    seen.alive = holders(pairs) - before;
    seen.memory = worker.memory;
    drop((sessions, processors));
    seen.left = holders(pairs) - before;
    seen
}

/// How many hold the codes of all programs.
fn holders(pairs: &[[Arc<Program>; 2]]) -> u64 {
    pairs.iter().flatten().map(|program| Arc::strong_count(&program.code) as u64).sum()
}

/// What the two threads know of each other.
#[derive(Default)]
struct Shared {
    /// Blocks that all instances have rendered.
    blocks: AtomicU64,
    stop: AtomicBool,
}

impl Shared {
    /// The time of the sound.
    fn sounded(&self) -> Duration {
        let frames = self.blocks.load(Ordering::Relaxed) * BLOCK as u64;
        Duration::from_secs_f64(frames as f64 / RATE)
    }
}

/// The thread that makes and drops programs.
struct Worker<'a> {
    run: Run,
    shared: &'a Shared,
    start: Instant,
    memory: [u64; 2],
}

impl Worker<'_> {
    fn now(&self) -> Duration {
        match self.run.clock {
            Clock::World => self.start.elapsed(),
            Clock::Sound => self.shared.sounded(),
        }
    }

    fn wait(&self, until: Duration) {
        match self.run.clock {
            Clock::World => thread::sleep(until.saturating_sub(self.start.elapsed())),
            Clock::Sound => {
                while self.now() < until {
                    thread::yield_now();
                }
            }
        }
    }

    /// Every instance gets its other program every [`BETWEEN`], one after the other, until the time is
    /// over; then whatever is under way arrives.
    fn work(
        &mut self,
        sessions: &mut [(Session, &[Arc<Program>; 2])],
        own: &impl Fn(&Arc<Program>) -> Arc<Program>,
    ) {
        let count = sessions.len().max(1) as u32;
        let mut turn = 0u32;
        while BETWEEN * turn < self.run.time {
            for (at, (session, pair)) in (0..).zip(sessions.iter_mut()) {
                self.wait(BETWEEN * turn + BETWEEN * at / count);
                session.poll();
                if self.run.swaps && turn > 0 {
                    session.play(&own(&pair[turn as usize % 2]));
                }
            }
            turn += 1;
            if self.memory[0] == 0 && BETWEEN * turn > self.run.time / 10 {
                self.memory[0] = resident();
            }
        }
        self.memory[1] = resident();
        loop {
            let under_way = sessions.iter().any(|(session, _)| session.outstanding());
            // Once more when all have arrived: what they replaced is back by then.
            for (session, _) in sessions.iter_mut() {
                session.poll();
            }
            if !under_way {
                break;
            }
            self.wait(self.now() + BETWEEN / 10);
        }
    }
}

/// The audio thread: all instances, block by block.
fn audio(processors: &mut [Processor], shared: &Shared, clock: Clock) -> (Times, Times) {
    let (mut plain, mut swapped) = (Times::default(), Times::default());
    let note = EventKind::NoteOn { channel: 0, note: 57, velocity: 90.0, id: -1 };
    let first = [Event { offset: 0, kind: note }];
    let start = Instant::now();
    let mut block = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        let events = if block == 0 { &first[..] } else { &[] };
        for processor in processors.iter_mut() {
            let (micros, swap) = callback(processor, events, block);
            if swap { swapped.add(micros) } else { plain.add(micros) }
        }
        block = shared.blocks.fetch_add(1, Ordering::Relaxed) + 1;
        if clock == Clock::World {
            thread::sleep(shared.sounded().saturating_sub(start.elapsed()));
        }
    }
    (plain, swapped)
}

/// One callback: its microseconds, and whether another program took over in it.
pub fn callback(processor: &mut Processor, events: &[Event], block: u64) -> (f64, bool) {
    let first = block * BLOCK as u64;
    let tone: [f32; BLOCK] =
        std::array::from_fn(|at| ((first + at as u64) as f64 * 0.03).sin() as f32 * 0.2);
    let (mut left, mut right) = (tone, tone);
    let playing = |processor: &Processor| processor.current().map(std::ptr::from_ref);
    let before = playing(processor);
    let start = Instant::now();
    processor.process(&mut [&mut left, &mut right], events);
    let micros = start.elapsed().as_secs_f64() * 1e6;
    std::hint::black_box((&left, &right));
    // The one before is not dropped as long as it is played, so that the next one lies elsewhere.
    (micros, playing(processor) != before)
}

/// Resident memory of this process, in bytes; 0 where it is not known.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
