//! What is saved for a bug report: a program that breaks the compiler, headed by what else it takes to see
//! it again; and recordings.
//!
//! Takes the contents, gives the file's path. Writes to the folder of the user's data only.

use attacca_engine::FileCopy;
use std::io;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Saves a program that breaks the compiler, with version, system, backend and sample rate (`setting`), what
/// was said, and the files that it uses.
pub(crate) fn save(
    text: &str,
    said: &[&str],
    setting: &str,
    files: &[FileCopy],
) -> io::Result<PathBuf> {
    write("bug", "mmm", contents(text, said, setting, files).as_bytes())
}

/// Saves a recording.
pub(crate) fn save_recording(bytes: &[u8]) -> io::Result<PathBuf> {
    write("recording", "attacca", bytes)
}

fn write(name: &str, ending: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let path = folder.join(format!("{name}-{time}.{ending}"));
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// The program below comments: it can be opened and compiled as it is. The files follow, as comments too.
fn contents(text: &str, said: &[&str], setting: &str, files: &[FileCopy]) -> String {
    let mut out = format!(
        "// Attacca {}, {} {}, {setting}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    for line in said.iter().flat_map(|words| words.lines()) {
        out += &format!("// {line}\n");
    }
    out += text;
    for file in files {
        out += &format!("\n// file {}\n", file.name);
        for line in file.text.lines() {
            out += &format!("// | {line}\n");
        }
    }
    out
}

/// Where the reproductions are: the user's data, as each system has it, else the temporary files.
fn folder() -> PathBuf {
    let variable =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = |rest| variable("HOME").map(|home| home.join(rest));
    let data = if cfg!(target_os = "windows") {
        variable("APPDATA")
    } else if cfg!(target_os = "macos") {
        home("Library/Application Support")
    } else {
        variable("XDG_DATA_HOME").or_else(|| home(".local/share"))
    };
    data.unwrap_or_else(std::env::temp_dir).join("attacca").join("bugs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_stands_in_comments_above_the_text() {
        let asked = vec![("patch.mmm".into(), "tone.mmm".into())];
        let file = FileCopy { name: "tone.mmm".into(), text: "fn a() {\n1 }".into(), asked };
        let saved = contents("fn dsp() { 1 }", &["two\nlines"], "vm", &[file]);
        let end =
            "vm\n// two\n// lines\nfn dsp() { 1 }\n// file tone.mmm\n// | fn a() {\n// | 1 }\n";
        assert!(saved.ends_with(end), "{saved}");
    }
}
