use super::{report, verify};
use crate::module::{BlockId, Module, ValueId};
use crate::op::Ty;
use crate::text::parse;

/// The errors of a module whose text parses.
#[track_caller]
fn rejects(text: &str, message: &str) {
    let module = parse(text).unwrap_or_else(|e| panic!("{e}"));
    rejected(&module, message);
}

#[track_caller]
fn rejected(module: &Module, message: &str) {
    let errors = verify(module).expect_err("the module breaks a rule");
    assert!(report(&errors).contains(message), "{}", report(&errors));
}

/// A function `fn0 "f"(v0: i64, v1: f64) -> (f64)` with this body.
fn body(text: &str) -> String {
    format!("fn fn0 \"f\"(v0: i64, v1: f64) -> (f64) {{ {text} }}")
}

#[test]
fn types_and_arity() {
    rejects(&body("bb0: v2 = add v1, v0  return v2"), "takes (f64, f64), given (f64, i64)");
    rejects(&body("bb0: return v0"), "returns (i64), not (f64)");
    rejects(&body("bb0: return"), "returns (), not (f64)");
    rejects(&body("bb0: branch v1, bb1, bb1 bb1: return v1"), "branches on v1, which is no i64");
    rejects(
        &body("bb0: jump bb1(v0) bb1(v2: f64): return v2"),
        "jumps to bb1 with (i64), which takes (f64)",
    );
    rejects(
        &body("bb0: jump bb1 bb1(v2: f64): return v2"),
        "jumps to bb1 with (), which takes (f64)",
    );
    rejects(&body("bb0: v2 = call fn0(v0)  return v2"), "takes (i64, f64), given (i64)");
}

#[test]
fn definitions_and_dominance() {
    rejects(&body("bb0: v2 = add v1, v3  return v2"), "v3 is used but never defined");
    rejects(
        &body("bb0: v2 = add v1, v3  v3 = neg v2  return v2"),
        "v3 is used where its definition need not have run",
    );
    rejects(&body("bb0: v2 = neg v1  v2 = neg v1  return v2"), "v2 is defined twice");
    rejects(
        &body("bb0: branch v0, bb1, bb2 bb1: v2 = neg v1 jump bb2 bb2: return v2"),
        "v2 is used where its definition need not have run",
    );
    rejects(&body("bb0: jump bb0"), "jumps to the entry block");
    rejects(&body("bb0: jump bb7"), "bb7 does not exist");
    rejects(&body("bb0: open"), "can be reached and has no end");
    let fine = body(
        "bb0: branch v0, bb1, bb2 bb1: v2 = neg v1 jump bb3(v2) bb2: jump bb3(v1) bb3(v3: f64): return v3 bb4: open",
    );
    verify(&parse(&fine).unwrap()).unwrap_or_else(|e| panic!("{}", report(&e)));
}

#[test]
fn instructions_are_placed_once() {
    let mut module = parse(&body("bb0: v2 = neg v1  return v2")).unwrap();
    let func = module.funcs.values_mut().next().unwrap();
    let inst = func.blocks[func.entry].insts[0];
    func.blocks[func.entry].insts.push(inst);
    rejected(&module, "inst0 is placed twice");
    let func = module.funcs.values_mut().next().unwrap();
    func.blocks[func.entry].insts.pop();
    func.insts[inst].args[0] = ValueId::from_u32(77);
    rejected(&module, "v77 does not exist");
    let func = module.funcs.values_mut().next().unwrap();
    func.entry = BlockId::from_u32(9);
    rejected(&module, "its entry block or a parameter does not exist");
}

#[test]
fn arrays() {
    let array =
        |text: &str| format!("shape0 array(f64, ref) shape1 cell(f64) shape2 variant(f64) {text}");
    let rejects = |text: &str, message| rejects(&array(&body(text)), message);
    rejects(
        "bb0: v2 = rconst 0  arraystore.f64 shape0.0 v2, v0, v1  return v1",
        "stores to the array v2, which it did not make",
    );
    rejects(
        "bb0: v2 = newarray shape0 v0  jump bb1(v2) bb1(v3: ref): arraycopy shape0 v3, v0, v2, v0, v0  return v1",
        "stores to the array v3, which it did not make",
    );
    let fine = body(
        "bb0: v2 = newarray shape0 v0  arraystore.f64 shape0.0 v2, v0, v1  v3 = arrayload.f64 shape0.0 v2, v0  return v3",
    );
    verify(&parse(&array(&fine)).unwrap()).unwrap_or_else(|e| panic!("{}", report(&e)));
    let parse = |text: &str| parse(&array(&body(text))).unwrap_err().message;
    assert_eq!(parse("bb0: v2 = newarray shape1 v0 return v1"), "shape1 is no array");
    assert!(parse("bb0: v2 = alloc shape0(v1) return v1").contains("is an array"));
    assert!(
        parse("bb0: v2 = rconst 0  heapstore.f64 shape2.0 v2, v1 return v1").contains("is no cell")
    );
    assert!(
        parse("bb0: v2 = rconst 0  v3 = arrayload.i64 shape0.0 v2, v0 return v1")
            .contains("no i64")
    );
}

#[test]
fn roles_of_functions() {
    rejects(&format!("dsp fn0 {}", body("bb0: return v1")), "is dsp but not (i64) -> ()");
    rejects(&format!("init fn0 {}", body("bb0: return v1")), "is init but not () -> ()");
    rejects(&format!("kernel fn0 {}", body("bb0: return v1")), "is kernel but not (i64) -> (i64)");
    rejects("dsp fn3", "dsp fn3 does not exist");
    rejects(
        "fn fn0 \"f\"(v0: i64) -> () closure { bb0: return }",
        "closure function whose first parameter is no ref",
    );
    rejects(
        "init fn0 fn fn0 \"init\"() -> () { bb0: call fn0()  return }",
        "calls fn0, which only the host may call",
    );
    rejects(&body("bb0: v2 = funcaddr fn0  return v1"), "which is no closure function");
    rejects(
        &format!("inputs 1 {}", body("bb0: v2 = input 0 v0  return v2")),
        "stands outside the kernel",
    );
}

#[test]
fn heap_and_host() {
    rejects("shape0 closure(i64, f64)", "shape0 is a closure without function number and base");
    let with = |body_text: &str| {
        format!("shape0 closure(i64, i64, f64) shape1 cell(f64) {}", body(body_text))
    };
    rejects(
        &with("bb0: v2 = alloc shape0(v0, v0)  return v1"),
        "takes (i64, i64, f64), given (i64, i64)",
    );
    let mut module =
        parse(&with("bb0: v2 = alloc shape1(v1)  heapstore.f64 shape1.0 v2, v1  return v1"))
            .unwrap();
    verify(&module).unwrap();
    let func = module.funcs.values_mut().next().unwrap();
    for inst in func.insts.values_mut() {
        if let crate::op::Op::HeapStore { shape, field, ty } = &mut inst.op {
            (*shape, *field, *ty) = (crate::module::ShapeId::from_u32(0), 2, Ty::F64);
        }
    }
    rejected(&module, "shape0 is no cell, its fields never change");
    let error = parse(&body("bb0: v2 = cell 0  return v2")).unwrap_err();
    assert_eq!(error.message, "host cell 0 does not exist, there are 0");
    rejects(&body("bb0: v2 = budgetenter 3  return v1"), "site 3 does not exist");
}

#[test]
fn state() {
    let with = |state: &str, text: &str| {
        format!("fn fn0 \"f\"(v0: i64, v1: f64) -> (f64) {{ state {state} bb0: {text} return v1 }}")
    };
    rejects(&with("1 { leaf 1 mem \"m\" }", ""), "ends beyond the 1 words of its block");
    rejects(&with("2 { leaf 1 mem \"m\" leaf 0 mem \"n\" }", ""), "not in ascending order");
    rejects(
        &with("2 { leaf 0 mem \"m\" leaf 0 mem \"n\" }", ""),
        "a leaf overlaps what else lies at offset 0",
    );
    rejects(&with("2 { leaf 0 line 0 \"m\" }", ""), "the line at offset 0 has no samples");
    rejects(&with("2 { child 0 fn4 \"\" }", ""), "its child fn4 does not exist");
    rejects(
        &with("1 { leaf 0 mem \"m\" }", "v2 = load.f64 v0+1"),
        "state at offset 1 lies beyond its block of 1 words",
    );
    rejects(
        &with("1 { leaf 0 mem \"m\" }", "v2 = iconst 3 v3 = load.f64 v2+1"),
        "state at word 3+1 lies beyond the 0 words",
    );
    rejects(&with("0 {}", "v2 = iconst -1 v3 = load.f64 v2+1"), "state at word -1+1 lies beyond");
    rejects(
        "dsp_base 1 words 1 global 1 f64 \"g\"",
        "global `g` lies at word 1, not below dsp_base",
    );
    rejects("dsp_base 1 words 1 global 0 f64 \"g\" global 0 f64 \"h\"", "global `h` shares word 0");
    rejects(
        "words 3 block 3 fn0 fn fn0 \"f\"() -> () { state 1 { leaf 0 mem \"m\" } bb0: return }",
        "its block at word 3 ends beyond the 3 words",
    );
}
