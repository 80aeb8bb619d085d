//! Random well-typed modules for property tests (feature `arb`).
//!
//! Takes a list of choices, gives a module in sample form, as lowering might have made it: functions
//! that call each other, bounded recursion and loops, branches, state words, delay lines, closures
//! made by the global code and while sound runs, cells, arrays, boxes, host values, every pure op with awkward
//! constants. The fewer and smaller the choices, the simpler the module, so that proptest shrinks
//! them well. Every module obeys [`mod@crate::verify`] and, once `opt::prepare` has put its budget
//! checks in, ends in bounded time; some are stopped by them.
//!
//! NaNs are never looked at by their bits, since all NaNs count as one value. Denormals come from
//! arithmetic alone, where they are flushed: the host and the builder let none in.

mod body;

use crate::build::Builder;
use crate::module::{FuncId, Function, Global, Module, ShapeId, SigId, ValueId};
use crate::op::{Op, Ty};
use attacca_rt::code::{CellSource, ObjectKind, SampleSource, Shape, Site, TapSource, WordKind};
use body::Body;
use proptest::prelude::{Strategy, any};

/// Random modules.
pub fn module() -> impl Strategy<Value = Module> {
    choices().prop_map(|choices| from_choices(&choices))
}

/// Choices for [`from_choices`]: shorter to print in a failing test than a module.
pub fn choices() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(any::<u32>(), 0..400)
}

/// Random planar input for a module: two channels of `frames` samples, some of them awkward.
pub fn input(frames: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
    let sample = any::<u32>().prop_map(|choice| float(u64::from(choice)));
    proptest::collection::vec(proptest::collection::vec(sample, frames..=frames), 2..=2)
}

/// Constants that show mistakes.
const AWKWARD: [f64; 26] = [
    0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    -0.0,
    3.0,
    -2.5,
    0.1,
    440.0,
    -1e-3,
    2.2250738585072014e-308,
    1e-160,
    1e300,
    -1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    1e10,
    -1e10,
    9007199254740993.0,
    -9223372036854775808.0,
    std::f64::consts::FRAC_PI_2,
    -std::f64::consts::PI,
    0.49999999999999994,
    4503599627370497.5,
];

fn float(choice: u64) -> f64 {
    let small = choice as usize;
    match AWKWARD.get(small % 40) {
        Some(x) => *x,
        None => (choice % 20_011) as f64 / 1000.0 - 10.0,
    }
}

fn int(choice: u64) -> i64 {
    const INTS: [i64; 12] = [0, 1, -1, 2, 3, 63, 64, 65, i64::MAX, i64::MIN, 1 << 32, -7];
    INTS[choice as usize % INTS.len()]
}

/// A supply of choices: zeros once it is used up.
pub(crate) struct Choices<'c>(std::slice::Iter<'c, u32>);

impl Choices<'_> {
    fn next(&mut self) -> u64 {
        u64::from(self.0.next().copied().unwrap_or(0))
    }

    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n.max(1)
    }

    fn left(&self) -> usize {
        self.0.len()
    }
}

/// What bodies may use of the module around them.
#[derive(Default)]
pub(crate) struct Around {
    /// Plain functions `(base, f64..) -> (f64..)`, made before.
    callees: Vec<FuncId>,
    /// Closure functions `(closure, f64) -> (f64)`, made before, with the shape of their objects.
    makers: Vec<(FuncId, ShapeId)>,
    /// Closure functions `(closure) -> ()`, made before, with the shape of their objects.
    tasks: Vec<(FuncId, ShapeId)>,
    /// Float globals by word.
    globals: u32,
    /// The global word that holds a closure, if any.
    stored: Option<u32>,
    /// The global word that holds an array of floats, if any.
    array: Option<u32>,
    /// `(f64) -> (f64)`.
    sig: Option<SigId>,
}

/// The module that these choices make.
pub fn from_choices(choices: &[u32]) -> Module {
    let mut choices = Choices(choices.iter());
    let mut module = Module { rate: 48000.0, outputs: 1, ..Module::default() };
    module.inputs = choices.below(3) as u32;
    module.outputs += choices.below(2) as u32;
    module.cells = host_cells();
    module.taps.push(TapSource { name: "seen".into() });
    module.samples.push(SampleSource { path: "none.wav".into(), file: 0, site: 0 });
    let mut around = Around { globals: choices.below(4) as u32, ..Around::default() };
    let sig = module.sig(vec![Ty::F64], vec![Ty::F64]);
    around.sig = Some(sig);
    let parts = choices.below(5);
    for _ in 0..parts {
        match choices.below(9) {
            8 => task_function(&mut module, &mut around, &mut choices),
            0..=3 => plain_function(&mut module, &mut around, &mut choices),
            4 | 5 => closure_function(&mut module, &mut around, &mut choices),
            _ => recursive_function(&mut module, &mut around, &mut choices),
        }
    }
    globals(&mut module, &mut around, &mut choices);
    dsp(&mut module, &around, &mut choices);
    mark_assigned(&mut module);
    module
}

/// Globals that anything but the global code stores to. Base 0 is used for globals alone.
fn mark_assigned(module: &mut Module) {
    let init = module.init;
    for (_, func) in module.funcs.iter().filter(|(id, _)| Some(*id) != init) {
        let zeros: Vec<ValueId> =
            func.insts.values().filter(|i| i.op == Op::Iconst(0)).map(|i| i.results[0]).collect();
        for inst in func.insts.values() {
            if let Op::Store(_, word) = inst.op
                && zeros.contains(&inst.args[0])
                && let Some(global) = module.globals.iter_mut().find(|global| global.word == word)
            {
                global.assigned = true;
            }
        }
    }
}

fn host_cells() -> Vec<CellSource> {
    vec![
        CellSource::Control { name: "depth".into(), initial: 0.25, min: -0.75, max: 1.25 },
        CellSource::MidiPitch { channel: 0, initial: 60.0 },
    ]
}

/// A function whose site is known, not yet in the module.
fn function(module: &mut Module, name: String, rets: usize) -> Function {
    let mut func = Function::new(name.clone(), vec![Ty::F64; rets]);
    func.site = module.sites.len() as u32;
    module.sites.push(Site {
        function: name,
        file: 0,
        line: func.site + 1,
        column: 1,
        ..Site::default()
    });
    func
}

fn plain_function(module: &mut Module, around: &mut Around, choices: &mut Choices<'_>) {
    let (params, rets) = (choices.below(3), 1 + choices.below(2));
    let mut func = function(module, format!("f{}", module.funcs.len()), rets);
    let mut b = Builder::new(&mut func);
    let entry = b.block;
    let base = b.param(entry, Ty::I64);
    let params: Vec<ValueId> = (0..params).map(|_| b.param(entry, Ty::F64)).collect();
    let mut body = Body::new(b, module, around, base, params);
    body.fill(choices, rets);
    around.callees.push(module.funcs.push(func));
}

/// A function value's code: two captured floats and a captured cell.
fn closure_function(module: &mut Module, around: &mut Around, choices: &mut Choices<'_>) {
    let cell = module.shape(Shape { kind: ObjectKind::Cell, fields: vec![WordKind::F64] });
    let fields = [WordKind::I64, WordKind::I64, WordKind::F64, WordKind::F64, WordKind::Ref];
    let fields = fields[..2 + choices.below(4)].to_vec();
    let shape = module.shape(Shape { kind: ObjectKind::Closure, fields: fields.clone() });
    let mut func = function(module, format!("f{}.lambda", module.funcs.len()), 1);
    func.closure = true;
    let mut b = Builder::new(&mut func);
    let entry = b.block;
    let (closure, param) = (b.param(entry, Ty::Ref), b.param(entry, Ty::F64));
    let base = b.value(Op::HeapLoad { shape, field: 1, ty: Ty::I64 }, &[closure], Ty::I64);
    let mut floats = vec![param];
    for (field, kind) in (0..).zip(&fields) {
        if *kind == WordKind::F64 {
            floats.push(b.value(Op::HeapLoad { shape, field, ty: Ty::F64 }, &[closure], Ty::F64));
        }
    }
    let captured = (fields.len() == 5)
        .then(|| b.value(Op::HeapLoad { shape, field: 4, ty: Ty::Ref }, &[closure], Ty::Ref));
    let mut body = Body::new(b, module, around, base, floats);
    body.cells.extend(captured.map(|value| (value, cell)));
    body.fill(choices, 1);
    around.makers.push((module.funcs.push(func), shape));
}

/// A task: a captured float, a global that it changes, and perhaps itself again a little later.
fn task_function(module: &mut Module, around: &mut Around, choices: &mut Choices<'_>) {
    let fields = vec![WordKind::I64, WordKind::I64, WordKind::F64];
    let shape = module.shape(Shape { kind: ObjectKind::Closure, fields });
    let id = FuncId::from_u32(module.funcs.len() as u32);
    let mut func = function(module, format!("t{}", id.as_u32()), choices.below(2));
    func.closure = true;
    let rets = func.rets.len();
    let mut b = Builder::new(&mut func);
    let entry = b.block;
    let closure = b.param(entry, Ty::Ref);
    let base = b.value(Op::HeapLoad { shape, field: 1, ty: Ty::I64 }, &[closure], Ty::I64);
    let held = b.value(Op::HeapLoad { shape, field: 2, ty: Ty::F64 }, &[closure], Ty::F64);
    if around.globals > 0 {
        let (zero, word) = (b.iconst(0), choices.below(around.globals as usize) as u32);
        let old = b.value(Op::Load(Ty::F64, word), &[zero], Ty::F64);
        let new = b.pure(crate::op::Pure::Add, &[old, held]);
        b.effect(Op::Store(Ty::F64, word), &[zero, new]);
    }
    if choices.below(2) == 1 {
        let (now, wait) = (b.value(Op::Now, &[], Ty::F64), b.fconst((1 + choices.below(4)) as f64));
        let time = b.pure(crate::op::Pure::Add, &[now, wait]);
        b.effect(Op::Schedule(0), &[time, closure]);
    }
    let mut body = Body::new(b, module, around, base, vec![held]);
    body.fill(choices, rets);
    let found = module.funcs.push(func);
    debug_assert_eq!(found, id);
    around.tasks.push((id, shape));
}

/// `fn r(n, x) { if n > 0 { body(r(n - 1, x)) } else { x } }`, at most a few levels deep, but for one
/// in three, which runs out of its budget for most arguments.
fn recursive_function(module: &mut Module, around: &mut Around, choices: &mut Choices<'_>) {
    let id = FuncId::from_u32(module.funcs.len() as u32);
    let mut func = function(module, format!("r{}", id.as_u32()), 1);
    let mut b = Builder::new(&mut func);
    let entry = b.block;
    let (base, n, x) = (b.param(entry, Ty::I64), b.param(entry, Ty::F64), b.param(entry, Ty::F64));
    let (more, done) = (b.new_block(), b.new_block());
    let (zero, one) = (b.fconst(0.0), b.fconst(1.0));
    let top = b.fconst((1 + choices.below(4)) as f64);
    let bounded = b.pure(crate::op::Pure::Min, &[n, top]);
    let factor = b.fconst(512.0);
    let n =
        if choices.below(3) == 2 { b.pure(crate::op::Pure::Mul, &[n, factor]) } else { bounded };
    let go_on = b.pure(crate::op::Pure::Fgt, &[n, zero]);
    b.branch(go_on, (more, &[]), (done, &[]));
    b.switch_to(done);
    b.ret(&[x]);
    b.switch_to(more);
    let less = b.pure(crate::op::Pure::Sub, &[n, one]);
    let below = b.call(id, &[base, less, x], &[Ty::F64])[0];
    let mut body = Body::new(b, module, around, base, vec![x, n, below]);
    body.fill(choices, 1);
    // The callee list of a body holds earlier functions only, so `n` bounds the depth.
    let found = module.funcs.push(func);
    debug_assert_eq!(found, id);
    around.callees.push(id);
}

/// Floats by pure code, and perhaps a function value that the global code makes.
fn globals(module: &mut Module, around: &mut Around, choices: &mut Choices<'_>) {
    for word in 0..around.globals {
        let (name, init_text) = (format!("g{word}"), u64::from(word) + 1);
        module.globals.push(Global {
            name,
            ty: Ty::F64,
            word,
            assigned: false,
            init_text,
            site: 0,
        });
    }
    let maker = match choices.below(2) {
        1 => around.makers.last().copied(),
        _ => None,
    };
    if maker.is_some() {
        let word = around.globals;
        module.globals.push(Global {
            name: "made".into(),
            ty: Ty::Ref,
            word,
            assigned: false,
            init_text: 9,
            site: 0,
        });
        around.stored = Some(word);
    }
    if choices.below(2) == 1 {
        let word = module.globals.len() as u32;
        module.globals.push(Global {
            name: "table".into(),
            ty: Ty::Ref,
            word,
            assigned: false,
            init_text: 10,
            site: 0,
        });
        around.array = Some(word);
    }
    module.dsp_base = module.globals.len() as u32;
    module.words = module.dsp_base;
    let mut func = function(module, "init".into(), 0);
    let mut b = Builder::new(&mut func);
    let base = b.iconst(0);
    let nothing = Around::default();
    let mut body = Body::new(b, module, &nothing, base, Vec::new());
    for word in 0..around.globals {
        let value = body.expression(choices);
        body.b.effect(Op::Store(Ty::F64, word), &[base, value]);
    }
    if let (Some(maker), Some(word)) = (maker, around.stored) {
        let made = body.make(maker, 0, choices);
        body.b.effect(Op::Store(Ty::Ref, word), &[base, made]);
    }
    if let Some(word) = around.array {
        let made = body.filled_array(choices);
        body.b.effect(Op::Store(Ty::Ref, word), &[base, made]);
    }
    if let (Some(task), 1) = (around.tasks.last().copied(), choices.below(2)) {
        let (made, time) = (body.make(task, 0, choices), (1 + choices.below(6)) as f64);
        let time = body.b.fconst(time);
        body.b.effect(Op::Schedule(0), &[time, made]);
    }
    body.b.ret(&[]);
    module.init = Some(module.funcs.push(func));
}

fn dsp(module: &mut Module, around: &Around, choices: &mut Choices<'_>) {
    let rets = module.outputs as usize;
    let mut func = function(module, "dsp".into(), rets);
    let mut b = Builder::new(&mut func);
    let entry = b.block;
    let base = b.param(entry, Ty::I64);
    let inputs: Vec<ValueId> = (0..module.inputs).map(|_| b.param(entry, Ty::F64)).collect();
    let mut body = Body::new(b, module, around, base, inputs);
    body.fill(choices, rets);
    module.words += func.state.words;
    module.dsp = Some(module.funcs.push(func));
}

#[cfg(test)]
mod tests;
