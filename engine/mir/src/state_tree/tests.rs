use super::StateTree;
use crate::eval::Oracle;
use crate::module::Module;
use crate::text::parse;
use attacca_rt::code::Image;

fn state_of(text: &str) -> String {
    let module = parse(text).unwrap_or_else(|e| panic!("{e}"));
    StateTree::of(&module, &Image::default()).to_string()
}

#[test]
fn instances_stand_below_their_callers() {
    let text = r#"words 9 dsp_base 1 dsp fn0 global 0 f64 "gain" assigned
        site0 "dsp" 0 1 1  site1 "dsp" 0 7 2
        fn fn0 "dsp"(v0: i64) -> () { state 8 { leaf 0 line 100 "echo" site 1
          child 1 fn1 "left" site 1  child 4 fn1 "" site 1  child 7 fn3 "" } bb0: return }
        fn fn1 "voice"(v0: i64) -> () { state 3 { leaf 0 self 0 f64 "self"  child 1 fn2 "" } bb0: return }
        fn fn2 "osc"(v0: i64) -> () { state 2 { leaf 0 mem "mem"  leaf 1 self 1 i64 "self" } bb0: return }
        fn fn3 "nothing"(v0: i64) -> () { bb0: return }"#;
    let want = [
        "     0  global gain: f64 assigned",
        "     1  dsp (line 1)",
        "     1    echo line of 100",
        "     2  dsp/left:voice (line 7)",
        "     2    self self.0: f64",
        "     3  dsp/left:voice/osc (line 1)",
        "     3    mem mem",
        "     4    self self.1: i64",
        "     5  dsp/voice (line 7)",
        "     5    self self.0: f64",
        "     6  dsp/voice/osc (line 1)",
        "     6    mem mem",
        "     7    self self.1: i64",
    ];
    assert_eq!(state_of(text).lines().collect::<Vec<_>>(), want);
}

#[test]
fn recursion_ends_at_the_shared_block() {
    let text = r#"words 1 dsp fn0
        fn fn0 "dsp"(v0: i64) -> () { state 1 { child 0 fn1 "" } bb0: return }
        fn fn1 "r"(v0: i64) -> () { state 1 { leaf 0 mem "mem" child 0 fn1 "" } bb0: return }"#;
    assert_eq!(state_of(text), "     0  dsp (line 0)\n     0  dsp/r (line 0)\n     0    mem mem\n");
}

#[test]
fn doubling_without_state_costs_nothing() {
    let mut text = String::from("dsp fn0\n");
    for n in 0..64 {
        let next = (n + 1).min(63);
        let name = format!("fn fn{n} \"f{n}\"(v0: i64) -> ()");
        text += &format!(
            "{name} {{ state 0 {{ child 0 fn{next} \"\" child 0 fn{next} \"\" }} bb0: return }}\n"
        );
    }
    assert_eq!(state_of(&text), "");
}

#[test]
fn function_values_are_named_by_the_global_that_reaches_them() {
    let text = r#"words 1 dsp_base 1 init fn0 dsp fn1 global 0 ref "outer"
        shape0 closure(i64, i64)  shape1 closure(i64, i64, ref)
        fn fn0 "init"() -> () { bb0: v0 = iconst 0
          v1 = funcaddr fn2  v2 = block.fn2 v0+0  v3 = alloc shape0(v1, v2)
          v4 = funcaddr fn3  v5 = block.fn3 v0+0  v6 = alloc shape1(v4, v5, v3)  store.ref v0+0, v6
          v7 = block.fn2 v0+0  return }
        fn fn1 "dsp"(v0: i64) -> () { bb0: return }
        fn fn2 "inner"(v0: ref) -> () closure { state 1 { leaf 0 self 0 f64 "self" } bb0: return }
        fn fn3 "mk"(v0: ref) -> () closure { state 1 { leaf 0 mem "m" } bb0: return }"#;
    let mut module: Module = parse(text).unwrap();
    let oracle = Oracle::new(&module, 1.0).unwrap();
    oracle.enter_blocks(&mut module);
    let tree = StateTree::of(&module, &oracle.image());
    let paths: Vec<String> = tree.roots.iter().map(|id| tree.path(*id)).collect();
    assert_eq!(paths, ["outer.2:inner", "outer:mk", "inner"]);
}
