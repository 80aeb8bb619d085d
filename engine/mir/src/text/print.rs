//! Printing of modules.

use crate::module::{BlockId, FuncState, Function, Inst, Jump, LeafKind, Module, Term, ValueId};
use crate::op::{Op, Ty};
use attacca_rt::code::{CellSource, ObjectKind, Shape};
use std::fmt::{Display, Formatter, Result, Write};

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        header(f, self)?;
        for (id, func) in &self.funcs {
            write!(f, "\nfn {id} ")?;
            function(f, func)?;
        }
        Ok(())
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("fn ")?;
        function(f, self)
    }
}

fn header(f: &mut Formatter<'_>, module: &Module) -> Result {
    if module.rate != 0.0 {
        writeln!(f, "rate {}", Float(module.rate.to_bits()))?;
    }
    let numbers = [
        ("inputs", module.inputs),
        ("outputs", module.outputs),
        ("words", module.words),
        ("dsp_base", module.dsp_base),
    ];
    for (name, number) in numbers.into_iter().filter(|(_, n)| *n != 0) {
        writeln!(f, "{name} {number}")?;
    }
    for (name, func) in [("init", module.init), ("dsp", module.dsp), ("kernel", module.kernel)] {
        if let Some(func) = func {
            writeln!(f, "{name} {func}")?;
        }
    }
    for global in &module.globals {
        write!(f, "global {} {} {}", global.word, global.ty.name(), Quoted(&global.name))?;
        f.write_str(if global.assigned { " assigned" } else { "" })?;
        if global.init_text != 0 {
            write!(f, " text {}", global.init_text)?;
        }
        if global.site != 0 {
            write!(f, " site {}", global.site)?;
        }
        f.write_char('\n')?;
    }
    for (id, shape) in &module.shapes {
        writeln!(
            f,
            "{id} {}({})",
            kind_name(shape),
            list(&shape.fields, |k| crate::verify::types::ty_of(*k).name())
        )?;
    }
    for (id, sig) in &module.sigs {
        writeln!(
            f,
            "{id} ({}) -> ({})",
            list(&sig.params, |t| t.name()),
            list(&sig.rets, |t| t.name())
        )?;
    }
    for (index, cell) in module.cells.iter().enumerate() {
        write!(f, "cell{index} ")?;
        host_cell(f, cell)?;
    }
    for (index, site) in module.sites.iter().enumerate() {
        let (function, file) = (Quoted(&site.function), site.file);
        write!(f, "site{index} {function} {file} {} {}", site.line, site.column)?;
        if site.end != 0 {
            write!(f, " bytes {} {}", site.start, site.end)?;
        }
        if site.copy != 0 {
            write!(f, " copy {}", site.copy)?;
        }
        writeln!(f)?;
    }
    for voices in &module.voices {
        writeln!(f, "voices {voices}")?;
    }
    for (index, tap) in module.taps.iter().enumerate() {
        writeln!(f, "tap{index} {}", Quoted(&tap.name))?;
    }
    for (index, sample) in module.samples.iter().enumerate() {
        writeln!(f, "sample{index} {} {} {}", Quoted(&sample.path), sample.file, sample.site)?;
    }
    for (address, func) in &module.blocks {
        writeln!(f, "block {address} {func}")?;
    }
    Ok(())
}

fn kind_name(shape: &Shape) -> &'static str {
    match shape.kind {
        ObjectKind::Closure => "closure",
        ObjectKind::Cell => "cell",
        ObjectKind::Variant => "variant",
        ObjectKind::Array => "array",
    }
}

fn host_cell(f: &mut Formatter<'_>, cell: &CellSource) -> Result {
    let float = |x: &f64| Float(x.to_bits());
    match cell {
        CellSource::Control { name, initial, min, max } => {
            writeln!(f, "control {} {} {} {}", Quoted(name), float(initial), float(min), float(max))
        }
        CellSource::MidiPitch { channel, initial } => {
            writeln!(f, "pitch {channel} {}", float(initial))
        }
        CellSource::MidiVelocity { channel, initial } => {
            writeln!(f, "velocity {channel} {}", float(initial))
        }
        CellSource::Cc { channel, number, initial } => {
            writeln!(f, "cc {channel} {number} {}", float(initial))
        }
        CellSource::Bend { channel } => writeln!(f, "bend {channel}"),
        CellSource::Transport(field) => writeln!(f, "transport {}", field.name()),
        CellSource::Voice { group, voice, field } => {
            writeln!(f, "voice {group} {voice} {}", field.name())
        }
    }
}

fn function(f: &mut Formatter<'_>, func: &Function) -> Result {
    let typed = |v: &ValueId| format!("{v}: {}", func.values[*v].name());
    let params = &func.blocks[func.entry].params;
    write!(
        f,
        "{}({}) -> ({})",
        Quoted(&func.name),
        list(params, typed),
        list(&func.rets, |t| t.name())
    )?;
    f.write_str(if func.closure { " closure" } else { "" })?;
    if func.site != 0 {
        write!(f, " site {}", func.site)?;
    }
    types(f, func.types)?;
    for capture in &func.captures {
        let (kind, name) = (capture.kind.name(), Quoted(&capture.name));
        write!(f, " {kind} {name} {}", capture.ty.name())?;
        types(f, capture.types)?;
    }
    if func.entry != BlockId::from_u32(0) {
        write!(f, " entry {}", func.entry)?;
    }
    f.write_str(" {\n")?;
    state(f, &func.state)?;
    for (id, block) in &func.blocks {
        write!(f, "{id}")?;
        if id != func.entry && !block.params.is_empty() {
            write!(f, "({})", list(&block.params, typed))?;
        }
        f.write_str(":\n")?;
        for inst in &block.insts {
            f.write_str("  ")?;
            instruction(f, &func.insts[*inst])?;
            f.write_char('\n')?;
        }
        f.write_str("  ")?;
        term(f, &block.end)?;
        f.write_char('\n')?;
    }
    f.write_str("}\n")
}

/// The hash of a type, where it matters.
fn types(f: &mut Formatter<'_>, types: u64) -> Result {
    if types == 0 { Ok(()) } else { write!(f, " types {types}") }
}

fn state(f: &mut Formatter<'_>, state: &FuncState) -> Result {
    if *state == FuncState::default() {
        return Ok(());
    }
    writeln!(f, "  state {} {{", state.words)?;
    for leaf in &state.leaves {
        write!(f, "    leaf {} ", leaf.offset)?;
        match leaf.kind {
            LeafKind::SelfValue { part, ty } => write!(f, "self {part} {}", ty.name())?,
            LeafKind::Mem => f.write_str("mem")?,
            LeafKind::Line { len } => write!(f, "line {len}")?,
        }
        write!(f, " {} site {}", Quoted(&leaf.name), leaf.site)?;
        types(f, leaf.types)?;
        f.write_char('\n')?;
    }
    for child in &state.children {
        writeln!(
            f,
            "    child {} {} {} site {}",
            child.offset,
            child.func,
            Quoted(&child.binding),
            child.site
        )?;
    }
    f.write_str("  }\n")
}

fn instruction(f: &mut Formatter<'_>, inst: &Inst) -> Result {
    if !inst.results.is_empty() {
        write!(f, "{} = ", list(&inst.results, |v| *v))?;
    }
    let args = &inst.args[..];
    match &inst.op {
        Op::Fconst(bits) => write!(f, "const {}", Float(*bits)),
        Op::Iconst(x) => write!(f, "iconst {x}"),
        Op::Rconst(at) => write!(f, "rconst {at}"),
        Op::Pure(op) => plain(f, op.name(), args),
        Op::Slow(op) => plain(f, op.name(), args),
        Op::Pair(op) => plain(f, &format!("pair.{}", op.name()), args),
        Op::FuncAddr(func) => write!(f, "funcaddr {func}"),
        Op::Load(ty, offset) => based(f, &format!("load.{}", ty.name()), *offset, args),
        Op::Store(ty, offset) => based(f, &format!("store.{}", ty.name()), *offset, args),
        Op::LinePos(offset) => based(f, "linepos", *offset, args),
        Op::LineSetPos(offset) => based(f, "linesetpos", *offset, args),
        Op::LineLoad { offset, len } => based(f, &format!("lineload.{len}"), *offset, args),
        Op::LineStore { offset, len } => based(f, &format!("linestore.{len}"), *offset, args),
        Op::Block { func, offset } => based(f, &format!("block.{func}"), *offset, args),
        Op::Alloc(shape) => write!(f, "alloc {shape}({})", list(args, |v| *v)),
        Op::HeapLoad { shape, field, ty } => {
            plain(f, &format!("heapload.{} {shape}.{field}", ty.name()), args)
        }
        Op::HeapStore { shape, field, ty } => {
            plain(f, &format!("heapstore.{} {shape}.{field}", ty.name()), args)
        }
        Op::NewArray(shape) => plain(f, &format!("newarray {shape}"), args),
        Op::ArrayLen => plain(f, "arraylen", args),
        Op::ArrayLoad { shape, field, ty } => {
            plain(f, &format!("arrayload.{} {shape}.{field}", ty.name()), args)
        }
        Op::ArrayStore { shape, field, ty } => {
            plain(f, &format!("arraystore.{} {shape}.{field}", ty.name()), args)
        }
        Op::ArrayCopy(shape) => plain(f, &format!("arraycopy {shape}"), args),
        Op::Schedule(site) => plain(f, &format!("schedule {site}"), args),
        Op::Limit => plain(f, "limit", args),
        Op::Print { newline: false } => plain(f, "print", args),
        Op::Print { newline: true } => plain(f, "println", args),
        Op::Tap(tap) => plain(f, &format!("tap {tap}"), args),
        Op::SampleLen(sample) => write!(f, "samplelen {sample}"),
        Op::SampleRead { sample, channel } => {
            plain(f, &format!("sampleread {sample} {channel}"), args)
        }
        Op::Retain => plain(f, "retain", args),
        Op::Release => plain(f, "release", args),
        Op::Call(func) => write!(f, "call {func}({})", list(args, |v| *v)),
        Op::CallClosure(sig) => match args.split_first() {
            Some((closure, args)) => {
                write!(f, "callclosure {sig} {closure}({})", list(args, |v| *v))
            }
            None => write!(f, "callclosure {sig}"),
        },
        Op::SampleRate => plain(f, "samplerate", args),
        Op::Now => plain(f, "now", args),
        Op::SetNow => plain(f, "setnow", args),
        Op::FirstNow => plain(f, "firstnow", args),
        Op::Cell(cell) => write!(f, "cell {cell}"),
        Op::Input(channel) => plain(f, &format!("input {channel}"), args),
        Op::Output(channel) => plain(f, &format!("output {channel}"), args),
        Op::BudgetReset => plain(f, "budgetreset", args),
        Op::BudgetEnter(site) => write!(f, "budgetenter {site}"),
        Op::BudgetLeave => plain(f, "budgetleave", args),
        Op::Faulted => plain(f, "faulted", args),
    }
}

fn plain(f: &mut Formatter<'_>, name: &str, args: &[ValueId]) -> Result {
    f.write_str(name)?;
    if !args.is_empty() {
        write!(f, " {}", list(args, |v| *v))?;
    }
    Ok(())
}

/// An op whose first operand is the base of a state address.
fn based(f: &mut Formatter<'_>, name: &str, offset: u32, args: &[ValueId]) -> Result {
    let Some((base, rest)) = args.split_first() else { return f.write_str(name) };
    write!(f, "{name} {base}+{offset}")?;
    rest.iter().try_for_each(|arg| write!(f, ", {arg}"))
}

fn term(f: &mut Formatter<'_>, end: &Term) -> Result {
    match end {
        Term::Jump(to) => write!(f, "jump {}", Target(to)),
        Term::Branch { cond, then, other } => {
            write!(f, "branch {cond}, {}, {}", Target(then), Target(other))
        }
        Term::Return(values) => plain(f, "return", values),
        Term::Open => f.write_str("open"),
    }
}

struct Target<'a>(&'a Jump);

impl Display for Target<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}", self.0.to)?;
        if self.0.args.is_empty() { Ok(()) } else { write!(f, "({})", list(&self.0.args, |v| *v)) }
    }
}

/// Items separated by commas, each shown by the function.
fn list<T, D: Display, F: Fn(&T) -> D>(items: &[T], show: F) -> List<'_, T, F> {
    List(items, show)
}

/// Items separated by commas: see [`list`].
struct List<'a, T, F>(&'a [T], F);

impl<T, D: Display, F: Fn(&T) -> D> Display for List<'_, T, F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (index, item) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            write!(f, "{}", (self.1)(item))?;
        }
        Ok(())
    }
}

/// A float by its bits: the shortest decimal that reads back, `inf`, `nan`, or `nan_` and the bits.
struct Float(u64);

impl Display for Float {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let x = f64::from_bits(self.0);
        if !x.is_nan() {
            write!(f, "{x:?}")
        } else if self.0 == f64::NAN.to_bits() {
            f.write_str("nan")
        } else {
            write!(f, "nan_{:016x}", self.0)
        }
    }
}

/// A name in quotes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        f.write_char('"')
    }
}

/// The type a name stands for.
pub(super) fn ty_named(name: &str) -> Option<Ty> {
    [Ty::F64, Ty::I64, Ty::Ref].into_iter().find(|ty| ty.name() == name)
}
