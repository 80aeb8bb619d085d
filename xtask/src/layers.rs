//! `layers`: which crate may depend on which, as ARCHITECTURE.md lists it; and the tail of the code.

use crate::shell::root;
use crate::{Failure, Outcome};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) fn run() -> Outcome {
    let allowed = listed()?;
    let found = workspace_dependencies()?;
    let mut wrong = Vec::new();
    for (package, dependencies) in &found {
        let Some(may) = allowed.get(package) else {
            wrong.push(format!("{package} is not listed in ARCHITECTURE.md"));
            continue;
        };
        for dependency in dependencies.iter().filter(|d| !may.contains(d)) {
            wrong.push(format!(
                "{package} depends on {dependency}, which ARCHITECTURE.md does not allow"
            ));
        }
    }
    print_tail()?;
    if wrong.is_empty() { Ok(()) } else { Err(Failure::Rejected(wrong.join("\n       "))) }
}

/// The lines `package -> dependency, dependency` between the `layers` marks of ARCHITECTURE.md.
fn listed() -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let path = root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(&path)
        .map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))?;
    let lines = text.lines().filter_map(|line| line.split_once(" -> "));
    let list =
        |s: &str| s.split(',').map(|s| s.trim().to_owned()).filter(|s| s != "nothing").collect();
    Ok(lines.map(|(package, rest)| (package.trim().to_owned(), list(rest))).collect())
}

/// Every package of the workspace with the packages of the workspace it depends on.
fn workspace_dependencies() -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let failed = |what: String| Failure::Usage(format!("cargo metadata: {what}"));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .map_err(|e| failed(e.to_string()))?;
    let json: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|e| failed(e.to_string()))?;
    let packages = json["packages"].as_array().cloned().unwrap_or_default();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap_or_default().to_owned();
    let members: Vec<String> = packages.iter().map(name).collect();
    let dependencies = |package: &serde_json::Value| -> Vec<String> {
        let all = package["dependencies"].as_array().cloned().unwrap_or_default();
        let ordinary = all.iter().filter(|d| d["kind"].is_null());
        ordinary.map(name).filter(|n| members.contains(n)).collect()
    };
    Ok(packages.iter().map(|p| (name(p), dependencies(p))).collect())
}

/// Prints the ten longest files, functions and structs: a smell to look at, not a gate.
fn print_tail() -> Outcome {
    let mut files = Vec::new();
    for dir in ["engine", "plugin", "xtask", "tests"] {
        collect(&root().join(dir), &mut files);
    }
    let mut lengths = [Vec::new(), Vec::new(), Vec::new()];
    for file in &files {
        let text = fs::read_to_string(file)
            .map_err(|e| Failure::Usage(format!("{}: {e}", file.display())))?;
        let short = file.strip_prefix(root()).unwrap_or(file).display().to_string();
        lengths[0].push((text.lines().count(), short.clone()));
        items(&text, &short, "fn ", &mut lengths[1]);
        items(&text, &short, "struct ", &mut lengths[2]);
    }
    for (title, mut list) in ["files", "functions", "structs"].into_iter().zip(lengths) {
        list.sort_by(|a, b| b.cmp(a));
        println!("longest {title} (lines):");
        list.iter().take(10).for_each(|(lines, name)| println!("  {lines:5} {name}"));
    }
    Ok(())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("bench") {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Items that start with `keyword` and end at a brace of the same indentation (rustfmt's layout).
fn items(text: &str, file: &str, keyword: &str, found: &mut Vec<(usize, String)>) {
    let mut open: Option<(usize, usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        if let Some((start, depth, name)) = &open {
            if indent == *depth && body.starts_with('}') {
                found.push((number + 1 - start, format!("{file}: {name}")));
                open = None;
            }
            continue;
        }
        let bare = body
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ")
            .trim_start_matches("const ");
        if let Some(rest) = bare
            .trim_start_matches("unsafe ")
            .trim_start_matches("extern \"C\" ")
            .strip_prefix(keyword)
            && !line.trim_end().ends_with([';', '}'])
        {
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            open = Some((number, indent, name));
        }
    }
}
