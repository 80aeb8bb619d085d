//! Arrays, variants, unions and `match`.

use attacca_mir::module::{FuncId, Global, ShapeId, ValueId};
use attacca_mir::op::{Op, Pure, Ty as Word};
use attacca_rt::code::{ObjectKind, Shape, WordKind};
use rustc_hash::FxHashSet;

use super::expr::End;
use super::func::{FuncLower, Values};
use super::{Instance, Lowerer};
use crate::builtins::{ArrayFn, Builtin};
use crate::hir::{Arm, ExprId, ExprKind, MatchPattern, MemberType, Pattern, Program, TypeId};
use crate::source::Span;
use crate::types::ty::Ty;

impl FuncLower<'_, '_> {
    // ---- arrays ----

    /// The shape of arrays with elements of a type, and the words of one element.
    fn array_shape(&mut self, element: &Ty) -> (ShapeId, Vec<Word>) {
        let words = self.lo.layouts.flatten(element);
        let mut fields: Vec<_> = words.iter().map(|word| WordKind::from(*word)).collect();
        if fields.is_empty() {
            // An element without words still counts.
            fields.push(WordKind::I64);
        }
        (self.lo.module.shape(Shape { kind: ObjectKind::Array, fields }), words)
    }

    /// `[a, b]`. One of literals alone is made once, by the global code.
    pub(super) fn array(&mut self, id: ExprId, parts: &[ExprId]) -> Values {
        if let Some(word) = self.lo.constants.get(&id).copied() {
            let zero = self.b().iconst(0);
            return vec![self.b().value(Op::Load(Word::Ref, word), &[zero], Word::Ref)];
        }
        self.new_array(id, parts)
    }

    /// The global code makes the arrays of literals alone.
    pub(super) fn make_constants(&mut self) {
        let mut all: Vec<_> = self.lo.constants.iter().map(|(id, word)| (*word, *id)).collect();
        all.sort_unstable();
        for (word, id) in all {
            let program = self.program();
            let ExprKind::Array(parts) = &program.exprs[id].kind else { continue };
            let made = self.new_array(id, parts);
            let zero = self.b().iconst(0);
            for array in made {
                self.b().effect(Op::Store(Word::Ref, word), &[zero, array]);
            }
        }
    }

    /// An array made here.
    fn new_array(&mut self, id: ExprId, parts: &[ExprId]) -> Values {
        let Ty::Array(element) = self.type_of(id) else { return vec![self.null()] };
        let elements: Vec<Values> = parts.iter().map(|part| self.expr(*part)).collect();
        if parts.is_empty() {
            return vec![self.null()];
        }
        let (shape, _) = self.array_shape(&element);
        let len = self.b().iconst(parts.len() as i64);
        let array = self.b().value(Op::NewArray(shape), &[len], Word::Ref);
        for (at, words) in (0..).zip(elements) {
            let at = self.b().iconst(at);
            self.store_element(shape, array, at, &words);
        }
        vec![array]
    }

    fn store_element(&mut self, shape: ShapeId, array: ValueId, at: ValueId, words: &[ValueId]) {
        for (field, word) in (0u32..).zip(words) {
            let ty = self.func.values[*word];
            self.b().effect(Op::ArrayStore { shape, field, ty }, &[array, at, *word]);
        }
    }

    fn load_element(
        &mut self,
        shape: ShapeId,
        words: &[Word],
        array: ValueId,
        at: ValueId,
    ) -> Values {
        (0u32..)
            .zip(words)
            .map(|(field, ty)| {
                self.b().value(Op::ArrayLoad { shape, field, ty: *ty }, &[array, at], *ty)
            })
            .collect()
    }

    /// `a[i]`: the index is truncated and clamped; an empty array reads as zero.
    pub(super) fn index(&mut self, of: ExprId, index: ExprId) -> Values {
        let ty = self.type_of(of);
        let array = self.expr(of);
        let index = self.expr(index);
        let (Ty::Array(element), [array], [index]) = (ty, &array[..], &index[..]) else {
            return Vec::new();
        };
        let (shape, words) = self.array_shape(&element);
        let at = self.b().pure(Pure::Ftoi, &[*index]);
        let zero = self.b().iconst(0);
        let below = self.b().pure(Pure::Ilt, &[at, zero]);
        let at = self.b().pure(Pure::Iselect, &[below, zero, at]);
        let last = self.last_of(*array);
        let above = self.b().pure(Pure::Ilt, &[last, at]);
        let at = self.b().pure(Pure::Iselect, &[above, last, at]);
        self.load_element(shape, &words, *array, at)
    }

    fn last_of(&mut self, array: ValueId) -> ValueId {
        let len = self.b().value(Op::ArrayLen, &[array], Word::I64);
        let one = self.b().iconst(1);
        self.b().pure(Pure::Isub, &[len, one])
    }

    /// A function on arrays, of words side by side; `element` is the type of the elements.
    pub(super) fn array_fn(&mut self, function: ArrayFn, element: &Ty, args: &[ValueId]) -> Values {
        let (shape, words) = self.array_shape(element);
        match (function, args) {
            (ArrayFn::Len, [array]) => {
                let len = self.b().value(Op::ArrayLen, &[*array], Word::I64);
                vec![self.b().pure(Pure::Itof, &[len])]
            }
            (ArrayFn::Append, [array, element @ ..]) => {
                let len = self.b().value(Op::ArrayLen, &[*array], Word::I64);
                let (new, zero) = (self.longer(shape, len), self.b().iconst(0));
                self.b().effect(Op::ArrayCopy(shape), &[new, zero, *array, zero, len]);
                self.store_element(shape, new, len, element);
                vec![new]
            }
            (ArrayFn::Prepend, [element @ .., array]) => {
                let len = self.b().value(Op::ArrayLen, &[*array], Word::I64);
                let (new, zero, one) =
                    (self.longer(shape, len), self.b().iconst(0), self.b().iconst(1));
                self.b().effect(Op::ArrayCopy(shape), &[new, one, *array, zero, len]);
                self.store_element(shape, new, zero, element);
                vec![new]
            }
            (ArrayFn::SplitHead, [array]) => {
                let (last, zero, one) =
                    (self.last_of(*array), self.b().iconst(0), self.b().iconst(1));
                let mut out = self.load_element(shape, &words, *array, zero);
                let rest = self.b().value(Op::NewArray(shape), &[last], Word::Ref);
                self.b().effect(Op::ArrayCopy(shape), &[rest, zero, *array, one, last]);
                out.push(rest);
                out
            }
            (ArrayFn::SplitTail, [array]) => {
                let (last, zero) = (self.last_of(*array), self.b().iconst(0));
                let rest = self.b().value(Op::NewArray(shape), &[last], Word::Ref);
                self.b().effect(Op::ArrayCopy(shape), &[rest, zero, *array, zero, last]);
                let mut out = vec![rest];
                out.extend(self.load_element(shape, &words, *array, last));
                out
            }
            (ArrayFn::Len | ArrayFn::Append | ArrayFn::Prepend, _)
            | (ArrayFn::SplitHead | ArrayFn::SplitTail, _) => {
                debug_assert!(false, "{function:?} of {} words", args.len());
                Vec::new()
            }
        }
    }

    /// A new array with room for one more than `len` elements.
    fn longer(&mut self, shape: ShapeId, len: ValueId) -> ValueId {
        let one = self.b().iconst(1);
        let len = self.b().pure(Pure::Iadd, &[len, one]);
        self.b().value(Op::NewArray(shape), &[len], Word::Ref)
    }

    // ---- variants and unions ----

    /// Tag and slots of an alternative.
    fn tagged(&mut self, tag: u32, ty: &Ty, payload: &[ValueId]) -> Values {
        let slots = self.lo.layouts.slots(ty);
        let kinds: Vec<Word> = slots.words().collect();
        let words: Vec<Word> = payload.iter().map(|word| self.func.values[*word]).collect();
        let mut out = self.zeros(&kinds);
        let tag = self.b().iconst(i64::from(tag));
        for (at, word) in slots.places(&words).into_iter().zip(payload) {
            if let Some(slot) = out.get_mut(at) {
                *slot = *word;
            }
        }
        if let Some(first) = out.first_mut() {
            *first = tag;
        }
        out
    }

    /// A value of a union, made from a member's.
    pub(super) fn wrap(&mut self, member: u32, union: &Ty, words: &[ValueId]) -> Values {
        let union = self.concrete(union);
        self.tagged(member, &union, words)
    }

    /// What a constructor makes of its payload.
    pub(super) fn construct(&mut self, id: TypeId, index: u32, payload: &[ValueId]) -> Values {
        let ty = self.declared(id);
        if !self.lo.layouts.is_boxed(id) {
            return self.tagged(index, &ty, payload);
        }
        if index == 0 && payload.is_empty() {
            // The null object has tag 0.
            return vec![self.null()];
        }
        let words = self.tagged(index, &ty, payload);
        let shape = self.box_shape(&ty);
        vec![self.b().value(Op::Alloc(shape), &words, Word::Ref)]
    }

    fn declared(&self, id: TypeId) -> Ty {
        Ty::Variant(id, self.program().types[id].name.clone())
    }

    fn box_shape(&mut self, ty: &Ty) -> ShapeId {
        let fields = self.lo.layouts.slots(ty).words().map(WordKind::from).collect();
        self.lo.module.shape(Shape { kind: ObjectKind::Variant, fields })
    }

    /// A constructor where it is not called: its value, or a function.
    pub(super) fn constructor_value(&mut self, id: TypeId, index: u32, at: Span) -> Values {
        let payload = self.lo.typed.payloads[id].get(index as usize).cloned().flatten();
        match payload {
            None => self.construct(id, index, &[]),
            Some(payload) => {
                let payload = self.concrete(&payload);
                let thunk = self.lo.constructor_thunk(id, index, &payload, at);
                self.plain_function(thunk)
            }
        }
    }

    /// Tag and slots of a variant's or union's words.
    fn opened(&mut self, ty: &Ty, words: &[ValueId]) -> Values {
        match (ty, words) {
            (Ty::Variant(id, _), [object]) if self.lo.layouts.is_boxed(*id) => {
                let shape = self.box_shape(ty);
                let kinds: Vec<Word> = self.lo.layouts.slots(ty).words().collect();
                (0u32..)
                    .zip(kinds)
                    .map(|(field, ty)| {
                        self.b().value(Op::HeapLoad { shape, field, ty }, &[*object], ty)
                    })
                    .collect()
            }
            _ => words.to_vec(),
        }
    }

    // ---- match ----

    /// Arms in order: the first whose pattern fits; zero if none does.
    pub(super) fn match_expr(&mut self, id: ExprId, scrutinee: ExprId, arms: &[Arm]) -> Values {
        let ty = self.type_of(scrutinee);
        let words = self.expr(scrutinee);
        let value = self.look_into(&ty, words);
        let mut ends: Vec<End> = Vec::new();
        let complete = matches!(ty, Ty::Variant(..) | Ty::Union(_));
        for (number, arm) in arms.iter().enumerate() {
            let test = if complete && number + 1 == arms.len() {
                None
            } else {
                self.test(&arm.pattern, &value)
            };
            let before = self.places.clone();
            let other = test.map(|test| {
                let (then, other) = (self.b().new_block(), self.b().new_block());
                self.b().branch(test, (then, &[]), (other, &[]));
                self.block = then;
                other
            });
            self.bind_arm(&arm.pattern, &value);
            let words = self.expr(arm.body);
            ends.push(self.end(words));
            self.places = before;
            match other {
                Some(other) => self.block = other,
                None => return self.join(ends),
            }
        }
        let kinds = self.lo.layouts.flatten(&self.type_of(id));
        let zeros = self.zeros(&kinds);
        ends.push(self.end(zeros));
        self.join(ends)
    }

    /// Prepares what patterns look at: numbers as integers, tuples by part, tags and slots.
    fn look_into(&mut self, ty: &Ty, words: Values) -> Looked {
        match ty {
            Ty::Number => {
                let whole = words.first().map(|word| self.b().pure(Pure::Ftoi, &[*word]));
                Looked { ty: ty.clone(), words, whole, parts: Vec::new() }
            }
            Ty::Tuple(parts) => {
                let parts = (0..parts.len())
                    .zip(parts.iter())
                    .map(|(index, part)| {
                        let range = self.lo.layouts.part_range(ty, index);
                        let words = words.get(range).unwrap_or_default().to_vec();
                        self.look_into(part, words)
                    })
                    .collect();
                Looked { ty: ty.clone(), words, whole: None, parts }
            }
            Ty::Variant(..) | Ty::Union(_) => {
                let words = self.opened(ty, &words);
                let whole = words.first().copied();
                Looked { ty: ty.clone(), words, whole, parts: Vec::new() }
            }
            Ty::Int
            | Ty::Str
            | Ty::Unit
            | Ty::Record(_)
            | Ty::Func(_)
            | Ty::Array(_)
            | Ty::Code(_)
            | Ty::Var(_)
            | Ty::Error => Looked { ty: ty.clone(), words, whole: None, parts: Vec::new() },
        }
    }

    /// Whether a pattern fits; nothing if it always does.
    fn test(&mut self, pattern: &MatchPattern, value: &Looked) -> Option<ValueId> {
        let wanted = match pattern {
            MatchPattern::Any(_) | MatchPattern::Error(_) => return None,
            MatchPattern::Number(number, _) => *number as i64,
            MatchPattern::Variant(_, index, ..) => i64::from(*index),
            MatchPattern::Member(member, ..) => value.member(*member)?,
            MatchPattern::Tuple(parts, _) => {
                let mut all: Option<ValueId> = None;
                for (part, value) in parts.iter().zip(&value.parts) {
                    all = match (all, self.test(part, value)) {
                        (Some(a), Some(b)) => Some(self.b().pure(Pure::Iand, &[a, b])),
                        (a, b) => a.or(b),
                    };
                }
                return all;
            }
        };
        let whole = value.whole?;
        let wanted = self.b().iconst(wanted);
        Some(self.b().pure(Pure::Ieq, &[whole, wanted]))
    }

    /// Binds the names of a pattern that fits.
    fn bind_arm(&mut self, pattern: &MatchPattern, value: &Looked) {
        match pattern {
            MatchPattern::Any(_) | MatchPattern::Error(_) | MatchPattern::Number(..) => {}
            MatchPattern::Tuple(parts, _) => {
                for (part, value) in parts.iter().zip(&value.parts) {
                    self.bind_arm(part, value);
                }
            }
            MatchPattern::Variant(id, index, payload, _) => {
                let carried = self.lo.typed.payloads[*id].get(*index as usize).cloned().flatten();
                self.bind_payload(payload.as_ref(), carried, value);
            }
            MatchPattern::Member(member, payload, _) => {
                let carried = match member {
                    MemberType::Float => Ty::Number,
                    MemberType::Int => Ty::Int,
                    MemberType::Str => Ty::Str,
                };
                self.bind_payload(payload.as_ref(), Some(carried), value);
            }
        }
    }

    fn bind_payload(&mut self, pattern: Option<&Pattern>, carried: Option<Ty>, value: &Looked) {
        let (Some(pattern), Some(carried)) = (pattern, carried) else { return };
        let carried = self.concrete(&carried);
        let kinds = self.lo.layouts.flatten(&carried);
        let places = self.lo.layouts.slots(&value.ty).places(&kinds);
        let words: Values = places.iter().filter_map(|at| value.words.get(*at).copied()).collect();
        self.pattern(pattern, &carried, &words);
    }
}

/// A value that patterns look at.
struct Looked {
    ty: Ty,
    /// Its words; of a variant or union tag and slots.
    words: Values,
    /// The integer that patterns compare: of a number, or the tag.
    whole: Option<ValueId>,
    /// The parts of a tuple.
    parts: Vec<Looked>,
}

impl Looked {
    /// The tag of a member of a union.
    fn member(&self, member: MemberType) -> Option<i64> {
        let Ty::Union(members) = &self.ty else { return None };
        let wanted = match member {
            MemberType::Float => Ty::Number,
            MemberType::Int => Ty::Int,
            MemberType::Str => Ty::Str,
        };
        members.iter().position(|member| *member == wanted).map(|at| at as i64)
    }
}

impl Lowerer<'_> {
    /// The function that a constructor is as a value.
    fn constructor_thunk(&mut self, id: TypeId, index: u32, payload: &Ty, at: Span) -> FuncId {
        let key = Instance::Constructor(id, index);
        if let Some(known) = self.instances.get(&key) {
            return *known;
        }
        let ty = Ty::Variant(id, self.typed.program.types[id].name.clone());
        let (params, rets) = (self.layouts.flatten(payload), self.layouts.flatten(&ty));
        let name = self.typed.program.types[id].variants[index as usize].name.to_string();
        let mut this = FuncLower::new(self, name, rets, at);
        this.func.closure = true;
        this.param(Word::Ref);
        let payload: Values = params.into_iter().map(|word| this.param(word)).collect();
        let result = this.construct(id, index, &payload);
        this.b().ret(&result);
        let func = this.finish().func;
        let made = self.module.funcs.push(func);
        self.instances.insert(key, made);
        made
    }

    /// Gives every array of literals alone a word of its own among the globals.
    pub(super) fn place_constants(&mut self) {
        let program = &self.typed.program;
        let mut inside = FxHashSet::default();
        let mut found = Vec::new();
        for (id, expr) in &program.exprs {
            let ExprKind::Array(parts) = &expr.kind else { continue };
            if !parts.is_empty() && parts.iter().all(|part| is_literal(program, *part, 0)) {
                inside.extend(parts.iter().flat_map(|part| arrays_in(program, *part)));
                found.push(id);
            }
        }
        for id in found {
            if inside.contains(&id) {
                continue;
            }
            let word = self.module.globals.len() as u32;
            self.constants.insert(id, word);
            let name = "array".to_owned();
            let site = self.site(self.typed.program.exprs[id].span, &name);
            let (ty, assigned, init_text) = (Word::Ref, false, 0);
            self.module.globals.push(Global { name, ty, word, assigned, init_text, site });
        }
    }
}

/// Deepest literal that is looked through.
const MAX_LITERAL: u32 = 16;

/// Whether an expression has the same value wherever and whenever it is evaluated.
fn is_literal(program: &Program, id: ExprId, depth: u32) -> bool {
    let all = |parts: &[ExprId]| {
        depth < MAX_LITERAL && parts.iter().all(|part| is_literal(program, *part, depth + 1))
    };
    match &program.exprs[id].kind {
        ExprKind::Number(_) | ExprKind::Str(_) => true,
        ExprKind::Tuple(parts) | ExprKind::Array(parts) => all(parts),
        ExprKind::Record(fields) => {
            all(&fields.iter().map(|(_, value)| *value).collect::<Vec<_>>())
        }
        // A negative number.
        ExprKind::Call { callee, args } => {
            matches!(program.exprs[*callee].kind, ExprKind::Builtin(Builtin::Sub))
                && args.iter().all(|arg| matches!(program.exprs[*arg].kind, ExprKind::Number(_)))
        }
        ExprKind::Var(_)
        | ExprKind::Builtin(_)
        | ExprKind::SelfValue(_)
        | ExprKind::Now
        | ExprKind::SampleRate
        | ExprKind::Lambda(_)
        | ExprKind::Proj(..)
        | ExprKind::Field(..)
        | ExprKind::If { .. }
        | ExprKind::Block { .. }
        | ExprKind::Assign { .. }
        | ExprKind::Incomplete(_)
        | ExprKind::Index(..)
        | ExprKind::Match { .. }
        | ExprKind::Construct(..)
        | ExprKind::Quote(_)
        | ExprKind::Splice(_)
        | ExprKind::Cell(_)
        | ExprKind::Probe { .. }
        | ExprKind::Sample { .. }
        | ExprKind::Error => false,
    }
}

/// The arrays in a literal.
fn arrays_in(program: &Program, id: ExprId) -> Vec<ExprId> {
    let (mut found, mut todo) = (Vec::new(), vec![id]);
    while let Some(at) = todo.pop() {
        if let ExprKind::Array(parts) = &program.exprs[at].kind {
            found.push(at);
            todo.extend(parts);
        }
        if let ExprKind::Tuple(parts) = &program.exprs[at].kind {
            todo.extend(parts);
        }
        if let ExprKind::Record(fields) = &program.exprs[at].kind {
            todo.extend(fields.iter().map(|(_, value)| *value));
        }
    }
    found
}
