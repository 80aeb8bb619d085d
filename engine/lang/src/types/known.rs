//! Which names stand for a function that is known at every call.
//!
//! Calls of a known function own one state block per call site; every other function value carries
//! its block with it (language rules of state ownership). Known are: functions and lambdas that
//! capture nothing, bound to a name that is never assigned; global aliases of such; built-ins.
//! Takes the resolved program, gives [`Known`] by binding and the facts lowering needs by lambda.

use cranelift_entity::SecondaryMap;

use crate::builtins::Builtin;
use crate::hir::{BindingId, BindingKind, ExprId, ExprKind, LambdaId, Pattern, Program, Stmt};

/// What a name stands for at every use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// A value found out at run time.
    #[default]
    Value,
    /// This function, which captures nothing.
    Lambda(LambdaId),
    /// The function another name stands for; the expression is the use of that name.
    Alias(BindingId, ExprId),
    /// A built-in function.
    Builtin(Builtin),
}

/// What is known about functions before types are.
#[derive(Clone, Debug, Default)]
pub struct KnownFunctions {
    bindings: SecondaryMap<BindingId, Known>,
    /// Names each lambda uses, itself only, not its nested lambdas.
    uses: SecondaryMap<LambdaId, Vec<BindingId>>,
    nested: SecondaryMap<LambdaId, Vec<LambdaId>>,
    outer: SecondaryMap<LambdaId, Vec<LambdaId>>,
    defined: SecondaryMap<LambdaId, Option<BindingId>>,
}

impl KnownFunctions {
    /// Looks through a program.
    pub(crate) fn of(program: &Program) -> Self {
        let mut out = Self::default();
        for lambda in program.lambdas.keys() {
            let data = &program.lambdas[lambda];
            let defaults = data.params.iter().filter_map(|param| param.default);
            let (uses, nested) = mentions(program, std::iter::once(data.body).chain(defaults));
            out.uses[lambda] = uses;
            out.nested[lambda] = nested;
        }
        out.find_lambdas(program);
        for_each_stmt(program, |stmt| {
            if let Stmt::Let { pattern: Pattern::Bind(binding), value, .. } = stmt {
                out.find_alias(program, *binding, *value);
            }
        });
        out
    }

    /// What a name stands for.
    pub fn get(&self, binding: BindingId) -> Known {
        self.bindings[binding]
    }

    /// The known functions around a lambda that it, or a lambda inside it, refers to; their state
    /// bases must reach it.
    pub fn outer(&self, lambda: LambdaId) -> &[LambdaId] {
        &self.outer[lambda]
    }

    /// The name that a `letrec` or `let` gives directly to a lambda.
    pub fn name_of(&self, lambda: LambdaId) -> Option<BindingId> {
        self.defined[lambda]
    }

    /// Names used by a lambda and the lambdas directly inside it.
    pub(crate) fn mentions(&self, lambda: LambdaId) -> (&[BindingId], &[LambdaId]) {
        (&self.uses[lambda], &self.nested[lambda])
    }

    fn find_lambdas(&mut self, program: &Program) {
        let mut named = Vec::new();
        let mut rec: SecondaryMap<BindingId, Option<LambdaId>> = SecondaryMap::new();
        for_each_stmt(program, |stmt| {
            let (binding, value) = match stmt {
                Stmt::Let { pattern: Pattern::Bind(binding), value, .. } => (*binding, *value),
                Stmt::LetRec { binding, value } => (*binding, *value),
                Stmt::Let { .. } | Stmt::Expr(_) => return,
            };
            if let ExprKind::Lambda(lambda) = program.exprs[value].kind {
                named.push((binding, lambda));
                if let Stmt::LetRec { .. } = stmt {
                    rec[binding] = Some(lambda);
                }
            }
        });
        for (binding, lambda) in &named {
            self.defined[*lambda] = Some(*binding);
        }
        // Outer functions first: whether an inner one is known depends on them.
        let mut order: Vec<LambdaId> = program.lambdas.keys().collect();
        order.sort_by_key(|lambda| ancestors(program, *lambda).count());
        for lambda in order {
            self.outer[lambda] = self.outer_of(program, &rec, lambda);
            let Some(binding) = self.defined[lambda] else { continue };
            let recursive = rec[binding] == Some(lambda);
            let data = &program.lambdas[lambda];
            let captures_nothing =
                data.captures.iter().all(|capture| recursive && *capture == binding);
            if captures_nothing
                && self.outer[lambda].is_empty()
                && !program.bindings[binding].assigned
            {
                self.bindings[binding] = Known::Lambda(lambda);
            }
        }
    }

    /// The known functions around `lambda` that are mentioned inside it.
    fn outer_of(
        &self,
        program: &Program,
        rec: &SecondaryMap<BindingId, Option<LambdaId>>,
        lambda: LambdaId,
    ) -> Vec<LambdaId> {
        let around: Vec<LambdaId> = ancestors(program, lambda).collect();
        if around.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        let mut todo = vec![lambda];
        while let Some(at) = todo.pop() {
            todo.extend(&self.nested[at]);
            for used in &self.uses[at] {
                if let (Known::Lambda(target), Some(_)) = (self.bindings[*used], rec[*used])
                    && around.contains(&target)
                    && !found.contains(&target)
                {
                    found.push(target);
                }
            }
        }
        found
    }

    /// `let g = f` at top level, and built-ins under another name everywhere.
    fn find_alias(&mut self, program: &Program, binding: BindingId, value: ExprId) {
        let data = &program.bindings[binding];
        if data.assigned {
            return;
        }
        let global = data.kind == BindingKind::Global;
        self.bindings[binding] = match &program.exprs[value].kind {
            ExprKind::Var(other) => match self.bindings[*other] {
                Known::Value => return,
                Known::Builtin(builtin) => Known::Builtin(builtin),
                Known::Lambda(_) | Known::Alias(..) if global => Known::Alias(*other, value),
                Known::Lambda(_) | Known::Alias(..) => return,
            },
            ExprKind::Builtin(Builtin::Mem | Builtin::Delay) => return,
            ExprKind::Builtin(builtin) => Known::Builtin(*builtin),
            ExprKind::Number(_)
            | ExprKind::Str(_)
            | ExprKind::SelfValue(_)
            | ExprKind::Now
            | ExprKind::SampleRate
            | ExprKind::Lambda(_)
            | ExprKind::Call { .. }
            | ExprKind::Tuple(_)
            | ExprKind::Proj(..)
            | ExprKind::Record(_)
            | ExprKind::Field(..)
            | ExprKind::If { .. }
            | ExprKind::Block { .. }
            | ExprKind::Assign { .. }
            | ExprKind::Incomplete(_)
            | ExprKind::Array(_)
            | ExprKind::Index(..)
            | ExprKind::Match { .. }
            | ExprKind::Quote(_)
            | ExprKind::Splice(_)
            | ExprKind::Construct(..)
            | ExprKind::Cell(_)
            | ExprKind::Probe { .. }
            | ExprKind::Sample { .. }
            | ExprKind::Error => return,
        };
    }
}

/// The lambdas around one, inside out, itself left out.
fn ancestors(program: &Program, lambda: LambdaId) -> impl Iterator<Item = LambdaId> {
    std::iter::successors(program.lambdas[lambda].parent, |at| program.lambdas[*at].parent)
}

/// Visits every statement, nested ones too; those of one block in order.
fn for_each_stmt(program: &Program, mut visit: impl FnMut(&Stmt)) {
    program.stmts.iter().for_each(&mut visit);
    for expr in program.exprs.values() {
        if let ExprKind::Block { stmts, .. } = &expr.kind {
            stmts.iter().for_each(&mut visit);
        }
    }
}

/// The names and lambdas mentioned below expressions, not looking into the lambdas.
pub(crate) fn mentions(
    program: &Program,
    roots: impl IntoIterator<Item = ExprId>,
) -> (Vec<BindingId>, Vec<LambdaId>) {
    let (mut uses, mut lambdas) = (Vec::new(), Vec::new());
    let mut todo: Vec<ExprId> = roots.into_iter().collect();
    while let Some(at) = todo.pop() {
        let expr = &program.exprs[at];
        match &expr.kind {
            ExprKind::Var(binding) => uses.push(*binding),
            ExprKind::Assign { target, .. } => uses.push(*target),
            ExprKind::Lambda(lambda) => lambdas.push(*lambda),
            ExprKind::Number(_)
            | ExprKind::Str(_)
            | ExprKind::Builtin(_)
            | ExprKind::SelfValue(_)
            | ExprKind::Now
            | ExprKind::SampleRate
            | ExprKind::Call { .. }
            | ExprKind::Tuple(_)
            | ExprKind::Proj(..)
            | ExprKind::Record(_)
            | ExprKind::Field(..)
            | ExprKind::If { .. }
            | ExprKind::Block { .. }
            | ExprKind::Incomplete(_)
            | ExprKind::Array(_)
            | ExprKind::Index(..)
            | ExprKind::Match { .. }
            | ExprKind::Quote(_)
            | ExprKind::Splice(_)
            | ExprKind::Construct(..)
            | ExprKind::Cell(_)
            | ExprKind::Probe { .. }
            | ExprKind::Sample { .. }
            | ExprKind::Error => {}
        }
        expr.kind.for_each_child(|child| todo.push(child));
    }
    (uses, lambdas)
}
