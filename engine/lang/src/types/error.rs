//! Every message of the type checker: what is wrong as data, and the one place that words it.
//!
//! | code | says |
//! |---|---|
//! | `type-mismatch` | a value has another type than its place needs |
//! | `branches-differ` | the branches of an `if` have different types |
//! | `arms-differ` | the arms of a `match` have different types |
//! | `missing-else` | an `if` without `else` gives a value |
//! | `not-a-function` | something else is called |
//! | `wrong-argument-count` | a call with too few or too many arguments |
//! | `missing-argument` | a call by record leaves out a parameter without default |
//! | `tuple-length` | tuples of different lengths |
//! | `tuple-index` | a projection beyond the tuple's end, or of something else |
//! | `unknown-tuple` | a projection of a type that is not known yet |
//! | `no-such-field` | a record without the field |
//! | `not-a-record` | field access on something else |
//! | `not-numeric` | arithmetic on something else than numbers |
//! | `shapes-differ` | arithmetic on tuples of different shapes |
//! | `tuple-too-long` | arithmetic on, or spreading over, more than 16 elements |
//! | `infinite-type` | a type that would contain itself |
//! | `type-too-large` | a type beyond the checker's limits |
//! | `nested-too-deeply` | expressions beyond the checker's limits |
//! | `self-function` | `self` in a function that returns a function |
//! | `self-outside` | `self` where no function is |
//! | `letrec-not-function` | `letrec` of something else than a function |
//! | `letrec-assigned` | assignment to a local recursive function |
//! | `delay-max` | the maximum of `delay` is no literal, or out of range |
//! | `builtin-not-a-value` | `mem` or `delay` used as a value |
//! | `missing-dsp`, `dsp-not-a-function`, `dsp-input`, `dsp-output` | the shape of `dsp` |

use crate::diag::Diagnostic;
use crate::names::nearest;
use crate::source::Span;
use smol_str::SmolStr;

use super::mismatch::{length, mismatch, plural, with_advice};
use super::ty::{Printer, Rows, Ty};

/// Longest delay, in samples, that a program may ask for.
pub const MAX_DELAY: f64 = 16_777_216.0;
/// Most elements of a tuple in arithmetic and spreading.
pub(crate) const MAX_SPREAD: usize = 16;

/// Why a place needs a certain type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why {
    /// The annotation of a `let` or parameter.
    Annotation(Span),
    /// The declared result of a function.
    Result(Span),
    /// A function's parameter; the place is the called expression.
    Argument(Span),
    /// The condition of an `if`.
    Condition,
    /// The left side of a `let`.
    Pattern(Span),
    /// The variable that is assigned.
    Assigned(Span),
    /// The parameter that an argument or a default is for.
    Parameter(Span),
    /// The other operand.
    Operand(Span),
    /// Where `self`, the last result, is used.
    SelfUse(Span),
    /// The recursive uses of a function inside itself.
    Recursion,
    /// The first element of an array.
    Element(Span),
    /// The position in an array.
    Index,
    /// What a `match` looks at.
    Scrutinee(Span),
}

impl Why {
    pub(super) fn words(self) -> Option<(Span, &'static str)> {
        match self {
            Self::Annotation(span) => Some((span, "expected because of this annotation")),
            Self::Result(span) => {
                Some((span, "expected because the function is declared to return this"))
            }
            Self::Argument(span) => Some((span, "expected because of this function's parameters")),
            Self::Pattern(span) => Some((span, "expected because of this pattern")),
            Self::Assigned(span) => Some((span, "the variable is bound here")),
            Self::Parameter(span) => Some((span, "expected because of this parameter")),
            Self::Operand(span) => Some((span, "compared with this")),
            Self::SelfUse(span) => Some((span, "`self` is the function's last result")),
            Self::Element(span) => Some((span, "the elements of an array have one type")),
            Self::Scrutinee(span) => Some((span, "this is what `match` looks at")),
            Self::Condition | Self::Recursion | Self::Index => None,
        }
    }
}

/// A mistake found by the type checker.
#[derive(Clone, Debug)]
pub(crate) enum TypeError {
    Mismatch {
        expected: Ty,
        found: Ty,
        at: Span,
        why: Why,
    },
    Length {
        expected: Ty,
        found: Ty,
        at: Span,
        why: Why,
    },
    Branches {
        then: Ty,
        other: Ty,
        then_at: Span,
        at: Span,
    },
    Arms {
        then: Ty,
        other: Ty,
        then_at: Span,
        at: Span,
    },
    MissingElse {
        found: Ty,
        at: Span,
        whole: Span,
    },
    NotAFunction {
        found: Ty,
        at: Span,
        piped: bool,
        /// The `(` stands apart: perhaps it was to begin another statement.
        apart: bool,
    },
    ArgumentCount {
        callee: Option<SmolStr>,
        wanted: usize,
        given: usize,
        at: Span,
        declared: Option<Span>,
        hint: Option<String>,
    },
    MissingArgument {
        callee: Option<SmolStr>,
        missing: Vec<SmolStr>,
        at: Span,
        declared: Option<Span>,
        /// A field with nearly the name of the first one.
        misspelt: Option<SmolStr>,
    },
    TupleIndex {
        index: u32,
        found: Ty,
        at: Span,
    },
    UnknownTuple {
        index: u32,
        at: Span,
        of_self: bool,
    },
    NoSuchField {
        field: SmolStr,
        found: Ty,
        at: Span,
        why: Option<Why>,
    },
    NotARecord {
        field: SmolStr,
        found: Ty,
        at: Span,
    },
    NotNumeric {
        op: &'static str,
        found: Ty,
        at: Span,
    },
    /// An operator other than `+ - * /`.
    OnlyNumbers {
        op: &'static str,
        found: Ty,
        at: Span,
    },
    ShapesDiffer {
        op: &'static str,
        left: Ty,
        right: Ty,
        at: Span,
        /// The operands.
        places: [Span; 2],
    },
    TooLong {
        length: usize,
        at: Span,
    },
    Infinite {
        at: Span,
    },
    Large {
        at: Span,
    },
    Deep {
        at: Span,
    },
    SelfFunction {
        ret: Ty,
        at: Span,
        function: Span,
    },
    SelfOutside {
        at: Span,
    },
    LetrecNotFunction {
        found: Ty,
        at: Span,
    },
    LetrecAssigned {
        name: SmolStr,
        at: Span,
    },
    DelayMax {
        at: Span,
        value: Option<f64>,
    },
    BuiltinValue {
        name: &'static str,
        at: Span,
    },
    MissingDsp {
        at: Span,
        similar: Option<(SmolStr, Span)>,
    },
    DspNotAFunction {
        found: Ty,
        at: Span,
    },
    DspInput {
        found: Ty,
        at: Span,
    },
    DspOutput {
        found: Ty,
        at: Span,
    },
}

impl TypeError {
    /// The message for the reader: one arm a variant, long only as a table is.
    pub(crate) fn diagnostic(&self, rows: &Rows) -> Diagnostic {
        let mut print = Printer::new(rows);
        match self {
            Self::Mismatch { expected, found, at, why } => {
                mismatch("type-mismatch", &mut print, (expected, found), *at, *why)
            }
            Self::Length { expected, found, at, why } => {
                length(&mut print, (expected, found), *at, *why)
            }
            Self::Arms { then, other, then_at, at } => {
                let (then, other) = (print.show(then), print.show(other));
                let message = format!("the arms of this `match` differ: `{then}` and `{other}`");
                Diagnostic::error("arms-differ", *at, message)
                    .label(format!("this is `{other}`"))
                    .also(*then_at, format!("this is `{then}`"))
            }
            Self::Branches { then, other, then_at, at } => {
                let (then, other) = (print.show(then), print.show(other));
                let message = format!("the branches of this `if` differ: `{then}` and `{other}`");
                Diagnostic::error("branches-differ", *at, message)
                    .label(format!("this is `{other}`"))
                    .also(*then_at, format!("this is `{then}`"))
            }
            Self::MissingElse { found, at, whole } => {
                let found = print.show(found);
                Diagnostic::error(
                    "missing-else",
                    *whole,
                    format!("this `if` gives `{found}` but has no `else`"),
                )
                .also(*at, format!("this is `{found}`"))
                .help("add an `else` that gives the value for the other case")
            }
            Self::NotAFunction { found: shown, at, piped, apart } => {
                let found = print.show(shown);
                let message = if *piped {
                    format!("`|>` leads into a function, but this is `{found}`")
                } else {
                    format!("this is called like a function, but is `{found}`")
                };
                let out = Diagnostic::error("not-a-function", *at, message);
                if let Ty::Array(_) = shown {
                    out.help("elements of an array are written a[0]")
                } else if *apart {
                    out.help("if another statement begins here, start a new line before `(`")
                } else {
                    out
                }
            }
            Self::ArgumentCount { callee, wanted, given, at, declared, hint } => {
                let who =
                    callee.as_ref().map_or("this function".into(), |name| format!("`{name}`"));
                let message = format!("{who} takes {}, {given} given", plural(*wanted, "argument"));
                let mut out = Diagnostic::error("wrong-argument-count", *at, message);
                if let Some(declared) = declared {
                    out = out.also(*declared, "declared here");
                }
                if let Some(hint) = hint {
                    out = out.help(hint);
                }
                out
            }
            Self::MissingArgument { callee, missing, at, declared, misspelt } => {
                let who =
                    callee.as_ref().map_or("this function".into(), |name| format!("`{name}`"));
                let names: Vec<_> = missing.iter().map(|name| format!("`{name}`")).collect();
                let message = format!("{who} also needs {}", names.join(" and "));
                let mut out = Diagnostic::error("missing-argument", *at, message);
                if let Some(declared) = declared {
                    out = out.also(*declared, "declared here");
                }
                match (misspelt, missing.first()) {
                    (Some(field), Some(name)) => {
                        out.help(format!("is `{field}` meant to be `{name}`?"))
                    }
                    _ => out.help("give every parameter that has no default a field of its name"),
                }
            }
            Self::TupleIndex { index, found, at } => {
                let shown = print.show(found);
                let message = match found {
                    Ty::Tuple(parts) => format!(
                        "there is no element {index} in a tuple of {}: elements count from 0",
                        parts.len()
                    ),
                    Ty::Number
                    | Ty::Int
                    | Ty::Str
                    | Ty::Unit
                    | Ty::Record(_)
                    | Ty::Func(_)
                    | Ty::Array(_)
                    | Ty::Code(_)
                    | Ty::Variant(..)
                    | Ty::Union(_)
                    | Ty::Var(_)
                    | Ty::Error => {
                        format!("`{shown}` is no tuple, it has no element {index}")
                    }
                };
                let out = Diagnostic::error("tuple-index", *at, message);
                let out = out.label(format!("of `{shown}`"));
                if let Ty::Array(_) = found {
                    return out.help(format!("elements of an array are written a[{index}]"));
                }
                out
            }
            Self::UnknownTuple { index, at, of_self } => {
                let message = format!("element {index} of a value whose type is not known yet");
                let help = match of_self {
                    true => "take it apart by names: let (a, b) = self",
                    false => {
                        "write its type, as t: (float, float), or take it apart: let (a, b) = t"
                    }
                };
                Diagnostic::error("unknown-tuple", *at, message).help(help)
            }
            Self::NoSuchField { field, found, at, why } => {
                let shown = print.show(found);
                let message = format!("`{shown}` has no field `{field}`");
                let mut out = Diagnostic::error("no-such-field", *at, message);
                if let Some((span, words)) = why.and_then(Why::words) {
                    out = out.also(span, words);
                }
                let names = if let Ty::Record(fields) = found { fields.as_ref() } else { &[] };
                match nearest(field, names.iter().map(|(name, _)| name.as_str())) {
                    Some(near) => out.help(format!("did you mean `{near}`?")),
                    None if names.is_empty() || names.len() > 8 => out,
                    None => {
                        let names: Vec<_> =
                            names.iter().map(|(name, _)| format!("`{name}`")).collect();
                        out.help(format!("it has {}", names.join(", ")))
                    }
                }
            }
            Self::NotARecord { field, found, at } => {
                let shown = print.show(found);
                let out = Diagnostic::error(
                    "not-a-record",
                    *at,
                    format!("`{shown}` is no record, it has no field `{field}`"),
                );
                if let (Ty::Array(_), "len" | "length" | "size") = (found, field.as_str()) {
                    return out.help("the number of its elements is written len(a)");
                }
                out
            }
            Self::NotNumeric { op, found, at } => {
                let shown = print.show(found);
                let message =
                    format!("`{op}` works on numbers and tuples of numbers, not on `{shown}`");
                let out = Diagnostic::error("not-numeric", *at, message);
                with_advice(out.label(format!("this is `{shown}`")), found)
            }
            Self::OnlyNumbers { op, found, at } => {
                let shown = print.show(found);
                let message = format!("`{op}` works on numbers, not on `{shown}`");
                let out = Diagnostic::error("not-numeric", *at, message);
                with_advice(out.label(format!("this is `{shown}`")), found)
            }
            Self::ShapesDiffer { op, left, right, at, places: [left_at, right_at] } => {
                let (left, right) = (print.show(left), print.show(right));
                let message = format!("`{op}` needs equal shapes, not `{left}` and `{right}`");
                Diagnostic::error("shapes-differ", *at, message)
                    .also(*left_at, format!("this is `{left}`"))
                    .also(*right_at, format!("this is `{right}`"))
            }
            Self::TooLong { length, at } => {
                let message = format!(
                    "arithmetic works on tuples of up to {MAX_SPREAD} elements, this has {length}"
                );
                Diagnostic::error("tuple-too-long", *at, message)
            }
            Self::Infinite { at } => {
                Diagnostic::error("infinite-type", *at, "the type of this would contain itself")
                    .help("a function can't return itself or take itself as its argument")
            }
            Self::Large { at } => {
                Diagnostic::error("type-too-large", *at, "the type of this has too many parts")
            }
            Self::Deep { at } => {
                Diagnostic::error("nested-too-deeply", *at, "this expression is nested too deeply")
                    .help("split it with `let`")
            }
            Self::SelfFunction { ret, at, function } => {
                let ret = print.show(ret);
                Diagnostic::error(
                    "self-function",
                    *at,
                    "`self` can't be used in a function that returns a function",
                )
                .also(*function, format!("this returns `{ret}`"))
                .help("`self` is the last result, which must be made of numbers")
            }
            Self::SelfOutside { at } => {
                Diagnostic::error("self-outside", *at, "`self` outside of a function")
            }
            Self::LetrecNotFunction { found, at } => {
                let message = "`letrec` defines functions, this is none";
                let out = Diagnostic::error("letrec-not-function", *at, message)
                    .help("use `let`, or write a function: |x| ..");
                if *found == Ty::Error {
                    return out;
                }
                out.label(format!("this is `{}`", print.show(found)))
            }
            Self::LetrecAssigned { name, at } => Diagnostic::error(
                "letrec-assigned",
                *at,
                format!("`{name}` is a recursive function and can't be assigned"),
            )
            .help("bind it to a variable with `let` and assign that one"),
            Self::DelayMax { at, value } => {
                let message = match value {
                    None => {
                        "the longest time of `delay`, its first argument, must be a plain number"
                            .to_owned()
                    }
                    Some(value) => format!(
                        "the longest time of `delay` must be from 0 to {MAX_DELAY} samples, not {value}"
                    ),
                };
                let out = Diagnostic::error("delay-max", *at, message);
                match value {
                    None => out.help("write a number of samples, as 48000; only the time may vary"),
                    Some(_) => out,
                }
            }
            Self::BuiltinValue { name, at } => {
                let help = match *name {
                    "mem" => "wrap it in a function: |x| mem(x)",
                    _ => "wrap it in a function: |x, t| delay(48000, x, t)",
                };
                Diagnostic::error(
                    "builtin-not-a-value",
                    *at,
                    format!("`{name}` can only be called, not kept or passed on"),
                )
                .help(help)
            }
            Self::MissingDsp { at, similar } => {
                let message = "there is no `dsp` function, so there is nothing to play";
                let out = Diagnostic::error("missing-dsp", *at, message);
                match similar {
                    Some((name, span)) => out
                        .also(*span, format!("was `{name}` meant to be it?"))
                        .help("the function that is played has the name `dsp`"),
                    None => out.help("add one: fn dsp() { 0.0 }"),
                }
            }
            Self::DspNotAFunction { found, at } => {
                let found = print.show(found);
                Diagnostic::error(
                    "dsp-not-a-function",
                    *at,
                    format!("`dsp` must be a function, this is `{found}`"),
                )
                .help("write it as one: fn dsp() { .. }")
            }
            Self::DspInput { found, at } => {
                let found = print.show(found);
                Diagnostic::error(
                    "dsp-input",
                    *at,
                    format!("`dsp` takes a number for each input channel, not `{found}`"),
                )
                .help("for two channels write: fn dsp(x: (float, float)) { .. }")
            }
            Self::DspOutput { found, at } => {
                let found = print.show(found);
                let message =
                    format!("`dsp` must return a number for each output channel, not `{found}`");
                Diagnostic::error("dsp-output", *at, message)
                    .help("return one number, or a tuple or record of numbers: (left, right)")
            }
        }
    }
}
