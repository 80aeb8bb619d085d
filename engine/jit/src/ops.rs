//! Pure ops to CLIF: one arm each, the same bits as [`Pure::eval`](attacca_mir::op::Pure::eval).
//!
//! Takes operands through [`Emit`], gives a value or a flag. Elementary functions that legalisation
//! left are calls.

use crate::emit::{Const, Emit};
use crate::libcalls::Libcall;
use attacca_mir::backend::BackendError;
use attacca_mir::module::ValueId;
use attacca_mir::op::Pure;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64, F64X2, I8, I64, I64X2};
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Opcode, Value};

/// The sign bit of a float.
const SIGN: u64 = 1 << 63;

/// What a pure op became.
pub(crate) enum Made {
    /// A 64-bit value.
    Value(Value),
    /// An 8-bit truth.
    Flag(Value),
    /// An integer whose bits lie in a float.
    Bits(Value),
}

/// Emits `op`, whose result is one of `args`' bits only, where floats live.
fn on_floats(
    e: &mut Emit<'_, '_>,
    op: Pure,
    args: &[ValueId],
) -> Result<Option<Value>, BackendError> {
    let shift = args.get(1).and_then(|by| e.constant(*by));
    let a = e.as_float(args[0])?;
    if let (Pure::Ishl | Pure::Ushr, Some(Const::Int(by))) = (op, shift) {
        let lanes = lanes(e, a);
        let by = e.ins().iconst(I64, by & 63);
        let lanes =
            if op == Pure::Ishl { e.ins().ishl(lanes, by) } else { e.ins().ushr(lanes, by) };
        return Ok(Some(lane(e, lanes)));
    }
    let b = e.as_float(args[1])?;
    if matches!(op, Pure::Iadd | Pure::Isub) {
        let (a, b) = (lanes(e, a), lanes(e, b));
        let sum = if op == Pure::Iadd { e.ins().iadd(a, b) } else { e.ins().isub(a, b) };
        return Ok(Some(lane(e, sum)));
    }
    let logic = [(Pure::Iand, Opcode::Band), (Pure::Ior, Opcode::Bor), (Pure::Ixor, Opcode::Bxor)];
    let code = logic.iter().find(|(pure, _)| *pure == op).map(|(_, code)| *code);
    Ok(code.map(|code| bitwise(e, code, a, b)))
}

/// Bitwise logic on floats; on aarch64 through vectors, since it has none on scalars.
fn bitwise(e: &mut Emit<'_, '_>, code: Opcode, a: Value, b: Value) -> Value {
    if cfg!(not(target_arch = "x86_64")) {
        let (a, b) = (lanes(e, a), lanes(e, b));
        let (inst, dfg) = e.ins().Binary(code, I64X2, a, b);
        let both = dfg.first_result(inst);
        return lane(e, both);
    }
    let (inst, dfg) = e.ins().Binary(code, F64, a, b);
    dfg.first_result(inst)
}

/// A float as two integer lanes; only the first counts.
fn lanes(e: &mut Emit<'_, '_>, a: Value) -> Value {
    let lanes = e.ins().scalar_to_vector(F64X2, a);
    e.ins().bitcast(I64X2, MemFlagsData::new().with_endianness(Endianness::Little), lanes)
}

fn lane(e: &mut Emit<'_, '_>, lanes: Value) -> Value {
    let lanes =
        e.ins().bitcast(F64X2, MemFlagsData::new().with_endianness(Endianness::Little), lanes);
    e.ins().extractlane(lanes, 0)
}

/// Emits `op` on `args`, whose number and types are verified.
pub(crate) fn pure(
    e: &mut Emit<'_, '_>,
    op: Pure,
    args: &[ValueId],
    result: ValueId,
) -> Result<Made, BackendError> {
    if e.is_float(result)
        && let Some(float) = on_floats(e, op, args)?
    {
        return Ok(Made::Bits(float));
    }
    if op == Pure::Bits {
        return Ok(Made::Bits(e.value(args[0])?));
    }
    if op == Pure::FromBits {
        return Ok(Made::Value(e.as_float(args[0])?));
    }
    if let Some(flag) = truth(e, op, args) {
        return Ok(Made::Flag(flag));
    }
    if matches!(op, Pure::Select | Pure::Iselect) {
        return select(e, args);
    }
    let a = e.value(args[0])?;
    let b = args.get(1).map_or(Ok(a), |v| e.value(*v))?;
    let value = match op {
        Pure::Add => e.ins().fadd(a, b),
        Pure::Sub => e.ins().fsub(a, b),
        Pure::Mul => e.ins().fmul(a, b),
        Pure::Div => e.ins().fdiv(a, b),
        Pure::Rem => rem(e, a, b, args[1]),
        Pure::Neg => {
            let sign = e.float_bits(SIGN);
            bitwise(e, Opcode::Bxor, a, sign)
        }
        Pure::Abs => abs(e, a),
        Pure::Sqrt => e.ins().sqrt(a),
        Pure::Floor => e.ins().floor(a),
        Pure::Ceil => e.ins().ceil(a),
        Pure::Trunc => e.ins().trunc(a),
        Pure::Round => round(e, a),
        Pure::Min => extreme(e, a, b, (b, a)),
        Pure::Max => extreme(e, a, b, (a, b)),
        Pure::Sin
        | Pure::Cos
        | Pure::Tan
        | Pure::Asin
        | Pure::Acos
        | Pure::Atan
        | Pure::Atan2
        | Pure::Sinh
        | Pure::Cosh
        | Pure::Tanh
        | Pure::Log
        | Pure::Pow => e.libcall(Libcall::Pure(op), &[a, b]).ok_or_else(|| {
            BackendError::Internal("an elementary function without a result".into())
        })?,
        Pure::Feq => return Ok(fcmp(e, FloatCC::Equal, a, b)),
        Pure::Fne => return Ok(fcmp(e, FloatCC::NotEqual, a, b)),
        Pure::Flt => return Ok(fcmp(e, FloatCC::LessThan, a, b)),
        Pure::Fle => return Ok(fcmp(e, FloatCC::LessThanOrEqual, a, b)),
        Pure::Fgt => return Ok(fcmp(e, FloatCC::GreaterThan, a, b)),
        Pure::Fge => return Ok(fcmp(e, FloatCC::GreaterThanOrEqual, a, b)),
        Pure::Iadd => e.ins().iadd(a, b),
        Pure::Isub => e.ins().isub(a, b),
        Pure::Imul => e.ins().imul(a, b),
        Pure::Iand => e.ins().band(a, b),
        Pure::Ior => e.ins().bor(a, b),
        Pure::Ixor => e.ins().bxor(a, b),
        Pure::Ishl => e.ins().ishl(a, b),
        Pure::Ushr => e.ins().ushr(a, b),
        Pure::Sshr => e.ins().sshr(a, b),
        Pure::Ieq => return Ok(icmp(e, IntCC::Equal, a, b)),
        Pure::Ine => return Ok(icmp(e, IntCC::NotEqual, a, b)),
        Pure::Ilt => return Ok(icmp(e, IntCC::SignedLessThan, a, b)),
        Pure::Ile => return Ok(icmp(e, IntCC::SignedLessThanOrEqual, a, b)),
        Pure::Ftoi => e.ins().fcvt_to_sint_sat(I64, a),
        Pure::Itof => e.ins().fcvt_from_sint(F64, a),
        Pure::Bits => e.ins().bitcast(I64, MemFlagsData::new(), a),
        Pure::FromBits => e.ins().bitcast(F64, MemFlagsData::new(), a),
        Pure::Select | Pure::Iselect => return select(e, args),
    };
    Ok(Made::Value(value))
}

fn fcmp(e: &mut Emit<'_, '_>, code: FloatCC, a: Value, b: Value) -> Made {
    Made::Flag(e.ins().fcmp(code, a, b))
}

fn icmp(e: &mut Emit<'_, '_>, code: IntCC, a: Value, b: Value) -> Made {
    Made::Flag(e.ins().icmp(code, a, b))
}

fn select(e: &mut Emit<'_, '_>, args: &[ValueId]) -> Result<Made, BackendError> {
    let cond = e.flag(args[0])?;
    if let (Some(yes), Some(no)) = (e.known_flag(args[1]), e.known_flag(args[2])) {
        return Ok(Made::Flag(e.ins().select(cond, yes, no)));
    }
    if let Some(value) = selected_extreme(e, args)? {
        return Ok(Made::Value(value));
    }
    let (yes, no) = (e.value(args[1])?, e.value(args[2])?);
    Ok(Made::Value(e.ins().select(cond, yes, no)))
}

/// `x < y ? x : y` and `x > y ? x : y`, in the form that becomes one instruction on x86-64.
fn selected_extreme(e: &mut Emit<'_, '_>, args: &[ValueId]) -> Result<Option<Value>, BackendError> {
    let Some((op, compared)) = e.compared(args[0]) else { return Ok(None) };
    let [yes, no] = [args[1], args[2]];
    // Whether `yes` is chosen where it is the smaller one.
    let below = (compared == [yes, no]) == (op == Pure::Flt);
    if compared != [yes, no] && compared != [no, yes] {
        return Ok(None);
    }
    let (yes, no) = (e.value(yes)?, e.value(no)?);
    let (less, more) = if below { (yes, no) } else { (no, yes) };
    let cond = e.ins().fcmp(FloatCC::LessThan, less, more);
    Ok(Some(e.ins().select(cond, yes, no)))
}

/// Logic on two truths stays a truth, and so does a truth compared with 0.
fn truth(e: &mut Emit<'_, '_>, op: Pure, args: &[ValueId]) -> Option<Value> {
    if !matches!(op, Pure::Iand | Pure::Ior | Pure::Ixor | Pure::Ine) {
        return None;
    }
    let a = e.known_flag(args[0])?;
    let b = match (e.known_flag(args[1]), e.constant(args[1])) {
        (Some(b), _) => b,
        (None, Some(Const::Int(0))) if op == Pure::Ine => return Some(a),
        (None, Some(Const::Int(bit @ 0..=1))) => e.ins().iconst(I8, bit),
        (None, Some(Const::Int(_) | Const::Float(_)) | None) => return None,
    };
    if op == Pure::Iand {
        return Some(e.ins().band(a, b));
    }
    if op == Pure::Ior {
        return Some(e.ins().bor(a, b));
    }
    Some(e.ins().bxor(a, b))
}

/// As `math::rem`; for a constant finite divisor without the test for infinity.
fn rem(e: &mut Emit<'_, '_>, a: Value, b: Value, divisor: ValueId) -> Value {
    let quotient = e.ins().fdiv(a, b);
    let quotient = e.ins().trunc(quotient);
    let product = e.ins().fmul(quotient, b);
    let finite = matches!(e.constant(divisor), Some(Const::Float(x)) if x.is_finite());
    let product = if finite {
        product
    } else {
        let size = abs(e, b);
        let inf = e.float(f64::INFINITY);
        let endless = e.ins().fcmp(FloatCC::Equal, size, inf);
        let none = abs(e, quotient);
        e.ins().select(endless, none, product)
    };
    e.ins().fsub(a, product)
}

fn abs(e: &mut Emit<'_, '_>, a: Value) -> Value {
    let rest = e.float_bits(!SIGN);
    bitwise(e, Opcode::Band, a, rest)
}

/// As `math::round`.
fn round(e: &mut Emit<'_, '_>, a: Value) -> Value {
    let sign = e.float_bits(SIGN);
    let sign = bitwise(e, Opcode::Band, a, sign);
    let half = e.float(0.5_f64.next_down());
    let half = bitwise(e, Opcode::Bor, sign, half);
    let sum = e.ins().fadd(a, half);
    e.ins().trunc(sum)
}

/// As `math::min` and `math::max`: `b` where `less.0 < less.1`, else `a`; the other where one is NaN.
fn extreme(e: &mut Emit<'_, '_>, a: Value, b: Value, less: (Value, Value)) -> Value {
    let other = e.ins().fcmp(FloatCC::LessThan, less.0, less.1);
    let chosen = e.ins().select(other, b, a);
    let number = e.ins().fcmp(FloatCC::Ordered, a, a);
    e.ins().select(number, chosen, b)
}
