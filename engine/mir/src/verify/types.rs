//! Operand and result types of every op: what the verifier checks and the parser fills in.

use crate::module::{FuncId, Module, ShapeId};
use crate::op::{Op, Ty};
use attacca_rt::code::{ObjectKind, Shape, WordKind};

/// Operand and result types of one op.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OpTypes {
    /// Types of the operands.
    pub args: Vec<Ty>,
    /// Types of the results.
    pub results: Vec<Ty>,
}

/// The type of a heap field or layout word.
pub fn ty_of(kind: WordKind) -> Ty {
    match kind {
        WordKind::F64 => Ty::F64,
        WordKind::I64 => Ty::I64,
        WordKind::Ref => Ty::Ref,
    }
}

/// Operand and result types of `op` in `module`, or what it names that does not exist.
pub fn op_types(module: &Module, op: &Op) -> Result<OpTypes, String> {
    use Ty::{F64, I64, Ref};
    let types =
        |args: &[Ty], results: &[Ty]| OpTypes { args: args.to_vec(), results: results.to_vec() };
    Ok(match op {
        Op::Fconst(_) | Op::SampleRate | Op::Now => types(&[], &[F64]),
        Op::Iconst(_) | Op::FirstNow | Op::Limit | Op::Faulted => types(&[], &[I64]),
        Op::Rconst(_) => types(&[], &[Ref]),
        Op::Pure(pure) => types(pure.params(), &[pure.result()]),
        Op::Slow(slow) => types(&vec![F64; slow.arity()], &[F64]),
        Op::Pair(pure) if pure.params() == [F64] && pure.result() == F64 => {
            types(&[F64, F64], &[F64, F64])
        }
        Op::Pair(pure) => return Err(format!("no pair of {}", pure.name())),
        Op::FuncAddr(func) => {
            known_func(module, *func)?;
            types(&[], &[I64])
        }
        Op::Load(ty, _) => types(&[I64], &[*ty]),
        Op::Store(ty, _) => types(&[I64, *ty], &[]),
        Op::LinePos(_) => types(&[I64], &[I64]),
        Op::LineSetPos(_) => types(&[I64, I64], &[]),
        Op::LineLoad { .. } => types(&[I64, I64], &[F64]),
        Op::LineStore { .. } => types(&[I64, I64, F64], &[]),
        Op::Block { func, .. } => {
            known_func(module, *func)?;
            types(&[I64], &[I64])
        }
        Op::Alloc(shape) => {
            let shape_data = known_shape(module, *shape)?;
            if shape_data.kind == ObjectKind::Array {
                return Err(format!("{shape} is an array, made by its length"));
            }
            let fields = &shape_data.fields;
            OpTypes { args: fields.iter().map(|kind| ty_of(*kind)).collect(), results: vec![Ref] }
        }
        Op::HeapLoad { shape, field, ty } => {
            known_field(module, *shape, *field, *ty)?;
            if known_shape(module, *shape)?.kind == ObjectKind::Array {
                return Err(format!("{shape} is an array, its fields are those of an element"));
            }
            types(&[Ref], &[*ty])
        }
        Op::HeapStore { shape, field, ty } => {
            known_field(module, *shape, *field, *ty)?;
            if known_shape(module, *shape)?.kind != ObjectKind::Cell {
                return Err(format!("{shape} is no cell, its fields never change"));
            }
            types(&[Ref, *ty], &[])
        }
        Op::NewArray(shape) => {
            known_array(module, *shape)?;
            types(&[I64], &[Ref])
        }
        Op::ArrayLen => types(&[Ref], &[I64]),
        Op::ArrayLoad { shape, field, ty } => {
            known_array(module, *shape)?;
            known_field(module, *shape, *field, *ty)?;
            types(&[Ref, I64], &[*ty])
        }
        Op::ArrayStore { shape, field, ty } => {
            known_array(module, *shape)?;
            known_field(module, *shape, *field, *ty)?;
            types(&[Ref, I64, *ty], &[])
        }
        Op::ArrayCopy(shape) => {
            known_array(module, *shape)?;
            types(&[Ref, I64, Ref, I64, I64], &[])
        }
        Op::Schedule(_) => types(&[F64, Ref], &[]),
        Op::Print { .. } => types(&[F64], &[]),
        Op::Tap(tap) => {
            within("probe", *tap as usize, module.taps.len())?;
            types(&[F64], &[])
        }
        Op::SampleLen(sample) => {
            within("sample", *sample as usize, module.samples.len())?;
            types(&[], &[F64])
        }
        Op::SampleRead { sample, .. } => {
            within("sample", *sample as usize, module.samples.len())?;
            types(&[F64], &[F64])
        }
        Op::Retain | Op::Release => types(&[Ref], &[]),
        Op::Call(func) => {
            let callee = known_func(module, *func)?;
            OpTypes { args: callee.params(), results: callee.rets.clone() }
        }
        Op::CallClosure(sig) => {
            let sig = module.sigs.get(*sig).ok_or_else(|| format!("{sig} does not exist"))?;
            let args = std::iter::once(Ref).chain(sig.params.iter().copied()).collect();
            OpTypes { args, results: sig.rets.clone() }
        }
        Op::SetNow => types(&[I64], &[]),
        Op::Cell(cell) => {
            within("host cell", *cell as usize, module.cells.len())?;
            types(&[], &[F64])
        }
        Op::Input(channel) => {
            within("input channel", *channel as usize, module.inputs as usize)?;
            types(&[I64], &[F64])
        }
        Op::Output(channel) => {
            within("output channel", *channel as usize, module.outputs as usize)?;
            types(&[I64, F64], &[])
        }
        Op::BudgetEnter(_) => types(&[], &[I64]),
        Op::BudgetReset | Op::BudgetLeave => types(&[], &[]),
    })
}

fn within(what: &str, number: usize, count: usize) -> Result<(), String> {
    if number < count {
        Ok(())
    } else {
        Err(format!("{what} {number} does not exist, there are {count}"))
    }
}

fn known_func(module: &Module, func: FuncId) -> Result<&crate::module::Function, String> {
    module.funcs.get(func).ok_or_else(|| format!("{func} does not exist"))
}

fn known_shape(module: &Module, shape: ShapeId) -> Result<&Shape, String> {
    module.shapes.get(shape).ok_or_else(|| format!("{shape} does not exist"))
}

fn known_array(module: &Module, shape: ShapeId) -> Result<(), String> {
    match known_shape(module, shape)?.kind {
        ObjectKind::Array => Ok(()),
        ObjectKind::Closure | ObjectKind::Cell | ObjectKind::Variant => {
            Err(format!("{shape} is no array"))
        }
    }
}

fn known_field(module: &Module, shape: ShapeId, field: u32, ty: Ty) -> Result<(), String> {
    match known_shape(module, shape)?.fields.get(field as usize) {
        None => Err(format!("{shape} has no field {field}")),
        Some(kind) if ty_of(*kind) != ty => {
            Err(format!("field {field} of {shape} is no {}", ty.name()))
        }
        Some(_) => Ok(()),
    }
}
