//! Macro calls that are understood ahead of the macro stage, with literal arguments only.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only a few kinds of tokens and trees are special at each place"
)]

use super::Resolve;
use crate::diag::Diagnostic;
use crate::hir::{ExprId, ExprKind};
use crate::source::Span;
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{self, Node};

/// The last MIDI channel of `midi_note_mono!`.
const LAST_CHANNEL: f64 = 14.0;

impl Resolve<'_> {
    pub(super) fn macro_call(&mut self, call: &ast::MacroCall) -> ExprId {
        let span = self.span_of(call.syntax());
        let name = call.path().and_then(|path| path.plain());
        let args: Vec<ast::Expr> = call.args().collect();
        let kind = match name.as_ref().map(|name| name.text()) {
            Some("Control") => self.control(&args, span),
            Some("midi_note_mono") => self.midi_note(&args, span),
            Some(other) => {
                self.not_supported(span, &format!("the macro `{other}!` is"));
                None
            }
            None => {
                self.not_supported(span, "calling macros of modules is");
                None
            }
        };
        self.add(kind.unwrap_or(ExprKind::Error), span)
    }

    fn control(&mut self, args: &[ast::Expr], span: Span) -> Option<ExprKind> {
        let [name, initial] = args else {
            self.wrong_count("Control!(\"name\", initial)", span);
            return None;
        };
        let name = self.literal(name, literal_string, "a name in quotes");
        let initial = self.literal(initial, literal_number, "a number");
        Some(ExprKind::Control { name: name?.into(), initial: initial? })
    }

    fn midi_note(&mut self, args: &[ast::Expr], span: Span) -> Option<ExprKind> {
        let [channel_arg, note, velocity] = args else {
            self.wrong_count("midi_note_mono!(channel, note, velocity)", span);
            return None;
        };
        let channel = self.literal(channel_arg, literal_number, "a number");
        let note = self.literal(note, literal_number, "a number");
        let velocity = self.literal(velocity, literal_number, "a number");
        let channel = channel?;
        if !(0.0..=LAST_CHANNEL).contains(&channel) || channel.fract() != 0.0 {
            let at = self.span_of(channel_arg.syntax());
            let error = Diagnostic::error("midi-channel", at, "there is no such MIDI channel");
            self.report(error.help("channels are the whole numbers from 0 to 14"));
            return None;
        }
        Some(ExprKind::MidiNote { channel: channel as u8, note: note?, velocity: velocity? })
    }

    fn wrong_count(&mut self, form: &str, span: Span) {
        let error = Diagnostic::error("wrong-argument-count", span, "wrong number of arguments");
        self.report(error.help(format!("write {form}")));
    }

    /// A literal argument. Other forms belong to the macro stage.
    fn literal<T>(
        &mut self,
        arg: &ast::Expr,
        read: fn(&ast::Expr) -> Option<T>,
        wanted: &str,
    ) -> Option<T> {
        let found = read(arg);
        if found.is_none() {
            let span = self.span_of(arg.syntax());
            if matches!(arg, ast::Expr::Literal(_)) {
                let message = format!("{wanted} goes here");
                self.report(Diagnostic::error("macro-argument", span, message));
            } else {
                self.not_supported(span, "a macro argument other than a literal is");
            }
        }
        found
    }
}

fn literal_string(arg: &ast::Expr) -> Option<String> {
    match arg {
        ast::Expr::Literal(it) => it.string(),
        _ => None,
    }
}

/// A number, perhaps with a minus (`0.0 - x`, as everywhere).
fn literal_number(arg: &ast::Expr) -> Option<f64> {
    match arg {
        ast::Expr::Literal(it) => it.number(),
        ast::Expr::PrefixExpr(it) if it.op()?.kind() == SyntaxKind::Minus => {
            Some(0.0 - literal_number(&it.operand()?)?)
        }
        ast::Expr::ParenExpr(it) => literal_number(&it.expr()?),
        _ => None,
    }
}
