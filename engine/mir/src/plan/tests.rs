use super::{StatePlan, Version};
use crate::layout;
use crate::module::Module;
use crate::state_tree::StateTree;
use crate::text::parse;
use attacca_rt::code::{Image, WordKind};
use attacca_rt::migrate::{LineMove, WordRun};

fn module(text: &str) -> Module {
    parse(text).unwrap_or_else(|e| panic!("{e}"))
}

/// `dsp` with these children and leaves, and two functions: `osc` (one `self`), `echo` (a line).
fn program(words: u32, state: &str) -> Module {
    module(&format!(
        r#"words {words} dsp fn0
        fn fn0 "dsp"(v0: i64) -> () {{ state {words} {{ {state} }} bb0: return }}
        fn fn1 "osc"(v0: i64) -> () {{ state 1 {{ leaf 0 self 0 f64 "phase" }} bb0: return }}
        fn fn2 "saw"(v0: i64) -> () {{ state 1 {{ leaf 0 self 0 f64 "phase" }} bb0: return }}
        fn fn3 "echo"(v0: i64) -> () {{ state 2 {{ leaf 0 line 100 "delay" leaf 1 mem "m" }} bb0: return }}"#
    ))
}

/// The plan between programs that have no heap.
fn plan(old: &StateTree, new: &StateTree) -> StatePlan {
    let image = &Image::default();
    let version = |tree| Version { tree, image, shapes: &[], tasks: false };
    super::plan(version(old), version(new))
}

/// Pairs of old and new addresses, words then lines.
#[track_caller]
fn check(old: &Module, new: &Module, words: &[(u32, u32)], lines: &[(u32, u32)]) {
    let image = Image::default();
    let plan = plan(&StateTree::of(old, &image), &StateTree::of(new, &image));
    let found: Vec<_> = plan.words.iter().map(|w| (w.from, w.to)).collect();
    assert_eq!(found, words, "{plan}");
    let found: Vec<_> = plan.lines.iter().map(|w| (w.from, w.to)).collect();
    assert_eq!(found, lines, "{plan}");
}

#[test]
fn bindings_find_each_other_wherever_they_went() {
    let old = program(3, r#"child 0 fn1 "a"  child 1 fn1 "b"  child 2 fn2 "c""#);
    let new = program(3, r#"child 0 fn1 "new"  child 1 fn1 "b"  child 2 fn1 "a""#);
    check(&old, &new, &[(1, 1), (0, 2)], &[]);
}

#[test]
fn a_binding_keeps_what_fits_when_its_callee_changes() {
    check(&program(1, r#"child 0 fn1 "a""#), &program(1, r#"child 0 fn2 "a""#), &[(0, 0)], &[]);
    check(&program(1, r#"child 0 fn1 "a""#), &program(2, r#"child 0 fn3 "a""#), &[], &[]);
}

#[test]
fn nameless_calls_match_in_order() {
    let old = program(4, r#"child 0 fn1 ""  child 1 fn3 ""  child 3 fn1 """#);
    let new = program(5, r#"child 0 fn3 ""  child 2 fn1 ""  child 3 fn1 ""  child 4 fn1 """#);
    check(&old, &new, &[(2, 1), (0, 2), (3, 3)], &[(1, 0)]);
}

#[test]
fn an_edited_body_keeps_what_stays() {
    let old = module(
        r#"words 2 dsp fn0
        fn fn0 "dsp"(v0: i64) -> () { state 2 { child 0 fn1 "" } bb0: return }
        fn fn1 "osc"(v0: i64) -> () { state 2 { leaf 0 self 0 f64 "self" leaf 1 mem "a" } bb0: return }"#,
    );
    let new = module(
        r#"words 4 dsp fn0
        fn fn0 "dsp"(v0: i64) -> () { state 4 { child 0 fn1 "" } bb0: return }
        fn fn1 "osc"(v0: i64) -> () { state 4 { leaf 0 self 0 i64 "self" leaf 1 mem "b" leaf 2 mem "a"
          leaf 3 line 9 "d" } bb0: return }"#,
    );
    check(&old, &new, &[(1, 2)], &[]);
    let image = Image::default();
    let plan = plan(&StateTree::of(&old, &image), &StateTree::of(&new, &image));
    let want = "keeps 1 words and 0 delay lines, 3 start fresh, 1 are dropped
  kept dsp/osc a
  fresh dsp/osc self
  fresh dsp/osc b
  fresh dsp/osc d
  dropped dsp/osc self
";
    assert_eq!(plan.to_string(), want);
    assert!(!plan.is_complete());
}

#[test]
fn assigned_globals_keep_their_value_while_their_initialiser_stays() {
    let text = |globals: &str| {
        format!(
            "words 4 dsp_base 4 dsp fn0 {globals} fn fn0 \"dsp\"(v0: i64) -> () {{ bb0: return }}"
        )
    };
    let old = module(&text(
        r#"global 0 f64 "a" assigned text 1  global 1 f64 "b" assigned text 2  global 2 f64 "c" text 3
        global 3 ref "r" assigned text 4"#,
    ));
    let new = module(&text(
        r#"global 0 f64 "b" assigned text 9  global 1 f64 "a" assigned text 1  global 2 f64 "c" text 3
        global 3 ref "r" assigned text 4"#,
    ));
    check(&old, &new, &[(0, 1)], &[]);
}

#[test]
fn addresses_become_runs_and_table_indices() {
    let old = program(5, r#"child 0 fn1 "a"  child 1 fn1 "b"  child 2 fn3 "e"  child 4 fn1 "c""#);
    let mut new =
        program(6, r#"child 1 fn1 "a"  child 2 fn1 "b"  child 3 fn3 "e"  child 5 fn1 "c""#);
    let image = Image::default();
    let lower = |new: &Module| {
        let plan = plan(&StateTree::of(&old, &image), &StateTree::of(new, &image));
        (plan.is_complete(), plan.lower(&layout::of(&old), &layout::of(new)))
    };
    let (complete, lowered) = lower(&new);
    assert!(complete);
    let run = |from, to, len| WordRun { from, to, len, kind: WordKind::F64 };
    assert_eq!(lowered.words, [run(0, 1, 2), run(3, 4, 2)]);
    assert_eq!((lowered.lines, lowered.resized), (vec![LineMove { from: 0, to: 0 }], vec![]));
    for func in new.funcs.values_mut() {
        for leaf in &mut func.state.leaves {
            if let crate::module::LeafKind::Line { len } = &mut leaf.kind {
                *len = 500;
            }
        }
    }
    let (complete, lowered) = lower(&new);
    assert!(!complete);
    assert_eq!((lowered.lines, lowered.resized), (vec![], vec![LineMove { from: 0, to: 0 }]));
}
