//! Many instances in one process that get another program ten times a second: every instance of a
//! program is dropped, and by the worker.

use attacca_engine::pipeline::{self, Options};
use attacca_engine::{Hz, Program};
use attacca_rt::code::{Code, Layout};
use attacca_rt::ctx::Ctx;
use attacca_rt::heap::HeapRef;
use attacca_tests::many::{self, Clock, RATE, Run};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

/// Instances.
const INSTANCES: usize = 64;

/// How long they sound, in turns of [`many::BETWEEN`].
const TURNS: u64 = 40;

/// What becomes of codes.
type Dropped = Arc<Mutex<Vec<ThreadId>>>;

/// Code that tells where it was dropped.
struct Watched {
    code: Arc<dyn Code>,
    dropped: Dropped,
}

impl Code for Watched {
    fn layout(&self) -> &Layout {
        self.code.layout()
    }

    fn run(&self, ctx: &mut Ctx<'_>, frames: u32) -> u32 {
        self.code.run(ctx, frames)
    }

    fn call(&self, ctx: &mut Ctx<'_>, closure: HeapRef) {
        self.code.call(ctx, closure);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.dropped.lock().expect("nobody panics with it").push(thread::current().id());
    }
}

/// A program of its own with the same meaning.
fn watched(program: &Program, dropped: &Dropped) -> Arc<Program> {
    let code = Watched { code: Arc::clone(&program.code), dropped: Arc::clone(dropped) };
    Arc::new(Program {
        code: Arc::new(code),
        image: program.image.clone(),
        tree: program.tree.clone(),
        rate: program.rate,
        samples: program.samples.clone(),
    })
}

/// A program and the one that it alternates with: another number, line, heap and tasks, another part.
const PAIRS: [[&str; 2]; 4] = [
    [
        "fn dsp() { let x = sin(now * 0.01)\n  delay(4800, x + self * 0.5, 4000) }",
        "fn dsp() { let x = sin(now * 0.01)\n  delay(4800, x + self * 0.4, 3000) }",
    ],
    [
        "fn dsp() { delay(9600, sin(now * 0.02), 4000) }",
        "fn dsp() { delay(4800, sin(now * 0.02), 4000) }",
    ],
    [
        "let n = 0\nlet kept = [1, 2]\nfn tick() { n = n + 1\n  tick@(now + 50) }\ntick@1\n\
         fn dsp() { kept = [n, kept[0]]\n  kept[1] * 0.001 }",
        "let n = 0\nlet kept = [1, 2]\nfn tick() { n = n + 2\n  tick@(now + 70) }\ntick@1\n\
         fn dsp() { kept = [n, kept[0]]\n  kept[1] * 0.002 }",
    ],
    [
        "fn count() { self + 1 }\nfn dsp() { count() % 7 * 0.1 }",
        "fn count() { self + 1 }\nfn smooth(x) { self + (x - self) * 0.1 }\nfn dsp() { smooth(count() % 7) }",
    ],
];

#[test]
fn what_was_replaced_is_dropped_by_the_worker() {
    let compile = |text: &str| {
        let options = Options { rate: Hz(RATE), ..Options::default() };
        let compiled = pipeline::compile("t.mmm", text, &options);
        let said = compiled.diagnostics.render(&compiled.sources);
        compiled.program.unwrap_or_else(|| panic!("{said}\n{text}"))
    };
    let pairs = PAIRS.map(|pair| pair.map(compile));
    let dropped = Dropped::default();
    let time = many::BETWEEN * TURNS as u32;
    let run = Run { instances: INSTANCES, time, clock: Clock::Sound, swaps: true };
    let seen = many::run(&pairs, run, |program| watched(program, &dropped));
    let instances = INSTANCES as u64;
    let sent = instances * TURNS;
    // One that was planned from a program which is replaced meanwhile comes back and is made again.
    assert!(seen.made >= sent, "{} made", seen.made);
    // All that was made but the one that plays in each instance has come back and is gone.
    assert_eq!(seen.dropped, seen.made - instances);
    assert_eq!(seen.alive, instances);
    assert_eq!(seen.left, 0);
    let swaps = seen.swapped.count();
    assert!(swaps > sent / 8 && swaps <= sent, "{swaps} of {sent} took over");
    // The worker is this thread, and nobody else had the last hand on any of them.
    let dropped = dropped.lock().expect("nobody panics with it");
    assert_eq!(dropped.len() as u64, sent);
    assert!(dropped.iter().all(|thread| *thread == thread::current().id()));
}
