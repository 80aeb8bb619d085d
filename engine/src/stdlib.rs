//! The standard library: its modules as texts of the language, embedded in the program.
//!
//! The files are `engine/std/*.mmm`. A `use` or `mod` that names one of them finds it here before any
//! folder is searched.

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

#[cfg(test)]
mod tests {
    use super::MODULES;
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
