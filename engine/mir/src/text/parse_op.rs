//! Parsing of one operation with its immediates and operands.

use super::lex::Cursor;
use super::parse::ParseError;
use crate::module::{Module, ShapeId, ValueId};
use crate::op::{Op, Pure, SlowFn, Ty};
use crate::verify::types::op_types;
use smallvec::SmallVec;

/// An operation and its operands.
pub(super) struct Head {
    pub(super) op: Op,
    pub(super) args: SmallVec<[ValueId; 4]>,
}

/// Reads `mul v1, v2`, `load.f64 v0+3`, `call fn2(v0)` and the like.
pub(super) fn parse_op(cursor: &mut Cursor<'_>, module: &Module) -> Result<Head, ParseError> {
    let word = cursor.word("an operation")?;
    let (name, suffix) = word.split_once('.').unwrap_or((word, ""));
    let op = match name {
        "const" => Op::Fconst(cursor.float()?.to_bits()),
        "iconst" => Op::Iconst(cursor.number("an integer")?),
        "rconst" => Op::Rconst(cursor.number("a heap offset")?),
        "funcaddr" => Op::FuncAddr(cursor.id("fn")?),
        "cell" => Op::Cell(cursor.number("a cell")?),
        "input" => Op::Input(cursor.number("a channel")?),
        "output" => Op::Output(cursor.number("a channel")?),
        "schedule" => Op::Schedule(cursor.number("a site")?),
        "tap" => Op::Tap(cursor.number("a probe")?),
        "samplelen" => Op::SampleLen(cursor.number("a sample")?),
        "sampleread" => Op::SampleRead {
            sample: cursor.number("a sample")?,
            channel: cursor.number("a channel")?,
        },
        "newarray" => Op::NewArray(cursor.id("shape")?),
        "arraycopy" => Op::ArrayCopy(cursor.id("shape")?),
        "budgetenter" => Op::BudgetEnter(cursor.number("a site")?),
        "alloc" => {
            let op = Op::Alloc(cursor.id("shape")?);
            return listed(cursor, op, SmallVec::new());
        }
        "call" => {
            let op = Op::Call(cursor.id("fn")?);
            return listed(cursor, op, SmallVec::new());
        }
        "callclosure" => {
            let op = Op::CallClosure(cursor.id("sig")?);
            let closure = cursor.id("v")?;
            return listed(cursor, op, SmallVec::from_slice(&[closure]));
        }
        "load" | "store" | "linepos" | "linesetpos" | "lineload" | "linestore" | "block" => {
            return based(cursor, module, name, suffix);
        }
        "pair" => match Pure::ALL.iter().find(|op| op.name() == suffix) {
            Some(op) => Op::Pair(*op),
            None => return Err(cursor.before(format!("there is no operation `{suffix}`"))),
        },
        "heapload" | "heapstore" | "arrayload" | "arraystore" => {
            let ty = type_suffix(cursor, suffix)?;
            let (shape, field) = field(cursor)?;
            match name {
                "heapload" => Op::HeapLoad { shape, field, ty },
                "heapstore" => Op::HeapStore { shape, field, ty },
                "arrayload" => Op::ArrayLoad { shape, field, ty },
                _ => Op::ArrayStore { shape, field, ty },
            }
        }
        _ => bare(word).ok_or_else(|| cursor.before(format!("there is no operation `{word}`")))?,
    };
    let count = arity(cursor, module, &op)?;
    let mut args = SmallVec::new();
    for index in 0..count {
        if index > 0 {
            cursor.mark(',')?;
        }
        args.push(cursor.id("v")?);
    }
    Ok(Head { op, args })
}

/// Operations that are their name alone.
fn bare(word: &str) -> Option<Op> {
    if let Some(pure) = Pure::ALL.iter().find(|op| op.name() == word) {
        return Some(Op::Pure(*pure));
    }
    if let Some(slow) = SlowFn::ALL.iter().find(|op| op.name() == word) {
        return Some(Op::Slow(*slow));
    }
    Some(match word {
        "arraylen" => Op::ArrayLen,
        "limit" => Op::Limit,
        "print" => Op::Print { newline: false },
        "println" => Op::Print { newline: true },
        "retain" => Op::Retain,
        "release" => Op::Release,
        "samplerate" => Op::SampleRate,
        "now" => Op::Now,
        "setnow" => Op::SetNow,
        "firstnow" => Op::FirstNow,
        "budgetreset" => Op::BudgetReset,
        "budgetleave" => Op::BudgetLeave,
        "faulted" => Op::Faulted,
        _ => return None,
    })
}

fn arity(cursor: &Cursor<'_>, module: &Module, op: &Op) -> Result<usize, ParseError> {
    Ok(op_types(module, op).map_err(|message| cursor.before(message))?.args.len())
}

fn listed(
    cursor: &mut Cursor<'_>,
    op: Op,
    mut args: SmallVec<[ValueId; 4]>,
) -> Result<Head, ParseError> {
    args.extend(cursor.list(|c| c.id("v"))?);
    Ok(Head { op, args })
}

/// An op on state: `name.suffix base+offset, more`.
fn based(
    cursor: &mut Cursor<'_>,
    module: &Module,
    name: &str,
    suffix: &str,
) -> Result<Head, ParseError> {
    let wrong =
        |cursor: &Cursor<'_>| cursor.before(format!("`{name}` cannot have the suffix `{suffix}`"));
    let op_at = |cursor: &Cursor<'_>, offset: u32| -> Result<Op, ParseError> {
        let len = || suffix.parse().map_err(|_| wrong(cursor));
        Ok(match name {
            "load" => Op::Load(type_suffix(cursor, suffix)?, offset),
            "store" => Op::Store(type_suffix(cursor, suffix)?, offset),
            "linepos" => Op::LinePos(offset),
            "linesetpos" => Op::LineSetPos(offset),
            "lineload" => Op::LineLoad { offset, len: len()? },
            "linestore" => Op::LineStore { offset, len: len()? },
            _ => Op::Block {
                func: super::lex::numbered(suffix, "fn").ok_or_else(|| wrong(cursor))?,
                offset,
            },
        })
    };
    // Suffix and name are checked before the operands, where the error is.
    op_at(cursor, 0)?;
    let mut args: SmallVec<[ValueId; 4]> = SmallVec::new();
    args.push(cursor.id("v")?);
    let offset = if cursor.eat('+') { cursor.number("an offset")? } else { 0 };
    let op = op_at(cursor, offset)?;
    for _ in 1..arity(cursor, module, &op)? {
        cursor.mark(',')?;
        args.push(cursor.id("v")?);
    }
    Ok(Head { op, args })
}

fn type_suffix(cursor: &Cursor<'_>, suffix: &str) -> Result<Ty, ParseError> {
    super::print::ty_named(suffix).ok_or_else(|| {
        cursor.before(format!("expected `.f64`, `.i64` or `.ref`, found `.{suffix}`"))
    })
}

/// `shape1.2`
fn field(cursor: &mut Cursor<'_>) -> Result<(ShapeId, u32), ParseError> {
    let word = cursor.word("a shape and field")?;
    let parts = word.split_once('.').and_then(|(shape, field)| {
        Some((super::lex::numbered(shape, "shape")?, field.parse().ok()?))
    });
    parts.ok_or_else(|| {
        cursor.before(format!("expected a shape and field like `shape1.2`, found `{word}`"))
    })
}
