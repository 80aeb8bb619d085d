//! Built-in functions while compiling: arithmetic, arrays and texts.
//!
//! Arithmetic is that of MIR, so that a number computed here equals the one computed while sound
//! runs; the caller holds the flush-to-zero guard. Texts are counted in characters.

use attacca_mir::op::Pure;

use super::eval::{Machine, Result, Stop};
use super::value::{Heap, Text, Value};
use crate::builtins::{ArrayFn, Builtin, Lowering};
use crate::diag::Diagnostic;
use crate::hir::ExprId;

/// A number as `probe` prints it: the shortest decimal that reads back, without exponent.
pub(super) fn number_text(number: f64) -> String {
    format!("{number}")
}

impl Machine<'_, '_> {
    /// Calls a built-in with the values from `at` on.
    pub(super) fn builtin(&mut self, id: ExprId, builtin: Builtin, at: usize) -> Result<Value> {
        let args = self.stack.get(at..).unwrap_or_default();
        if args.iter().any(|arg| matches!(arg, Value::Poison)) {
            return Err(Stop);
        }
        let first = args.first().copied().unwrap_or(Value::Nothing);
        let second = args.get(1).copied().unwrap_or(Value::Nothing);
        let third = args.get(2).copied().unwrap_or(Value::Nothing);
        match builtin.lowering() {
            Lowering::Op(op) if op.params().len() == 1 => Ok(Value::Number(eval(op, &[first]))),
            Lowering::Op(op) => self.arithmetic(op, first, second),
            Lowering::Truth(op) => {
                if let (Value::Text(a), Value::Text(b)) = (first, second) {
                    let same = self.heap.str(a) == self.heap.str(b);
                    return Ok(truth(same == (builtin == Builtin::Eq)));
                }
                let bits = [first, second].map(|it| as_number(it).to_bits());
                Ok(truth(op.eval(&bits) != 0))
            }
            Lowering::And => Ok(truth(as_number(first) > 0.0 && as_number(second) > 0.0)),
            Lowering::Or => Ok(truth(as_number(first) > 0.0 || as_number(second) > 0.0)),
            Lowering::Not => Ok(truth(as_number(first) == 0.0)),
            Lowering::Array(function) => self.array_fn(id, function, first, second),
            Lowering::Print { .. } => {
                self.print(builtin, as_number(first));
                Ok(first)
            }
            Lowering::Macro => self.macro_builtin(id, builtin, [first, second, third]),
            Lowering::Mem
            | Lowering::Delay
            | Lowering::Schedule
            | Lowering::Ignore
            | Lowering::Peak => Err(Stop),
        }
    }

    /// Numbers, tuples of one shape, or a number with a tuple.
    fn arithmetic(&mut self, op: Pure, a: Value, b: Value) -> Result<Value> {
        let (left, right) = match (a, b) {
            (Value::Tuple(left), Value::Tuple(right)) => {
                (self.heap.list(left).to_vec(), self.heap.list(right).to_vec())
            }
            (Value::Tuple(left), b) => (self.heap.list(left).to_vec(), vec![b; left.len as usize]),
            (a, Value::Tuple(right)) => {
                (vec![a; right.len as usize], self.heap.list(right).to_vec())
            }
            (a, b) => return Ok(Value::Number(eval(op, &[a, b]))),
        };
        let parts = left.into_iter().zip(right).map(|(a, b)| self.arithmetic(op, a, b));
        let parts = parts.collect::<Result<Vec<_>>>()?;
        Ok(self.heap.tuple(&parts))
    }

    fn array_fn(
        &mut self,
        id: ExprId,
        function: ArrayFn,
        first: Value,
        second: Value,
    ) -> Result<Value> {
        let empty = self.heap.array(&[]);
        let array = |value| if let Value::Array(array) = value { array } else { empty };
        match function {
            ArrayFn::Len => Ok(Value::Number(f64::from(array(first).len))),
            ArrayFn::Append => Ok(Value::Array(self.heap.append(array(first), second))),
            ArrayFn::Prepend => Ok(Value::Array(self.heap.prepend(first, array(second)))),
            ArrayFn::SplitHead | ArrayFn::SplitTail if array(first).len == 0 => {
                let span = self.span(id);
                let message = "an empty array is split here: it gives zero and an empty array";
                let warning = Diagnostic::warning("empty-array", span, message);
                self.diags.push(match self.sites.first() {
                    Some(site) => warning.in_macro_call(*site, "in this macro call"),
                    None => warning,
                });
                Ok(self.zero_of(id))
            }
            ArrayFn::SplitHead => {
                let array = array(first);
                let parts = [self.heap.element(array, 0), Value::Array(Heap::rest(array))];
                Ok(self.heap.tuple(&parts))
            }
            ArrayFn::SplitTail => {
                let array = array(first);
                let last = self.heap.element(array, array.len - 1);
                Ok(self.heap.tuple(&[Value::Array(Heap::front(array)), last]))
            }
        }
    }

    fn macro_builtin(&mut self, id: ExprId, builtin: Builtin, args: [Value; 3]) -> Result<Value> {
        let [first, second, third] = args;
        match builtin {
            Builtin::StrLength => {
                let text = self.text_of(first);
                let chars = self.heap.str(text).chars().count();
                self.heap.spend(chars / 64);
                Ok(Value::Number(chars as f64))
            }
            Builtin::StrTake => Ok(self.slice(first, 0.0, as_number(second))),
            Builtin::StrDrop => Ok(self.slice(first, as_number(second), f64::INFINITY)),
            Builtin::StrSlice => Ok(self.slice(first, as_number(second), as_number(third))),
            Builtin::StrConcat => {
                let (a, b) = (self.text_of(first), self.text_of(second));
                Ok(Value::Text(self.heap.concat(a, b)))
            }
            Builtin::StrEq => {
                let (a, b) = (self.text_of(first), self.text_of(second));
                Ok(truth(self.heap.str(a) == self.heap.str(b)))
            }
            Builtin::StrCharAt => self.char_at(id, first, as_number(second)),
            Builtin::StrToNumber => self.number_in(id, first),
            Builtin::NumberToStr => {
                let text = number_text(as_number(first));
                Ok(Value::Text(self.heap.text(&text)))
            }
            Builtin::Lift | Builtin::LiftF | Builtin::LiftArrayF => self.lift(id, first),
            Builtin::LiftArrayCode => self.lift_array_code(id, first),
            _ => self.host_macro(id, builtin, args),
        }
    }

    // ---- texts ----

    /// A text; the zero of an unknown type is the empty one.
    pub(super) fn text_of(&mut self, value: Value) -> Text {
        match value {
            Value::Text(text) => text,
            _ => self.heap.text(""),
        }
    }

    /// Characters from..to; what lies outside is left out.
    fn slice(&mut self, text: Value, from: f64, to: f64) -> Value {
        let text = self.text_of(text);
        let whole = self.heap.str(text);
        let (from, to) = (from.max(0.0) as usize, to.max(0.0) as usize);
        let start = byte_of(whole, 0, from);
        let end = byte_of(whole, start, to.saturating_sub(from));
        let passed = end.min(whole.len()) / 64;
        self.heap.spend(passed);
        Value::Text(Heap::piece(text, start, end))
    }

    fn char_at(&mut self, id: ExprId, text: Value, index: f64) -> Result<Value> {
        let text = self.text_of(text);
        let whole = self.heap.str(text);
        let start = byte_of(whole, 0, index.max(0.0) as usize);
        if start == whole.len() {
            let (length, shown) = (whole.chars().count(), shortened(whole));
            let message =
                format!("there is no character {} in \"{shown}\"", number_text(index.trunc()));
            let error = Diagnostic::error("string-index", self.span(id), message);
            return self.stop(error.help(format!(
                "the first character is 0, and there are {length}; str_length says how many"
            )));
        }
        let end = byte_of(whole, start, 1);
        Ok(Value::Text(Heap::piece(text, start, end)))
    }

    fn number_in(&mut self, id: ExprId, text: Value) -> Result<Value> {
        let text = self.text_of(text);
        let text = self.heap.str(text);
        // Words as "inf" and "nan" are none.
        let digits = text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
        match text.parse::<f64>() {
            Ok(number) if digits => Ok(Value::Number(number)),
            Ok(_) | Err(_) => {
                let message = format!("\"{}\" is not a number", shortened(text));
                let error = Diagnostic::error("string-number", self.span(id), message);
                self.stop(error.help("a number has digits, perhaps a sign, a point, an exponent"))
            }
        }
    }
}

/// A text for a message, its end cut off if it is long.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}

/// Where a character begins, counted from the byte `from`; the end of the text if there are fewer.
fn byte_of(text: &str, from: usize, chars: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.char_indices().nth(chars).map_or(text.len(), |(at, _)| from + at)
}

fn truth(value: bool) -> Value {
    Value::Number(if value { 1.0 } else { 0.0 })
}

/// A number; the zero of an unknown type is 0.
pub(super) fn as_number(value: Value) -> f64 {
    if let Value::Number(number) = value { number } else { 0.0 }
}

fn eval<const N: usize>(op: Pure, args: &[Value; N]) -> f64 {
    f64::from_bits(op.eval(&args.map(|arg| as_number(arg).to_bits())))
}
