//! Compiles that break, and compiles that are left for a newer text.

use super::*;
use crate::console::Console;
use attacca_engine::Pass;

/// A worker with its shared part; the processor plays on its own.
struct Bench {
    shared: Arc<Shared>,
    _worker: Worker,
    processor: Box<Processor>,
    taking: Taking,
}

impl Bench {
    fn new() -> Self {
        let (shared, inbox) = Shared::new(Kind::Instrument);
        let (worker, processor, taking) = Worker::start(Kind::Instrument, &shared, inbox);
        Self { shared, _worker: worker, processor: Box::new(processor), taking }
    }

    /// Plays until this is so.
    #[track_caller]
    fn until(&mut self, what: &str, is: impl Fn(&Self, f32) -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        let mut last = 0.0f32;
        while !is(self, last) {
            assert!(Instant::now() < end, "{what}: {:?}", self.shared.messages());
            self.taking.exchange(&mut self.processor);
            let (mut left, mut right) = ([0.0f32; 64], [0.0f32; 64]);
            self.processor.process(&mut [&mut left, &mut right], &[]);
            last = left[63];
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Has a text compiled, and says what came of it.
    #[track_caller]
    fn compile(&mut self, text: &str) -> Console {
        self.shared.compile(text);
        self.until("it is compiled", |bench, _| !bench.shared.is_compiling());
        self.shared.console()
    }
}

#[test]
fn a_compile_that_breaks_is_our_bug_with_a_reproduction_and_the_next_one_plays() {
    let mut bench = Bench::new();
    for (n, pass) in Pass::ALL.iter().enumerate() {
        let text = format!("fn dsp() {{ 0.125 }} // broken at {pass:?}\n");
        let console = bench.compile(&text);
        assert!(!console.accepted, "{pass:?}");
        let first = console.diagnostics.first().expect("a message");
        assert!(first.text.contains("bug in Attacca"), "{first:?}");
        let path = first.help.rsplit(" saved as ").next().expect("a path");
        let saved = std::fs::read_to_string(path).expect("the reproduction is there");
        std::fs::remove_file(path).expect("it can be removed");
        for part in [&*text, env!("CARGO_PKG_VERSION"), "jit, 48000 Hz"] {
            assert!(saved.contains(part), "{part}: {saved}");
        }
        let level = (n + 1) as f32 / 16.0;
        let console = bench.compile(&format!("fn dsp() {{ {} / 16 }}", n + 1));
        assert!(console.accepted && console.diagnostics.is_empty(), "{console:?}");
        bench.until("the next one plays", |_, last| last == level);
    }
}

/// Macro code that runs until its budget is used up: a compile that takes long.
const LONG: &str = "#stage(macro)
fn f(x:float) -> float { if (x > 0) f(x - 1) + f(x - 1) else 1 }
#stage(main)
fn dsp() { $(lift(f(60))) }";

#[test]
fn a_newer_text_is_begun_at_once_while_a_long_compile_runs() {
    let mut bench = Bench::new();
    let mut waited = Vec::new();
    for n in 1..=9 {
        bench.shared.compile(LONG);
        std::thread::sleep(Duration::from_millis(5));
        assert!(bench.shared.is_compiling(), "it takes long");
        let console = bench.compile(&format!("fn dsp() {{ {n} / 16 }}"));
        waited.push(console.waited_ms);
        assert!(console.accepted, "the newest wins: {console:?}");
        bench.until("the newest plays", |_, last| last == n as f32 / 16.0);
    }
    // The machine may be busy now and then; what we do ourselves takes no time.
    waited.sort_by(f64::total_cmp);
    assert!(waited[4] < 20.0, "milliseconds until the begin: {waited:?}");
}
