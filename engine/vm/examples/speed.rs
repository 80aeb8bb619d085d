//! Measures the machine: nanoseconds per frame of MIR programs, and how many ops they are.
//!
//! ```text
//! cargo run --release -p attacca-vm --example speed -- [--code] FILE.mir...
//! ```
//!
//! Files are MIR text in kernel form or sample form (`cargo xtask dump FILE --stage mir`). Sample form is
//! optimised first. Without files, a bank of 32 resonators is measured. `--code` prints the bytecode.

use attacca_mir::backend::Backend;
use attacca_mir::module::Module;
use attacca_mir::{opt, text};
use attacca_rt::code::Image;
use attacca_rt::ctx::Ctx;
use attacca_rt::state::State;
use attacca_vm::Vm;
use attacca_vm::emit::emit;
use attacca_vm::globals::run_globals;
use std::error::Error;
use std::fmt::Write;
use std::time::Instant;

const BLOCK: usize = 512;
const BLOCKS: usize = 40;
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let (options, files): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let print = options.iter().any(|option| option == "--code");
    let mut programs = Vec::new();
    for file in &files {
        programs.push((file.clone(), std::fs::read_to_string(file)?));
    }
    if programs.is_empty() {
        programs.push(("32 resonators".to_owned(), resonators(32)));
    }
    for (name, program) in programs {
        let (module, image) = optimised(text::parse(&program)?)?;
        if print {
            print!("{}", emit(&module)?);
        }
        let start = Instant::now();
        let code = Vm.compile(&module)?;
        let compile = start.elapsed();
        let words = emit(&module)?.ops.len();
        println!(
            "{name}: {:.1} ns a frame, {words} words of code, compiled in {compile:?}",
            measure(&*code, &image)
        );
    }
    Ok(())
}

fn optimised(mut module: Module) -> Result<(Module, Image), Box<dyn Error>> {
    if module.kernel.is_some() {
        return Ok((module, Image::default()));
    }
    opt::prepare(&mut module);
    let mut counted = module.clone();
    opt::rc::run(&mut counted);
    let run = run_globals(&counted, &[])?;
    (module.blocks, module.words) = (run.blocks, run.words);
    opt::run(&mut module, &run.image);
    opt::rc::run(&mut module);
    Ok((module, run.image))
}

/// Nanoseconds per frame, the best of several rounds.
fn measure(code: &dyn attacca_rt::code::Code, image: &Image) -> f64 {
    let layout = code.layout();
    let mut state = State::new(layout, image);
    let cells: Vec<f64> = layout.cells.iter().map(|cell| cell.initial()).collect();
    let input = [0.25; BLOCK];
    let inputs = vec![&input[..]; layout.inputs as usize];
    let mut buffers = vec![[0.0; BLOCK]; layout.outputs as usize];
    let mut best = f64::INFINITY;
    for round in 0..ROUNDS {
        let start = Instant::now();
        for block in 0..BLOCKS {
            let mut outputs: Vec<&mut [f64]> =
                buffers.iter_mut().map(|buffer| &mut buffer[..]).collect();
            let mut ctx = Ctx {
                state: &mut state,
                cells: &cells,
                inputs: &inputs,
                outputs: &mut outputs,
                now: ((round * BLOCKS + block) * BLOCK) as u64,
                limit: u64::MAX,
                fault: None,
            };
            code.run(&mut ctx, BLOCK as u32);
        }
        best = best.min(start.elapsed().as_nanos() as f64 / (BLOCKS * BLOCK) as f64);
    }
    best
}

/// A bank of two-pole resonators on one input, as MIR text.
fn resonators(count: usize) -> String {
    let words = 2 * count;
    let mut code = String::from("bb0: v2 = const 0.0 v3 = const 1.99 v4 = const 0.995\n");
    let (mut next, mut sum) = (5, 2);
    for n in 0..count {
        let (a, b) = (2 * n, 2 * n + 1);
        let v = |k: usize| next + k;
        let line = format!(
            "v{0} = load.f64 v0+{a} v{1} = load.f64 v0+{b} v{2} = mul v{0}, v3 v{3} = mul v{1}, v4 \
             v{4} = sub v{2}, v{3} v{5} = add v{4}, v1 store.f64 v0+{b}, v{0} store.f64 v0+{a}, v{5} v{6} = add v{sum}, v{5}",
            v(0),
            v(1),
            v(2),
            v(3),
            v(4),
            v(5),
            v(6)
        );
        writeln!(code, "{line}").unwrap_or_default();
        (next, sum) = (next + 7, next + 6);
    }
    let leaves: String = (0..words).map(|n| format!("leaf {n} self {n} f64 \"s\" ")).collect();
    format!(
        "rate 48000.0 inputs 1 outputs 1 words {words} dsp fn0\n\
         fn fn0 \"dsp\"(v0: i64, v1: f64) -> (f64) {{ state {words} {{ {leaves} }}\n{code} return v{sum} }}"
    )
}
