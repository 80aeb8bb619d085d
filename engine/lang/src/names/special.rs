//! Macro calls that are understood ahead of the macro stage, with literal arguments only.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only a few kinds of tokens and trees are special at each place"
)]

use super::Resolve;
use super::expr::MACROS;
use super::suggest::nearest;
use crate::diag::Diagnostic;
use crate::hir::{ExprId, ExprKind};
use crate::source::Span;
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{self, Node};

/// The last MIDI channel of `midi_note_mono!`.
const LAST_CHANNEL: f64 = 15.0;

impl Resolve<'_> {
    pub(super) fn macro_call(&mut self, call: &ast::MacroCall) -> ExprId {
        let span = self.span_of(call.syntax());
        let name = call.path().and_then(|path| path.plain());
        let args: Vec<ast::Expr> = call.args().collect();
        let kind = match name.as_ref().map(|name| name.text()) {
            Some("Control") => self.control(&args, span),
            Some("midi_note_mono") => self.midi_note(&args, span),
            Some(other) => {
                self.other_macro(other, span);
                None
            }
            None => {
                if !self.foreign_any {
                    self.not_supported(span, "calling macros from modules is");
                }
                None
            }
        };
        self.add(kind.unwrap_or(ExprKind::Error), span)
    }

    /// A macro of a library or of the program.
    fn other_macro(&mut self, name: &str, span: Span) {
        if self.foreign_any || self.foreign.contains(name) {
            return;
        }
        let message = format!("the macro `{name}!` is not supported yet");
        let error = Diagnostic::error("not-supported-yet", span, message);
        let small = name.to_lowercase();
        let near = MACROS.iter().copied().find(|it| it.to_lowercase() == small);
        self.report(match near.or_else(|| nearest(name, MACROS.iter().copied())) {
            Some(near) => error.help(format!("did you mean `{near}!`?")),
            None => error,
        });
    }

    fn control(&mut self, args: &[ast::Expr], span: Span) -> Option<ExprKind> {
        let [name, initial] = args else {
            self.wrong_count(("Control!", 2), args.len(), "Control!(\"name\", initial)", span);
            return None;
        };
        let name = self.literal(name, literal_string, "a name in quotes");
        let initial = self.literal(initial, literal_number, "a number");
        Some(ExprKind::Control { name: name?.into(), initial: initial? })
    }

    fn midi_note(&mut self, args: &[ast::Expr], span: Span) -> Option<ExprKind> {
        let [channel_arg, note, velocity] = args else {
            let form = "midi_note_mono!(channel, note, velocity)";
            self.wrong_count(("midi_note_mono!", 3), args.len(), form, span);
            return None;
        };
        let channel = self.literal(channel_arg, literal_number, "a number");
        let note = self.literal(note, literal_number, "a number");
        let velocity = self.literal(velocity, literal_number, "a number");
        let channel = channel?;
        if !(0.0..=LAST_CHANNEL).contains(&channel) || channel.fract() != 0.0 {
            let at = self.span_of(channel_arg.syntax());
            let error = Diagnostic::error(
                "midi-channel",
                at,
                format!("there is no MIDI channel {channel}"),
            );
            self.report(
                error.help(
                    "channels are the whole numbers from 0 to 14, and 15, which is never heard",
                ),
            );
            return None;
        }
        Some(ExprKind::MidiNote { channel: channel as u8, note: note?, velocity: velocity? })
    }

    fn wrong_count(&mut self, (name, wanted): (&str, usize), given: usize, form: &str, span: Span) {
        let message = format!("`{name}` takes {wanted} arguments, {given} given");
        let error = Diagnostic::error("wrong-argument-count", span, message);
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
                let message = format!("{wanted} is expected here");
                self.report(Diagnostic::error("macro-argument", span, message));
            } else {
                self.computed_argument(span, wanted);
            }
        }
        found
    }
}

impl Resolve<'_> {
    fn computed_argument(&mut self, span: Span, wanted: &str) {
        let message = "a macro argument that has to be computed is not supported yet";
        let error = Diagnostic::error("not-supported-yet", span, message);
        self.report(error.help(format!("write the value itself: {wanted}")));
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
