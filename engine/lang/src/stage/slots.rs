//! Where the variables of macro code lie: every use of a name becomes a place in a frame.
//!
//! A frame belongs to one call of a macro function, or to the evaluation of a default. Variables of
//! the audio program bound inside a function's quotes lie in its frame too: there they stand for
//! variables of the program being made. Takes a checked program, gives [`Slots`]; runs nothing.

use cranelift_entity::{PrimaryMap, SecondaryMap, entity_impl};
use rustc_hash::FxHashMap;

use crate::deep::with_room;
use crate::hir::{
    BindingId, BindingKind, ExprId, ExprKind, LambdaId, MatchPattern, Pattern, Program, Stage, Stmt,
};

/// Code with a frame of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct UnitId(u32);
entity_impl!(UnitId, "unit");

/// Where a variable is found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Place {
    /// Among the globals.
    #[default]
    Global,
    /// In the frame.
    Local(u32),
}

/// What is known about code with a frame of its own.
#[derive(Debug, Default)]
pub(super) struct Unit {
    parent: Option<UnitId>,
    /// Number of places.
    pub(super) frame: u32,
    /// Variables of the frame around it: where they are there, and where they go here.
    pub(super) captures: Vec<(BindingId, u32, u32)>,
    /// The name by which a function knows itself, and where it lies.
    pub(super) own: Option<(BindingId, u32)>,
}

/// The places of all variables.
#[derive(Default)]
pub(super) struct Slots {
    /// For uses of variables and assignments.
    pub(super) places: SecondaryMap<ExprId, Place>,
    /// Where a variable is bound, if it is not global.
    pub(super) bound: SecondaryMap<BindingId, u32>,
    /// Variables that several functions share and that are assigned.
    pub(super) shared: SecondaryMap<BindingId, bool>,
    /// All units; the first is the program.
    pub(super) units: PrimaryMap<UnitId, Unit>,
    /// The units of macro functions.
    pub(super) of_lambda: SecondaryMap<LambdaId, Option<UnitId>>,
    /// The units of defaults of macro functions.
    pub(super) of_default: FxHashMap<ExprId, UnitId>,
}

impl Slots {
    /// Looks through a program.
    pub(super) fn of(program: &Program) -> Self {
        let mut slots = Self::default();
        let root = slots.units.push(Unit::default());
        let mut walk = Walk { program, slots, home: SecondaryMap::new() };
        for stmt in &program.stmts {
            walk.stmt(stmt, root);
        }
        walk.slots
    }

    /// The number of places of the program's own frame.
    pub(super) fn root_frame(&self) -> u32 {
        self.units.values().next().map_or(0, |unit| unit.frame)
    }
}

struct Walk<'p> {
    program: &'p Program,
    slots: Slots,
    home: SecondaryMap<BindingId, Option<UnitId>>,
}

impl Walk<'_> {
    fn new_slot(&mut self, unit: UnitId) -> u32 {
        let frame = &mut self.slots.units[unit].frame;
        *frame += 1;
        *frame - 1
    }

    fn bind(&mut self, binding: BindingId, unit: UnitId) {
        if self.program.bindings[binding].kind != BindingKind::Global {
            self.slots.bound[binding] = self.new_slot(unit);
            self.home[binding] = Some(unit);
        }
    }

    fn pattern(&mut self, pattern: &Pattern, unit: UnitId) {
        match pattern {
            Pattern::Bind(binding) => self.bind(*binding, unit),
            Pattern::Ignore(_) => {}
            Pattern::Tuple(parts, _) => parts.iter().for_each(|part| self.pattern(part, unit)),
            Pattern::Record(fields, _) => {
                fields.iter().for_each(|(_, part)| self.pattern(part, unit));
            }
        }
    }

    fn match_pattern(&mut self, pattern: &MatchPattern, unit: UnitId) {
        match pattern {
            MatchPattern::Variant(_, _, Some(payload), _)
            | MatchPattern::Member(_, Some(payload), _) => self.pattern(payload, unit),
            MatchPattern::Tuple(parts, _) => {
                parts.iter().for_each(|part| self.match_pattern(part, unit));
            }
            MatchPattern::Number(..)
            | MatchPattern::Any(_)
            | MatchPattern::Variant(_, _, None, _)
            | MatchPattern::Member(_, None, _)
            | MatchPattern::Error(_) => {}
        }
    }

    /// Where a variable is in the frame of `unit`.
    fn find(&mut self, binding: BindingId, unit: UnitId) -> u32 {
        if self.home[binding] == Some(unit) {
            return self.slots.bound[binding];
        }
        let data = &self.slots.units[unit];
        if let Some((own, slot)) = data.own
            && own == binding
        {
            return slot;
        }
        if let Some((_, _, to)) = data.captures.iter().find(|(known, ..)| *known == binding) {
            return *to;
        }
        let Some(parent) = data.parent else { return self.slots.bound[binding] };
        let from = self.find(binding, parent);
        let to = self.new_slot(unit);
        self.slots.units[unit].captures.push((binding, from, to));
        let data = &self.program.bindings[binding];
        self.slots.shared[binding] |= data.assigned && data.stage == Stage::Macro;
        to
    }

    fn mention(&mut self, at: ExprId, binding: BindingId, unit: UnitId) {
        self.slots.places[at] = match self.program.bindings[binding].kind {
            BindingKind::Global => Place::Global,
            BindingKind::Local | BindingKind::Param => Place::Local(self.find(binding, unit)),
        };
    }

    fn stmt(&mut self, stmt: &Stmt, unit: UnitId) {
        match stmt {
            Stmt::Let { pattern, value, .. } => {
                self.expr(*value, unit, None);
                self.pattern(pattern, unit);
            }
            Stmt::LetRec { binding, value } => {
                self.bind(*binding, unit);
                let local = self.program.bindings[*binding].kind != BindingKind::Global;
                self.expr(*value, unit, local.then_some(*binding));
            }
            Stmt::Expr(value) => self.expr(*value, unit, None),
        }
    }

    /// A function; `own` is the local name by which it knows itself.
    fn lambda(&mut self, id: LambdaId, unit: UnitId, stage: Stage, own: Option<BindingId>) {
        let program = self.program;
        let lambda = &program.lambdas[id];
        let inside = match stage {
            // Parts of the audio program have no frames.
            Stage::Audio => unit,
            Stage::Macro => self.slots.units.push(Unit { parent: Some(unit), ..Unit::default() }),
        };
        for default in lambda.params.iter().filter_map(|param| param.default) {
            let place = match stage {
                Stage::Audio => unit,
                Stage::Macro => {
                    let place = self.slots.units.push(Unit::default());
                    self.slots.of_default.insert(default, place);
                    place
                }
            };
            self.expr(default, place, None);
        }
        // The first places of a frame are the parameters.
        for param in &lambda.params {
            self.bind(param.binding, inside);
        }
        if stage == Stage::Macro {
            self.slots.of_lambda[id] = Some(inside);
            if let Some(own) = own {
                let slot = self.new_slot(inside);
                self.slots.units[inside].own = Some((own, slot));
            }
        }
        self.expr(lambda.body, inside, None);
    }

    fn expr(&mut self, id: ExprId, unit: UnitId, own: Option<BindingId>) {
        with_room(|| self.expr_kind(id, unit, own));
    }

    fn expr_kind(&mut self, id: ExprId, unit: UnitId, own: Option<BindingId>) {
        let program = self.program;
        let expr = &program.exprs[id];
        match &expr.kind {
            ExprKind::Var(binding) => self.mention(id, *binding, unit),
            ExprKind::Lambda(lambda) => self.lambda(*lambda, unit, expr.stage, own),
            ExprKind::Assign { target, value, .. } => {
                self.mention(id, *target, unit);
                self.expr(*value, unit, None);
            }
            ExprKind::Block { stmts, value } => {
                stmts.iter().for_each(|stmt| self.stmt(stmt, unit));
                value.iter().for_each(|value| self.expr(*value, unit, None));
            }
            ExprKind::Match { scrutinee, arms } => {
                self.expr(*scrutinee, unit, None);
                for arm in arms {
                    self.match_pattern(&arm.pattern, unit);
                    self.expr(arm.body, unit, None);
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
            | ExprKind::SelfValue(_)
            | ExprKind::Now
            | ExprKind::SampleRate
            | ExprKind::Construct(..)
            | ExprKind::Cell(_)
            | ExprKind::Probe { .. }
            | ExprKind::Sample { .. }
            | ExprKind::Error) => kind.for_each_child(|child| self.expr(child, unit, None)),
        }
    }
}
