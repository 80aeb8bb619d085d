//! Runs the pass tests `tests/mir/<pass>/*.mir` at the workspace root.
//!
//! A file is `; pass: NAME, NAME...`, comments, a module, the line `; expect`, and the module that
//! the passes leave. Besides the passes of `opt::PASSES` there are `prepare`, and `sound`: the global
//! code is run by the oracle and the module optimised as a whole on what it left. Input and outcome
//! must obey the verifier; if the module has a `dsp`, both must compute the same bits.
//! `ATTACCA_BLESS=1` rewrites what is expected.

use attacca_mir::eval::{Oracle, same_bits};
use attacca_mir::module::Module;
use attacca_mir::verify::{report, verify};
use attacca_mir::{opt, text};
use attacca_rt::code::Image;
use attacca_rt::ftz::Guard;
use std::fs;
use std::path::{Path, PathBuf};

const SPLIT: &str = "; expect";

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "mir") {
            found.push(path);
        }
    }
}

fn read(text: &str) -> Result<Module, String> {
    let module = text::parse(text).map_err(|e| e.to_string())?;
    verify(&module).map_err(|e| report(&e))?;
    Ok(module)
}

/// The module after the passes, and the image that its code starts from.
fn apply(names: &str, mut module: Module) -> Result<(Module, Option<Image>), String> {
    let mut image = None;
    for name in names.split(',').map(str::trim) {
        match name {
            "prepare" => opt::prepare(&mut module),
            "sound" => {
                let oracle = Oracle::new(&module, module.rate).map_err(|e| e.to_string())?;
                oracle.enter_blocks(&mut module);
                let start = oracle.image();
                opt::run(&mut module, &start);
                image = Some(start);
            }
            _ => opt::pass_by_name(name).ok_or(format!("there is no pass `{name}`"))?(&mut module),
        }
        verify(&module).map_err(|e| format!("after {name}:\n{}{module}", report(&e)))?;
    }
    Ok((module, image))
}

/// Some samples of the module, or why there are none.
fn samples(module: &Module, image: Option<&Image>) -> Result<Vec<Vec<f64>>, String> {
    let inputs: Vec<Vec<f64>> = (1..=module.inputs)
        .map(|channel| (0..20).map(|n| f64::from(n % 7 * channel) - 3.5).collect())
        .collect();
    let mut oracle = match image {
        Some(image) => Oracle::with_image(module, module.rate, image),
        None => Oracle::new(module, module.rate),
    }
    .map_err(|e| e.to_string())?;
    Ok(oracle.render(&inputs, 20))
}

fn run(path: &Path) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let first = text.lines().next().unwrap_or_default();
    let names = first.strip_prefix("; pass:").ok_or("the first line is not `; pass: NAME`")?;
    let (input, expected) = text.split_once(SPLIT).unwrap_or((&text, ""));
    let before = read(input)?;
    let (after, image) = apply(names, before.clone())?;
    if before.dsp.is_some() {
        let (want, found) = (samples(&before, None)?, samples(&after, image.as_ref())?);
        if !same_bits(&want, &found) {
            return Err(format!("computes {found:?}, not {want:?}\n{after}"));
        }
    }
    let found = after.to_string();
    if std::env::var_os("ATTACCA_BLESS").is_some() {
        let blessed = format!("{}\n{SPLIT}\n{found}", input.trim_end());
        return fs::write(path, blessed).map_err(|e| e.to_string());
    }
    let wanted = text::parse(expected).map_err(|e| format!("what is expected: {e}"))?.to_string();
    if found == wanted { Ok(()) } else { Err(format!("gives\n{found}\nbut expected is\n{wanted}")) }
}

#[test]
fn passes_do_what_their_files_expect() {
    let _guard = Guard::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/mir");
    let mut paths = Vec::new();
    files(&root, &mut paths);
    paths.sort();
    assert!(paths.len() >= 12, "only {} pass tests found", paths.len());
    let failures: Vec<String> = paths
        .iter()
        .filter_map(|path| Some(format!("{}: {}", path.display(), run(path).err()?)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
