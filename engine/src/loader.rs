//! Finds the texts that a program uses: the embedded library, then files.
//!
//! Implements the compiler's [`Loader`]. Order of search (language reference 7.3, with the library
//! first): the embedded library; the folders given, and those of `MIMIUM_LIB_PATH`; `lib` beside the
//! asking file and in the folders above it; `.mimium/lib` in the home folder; beside the asking file.
//! Absolute paths and those that begin with a dot are searched beside the asking file only.
//! Remembers each file it looked for, so that whoever watches can tell when one has changed.

use crate::copies::Copies;
pub use crate::copies::FileCopy;
use crate::stdlib::Library;
pub use attacca_lang::loader::{Loaded, Loader, Memory, Missing, NoFiles, Origin, Wanted};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The environment variable with library folders, separated as those of `PATH`.
pub const FOLDERS_VARIABLE: &str = "MIMIUM_LIB_PATH";

/// Longer files are not programs, in bytes.
const LONGEST_FILE: u64 = 16 << 20;

/// When a file was changed last, and its length; `None` if there is none.
type Stamp = Option<(SystemTime, u64)>;

/// The library and the files of a computer.
#[derive(Debug)]
pub struct Files {
    library: Arc<Library>,
    /// Searched first.
    folders: Vec<PathBuf>,
    /// The user's own library.
    home: Option<PathBuf>,
    /// Where names without a folder are; `None` if the program has no file.
    base: Option<PathBuf>,
    /// Files looked for, as they were.
    seen: RefCell<BTreeMap<PathBuf, Stamp>>,
    /// Stand in for files that are not found.
    copies: Arc<Copies>,
    /// Copies stand in for files that are found, too.
    copies_first: bool,
    /// Files found.
    used: RefCell<Copies>,
    /// Names of those that are copies.
    missed: RefCell<Vec<String>>,
}

impl Files {
    /// The library alone: no file is ever read.
    pub fn library() -> Self {
        Self {
            library: Library::shared(),
            folders: Vec::new(),
            home: None,
            base: None,
            seen: RefCell::default(),
            copies: Arc::default(),
            copies_first: false,
            used: RefCell::default(),
            missed: RefCell::default(),
        }
    }

    /// The library and the folders that the environment names.
    pub fn from_environment() -> Self {
        let folders = std::env::var_os(FOLDERS_VARIABLE);
        let folders = folders.map(|it| std::env::split_paths(&it).collect()).unwrap_or_default();
        let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"));
        let home = home.map(|home| Path::new(&home).join(".mimium").join("lib"));
        Self { folders, home, ..Self::library() }
    }

    /// Searches these folders before all others.
    #[must_use]
    pub fn with_folders(mut self, folders: &[PathBuf]) -> Self {
        self.folders.splice(0..0, folders.iter().cloned());
        self
    }

    /// Relative names start in this folder; the empty path is the working directory.
    #[must_use]
    pub fn in_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.base = Some(folder.into());
        self
    }

    /// These copies stand in for files that are not found.
    #[must_use]
    pub fn with_copies(mut self, copies: Vec<FileCopy>) -> Self {
        self.copies = Arc::new(Copies::new(copies));
        self
    }

    /// From here on these copies are the files that they were made of, whatever the computer has.
    pub(crate) fn put_first(&mut self, copies: Vec<FileCopy>) {
        self.copies = Arc::new(Copies::new(copies));
        self.copies_first = true;
    }

    /// Finds the same files, but has looked for none yet.
    pub(crate) fn fresh(&self) -> Self {
        Self {
            library: Arc::clone(&self.library),
            folders: self.folders.clone(),
            home: self.home.clone(),
            base: self.base.clone(),
            seen: RefCell::default(),
            copies: Arc::clone(&self.copies),
            copies_first: self.copies_first,
            used: RefCell::default(),
            missed: RefCell::default(),
        }
    }

    /// From here on it has looked for what the other one looked for.
    pub(crate) fn remember(&mut self, other: Self) {
        (self.seen, self.used, self.missed) = (other.seen, other.used, other.missed);
    }

    /// Copies of the files found so far; at most 4 MiB.
    pub fn used(&self) -> Vec<FileCopy> {
        self.used.borrow().files().to_vec()
    }

    /// Names of the files for which a copy stood in.
    pub fn missed(&self) -> Vec<String> {
        self.missed.borrow().clone()
    }

    /// Whether any files were looked for.
    pub fn any(&self) -> bool {
        !self.seen.borrow().is_empty()
    }

    /// Whether a file that was looked for has changed, appeared or gone since.
    pub fn changed(&self) -> bool {
        self.seen.borrow().iter().any(|(path, stamp)| stamp_of(path) != *stamp)
    }

    /// The folder of a text; `None` if it is in no file.
    fn folder_of(&self, name: &str) -> Option<PathBuf> {
        if is_embedded(name) {
            return None;
        }
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        if folder.is_absolute() {
            return Some(folder.to_owned());
        }
        // The texts found get names that start with the base already.
        let base = self.base.as_ref()?;
        Some(if folder.starts_with(base) { folder.to_owned() } else { base.join(folder) })
    }

    /// The places where a file may be, in order.
    fn places(&self, from: &str, path: &str) -> Vec<PathBuf> {
        let own = self.folder_of(from);
        let beside = own.as_ref().map(|folder| folder.join(plain(path)));
        if Path::new(path).is_absolute() || path.starts_with('.') {
            return beside.into_iter().collect();
        }
        let mut places: Vec<PathBuf> = self.folders.iter().map(|dir| dir.join(path)).collect();
        if let Some(own) = &own {
            places.push(own.join("lib").join(path));
            let above =
                std::path::absolute(if own.as_os_str().is_empty() { Path::new(".") } else { own });
            let above = above.unwrap_or_else(|_| own.clone());
            places.extend(above.ancestors().skip(1).map(|dir| dir.join("lib").join(path)));
        }
        places.extend(self.home.iter().map(|home| home.join(path)));
        places.extend(beside);
        places
    }

    /// The places searched, for a message.
    fn tried(&self, from: &str, path: &str) -> Vec<String> {
        let own = self.folder_of(from).map(|own| own.join(plain(path)).display().to_string());
        if Path::new(path).is_absolute() || path.starts_with('.') {
            return own.into_iter().collect();
        }
        let mut tried = vec![format!("{path} in the library")];
        tried.extend(self.folders.iter().map(|dir| dir.join(path).display().to_string()));
        if own.is_some() {
            tried.push(format!("lib/{path} beside this file and in the folders above"));
        }
        tried.extend(self.home.iter().map(|home| home.join(path).display().to_string()));
        tried.extend(own);
        tried
    }

    fn embedded(&self, wanted: Wanted<'_>) -> Option<Loaded> {
        let name = match wanted {
            Wanted::Module(name) => name,
            Wanted::Include(path) => path.strip_suffix(".mmm")?,
        };
        self.library.module(name)
    }

    fn read(&self, path: &Path) -> Option<Result<Loaded, Missing>> {
        let stamp = stamp_of(path);
        self.seen.borrow_mut().insert(path.to_owned(), stamp);
        let (_, length) = stamp?;
        let refuse = |why: String| {
            let reason = Some(format!("{}: {why}", path.display()));
            Some(Err(Missing { tried: Vec::new(), reason }))
        };
        if length > LONGEST_FILE {
            return refuse("the file is longer than 16 MiB".into());
        }
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return refuse(format!("the file can't be read: {error}")),
        };
        match String::from_utf8(bytes) {
            Ok(text) => Some(Ok(Loaded {
                name: path.display().to_string(),
                text: text.into(),
                tree: None,
                origin: Origin::File,
            })),
            Err(_) => refuse("the file is not UTF-8 text".into()),
        }
    }
}

impl Loader for Files {
    fn load(&self, from: &str, wanted: Wanted<'_>) -> Result<Loaded, Missing> {
        if let Some(loaded) = self.embedded(wanted) {
            return Ok(loaded);
        }
        let path = wanted.path();
        if self.copies_first
            && let Some(copy) = self.copies.find(from, &path)
        {
            return Ok(copy);
        }
        for place in self.places(from, &path) {
            match self.read(&place) {
                Some(Ok(found)) => {
                    self.used.borrow_mut().keep(from, &path, &found);
                    return Ok(found);
                }
                Some(Err(refused)) => return Err(refused),
                None => {}
            }
        }
        if let Some(copy) = self.copies.find(from, &path) {
            self.used.borrow_mut().keep(from, &path, &copy);
            let mut missed = self.missed.borrow_mut();
            if !missed.contains(&copy.name) {
                missed.push(copy.name.clone());
            }
            return Ok(copy);
        }
        Err(Missing { tried: self.tried(from, &path), reason: None })
    }

    fn library(&self) -> Vec<&str> {
        crate::stdlib::MODULES.iter().map(|(name, _)| *name).collect()
    }

    fn sound_places(&self, from: &str, path: &str) -> Vec<String> {
        let beside = self.folder_of(from).map(|folder| folder.join(plain(path)));
        let places: Vec<PathBuf> = beside.into_iter().chain([PathBuf::from(path)]).collect();
        let mut seen = self.seen.borrow_mut();
        for place in &places {
            seen.insert(place.clone(), stamp_of(place));
        }
        places.into_iter().map(|place| place.display().to_string()).collect()
    }

    fn is_same(&self, a: &str, b: &str) -> bool {
        let whole = |name: &str| {
            fs::canonicalize(self.folder_of(name)?.join(Path::new(name).file_name()?)).ok()
        };
        a == b || (!is_embedded(a) && whole(a).is_some_and(|a| whole(b) == Some(a)))
    }
}

/// Whether this is the name of a module of the embedded library.
pub fn is_embedded(name: &str) -> bool {
    name.starts_with(crate::stdlib::PREFIX)
}

/// A path without a needless `./`.
fn plain(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

fn stamp_of(path: &Path) -> Stamp {
    let data = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((data.modified().unwrap_or(SystemTime::UNIX_EPOCH), data.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for each test, gone at its end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("attacca-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a folder for temporary files");
            Self(path)
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // What is left of a temporary folder does no harm.
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn text(files: &Files, from: &Path, wanted: Wanted<'_>) -> Option<String> {
        files.load(&from.display().to_string(), wanted).ok().map(|it| it.text.to_string())
    }

    #[test]
    fn the_library_comes_first_then_folders_then_what_is_beside() {
        let folder = Folder::new("order");
        let patch = folder.0.join("songs/night/patch.mmm");
        let files = Files::library().with_folders(&[folder.0.join("mine")]).in_folder("");
        let find = |wanted| text(&files, &patch, wanted);
        folder.write("songs/night/tone.mmm", "beside");
        folder.write("songs/night/osc.mmm", "not found");
        assert_eq!(find(Wanted::Module("tone")).as_deref(), Some("beside"));
        folder.write("songs/lib/tone.mmm", "above");
        assert_eq!(find(Wanted::Module("tone")).as_deref(), Some("above"));
        folder.write("songs/night/lib/tone.mmm", "lib");
        assert_eq!(find(Wanted::Module("tone")).as_deref(), Some("lib"));
        folder.write("mine/tone.mmm", "given");
        assert_eq!(find(Wanted::Module("tone")).as_deref(), Some("given"));
        assert_eq!(find(Wanted::Include("./tone.mmm")).as_deref(), Some("beside"));
        assert_eq!(find(Wanted::Include("../night/tone.mmm")).as_deref(), Some("beside"));
        assert!(find(Wanted::Module("osc")).is_some_and(|text| text.contains("phasor")));
        assert!(find(Wanted::Include("osc.mmm")).is_some_and(|text| text.contains("phasor")));
        assert_eq!(find(Wanted::Include("./osc.mmm")).as_deref(), Some("not found"));
        let absolute = folder.0.join("songs/night/tone.mmm").display().to_string();
        assert_eq!(find(Wanted::Include(&absolute)).as_deref(), Some("beside"));
    }

    #[test]
    fn names_of_found_files_find_further_ones() {
        let folder = Folder::new("further");
        folder.write("lib/first.mmm", "first");
        folder.write("lib/second.mmm", "second");
        for base in [folder.0.clone(), folder.0.join("lib").join("..")] {
            let files = Files::library().in_folder(base);
            let first = files.load("patch.mmm", Wanted::Module("first")).expect("it is there");
            let second = files.load(&first.name, Wanted::Include("./second.mmm"));
            assert_eq!(&*second.expect("it is there").text, "second");
            assert!(files.is_same(&first.name, "lib/first.mmm"), "{}", first.name);
            assert!(!files.is_same(&first.name, "lib/second.mmm"));
        }
    }

    #[test]
    fn a_program_without_a_file_finds_the_library_only() {
        let files = Files::library();
        assert!(files.load("patch.mmm", Wanted::Module("filter")).is_ok());
        let missing = files.load("patch.mmm", Wanted::Module("nothing")).expect_err("no such file");
        assert_eq!(missing.tried, ["nothing.mmm in the library"]);
        assert!(files.load("patch.mmm", Wanted::Include("./Cargo.toml")).is_err());
        assert!(!files.any());
    }

    #[test]
    fn changes_are_noticed_also_of_files_that_were_missing() {
        let folder = Folder::new("changes");
        let files = Files::library().in_folder(&folder.0);
        assert!(files.load("patch.mmm", Wanted::Module("tone")).is_err());
        assert!(!files.changed());
        folder.write("tone.mmm", "a");
        assert!(files.changed());
        let files = files.fresh();
        assert!(files.load("patch.mmm", Wanted::Module("tone")).is_ok());
        assert!(!files.changed() && files.any());
        folder.write("tone.mmm", "longer");
        assert!(files.changed());
        let files = files.fresh();
        assert!(files.load("patch.mmm", Wanted::Module("tone")).is_ok());
        folder.write("lib/tone.mmm", "found before the other now");
        assert!(files.changed());
    }

    #[test]
    fn copies_stand_in_for_files_that_are_gone() {
        let folder = Folder::new("copies");
        folder.write("tone.mmm", "include(\"./part.mmm\")");
        folder.write("part.mmm", "part");
        let files = Files::library().in_folder(&folder.0);
        let tone = files.load("patch.mmm", Wanted::Module("tone")).expect("it is there");
        assert!(files.load(&tone.name, Wanted::Include("./part.mmm")).is_ok());
        assert_eq!((files.used().len(), files.missed().len()), (2, 0));
        drop(folder);
        let elsewhere = Folder::new("copies-elsewhere");
        let other = Files::library().in_folder(&elsewhere.0).with_copies(files.used());
        let tone = other.load("patch.mmm", Wanted::Module("tone")).expect("the copy");
        let part = other.load(&tone.name, Wanted::Include("./part.mmm")).expect("the other copy");
        assert_eq!(&*part.text, "part");
        assert_eq!((other.used(), other.missed().len()), (files.used(), 2));
        elsewhere.write("tone.mmm", "mine");
        assert!(other.changed());
        let other = other.fresh();
        let tone = other.load("patch.mmm", Wanted::Module("tone")).expect("the file");
        assert_eq!((&*tone.text, other.missed().len()), ("mine", 0));
        assert!(other.load("patch.mmm", Wanted::Module("nothing")).is_err());
    }

    #[test]
    fn what_is_no_text_is_refused_with_a_reason() {
        let folder = Folder::new("bytes");
        fs::write(folder.0.join("tone.mmm"), [0xff, 0xfe]).expect("a file can be written");
        let files = Files::library().in_folder(&folder.0);
        let missing = files.load("patch.mmm", Wanted::Module("tone")).expect_err("not text");
        assert!(missing.reason.is_some_and(|why| why.ends_with("the file is not UTF-8 text")));
    }
}
