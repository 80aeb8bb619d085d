//! Programs that have to be stopped while they play: at the same sample on the oracle and every backend,
//! whatever the block size; without a click; told with function, line and reason; and the next good edit plays.

use attacca_engine::pipeline::{self, Compiled, Options};
use attacca_engine::render::{self, RenderSettings, Rendered, Renderer, Score};
use attacca_engine::{Hz, Target};

/// From this frame on each program does what stops it, if not before.
const WHEN: u64 = 100;

/// A program for each way: its text, its function and reason as told, and the line.
const FAULTS: [(&str, &str, u32); 7] = [
    // Directly.
    (
        "fn down(x) { if (x > 99) down(x + 1) * 0.5 else 0.25 }\nfn dsp() { down(now) }",
        "`down` calls itself without end",
        1,
    ),
    // Each other.
    (
        "fn pair(f:(float)->float, x) { f(x) }\nfn ping(n, x) { if (n > 0) ping(n - 1, pair(|y| ping(n, y) + y, x)) else x }\nfn dsp() { if (now > 99) ping(3, 0.25) else 0.25 }",
        "calls itself without end",
        2,
    ),
    // Through a function value.
    (
        "fn again(f:(float)->float, x) { f(x) }\nletrec loop = |x:float| if (x > 99) again(loop, x + 1) else 0.25\nfn dsp() { loop(now) }",
        "calls itself without end",
        1,
    ),
    // Two thousand levels are not reached, a million calls are.
    (
        "fn fib(n) { if (n < 2) 0.25 else fib(n - 1) + fib(n - 2) }\nfn dsp() { if (now > 99) fib(60) else fib(1) }",
        "`fib` calls itself without end, or too often",
        1,
    ),
    // Without any recursion.
    (
        "fn a(x) { x + 0.25 }\nfn b(x) { a(x) * a(x) * a(x) * a(x) * a(x) * a(x) * a(x) * a(x) }\nfn c(x) { b(x) + b(x) + b(x) + b(x) + b(x) + b(x) + b(x) + b(x) }\nfn d(x) { c(x) + c(x) + c(x) + c(x) + c(x) + c(x) + c(x) + c(x) }\nfn e(x) { d(x) + d(x) + d(x) + d(x) + d(x) + d(x) + d(x) + d(x) }\nfn f(x) { e(x) + e(x) + e(x) + e(x) + e(x) + e(x) + e(x) + e(x) }\nfn g(x) { f(x) + f(x) + f(x) + f(x) + f(x) + f(x) + f(x) + f(x) }\nfn h(x) { g(x) + g(x) + g(x) + g(x) + g(x) + g(x) + g(x) + g(x) }\nfn i(x) { h(x) + h(x) + h(x) + h(x) + h(x) + h(x) + h(x) + h(x) }\nfn j(x) { i(x) + i(x) + i(x) + i(x) + i(x) + i(x) + i(x) + i(x) }\nfn dsp() { if (now > 99) j(now) else 0.25 }",
        "too often",
        0,
    ),
    // Tasks.
    (
        "fn tick() { tick@(now + 1)\n tick@(now + 1) }\ntick@90\nfn dsp() { 0.25 }",
        "`tick` schedules too many tasks",
        2,
    ),
    // Memory.
    (
        "let kept = [[0.25]]\nfn more(x) { [x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x] }\nfn dsp() { if (now > 99) { kept = append(kept, more(now))\n 0.25 } else 0.25 }",
        "than the memory holds",
        0,
    ),
];

fn compile(text: &str, target: Target) -> Compiled {
    let options = Options { target, rate: Hz(48_000.0), ..Options::default() };
    let compiled = pipeline::compile("test.mmm", text, &options);
    assert!(compiled.program.is_some(), "{text}\n{:?}", compiled.messages());
    compiled
}

fn play(compiled: &Compiled, block: usize, score: &Score) -> Rendered {
    let program = compiled.program.as_ref().expect("a program");
    Renderer::new(program, RenderSettings { block, ..RenderSettings::default() }).run(score)
}

#[test]
fn each_fault_is_at_the_same_sample_everywhere_fades_and_is_told() {
    for (text, said, line) in FAULTS {
        // A full heap takes some hundred frames.
        let score = Score { frames: 4_000, ..Score::default() };
        // The oracle's heap is larger, and its program not the optimised one.
        let memory = said.contains("memory");
        let wanted = if memory {
            play(&compile(text, Target::Vm), 5, &score)
        } else {
            render::oracle(&compile(text, Target::Vm), &score).expect("its globals are good")
        };
        let wanted = wanted.fault.unwrap_or_else(|| panic!("it does not stop:\n{text}"));
        assert!(wanted.frame >= WHEN - 10, "{}:\n{text}", wanted.frame);
        for target in Target::ALL {
            let compiled = compile(text, *target);
            for block in [1, 7, 64] {
                let rendered = play(&compiled, block, &score);
                let fault =
                    rendered.fault.unwrap_or_else(|| panic!("{target} does not stop:\n{text}"));
                assert_eq!(fault.frame, wanted.frame, "{target}, blocks of {block}:\n{text}");
                assert!(fault.message.contains(said), "{target}: {}\n{text}", fault.message);
                assert!(line == 0 || fault.line == line, "{target}: line {}\n{text}", fault.line);
                let sound = &rendered.channels[0];
                let step =
                    sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
                assert!(step < 0.01, "{target}: a click of {step}\n{text}");
                assert!(sound[sound.len() - 1].abs() < 1e-4, "{target}: it fades\n{text}");
            }
            let next = compile("fn dsp() { 0.5 }", *target).program.expect("a program");
            let score = Score { swaps: vec![(3_000, next)], ..score.clone() };
            let rendered = play(&compiled, 64, &score);
            assert_eq!(rendered.channels[0][3_999], 0.5, "{target}: the next edit plays\n{text}");
        }
    }
}
