//! Evaluates macro code, expression by expression.

use cranelift_entity::SecondaryMap;
use rustc_hash::FxHashMap;

use super::slots::{Place, Slots};
use super::value::{Heap, Shape, Text, Value};
use crate::builtins::Builtin;
use crate::deep::with_room;
use crate::diag::{Diagnostic, Diagnostics};
use crate::hir::owners;
use crate::hir::{
    Arm, BindingId, BindingKind, Expr, ExprId, ExprKind, LambdaId, MatchPattern, MemberType,
    Pattern, Program, Stage, Stmt,
};
use crate::source::Span;
use crate::types::Typed;
use crate::types::ty::Ty;

/// Steps after which is looked whether anybody still wants the program.
const STRETCH: u32 = 1024;

/// Most expressions that are evaluated or made.
const MAX_STEPS: u32 = 20_000_000;
/// Most memory, in values of 16 bytes.
const MAX_VALUES: usize = 8_000_000;
/// Most expressions of the program that is made.
pub(super) const MAX_MADE: usize = 400_000;
/// Most macro calls inside each other.
pub(super) const MAX_CALLS: u32 = 4_000;
/// Most expressions inside each other, calls included.
const MAX_NESTING: u32 = 60_000;
/// Zeros of declared types are made to this depth.
const ZERO_DEPTH: u32 = 8;

/// Where a value that is not there comes from.
pub(super) const NOTHING: &str = "an empty array was read before, or no arm of a `match` did fit";

/// The evaluation of this part ended with a mistake that was reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop;

/// What an evaluation gives.
pub(super) type Result<T> = std::result::Result<T, Stop>;

/// Evaluates a program's macro code and makes a program without.
pub(super) struct Machine<'t, 'd> {
    pub(super) typed: &'t Typed,
    pub(super) program: &'t Program,
    pub(super) slots: Slots,
    pub(super) diags: &'d mut Diagnostics,
    pub(super) heap: Heap,
    pub(super) globals: SecondaryMap<BindingId, Option<Value>>,
    /// Frames, and between them what is being computed.
    pub(super) stack: Vec<Value>,
    /// Where the frame of the running function begins.
    pub(super) base: usize,
    /// The program being made.
    pub(super) out: Program,
    /// Roots of code that is in its place already, and where it was put in.
    pub(super) spliced: FxHashMap<ExprId, Span>,
    /// The functions being copied, for their `self`.
    pub(super) lambdas: SecondaryMap<LambdaId, Option<LambdaId>>,
    /// The splices being evaluated, outermost first.
    pub(super) sites: Vec<Span>,
    pub(super) calls: u32,
    nesting: u32,
    steps: u32,
    texts: FxHashMap<ExprId, Text>,
    shapes: FxHashMap<ExprId, Shape>,
    /// Some budget is used up: nothing is evaluated any more.
    exhausted: bool,
}

/// Where to go on after a mistake.
struct Mark {
    stack: usize,
    base: usize,
    sites: usize,
    calls: u32,
    nesting: u32,
}

impl<'t, 'd> Machine<'t, 'd> {
    pub(super) fn new(typed: &'t Typed, diags: &'d mut Diagnostics) -> Self {
        let program = &typed.program;
        let slots = Slots::of(program);
        let stack = vec![Value::Poison; slots.root_frame() as usize];
        let out = Program {
            types: program.types.clone(),
            aliases: program.aliases.clone(),
            modules: program.modules.clone(),
            broken: program.broken.clone(),
            ..Program::default()
        };
        Self {
            typed,
            program,
            slots,
            diags,
            heap: Heap::new(),
            globals: SecondaryMap::new(),
            stack,
            base: 0,
            out,
            spliced: FxHashMap::default(),
            lambdas: SecondaryMap::new(),
            sites: Vec::new(),
            calls: 0,
            nesting: 0,
            steps: 0,
            texts: FxHashMap::default(),
            shapes: FxHashMap::default(),
            exhausted: false,
        }
    }

    /// The program that the macro code makes.
    pub(super) fn program(mut self) -> Program {
        let mut stmts = Vec::new();
        for stmt in &self.program.stmts {
            let stage = self.program.exprs[stmt.value()].stage;
            let done = self.trial(|machine| match stage {
                Stage::Macro => machine.stmt(stmt),
                Stage::Audio => machine.copy_stmt(stmt).map(|stmt| stmts.push(stmt)),
            });
            if done.is_err() {
                self.poison(stmt);
            }
        }
        self.out.stmts = stmts;
        self.out.dsp = self.program.dsp.and_then(|dsp| match self.globals[dsp] {
            Some(Value::Name(name)) => Some(name),
            Some(_) | None => None,
        });
        for lost in owners::derive(&mut self.out, &self.spliced) {
            self.lost_variable(lost);
        }
        self.out
    }

    /// Reports code that was put where one of its variables is not known.
    fn lost_variable(&mut self, at: ExprId) {
        let expr = &self.out.exprs[at];
        let (ExprKind::Var(name) | ExprKind::Assign { target: name, .. }) = expr.kind else {
            return;
        };
        let data = &self.out.bindings[name];
        let message = format!("this code was put where its variable `{}` is not known", data.name);
        let error = Diagnostic::error("variable-out-of-reach", expr.span, message);
        let error = error.also(data.span, "known only in the block or function around this");
        let expansion = self.out.expanded.get(&at).copied();
        let site = expansion.and_then(|expansion| self.out.outermost(expansion));
        self.diags.push(match site {
            Some(site) => error.also(site, "put in here"),
            None => error,
        });
    }

    /// Runs `inside`; after a mistake everything is as before it, so that the rest can go on.
    pub(super) fn trial<T>(&mut self, inside: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let mark = Mark {
            stack: self.stack.len(),
            base: self.base,
            sites: self.sites.len(),
            calls: self.calls,
            nesting: self.nesting,
        };
        let result = inside(self);
        if result.is_err() {
            self.stack.truncate(mark.stack);
            self.sites.truncate(mark.sites);
            (self.base, self.calls, self.nesting) = (mark.base, mark.calls, mark.nesting);
        }
        result
    }

    /// The names of a statement that went wrong stand for nothing.
    fn poison(&mut self, stmt: &Stmt) {
        let mut todo = Vec::new();
        match stmt {
            Stmt::Let { pattern, .. } => todo.push(pattern),
            Stmt::LetRec { binding, .. } => self.globals[*binding] = Some(Value::Poison),
            Stmt::Expr(_) => {}
        }
        while let Some(pattern) = todo.pop() {
            match pattern {
                Pattern::Bind(binding) => self.globals[*binding] = Some(Value::Poison),
                Pattern::Ignore(_) => {}
                Pattern::Tuple(parts, _) => todo.extend(parts),
                Pattern::Record(fields, _) => todo.extend(fields.iter().map(|(_, part)| part)),
            }
        }
    }

    // ---- mistakes ----

    /// Reports a mistake, with the macro call that led there, and stops this part.
    pub(super) fn stop<T>(&mut self, error: Diagnostic) -> Result<T> {
        self.diags.push(match self.sites.first() {
            Some(site) => error.in_macro_call(*site, "in this macro call"),
            None => error,
        });
        Err(Stop)
    }

    /// Where an expression is.
    pub(super) fn span(&self, id: ExprId) -> Span {
        self.program.exprs[id].span
    }

    /// Reports that macro code takes too much of something, at the macro call.
    pub(super) fn overrun<T>(&mut self, id: ExprId, what: &str, help: &str) -> Result<T> {
        self.exhausted = true;
        let here = self.span(id);
        let at = self.sites.first().copied().unwrap_or(here);
        let message = format!("the macro code run here {what}");
        let error = Diagnostic::error("macro-budget", at, message).help(help);
        self.diags.push(if at.holds(here) { error } else { error.also(here, "here") });
        Err(Stop)
    }

    /// Counts one step.
    pub(super) fn step(&mut self, id: ExprId) -> Result<()> {
        self.steps += 1;
        if self.steps.is_multiple_of(STRETCH) && self.diags.is_cancelled() {
            self.exhausted = true;
        }
        if self.exhausted {
            return Err(Stop);
        }
        let endless = "is there a recursion that never ends?";
        if self.steps > MAX_STEPS {
            return self.overrun(id, "does not come to an end", endless);
        }
        if self.heap.spent() > MAX_VALUES {
            return self.overrun(id, "needs too much memory", endless);
        }
        if self.out.exprs.len() > MAX_MADE {
            return self.overrun(id, "makes too much code", "make less code, or functions of it");
        }
        Ok(())
    }

    /// Evaluates inside one more level of nesting.
    pub(super) fn nested<T>(
        &mut self,
        id: ExprId,
        inside: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return self.overrun(
                id,
                "is nested too deeply",
                "is there a recursion that never ends?",
            );
        }
        let result =
            if self.nesting.is_multiple_of(4) { with_room(|| inside(self)) } else { inside(self) };
        self.nesting -= 1;
        result
    }

    // ---- expressions ----

    /// Evaluates an expression.
    pub(super) fn eval(&mut self, id: ExprId) -> Result<Value> {
        self.step(id)?;
        let value = self.nested(id, |machine| machine.kind(id))?;
        match self.typed.wraps.get(&id) {
            Some(_) => Ok(Value::Member(self.heap.slot(value))),
            None => Ok(value),
        }
    }

    fn kind(&mut self, id: ExprId) -> Result<Value> {
        let program = self.program;
        let expr = &program.exprs[id];
        if expr.stage == Stage::Audio {
            return self.misplaced(expr);
        }
        match &expr.kind {
            ExprKind::Number(number) => Ok(Value::Number(*number)),
            ExprKind::Str(text) => Ok(Value::Text(self.literal(id, text))),
            ExprKind::Var(binding) => self.read(id, *binding),
            ExprKind::Builtin(builtin) => Ok(Value::Builtin(*builtin)),
            ExprKind::Lambda(lambda) => Ok(self.closure(*lambda)),
            ExprKind::Call { callee, args } => self.call(id, *callee, args),
            ExprKind::Tuple(parts) => {
                let values = self.values(parts.iter().copied())?;
                Ok(self.heap.tuple(&values))
            }
            ExprKind::Proj(of, index) => match self.eval(*of)? {
                Value::Tuple(list) if *index < list.len => Ok(self.heap.at(list.at + index)),
                Value::Poison => Err(Stop),
                _ => Ok(Value::Nothing),
            },
            ExprKind::Record(fields) | ExprKind::Incomplete(fields) => {
                let values = self.values(fields.iter().map(|(_, value)| *value))?;
                let shape = match self.shapes.get(&id) {
                    Some(shape) => *shape,
                    None => {
                        let shape = self.heap.shape(fields.iter().map(|(name, _)| name.clone()));
                        self.shapes.insert(id, shape);
                        shape
                    }
                };
                Ok(Value::Record(shape, self.heap.store(&values)))
            }
            ExprKind::Field(of, name, _) => {
                let value = self.eval(*of)?;
                self.field(value, name)
            }
            ExprKind::If { cond, then, other } => {
                let cond = self.number(*cond)?;
                match (cond > 0.0, other) {
                    (true, _) => self.eval(*then),
                    (false, Some(other)) => self.eval(*other),
                    (false, None) => Ok(Value::Unit),
                }
            }
            ExprKind::Block { stmts, value } => {
                stmts.iter().try_for_each(|stmt| self.stmt(stmt))?;
                value.map_or(Ok(Value::Unit), |value| self.eval(value))
            }
            ExprKind::Assign { target, fields, value } => {
                let value = self.eval(*value)?;
                let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
                self.assign(id, *target, &names, value)
            }
            ExprKind::Array(parts) => {
                let values = self.values(parts.iter().copied())?;
                Ok(Value::Array(self.heap.array(&values)))
            }
            ExprKind::Index(of, index) => {
                let value = self.eval(*of)?;
                let index = self.number(*index)?;
                self.index(id, value, index)
            }
            ExprKind::Match { scrutinee, arms } => {
                let value = self.eval(*scrutinee)?;
                self.match_arms(id, value, arms)
            }
            ExprKind::Construct(ty, tag) => Ok(self.constructor(*ty, *tag)),
            ExprKind::Quote(code) => self.quote(*code),
            ExprKind::Error => Err(Stop),
            ExprKind::SelfValue(_)
            | ExprKind::Now
            | ExprKind::SampleRate
            | ExprKind::Splice(_)
            | ExprKind::Cell(_)
            | ExprKind::Probe { .. }
            | ExprKind::Sample { .. } => self.misplaced(expr),
        }
    }

    /// Audio code among macro code: after a `#stage(main)` inside a block.
    fn misplaced<T>(&mut self, expr: &Expr) -> Result<T> {
        let message = "this runs while sound runs, and the code around it while compiling";
        let error = Diagnostic::error("wrong-stage", expr.span, message);
        self.stop(error.help("quote it, or leave out the `#stage` inside this block"))
    }

    /// Several expressions in order.
    pub(super) fn values(&mut self, ids: impl Iterator<Item = ExprId>) -> Result<Vec<Value>> {
        ids.map(|id| self.eval(id)).collect()
    }

    fn literal(&mut self, id: ExprId, text: &str) -> Text {
        if let Some(text) = self.texts.get(&id) {
            return *text;
        }
        let text = self.heap.text(text);
        self.texts.insert(id, text);
        text
    }

    /// An expression that gives a number.
    pub(super) fn number(&mut self, id: ExprId) -> Result<f64> {
        match self.eval(id)? {
            Value::Number(number) => Ok(number),
            Value::Poison => Err(Stop),
            _ => Ok(0.0),
        }
    }

    /// A field of a record.
    pub(super) fn field(&mut self, value: Value, name: &str) -> Result<Value> {
        match value {
            Value::Record(shape, at) => Ok(self.heap.field(shape, at, name)),
            Value::Poison => Err(Stop),
            _ => Ok(Value::Nothing),
        }
    }

    fn index(&mut self, id: ExprId, value: Value, index: f64) -> Result<Value> {
        match value {
            Value::Array(array) if array.len > 0 => {
                // NaN becomes 0, as the saturating conversion has it.
                let index = (index.max(0.0) as u32).min(array.len - 1);
                Ok(self.heap.element(array, index))
            }
            Value::Poison => Err(Stop),
            _ => Ok(self.zero_of(id)),
        }
    }

    fn constructor(&mut self, ty: crate::hir::TypeId, tag: u32) -> Value {
        match self.typed.payloads[ty].get(tag as usize) {
            Some(Some(_)) => Value::Constructor(ty, tag),
            Some(None) | None => Value::Variant(ty, tag, None),
        }
    }

    /// The zero of the type of an expression.
    pub(super) fn zero_of(&mut self, id: ExprId) -> Value {
        let typed = self.typed;
        match &typed.exprs[id] {
            Some(ty) => self.zero(ty, ZERO_DEPTH),
            None => Value::Nothing,
        }
    }

    /// The zero of a type, as far as that is known.
    pub(super) fn zero(&mut self, ty: &Ty, depth: u32) -> Value {
        match ty {
            Ty::Number | Ty::Int => Value::Number(0.0),
            Ty::Str => Value::Text(self.heap.text("")),
            Ty::Unit => Value::Unit,
            Ty::Tuple(parts) => {
                let values: Vec<_> = parts.iter().map(|part| self.zero(part, depth)).collect();
                self.heap.tuple(&values)
            }
            Ty::Record(fields) => {
                let shape = self.heap.shape(fields.iter().map(|(name, _)| name.clone()));
                let values: Vec<_> = fields.iter().map(|(_, ty)| self.zero(ty, depth)).collect();
                Value::Record(shape, self.heap.store(&values))
            }
            Ty::Array(_) => Value::Array(self.heap.array(&[])),
            Ty::Variant(ty, _) => {
                let typed = self.typed;
                let payload = typed.payloads[*ty].first().cloned().flatten();
                let payload = payload.map(|payload| match depth {
                    0 => Value::Nothing,
                    _ => self.zero(&payload, depth - 1),
                });
                let payload = payload.map(|payload| self.heap.slot(payload));
                Value::Variant(*ty, 0, payload)
            }
            Ty::Union(members) => {
                let member = members.first().map_or(Value::Nothing, |ty| self.zero(ty, depth));
                Value::Member(self.heap.slot(member))
            }
            Ty::Func(_) | Ty::Code(_) | Ty::Var(_) | Ty::Error => Value::Nothing,
        }
    }

    // ---- variables ----

    fn read(&mut self, id: ExprId, binding: BindingId) -> Result<Value> {
        let value = match self.slots.places[id] {
            Place::Global => self.globals[binding].unwrap_or(Value::Poison),
            Place::Local(slot) => self.stack[self.base + slot as usize],
        };
        match value {
            Value::Cell(slot) => Ok(self.heap.get(slot)),
            Value::Poison => Err(Stop),
            value => Ok(value),
        }
    }

    /// The variable of the new program that a variable of the audio code stands for here.
    pub(super) fn name(&mut self, id: ExprId, binding: BindingId) -> Result<BindingId> {
        match self.read(id, binding)? {
            Value::Name(name) => Ok(name),
            _ => Err(Stop),
        }
    }

    /// Gives a variable its first value.
    pub(super) fn bind(&mut self, binding: BindingId, value: Value) {
        if self.program.bindings[binding].kind == BindingKind::Global {
            self.globals[binding] = Some(value);
            return;
        }
        let shared = self.slots.shared[binding];
        let value = if shared { Value::Cell(self.heap.slot(value)) } else { value };
        let slot = self.base + self.slots.bound[binding] as usize;
        self.stack[slot] = value;
    }

    fn assign(
        &mut self,
        id: ExprId,
        target: BindingId,
        fields: &[&str],
        value: Value,
    ) -> Result<Value> {
        let value = match fields {
            [] => value,
            fields => {
                let old = self.read(id, target)?;
                self.changed(old, fields, value)
            }
        };
        match self.slots.places[id] {
            Place::Global => self.globals[target] = Some(value),
            Place::Local(slot) => {
                let slot = self.base + slot as usize;
                match self.stack[slot] {
                    Value::Cell(cell) => self.heap.set(cell, value),
                    _ => self.stack[slot] = value,
                }
            }
        }
        Ok(Value::Unit)
    }

    /// A record with one field below it changed.
    fn changed(&mut self, old: Value, fields: &[&str], value: Value) -> Value {
        let (Some((name, rest)), Value::Record(shape, at)) = (fields.split_first(), old) else {
            return value;
        };
        let inner = self.heap.field(shape, at, name);
        let inner = self.changed(inner, rest, value);
        self.heap.with_field(shape, at, name, inner)
    }

    // ---- statements and patterns ----

    /// A statement of macro code.
    pub(super) fn stmt(&mut self, stmt: &Stmt) -> Result<()> {
        match stmt {
            Stmt::Let { pattern, value, .. } => {
                let value = self.eval(*value)?;
                self.pattern(pattern, value)
            }
            Stmt::LetRec { binding, value } => {
                let value = self.eval(*value)?;
                self.bind(*binding, value);
                Ok(())
            }
            Stmt::Expr(value) => self.eval(*value).map(|_| ()),
        }
    }

    /// Binds the names of a pattern.
    pub(super) fn pattern(&mut self, pattern: &Pattern, value: Value) -> Result<()> {
        match pattern {
            Pattern::Bind(binding) => {
                self.bind(*binding, value);
                Ok(())
            }
            Pattern::Ignore(_) => Ok(()),
            Pattern::Tuple(parts, _) => parts.iter().zip(0..).try_for_each(|(part, index)| {
                let value = match value {
                    Value::Tuple(list) if index < list.len => self.heap.at(list.at + index),
                    _ => Value::Nothing,
                };
                self.pattern(part, value)
            }),
            Pattern::Record(fields, _) => fields.iter().try_for_each(|(name, part)| {
                let value = self.field(value, name)?;
                self.pattern(part, value)
            }),
        }
    }

    fn match_arms(&mut self, id: ExprId, value: Value, arms: &[Arm]) -> Result<Value> {
        for arm in arms {
            if self.fits(&arm.pattern, value)? {
                return self.eval(arm.body);
            }
        }
        Ok(self.zero_of(id))
    }

    /// Whether a pattern takes a value; binds its names if so.
    fn fits(&mut self, pattern: &MatchPattern, value: Value) -> Result<bool> {
        match (pattern, value) {
            (_, Value::Poison) => Err(Stop),
            (MatchPattern::Any(_) | MatchPattern::Error(_), _) => Ok(true),
            (MatchPattern::Number(wanted, _), Value::Number(number)) => {
                Ok(number.trunc() == wanted.trunc())
            }
            (MatchPattern::Number(wanted, _), _) => Ok(wanted.trunc() == 0.0),
            (MatchPattern::Tuple(parts, _), value) => {
                for (part, index) in parts.iter().zip(0..) {
                    let value = match value {
                        Value::Tuple(list) if index < list.len => self.heap.at(list.at + index),
                        _ => Value::Nothing,
                    };
                    if !self.fits(part, value)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (MatchPattern::Variant(_, wanted, payload, _), value) => {
                let (tag, carried) = match value {
                    Value::Variant(_, tag, carried) => (tag, carried),
                    _ => (0, None),
                };
                if tag != *wanted {
                    return Ok(false);
                }
                let carried = carried.map_or(Value::Nothing, |slot| self.heap.get(slot));
                payload.iter().try_for_each(|payload| self.pattern(payload, carried))?;
                Ok(true)
            }
            (MatchPattern::Member(wanted, payload, _), value) => {
                let carried = match value {
                    Value::Member(slot) => self.heap.get(slot),
                    value => value,
                };
                let fits = match wanted {
                    MemberType::Float | MemberType::Int => matches!(carried, Value::Number(_)),
                    MemberType::Str => matches!(carried, Value::Text(_)),
                };
                if fits {
                    payload.iter().try_for_each(|payload| self.pattern(payload, carried))?;
                }
                Ok(fits)
            }
        }
    }

    /// What `probe` prints.
    pub(super) fn print(&mut self, builtin: Builtin, number: f64) {
        let text = super::builtin::number_text(number);
        self.heap.spend(1 + text.len() / 16);
        self.out.printed.push_str(&text);
        if builtin == Builtin::PrintLine {
            self.out.printed.push('\n');
        }
    }
}
