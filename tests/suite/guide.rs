//! The pages of `docs` that tell about the language: every program of the guide runs, the tests that
//! the guide names exist, and the page of messages names each code there is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use attacca_engine::pipeline::{self, Options};
use attacca_engine::render::Score;
use attacca_engine::{Files, Target};
use attacca_tests::golden::{play, programs, tests_dir};

/// Codes that no small program brings about: limits on the size of files, and what must not happen.
const WITHOUT_EXAMPLE: [&str; 6] = [
    "cannot-format",
    "compiler-bug",
    "no-function",
    "program-too-large",
    "text-too-long",
    "too-many-files",
];

/// Sections of the reference: chapter and number of its parts (0: the chapter has none).
const SECTIONS: [(u32, u32); 14] = [
    (1, 4),
    (2, 5),
    (3, 7),
    (4, 10),
    (5, 6),
    (6, 5),
    (7, 3),
    (8, 6),
    (9, 18),
    (10, 7),
    (11, 0),
    (12, 0),
    (13, 0),
    (14, 0),
];

fn page(name: &str) -> String {
    let path = tests_dir().join("../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A program of the guide.
struct Snippet {
    line: usize,
    text: String,
}

fn snippets(page: &str) -> Vec<Snippet> {
    let mut out: Vec<Snippet> = Vec::new();
    let mut inside = false;
    for (index, line) in page.lines().enumerate() {
        match (inside, line) {
            (false, "```mimium") => {
                inside = true;
                out.push(Snippet { line: index + 2, text: String::new() });
            }
            (true, "```") => inside = false,
            (true, line) => {
                if let Some(last) = out.last_mut() {
                    last.text.push_str(line);
                    last.text.push('\n');
                }
            }
            (false, _) => {}
        }
    }
    out
}

/// The samples after `// =>`: numbers, those of one frame in parentheses.
fn told(text: &str) -> Result<Vec<Vec<f64>>, String> {
    let Some(line) = text.lines().find_map(|line| line.strip_prefix("// => ")) else {
        return Ok(Vec::new());
    };
    let numbers = |frame: &str| -> Result<Vec<f64>, String> {
        let words = frame.split([' ', ',']).filter(|word| !word.is_empty());
        words.map(|word| word.parse().map_err(|_| format!("`{word}` is no number"))).collect()
    };
    if line.starts_with('(') {
        let frames = line.split(['(', ')']).filter(|frame| !frame.trim().is_empty());
        return frames.map(numbers).collect();
    }
    Ok(numbers(line)?.into_iter().map(|sample| vec![sample]).collect())
}

fn run(snippet: &Snippet, target: Target) -> Result<(), String> {
    let want = told(&snippet.text)?;
    let files = Files::library().in_folder(tests_dir().join("lang/sampler"));
    let options = Options { target, ..Options::default() };
    let compiled = pipeline::compile_with("guide", &snippet.text, &options, &files);
    let said = compiled.diagnostics.render(&compiled.sources);
    if !said.is_empty() {
        return Err(said);
    }
    let frames = want.len().max(100) as u64;
    let got = play(&compiled, &Score { frames, ..Score::default() }, 64)?.channels;
    for (index, frame) in want.iter().enumerate() {
        let here: Vec<f64> =
            got.iter().map(|channel| channel.get(index).copied().unwrap_or(f64::NAN)).collect();
        let near = here.len() == frame.len()
            && here.iter().zip(frame).all(|(got, want)| (got - want).abs() <= 1e-12);
        if !near {
            return Err(format!("sample {index} is {here:?}, the guide says {frame:?}"));
        }
    }
    let all = got.iter().flatten();
    match all.copied().find(|sample| !sample.is_finite()) {
        Some(sample) => Err(format!("gives {sample}")),
        None => Ok(()),
    }
}

#[test]
fn every_program_of_the_guide_runs() {
    let snippets = snippets(&page("guide.md"));
    assert!(snippets.len() >= 40, "only {} programs were found", snippets.len());
    let with_samples = snippets.iter().filter(|it| it.text.contains("// => ")).count();
    assert!(with_samples >= 25, "only {with_samples} programs tell their samples");
    let mut wrong = Vec::new();
    for snippet in &snippets {
        for target in [Target::Vm, Target::Jit] {
            if let Err(what) = run(snippet, target) {
                wrong.push(format!("guide.md:{} ({target}): {what}", snippet.line));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The cells of the rows of a page's tables.
fn rows(page: &str) -> Vec<Vec<String>> {
    let lines = page.lines().filter(|line| line.starts_with("| ") && line.ends_with('|'));
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim_start_matches('|').trim_end_matches('|');
        line.split(" | ").map(|cell| cell.trim().to_owned()).collect()
    };
    lines.map(cells).collect()
}

/// Whether a folder holds programs, edits or tests, itself or in folders below.
fn holds_tests(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        path.extension().is_some_and(|it| it == "mmm" || it == "edit" || it == "rs")
            || (path.is_dir() && holds_tests(&path))
    })
}

#[test]
fn each_section_of_the_reference_has_tests() {
    let guide = page("guide.md");
    let rows = rows(&guide);
    let mut missing = Vec::new();
    for (chapter, parts) in SECTIONS {
        let sections: Vec<String> = match parts {
            0 => vec![chapter.to_string()],
            parts => (1..=parts).map(|part| format!("{chapter}.{part}")).collect(),
        };
        for section in sections {
            let row = rows.iter().find(|row| row.first() == Some(&section));
            let folders = row.and_then(|row| row.get(2)).cloned().unwrap_or_default();
            if folders.is_empty() {
                missing.push(format!("{section}: no tests are named"));
            }
            for folder in folders.split(", ").filter(|it| !it.is_empty()) {
                let path: PathBuf = tests_dir().join(folder);
                if !holds_tests(&path) {
                    missing.push(format!("{section}: nothing is in tests/{folder}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Every code that the messages in `tests/diag` have, with the examples that show it.
fn codes_of_the_goldens() -> BTreeMap<String, BTreeSet<String>> {
    let mut out: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in programs("diag") {
        let said = std::fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        let name = path.strip_prefix(tests_dir().join("diag")).unwrap_or(&path);
        let name = name.with_extension("").display().to_string();
        for line in said.lines() {
            let rest = line.strip_prefix("error[").or_else(|| line.strip_prefix("warning["));
            if let Some((code, _)) = rest.and_then(|rest| rest.split_once("]: ")) {
                out.entry(code.to_owned()).or_default().insert(name.clone());
            }
        }
    }
    out
}

#[test]
fn the_page_of_messages_names_each_code() {
    let page = page("messages.md");
    let goldens = codes_of_the_goldens();
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for row in rows(&page) {
        let [code, .., example] = row.as_slice() else { continue };
        let Some(code) = code.strip_prefix('`').and_then(|code| code.strip_suffix('`')) else {
            continue;
        };
        named.insert(code.to_owned());
        let shown = goldens.get(code).is_some_and(|examples| examples.contains(example));
        let excused = example.is_empty() && WITHOUT_EXAMPLE.contains(&code);
        if !shown && !excused {
            wrong.push(format!("`{code}` is not what tests/diag/{example} shows"));
        }
    }
    let unnamed = goldens.keys().filter(|code| !named.contains(*code));
    wrong.extend(unnamed.map(|code| format!("`{code}` is missing in docs/messages.md")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
