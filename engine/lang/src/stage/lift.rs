//! Turns values into code: `lift` and `lift_array_code`.

use super::eval::{Machine, NOTHING, Result, Stop};
use super::value::{List, Value};
use crate::deep::with_room;
use crate::diag::Diagnostic;
use crate::hir::{ExprId, ExprKind};

impl Machine<'_, '_> {
    /// Code of a value; `id` is the call that wants it.
    pub(super) fn lift(&mut self, id: ExprId, value: Value) -> Result<Value> {
        self.lifted(id, value).map(Value::Code)
    }

    fn lifted(&mut self, id: ExprId, value: Value) -> Result<ExprId> {
        self.step(id)?;
        with_room(|| self.lifted_kind(id, value))
    }

    fn lifted_kind(&mut self, id: ExprId, value: Value) -> Result<ExprId> {
        let kind = match value {
            Value::Unit => ExprKind::Block { stmts: Vec::new(), value: None },
            Value::Number(number) => ExprKind::Number(number),
            Value::Text(text) => ExprKind::Str(self.heap.str(text).into()),
            Value::Tuple(list) => ExprKind::Tuple(self.lifted_list(id, list)?),
            Value::Record(shape, at) => {
                let names = self.heap.names(shape);
                let values = self.lifted_list(id, List { at, len: names.len() as u32 })?;
                ExprKind::Record(names.iter().cloned().zip(values).collect())
            }
            Value::Array(array) => {
                let values = self.heap.elements(array);
                let values = values.into_iter().map(|value| self.lifted(id, value));
                ExprKind::Array(values.collect::<Result<_>>()?)
            }
            Value::Variant(ty, tag, None) => ExprKind::Construct(ty, tag),
            Value::Variant(ty, tag, Some(carried)) => {
                let args = vec![self.lifted(id, self.heap.get(carried))?];
                let callee = self.make(ExprKind::Construct(ty, tag), self.span(id));
                ExprKind::Call { callee, args }
            }
            Value::Member(carried) => return self.lifted(id, self.heap.get(carried)),
            Value::Constructor(ty, tag) => ExprKind::Construct(ty, tag),
            Value::Builtin(builtin) if builtin.stages() == crate::builtins::Stages::Both => {
                ExprKind::Builtin(builtin)
            }
            Value::Closure(..) | Value::Builtin(_) => {
                let help = "write the function in a quote, as `|x| .., or define it for sound";
                return self.no_code(id, "a function made while compiling can't become code", help);
            }
            Value::Code(_) => {
                return self.no_code(id, "this is code already", "leave the lift out");
            }
            Value::Nothing => {
                return self.no_code(id, "there is no value to make code of", NOTHING);
            }
            Value::Name(_) | Value::Cell(_) | Value::Poison => return Err(Stop),
        };
        Ok(self.make(kind, self.span(id)))
    }

    fn lifted_list(&mut self, id: ExprId, list: List) -> Result<Vec<ExprId>> {
        let values = self.heap.list(list).to_vec();
        values.into_iter().map(|value| self.lifted(id, value)).collect()
    }

    fn no_code<T>(&mut self, id: ExprId, message: &str, help: &str) -> Result<T> {
        self.stop(Diagnostic::error("no-code", self.span(id), message).help(help))
    }

    /// Code of an array, from an array of code.
    pub(super) fn lift_array_code(&mut self, id: ExprId, value: Value) -> Result<Value> {
        let values = match value {
            Value::Array(array) => self.heap.elements(array),
            _ => Vec::new(),
        };
        let site = self.span(id);
        let parts = values.into_iter().map(|value| self.embed(id, value, site));
        let parts = parts.collect::<Result<_>>()?;
        Ok(Value::Code(self.make(ExprKind::Array(parts), site)))
    }
}
