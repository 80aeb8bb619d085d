//! Random well-typed programs, as text, on the oracle and every backend: the same bits.
//!
//! A program is a list of functions and globals of known types and a `dsp` of three channels. What it
//! computes is nobody's aim; that all agree on it is. The seed names the program in every message, and a
//! program that differs is made smaller before it is shown.

use attacca_engine::Target;
use attacca_engine::pipeline::{self, Compiled, Options};
use attacca_engine::render::{self, Score};
use attacca_tests::golden::{difference, files, play};

/// Frames of each program.
const FRAMES: u64 = 24;

/// Numbers that look random, the same at every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % sides.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// The types that values have here.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Number,
    Pair,
    Record,
    Array,
    Shape,
    List,
    Function,
}

const KINDS: [Kind; 7] =
    [Kind::Number, Kind::Pair, Kind::Record, Kind::Array, Kind::Shape, Kind::List, Kind::Function];

/// A function of the program.
struct Func {
    name: String,
    params: Vec<Kind>,
    ret: Kind,
}

/// One program in the making.
struct Writer {
    dice: Dice,
    funcs: Vec<Func>,
    /// Globals that `dsp` assigns.
    globals: Vec<String>,
    /// Variables in scope.
    locals: Vec<(String, Kind)>,
    /// Whether `self`, a number, can be used.
    own: bool,
    names: u32,
}

/// What every program has.
const HEAD: &str = "use osc::phasor\n\
    type Shape = Dot | Circle(float) | Box(float, float)\n\
    type rec List = End | Item(float, List)\n\
    fn area(s) { match s { Dot => 0.5, Circle(r) => r * r, Box(w, h) => w - h } }\n\
    fn total(l:List) { match l { End => 0, Item(x, rest) => x + total(rest) } }\n\
    fn upto(n) { if (n > 0) Item(n, upto(n - 1)) else End }\n\
    fn sum(a, i) { if (i < len(a)) a[i] + sum(a, i + 1) else 0 }\n\
    fn count(x) { self + x }\n\
    fn keep(x) { let y = mem(x)\n  y + self * 0.5 }\n\
    fn maker(k) { let v = k\n  |x| { v = v + 1\n  x * k + v } }\n\
    fn def(a, b = 2, c = 3) { a * 100 + b * 10 + c }\n\
    fn id(x) { x }\n\
    #stage(macro)\n\
    fn power(n:float, x:`float) -> `float { if (n > 1) `($x * $(power(n - 1, x))) else x }\n\
    fn twice(c:`float) -> `float { `($c + $c) }\n\
    #stage(main)\n";

impl Writer {
    fn name(&mut self, start: &str) -> String {
        self.names += 1;
        format!("{start}{}", self.names)
    }

    fn number(&mut self) -> String {
        self.dice.pick(&["0", "1", "2", "0.5", "3.25", "7", "0.1", "(-1)", "(-2.5)"]).to_string()
    }

    fn local(&mut self, kind: Kind) -> Option<String> {
        let fit: Vec<_> = self.locals.iter().filter(|(_, it)| *it == kind).collect();
        if fit.is_empty() {
            return None;
        }
        let at = self.dice.below(fit.len());
        Some(fit[at].0.clone())
    }

    /// A call of one of the program's functions that gives this.
    fn call(&mut self, kind: Kind, depth: u32) -> Option<String> {
        let fit: Vec<usize> =
            (0..self.funcs.len()).filter(|at| self.funcs[*at].ret == kind).collect();
        if fit.is_empty() {
            return None;
        }
        let at = fit[self.dice.below(fit.len())];
        let (name, params) = (self.funcs[at].name.clone(), self.funcs[at].params.clone());
        let args: Vec<_> = params.iter().map(|kind| self.expr(*kind, depth)).collect();
        Some(format!("{name}({})", args.join(", ")))
    }

    fn expr(&mut self, kind: Kind, depth: u32) -> String {
        if self.dice.below(3) == 0
            && let Some(name) = self.local(kind)
        {
            return name;
        }
        if depth > 0
            && self.dice.below(4) == 0
            && let Some(call) = self.call(kind, depth - 1)
        {
            return call;
        }
        if depth > 0 && self.dice.below(6) == 0 {
            return self.choice(kind, depth - 1);
        }
        match kind {
            Kind::Number => self.number_expr(depth),
            Kind::Pair => self.pair(depth),
            Kind::Record => {
                let (a, b) = (self.leaf(depth), self.leaf(depth));
                match self.local(Kind::Record) {
                    Some(base) if self.dice.below(2) == 0 => format!("{{{base} <- f = {a}}}"),
                    Some(_) | None => format!("{{f = {a}, g = {b}}}"),
                }
            }
            Kind::Array => self.array(depth),
            Kind::Shape => {
                let (a, b) = (self.leaf(depth), self.leaf(depth));
                match self.dice.below(3) {
                    0 => "Dot".to_owned(),
                    1 => format!("Circle({a})"),
                    _ => format!("Box({a}, {b})"),
                }
            }
            Kind::List => {
                let (a, b) = (self.leaf(depth), self.leaf(depth));
                match self.dice.below(3) {
                    0 => "End".to_owned(),
                    1 => format!("Item({a}, Item({b}, End))"),
                    _ => format!("upto(min(abs({a}), 4))"),
                }
            }
            Kind::Function => self.function(depth),
        }
    }

    /// A number that is not much deeper.
    fn leaf(&mut self, depth: u32) -> String {
        self.expr(Kind::Number, depth.saturating_sub(1))
    }

    fn choice(&mut self, kind: Kind, depth: u32) -> String {
        let (c, a, b) =
            (self.expr(Kind::Number, depth), self.expr(kind, depth), self.expr(kind, depth));
        match self.dice.below(3) {
            0 => format!("(match {c} {{ 0 => {{ {a} }}, 1 => {{ {b} }}, _ => {{ {a} }} }})"),
            1 => format!("(if ({c} > {b0}) {{ {a} }} else {{ {b} }})", b0 = self.number()),
            _ => {
                let name = self.name("t");
                format!("{{ let {name} = {c}\n  if ({name}) {{ {a} }} else {{ {b} }} }}")
            }
        }
    }

    fn pair(&mut self, depth: u32) -> String {
        let (a, b) = (self.leaf(depth), self.leaf(depth));
        match self.dice.below(5) {
            0 if depth > 0 => format!("(({a}, {b}) + {})", self.expr(Kind::Pair, depth - 1)),
            1 if depth > 0 => format!("(count(({a}, {b})))"),
            2 if depth > 0 => format!("(2 * ({a}, {b}))"),
            3 if depth > 0 => format!("id(({a}, {b}))"),
            _ => format!("({a}, {b})"),
        }
    }

    fn array(&mut self, depth: u32) -> String {
        let (a, b) = (self.leaf(depth), self.leaf(depth));
        if depth == 0 {
            return format!("[{a}, {b}]");
        }
        let of = self.expr(Kind::Array, depth - 1);
        match self.dice.below(6) {
            0 => format!("append({of}, {a})"),
            1 => format!("prepend({a}, {of})"),
            2 => format!("split_head({of}).1"),
            3 => format!("split_tail({of}).0"),
            4 => "[]".to_owned(),
            _ => format!("[{a}, {b}, now]"),
        }
    }

    fn function(&mut self, depth: u32) -> String {
        let (x, held) = (self.name("x"), self.locals.len());
        if depth == 0 || self.dice.below(3) == 0 {
            let k = self.number();
            return match self.dice.below(4) {
                0 => "count".to_owned(),
                1 => "sin".to_owned(),
                2 => format!("maker({k})"),
                _ => format!("|{x}| {x} * {k} + self"),
            };
        }
        self.locals.push((x.clone(), Kind::Number));
        let own = std::mem::replace(&mut self.own, true);
        let body = self.expr(Kind::Number, depth - 1);
        self.own = own;
        self.locals.truncate(held);
        format!("|{x}| {{ {body} }}")
    }

    fn number_expr(&mut self, depth: u32) -> String {
        if depth == 0 {
            return match self.dice.below(5) {
                0 => "now".to_owned(),
                1 if self.own => "self".to_owned(),
                2 if !self.globals.is_empty() => self.dice.pick(&self.globals.clone()).clone(),
                _ => self.number(),
            };
        }
        let d = depth - 1;
        let a = self.expr(Kind::Number, d);
        match self.dice.below(24) {
            0 => format!("({a} + {})", self.expr(Kind::Number, d)),
            1 => format!("({a} - {})", self.expr(Kind::Number, d)),
            2 => format!("({a} * {})", self.expr(Kind::Number, d)),
            3 => format!("({a} / {})", self.expr(Kind::Number, d)),
            4 => format!("({a} % {})", self.expr(Kind::Number, d)),
            5 => format!("({a} < {})", self.expr(Kind::Number, d)),
            6 => format!("min({a}, {})", self.expr(Kind::Number, d)),
            7 => format!("sin({a})"),
            8 => format!("count({a})"),
            9 => format!("keep({a})"),
            10 => format!("mem({a})"),
            11 => format!("delay({}, {a}, {})", self.dice.below(9), self.expr(Kind::Number, d)),
            12 => format!("area({})", self.expr(Kind::Shape, d)),
            13 => format!("total({})", self.expr(Kind::List, d)),
            14 => format!("sum({}, 0)", self.expr(Kind::Array, d)),
            15 => format!("({})[{a}]", self.expr(Kind::Array, d)),
            16 => format!("({}).{}", self.expr(Kind::Record, d), self.dice.pick(&["f", "g"])),
            17 => format!("({})({a})", self.expr(Kind::Function, d)),
            18 => format!("({a} |> {})", self.expr(Kind::Function, d)),
            19 => format!("def({{a = {a}, c = {}, ..}})", self.expr(Kind::Number, d)),
            20 => format!("power!({}, `{a})", 1 + self.dice.below(3)),
            21 => format!("twice!(`count({a}))"),
            22 => format!("phasor({a}, 0.25)"),
            _ => {
                let (p, q) = (self.name("p"), self.name("q"));
                let pair = self.expr(Kind::Pair, d);
                format!("{{ let ({p}, {q}) = {pair}\n  {p} * 0.5 + {q} }}")
            }
        }
    }

    /// A body: some `let`s, perhaps an assignment, then a value.
    fn body(&mut self, ret: Kind, depth: u32) -> String {
        let held = self.locals.len();
        let mut text = String::new();
        for _ in 0..self.dice.below(3) {
            let kind = *self.dice.pick(&KINDS);
            let (name, value) = (self.name("v"), self.expr(kind, depth));
            text += &format!("  let {name} = {value}\n");
            if kind == Kind::Number && self.dice.below(2) == 0 {
                let value = self.expr(kind, 1);
                text += &format!("  {name} = {value} + {name}\n");
            }
            self.locals.push((name, kind));
        }
        let value = self.expr(ret, depth);
        self.locals.truncate(held);
        format!("{{\n{text}  {value}\n}}\n")
    }
}

/// The definitions of a program, `dsp` last.
fn program(seed: u64) -> Vec<String> {
    let mut writer = Writer {
        dice: Dice::new(seed),
        funcs: Vec::new(),
        globals: Vec::new(),
        locals: Vec::new(),
        own: false,
        names: 0,
    };
    let w = &mut writer;
    let mut out = Vec::new();
    for _ in 0..w.dice.below(3) {
        let (name, value) = (w.name("g"), w.number());
        out.push(format!("let {name} = {value}\n"));
        w.globals.push(name);
    }
    if w.dice.below(2) == 0 {
        let (name, value) = (w.name("h"), w.function(1));
        out.push(format!("let {name} = {value}\n"));
        w.locals.push((name, Kind::Function));
    }
    if w.dice.below(2) == 0 {
        let (name, a, b) = (w.name("fs"), w.function(1), w.function(1));
        out.push(format!("let {name} = [{a}, {b}, count]\n"));
        w.locals.push((format!("{name}[now % 3]"), Kind::Function));
    }
    for _ in 0..1 + w.dice.below(4) {
        let params: Vec<Kind> = (0..w.dice.below(3)).map(|_| *w.dice.pick(&KINDS)).collect();
        let ret = *w.dice.pick(&KINDS[..6]);
        let name = w.name("f");
        let held = w.locals.len();
        let names: Vec<String> = params.iter().map(|_| w.name("a")).collect();
        w.locals.extend(names.iter().cloned().zip(params.iter().copied()));
        w.own = ret == Kind::Number && w.dice.below(2) == 0;
        let body = w.body(ret, 3);
        w.own = false;
        w.locals.truncate(held);
        out.push(format!("fn {name}({}) {body}", names.join(", ")));
        w.funcs.push(Func { name, params, ret });
    }
    if let Some(global) = w.globals.first().cloned() {
        let (name, step) = (w.name("tick"), 1 + w.dice.below(5));
        let value = w.expr(Kind::Number, 1);
        out.push(format!(
            "fn {name}() {{ {global} = {value} + {global} * 0.5\n  {name}@(now + {step}) }}\n{name}@{step}\n"
        ));
    }
    let mut dsp = String::from("fn dsp() {\n");
    for global in w.globals.clone() {
        let value = w.expr(Kind::Number, 2);
        dsp += &format!("  {global} = {value}\n");
    }
    let channels: Vec<_> = (0..3).map(|_| w.expr(Kind::Number, 3)).collect();
    dsp += &format!("  ({})\n}}\n", channels.join(",\n   "));
    out.push(dsp);
    out
}

fn compile(text: &str, target: Target) -> Compiled {
    let options = Options { target, ..Options::default() };
    pipeline::compile_with("random.mmm", text, &options, &files())
}

/// What came of a program.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The same bits, or the same fault, everywhere.
    Agrees,
    /// The generator made something that is no program.
    Rejected(String),
    /// A bug: other samples, another fault, or a compiler that gave up.
    Differs(String),
}

fn outcome_of(parts: &[String]) -> Outcome {
    outcome(&format!("{HEAD}{}", parts.concat()))
}

/// Plays a program on the oracle and every backend, at three block sizes.
pub(crate) fn outcome(text: &str) -> Outcome {
    let score = Score { frames: FRAMES, ..Score::default() };
    let first = compile(text, Target::Vm);
    if first.program.is_none() {
        let said = first.diagnostics.render(&first.sources);
        let bug = said.contains("compiler-bug");
        return if bug { Outcome::Differs(said) } else { Outcome::Rejected(said) };
    }
    let want = render::oracle(&first, &score).and_then(|told| match told.fault {
        Some(fault) => Err(format!("stopped at frame {}: {}", fault.frame, fault.message)),
        None => Ok(told),
    });
    for target in Target::ALL {
        let compiled = compile(text, *target);
        for block in [1, 7, 64] {
            let got = play(&compiled, &score, block);
            let what = match (&want, &got) {
                (Ok(want), Ok(got)) => difference(&want.channels, &got.channels),
                (Err(want), Err(got)) => (want != got).then(|| format!("{want:?} against {got:?}")),
                (Ok(_), Err(why)) => Some(why.clone()),
                (Err(why), Ok(_)) => Some(format!("the oracle alone: {why}")),
            };
            if let Some(what) = what {
                return Outcome::Differs(format!("{target}, blocks of {block}: {what}"));
            }
        }
    }
    Outcome::Agrees
}

/// Leaves definitions out as long as the program still differs.
fn smaller(mut parts: Vec<String>) -> Vec<String> {
    let mut at = parts.len();
    while at > 0 {
        at -= 1;
        let mut fewer = parts.clone();
        fewer.remove(at);
        if matches!(outcome_of(&fewer), Outcome::Differs(_)) {
            parts = fewer;
        }
    }
    parts
}

#[test]
fn random_programs_give_the_same_bits_everywhere() {
    let programs = if std::env::var_os("ATTACCA_SLOW").is_some() { 20_000 } else { 250 };
    let mut rejected = Vec::new();
    for seed in 0..programs {
        let parts = program(seed);
        match outcome_of(&parts) {
            Outcome::Agrees => {}
            Outcome::Rejected(said) => rejected.push((seed, said)),
            Outcome::Differs(_) => {
                let parts = smaller(parts);
                let what = outcome_of(&parts);
                panic!("program {seed}: {what:?}\n{HEAD}{}", parts.concat());
            }
        }
    }
    println!("{programs} random programs, {} of them rejected", rejected.len());
    if let Some((seed, said)) = rejected.first() {
        let text = program(*seed).concat();
        assert!(rejected.len() * 10 < programs as usize, "program {seed}: {said}\n{text}");
    }
}
