//! What a program shows to the host and reads from it: printing, tasks, probes, sound files.

use attacca_mir::module::{FuncId, ValueId};
use attacca_mir::op::{Op, Pure, Ty as Word};
use attacca_rt::code::{SampleSource, TapSource};
use cranelift_entity::EntityRef as _;
use smol_str::SmolStr;

use super::func::{FuncLower, Values};
use super::{Instance, Lowerer};
use crate::builtins::{Builtin, Lowering};
use crate::hir::{ExprId, ExprKind, SamplePart};
use crate::source::Span;
use crate::types::ty::Ty;

impl FuncLower<'_, '_> {
    /// A built-in of type `ty` applied to the words of its arguments.
    pub(super) fn builtin_words(
        &mut self,
        builtin: Builtin,
        ty: &Ty,
        args: &[ValueId],
        at: Span,
    ) -> Values {
        match (builtin.lowering(), args) {
            (Lowering::Array(function), _) => {
                let element = element_of(ty);
                self.array_fn(function, &element, args)
            }
            (Lowering::Print { newline }, [number]) => {
                self.b().effect(Op::Print { newline }, &[*number]);
                vec![*number]
            }
            (Lowering::Schedule, [time, function]) => {
                let site = self.site(at);
                self.b().effect(Op::Schedule(site), &[*time, *function]);
                Vec::new()
            }
            (Lowering::Ignore, _) => Vec::new(),
            (Lowering::Peak, words) => vec![self.peak(words)],
            (
                Lowering::Op(_)
                | Lowering::Truth(_)
                | Lowering::And
                | Lowering::Or
                | Lowering::Not
                | Lowering::Mem
                | Lowering::Delay
                | Lowering::Print { .. }
                | Lowering::Schedule
                | Lowering::Macro,
                _,
            ) => vec![self.scalar(builtin, args)],
        }
    }

    /// The largest magnitude among numbers; 0 without any.
    fn peak(&mut self, words: &[ValueId]) -> ValueId {
        let mut peak = None;
        for word in words
            .iter()
            .filter(|word| self.func.values[**word] == Word::F64)
            .copied()
            .collect::<Vec<_>>()
        {
            let size = self.b().pure(Pure::Abs, &[word]);
            peak = Some(match peak {
                Some(peak) => self.b().pure(Pure::Max, &[peak, size]),
                None => size,
            });
        }
        peak.unwrap_or_else(|| self.b().fconst(0.0))
    }

    /// `Probe!(name)` where it is called: each number is shown under its own name.
    pub(super) fn probe(&mut self, probe: ExprId, ty: &Ty, words: Values) -> Values {
        let names = self.probe_names(probe, ty);
        for (name, word) in names.into_iter().zip(&words) {
            if self.func.values[*word] == Word::F64 {
                let tap = self.lo.tap(&name);
                self.b().effect(Op::Tap(tap), &[*word]);
            }
        }
        words
    }

    fn probe_names(&self, probe: ExprId, ty: &Ty) -> Vec<String> {
        let ExprKind::Probe { name, channels } = &self.program().exprs[probe].kind else {
            return Vec::new();
        };
        match (channels, self.lo.layouts.width(ty)) {
            (Some(channels), _) => channels.iter().map(|it| format!("{name}.{it}")).collect(),
            (None, 1) => vec![name.to_string()],
            (None, width) => (0..width).map(|at| format!("{name}.{at}")).collect(),
        }
    }

    /// `Probe!(name)` as a value.
    pub(super) fn probe_value(&mut self, id: ExprId, at: Span) -> Values {
        let ty = self.type_of(id);
        let thunk = self.lo.probe_thunk(id, &ty, at);
        self.plain_function(thunk)
    }

    /// A part of a sound file.
    pub(super) fn sample(&mut self, path: &SmolStr, part: SamplePart, at: Span) -> Values {
        let sample = self.lo.sample(path, at);
        match part {
            SamplePart::Length => vec![self.b().value(Op::SampleLen(sample), &[], Word::F64)],
            SamplePart::Player | SamplePart::Channel(_) => {
                let thunk = self.lo.sample_thunk(sample, part, at);
                self.plain_function(thunk)
            }
        }
    }
}

/// The type of the elements that a function on arrays of this type has to do with.
fn element_of(ty: &Ty) -> Ty {
    let Ty::Func(func) = ty else { return Ty::Error };
    let of = |ty: &Ty| if let Ty::Array(element) = ty { Some((**element).clone()) } else { None };
    let parts = if let Ty::Tuple(parts) = &func.arg { parts.to_vec() } else { Vec::new() };
    of(&func.arg).or_else(|| parts.iter().find_map(of)).unwrap_or(Ty::Error)
}

impl Lowerer<'_> {
    /// The number of a probe's channel.
    fn tap(&mut self, name: &str) -> u32 {
        let taps = &mut self.module.taps;
        let known = taps.iter().position(|tap| tap.name == name);
        known.unwrap_or_else(|| {
            taps.push(TapSource { name: name.to_owned() });
            taps.len() - 1
        }) as u32
    }

    /// The number of a sound file.
    fn sample(&mut self, path: &SmolStr, at: Span) -> u32 {
        let file = at.file.index() as u32;
        let known = self.module.samples.iter().position(|it| it.path == *path && it.file == file);
        known.unwrap_or_else(|| {
            let site = self.site(at, path);
            self.module.samples.push(SampleSource { path: path.to_string(), file, site });
            self.module.samples.len() - 1
        }) as u32
    }

    /// The function that plays a sound file.
    fn sample_thunk(&mut self, sample: u32, part: SamplePart, at: Span) -> FuncId {
        let key = Instance::Sample(sample, part);
        if let Some(known) = self.instances.get(&key) {
            return *known;
        }
        let mut this = FuncLower::new(self, "player".into(), vec![Word::F64], at);
        this.func.closure = true;
        this.param(Word::Ref);
        let position = this.param(Word::F64);
        let channel = match part {
            SamplePart::Channel(channel) => Some(channel),
            SamplePart::Length | SamplePart::Player => None,
        };
        let op = sample_read(sample, channel);
        let result = this.b().value(op, &[position], Word::F64);
        this.b().ret(&[result]);
        let func = this.finish().func;
        let made = self.module.funcs.push(func);
        self.instances.insert(key, made);
        made
    }

    /// The function that a probe is as a value.
    fn probe_thunk(&mut self, id: ExprId, ty: &Ty, at: Span) -> FuncId {
        let Ty::Func(func) = ty else { return FuncId::from_u32(0) };
        let key = Instance::Probe(id, func.arg.clone());
        if let Some(known) = self.instances.get(&key) {
            return *known;
        }
        let words = self.layouts.flatten(&func.arg);
        let mut this = FuncLower::new(self, "probe".into(), words.clone(), at);
        this.func.closure = true;
        this.param(Word::Ref);
        let params: Values = words.into_iter().map(|word| this.param(word)).collect();
        let result = this.probe(id, &func.arg, params);
        this.b().ret(&result);
        let func = this.finish().func;
        let made = self.module.funcs.push(func);
        self.instances.insert(key, made);
        made
    }
}

/// Reads a channel of a sound file, or the mean of all.
fn sample_read(sample: u32, channel: Option<u32>) -> Op {
    Op::SampleRead { sample, channel: channel.map_or(0, |channel| channel.saturating_add(1)) }
}
