//! What `dsp` may take and give: numbers for channels.

use super::error::TypeError;
use super::infer::Checker;
use super::ty::Ty;
use crate::hir::BindingKind;
use crate::names::nearest;
use crate::source::{FileId, Span};
use smol_str::SmolStr;

impl Checker<'_, '_> {
    /// Checks that there is a `dsp` of the right shape; what is open in its type becomes a number.
    pub(super) fn dsp(&mut self) {
        let Some(binding) = self.program.dsp else {
            // Without the rest of the program nobody knows whether `dsp` was meant to be there.
            if !self.diags.has_errors() {
                let (at, similar) = (self.end_of_program(), self.like_dsp());
                self.report(TypeError::MissingDsp { at, similar });
            }
            return;
        };
        let at = self.program.bindings[binding].span;
        let Some(scheme) = self.bindings[binding].clone() else { return };
        let (ty, _) = self.table.instantiate(&scheme);
        let func = match self.table.resolve(&ty) {
            Ty::Func(func) => func,
            Ty::Error => return,
            found @ (Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Tuple(_)
            | Ty::Record(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Var(_)) => {
                let found = self.table.zonk(&found);
                return self.report(TypeError::DspNotAFunction { found, at });
            }
        };
        if !self.channels(&func.arg, false) {
            let found = self.table.zonk(&func.arg);
            self.report(TypeError::DspInput { found, at });
        }
        if !self.channels(&func.ret, true) {
            let found = self.table.zonk(&func.ret);
            // A part that went wrong was reported; the rest may be wrong because of it.
            if !found.holds_error() {
                self.report(TypeError::DspOutput { found, at });
            }
        }
    }

    /// Whether a type is none, one, or a flat row of numbers.
    fn channels(&mut self, ty: &Ty, output: bool) -> bool {
        match self.table.resolve(ty) {
            Ty::Unit | Ty::Error => true,
            Ty::Tuple(parts) => parts.iter().all(|part| self.is_number(part)),
            Ty::Record(fields) if output => fields.iter().all(|(_, part)| self.is_number(part)),
            one @ (Ty::Number
            | Ty::Int
            | Ty::Str
            | Ty::Record(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Variant(..)
            | Ty::Union(_)
            | Ty::Var(_)) => self.is_number(&one),
        }
    }

    /// Whether a type is, or can become, a number.
    fn is_number(&mut self, ty: &Ty) -> bool {
        self.table.unify(ty, &Ty::Number).is_ok()
    }

    /// A global that was perhaps meant to be `dsp`.
    fn like_dsp(&self) -> Option<(SmolStr, Span)> {
        let globals = self.program.bindings.values().filter(|it| it.kind == BindingKind::Global);
        let found = globals.clone().find(|it| it.name.eq_ignore_ascii_case("dsp"));
        let found = found.or_else(|| {
            let near = nearest("dsp", globals.clone().map(|it| it.name.as_str()))?;
            globals.clone().find(|it| it.name == near)
        });
        found.map(|it| (it.name.clone(), it.span))
    }

    fn end_of_program(&self) -> Span {
        let ends = self.program.exprs.values().map(|expr| expr.span).max_by_key(|span| span.end);
        match ends {
            Some(span) => Span::new(span.file, span.end, span.end),
            None => Span::new(FileId::from_u32(0), 0, 0),
        }
    }
}
