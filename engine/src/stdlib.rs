//! The standard library: its modules as texts of the language, embedded in the program.
//!
//! The files are `engine/std/*.mmm`. A `use` or `mod` that names one of them finds it here before any
//! folder is searched. A module is parsed once for all compiles that share a [`Library`].

use attacca_lang::diag::Diagnostics;
use attacca_lang::loader::{Loaded, Origin};
use attacca_lang::source::SourceMap;
use attacca_lang::syntax::{self, TextTree};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// What names of library modules begin with in messages: `<library>/osc.mmm`.
pub(crate) const PREFIX: &str = "<library>/";

/// Every module of the library: its name and its text, in alphabetical order.
pub const MODULES: &[(&str, &str)] = &[
    ("composition", include_str!("../std/composition.mmm")),
    ("core", include_str!("../std/core.mmm")),
    ("delay", include_str!("../std/delay.mmm")),
    ("drive", include_str!("../std/drive.mmm")),
    ("dynamics", include_str!("../std/dynamics.mmm")),
    ("env", include_str!("../std/env.mmm")),
    ("filter", include_str!("../std/filter.mmm")),
    ("host", include_str!("../std/host.mmm")),
    ("math", include_str!("../std/math.mmm")),
    ("mininotation", include_str!("../std/mininotation.mmm")),
    ("modulation", include_str!("../std/modulation.mmm")),
    ("noise", include_str!("../std/noise.mmm")),
    ("osc", include_str!("../std/osc.mmm")),
    ("parser", include_str!("../std/parser.mmm")),
    ("pattern", include_str!("../std/pattern.mmm")),
    ("reactive", include_str!("../std/reactive.mmm")),
    ("reverb", include_str!("../std/reverb.mmm")),
    ("sequencer", include_str!("../std/sequencer.mmm")),
    ("space", include_str!("../std/space.mmm")),
];

/// The text of a library module.
///
/// ```
/// assert!(attacca_engine::stdlib::module("osc").is_some());
/// assert!(attacca_engine::stdlib::module("nothing").is_none());
/// ```
pub fn module(name: &str) -> Option<&'static str> {
    MODULES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The library with the trees of its modules, each made when it is first used.
#[derive(Debug)]
pub struct Library {
    trees: Vec<OnceLock<(Arc<str>, Option<TextTree>)>>,
}

/// The library that the instances of this process share, while there are any.
static LIBRARY: Mutex<Weak<Library>> = Mutex::new(Weak::new());

impl Library {
    /// The one library of this process. Keep it, and later compiles need not parse what earlier ones did.
    pub fn shared() -> Arc<Self> {
        let mut shared = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let trees = MODULES.iter().map(|_| OnceLock::new()).collect();
            let library = Arc::new(Self { trees });
            *shared = Arc::downgrade(&library);
            library
        })
    }

    /// A module with its tree.
    pub(crate) fn module(&self, name: &str) -> Option<Loaded> {
        let at = MODULES.binary_search_by(|(known, _)| known.cmp(&name)).ok()?;
        let ((name, text), kept) = (MODULES.get(at)?, self.trees.get(at)?);
        let (text, tree) = kept.get_or_init(|| (Arc::from(*text), tree(name, text))).clone();
        Some(Loaded { name: format!("{PREFIX}{name}.mmm"), text, tree, origin: Origin::Library })
    }
}

/// The tree of a text without mistakes.
fn tree(name: &str, text: &str) -> Option<TextTree> {
    let (mut sources, mut diags) = (SourceMap::new(), Diagnostics::new());
    let parse = syntax::parse(text, sources.add(name, text), &mut diags);
    diags.is_empty().then(|| parse.into_text_tree())
}

#[cfg(test)]
mod tests {
    use super::MODULES;
    use crate::loader::Memory;
    use crate::pipeline::{self, Options};
    use crate::target::Target;
    use attacca_lang::diag::Diagnostics;
    use attacca_lang::source::SourceMap;
    use attacca_lang::syntax;

    #[test]
    fn every_module_parses_and_is_in_order() {
        assert!(MODULES.is_sorted_by(|(a, _), (b, _)| a < b));
        for (name, text) in MODULES {
            let mut sources = SourceMap::new();
            let file = sources.add(name, text);
            let mut diags = Diagnostics::new();
            syntax::parse(text, file, &mut diags);
            assert!(!diags.has_errors(), "{name}: {}", diags.render(&sources));
        }
    }

    /// As files of a user every function is checked, used or not.
    #[test]
    fn every_function_is_right() {
        let names: Vec<String> = MODULES.iter().map(|(name, _)| format!("{name}.mmm")).collect();
        let texts = names.iter().map(String::as_str).zip(MODULES.iter().map(|(_, text)| *text));
        let files = Memory::files(texts);
        let options = Options { target: Target::Vm, ..Options::default() };
        for (name, _) in MODULES {
            let text = format!("use {name}::*\nfn dsp() {{ 0 }}");
            let compiled = pipeline::compile_with("t.mmm", &text, &options, &files);
            let said = compiled.diagnostics.render(&compiled.sources);
            assert_eq!(said, "", "{name}");
        }
    }

    #[test]
    fn every_public_definition_has_a_comment() {
        for (name, text) in MODULES {
            let lines: Vec<&str> = text.lines().collect();
            for pair in lines.windows(2) {
                let [before, line] = pair else { continue };
                if line.trim_start().starts_with("pub fn") || line.starts_with("pub type") {
                    assert!(before.trim_start().starts_with("//"), "{name}: {line}");
                }
            }
        }
    }
}
