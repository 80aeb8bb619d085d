//! Random function bodies.

use super::{Around, Choices, float, int};
use crate::build::Builder;
use crate::module::{Child, FuncId, Leaf, LeafKind, Module, ShapeId, ValueId};
use crate::op::{Op, Pure, Ty};
use attacca_rt::code::{ObjectKind, Shape, WordKind};

/// A body while it is made: the values that the next instruction may use.
pub(super) struct Body<'f, 'm> {
    pub(super) b: Builder<'f>,
    module: &'m mut Module,
    around: &'m Around,
    base: ValueId,
    floats: Vec<ValueId>,
    ints: Vec<ValueId>,
    /// Cells of one float, with their shape.
    pub(super) cells: Vec<(ValueId, ShapeId)>,
    /// Function values `(f64) -> (f64)`.
    closures: Vec<ValueId>,
    /// Arrays made here, with their shape.
    arrays: Vec<(ValueId, ShapeId)>,
    /// Null, or boxes of a float and another box.
    boxes: Vec<ValueId>,
    depth: u32,
}

impl<'f, 'm> Body<'f, 'm> {
    pub(super) fn new(
        b: Builder<'f>,
        module: &'m mut Module,
        around: &'m Around,
        base: ValueId,
        floats: Vec<ValueId>,
    ) -> Self {
        let none = (Vec::new(), Vec::new(), Vec::new());
        Self {
            b,
            module,
            around,
            base,
            floats,
            ints: none.0,
            cells: none.1,
            closures: none.2,
            arrays: Vec::new(),
            boxes: Vec::new(),
            depth: 0,
        }
    }

    /// Statements, then a return of `rets` floats.
    pub(super) fn fill(&mut self, choices: &mut Choices<'_>, rets: usize) {
        let count = 1 + choices.below(14);
        self.statements(choices, count);
        let values: Vec<ValueId> = (0..rets).map(|_| self.float(choices)).collect();
        self.b.ret(&values);
    }

    /// A float of pure code.
    pub(super) fn expression(&mut self, choices: &mut Choices<'_>) -> ValueId {
        for _ in 0..choices.below(4) {
            self.pure(choices);
        }
        self.float(choices)
    }

    fn statements(&mut self, choices: &mut Choices<'_>, count: usize) {
        for _ in 0..count {
            if choices.left() == 0 {
                return;
            }
            self.statement(choices);
        }
    }

    fn statement(&mut self, choices: &mut Choices<'_>) {
        match choices.below(21) {
            0..=3 => self.pure(choices),
            4 => self.word(choices),
            5 => self.delay(choices),
            6 => self.raw_line(choices),
            7 => self.call(choices),
            8 => self.branch(choices),
            9 => self.repeat(choices),
            10 => self.make_closure(choices),
            11 => self.call_closure(choices),
            12 => self.cell(choices),
            13 => self.host(choices),
            14 => self.global(choices),
            15 => self.merge_closures(choices),
            16 => self.array(choices),
            17 => self.copy_array(choices),
            18 => self.global_array(choices),
            19 => self.tell(choices),
            _ => self.variant(choices),
        }
    }

    /// A float: usually one of the newest, at times a constant.
    fn float(&mut self, choices: &mut Choices<'_>) -> ValueId {
        let choice = choices.below(self.floats.len() + 2);
        match self.floats.iter().rev().nth(choice) {
            Some(value) => *value,
            None => {
                let value = float(choices.next());
                self.b.fconst(value)
            }
        }
    }

    fn int(&mut self, choices: &mut Choices<'_>) -> ValueId {
        let choice = choices.below(self.ints.len() + 2);
        match self.ints.iter().rev().nth(choice) {
            Some(value) => *value,
            None => {
                let value = int(choices.next());
                self.b.iconst(value)
            }
        }
    }

    fn pure(&mut self, choices: &mut Choices<'_>) {
        let op = Pure::ALL[choices.below(Pure::ALL.len())];
        let mut args: Vec<ValueId> = Vec::new();
        for ty in op.params() {
            let arg = if *ty == Ty::F64 { self.float(choices) } else { self.int(choices) };
            args.push(arg);
        }
        if op == Pure::Bits {
            // A NaN's bits are nobody's business, and a denormal is as good as zero.
            let zero = self.b.fconst(0.0);
            let number = self.b.pure(Pure::Fne, &[args[0], zero]);
            let known = self.b.pure(Pure::Feq, &[args[0], args[0]]);
            let both = self.b.pure(Pure::Iand, &[number, known]);
            args[0] = self.b.pure(Pure::Select, &[both, args[0], zero]);
        }
        let mut value = self.b.pure(op, &args);
        if op == Pure::FromBits {
            // Flushes: integers may be the bits of a denormal.
            let one = self.b.fconst(1.0);
            value = self.b.pure(Pure::Mul, &[value, one]);
        }
        match op.result() {
            Ty::F64 => self.floats.push(value),
            Ty::I64 | Ty::Ref => self.ints.push(value),
        }
    }

    fn leaf(&mut self, kind: LeafKind, name: &str) -> u32 {
        let state = &mut self.b.func.state;
        let offset = state.words;
        state.leaves.push(Leaf {
            offset,
            kind,
            name: format!("{name}{offset}"),
            site: 0,
            types: 0,
        });
        state.words += 1;
        offset
    }

    fn child(&mut self, func: FuncId) -> u32 {
        let words = self.module.funcs[func].state.words;
        let state = &mut self.b.func.state;
        let offset = state.words;
        state.children.push(Child { offset, func, binding: format!("c{offset}"), site: 0 });
        state.words += words;
        offset
    }

    /// Reads a state word and writes it, a float or an integer.
    fn word(&mut self, choices: &mut Choices<'_>) {
        if choices.below(3) == 2 {
            let offset = self.leaf(LeafKind::SelfValue { part: 0, ty: Ty::I64 }, "count");
            let old = self.b.value(Op::Load(Ty::I64, offset), &[self.base], Ty::I64);
            self.ints.push(old);
            let new = self.int(choices);
            self.b.effect(Op::Store(Ty::I64, offset), &[self.base, new]);
            return;
        }
        let offset = self.leaf(LeafKind::Mem, "mem");
        let old = self.b.value(Op::Load(Ty::F64, offset), &[self.base], Ty::F64);
        self.floats.push(old);
        let half = self.b.fconst(0.5);
        let decayed = self.b.pure(Pure::Mul, &[old, half]);
        let input = self.float(choices);
        let new =
            if choices.below(2) == 0 { input } else { self.b.pure(Pure::Add, &[decayed, input]) };
        self.b.effect(Op::Store(Ty::F64, offset), &[self.base, new]);
    }

    fn delay(&mut self, choices: &mut Choices<'_>) {
        let len = 1 + choices.below(20) as u32;
        let offset = self.leaf(LeafKind::Line { len }, "delay");
        let (x, time) = (self.float(choices), self.float(choices));
        let out = self.b.delay(self.base, offset, len, x, time);
        self.floats.push(out);
    }

    /// Line ops with any index.
    fn raw_line(&mut self, choices: &mut Choices<'_>) {
        let len = 1 + choices.below(9) as u32;
        let offset = self.leaf(LeafKind::Line { len }, "line");
        let (at, x) = (self.int(choices), self.float(choices));
        self.b.effect(Op::LineStore { offset, len }, &[self.base, at, x]);
        let at = self.int(choices);
        let out = self.b.value(Op::LineLoad { offset, len }, &[self.base, at], Ty::F64);
        self.floats.push(out);
    }

    fn call(&mut self, choices: &mut Choices<'_>) {
        let Some(callee) = pick(&self.around.callees, choices) else { return self.pure(choices) };
        let offset = self.child(callee);
        let at = self.b.iconst(i64::from(offset));
        let base = self.b.pure(Pure::Iadd, &[self.base, at]);
        let params = self.module.funcs[callee].params().len();
        let mut args = vec![base];
        for _ in 1..params {
            args.push(self.float(choices));
        }
        let rets = self.module.funcs[callee].rets.clone();
        let results = self.b.call(callee, &args, &rets);
        self.floats.extend(results);
    }

    /// Values made inside a branch or loop are not seen outside.
    fn scoped(&mut self, choices: &mut Choices<'_>, extra: Option<ValueId>) -> ValueId {
        let lens = (self.floats.len(), self.ints.len(), self.cells.len(), self.closures.len());
        let objects = (self.arrays.len(), self.boxes.len());
        self.floats.extend(extra);
        self.depth += 1;
        let count = choices.below(4);
        self.statements(choices, count);
        self.depth -= 1;
        let value = self.float(choices);
        self.floats.truncate(lens.0);
        self.ints.truncate(lens.1);
        self.cells.truncate(lens.2);
        self.closures.truncate(lens.3);
        self.arrays.truncate(objects.0);
        self.boxes.truncate(objects.1);
        value
    }

    fn branch(&mut self, choices: &mut Choices<'_>) {
        if self.depth >= 3 {
            return self.pure(choices);
        }
        let cond = self.int(choices);
        let (then, other, join) = (self.b.new_block(), self.b.new_block(), self.b.new_block());
        self.b.branch(cond, (then, &[]), (other, &[]));
        for block in [then, other] {
            self.b.switch_to(block);
            let value = self.scoped(choices, None);
            self.b.jump(join, &[value]);
        }
        let value = self.b.param(join, Ty::F64);
        self.b.switch_to(join);
        self.floats.push(value);
    }

    /// A loop of a few turns that carries one float.
    fn repeat(&mut self, choices: &mut Choices<'_>) {
        if self.depth >= 2 {
            return self.pure(choices);
        }
        let turns = 1 + choices.below(3) as i64;
        let (head, turn, done) = (self.b.new_block(), self.b.new_block(), self.b.new_block());
        let (zero, start) = (self.b.iconst(0), self.float(choices));
        self.b.jump(head, &[zero, start]);
        let (index, carried) = (self.b.param(head, Ty::I64), self.b.param(head, Ty::F64));
        self.b.switch_to(head);
        let turns = self.b.iconst(turns);
        let more = self.b.pure(Pure::Ilt, &[index, turns]);
        self.b.branch(more, (turn, &[]), (done, &[]));
        self.b.switch_to(turn);
        let next = self.scoped(choices, Some(carried));
        let one = self.b.iconst(1);
        let index = self.b.pure(Pure::Iadd, &[index, one]);
        self.b.jump(head, &[index, next]);
        self.b.switch_to(done);
        self.floats.push(carried);
    }

    /// An object for a closure function, its state at `offset` from our base.
    pub(super) fn make(
        &mut self,
        (func, shape): (FuncId, ShapeId),
        offset: u32,
        choices: &mut Choices<'_>,
    ) -> ValueId {
        let code = self.b.value(Op::FuncAddr(func), &[], Ty::I64);
        let block = self.b.value(Op::Block { func, offset }, &[self.base], Ty::I64);
        let mut fields = vec![code, block];
        for kind in self.module.shapes[shape].fields.clone().into_iter().skip(2) {
            let field = match kind {
                WordKind::F64 => self.float(choices),
                WordKind::I64 => self.int(choices),
                WordKind::Ref => self.some_cell(choices).0,
            };
            fields.push(field);
        }
        self.b.value(Op::Alloc(shape), &fields, Ty::Ref)
    }

    fn make_closure(&mut self, choices: &mut Choices<'_>) {
        let Some(maker) = pick(&self.around.makers, choices) else { return self.pure(choices) };
        let offset = self.child(maker.0);
        let closure = self.make(maker, offset, choices);
        self.closures.push(closure);
        self.call_closure(choices);
    }

    /// A function value at hand, the one that a global holds, or none.
    fn closure(&mut self, choices: &mut Choices<'_>) -> Option<ValueId> {
        if let (Some(word), true) =
            (self.around.stored, self.closures.is_empty() || choices.below(3) == 0)
        {
            let zero = self.b.iconst(0);
            return Some(self.b.value(Op::Load(Ty::Ref, word), &[zero], Ty::Ref));
        }
        pick(&self.closures, choices)
    }

    fn call_closure(&mut self, choices: &mut Choices<'_>) {
        let (Some(closure), Some(sig)) = (self.closure(choices), self.around.sig) else {
            return self.pure(choices);
        };
        let arg = self.float(choices);
        let results = self.b.call_closure(sig, closure, &[arg], &[Ty::F64]);
        self.floats.extend(results);
    }

    /// A function value that is one of two, or null.
    fn merge_closures(&mut self, choices: &mut Choices<'_>) {
        let Some(first) = self.closure(choices) else { return self.pure(choices) };
        let second = match choices.below(3) {
            0 => self.b.value(Op::Rconst(0), &[], Ty::Ref),
            _ => self.closure(choices).unwrap_or(first),
        };
        let cond = self.int(choices);
        let (then, join) = (self.b.new_block(), self.b.new_block());
        self.b.branch(cond, (then, &[]), (join, &[second]));
        self.b.switch_to(then);
        self.b.jump(join, &[first]);
        let merged = self.b.param(join, Ty::Ref);
        self.b.switch_to(join);
        self.closures.push(merged);
        self.call_closure(choices);
    }

    fn some_cell(&mut self, choices: &mut Choices<'_>) -> (ValueId, ShapeId) {
        if let Some(cell) = pick(&self.cells, choices) {
            return cell;
        }
        let shape =
            self.module.shape(Shape { kind: ObjectKind::Cell, fields: vec![WordKind::F64] });
        let value = self.float(choices);
        let cell = self.b.value(Op::Alloc(shape), &[value], Ty::Ref);
        self.cells.push((cell, shape));
        (cell, shape)
    }

    fn cell(&mut self, choices: &mut Choices<'_>) {
        let (cell, shape) = self.some_cell(choices);
        let new = self.float(choices);
        self.b.effect(Op::HeapStore { shape, field: 0, ty: Ty::F64 }, &[cell, new]);
        self.call_closure(choices);
        let old = self.b.value(Op::HeapLoad { shape, field: 0, ty: Ty::F64 }, &[cell], Ty::F64);
        self.floats.push(old);
    }

    fn host(&mut self, choices: &mut Choices<'_>) {
        let op = match choices.below(4) {
            0 => Op::Now,
            1 => Op::SampleRate,
            cell => Op::Cell(cell as u32 - 2),
        };
        let value = self.b.value(op, &[], Ty::F64);
        self.floats.push(value);
    }

    /// Prints, probes, sound files and tasks.
    fn tell(&mut self, choices: &mut Choices<'_>) {
        let value = self.float(choices);
        match choices.below(6) {
            0 => self.b.effect(Op::Print { newline: choices.below(2) == 1 }, &[value]),
            1 => self.b.effect(Op::Tap(0), &[value]),
            2 => {
                let op = match choices.below(2) {
                    0 => Op::SampleRead { sample: 0, channel: choices.below(3) as u32 },
                    _ => Op::SampleLen(0),
                };
                let args = if matches!(op, Op::SampleLen(_)) { vec![] } else { vec![value] };
                let read = self.b.value(op, &args, Ty::F64);
                self.floats.push(read);
            }
            _ => self.schedule(value, choices),
        }
    }

    /// A task a little later, now and then at any time.
    fn schedule(&mut self, value: ValueId, choices: &mut Choices<'_>) {
        let Some(task) = pick(&self.around.tasks, choices) else { return self.pure(choices) };
        let offset = self.child(task.0);
        let closure = self.make(task, offset, choices);
        let time = match choices.below(5) {
            0 => value,
            wait => {
                let now = self.b.value(Op::Now, &[], Ty::F64);
                let wait = self.b.fconst(wait as f64 - 0.5);
                self.b.pure(Pure::Add, &[now, wait])
            }
        };
        self.b.effect(Op::Schedule(0), &[time, closure]);
    }

    fn global(&mut self, choices: &mut Choices<'_>) {
        if self.around.globals == 0 {
            return self.pure(choices);
        }
        let word = choices.below(self.around.globals as usize) as u32;
        let zero = self.b.iconst(0);
        let old = self.b.value(Op::Load(Ty::F64, word), &[zero], Ty::F64);
        self.floats.push(old);
        if choices.below(2) == 1 {
            let new = self.float(choices);
            self.b.effect(Op::Store(Ty::F64, word), &[zero, new]);
        }
    }
}

impl Body<'_, '_> {
    /// Arrays of floats, of floats with cells, of function values.
    fn array_shape(&mut self, choices: &mut Choices<'_>) -> ShapeId {
        use WordKind::{F64, Ref};
        let fields = [vec![F64], vec![F64, Ref], vec![Ref]];
        let fields = fields[choices.below(fields.len())].clone();
        self.module.shape(Shape { kind: ObjectKind::Array, fields })
    }

    /// An array with a few elements stored, and one read, some of them out of range.
    fn array(&mut self, choices: &mut Choices<'_>) {
        let shape = self.array_shape(choices);
        let len = match choices.below(9) {
            8 => {
                let (any, mask) = (self.int(choices), self.b.iconst(7));
                self.b.pure(Pure::Iand, &[any, mask])
            }
            len => self.b.iconst(len as i64 - 1),
        };
        let array = self.b.value(Op::NewArray(shape), &[len], Ty::Ref);
        self.arrays.push((array, shape));
        for _ in 0..choices.below(3) {
            self.store_element((array, shape), choices);
        }
        self.load_element((array, shape), choices);
        let len = self.b.value(Op::ArrayLen, &[array], Ty::I64);
        self.ints.push(len);
    }

    fn index(&mut self, choices: &mut Choices<'_>) -> ValueId {
        match choices.below(5) {
            4 => self.int(choices),
            small => self.b.iconst(small as i64),
        }
    }

    fn store_element(&mut self, (array, shape): (ValueId, ShapeId), choices: &mut Choices<'_>) {
        let index = self.index(choices);
        let kinds = self.module.shapes[shape].fields.clone();
        for (field, kind) in (0u32..).zip(&kinds) {
            let ty = crate::verify::types::ty_of(*kind);
            let value = match kind {
                WordKind::F64 => self.float(choices),
                WordKind::I64 => self.int(choices),
                WordKind::Ref if kinds.len() > 1 => self.some_cell(choices).0,
                WordKind::Ref => match self.closure(choices) {
                    Some(closure) => closure,
                    None => self.b.value(Op::Rconst(0), &[], Ty::Ref),
                },
            };
            self.b.effect(Op::ArrayStore { shape, field, ty }, &[array, index, value]);
        }
    }

    fn load_element(&mut self, (array, shape): (ValueId, ShapeId), choices: &mut Choices<'_>) {
        let index = self.index(choices);
        let kinds = self.module.shapes[shape].fields.clone();
        for (field, kind) in (0u32..).zip(&kinds) {
            let ty = crate::verify::types::ty_of(*kind);
            let value = self.b.value(Op::ArrayLoad { shape, field, ty }, &[array, index], ty);
            match kind {
                WordKind::F64 => self.floats.push(value),
                WordKind::I64 => self.ints.push(value),
                // The cell, or null where there is none.
                WordKind::Ref if kinds.len() > 1 => {
                    let cell = Shape { kind: ObjectKind::Cell, fields: vec![WordKind::F64] };
                    let shape = self.module.shape(cell);
                    let load = Op::HeapLoad { shape, field: 0, ty: Ty::F64 };
                    let old = self.b.value(load, &[value], Ty::F64);
                    self.floats.push(old);
                }
                WordKind::Ref => {
                    self.closures.push(value);
                    self.call_closure(choices);
                }
            }
        }
    }

    /// Some elements of an array into another of the same shape.
    fn copy_array(&mut self, choices: &mut Choices<'_>) {
        let Some((from, shape)) = pick(&self.arrays, choices) else { return self.array(choices) };
        let alike: Vec<_> = self.arrays.iter().copied().filter(|(_, s)| *s == shape).collect();
        let Some(to) = pick(&alike, choices) else { return };
        let (a, b, count) = (self.index(choices), self.index(choices), self.index(choices));
        self.b.effect(Op::ArrayCopy(shape), &[to.0, a, from, b, count]);
        self.load_element(to, choices);
    }

    /// The array of floats that a global holds: read, and at times replaced.
    fn global_array(&mut self, choices: &mut Choices<'_>) {
        let Some(word) = self.around.array else { return self.array(choices) };
        let fields = vec![WordKind::F64];
        let shape = self.module.shape(Shape { kind: ObjectKind::Array, fields });
        let zero = self.b.iconst(0);
        let array = self.b.value(Op::Load(Ty::Ref, word), &[zero], Ty::Ref);
        if choices.below(3) == 2 {
            let new = self.filled_array(choices);
            self.b.effect(Op::Store(Ty::Ref, word), &[zero, new]);
        }
        self.load_element((array, shape), choices);
    }

    /// A new array of a few floats.
    pub(super) fn filled_array(&mut self, choices: &mut Choices<'_>) -> ValueId {
        let fields = vec![WordKind::F64];
        let shape = self.module.shape(Shape { kind: ObjectKind::Array, fields });
        let len = self.b.iconst(1 + choices.below(5) as i64);
        let array = self.b.value(Op::NewArray(shape), &[len], Ty::Ref);
        self.store_element((array, shape), choices);
        self.store_element((array, shape), choices);
        array
    }

    /// A box around a float and an older box, or a look into one.
    fn variant(&mut self, choices: &mut Choices<'_>) {
        let fields = vec![WordKind::F64, WordKind::Ref];
        let shape = self.module.shape(Shape { kind: ObjectKind::Variant, fields });
        let inner = match pick(&self.boxes, choices) {
            Some(inner) => inner,
            None => self.b.value(Op::Rconst(0), &[], Ty::Ref),
        };
        if choices.below(2) == 0 {
            let number = self.float(choices);
            let outer = self.b.value(Op::Alloc(shape), &[number, inner], Ty::Ref);
            self.boxes.push(outer);
        } else {
            let load = |field, ty| Op::HeapLoad { shape, field, ty };
            let number = self.b.value(load(0, Ty::F64), &[inner], Ty::F64);
            let next = self.b.value(load(1, Ty::Ref), &[inner], Ty::Ref);
            self.floats.push(number);
            self.boxes.push(next);
        }
    }
}

fn pick<T: Copy>(items: &[T], choices: &mut Choices<'_>) -> Option<T> {
    items.get(choices.below(items.len())).copied()
}
