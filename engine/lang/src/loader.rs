//! Where the texts of modules and included files come from.
//!
//! The compiler does no I/O: it asks a [`Loader`] for a module or an included file by name, and gets a
//! text or the list of places that were looked at. Here are the question, the answer, and two loaders
//! without files: [`NoFiles`] and [`Memory`].

use std::sync::Arc;

use crate::syntax::TextTree;

/// What a text asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// `mod name` or `use name`.
    Module(&'a str),
    /// `include("path")`.
    Include(&'a str),
}

impl Wanted<'_> {
    /// The path to search for: `name.mmm` of a module, an included path as it is written.
    pub fn path(self) -> String {
        match self {
            Self::Module(name) => format!("{name}.mmm"),
            Self::Include(path) => path.to_owned(),
        }
    }
}

/// How far a text is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The standard library: known to be right, so only what is used of it is looked at.
    Library,
    /// A file of the user: all of it is checked.
    File,
}

/// A text that was found.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its name for messages, and the name it asks under for further files.
    pub name: String,
    /// The text.
    pub text: Arc<str>,
    /// Its tree, if it was parsed before, without mistakes.
    pub tree: Option<TextTree>,
    /// Whose it is.
    pub origin: Origin,
}

/// Nothing was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Places looked at, in order.
    pub tried: Vec<String>,
    /// Why the search ended early, as a sentence without full stop; for a file that can't be read.
    pub reason: Option<String>,
}

/// Finds texts.
pub trait Loader {
    /// Finds what the text named `from` asks for.
    fn load(&self, from: &str, wanted: Wanted<'_>) -> Result<Loaded, Missing>;

    /// Names of the modules of the standard library, for suggestions.
    fn library(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Where a sound file that the text named `from` asks for may be, in order. The host reads it.
    fn sound_places(&self, _from: &str, path: &str) -> Vec<String> {
        vec![path.to_owned()]
    }

    /// Whether two names mean the same file.
    fn is_same(&self, a: &str, b: &str) -> bool {
        a == b
    }
}

/// Finds nothing: for programs of one text.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFiles;

impl Loader for NoFiles {
    fn load(&self, _: &str, _: Wanted<'_>) -> Result<Loaded, Missing> {
        Err(Missing::default())
    }
}

/// Finds texts in a list; each is found by its name alone, whoever asks.
///
/// ```
/// use attacca_lang::loader::{Loader, Memory, Wanted};
/// let files = Memory::files([("tone.mmm", "pub fn tone() { 1 }")]);
/// assert!(files.load("patch.mmm", Wanted::Module("tone")).is_ok());
/// assert!(files.load("patch.mmm", Wanted::Include("nothing.mmm")).is_err());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: Vec<(String, Arc<str>, Origin)>,
}

impl Memory {
    /// Texts with their file names.
    pub fn files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter();
        Self { files: files.map(|(name, text)| (name.into(), text.into(), Origin::File)).collect() }
    }

    /// Adds a module of the standard library.
    #[must_use]
    pub fn library(mut self, name: &str, text: &str) -> Self {
        self.files.push((format!("{name}.mmm"), text.into(), Origin::Library));
        self
    }
}

impl Loader for Memory {
    fn load(&self, _: &str, wanted: Wanted<'_>) -> Result<Loaded, Missing> {
        let path = wanted.path();
        let wanted = path.strip_prefix("./").unwrap_or(&path);
        match self.files.iter().find(|(name, ..)| name == wanted) {
            Some((name, text, origin)) => Ok(Loaded {
                name: name.clone(),
                text: Arc::clone(text),
                tree: None,
                origin: *origin,
            }),
            None => Err(Missing { tried: vec![path], reason: None }),
        }
    }

    fn library(&self) -> Vec<&str> {
        let library = self.files.iter().filter(|(.., origin)| *origin == Origin::Library);
        library.map(|(name, ..)| name.trim_end_matches(".mmm")).collect()
    }
}
