//! The engine's words in the window's: messages, controls, notices, colours of tokens.
//!
//! Pure translation in one direction; the only file that must change when the engine says something new.

use crate::editor::{self, SwapAt, Token, TokenKind};
use crate::shared::Shared;
use crate::slots::Slot;
use attacca_engine::ide::{self, Highlight, HighlightKind};
use attacca_engine::session::PATCH;
use attacca_engine::{ControlInfo, Message, Notice, Severity, When};

/// How many different reports are kept; a program can make more than anyone reads.
const MOST_REPORTS: usize = 16;

/// A compiler message as the window shows it. One about another file has no line to mark; its text says
/// where it is.
pub(crate) fn message_of(message: &Message) -> editor::Message {
    let severity = severity_of(message.severity);
    if message.file != PATCH {
        let Message { file, line, column, message: text, .. } = message;
        let mut general =
            editor::Message::general(severity, format!("{file}:{line}:{column}: {text}"));
        general.help.clone_from(&message.help);
        return general;
    }
    editor::Message {
        severity,
        text: message.message.clone(),
        help: message.help.clone(),
        line: message.line,
        column: message.column,
        end_line: message.end_line,
        end_column: message.end_column,
    }
}

fn severity_of(severity: Severity) -> editor::Severity {
    match severity {
        Severity::Error => editor::Severity::Error,
        Severity::Warning => editor::Severity::Warning,
        Severity::Note => editor::Severity::Note,
    }
}

/// A control of the program as a parameter slot.
pub(crate) fn slot_of(control: &ControlInfo) -> Slot {
    Slot {
        slot: control.slot,
        name: control.name.clone(),
        initial: control.initial,
        min: control.min,
        max: control.max,
    }
}

/// A moment in the song as the engine knows it.
pub(crate) fn when_of(swap: SwapAt) -> When {
    match swap {
        SwapAt::Once => When::AtOnce,
        SwapAt::Beat => When::Beat,
        SwapAt::Bar => When::Bar,
        SwapAt::Bars(bars) => When::Bars(bars),
    }
}

/// Writes down what happened while sound runs.
pub(crate) fn tell(shared: &Shared, notice: Notice) {
    match notice {
        Notice::SwapDone { micros, .. } => shared.swapped(micros),
        Notice::Fault { message, line } => {
            let mut fault = editor::Message::general(editor::Severity::Error, message);
            fault.line = line;
            fault.column = 1;
            fault.end_line = line;
            fault.end_column = 1;
            fault.help = "the next good edit plays".to_owned();
            shared.stopped(fault);
        }
        Notice::Printed { text } => shared.note(|console| console.print(&text)),
        Notice::Report { message } => shared.note(|console| {
            let report = editor::Message::general(editor::Severity::Warning, message);
            if !console.reports.contains(&report) && console.reports.len() < MOST_REPORTS {
                console.reports.push(report);
            }
        }),
    }
}

/// The tokens of a text, for the code area.
pub(crate) fn highlight(text: &str) -> Vec<Token> {
    let token = |piece: Highlight| Token { range: piece.range, kind: kind_of(piece.kind) };
    ide::highlight(text).into_iter().map(token).collect()
}

fn kind_of(kind: HighlightKind) -> TokenKind {
    match kind {
        HighlightKind::Keyword => TokenKind::Keyword,
        HighlightKind::Value => TokenKind::Value,
        HighlightKind::Type => TokenKind::Type,
        HighlightKind::Number => TokenKind::Number,
        HighlightKind::String => TokenKind::Text,
        HighlightKind::Comment => TokenKind::Comment,
        HighlightKind::Operator => TokenKind::Operator,
        HighlightKind::Punctuation => TokenKind::Punctuation,
        HighlightKind::Name => TokenKind::Plain,
        HighlightKind::Call => TokenKind::Function,
        HighlightKind::Builtin => TokenKind::Builtin,
        HighlightKind::Macro => TokenKind::Macro,
        HighlightKind::Error => TokenKind::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attacca_engine::Target;
    use attacca_engine::loader::Memory;
    use attacca_engine::pipeline::{self, Options};

    #[test]
    fn only_messages_about_the_program_itself_have_a_line() {
        let files = Memory::files([("tone.mmm", "\npub fn tone() { nope }")]);
        let options = Options { target: Target::Vm, ..Options::default() };
        let text = "use tone\nfn dsp() { what }";
        let compiled = pipeline::compile_with(PATCH, text, &options, &files);
        let shown: Vec<_> = compiled.messages().iter().map(message_of).collect();
        let places: Vec<_> = shown.iter().map(|one| (one.line, one.column)).collect();
        assert_eq!(places, [(2, 12), (0, 0)]);
        assert_eq!(shown[1].text, "tone.mmm:2:17: `nope` is not defined here");
    }
}
