//! Expressions and statements, evaluated strictly and in source order.

use std::collections::BTreeMap;

use attacca_mir::op::{Op, Pure, Ty as Word};
use smol_str::SmolStr;

use super::func::{FuncLower, Place, Values};
use super::words::{field_range, flatten, part_range, width};
use crate::hir::{BindingId, BindingKind, ExprId, ExprKind, Pattern, Stmt};
use crate::source::Span;
use crate::types::known::Known;
use crate::types::ty::Ty;

impl FuncLower<'_, '_> {
    /// The words of an expression's value.
    pub(super) fn expr(&mut self, id: ExprId) -> Values {
        let expr = &self.program().exprs[id];
        self.lo.expressions += 1;
        if self.lo.expressions > super::MAX_EXPRESSIONS || self.lo.depth > super::MAX_DEPTH {
            self.lo.fail("program-too-large", expr.span, "this program becomes too much code");
        }
        if self.lo.failed {
            let words = flatten(&self.type_of(id));
            return self.zeros(&words);
        }
        self.lo.depth += 1;
        let words = self.expr_kind(id, &expr.kind, expr.span);
        self.lo.depth -= 1;
        words
    }

    fn expr_kind(&mut self, id: ExprId, kind: &ExprKind, at: Span) -> Values {
        match kind {
            ExprKind::Number(value) => vec![self.b().fconst(*value)],
            ExprKind::Str(text) => {
                let number = self.lo.string(text);
                vec![self.b().iconst(number)]
            }
            ExprKind::Var(binding) => self.variable(id, *binding, at),
            ExprKind::Builtin(builtin) => self.builtin_value(*builtin, at),
            ExprKind::SelfValue(_) => self.previous.clone(),
            ExprKind::Now => vec![self.b().value(Op::Now, &[], Word::F64)],
            ExprKind::SampleRate => vec![self.b().value(Op::SampleRate, &[], Word::F64)],
            ExprKind::Lambda(lambda) => {
                let hint = self.hint.take().unwrap_or_default();
                self.make_closure(*lambda, &hint, at)
            }
            ExprKind::Call { callee, args } => self.call(id, *callee, args),
            ExprKind::Tuple(parts) => parts.iter().flat_map(|part| self.expr(*part)).collect(),
            ExprKind::Proj(of, index) => self.projection(*of, *index),
            ExprKind::Record(fields) => {
                fields.iter().flat_map(|(_, value)| self.expr(*value)).collect()
            }
            ExprKind::Field(of, name, _) => {
                let (range, _) = field_range(&self.type_of(*of), name);
                let words = self.expr(*of);
                words.get(range).unwrap_or_default().to_vec()
            }
            ExprKind::If { cond, then, other } => self.if_expr(*cond, *then, *other),
            ExprKind::Block { stmts, value } => {
                for stmt in stmts {
                    self.stmt(stmt);
                }
                value.map_or(Vec::new(), |value| self.expr(value))
            }
            ExprKind::Assign { target, fields, value } => self.assign(*target, fields, *value),
            ExprKind::Cell(source) => {
                let cell = self.lo.cell(source);
                vec![self.b().value(Op::Cell(cell), &[], Word::F64)]
            }
            ExprKind::Incomplete(fields) => {
                fields.iter().flat_map(|(_, value)| self.expr(*value)).collect()
            }
            ExprKind::Array(_)
            | ExprKind::Index(..)
            | ExprKind::Match { .. }
            | ExprKind::Construct(..)
            | ExprKind::Quote(_)
            | ExprKind::Splice(_)
            | ExprKind::Probe { .. }
            | ExprKind::Sample { .. } => {
                self.lo.fail("not-supported-yet", at, "this is not supported yet");
                Vec::new()
            }
            ExprKind::Error => {
                debug_assert!(false, "a program with errors is not lowered");
                let words = flatten(&self.type_of(id));
                self.zeros(&words)
            }
        }
    }

    fn variable(&mut self, id: ExprId, binding: BindingId, at: Span) -> Values {
        match self.resolve(id, binding) {
            super::call::Resolved::Value => self.read(binding),
            super::call::Resolved::Lambda(lambda, subst) => {
                let ty = self.type_of(id);
                self.known_value(lambda, &subst, &ty, at)
            }
            super::call::Resolved::Builtin(builtin) => self.builtin_value(builtin, at),
        }
    }

    fn projection(&mut self, of: ExprId, index: u32) -> Values {
        let range = part_range(&self.type_of(of), index as usize);
        let words = self.expr(of);
        words.get(range).unwrap_or_default().to_vec()
    }

    fn if_expr(&mut self, cond: ExprId, then: ExprId, other: Option<ExprId>) -> Values {
        let value = self.expr(cond);
        let zero = self.b().fconst(0.0);
        let Some(value) = value.first().copied() else { return Vec::new() };
        let truth = self.b().pure(Pure::Fgt, &[value, zero]);
        let (then_block, other_block) = (self.b().new_block(), self.b().new_block());
        self.b().branch(truth, (then_block, &[]), (other_block, &[]));
        let before = self.places.clone();

        self.block = then_block;
        let then_words = self.expr(then);
        let then_end = self.block;
        let then_places = std::mem::replace(&mut self.places, before);

        self.block = other_block;
        let other_words = other.map_or(Vec::new(), |other| self.expr(other));
        let other_end = self.block;

        let join = self.b().new_block();
        let (then_args, other_args, results) =
            self.merge(join, (then_words, other_words), &then_places);
        self.block = then_end;
        self.b().jump(join, &then_args);
        self.block = other_end;
        self.b().jump(join, &other_args);
        self.block = join;
        results
    }

    /// Gives the joining block a parameter for each word of the result and for each word of a
    /// variable that a branch assigned. `self.places` are those of the second branch.
    fn merge(
        &mut self,
        join: attacca_mir::module::BlockId,
        (mut then_args, mut other_args): (Values, Values),
        then_places: &BTreeMap<BindingId, Place>,
    ) -> (Values, Values, Values) {
        let param = |this: &mut Self, word: attacca_mir::module::ValueId| {
            let ty = this.func.values[word];
            this.b().param(join, ty)
        };
        // Without `else` the words of the first branch, unit's, are none.
        let results = then_args.clone().into_iter().map(|word| param(self, word)).collect();
        let mut places = std::mem::take(&mut self.places);
        for (binding, place) in &mut places {
            if let (Place::Words(mine), Some(Place::Words(theirs))) =
                (place, then_places.get(binding))
            {
                for (mine, theirs) in mine.iter_mut().zip(theirs) {
                    if mine != theirs {
                        then_args.push(*theirs);
                        other_args.push(*mine);
                        *mine = param(self, *theirs);
                    }
                }
            }
        }
        self.places = places;
        (then_args, other_args, results)
    }

    fn assign(&mut self, target: BindingId, fields: &[(SmolStr, Span)], value: ExprId) -> Values {
        let mut ty = self.binding_type(target);
        let mut start = 0;
        for (name, _) in fields {
            let (range, field) = field_range(&ty, name);
            start += range.start;
            ty = field;
        }
        let words = self.expr(value);
        self.write(target, start, &words);
        Vec::new()
    }

    // ---- statements ----

    /// Evaluates a statement and binds its names.
    pub(super) fn stmt(&mut self, stmt: &Stmt) {
        let known = &self.lo.typed.known;
        match stmt {
            Stmt::Expr(expr) => {
                self.expr(*expr);
            }
            // Known functions are no values.
            Stmt::Let { pattern: Pattern::Bind(binding), .. } | Stmt::LetRec { binding, .. }
                if known.get(*binding) != Known::Value => {}
            Stmt::LetRec { binding, value } => {
                let words = self.hinted(*binding, *value);
                self.define(*binding, words);
            }
            Stmt::Let { pattern: Pattern::Bind(binding), value, .. } => {
                let words = self.hinted(*binding, *value);
                self.define(*binding, words);
            }
            Stmt::Let { pattern, value, .. } => {
                let ty = self.type_of(*value);
                let words = self.expr(*value);
                self.pattern(pattern, &ty, &words);
            }
        }
    }

    /// A value whose state is named after the variable it initialises.
    fn hinted(&mut self, binding: BindingId, value: ExprId) -> Values {
        let program = self.program();
        if matches!(program.exprs[value].kind, ExprKind::Call { .. } | ExprKind::Lambda(_)) {
            self.hint = Some(program.bindings[binding].name.clone());
        }
        self.expr(value)
    }

    fn define(&mut self, binding: BindingId, words: Values) {
        match self.program().bindings[binding].kind {
            BindingKind::Global => self.write(binding, 0, &words),
            BindingKind::Local | BindingKind::Param => self.bind(binding, words),
        }
    }

    fn pattern(&mut self, pattern: &Pattern, ty: &Ty, words: &[attacca_mir::module::ValueId]) {
        match pattern {
            Pattern::Ignore(_) => {}
            Pattern::Bind(binding) => self.define(*binding, words.to_vec()),
            Pattern::Tuple(parts, _) => {
                for (index, (part, ty_of)) in parts.iter().zip(ty.parts()).enumerate() {
                    let range = part_range(ty, index);
                    self.pattern(part, ty_of, words.get(range).unwrap_or_default());
                }
            }
            Pattern::Record(fields, _) => {
                for (name, part) in fields {
                    let (range, ty_of) = field_range(ty, name);
                    debug_assert_eq!(range.len(), width(&ty_of), "of `{name}`");
                    self.pattern(part, &ty_of, words.get(range).unwrap_or_default());
                }
            }
        }
    }
}
