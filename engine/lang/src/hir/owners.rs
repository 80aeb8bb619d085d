//! Who owns and who uses the variables of a program, found out from its expressions alone.
//!
//! Takes a program whose expressions are complete; sets `owner`, `captured`, `assigned` of all
//! bindings, `parent`, `captures`, `uses_self` of all lambdas, and the expansions. `names` notes the
//! same while it resolves; a program made by macros gets it here.

#![expect(clippy::indexing_slicing, reason = "ids come from the arenas of the same program")]

use cranelift_entity::SecondaryMap;
use rustc_hash::FxHashMap;

use super::{
    BindingId, BindingKind, Expansion, ExpansionId, ExprId, ExprKind, LambdaId, MatchPattern,
    Pattern, Program, Stmt,
};
use crate::deep::with_room;
use crate::source::Span;

/// Sets these facts. `spliced` are the roots of code that was put in, with the places of the
/// splices. Gives the uses of variables that are not seen where they are used.
pub(crate) fn derive(program: &mut Program, spliced: &FxHashMap<ExprId, Span>) -> Vec<ExprId> {
    for binding in program.bindings.values_mut() {
        (binding.assigned, binding.captured, binding.owner) = (false, false, None);
    }
    for lambda in program.lambdas.values_mut() {
        (lambda.uses_self, lambda.parent) = (false, None);
        lambda.captures.clear();
    }
    let mut walk = Walk {
        program,
        spliced,
        lambda: None,
        expansion: None,
        copies: FxHashMap::default(),
        seen: SecondaryMap::new(),
        bound: Vec::new(),
        lost: Vec::new(),
        reached: SecondaryMap::new(),
    };
    let stmts = std::mem::take(&mut walk.program.stmts);
    stmts.iter().for_each(|stmt| walk.stmt(stmt));
    walk.program.stmts = stmts;
    let (reached, lost) = (walk.reached, walk.lost);
    // Code that was made and not put in anywhere is no part of the program.
    for (id, expr) in program.exprs.iter_mut() {
        if !reached[id] {
            expr.kind = ExprKind::Error;
        }
    }
    lost
}

struct Walk<'p> {
    program: &'p mut Program,
    spliced: &'p FxHashMap<ExprId, Span>,
    lambda: Option<LambdaId>,
    expansion: Option<ExpansionId>,
    /// How often code was put in at a place.
    copies: FxHashMap<(Option<ExpansionId>, Span), u32>,
    /// Variables seen here.
    seen: SecondaryMap<BindingId, bool>,
    /// Those bound since the program began, to be unseen at the end of their blocks.
    bound: Vec<BindingId>,
    lost: Vec<ExprId>,
    /// Expressions that are part of the program.
    reached: SecondaryMap<ExprId, bool>,
}

impl Walk<'_> {
    fn scoped(&mut self, inside: impl FnOnce(&mut Self)) {
        let outer = self.bound.len();
        inside(self);
        for binding in self.bound.drain(outer..) {
            self.seen[binding] = false;
        }
    }

    fn bind(&mut self, binding: BindingId) {
        self.seen[binding] = true;
        self.bound.push(binding);
        if let Some(data) = self.program.bindings.get_mut(binding) {
            data.owner = self.lambda;
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Bind(binding) => self.bind(*binding),
            Pattern::Ignore(_) => {}
            Pattern::Tuple(parts, _) => parts.iter().for_each(|part| self.pattern(part)),
            Pattern::Record(fields, _) => fields.iter().for_each(|(_, part)| self.pattern(part)),
        }
    }

    fn match_pattern(&mut self, pattern: &MatchPattern) {
        match pattern {
            MatchPattern::Variant(_, _, Some(payload), _)
            | MatchPattern::Member(_, Some(payload), _) => self.pattern(payload),
            MatchPattern::Tuple(parts, _) => parts.iter().for_each(|it| self.match_pattern(it)),
            MatchPattern::Number(..)
            | MatchPattern::Any(_)
            | MatchPattern::Variant(_, _, None, _)
            | MatchPattern::Member(_, None, _)
            | MatchPattern::Error(_) => {}
        }
    }

    fn mention(&mut self, at: ExprId, binding: BindingId) {
        if !self.seen[binding] {
            self.lost.push(at);
            return;
        }
        let Some(data) = self.program.bindings.get_mut(binding) else { return };
        if data.kind == BindingKind::Global || data.owner == self.lambda {
            return;
        }
        data.captured = true;
        let owner = data.owner;
        let mut inside = self.lambda;
        while inside != owner {
            let Some(lambda) = inside.and_then(|id| self.program.lambdas.get_mut(id)) else {
                break;
            };
            if !lambda.captures.contains(&binding) {
                lambda.captures.push(binding);
            }
            inside = lambda.parent;
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let { pattern, value, .. } => {
                self.expr(*value);
                self.pattern(pattern);
            }
            Stmt::LetRec { binding, value } => {
                self.bind(*binding);
                self.expr(*value);
            }
            Stmt::Expr(value) => self.expr(*value),
        }
    }

    fn lambda(&mut self, id: LambdaId) {
        let Some(data) = self.program.lambdas.get_mut(id) else { return };
        data.parent = self.lambda;
        let (params, body) = (data.params.clone(), data.body);
        params.iter().filter_map(|param| param.default).for_each(|default| self.expr(default));
        let outer = self.lambda.replace(id);
        self.scoped(|walk| {
            params.iter().for_each(|param| walk.bind(param.binding));
            walk.expr(body);
        });
        self.lambda = outer;
    }

    fn expr(&mut self, id: ExprId) {
        self.reached[id] = true;
        let around = self.expansion;
        if let Some(site) = self.spliced.get(&id) {
            let copies = self.copies.entry((around, *site)).or_default();
            let expansion = Expansion { site: *site, copy: *copies, parent: around };
            *copies += 1;
            self.expansion = Some(self.program.expansions.push(expansion));
        }
        if let Some(expansion) = self.expansion {
            self.program.expanded.insert(id, expansion);
        }
        with_room(|| self.parts(id));
        self.expansion = around;
    }

    fn parts(&mut self, id: ExprId) {
        let Some(expr) = self.program.exprs.get(id) else { return };
        match expr.kind.clone() {
            ExprKind::Var(binding) => self.mention(id, binding),
            ExprKind::Assign { target, value, .. } => {
                self.mention(id, target);
                if let Some(target) = self.program.bindings.get_mut(target) {
                    target.assigned = true;
                }
                self.expr(value);
            }
            ExprKind::SelfValue(lambda) => {
                if let Some(lambda) = self.program.lambdas.get_mut(lambda) {
                    lambda.uses_self = true;
                }
            }
            ExprKind::Lambda(lambda) => self.lambda(lambda),
            ExprKind::Block { stmts, value } => self.scoped(|walk| {
                stmts.iter().for_each(|stmt| walk.stmt(stmt));
                value.iter().for_each(|value| walk.expr(*value));
            }),
            ExprKind::Match { scrutinee, arms } => {
                self.expr(scrutinee);
                for arm in &arms {
                    self.scoped(|walk| {
                        walk.match_pattern(&arm.pattern);
                        walk.expr(arm.body);
                    });
                }
            }
            kind @ (ExprKind::Call { .. }
            | ExprKind::Tuple(_)
            | ExprKind::Proj(..)
            | ExprKind::Record(_)
            | ExprKind::Field(..)
            | ExprKind::If { .. }
            | ExprKind::Incomplete(_)
            | ExprKind::Array(_)
            | ExprKind::Index(..)
            | ExprKind::Quote(_)
            | ExprKind::Splice(_)
            | ExprKind::Number(_)
            | ExprKind::Str(_)
            | ExprKind::Builtin(_)
            | ExprKind::Now
            | ExprKind::SampleRate
            | ExprKind::Construct(..)
            | ExprKind::Cell(_)
            | ExprKind::Probe { .. }
            | ExprKind::Sample { .. }
            | ExprKind::Error) => kind.for_each_child(|child| self.expr(child)),
        }
    }
}
