//! Programs in the standard form, for commands and the editor.

use crate::message::Message;
use attacca_lang::diag::Diagnostics;
use attacca_lang::{fmt, source::SourceMap};

/// Why a text was not laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong with it.
    pub messages: Vec<Message>,
    /// The same as text for a terminal, with source lines.
    pub text: String,
}

/// Lays a program out in the standard form; tokens, tree and comments stay the same.
///
/// ```
/// assert_eq!(attacca_engine::format("patch.mmm", "let x=1;").unwrap(), "let x = 1\n");
/// assert!(attacca_engine::format("patch.mmm", "let x=").is_err());
/// ```
pub fn format(name: &str, text: &str) -> Result<String, Refused> {
    let mut sources = SourceMap::new();
    let file = sources.add(name, text);
    let mut diags = Diagnostics::new();
    fmt::format(text, file, &mut diags).ok_or_else(|| Refused {
        messages: diags.sorted().into_iter().map(|one| Message::of(one, &sources)).collect(),
        text: diags.render(&sources),
    })
}
