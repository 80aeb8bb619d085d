//! Calls of macro functions: how arguments become parameters, and what a function captured.

use super::eval::{MAX_CALLS, Machine, NOTHING, Result, Stop};
use super::value::Value;
use crate::diag::Diagnostic;
use crate::hir::{ExprId, ExprKind, LambdaId};
use crate::types::ty::Ty;
use crate::types::{CallPlan, ParamSource};

impl Machine<'_, '_> {
    /// A function value: the lambda and the variables it captures.
    pub(super) fn closure(&mut self, lambda: LambdaId) -> Value {
        let Some(unit) = self.slots.of_lambda[lambda] else { return Value::Poison };
        let captures = &self.slots.units[unit].captures;
        if captures.is_empty() {
            return Value::Closure(lambda, 0);
        }
        let base = self.base;
        let values: Vec<Value> =
            captures.iter().map(|(_, from, _)| self.stack[base + *from as usize]).collect();
        Value::Closure(lambda, self.heap.store(&values))
    }

    /// A call: the function, then the arguments, then the call itself.
    pub(super) fn call(&mut self, id: ExprId, callee: ExprId, args: &[ExprId]) -> Result<Value> {
        let typed = self.typed;
        let function = match self.program.exprs[callee].kind {
            ExprKind::Builtin(builtin) => Value::Builtin(builtin),
            _ => self.eval(callee)?,
        };
        let at = self.stack.len();
        match typed.calls.get(&id).unwrap_or(&CallPlan::Direct) {
            CallPlan::Direct => self.push_all(args)?,
            CallPlan::Spread => {
                self.push_all(args)?;
                self.fit(at, 1);
                let value = self.pop();
                return self.spread(id, function, value);
            }
            CallPlan::ByName(sources) => {
                let record = args.first().map_or(Ok(Value::Unit), |arg| self.eval(*arg))?;
                for source in sources {
                    let value = match source {
                        ParamSource::Field(name) => self.field(record, name)?,
                        ParamSource::Default(default) => self.default(*default)?,
                    };
                    self.stack.push(value);
                }
            }
            CallPlan::Narrow => {
                let record = args.first().map_or(Ok(Value::Unit), |arg| self.eval(*arg))?;
                let record = self.narrow(callee, record)?;
                self.stack.push(record);
            }
        }
        self.apply(id, function, at)
    }

    fn push_all(&mut self, args: &[ExprId]) -> Result<()> {
        for arg in args {
            let value = self.eval(*arg)?;
            self.stack.push(value);
        }
        Ok(())
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or(Value::Nothing)
    }

    /// Makes the values from `at` on `count` many: a tuple and its elements are one argument.
    pub(super) fn fit(&mut self, at: usize, count: usize) {
        let given = self.stack.len() - at;
        match (given, count) {
            (given, count) if given == count => {}
            (1, count) => {
                let packed = self.pop();
                match packed {
                    Value::Tuple(list) => self.stack.extend_from_slice(self.heap.list(list)),
                    _ => self.stack.push(packed),
                }
                self.stack.resize(at + count, Value::Nothing);
            }
            (0, 1) => self.stack.push(Value::Unit),
            (_, 1) => {
                let values = self.stack.split_off(at);
                let packed = self.heap.tuple(&values);
                self.stack.push(packed);
            }
            (_, count) => self.stack.resize(at + count, Value::Nothing),
        }
    }

    /// Calls a function with the values from `at` on, and takes them away.
    pub(super) fn apply(&mut self, id: ExprId, function: Value, at: usize) -> Result<Value> {
        let result = match function {
            Value::Closure(lambda, captures) => self.enter(id, lambda, captures, at),
            Value::Builtin(builtin) => {
                self.fit(at, builtin.arity());
                self.builtin(id, builtin, at)
            }
            Value::Constructor(ty, tag) => {
                self.fit(at, 1);
                let payload = self.pop();
                Ok(Value::Variant(ty, tag, Some(self.heap.slot(payload))))
            }
            Value::Poison => Err(Stop),
            Value::Unit
            | Value::Number(_)
            | Value::Text(_)
            | Value::Tuple(_)
            | Value::Record(..)
            | Value::Array(_)
            | Value::Variant(..)
            | Value::Member(..)
            | Value::Code(_)
            | Value::Name(_)
            | Value::Cell(_)
            | Value::Nothing => {
                let at = self.span(id);
                let message = "there is no function to call here";
                self.stop(Diagnostic::error("no-function", at, message).help(NOTHING))
            }
        };
        self.stack.truncate(at);
        result
    }

    /// Runs a function of the program.
    fn enter(&mut self, id: ExprId, lambda: LambdaId, captured: u32, at: usize) -> Result<Value> {
        let program = self.program;
        let Some(unit) = self.slots.of_lambda[lambda] else { return Err(Stop) };
        let data = &program.lambdas[lambda];
        self.fit(at, data.params.len());
        self.calls += 1;
        if self.calls > MAX_CALLS {
            let help = "is there a recursion that never ends?";
            return self.overrun(id, "calls macros inside each other too deeply", help);
        }
        let unit = &self.slots.units[unit];
        self.stack.resize(at + unit.frame as usize, Value::Poison);
        for ((_, _, to), from) in unit.captures.iter().zip(captured..) {
            self.stack[at + *to as usize] = self.heap.at(from);
        }
        if let Some((_, slot)) = unit.own {
            self.stack[at + slot as usize] = Value::Closure(lambda, captured);
        }
        for (param, slot) in data.params.iter().zip(at..) {
            if self.slots.shared[param.binding] {
                self.stack[slot] = Value::Cell(self.heap.slot(self.stack[slot]));
            }
        }
        let base = std::mem::replace(&mut self.base, at);
        let result = self.eval(data.body)?;
        self.base = base;
        self.calls -= 1;
        Ok(result)
    }

    /// The default of a parameter, in a frame of its own.
    fn default(&mut self, default: ExprId) -> Result<Value> {
        let Some(unit) = self.slots.of_default.get(&default) else { return Err(Stop) };
        let (at, frame) = (self.stack.len(), self.slots.units[*unit].frame);
        self.stack.resize(at + frame as usize, Value::Poison);
        let base = std::mem::replace(&mut self.base, at);
        let result = self.eval(default)?;
        self.base = base;
        self.stack.truncate(at);
        Ok(result)
    }

    /// Calls a function for each number of a tuple.
    fn spread(&mut self, id: ExprId, function: Value, value: Value) -> Result<Value> {
        if let Value::Tuple(list) = value {
            let parts: Vec<Value> = self.heap.list(list).to_vec();
            let done = parts.into_iter().map(|part| self.spread(id, function, part));
            let done = done.collect::<Result<Vec<_>>>()?;
            return Ok(self.heap.tuple(&done));
        }
        let at = self.stack.len();
        self.stack.push(value);
        self.apply(id, function, at)
    }

    /// A record with the fields that the function's parameter has.
    fn narrow(&mut self, callee: ExprId, record: Value) -> Result<Value> {
        let typed = self.typed;
        let Some(Ty::Func(func)) = &typed.exprs[callee] else { return Ok(record) };
        let Ty::Record(wanted) = &func.arg else { return Ok(record) };
        let values = wanted.iter().map(|(name, _)| self.field(record, name));
        let values = values.collect::<Result<Vec<_>>>()?;
        let shape = self.heap.shape(wanted.iter().map(|(name, _)| name.clone()));
        Ok(Value::Record(shape, self.heap.store(&values)))
    }
}
