//! Calls and the call budget: the instructions that leave a function or branch in it.

use crate::code::at;
use crate::emit::{Base, Emit, FUNCS, LIBCALLS, Region, SLOW, clif_type, signature};
use crate::libcalls::Libcall;
use crate::stubs::{libcall_signature, slow_signature};
use attacca_mir::backend::BackendError;
use attacca_mir::module::{FuncId, Inst, SigId};
use attacca_mir::op::{SlowFn, Ty};
use attacca_rt::ctx::{CALL_BUDGET, DEPTH_BUDGET, FaultKind};
use cranelift_codegen::cursor::Cursor;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{F64, I32, I64};
use cranelift_codegen::ir::{
    self, BlockArg, ExtFuncData, ExternalName, FuncRef, InstBuilder, MemFlagsData, Signature,
    UserExternalName, Value,
};
use cranelift_codegen::isa::CallConv;

impl Emit<'_, '_> {
    /// The function `(space, number)`, declared on first use.
    pub(crate) fn declare(
        &mut self,
        space: u32,
        number: u32,
        sig: impl FnOnce() -> Signature,
    ) -> FuncRef {
        if let Some(known) = self.libcalls.get(&(space, number)) {
            return *known;
        }
        let signature = self.cursor.func.import_signature(sig());
        let name = UserExternalName { namespace: space, index: number };
        let name = ExternalName::user(self.cursor.func.declare_imported_user_function(name));
        let colocated = space != LIBCALLS;
        let func = self.cursor.func.import_function(ExtFuncData {
            name,
            signature,
            colocated,
            patchable: false,
        });
        self.libcalls.insert((space, number), func);
        func
    }

    /// Calls a function in Rust.
    pub(crate) fn libcall(&mut self, call: Libcall, args: &[Value]) -> Option<Value> {
        let host = self.program.host;
        let func = self.declare(LIBCALLS, call.number(), || libcall_signature(call, host));
        let inst = self.ins().call(func, args);
        self.cursor.func.dfg.inst_results(inst).first().copied()
    }

    /// Calls a precise function through a trampoline that keeps all registers, for the block is cold.
    pub(crate) fn slow(&mut self, inst: &Inst, slow: SlowFn) -> Result<(), BackendError> {
        let args = self.args(inst)?;
        let value = self.precise(slow, &args);
        self.set(inst, value);
        Ok(())
    }

    /// The precise function of one or two operands.
    pub(crate) fn precise(&mut self, slow: SlowFn, args: &[Value]) -> Value {
        if !self.program.slow.contains(&slow) {
            self.program.slow.push(slow);
        }
        let func = self.declare(SLOW, Libcall::Slow(slow).number(), slow_signature);
        let (first, second) = (args[0], args[args.len() - 1]);
        let ctx = self.ctx;
        self.ins().call(func, &[ctx, first, second]);
        self.read(F64, Region::Ctx, ctx, at::RESULT)
    }

    pub(crate) fn call(&mut self, inst: &Inst, func: FuncId) -> Result<(), BackendError> {
        let callee = &self.program.module.funcs[func];
        let callee = self.declare(FUNCS, func.as_u32(), || {
            signature(&callee.params(), &callee.rets, CallConv::Tail)
        });
        let mut args = vec![self.ctx];
        args.extend(self.args(inst)?);
        let call = self.ins().call(callee, &args);
        for (nth, result) in inst.results.iter().enumerate() {
            self.values[*result] = self.cursor.func.dfg.inst_results(call)[nth].into();
        }
        Ok(())
    }

    pub(crate) fn call_closure(&mut self, inst: &Inst, sig: SigId) -> Result<(), BackendError> {
        let module = self.program.module;
        let types = &module.sigs[sig];
        let mut args = vec![self.ctx];
        args.extend(self.args(inst)?);
        let known = self.sigs.get(&sig).copied();
        let sig_ref = known.unwrap_or_else(|| {
            let mut params = vec![Ty::Ref];
            params.extend_from_slice(&types.params);
            self.cursor.func.import_signature(signature(&params, &types.rets, CallConv::Tail))
        });
        self.sigs.insert(sig, sig_ref);
        let closure = args[1];
        let (some, none, done) = (self.block(), self.block(), self.block());
        self.cursor.func.layout.set_cold(none);
        let rets: Vec<Value> = types
            .rets
            .iter()
            .map(|ty| self.cursor.func.dfg.append_block_param(done, clif_type(*ty)))
            .collect();
        self.ins().brif(closure, some, &[], none, &[]);
        self.cursor.insert_block(some);
        let heap = self.base(Base::Heap);
        let object = self.index(heap, closure);
        let number = self.read(I64, Region::Heap, object, 8);
        let table = self.base(Base::Table);
        let entry = self.index(table, number);
        let entry = self.ins().load(I64, MemFlagsData::trusted().with_readonly(), entry, 0);
        let call = self.ins().call_indirect(sig_ref, entry, &args);
        let results: Vec<BlockArg> =
            self.cursor.func.dfg.inst_results(call).iter().map(|v| BlockArg::Value(*v)).collect();
        self.ins().jump(done, &results);
        self.cursor.insert_block(none);
        let zeros: Vec<BlockArg> =
            types.rets.iter().map(|ty| BlockArg::Value(self.zero(*ty))).collect();
        self.ins().jump(done, &zeros);
        self.cursor.insert_block(done);
        for (result, value) in inst.results.iter().zip(rets) {
            self.values[*result] = value.into();
        }
        Ok(())
    }

    pub(crate) fn zero(&mut self, ty: Ty) -> Value {
        match ty {
            Ty::F64 => self.ins().f64const(0.0),
            Ty::I64 | Ty::Ref => self.ins().iconst(I64, 0),
        }
    }

    pub(crate) fn block(&mut self) -> ir::Block {
        self.cursor.func.dfg.make_block()
    }

    /// Calls a function in Rust with the context, the operands and some numbers.
    pub(crate) fn tell(
        &mut self,
        inst: &Inst,
        call: Libcall,
        numbers: &[u32],
    ) -> Result<(), BackendError> {
        let mut args = vec![self.ctx];
        args.extend(self.args(inst)?);
        for number in numbers {
            args.push(self.ins().iconst(I32, i64::from(*number)));
        }
        if let Some(value) = self.libcall(call, &args) {
            self.set(inst, value);
        }
        Ok(())
    }

    // ---- budget ----

    pub(crate) fn budget_reset(&mut self, inst: &Inst) {
        let fault = self.read(I64, Region::Ctx, self.ctx, at::FAULT);
        let fine = self.compare(IntCC::Equal, fault, 0);
        let calls = self.ins().iconst(I64, i64::from(CALL_BUDGET));
        let none = self.ins().iconst(I64, 0);
        let calls = self.ins().select(fine, calls, none);
        let depth = self.ins().iconst(I64, i64::from(DEPTH_BUDGET));
        self.write(Region::Ctx, calls, self.ctx, at::CALLS);
        self.write(Region::Ctx, depth, self.ctx, at::DEPTH);
        self.set_flag(inst, fine);
    }

    /// A fault leaves no calls, so that only calls and levels are tested.
    pub(crate) fn budget_enter(&mut self, inst: &Inst, site: u32) {
        let calls = self.read(I64, Region::Ctx, self.ctx, at::CALLS);
        let depth = self.read(I64, Region::Ctx, self.ctx, at::DEPTH);
        let (calls, depth) = (self.add(calls, -1), self.add(depth, -1));
        let either = self.ins().bor(calls, depth);
        let spent = self.compare(IntCC::SignedLessThan, either, 0);
        let (over, fine, done) = (self.block(), self.block(), self.block());
        self.cursor.func.layout.set_cold(over);
        let allowed = self.cursor.func.dfg.append_block_param(done, I64);
        self.ins().brif(spent, over, &[], fine, &[]);
        self.cursor.insert_block(fine);
        self.write(Region::Ctx, calls, self.ctx, at::CALLS);
        self.write(Region::Ctx, depth, self.ctx, at::DEPTH);
        let one = self.ins().iconst(I64, 1);
        self.ins().jump(done, &[BlockArg::Value(one)]);
        self.cursor.insert_block(over);
        let old = self.read(I64, Region::Ctx, self.ctx, at::FAULT);
        let bits = i64::from(site) << 8 | FaultKind::Recursion as i64;
        let new = self.ins().iconst(I64, bits);
        let fault = self.ins().select(old, old, new);
        self.write(Region::Ctx, fault, self.ctx, at::FAULT);
        let zero = self.ins().iconst(I64, 0);
        self.write(Region::Ctx, zero, self.ctx, at::CALLS);
        self.ins().jump(done, &[BlockArg::Value(zero)]);
        self.cursor.insert_block(done);
        self.set(inst, allowed);
    }
}
