//! The words for a value of one type where another is needed.
//!
//! Takes both types, the place and why the place needs its type; gives the message. Never decides
//! what is a mistake.

use super::error::Why;
use super::ty::{Printer, Ty};
use crate::diag::Diagnostic;
use crate::source::Span;

/// One type found where another is expected.
pub(super) fn mismatch(
    code: &'static str,
    print: &mut Printer<'_>,
    (expected, found): (&Ty, &Ty),
    at: Span,
    why: Why,
) -> Diagnostic {
    let advice = |out: Diagnostic| match expected {
        _ if matches!(why, Why::Scrutinee(_)) => out,
        Ty::Number => with_advice(out, found),
        Ty::Variant(..) | Ty::Union(_) if matches!(found, Ty::Func(func) if func.ret == *expected) => {
            out.help("to make a value, call it with what it carries")
        }
        Ty::Int
        | Ty::Str
        | Ty::Unit
        | Ty::Tuple(_)
        | Ty::Record(_)
        | Ty::Func(_)
        | Ty::Array(_)
        | Ty::Code(_)
        | Ty::Variant(..)
        | Ty::Union(_)
        | Ty::Var(_)
        | Ty::Error => out,
    };
    let (expected, found) = (wanted(print, expected), print.show(found));
    let message = match why {
        Why::Condition => format!("the condition of an `if` must be a number, not `{found}`"),
        Why::Recursion => {
            format!("the function is used as {expected} inside itself, but is `{found}`")
        }
        Why::SelfUse(_) => {
            format!("`self` is used as {expected}, but the function returns `{found}`")
        }
        Why::Annotation(_)
        | Why::Result(_)
        | Why::Argument(_)
        | Why::Pattern(_)
        | Why::Assigned(_)
        | Why::Parameter(_)
        | Why::Element(_)
        | Why::Operand(_) => format!("expected {expected}, found `{found}`"),
        Why::Scrutinee(_) => {
            format!("this pattern is for `{found}`, but `match` looks at {expected}")
        }
        Why::Index => format!("the position in an array must be a number, not `{found}`"),
    };
    let mut out = Diagnostic::error(code, at, message);
    if !matches!(why, Why::Scrutinee(_)) {
        out = out.label(format!("this is `{found}`"));
    }
    if let Some((span, words)) = why.words() {
        out = out.also(span, words);
    }
    advice(out)
}

/// Tuples of different lengths.
pub(super) fn length(
    print: &mut Printer<'_>,
    (expected, found): (&Ty, &Ty),
    at: Span,
    why: Why,
) -> Diagnostic {
    let (Ty::Tuple(wanted), Ty::Tuple(given)) = (expected, found) else {
        return mismatch("tuple-length", print, (expected, found), at, why);
    };
    if wanted.len() == given.len() {
        return mismatch("tuple-length", print, (expected, found), at, why);
    }
    let (wanted, given) = (wanted.len(), given.len());
    let out = if let Why::Scrutinee(_) = why {
        let message =
            format!("this pattern is for a tuple of {given}, but `match` looks at one of {wanted}");
        Diagnostic::error("tuple-length", at, message)
    } else {
        let message = format!("expected a tuple of {wanted}, found one of {given}");
        let out = Diagnostic::error("tuple-length", at, message);
        out.label(format!("this is `{}`", print.show(found)))
    };
    match why.words() {
        Some((span, words)) => out.also(span, words),
        None => out,
    }
}

/// What is expected, in words where a type would show letters that the program does not have.
fn wanted(print: &mut Printer<'_>, ty: &Ty) -> String {
    match ty {
        Ty::Tuple(parts) if parts.iter().all(|part| print.is_unknown(part)) => {
            format!("a tuple of {}", plural(parts.len(), "element"))
        }
        Ty::Var(_) if !print.is_unknown(ty) => format!("a record, as `{}`", print.show(ty)),
        Ty::Number
        | Ty::Int
        | Ty::Str
        | Ty::Unit
        | Ty::Tuple(_)
        | Ty::Record(_)
        | Ty::Func(_)
        | Ty::Array(_)
        | Ty::Code(_)
        | Ty::Variant(..)
        | Ty::Union(_)
        | Ty::Var(_)
        | Ty::Error => format!("`{}`", print.show(ty)),
    }
}

/// What is often forgotten when such a value stands in the wrong place.
pub(super) fn with_advice(out: Diagnostic, found: &Ty) -> Diagnostic {
    match found {
        Ty::Unit => out.help(
            "`()` is no value: it is what an assignment or a `let` gives; to compare, write `==`",
        ),
        Ty::Func(func) if func.arg == Ty::Unit => {
            out.help("to get the result of the function, call it: write `()` behind its name")
        }
        Ty::Record(fields) => match fields.first() {
            Some((name, _)) => {
                out.help(format!("perhaps one of its fields was meant, as `.{name}`"))
            }
            None => out,
        },
        Ty::Variant(..) | Ty::Union(_) => out.help("take it apart with `match`"),
        Ty::Number
        | Ty::Int
        | Ty::Str
        | Ty::Tuple(_)
        | Ty::Func(_)
        | Ty::Array(_)
        | Ty::Code(_)
        | Ty::Var(_)
        | Ty::Error => out,
    }
}

pub(super) fn plural(n: usize, what: &str) -> String {
    match n {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}
