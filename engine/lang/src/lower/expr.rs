//! Expressions and statements, evaluated strictly and in source order.

use std::collections::BTreeMap;

use attacca_mir::module::{BlockId, ValueId};
use attacca_mir::op::{Op, Pure, Ty as Word};
use smol_str::SmolStr;

use super::func::{FuncLower, Place, Values};
use crate::deep::with_room;
use crate::hir::{BindingId, BindingKind, ExprId, ExprKind, Pattern, Stmt};
use crate::source::Span;
use crate::types::known::Known;
use crate::types::ty::Ty;

/// The end of a branch.
pub(super) struct End {
    block: BlockId,
    words: Values,
    places: BTreeMap<BindingId, Place>,
}

impl FuncLower<'_, '_> {
    /// The words of an expression's value.
    pub(super) fn expr(&mut self, id: ExprId) -> Values {
        let expr = &self.program().exprs[id];
        self.lo.expressions += 1;
        if self.lo.expressions > super::MAX_EXPRESSIONS || self.lo.depth > super::MAX_DEPTH {
            self.lo.fail("program-too-large", expr.span, "this program becomes too much code");
        }
        if self.lo.joined > super::MAX_JOINED {
            let message = "this function has too many branches with too many variables";
            self.lo.fail("program-too-large", expr.span, message);
        }
        if self.lo.failed {
            let words = self.lo.layouts.flatten(&self.type_of(id));
            return self.zeros(&words);
        }
        self.lo.depth += 1;
        let around = self.made;
        if !self.lo.typed.program.expanded.is_empty() {
            self.made = self.lo.typed.program.expanded.get(&id).copied();
        }
        let mut words = with_room(|| self.expr_kind(id, &expr.kind, expr.span));
        if let Some((member, union)) = self.lo.typed.wraps.get(&id) {
            words = self.wrap(*member, union, &words);
        }
        self.made = around;
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
            ExprKind::Builtin(builtin) => {
                let ty = self.type_of(id);
                self.builtin_value(*builtin, &ty, at)
            }
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
                let (range, _) = self.lo.layouts.field_range(&self.type_of(*of), name);
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
            ExprKind::Array(parts) => self.array(id, parts),
            ExprKind::Index(of, index) => self.index(*of, *index),
            ExprKind::Match { scrutinee, arms } => self.match_expr(id, *scrutinee, arms),
            ExprKind::Construct(ty, index) => self.constructor_value(*ty, *index, at),
            ExprKind::Probe { .. } => self.probe_value(id, at),
            ExprKind::Sample { path, part } => self.sample(path, *part, at),
            ExprKind::Quote(_) | ExprKind::Splice(_) => {
                debug_assert!(false, "macro code is gone before lowering");
                let words = self.lo.layouts.flatten(&self.type_of(id));
                self.zeros(&words)
            }
            ExprKind::Error => {
                debug_assert!(false, "a program with errors is not lowered");
                let words = self.lo.layouts.flatten(&self.type_of(id));
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
            super::call::Resolved::Builtin(builtin) => {
                let ty = self.type_of(id);
                self.builtin_value(builtin, &ty, at)
            }
        }
    }

    fn projection(&mut self, of: ExprId, index: u32) -> Values {
        let range = self.lo.layouts.part_range(&self.type_of(of), index as usize);
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
        let words = self.expr(then);
        let then_end = self.end(words);

        self.places = before;
        self.block = other_block;
        let words = other.map_or(Vec::new(), |other| self.expr(other));
        let other_end = self.end(words);
        self.join(vec![then_end, other_end])
    }

    /// What a branch that ends here hands on.
    pub(super) fn end(&mut self, words: Values) -> End {
        End { block: self.block, words, places: std::mem::take(&mut self.places) }
    }

    /// Goes on behind branches: in a block with a parameter for each word of the result and for each
    /// word of a variable that branches left different.
    pub(super) fn join(&mut self, ends: Vec<End>) -> Values {
        let join = self.b().new_block();
        let mut args: Vec<Values> = ends.iter().map(|end| end.words.clone()).collect();
        let mut ends = ends.into_iter();
        let Some(first) = ends.next() else { return Vec::new() };
        let others: Vec<End> = ends.collect();
        let param = |this: &mut Self, word: ValueId| {
            let ty = this.func.values[word];
            this.b().param(join, ty)
        };
        let results = first.words.iter().map(|word| param(self, *word)).collect();
        let mut places = first.places;
        self.lo.joined += (places.len() * args.len()) as u64;
        for (binding, place) in &mut places {
            let Place::Words(mine) = place else { continue };
            for (at, mine) in mine.iter_mut().enumerate() {
                let theirs = |end: &End| match end.places.get(binding) {
                    Some(Place::Words(words)) => words.get(at).copied(),
                    Some(Place::Cell(..)) | None => None,
                };
                if others.iter().all(|end| theirs(end).is_none_or(|word| word == *mine)) {
                    continue;
                }
                let (own, rest) = args.split_at_mut(1);
                own.iter_mut().for_each(|args| args.push(*mine));
                for (args, end) in rest.iter_mut().zip(&others) {
                    args.push(theirs(end).unwrap_or(*mine));
                }
                *mine = param(self, *mine);
            }
        }
        let blocks = std::iter::once(first.block).chain(others.iter().map(|end| end.block));
        for (block, args) in blocks.zip(&args) {
            self.block = block;
            self.b().jump(join, args);
        }
        self.places = places;
        self.block = join;
        results
    }

    fn assign(&mut self, target: BindingId, fields: &[(SmolStr, Span)], value: ExprId) -> Values {
        let mut ty = self.binding_type(target);
        let mut start = 0;
        for (name, _) in fields {
            let (range, field) = self.lo.layouts.field_range(&ty, name);
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

    pub(super) fn pattern(&mut self, pattern: &Pattern, ty: &Ty, words: &[ValueId]) {
        match pattern {
            Pattern::Ignore(_) => {}
            Pattern::Bind(binding) => self.define(*binding, words.to_vec()),
            Pattern::Tuple(parts, _) => {
                for (index, (part, ty_of)) in parts.iter().zip(ty.parts()).enumerate() {
                    let range = self.lo.layouts.part_range(ty, index);
                    self.pattern(part, ty_of, words.get(range).unwrap_or_default());
                }
            }
            Pattern::Record(fields, _) => {
                for (name, part) in fields {
                    let (range, ty_of) = self.lo.layouts.field_range(ty, name);
                    debug_assert_eq!(range.len(), self.lo.layouts.width(&ty_of), "of `{name}`");
                    self.pattern(part, &ty_of, words.get(range).unwrap_or_default());
                }
            }
        }
    }
}
