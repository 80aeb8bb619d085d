//! Arrays, constructors, `match`, incomplete records, and code.

#![expect(clippy::wildcard_enum_match_arm, reason = "only a few kinds are special at each place")]

use std::sync::Arc;

use smol_str::SmolStr;

use super::error::{TypeError, Why};
use super::exhaustive::{self, Fault};
use super::infer::Checker;
use super::mismatch::plural;
use super::table::Clash;
use super::ty::Ty;
use crate::diag::Diagnostic;
use crate::hir::{
    Arm, ExprId, ExprKind, MatchPattern, MemberType, Pattern, SamplePart, TypeId, VariantDef,
};
use crate::source::Span;

impl Checker<'_, '_> {
    /// `[a, b]`: all elements have one type.
    pub(super) fn array(&mut self, parts: &[ExprId]) -> Ty {
        let element = self.table.fresh();
        let mut agree = true;
        let mut first: Option<ExprId> = None;
        for part in parts {
            let found = self.expr(*part);
            match first {
                None => {
                    first = Some(*part);
                    // Nothing is known of the element yet; the type can only be too large.
                    let why = Why::Element(self.span(*part));
                    agree &= self.expect_value(&element, &found, *part, why);
                }
                Some(first) => {
                    let why = Why::Element(self.span(first));
                    agree &= self.expect_value(&element, &found, *part, why);
                }
            }
        }
        if agree { Ty::Array(Arc::new(element)) } else { Ty::Error }
    }

    /// Like `expr` for a place that needs a type. If that has unions in it, what is written out there (the
    /// elements of an array, the parts of a tuple or record) may be members of them.
    pub(super) fn expr_for(&mut self, id: ExprId, expected: &Ty, why: Why) -> Ty {
        if !self.unions {
            return self.expr(id);
        }
        let expected = self.table.zonk(expected);
        if !expected.holds_union() {
            return self.expr(id);
        }
        let program = self.program;
        let ty = match (&program.exprs[id].kind, &expected) {
            (ExprKind::Array(parts), Ty::Array(of)) => {
                let mut agree = true;
                for part in parts {
                    agree &= self.part_for(*part, of, why) != Ty::Error;
                }
                if agree { expected.clone() } else { Ty::Error }
            }
            (ExprKind::Tuple(parts), Ty::Tuple(wanted)) if parts.len() == wanted.len() => {
                let parts = parts.iter().zip(wanted.iter());
                Ty::tuple(parts.map(|(part, ty)| self.part_for(*part, ty, why)).collect::<Vec<_>>())
            }
            (ExprKind::Record(fields), Ty::Record(_)) => {
                let mut out = Vec::with_capacity(fields.len());
                for (name, part) in fields {
                    let ty = match expected.field(name) {
                        Some(wanted) => self.part_for(*part, wanted, why),
                        None => self.expr(*part),
                    };
                    out.push((name.clone(), ty));
                }
                Ty::record(out)
            }
            (ExprKind::Block { stmts, value: Some(value) }, _) => {
                stmts.iter().for_each(|stmt| self.stmt(stmt));
                self.expr_for(*value, &expected, why)
            }
            (ExprKind::If { cond, then, other: Some(other) }, _) => {
                let found = self.expr(*cond);
                self.expect(&Ty::Number, &found, self.span(*cond), Why::Condition);
                let branches = [*then, *other].map(|branch| self.part_for(branch, &expected, why));
                if branches.contains(&Ty::Error) { Ty::Error } else { expected.clone() }
            }
            _ => return self.expr(id),
        };
        self.exprs[id] = Some(ty.clone());
        ty
    }

    /// A part of something written out that needs a type.
    fn part_for(&mut self, part: ExprId, wanted: &Ty, why: Why) -> Ty {
        let found = self.expr_for(part, wanted, why);
        match self.expect_value(wanted, &found, part, why) {
            true => wanted.clone(),
            false => Ty::Error,
        }
    }

    /// `a[i]`.
    pub(super) fn index(&mut self, of: ExprId, index: ExprId) -> Ty {
        let found = self.expr(of);
        let position = self.expr(index);
        self.expect(&Ty::Number, &position, self.span(index), Why::Index);
        let element = self.table.fresh();
        match self.table.resolve(&found) {
            Ty::Error => Ty::Error,
            Ty::Array(element) => (*element).clone(),
            other => {
                let wanted = Ty::Array(Arc::new(element.clone()));
                if self.table.unify(&wanted, &other).is_ok() {
                    return element;
                }
                let at = self.span(of);
                let shown = self.show(&other);
                let error =
                    Diagnostic::error("not-an-array", at, format!("this is {shown}, not an array"));
                let error = match other {
                    Ty::Tuple(_) => error.help("elements of a tuple are written t.0, t.1"),
                    _ => error,
                };
                self.diagnose(error);
                Ty::Error
            }
        }
    }

    /// A type as a message shows it, in backquotes.
    pub(super) fn show(&self, ty: &Ty) -> String {
        let ty = self.table.zonk(ty);
        format!("`{}`", super::Printer::new(&self.table.rows).show(&ty))
    }

    /// A constructor: a value, or a function of what it carries.
    pub(super) fn constructor(&mut self, id: TypeId, index: u32) -> Ty {
        let ty = self.declared(id);
        if ty == Ty::Error {
            return ty;
        }
        match self.payloads[id].get(index as usize) {
            Some(Some(payload)) => Ty::func(payload.clone(), ty),
            Some(None) | None => ty,
        }
    }

    /// `{x = 1, ..}` where it is no argument of a call.
    pub(super) fn incomplete(&mut self, id: ExprId, fields: &[(SmolStr, ExprId)]) -> Ty {
        self.incomplete_fields(fields);
        let error = Diagnostic::error(
            "misplaced-rest",
            self.span(id),
            "`..` leaves fields out, and here nothing says what they are",
        );
        self.diagnose(error.help("`..` is for the record a function with defaults is called with"));
        Ty::Error
    }

    /// The fields that are given of an incomplete record.
    pub(super) fn incomplete_fields(&mut self, fields: &[(SmolStr, ExprId)]) -> Ty {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (name.clone(), self.expr(*value))).collect();
        Ty::record(fields)
    }

    /// `$e`: what the code computes.
    pub(super) fn splice(&mut self, code: ExprId) -> Ty {
        let found = self.expr(code);
        match self.table.resolve(&found) {
            Ty::Code(of) => (*of).clone(),
            Ty::Unit => Ty::Unit,
            Ty::Error => Ty::Error,
            other => {
                let of = self.table.fresh();
                if self.table.unify(&Ty::Code(Arc::new(of.clone())), &other).is_ok() {
                    return of;
                }
                let at = self.result_span(code);
                let shown = self.show(&other);
                let error = Diagnostic::error(
                    "code-expected",
                    at,
                    format!("code is expected here, and this is {shown}"),
                );
                let code_array = matches!(&other, Ty::Array(of)
                    if matches!(self.table.resolve(of), Ty::Code(_)));
                self.diagnose(error.help(if code_array {
                    "code of an array is made from an array of code by lift_array_code(..)"
                } else {
                    "a value becomes code by lift(..), an expression by a quote: `(..)"
                }));
                Ty::Error
            }
        }
    }

    // ---- match ----

    /// `match`: every arm's pattern fits the scrutinee, all bodies have one type.
    pub(super) fn match_expr(&mut self, id: ExprId, scrutinee: ExprId, arms: &[Arm]) -> Ty {
        let found = self.expr(scrutinee);
        let result = self.table.fresh();
        let mut first: Option<ExprId> = None;
        let (mut good, mut agree) = (true, true);
        let mut tasks = Vec::new();
        for arm in arms {
            // What does not fit one arm would seem not to fit the others as well.
            let found = if good { &found } else { &Ty::Error };
            good &= self.match_pattern(&arm.pattern, found, self.span(scrutinee));
            let ty = self.expr(arm.body);
            if self.table.resolve(&ty) == Ty::Unit && self.may_be_zero(arm.body) {
                tasks.push(arm.body);
                continue;
            }
            match first {
                None => {
                    first = Some(arm.body);
                    let agrees = self.table.unify(&result, &ty);
                    debug_assert!(agrees.is_ok() || ty == Ty::Error, "a fresh type fits all");
                }
                Some(first) => agree &= self.arm_type(&result, &ty, first, arm.body),
            }
        }
        for body in tasks {
            match first {
                Some(_) if self.table.resolve(&result) == Ty::Number => self.give_zero(body),
                Some(first) => agree &= self.arm_type(&result, &Ty::Unit, first, body),
                None => {
                    first = Some(body);
                    agree &= self.table.unify(&result, &Ty::Unit).is_ok();
                }
            }
        }
        if arms.is_empty() {
            let error = Diagnostic::error("not-exhaustive", self.span(id), "`match` has no arms");
            self.diagnose(error.help("write at least: _ => .."));
            return Ty::Error;
        }
        if good {
            self.useful_arms(id, &found, arms);
        }
        if agree { result } else { Ty::Error }
    }

    fn arm_type(&mut self, result: &Ty, ty: &Ty, first: ExprId, body: ExprId) -> bool {
        match self.table.unify(result, ty) {
            Ok(()) => return true,
            Err(Clash::Differ | Clash::Length | Clash::Field(_)) => {
                let (then, other) = (self.table.zonk(result), self.table.zonk(ty));
                let (then_at, at) = (self.result_span(first), self.result_span(body));
                self.report(TypeError::Arms { then, other, then_at, at });
            }
            Err(Clash::Infinite | Clash::Large) => {
                self.expect(result, ty, self.span(body), Why::Condition);
            }
        }
        false
    }

    /// Checks a pattern against the type of what it looks at and binds its names.
    fn match_pattern(&mut self, pattern: &MatchPattern, found: &Ty, value: Span) -> bool {
        match pattern {
            MatchPattern::Error(_) => false,
            MatchPattern::Any(_) => true,
            MatchPattern::Number(_, at) => {
                self.expect(found, &Ty::Number, *at, Why::Scrutinee(value))
            }
            MatchPattern::Tuple(parts, _)
                if parts.iter().any(|part| matches!(part, MatchPattern::Error(_))) =>
            {
                for part in parts {
                    self.match_pattern(part, &Ty::Error, value);
                }
                false
            }
            MatchPattern::Tuple(parts, at) => {
                let wanted: Vec<Ty> = parts.iter().map(|_| self.table.fresh()).collect();
                let fits =
                    self.expect(found, &Ty::tuple(wanted.clone()), *at, Why::Scrutinee(value));
                let mut good = fits;
                for (part, ty) in parts.iter().zip(&wanted) {
                    // What one part gets wrong would look wrong in the next as well.
                    let ty = if good { ty } else { &Ty::Error };
                    good &= self.match_pattern(part, ty, value);
                }
                good
            }
            MatchPattern::Variant(ty, index, payload, at) => {
                let declared = self.declared(*ty);
                let fits = match self.same_name(found, *ty, *index) {
                    None => self.expect(found, &declared, *at, Why::Scrutinee(value)),
                    Some(error) => {
                        self.diagnose(
                            Diagnostic { span: *at, ..error }
                                .also(value, "this is what `match` looks at"),
                        );
                        false
                    }
                };
                // Of a value that went wrong nothing is known, nor of what it would carry.
                if declared == Ty::Error || self.table.resolve(found) == Ty::Error {
                    if let Some(payload) = payload {
                        self.pattern(payload, &Ty::Error, *at);
                    }
                    return false;
                }
                let carried = self.payloads[*ty].get(*index as usize).cloned().flatten();
                if let Some(error) = self.payload_length(*ty, *index, payload.as_ref(), *at) {
                    self.diagnose(error);
                    return self.carried(payload.as_ref(), carried, false, *at);
                }
                self.carried(payload.as_ref(), carried, fits, *at)
            }
            MatchPattern::Member(member, payload, at) => {
                let carried = self.member(*member, found, *at);
                let fits = carried.is_some();
                let carried = carried.unwrap_or(Ty::Error);
                self.carried(payload.as_ref(), Some(carried), fits, *at)
            }
        }
    }

    /// The message about a constructor of one type where another type is needed that has a constructor of
    /// this name too.
    fn same_name(&self, expected: &Ty, ty: TypeId, index: u32) -> Option<Diagnostic> {
        let Ty::Variant(other, _) = self.table.resolve(expected) else { return None };
        let (own, other) =
            (self.program.types.get(ty)?, self.program.types.get(other).filter(|_| other != ty)?);
        let variant = own.variants.get(index as usize)?;
        let hidden = other.variants.iter().find(|it| it.name == variant.name)?;
        let (name, own, other) = (&variant.name, &own.name, &other.name);
        let message =
            format!("`{name}` is the constructor of `{own}` here, and `{other}` is needed");
        let error = Diagnostic::error("type-mismatch", variant.span, message);
        let error = error.also(variant.span, "it is this one, the last of its name");
        let error = error.also(hidden.span, format!("the one of `{other}` is hidden by it"));
        Some(error.help("constructors have one name in the whole program; give yours another one"))
    }

    /// What to say when two types differ because of types that have a constructor of one name.
    pub(super) fn hidden_constructor(&self, expected: &Ty, found: &Ty) -> Option<String> {
        let (Ty::Variant(a, _), Ty::Variant(b, _)) = (expected, found) else {
            let (ours, theirs) = (expected.parts(), found.parts());
            let mut pairs = ours.into_iter().zip(theirs);
            return pairs.find_map(|(a, b)| self.hidden_constructor(a, b));
        };
        let (ours, theirs) =
            (self.program.types.get(*a).filter(|_| a != b)?, self.program.types.get(*b)?);
        let of = |variants: &[VariantDef], name: &str| variants.iter().any(|it| it.name == name);
        let both = ours.variants.iter().find(|it| of(&theirs.variants, &it.name))?;
        let (a, b, name) = (&ours.name, &theirs.name, &both.name);
        Some(format!(
            "`{a}` and `{b}` both have a constructor `{name}`: the name means the last one"
        ))
    }

    /// What to say of a constructor whose name another type has too.
    pub(super) fn hides(&self, id: TypeId, index: u32) -> Option<String> {
        let own = self.program.types.get(id)?;
        let name = &own.variants.get(index as usize)?.name;
        let mut others = self.program.types.iter().filter(|(other, _)| *other != id);
        let (_, other) =
            others.find(|(_, other)| other.variants.iter().any(|it| it.name == *name))?;
        let (own, other) = (&own.name, &other.name);
        Some(format!("this `{name}` is of `{own}`; it hides the one of `{other}`"))
    }

    /// The constructor that a value is made by, if it is written out.
    pub(super) fn made_by(&self, id: ExprId) -> Option<(TypeId, u32)> {
        match &self.program.exprs[id].kind {
            ExprKind::Construct(ty, index) => Some((*ty, *index)),
            ExprKind::Call { callee, .. } => match &self.program.exprs[*callee].kind {
                ExprKind::Construct(ty, index) => Some((*ty, *index)),
                _ => None,
            },
            _ => None,
        }
    }

    /// A pattern with more or fewer names than the constructor carries values.
    fn payload_length(
        &self,
        ty: TypeId,
        index: u32,
        pattern: Option<&Pattern>,
        at: Span,
    ) -> Option<Diagnostic> {
        let Some(Pattern::Tuple(parts, _)) = pattern else { return None };
        let variant = self.program.types.get(ty)?.variants.get(index as usize)?;
        let carried = match self.payloads[ty].get(index as usize).cloned().flatten()? {
            Ty::Tuple(carried) => carried.len(),
            Ty::Error | Ty::Var(_) => return None,
            _ => 1,
        };
        if carried == parts.len() {
            return None;
        }
        let message = format!(
            "`{}` carries {}, the pattern has {}",
            variant.name,
            plural(carried, "value"),
            plural(parts.len(), "name")
        );
        let error = Diagnostic::error("constructor-payload", at, message);
        let error = error.also(variant.span, "declared here");
        Some(match self.hides(ty, index) {
            Some(help) => error.help(help),
            None => error,
        })
    }

    /// Binds what a constructor carries.
    fn carried(
        &mut self,
        pattern: Option<&Pattern>,
        carried: Option<Ty>,
        fits: bool,
        at: Span,
    ) -> bool {
        match (pattern, carried) {
            (None, _) => fits,
            (Some(pattern), Some(ty)) => {
                let ty = if fits { ty } else { Ty::Error };
                self.pattern(pattern, &ty, at);
                fits
            }
            (Some(pattern), None) => {
                self.pattern(pattern, &Ty::Error, at);
                let error = Diagnostic::error(
                    "constructor-payload",
                    at,
                    "this constructor carries nothing that could get a name",
                );
                self.diagnose(error.help("leave the parentheses out"));
                false
            }
        }
    }

    /// The type that a union's member pattern picks.
    fn member(&mut self, member: MemberType, found: &Ty, at: Span) -> Option<Ty> {
        let wanted = match member {
            MemberType::Float => Ty::Number,
            MemberType::Int => Ty::Int,
            MemberType::Str => Ty::Str,
        };
        match self.table.resolve(found) {
            Ty::Error => None,
            Ty::Union(members) if members.contains(&wanted) => Some(wanted),
            other => {
                let (shown, wanted) = (self.show(&other), self.show(&wanted));
                let message = format!("{wanted} is no member of a union here: this is {shown}");
                self.diagnose(Diagnostic::error("not-a-member", at, message));
                None
            }
        }
    }

    /// Reports arms that nothing reaches and cases that no arm takes.
    fn useful_arms(&mut self, id: ExprId, found: &Ty, arms: &[Arm]) {
        let found = self.table.zonk(found);
        let patterns: Vec<&MatchPattern> = arms.iter().map(|arm| &arm.pattern).collect();
        for fault in exhaustive::check(self.program, &found, &patterns) {
            match fault {
                Fault::Unreachable(at) => {
                    let warning = Diagnostic::warning(
                        "unreachable-arm",
                        at,
                        "no value reaches this arm: the ones before take them all",
                    );
                    self.diagnose(warning.help("leave it out, or move it up"));
                }
                Fault::Missing(names) => {
                    let mut error = Diagnostic::error(
                        "not-exhaustive",
                        self.head_of(id),
                        format!("this `match` has no arm for {}", names.join(", ")),
                    );
                    if let Ty::Variant(ty, _) = &found
                        && let Some(def) = self.program.types.get(*ty)
                    {
                        error = error.also(def.span, "all constructors are declared here");
                    }
                    self.diagnose(error.help("add the arms that are missing, or: _ => .."));
                }
            }
        }
    }

    /// The word `match`, not all of its arms.
    fn head_of(&self, id: ExprId) -> Span {
        let span = self.span(id);
        Span::new(span.file, span.start, span.end.min(span.start + 5))
    }

    /// Like `expect` for a written value, which may become a member of a union.
    pub(super) fn expect_value(&mut self, expected: &Ty, found: &Ty, id: ExprId, why: Why) -> bool {
        let (wanted, given) = (self.table.resolve(expected), self.table.resolve(found));
        if let Ty::Union(members) = &wanted
            && !matches!(given, Ty::Union(_) | Ty::Error)
        {
            let index = members.iter().position(|member| *member == self.table.zonk(&given));
            // What is not known to the last part becomes the first member that it can be.
            let index = index.or_else(|| match given {
                Ty::Func(_) | Ty::Tuple(_) | Ty::Record(_) | Ty::Array(_) => {
                    members.iter().position(|member| self.table.unify(member, &given).is_ok())
                }
                _ => None,
            });
            if let Some(index) = index {
                self.wraps.insert(id, (index as u32, wanted.clone()));
                return true;
            }
        }
        let at = match self.program.exprs[id].kind {
            ExprKind::Block { .. } => self.result_span(id),
            _ => self.span(id),
        };
        if let Some((ty, index)) = self.made_by(id)
            && let Some(error) = self.same_name(&wanted, ty, index)
        {
            let error = Diagnostic { span: at, ..error };
            self.diagnose(match why.words() {
                Some((span, words)) => error.also(span, words),
                None => error,
            });
            return false;
        }
        if let Some(agrees) = self.adapt((&wanted, &given), id, at, why) {
            return agrees;
        }
        self.expect(expected, found, at, why)
    }
}

/// The type of a part of a sound file.
pub(super) fn sample_part(part: SamplePart) -> Ty {
    match part {
        SamplePart::Length => Ty::Number,
        SamplePart::Player | SamplePart::Channel(_) => Ty::func(Ty::Number, Ty::Number),
    }
}
