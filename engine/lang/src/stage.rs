//! Runs the macro code of a program: gives back one without quotes and splices.
//!
//! Takes a program that was checked at both stages. For now only the host's macros with literal
//! arguments are run.

use crate::builtins::Builtin;
use crate::diag::{Diagnostic, Diagnostics};
use crate::hir::{ExprId, ExprKind, Program};
use crate::source::Span;
use crate::types::{self, Typed};
use attacca_rt::code::CellSource;
use smol_str::SmolStr;

/// The last MIDI channel of `midi_note_mono!`.
const LAST_CHANNEL: f64 = 15.0;

/// A program without macro code, checked again if there was any. After errors nothing is run.
pub fn run(typed: Typed, diags: &mut Diagnostics) -> Typed {
    if diags.has_errors() || !is_staged(&typed.program) {
        return typed;
    }
    let flat = expand(&typed, diags);
    if diags.has_errors() { typed } else { types::check(flat, diags) }
}

/// Whether a program has any macro code.
pub fn is_staged(program: &Program) -> bool {
    program.exprs.values().any(|expr| matches!(expr.kind, ExprKind::Splice(_) | ExprKind::Quote(_)))
}

/// Runs all macro code.
pub fn expand(typed: &Typed, diags: &mut Diagnostics) -> Program {
    let mut program = typed.program.clone();
    let splices: Vec<(ExprId, ExprId)> = program
        .exprs
        .iter()
        .filter_map(|(id, expr)| match &expr.kind {
            ExprKind::Splice(code) => Some((id, *code)),
            _ => None,
        })
        .collect();
    for (id, code) in splices {
        let kind = host_macro(&mut program, code, diags);
        if let Some(expr) = program.exprs.get_mut(id) {
            expr.kind = kind;
        }
    }
    program
}

fn host_macro(program: &mut Program, code: ExprId, diags: &mut Diagnostics) -> ExprKind {
    let at = program.exprs.get(code).map(|expr| expr.span);
    let found = at.and_then(|at| Some((call_of(program, code)?, at)));
    match found {
        Some(((Builtin::Control, args), _)) => match args.as_slice() {
            [Literal::Str(name), Literal::Number(initial)] => {
                let reach = initial.abs().max(1.0);
                ExprKind::Cell(Box::new(CellSource::Control {
                    name: name.to_string(),
                    initial: *initial,
                    min: initial - reach,
                    max: initial + reach,
                }))
            }
            _ => unsupported(at, diags),
        },
        Some(((Builtin::MidiNoteMono, args), at)) => match args.as_slice() {
            [Literal::Number(channel), Literal::Number(note), Literal::Number(velocity)] => {
                if !(0.0..=LAST_CHANNEL).contains(channel) || channel.fract() != 0.0 {
                    let message = format!("there is no MIDI channel {channel}");
                    let error = Diagnostic::error("midi-channel", at, message);
                    diags.push(error.help(
                        "channels are the whole numbers from 0 to 14, and 15, which is never heard",
                    ));
                    return ExprKind::Error;
                }
                let channel = *channel as u8;
                let pitch = CellSource::MidiPitch { channel, initial: *note };
                let velocity = CellSource::MidiVelocity { channel, initial: *velocity };
                let mut cell = |source| {
                    let like = program.exprs.get(code).cloned();
                    let kind = ExprKind::Cell(Box::new(source));
                    like.map(|like| program.exprs.push(crate::hir::Expr { kind, ..like }))
                };
                let fields = [("pitch", cell(pitch)), ("velocity", cell(velocity))];
                let fields = fields.into_iter().filter_map(|(name, id)| Some((name.into(), id?)));
                ExprKind::Record(fields.collect())
            }
            _ => unsupported(Some(at), diags),
        },
        _ => unsupported(at, diags),
    }
}

fn unsupported(at: Option<Span>, diags: &mut Diagnostics) -> ExprKind {
    if let Some(at) = at {
        diags.push(Diagnostic::error("not-supported-yet", at, "this macro is not supported yet"));
    }
    ExprKind::Error
}

enum Literal {
    Number(f64),
    Str(SmolStr),
    Other,
}

fn call_of(program: &Program, code: ExprId) -> Option<(Builtin, Vec<Literal>)> {
    let ExprKind::Call { callee, args } = &program.exprs.get(code)?.kind else { return None };
    let ExprKind::Builtin(builtin) = program.exprs.get(*callee)?.kind else { return None };
    Some((builtin, args.iter().map(|arg| literal(program, *arg)).collect()))
}

fn literal(program: &Program, id: ExprId) -> Literal {
    match program.exprs.get(id).map(|expr| &expr.kind) {
        Some(ExprKind::Number(value)) => Literal::Number(*value),
        Some(ExprKind::Str(text)) => Literal::Str(text.clone()),
        Some(ExprKind::Call { callee, args }) => {
            let minus = program.exprs.get(*callee).map(|callee| &callee.kind);
            match (minus, args.as_slice()) {
                (Some(ExprKind::Builtin(Builtin::Sub)), [zero, value]) => {
                    match (literal(program, *zero), literal(program, *value)) {
                        (Literal::Number(zero), Literal::Number(value)) => {
                            Literal::Number(zero - value)
                        }
                        _ => Literal::Other,
                    }
                }
                _ => Literal::Other,
            }
        }
        _ => Literal::Other,
    }
}
