//! Elementary functions of two numbers at once, in the two lanes of a vector.
//!
//! The formulas are those of [`attacca_mir::math`], instantiated for vectors of two: the same
//! operations in the same order in each lane, hence the same bits as the scalar ones.

use crate::emit::{Base, Emit};
use attacca_mir::backend::BackendError;
use attacca_mir::math::{self, Lanes, SlowFn};
use attacca_mir::module::Inst;
use attacca_mir::op::Pure;
use cranelift_codegen::cursor::Cursor;
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64X2, I32, I64X2};
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value};

impl Emit<'_, '_> {
    /// Emits `op` of two operands; gives both results.
    pub(crate) fn pair(&mut self, op: Pure, inst: &Inst) -> Result<(), BackendError> {
        let (a, b) = (self.value(inst.args[0])?, self.value(inst.args[1])?);
        let mut lanes = Two { e: self };
        let x = lanes.join(a, b);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "only these come in pairs, see opt::pair"
        )]
        let both = match op {
            Pure::Sin => math::sin(&mut lanes, x),
            Pure::Cos => math::cos(&mut lanes, x),
            Pure::Tan => math::tan(&mut lanes, x),
            Pure::Asin => math::asin(&mut lanes, x),
            Pure::Acos => math::acos(&mut lanes, x),
            Pure::Atan => math::atan(&mut lanes, x),
            Pure::Sinh => math::sinh(&mut lanes, x),
            Pure::Cosh => math::cosh(&mut lanes, x),
            Pure::Tanh => math::tanh(&mut lanes, x),
            Pure::Log => math::log(&mut lanes, x),
            _ => return Err(BackendError::Unsupported(format!("a pair of {}", op.name()))),
        };
        for (lane, result) in inst.results.iter().enumerate() {
            let value = self.ins().extractlane(both, lane as u8);
            self.values[*result] = value.into();
        }
        Ok(())
    }

    /// A constant in both lanes, from the program's constants.
    fn both(&mut self, bits: u64) -> Value {
        let index = self.program.pair_const(bits);
        // Not marked as aligned: the table lies at a multiple of 8.
        let flags = MemFlagsData::new().with_notrap().with_readonly();
        let base = self.base(Base::Consts);
        self.ins().load(F64X2, flags, base, index as i32 * 8)
    }
}

/// Two lanes of an emitter.
struct Two<'e, 'a, 'm> {
    e: &'e mut Emit<'a, 'm>,
}

impl Two<'_, '_, '_> {
    fn join(&mut self, a: Value, b: Value) -> Value {
        let low = self.e.ins().scalar_to_vector(F64X2, a);
        self.e.ins().insertlane(low, b, 1)
    }

    fn as_ints(&mut self, a: Value) -> Value {
        self.e.ins().bitcast(I64X2, MemFlagsData::new(), a)
    }

    fn as_floats(&mut self, a: Value) -> Value {
        self.e.ins().bitcast(F64X2, MemFlagsData::new(), a)
    }
}

macro_rules! lane_ops {
    ($( $name:ident ( $($arg:ident),* ) $op:ident; )*) => {
        $( fn $name(&mut self, $($arg: Value),*) -> Value { self.e.ins().$op($($arg),*) } )*
    };
}

impl Lanes for Two<'_, '_, '_> {
    type F = Value;
    type I = Value;
    type B = Value;

    lane_ops! {
        add(a, b) fadd;
        sub(a, b) fsub;
        mul(a, b) fmul;
        div(a, b) fdiv;
        neg(a) fneg;
        abs(a) fabs;
        sqrt(a) sqrt;
        trunc(a) trunc;
        and(a, b) band;
        xor(a, b) bxor;
        iadd(a, b) iadd;
        isub(a, b) isub;
        iand(a, b) band;
        ior(a, b) bor;
        ixor(a, b) bxor;
    }

    fn fconst(&mut self, value: f64) -> Value {
        self.e.both(value.to_bits())
    }

    fn iconst(&mut self, value: i64) -> Value {
        let both = self.e.both(value.cast_unsigned());
        self.as_ints(both)
    }

    fn feq(&mut self, a: Value, b: Value) -> Value {
        self.e.ins().fcmp(FloatCC::Equal, a, b)
    }

    fn flt(&mut self, a: Value, b: Value) -> Value {
        self.e.ins().fcmp(FloatCC::LessThan, a, b)
    }

    fn fle(&mut self, a: Value, b: Value) -> Value {
        self.e.ins().fcmp(FloatCC::LessThanOrEqual, a, b)
    }

    fn ieq(&mut self, a: Value, b: Value) -> Value {
        self.e.ins().icmp(IntCC::Equal, a, b)
    }

    fn select_f(&mut self, mask: Value, yes: Value, no: Value) -> Value {
        let mask = self.as_floats(mask);
        self.e.ins().bitselect(mask, yes, no)
    }

    fn bits(&mut self, a: Value) -> Value {
        self.as_ints(a)
    }

    fn from_bits(&mut self, a: Value) -> Value {
        self.as_floats(a)
    }

    fn shl(&mut self, a: Value, by: u32) -> Value {
        let by = self.e.ins().iconst(I32, i64::from(by));
        self.e.ins().ishl(a, by)
    }

    fn ushr(&mut self, a: Value, by: u32) -> Value {
        let by = self.e.ins().iconst(I32, i64::from(by));
        self.e.ins().ushr(a, by)
    }

    /// A cold block calls the precise function for both lanes and keeps the fast result where it holds.
    fn slow(&mut self, inside: Value, fast: Value, which: SlowFn, args: &[Value]) -> Value {
        let e = &mut *self.e;
        let dfg = &mut e.cursor.func.dfg;
        let (cold, join) = (dfg.make_block(), dfg.make_block());
        let result = dfg.append_block_param(join, F64X2);
        if let Some(here) = e.cursor.current_block() {
            e.cursor.func.layout.insert_block_after(join, here);
        }
        e.cursor.func.layout.append_block(cold);
        e.cursor.func.layout.set_cold(cold);
        let signs = e.ins().vhigh_bits(I32, inside);
        let all = e.ins().icmp_imm_u(IntCC::Equal, signs, 3);
        e.ins().brif(all, join, &[BlockArg::Value(fast)], cold, &[]);
        e.cursor.goto_bottom(cold);
        let lanes = [0, 1].map(|lane| {
            let operand = |e: &mut Emit<'_, '_>, arg: &Value| e.ins().extractlane(*arg, lane);
            let operands: Vec<Value> = args.iter().map(|arg| operand(e, arg)).collect();
            e.precise(which, &operands)
        });
        let precise = self.join(lanes[0], lanes[1]);
        let mixed = self.select_f(inside, fast, precise);
        let e = &mut *self.e;
        e.ins().jump(join, &[BlockArg::Value(mixed)]);
        e.cursor.goto_bottom(join);
        result
    }
}
