//! What a swap costs in the callback: blocks in which nothing happens, blocks with a swap, and blocks that
//! copy a piece of a delay line of another length, in one run.
//!
//! The programs are edits compiled beforehand; a thread of its own plans and makes each instance while the
//! other one renders, as in the plugin.

#[allow(dead_code, reason = "the tests make other edits, too")]
#[path = "../../../tests/suite/altered.rs"]
mod altered;
#[allow(dead_code, reason = "the tests run by another clock")]
#[path = "../../../tests/suite/many.rs"]
mod many;

use super::quantile;
use crate::Failure;
use crate::program;
use crate::shell::root;
use attacca_engine::pipeline::{self, Options};
use attacca_engine::{
    Event, EventKind, Files, Hz, Idle, Processor, ProcessorSettings, Program, Session, Target,
};
use many::{BLOCK, Clock, RATE, Run, Seen, Times};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// Swaps measured of each program.
const SWAPS: u32 = 300;

/// Plain blocks between two swaps.
const BETWEEN: u32 = 60;

/// Blocks after which a swap should have come.
const MOST_BLOCKS: u32 = 100_000;

/// Microseconds that a swap may add to a block, to the median and to the 99th percentile.
const MOST_ADDED: f64 = 5.0;

/// Microseconds of the copies in one block.
const MOST_COPIED: f64 = 20.0;

/// Where the columns of the histograms begin, in microseconds.
const BINS: [f64; 13] = [0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0];

/// Instances that swap at once, and for how long with and without swaps.
const INSTANCES: usize = 64;
const INSTANCES_TIME: Duration = Duration::from_secs(60);

/// One program and what it is edited to.
struct Case {
    name: String,
    rate: f64,
    text: String,
    /// The level is another.
    edited: String,
    /// All its delays are twice as long; `None` if it has none of its own.
    longer: Option<String>,
}

/// How long the blocks took.
#[derive(Default)]
struct Taken {
    plain: Times,
    swapped: Times,
    /// Blocks that copied.
    copying: Times,
}

/// The tables of programs, then, if `instances`, many instances at once.
pub(super) fn run(instances: bool) -> Result<Value, Failure> {
    println!("\ncallback of {BLOCK} frames, microseconds: blocks a bin, by the bin's lower end");
    let bins = BINS.map(|from| format!("{from:>6}")).join(" ");
    println!("{:20} {:8} {bins}    50 %    99 %", "", "");
    let mut rows = Vec::new();
    for case in cases()? {
        rows.push(one(&case)?);
    }
    summary(&rows);
    let mut found = json!({ "programs": rows });
    if instances {
        found["instances"] = at_once()?;
    }
    Ok(found)
}

/// The examples, a stereo delay of ten seconds at 192 kHz, a thousand nodes, and two workloads.
fn cases() -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    for path in sorted(&root().join("examples"))? {
        cases.push(Case::read(&path)?);
    }
    for name in ["polysynth", "fdn8"] {
        cases.push(Case::read(&super::workload(name))?);
    }
    let delay = "\nfn echo(x, t) { delay(1920000, x + self * 0.5, t) }\n\
                 fn dsp() { (echo(sin(now * 0.01), 1900000), echo(sin(now * 0.02), 1800000)) }\n";
    cases.push(Case::new("delay 2x10 s 192 kHz", 192_000.0, delay.to_owned()));
    let sum = (1..=1000).map(|n| format!("c({n})")).collect::<Vec<_>>().join(" + ");
    let nodes = format!("\nfn c(x) {{ self * 0.5 + x }}\nfn dsp() {{ ({sum}) * 0.000001 }}\n");
    cases.push(Case::new("1,000 nodes", RATE, nodes));
    // What a swap copies of the heap at most, in one object and in a thousand.
    let zeros = vec!["0"; 4_000].join(", ");
    let array = format!(
        "\nlet kept = [{zeros}]\nfn dsp() {{\n  if (now % 100000 < 1) {{ kept = append(split_head(kept).1, now) }}\n  \
         kept[7] * 0.1\n}}\n"
    );
    cases.push(Case::new("array of 4,000", RATE, array));
    let list = "\ntype rec List = End | Item(float, List)\n\
                fn build(n) -> List { if (n < 1) End else Item(n, build(n - 1)) }\nlet kept = build(1000)\n\
                fn head(list) { match list { End => 0, Item(x, rest) => x } }\n\
                fn dsp() {\n  if (now % 100000 < 1) { kept = Item(now, kept) }\n  head(kept) * 0.1\n}\n";
    cases.push(Case::new("list of 1,000", RATE, list.to_owned()));
    Ok(cases)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder)
        .map_err(|e| Failure::Usage(format!("{}: {e}", folder.display())))?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "mmm"))
        .collect();
    paths.sort();
    Ok(paths)
}

impl Case {
    fn new(name: &str, rate: f64, text: String) -> Self {
        // What is not in the standard form is replaced by itself.
        let edited = altered::halved(&text).unwrap_or_else(|| text.clone());
        let longer = altered::lengthened(&text);
        Self { name: name.to_owned(), rate, text, edited, longer }
    }

    fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self::new(&name, RATE, program::read(path)?))
    }

    fn compile(&self, text: &str) -> Result<Arc<Program>, Failure> {
        let options = Options { target: Target::Jit, rate: Hz(self.rate), ..Options::default() };
        let compiled = pipeline::compile_with(&self.name, text, &options, &Files::library());
        let said = compiled.diagnostics.render(&compiled.sources);
        compiled.program.ok_or(Failure::Rejected(said))
    }
}

fn one(case: &Case) -> Result<Value, Failure> {
    let program = case.compile(&case.text)?;
    let edited = case.compile(&case.edited)?;
    let mut taken = measure([&program, &edited], case.rate, SWAPS)?;
    if let Some(longer) = &case.longer {
        let longer = case.compile(longer)?;
        let other = measure([&program, &longer], case.rate, SWAPS / 10)?;
        // The last piece is copied in the block of the swap.
        taken.copying = other.copying;
        taken.copying.add_all(&other.swapped);
    }
    let classes = [("plain", &taken.plain), ("swap", &taken.swapped), ("copying", &taken.copying)];
    for (at, (class, times)) in classes.into_iter().enumerate() {
        if times.count() > 0 {
            print_bins(if at == 0 { &case.name } else { "" }, class, times);
        }
    }
    let of = |times: &Times| match times.count() {
        0 => Value::Null,
        _ => json!([times.quantile(0.5), times.quantile(0.99), times.longest()]),
    };
    Ok(json!({
        "program": case.name,
        "words": program.layout().words,
        "lines": program.layout().lines.len(),
        "plain_us": of(&taken.plain),
        "swap_us": of(&taken.swapped),
        "copying_us": of(&taken.copying),
    }))
}

fn print_bins(name: &str, class: &str, times: &Times) {
    let ends = BINS.iter().skip(1).chain([&f64::INFINITY]);
    let counts: Vec<String> = BINS
        .iter()
        .zip(ends)
        .map(|(from, to)| match times.between(*from, *to) {
            0 => format!("{:>6}", "."),
            count => format!("{count:>6}"),
        })
        .collect();
    let [half, most] = [0.5, 0.99].map(|part| times.quantile(part));
    println!("{name:20.20} {class:8} {} {half:7.2} {most:7.2}", counts.join(" "));
}

/// Alternates between two programs, `swaps` times.
fn measure(programs: [&Arc<Program>; 2], rate: f64, swaps: u32) -> Result<Taken, Failure> {
    let settings = ProcessorSettings {
        max_frames: BLOCK,
        rate: Hz(rate),
        idle: Idle::Silence,
        ..ProcessorSettings::default()
    };
    let (mut session, mut processor) = Session::with(Target::Jit, settings);
    session.play(programs[0]);
    many::callback(&mut processor, &[], 0);
    let (asked, sent) = (AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 1..=swaps {
                while asked.load(Ordering::Acquire) < turn {
                    thread::yield_now();
                }
                session.poll();
                session.play(programs[turn as usize % 2]);
                sent.store(turn, Ordering::Release);
            }
        });
        let taken = render(&mut processor, &asked, &sent, swaps);
        // Whatever happened, the other thread comes to its end.
        asked.store(swaps, Ordering::Release);
        taken
    })
}

/// The audio side of [`measure`].
fn render(
    processor: &mut Processor,
    asked: &AtomicU32,
    sent: &AtomicU32,
    swaps: u32,
) -> Result<Taken, Failure> {
    let mut taken = Taken::default();
    let on = EventKind::NoteOn { channel: 0, note: 57, velocity: 90.0, id: -1 };
    let note = [Event { offset: 0, kind: on }];
    let mut block = 0;
    for turn in 1..=swaps {
        for _ in 0..BETWEEN {
            block += 1;
            let events = if block % 10_000 == 1 { &note[..] } else { &[] };
            taken.plain.add(many::callback(processor, events, block).0);
        }
        asked.store(turn, Ordering::Release);
        let mut waited = 0;
        loop {
            let arrived = sent.load(Ordering::Acquire) == turn;
            block += 1;
            let (micros, swapped) = many::callback(processor, &[], block);
            match (swapped, arrived) {
                (true, _) => taken.swapped.add(micros),
                (false, true) => taken.copying.add(micros),
                (false, false) => taken.plain.add(micros),
            }
            waited += u32::from(arrived);
            if swapped {
                break;
            }
            if waited > MOST_BLOCKS {
                return Err(Failure::Rejected("a program never took over".into()));
            }
        }
    }
    Ok(taken)
}

/// How far all programs are from the goals.
fn summary(rows: &[Value]) {
    let number = |row: &Value, key: &str, at: usize| row[key][at].as_f64().unwrap_or(0.0);
    let added = |at: usize| {
        let mut all: Vec<f64> = rows
            .iter()
            .map(|row| number(row, "swap_us", at) - number(row, "plain_us", at))
            .collect();
        all.sort_by(f64::total_cmp);
        all
    };
    for (at, what) in [(0, "median"), (1, "99th percentile")] {
        let all = added(at);
        let missed = all.iter().filter(|added| **added > MOST_ADDED).count();
        println!(
            "a swap adds to the {what}: {:.2} µs in the middle, {:.2} µs at most; beyond {MOST_ADDED} µs in {missed} of {}",
            quantile(&all, 0.5),
            quantile(&all, 1.0),
            all.len()
        );
    }
    let copied = rows.iter().filter(|row| !row["copying_us"].is_null());
    let share = |row: &Value, at: usize| number(row, "copying_us", at) - number(row, "plain_us", 0);
    let most = |at: usize| copied.clone().map(|row| share(row, at)).fold(0.0, f64::max);
    println!(
        "copies add to a block, the worst program: median {:.2} µs, 99th percentile {:.2} µs (goal {MOST_COPIED} µs)",
        most(0),
        most(1)
    );
}

/// Many instances in real time, with swaps and without.
fn at_once() -> Result<Value, Failure> {
    let mut pairs = Vec::new();
    for case in cases()?.iter().filter(|case| case.rate == RATE && case.name != "1,000 nodes") {
        pairs.push([case.compile(&case.text)?, case.compile(&case.edited)?]);
    }
    println!(
        "\n{INSTANCES} instances in real time for {INSTANCES_TIME:?}, every one another program each 100 ms"
    );
    let run = |swaps| {
        let run = Run { instances: INSTANCES, time: INSTANCES_TIME, clock: Clock::World, swaps };
        many::run(&pairs, run, Arc::clone)
    };
    let (without, with) = (run(false), run(true));
    print_bins("without swaps", "plain", &without.plain);
    print_bins("with swaps", "plain", &with.plain);
    print_bins("", "swap", &with.swapped);
    let [early, late] = with.memory.map(|bytes| bytes as f64 / f64::from(1 << 20));
    println!(
        "{} instances of programs made, {} dropped by the worker, {} alive at the end, {} afterwards; \
         {early:.1} MB after a tenth of the time, {late:.1} MB at the end",
        with.made, with.dropped, with.alive, with.left
    );
    let of = |times: &Times| json!([times.quantile(0.5), times.quantile(0.99), times.longest()]);
    let counts = |seen: &Seen| json!([seen.made, seen.dropped, seen.alive, seen.left]);
    Ok(json!({
        "without": of(&without.plain), "plain": of(&with.plain), "swap": of(&with.swapped),
        "made_dropped_alive_left": counts(&with), "memory": with.memory,
    }))
}
