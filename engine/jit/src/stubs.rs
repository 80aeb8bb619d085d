//! Small functions that every program carries, and the signatures of functions in Rust.
//!
//! Gives CLIF: the trampolines to precise functions, the entry for tasks, the function that does nothing.

use crate::code::at;
use crate::emit::{ENTRIES, FUNCS, LIBCALLS, SLOW, TASKS, signature};
use crate::libcalls::Libcall;
use attacca_mir::module::{FuncId, Function};
use attacca_mir::op::{SlowFn, Ty};
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::types::{F64, I32, I64};
use cranelift_codegen::ir::{
    self, AbiParam, ExtFuncData, ExternalName, InstBuilder, MemFlagsData, Signature, Type,
    UserExternalName,
};
use cranelift_codegen::isa::CallConv;

pub(crate) fn libcall_signature(call: Libcall, conv: CallConv) -> Signature {
    let (params, ret): (&[Type], Option<Type>) = match call {
        Libcall::Alloc => (&[I64, I32, I32], Some(I64)),
        Libcall::Release => (&[I64, I64], None),
        Libcall::NewArray => (&[I64, I32, I32, I64], Some(I64)),
        Libcall::ArrayCopy => (&[I64; 6], None),
        Libcall::Schedule => (&[I64, F64, I64, I32], None),
        Libcall::Print | Libcall::Tap => (&[I64, F64, I32], None),
        Libcall::SampleLen => (&[I64, I32], Some(F64)),
        Libcall::SampleRead => (&[I64, F64, I32, I32], Some(F64)),
        Libcall::Pure(_) | Libcall::Slow(_) => (&[F64, F64], Some(F64)),
    };
    let mut sig = Signature::new(conv);
    sig.params.extend(params.iter().map(|ty| AbiParam::new(*ty)));
    sig.returns.extend(ret.map(AbiParam::new));
    sig
}

pub(crate) fn slow_signature() -> Signature {
    let mut sig = Signature::new(CallConv::PreserveAll);
    sig.params.extend([I64, F64, F64].map(AbiParam::new));
    sig
}

/// The trampoline to a precise function: keeps all registers, leaves the result in the context.
pub(crate) fn slow_trampoline(slow: SlowFn, host: CallConv) -> ir::Function {
    let number = Libcall::Slow(slow).number();
    let mut clif =
        ir::Function::with_name_signature(ir::UserFuncName::user(SLOW, number), slow_signature());
    let signature = clif.import_signature(libcall_signature(Libcall::Slow(slow), host));
    let name = clif
        .declare_imported_user_function(UserExternalName { namespace: LIBCALLS, index: number });
    let name = ExternalName::user(name);
    let func =
        clif.import_function(ExtFuncData { name, signature, colocated: false, patchable: false });
    let block = clif.dfg.make_block();
    let [ctx, a, b] = [I64, F64, F64].map(|ty| clif.dfg.append_block_param(block, ty));
    let mut cursor = FuncCursor::new(&mut clif);
    cursor.insert_block(block);
    let call = cursor.ins().call(func, &[a, b]);
    let value = cursor.func.dfg.first_result(call);
    cursor.ins().store(MemFlagsData::trusted(), value, ctx, at::RESULT);
    cursor.ins().return_(&[]);
    clif
}

/// The entry for tasks: calls the closure in its second argument through the table of tasks.
pub(crate) fn task_entry(host: CallConv) -> ir::Function {
    let sig = signature(&[Ty::Ref], &[], host);
    let mut clif = ir::Function::with_name_signature(ir::UserFuncName::user(ENTRIES, 0), sig);
    let callee = clif.import_signature(signature(&[Ty::Ref], &[], CallConv::Tail));
    let [block, some, none] = [(); 3].map(|()| clif.dfg.make_block());
    let [ctx, closure] = [I64; 2].map(|ty| clif.dfg.append_block_param(block, ty));
    let mut cursor = FuncCursor::new(&mut clif);
    cursor.insert_block(block);
    cursor.ins().brif(closure, some, &[], none, &[]);
    cursor.insert_block(some);
    let flags = MemFlagsData::trusted();
    let three = cursor.ins().iconst(I64, 3);
    let heap = cursor.ins().load(I64, flags, ctx, at::HEAP);
    let place = cursor.ins().ishl(closure, three);
    let object = cursor.ins().iadd(heap, place);
    let number = cursor.ins().load(I64, flags, object, 8);
    let table = cursor.ins().load(I64, flags, ctx, at::TASKS);
    let place = cursor.ins().ishl(number, three);
    let place = cursor.ins().iadd(table, place);
    let entry = cursor.ins().load(I64, flags, place, 0);
    cursor.ins().call_indirect(callee, entry, &[ctx, closure]);
    cursor.ins().jump(none, &[]);
    cursor.insert_block(none);
    cursor.ins().return_(&[]);
    clif
}

/// A function that calls `func` as a task and forgets what it returns.
pub(crate) fn forgetful(id: FuncId, func: &Function) -> ir::Function {
    let sig = signature(&[Ty::Ref], &[], CallConv::Tail);
    let mut clif =
        ir::Function::with_name_signature(ir::UserFuncName::user(TASKS, id.as_u32()), sig);
    let callee = clif.import_signature(signature(&func.params(), &func.rets, CallConv::Tail));
    let name = UserExternalName { namespace: FUNCS, index: id.as_u32() };
    let name = ExternalName::user(clif.declare_imported_user_function(name));
    let callee = clif.import_function(ExtFuncData {
        name,
        signature: callee,
        colocated: true,
        patchable: false,
    });
    let block = clif.dfg.make_block();
    let [ctx, closure] = [I64; 2].map(|ty| clif.dfg.append_block_param(block, ty));
    let mut cursor = FuncCursor::new(&mut clif);
    cursor.insert_block(block);
    cursor.ins().call(callee, &[ctx, closure]);
    cursor.ins().return_(&[]);
    clif
}

/// A function that does nothing, for table places without code.
pub(crate) fn nothing() -> ir::Function {
    let sig = signature(&[Ty::Ref], &[], CallConv::Tail);
    let mut clif = ir::Function::with_name_signature(ir::UserFuncName::user(ENTRIES, 1), sig);
    let block = clif.dfg.make_block();
    clif.dfg.append_block_param(block, I64);
    clif.dfg.append_block_param(block, I64);
    let mut cursor = FuncCursor::new(&mut clif);
    cursor.insert_block(block);
    cursor.ins().return_(&[]);
    clif
}
