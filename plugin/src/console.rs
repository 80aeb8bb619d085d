//! What the compiler and the engine have said, until the next compile says otherwise.

use crate::editor::{Message, Tape};

/// What the last compile and the engine have said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Console {
    /// How many texts have been compiled.
    pub(crate) compiles: u64,
    /// How many programs have been swapped in.
    pub(crate) swaps: u64,
    /// Whether the last text was accepted.
    pub(crate) accepted: bool,
    /// How long the last compile had to wait for its begin, in milliseconds.
    pub(crate) waited_ms: f64,
    /// Time of the last compile, in milliseconds.
    pub(crate) compile_ms: Option<f64>,
    /// Time of the last swap in the callback, in microseconds.
    pub(crate) swap_us: Option<f64>,
    /// Of the last plan: kept, fresh and dropped state nodes.
    pub(crate) plan: [u32; 3],
    /// The last plan in words.
    pub(crate) plan_text: String,
    /// Messages of the last compile.
    pub(crate) diagnostics: Vec<Message>,
    /// The fault that stopped the program.
    pub(crate) fault: Option<Message>,
    /// What loading the session said.
    pub(crate) notes: Vec<Message>,
    /// What the program that plays was reported to do.
    pub(crate) reports: Vec<Message>,
    /// Names of the files that the program uses.
    pub(crate) files: Vec<String>,
    /// The folder of the files is not there.
    pub(crate) no_folder: bool,
    /// What the program has printed: the last lines.
    pub(crate) printed: String,
    /// How the recording stands.
    pub(crate) tape: Tape,
}

/// Bytes of printed text that are kept.
const MOST_PRINTED: usize = 2_000;

impl Console {
    /// Adds what the program has printed; the oldest lines go.
    pub(crate) fn print(&mut self, text: &str) {
        self.printed += text;
        let over = self.printed.len().saturating_sub(MOST_PRINTED);
        if over > 0 {
            // Numbers and line ends only: every byte is a character.
            let cut = self.printed[over..].find('\n').map_or(over, |at| over + at + 1);
            self.printed.drain(..cut);
        }
    }
}
