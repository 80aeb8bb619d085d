//! The macros of the host: controls, probes, notes and sound files as code.

use smol_str::SmolStr;

use super::builtin::{as_number, number_text};
use super::eval::{Machine, Result, Stop};
use super::value::{List, Value};
use crate::builtins::Builtin;
use crate::diag::Diagnostic;
use crate::hir::{ExprId, ExprKind, SamplePart};
use attacca_rt::code::CellSource;
use attacca_rt::transport::TransportField;
use attacca_rt::voices::{MAX_GROUPS, MAX_VOICES, VoiceField};

/// The last MIDI channel of `midi_note_mono!`.
const LAST_CHANNEL: f64 = 15.0;
/// The last MIDI controller.
const LAST_CONTROLLER: f64 = 127.0;
/// Most numbers that a probe shows.
const MAX_PROBE: usize = 16;

impl Machine<'_, '_> {
    /// Calls a macro of the host.
    pub(super) fn host_macro(
        &mut self,
        id: ExprId,
        builtin: Builtin,
        args: [Value; 3],
    ) -> Result<Value> {
        let [first, second, third] = args;
        match builtin {
            Builtin::Control => {
                let name = self.name_of(first);
                Ok(Value::Code(self.control(id, &name, second)?))
            }
            Builtin::Probe => {
                let name = self.name_of(first);
                let kind = ExprKind::Probe { name: name.into(), channels: None };
                Ok(Value::Code(self.make(kind, self.span(id))))
            }
            Builtin::ProbeValueWith => {
                let name = self.name_of(first);
                let mut channels = Vec::new();
                self.channels(id, "", second, &mut channels)?;
                let kind = ExprKind::Probe { name: name.into(), channels: Some(channels) };
                Ok(Value::Code(self.make(kind, self.span(id))))
            }
            Builtin::MidiNoteMono => self.midi_note(id, first, second, third),
            Builtin::TransportCell => {
                let name = self.name_of(first);
                let field = TransportField::ALL.iter().find(|(_, known)| *known == name);
                match field {
                    Some((field, _)) => Ok(self.cell(id, CellSource::Transport(*field))),
                    None => self.no_such_part(id, &name),
                }
            }
            Builtin::VoiceGroup => self.voice_group(id, as_number(first)),
            Builtin::VoiceCell => {
                let name = self.name_of(third);
                let (group, voice) = (as_number(first) as u8, as_number(second) as u8);
                match VoiceField::ALL.into_iter().find(|field| field.name() == name) {
                    Some(field) => Ok(self.cell(id, CellSource::Voice { group, voice, field })),
                    None => self.no_such_part(id, &name),
                }
            }
            Builtin::CcCell => {
                let channel = self.channel(
                    id,
                    as_number(first),
                    "channels are the whole numbers from 0 to 15",
                )?;
                let number = as_number(second);
                if !(0.0..=LAST_CONTROLLER).contains(&number) || number.fract() != 0.0 {
                    let message = format!("there is no MIDI controller {}", number_text(number));
                    let error = Diagnostic::error("midi-controller", self.span(id), message);
                    let help = "controllers are the whole numbers from 0 to 127";
                    return self.stop(error.help(help));
                }
                let (number, initial) = (number as u8, as_number(third));
                Ok(self.cell(id, CellSource::Cc { channel, number, initial }))
            }
            Builtin::BendCell => {
                let channel = self.channel(
                    id,
                    as_number(first),
                    "channels are the whole numbers from 0 to 15",
                )?;
                Ok(self.cell(id, CellSource::Bend { channel }))
            }
            Builtin::CodeCall => {
                let callee = self.embed(id, first, self.span(id))?;
                self.call_of(id, callee, &[second])
            }
            Builtin::CodeOperator => {
                let name = self.name_of(first);
                match Builtin::named(&name) {
                    Some(operator) => {
                        let callee = self.make(ExprKind::Builtin(operator), self.span(id));
                        self.call_of(id, callee, &[second, third])
                    }
                    None => self.no_such_part(id, &name),
                }
            }
            Builtin::SampleLength => {
                let path = SmolStr::from(self.name_of(first));
                let kind = ExprKind::Sample { path, part: SamplePart::Length };
                Ok(Value::Code(self.make(kind, self.span(id))))
            }
            Builtin::SampleChannel => {
                let path = SmolStr::from(self.name_of(first));
                let part = SamplePart::Channel(as_number(second) as u32);
                let kind = ExprKind::Sample { path, part };
                Ok(Value::Code(self.make(kind, self.span(id))))
            }
            Builtin::SamplerMono => {
                let path = SmolStr::from(self.name_of(first));
                let span = self.span(id);
                let mut part =
                    |part| self.make(ExprKind::Sample { path: path.clone(), part }, span);
                let fields = [
                    ("length".into(), part(SamplePart::Length)),
                    ("player".into(), part(SamplePart::Player)),
                ];
                let kind = ExprKind::Record(fields.to_vec());
                Ok(Value::Code(self.make(kind, self.span(id))))
            }
            _ => Err(Stop),
        }
    }

    /// A call of code with code; what does not fit is found once it is put in, at the callee.
    fn call_of(&mut self, id: ExprId, callee: ExprId, args: &[Value]) -> Result<Value> {
        let site = self.span(id);
        let args = args.iter().map(|arg| self.embed(id, *arg, site)).collect::<Result<_>>()?;
        let at = self.out.exprs[callee].span;
        Ok(Value::Code(self.make(ExprKind::Call { callee, args }, at)))
    }

    fn name_of(&mut self, value: Value) -> String {
        let text = self.text_of(value);
        self.heap.str(text).to_owned()
    }

    /// The parts of a value with their names: `f`, `q.0`.
    fn parts(&self, value: Value) -> Option<Vec<(SmolStr, Value)>> {
        match value {
            Value::Tuple(list) => {
                let parts = self.heap.list(list).iter().enumerate();
                Some(parts.map(|(index, part)| (index.to_string().into(), *part)).collect())
            }
            Value::Record(shape, at) => {
                let names = self.heap.names(shape);
                let values = self.heap.list(List { at, len: names.len() as u32 });
                Some(names.iter().cloned().zip(values.iter().copied()).collect())
            }
            _ => None,
        }
    }

    /// Code of the same shape as the initial value, each number a control.
    fn control(&mut self, id: ExprId, name: &str, initial: Value) -> Result<ExprId> {
        if let Some(parts) = self.parts(initial) {
            let mut made = Vec::with_capacity(parts.len());
            for (part, value) in parts {
                let code = self.control(id, &joined(name, &part), value)?;
                made.push((part, code));
            }
            let kind = match initial {
                Value::Tuple(_) => ExprKind::Tuple(made.into_iter().map(|(_, it)| it).collect()),
                _ => ExprKind::Record(made),
            };
            return Ok(self.make(kind, self.span(id)));
        }
        match initial {
            Value::Number(initial) => {
                let reach = initial.abs().max(1.0);
                let name = name.to_owned();
                let (min, max) = (initial - reach, initial + reach);
                let source = CellSource::Control { name, initial, min, max };
                Ok(self.make(ExprKind::Cell(Box::new(source)), self.span(id)))
            }
            Value::Code(code) => match self.literal_value(code) {
                Some(value) => self.control(id, name, value),
                None => {
                    let message = "the initial value of a control is known while compiling only";
                    let error = Diagnostic::error("control-value", self.span(id), message);
                    self.stop(error.help("give a number, or a tuple or record of numbers"))
                }
            },
            _ => {
                let message = "a control is a number, or a tuple or record of numbers";
                self.stop(Diagnostic::error("control-value", self.span(id), message))
            }
        }
    }

    /// The value of code that is written out.
    fn literal_value(&mut self, code: ExprId) -> Option<Value> {
        match self.out.exprs[code].kind.clone() {
            ExprKind::Number(number) => Some(Value::Number(number)),
            ExprKind::Tuple(parts) => {
                let values = parts.into_iter().map(|part| self.literal_value(part));
                let values = values.collect::<Option<Vec<_>>>()?;
                Some(self.heap.tuple(&values))
            }
            ExprKind::Record(fields) => {
                let values = fields.iter().map(|(_, value)| self.literal_value(*value));
                let values = values.collect::<Option<Vec<_>>>()?;
                let shape = self.heap.shape(fields.into_iter().map(|(name, _)| name));
                Some(Value::Record(shape, self.heap.store(&values)))
            }
            ExprKind::Block { stmts, value: Some(value) } if stmts.is_empty() => {
                self.literal_value(value)
            }
            ExprKind::Call { callee, args } => {
                let minus = matches!(self.out.exprs[callee].kind, ExprKind::Builtin(Builtin::Sub));
                let args = args.into_iter().map(|arg| self.literal_value(arg));
                match args.collect::<Option<Vec<_>>>()?.as_slice() {
                    [Value::Number(zero), Value::Number(number)] if minus && *zero == 0.0 => {
                        Some(Value::Number(zero - number))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The names of a probe's channels: those of the shape's numbers.
    fn channels(
        &mut self,
        id: ExprId,
        name: &str,
        shape: Value,
        out: &mut Vec<SmolStr>,
    ) -> Result<()> {
        if out.len() >= MAX_PROBE {
            let message = format!("a probe shows at most {MAX_PROBE} numbers");
            return self.stop(Diagnostic::error("probe-shape", self.span(id), message));
        }
        if let Some(parts) = self.parts(shape) {
            let mut parts = parts.into_iter();
            return parts
                .try_for_each(|(it, part)| self.channels(id, &joined(name, &it), part, out));
        }
        match shape {
            Value::Number(_) => {
                out.push(name.into());
                Ok(())
            }
            Value::Code(code) if self.literal_value(code).is_some() => {
                let value = self.literal_value(code).unwrap_or(Value::Nothing);
                self.channels(id, name, value, out)
            }
            _ => {
                let message = "a probe shows numbers, or tuples and records of them";
                self.stop(Diagnostic::error("probe-shape", self.span(id), message))
            }
        }
    }

    fn cell(&mut self, id: ExprId, source: CellSource) -> Value {
        Value::Code(self.make(ExprKind::Cell(Box::new(source)), self.span(id)))
    }

    fn no_such_part<T>(&mut self, id: ExprId, name: &str) -> Result<T> {
        let message = format!("the host has nothing named \"{name}\"");
        self.stop(Diagnostic::error("host-value", self.span(id), message))
    }

    fn channel(&mut self, id: ExprId, channel: f64, help: &str) -> Result<u8> {
        if (0.0..=LAST_CHANNEL).contains(&channel) && channel.fract() == 0.0 {
            return Ok(channel as u8);
        }
        let message = format!("there is no MIDI channel {}", number_text(channel));
        self.stop(Diagnostic::error("midi-channel", self.span(id), message).help(help))
    }

    fn voice_group(&mut self, id: ExprId, voices: f64) -> Result<Value> {
        if !(1.0..=MAX_VOICES as f64).contains(&voices) || voices.fract() != 0.0 {
            let message = format!("an instrument can't have {} voices", number_text(voices));
            let error = Diagnostic::error("too-many-voices", self.span(id), message);
            return self.stop(error.help(format!("it has 1 to {MAX_VOICES}, a whole number")));
        }
        let group = self.out.voices.len();
        if group >= MAX_GROUPS {
            let message = format!("a program has at most {MAX_GROUPS} instruments of voices");
            return self.stop(Diagnostic::error("too-many-voices", self.span(id), message));
        }
        self.out.voices.push(voices as u32);
        Ok(Value::Number(group as f64))
    }

    fn midi_note(
        &mut self,
        id: ExprId,
        channel: Value,
        note: Value,
        velocity: Value,
    ) -> Result<Value> {
        let (channel, note) = (as_number(channel), as_number(note));
        let help = "channels are the whole numbers from 0 to 14, and 15, which is never heard";
        let channel = self.channel(id, channel, help)?;
        let pitch = CellSource::MidiPitch { channel, initial: note };
        let velocity = CellSource::MidiVelocity { channel, initial: as_number(velocity) };
        let span = self.span(id);
        let mut cell = |source| self.make(ExprKind::Cell(Box::new(source)), span);
        let fields = [("pitch".into(), cell(pitch)), ("velocity".into(), cell(velocity))];
        let kind = ExprKind::Record(fields.to_vec());
        Ok(Value::Code(self.make(kind, self.span(id))))
    }
}

/// `name.part`; parts of a nameless whole have their own names.
fn joined(name: &str, part: &str) -> String {
    if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") }
}
