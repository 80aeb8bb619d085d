//! One mistake is one message: programs of the goldens with one token left out, doubled or replaced.

use attacca_engine::Severity;
use attacca_engine::pipeline::{self, Options};
use attacca_tests::golden::{files, programs};

/// Edits that are tried.
const EDITS: usize = 1_500;

/// Of a hundred edits that are rejected, how many may have more than one message.
const MOST: usize = 5;

/// A text cut into words, numbers, comments, spaces, and single characters for the rest.
fn pieces(text: &str) -> Vec<String> {
    let class = |c: char| match c {
        '\n' => 0,
        c if c.is_whitespace() => 1,
        c if c.is_alphanumeric() || c == '_' => 2,
        _ => 3,
    };
    let mut out: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        let (code, comment) = line.split_at(line.find("//").unwrap_or(line.len()));
        let mut last = 3;
        for c in code.chars() {
            match out.last_mut() {
                Some(piece) if class(c) == last && matches!(last, 1 | 2) => piece.push(c),
                _ => out.push(c.into()),
            }
            last = class(c);
        }
        out.push(comment.to_owned());
    }
    out
}

#[test]
fn an_edit_of_one_token_gives_one_message() {
    let read = |path: &std::path::PathBuf| std::fs::read_to_string(path).ok();
    let corpus: Vec<String> = programs("lang").iter().filter_map(read).collect();
    let mut state = 1_u64;
    let mut below = |limit: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % limit
    };
    let (mut rejected, mut several) = (0, Vec::new());
    for _ in 0..EDITS {
        let mut text = pieces(&corpus[below(corpus.len())]);
        let code =
            |text: &[String], at: usize| !text[at].trim().is_empty() && !text[at].starts_with("//");
        let (at, other) = (below(text.len()), below(text.len()));
        if !code(&text, at) || !code(&text, other) {
            continue;
        }
        match below(4) {
            0 | 1 => text[at].clear(),
            2 => text[at] = text[other].clone(),
            _ => text[at] = format!("{} {}", text[other], text[at]),
        }
        let text = text.concat();
        let compiled = pipeline::compile_with("edit.mmm", &text, &Options::default(), &files());
        let messages = compiled.messages();
        let errors: Vec<_> =
            messages.iter().filter(|message| message.severity == Severity::Error).collect();
        rejected += usize::from(!errors.is_empty());
        if errors.len() > 1 {
            several.push(compiled.diagnostics.render(&compiled.sources) + &text);
        }
    }
    assert!(rejected > EDITS / 5, "only {rejected} edits are rejected");
    assert!(
        several.len() * 100 <= rejected * MOST,
        "{} of {rejected} rejected edits have several messages:\n{}",
        several.len(),
        several.join("\n----\n")
    );
}
