//! Copies of the files that a program used, to be kept with a saved session: on a computer that does
//! not have the files, the session opens all the same.
//!
//! [`Copies`] remembers which file answered which question while a program was read, and answers the
//! same questions later. Knows no file system.

use attacca_lang::loader::{Loaded, Origin};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Bytes of text that are kept at most.
const MOST_BYTES: usize = 4 << 20;

/// A file as a program read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCopy {
    /// Where it was.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Who asked for it, and what was asked for.
    pub asked: Vec<(String, String)>,
}

/// Some files' copies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copies {
    files: Vec<FileCopy>,
    bytes: usize,
}

impl Copies {
    /// Copies that were kept.
    pub(crate) fn new(files: Vec<FileCopy>) -> Self {
        let bytes = files.iter().map(|file| file.text.len()).sum();
        Self { files, bytes }
    }

    /// The copies, to be kept.
    pub(crate) fn files(&self) -> &[FileCopy] {
        &self.files
    }

    /// Keeps a file that answered a question.
    pub(crate) fn keep(&mut self, from: &str, path: &str, loaded: &Loaded) {
        let asked = (from.to_owned(), path.to_owned());
        if let Some(file) = self.files.iter_mut().find(|file| file.name == loaded.name) {
            if !file.asked.contains(&asked) {
                file.asked.push(asked);
            }
        } else if self.bytes + loaded.text.len() <= MOST_BYTES {
            self.bytes += loaded.text.len();
            let (name, text) = (loaded.name.clone(), loaded.text.to_string());
            self.files.push(FileCopy { name, text, asked: vec![asked] });
        }
    }

    /// The file that answered this question; or, where files have moved, the only one that anybody
    /// asked for under this name.
    pub(crate) fn find(&self, from: &str, path: &str) -> Option<Loaded> {
        let mut named = self.files.iter().filter(|it| it.asked.iter().any(|(_, one)| one == path));
        let exact = |it: &&FileCopy| it.asked.iter().any(|(who, one)| who == from && one == path);
        let found = match self.files.iter().find(exact) {
            Some(found) => found,
            None => match (named.next(), named.next()) {
                (Some(only), None) => only,
                (Some(_), Some(_)) | (None, _) => return None,
            },
        };
        Some(Loaded {
            name: found.name.clone(),
            text: Arc::from(found.text.as_str()),
            tree: None,
            origin: Origin::File,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(name: &str, text: &str) -> Loaded {
        Loaded { name: name.into(), text: text.into(), tree: None, origin: Origin::File }
    }

    #[test]
    fn the_same_question_has_the_same_answer() {
        let mut copies = Copies::default();
        copies.keep("patch.mmm", "tone.mmm", &loaded("/a/tone.mmm", "one"));
        copies.keep("/a/tone.mmm", "part.mmm", &loaded("/a/lib/part.mmm", "two"));
        copies.keep("patch.mmm", "part.mmm", &loaded("/a/part.mmm", "three"));
        copies.keep("/a/part.mmm", "tone.mmm", &loaded("/a/tone.mmm", "one"));
        let copies = Copies::new(copies.files().to_vec());
        let text = |from, path| copies.find(from, path).map(|it| it.text.to_string());
        assert_eq!(text("patch.mmm", "part.mmm").as_deref(), Some("three"));
        assert_eq!(text("/a/tone.mmm", "part.mmm").as_deref(), Some("two"));
        assert_eq!(text("/b/other.mmm", "tone.mmm").as_deref(), Some("one"));
        assert_eq!(text("/b/other.mmm", "part.mmm"), None);
        assert_eq!(text("patch.mmm", "else.mmm"), None);
        assert_eq!(copies.files().len(), 3);
    }

    #[test]
    fn only_so_much_is_kept() {
        let mut copies = Copies::default();
        copies.keep("p", "a", &loaded("a", &"x".repeat(MOST_BYTES)));
        copies.keep("p", "b", &loaded("b", "y"));
        assert_eq!((copies.files().len(), copies.find("p", "b").is_none()), (1, true));
    }
}
