//! Stored bytecode: it reads back the same, and broken bytecode is refused or harmless.

mod common;

use attacca_mir::arb::{choices, from_choices};
use attacca_mir::layout;
use attacca_rt::ftz::Guard;
use attacca_vm::VmCode;
use attacca_vm::code::{Bytecode, Instr, VERSION};
use attacca_vm::emit::emit;
use attacca_vm::verify::verify;
use common::{Instance, optimised};
use proptest::prelude::*;
use std::sync::Arc;

fn loaded(code: Bytecode, layout: attacca_rt::code::Layout) -> Option<VmCode> {
    VmCode::load(code, layout).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytecode_reads_back(choices in choices()) {
        let _guard = Guard::new();
        let (module, _) = optimised(&from_choices(&choices));
        let code = emit(&module).unwrap();
        let text = serde_json::to_string(&code).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Bytecode>(&text).unwrap(), &code);
        prop_assert!(verify(code).is_ok());
    }

    #[test]
    fn broken_bytecode_is_refused_or_harmless(
        choices in choices(),
        hits in proptest::collection::vec((any::<u32>(), 0usize..4, any::<u16>(), 0u16..40), 1..6),
    ) {
        let _guard = Guard::new();
        let (module, image) = optimised(&from_choices(&choices));
        let mut code = emit(&module).unwrap();
        let mut layout = layout::of(&module);
        layout.scratch_words = 20_000;
        for (place, half, value, small) in &hits {
            let at = *place as usize % code.ops.len();
            let mut parts = code.ops[at].parts();
            // Small numbers pass the checks more often than large ones.
            parts[*half] = if value % 4 == 0 { *value } else { *small };
            code.ops[at] = Instr::from_parts(parts);
        }
        prop_assert!(!code.to_string().is_empty());
        if has_loops_of_its_own(&code) {
            // A changed jump may never end; that it stays within its instance is all that is promised.
            return Ok(());
        }
        if let Some(code) = loaded(code, layout) {
            Instance::new(Arc::new(code), &image).render(&[], 3, 3);
        }
    }

    #[test]
    fn any_words_are_refused_or_verified(words in proptest::collection::vec(any::<[u16; 4]>(), 1..20), frame in 0u32..9) {
        let mut code = Bytecode { version: VERSION, ..Bytecode::default() };
        code.ops = words.iter().map(|parts| Instr::from_parts([parts[0] % 200, parts[1] % 9, parts[2] % 9, parts[3] % 9])).collect();
        code.funcs.push(attacca_vm::code::FuncCode { len: code.ops.len() as u32, frame, ..Default::default() });
        prop_assert!(!code.to_string().is_empty());
        let _outcome = verify(code);
    }
}

/// Whether any jump goes back: then nothing bounds the time of broken code.
fn has_loops_of_its_own(code: &Bytecode) -> bool {
    let text = code.to_string();
    text.lines().any(|line| {
        let at = line.split_whitespace().next().and_then(|n| n.parse::<u32>().ok());
        let to = line.split("->").nth(1).and_then(|n| n.trim().parse::<u32>().ok());
        matches!((at, to), (Some(at), Some(to)) if to <= at)
    })
}

#[test]
fn another_version_is_refused() {
    let code = Bytecode { version: VERSION + 1, ..Bytecode::default() };
    assert!(verify(code).unwrap_err().to_string().contains("version"));
}
