//! Heap objects: the instructions that make, read, write, own and free them.
//!
//! Takes and gives back objects of a known class from the heap's lists by itself, in the very order that
//! [`attacca_rt::heap::Heap`] would: while no object waits to be freed, the first free one is taken, and
//! a freed one becomes the first. Everything else is a call of the heap. Null reads as zeros because the
//! words behind it are 0; what is stored to it goes to words of scratch.

use crate::emit::{Base, Const, Emit, Region, bytes, clif_type};
use crate::libcalls::Libcall;
use attacca_mir::backend::BackendError;
use attacca_mir::module::{Inst, Module, ShapeId, ValueId};
use attacca_mir::op::{Op, Ty};
use attacca_rt::code::WordKind;
use attacca_rt::heap::{NULL_FIELDS, WAITING, class_of, free_list, header};
use cranelift_codegen::cursor::Cursor;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::types::{I32, I64};
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value};

/// Arrays with no more words of elements are made here.
const INLINE_WORDS: i64 = 16;

/// Words of an array before its elements: header and length.
const ARRAY_HEAD: i32 = 2;

/// An array of known length that was made in this function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fresh {
    /// Address of its header, or of scratch if the heap is full.
    place: Value,
    /// Number of elements.
    len: i64,
}

/// Words that stores to null may reach.
pub(crate) fn dump_words(module: &Module) -> usize {
    let most = module.shapes.values().map(|shape| shape.fields.len()).max().unwrap_or(0);
    ARRAY_HEAD as usize + most.max(INLINE_WORDS as usize)
}

fn at(word: u32) -> i32 {
    word as i32 * 8
}

impl Emit<'_, '_> {
    // ---- objects made ----

    pub(crate) fn alloc(&mut self, inst: &Inst, shape: ShapeId) -> Result<(), BackendError> {
        let class = class_of(inst.args.len() as u32 + 1);
        let (object, place) = self.take(shape, class, |emit, shape, site| {
            let ctx = emit.ctx;
            emit.libcall(Libcall::Alloc, &[ctx, shape, site])
        })?;
        for (field, arg) in (0u32..).zip(&inst.args) {
            let value = self.value(*arg)?;
            self.write(Region::Heap, value, place, at(1 + field));
        }
        self.set(inst, object);
        Ok(())
    }

    pub(crate) fn new_array(&mut self, inst: &Inst, shape: ShapeId) -> Result<(), BackendError> {
        let stride = self.stride(shape);
        if let Some(Const::Int(len)) = self.constant(inst.args[0])
            && let Some(words) = len.checked_mul(stride)
            && words <= INLINE_WORDS
        {
            return self.small_array(inst, shape, len, words);
        }
        let len = self.value(inst.args[0])?;
        let array = self.called_array(shape, len)?;
        self.set(inst, array);
        Ok(())
    }

    fn called_array(&mut self, shape: ShapeId, len: Value) -> Result<Value, BackendError> {
        let shape = self.ins().iconst(I32, i64::from(shape.as_u32()));
        let site = i64::from(self.mir.site);
        let site = self.ins().iconst(I32, site);
        let ctx = self.ctx;
        made(self.libcall(Libcall::NewArray, &[ctx, shape, site, len]))
    }

    fn small_array(
        &mut self,
        inst: &Inst,
        shape: ShapeId,
        len: i64,
        words: i64,
    ) -> Result<(), BackendError> {
        if len <= 0 {
            let null = self.ins().iconst(I64, 0);
            self.set(inst, null);
            return Ok(());
        }
        let class = class_of(words as u32 + ARRAY_HEAD as u32);
        let (array, place) = self.take(shape, class, |emit, shape, site| {
            let (ctx, len) = (emit.ctx, emit.ins().iconst(I64, len));
            emit.libcall(Libcall::NewArray, &[ctx, shape, site, len])
        })?;
        let count = self.ins().iconst(I64, len);
        self.write(Region::Heap, count, place, at(1));
        let zero = self.ins().iconst(I64, 0);
        for word in 0..words as i32 {
            self.write(Region::Heap, zero, place, (ARRAY_HEAD + word) * 8);
        }
        self.set(inst, array);
        self.fresh[inst.results[0]] = Some(Fresh { place, len });
        Ok(())
    }

    /// An object of 2^`class` words with its header: the first free one, else what `call` gives (of a
    /// shape and a site). The second value is its address, or that of scratch if it is null.
    fn take(
        &mut self,
        shape: ShapeId,
        class: u32,
        call: impl FnOnce(&mut Self, Value, Value) -> Option<Value>,
    ) -> Result<(Value, Value), BackendError> {
        let [ask, pop, slow, done] = [(); 4].map(|()| self.block());
        self.cursor.func.layout.set_cold(slow);
        let [object, place] = [I64; 2].map(|ty| self.cursor.func.dfg.append_block_param(done, ty));
        let heap = self.base(Base::Heap);
        let dump = self.base(Base::Dump);
        let waiting = self.read(I64, Region::Heap, heap, at(WAITING));
        self.ins().brif(waiting, slow, &[], ask, &[]);
        self.cursor.insert_block(ask);
        let first = self.read(I64, Region::Heap, heap, at(free_list(class)));
        self.ins().brif(first, pop, &[], slow, &[]);

        self.cursor.insert_block(pop);
        let found = self.index(heap, first);
        let next = self.read(I64, Region::Heap, found, 0);
        self.write(Region::Heap, next, heap, at(free_list(class)));
        let head = self.ins().iconst(I64, header(shape.as_u32(), class).cast_signed());
        self.write(Region::Heap, head, found, 0);
        self.ins().jump(done, &[BlockArg::Value(first), BlockArg::Value(found)]);

        self.cursor.insert_block(slow);
        let number = self.ins().iconst(I32, i64::from(shape.as_u32()));
        let site = i64::from(self.mir.site);
        let site = self.ins().iconst(I32, site);
        let called = made(call(self, number, site))?;
        let address = self.index(heap, called);
        let address = self.ins().select(called, address, dump);
        self.ins().jump(done, &[BlockArg::Value(called), BlockArg::Value(address)]);

        self.cursor.insert_block(done);
        Ok((object, place))
    }

    // ---- fields ----

    pub(crate) fn heap_load(
        &mut self,
        inst: &Inst,
        field: u32,
        ty: Ty,
    ) -> Result<(), BackendError> {
        let (object, offset) = if field < NULL_FIELDS {
            self.header(inst.args[0])?
        } else {
            self.object(inst.args[0], Base::Zeros)?
        };
        let value = self.read(clif_type(ty), Region::Heap, object, offset + at(1 + field));
        self.set(inst, value);
        Ok(())
    }

    pub(crate) fn heap_store(&mut self, inst: &Inst, field: u32) -> Result<(), BackendError> {
        let (object, offset) = self.object(inst.args[0], Base::Dump)?;
        let value = self.value(inst.args[1])?;
        self.write(Region::Heap, value, object, offset + at(1 + field));
        Ok(())
    }

    /// Address and byte offset of the header of an object, null included.
    fn header(&mut self, object: ValueId) -> Result<(Value, i32), BackendError> {
        let heap = self.base(Base::Heap);
        if let Some(Const::Int(offset)) = self.constant(object) {
            return Ok((heap, bytes(offset)?));
        }
        let object = self.value(object)?;
        Ok((self.index(heap, object), 0))
    }

    /// Address and byte offset of an object's header; `null` is what null stands for.
    fn object(&mut self, object: ValueId, null: Base) -> Result<(Value, i32), BackendError> {
        if let Some(Const::Int(offset @ 1..)) = self.constant(object) {
            return Ok((self.base(Base::Heap), bytes(offset)?));
        }
        let object = self.value(object)?;
        let heap = self.base(Base::Heap);
        let address = self.index(heap, object);
        let null = self.base(null);
        Ok((self.ins().select(object, address, null), 0))
    }

    // ---- arrays ----

    /// Fields of an element.
    fn stride(&self, shape: ShapeId) -> i64 {
        self.program.module.shapes[shape].fields.len() as i64
    }

    pub(crate) fn array_len(&mut self, inst: &Inst) -> Result<(), BackendError> {
        let (array, offset) = self.header(inst.args[0])?;
        let len = self.read(I64, Region::Heap, array, offset + at(1));
        self.set(inst, len);
        Ok(())
    }

    /// Address of the header of the array, moved on to an element; that of `none` where there is no
    /// such element.
    fn element(
        &mut self,
        array: ValueId,
        index: ValueId,
        shape: ShapeId,
        none: Base,
    ) -> Result<Value, BackendError> {
        let (head, offset) = self.header(array)?;
        let len = self.read(I64, Region::Heap, head, offset + at(1));
        let index = self.value(index)?;
        let inside = self.ins().icmp(IntCC::UnsignedLessThan, index, len);
        let words = match self.stride(shape) {
            1 => index,
            stride => {
                let stride = self.ins().iconst(I64, stride);
                self.ins().imul(index, stride)
            }
        };
        let head = self.add(head, i64::from(offset));
        let place = self.index(head, words);
        let none = self.base(none);
        Ok(self.ins().select(inside, place, none))
    }

    pub(crate) fn array_load(
        &mut self,
        inst: &Inst,
        shape: ShapeId,
        field: u32,
        ty: Ty,
    ) -> Result<(), BackendError> {
        // The words behind null, which are 0, serve as the element that does not exist.
        let near = field + (ARRAY_HEAD as u32) <= NULL_FIELDS;
        let none = if near { Base::Heap } else { Base::Zeros };
        let place = self.element(inst.args[0], inst.args[1], shape, none)?;
        let value = self.read(clif_type(ty), Region::Heap, place, ARRAY_HEAD * 8 + at(field));
        self.set(inst, value);
        Ok(())
    }

    pub(crate) fn array_store(
        &mut self,
        inst: &Inst,
        shape: ShapeId,
        field: u32,
    ) -> Result<(), BackendError> {
        let value = self.value(inst.args[2])?;
        if let Some(Fresh { place, len }) = self.fresh[inst.args[0]]
            && let Some(Const::Int(index)) = self.constant(inst.args[1])
        {
            if (0..len).contains(&index) {
                let word = (index * self.stride(shape)) as i32 + ARRAY_HEAD + field as i32;
                self.write(Region::Heap, value, place, word * 8);
            }
            return Ok(());
        }
        let place = self.element(inst.args[0], inst.args[1], shape, Base::Dump)?;
        self.write(Region::Heap, value, place, ARRAY_HEAD * 8 + at(field));
        Ok(())
    }

    pub(crate) fn array_copy(&mut self, inst: &Inst) -> Result<(), BackendError> {
        let mut args = vec![self.ctx];
        args.extend(self.args(inst)?);
        self.libcall(Libcall::ArrayCopy, &args);
        Ok(())
    }

    // ---- owners ----

    /// An object has fewer owners than there are words to hold references, so that the count never
    /// reaches the shape's bits above it. What null would count goes to scratch.
    pub(crate) fn retain(&mut self, inst: &Inst) -> Result<(), BackendError> {
        let (object, offset) = self.object(inst.args[0], Base::Dump)?;
        let head = self.read(I64, Region::Heap, object, offset);
        let head = self.add(head, 1);
        self.write(Region::Heap, head, object, offset);
        Ok(())
    }

    pub(crate) fn release(&mut self, inst: &Inst) -> Result<(), BackendError> {
        let object = self.value(inst.args[0])?;
        let heap = self.base(Base::Heap);
        let [some, shared, last, done] = [(); 4].map(|()| self.block());
        self.ins().brif(object, some, &[], done, &[]);
        self.cursor.insert_block(some);
        let place = self.index(heap, object);
        let head = self.read(I64, Region::Heap, place, 0);
        let owners = self.ins().ireduce(I32, head);
        let one = self.ins().iconst(I32, 1);
        let alone = self.ins().icmp(IntCC::Equal, owners, one);
        self.ins().brif(alone, last, &[], shared, &[]);

        self.cursor.insert_block(shared);
        let head = self.add(head, -1);
        self.write(Region::Heap, head, place, 0);
        self.ins().jump(done, &[]);

        self.cursor.insert_block(last);
        if let Some(class) = self.plain_class(inst.args[0]) {
            self.give_back(object, place, class, done);
        }
        let ctx = self.ctx;
        self.libcall(Libcall::Release, &[ctx, object]);
        self.ins().jump(done, &[]);
        self.cursor.insert_block(done);
        Ok(())
    }

    /// The class of an object that was made here and owns nothing.
    fn plain_class(&self, object: ValueId) -> Option<u32> {
        let op = &self.mir.insts[self.defs[object]?].op;
        let (Op::Alloc(shape) | Op::NewArray(shape)) = op else { return None };
        let fields = &self.program.module.shapes[*shape].fields;
        if fields.contains(&WordKind::Ref) {
            return None;
        }
        if let Op::Alloc(_) = op {
            return Some(class_of(fields.len() as u32 + 1));
        }
        let words = self.fresh[object]?.len * fields.len() as i64;
        Some(class_of(words as u32 + ARRAY_HEAD as u32))
    }

    /// Makes an object the first free one of its class and goes on at `done`; code behind it runs
    /// where others wait to be freed.
    fn give_back(
        &mut self,
        object: Value,
        place: Value,
        class: u32,
        done: cranelift_codegen::ir::Block,
    ) {
        let [push, slow] = [(); 2].map(|()| self.block());
        self.cursor.func.layout.set_cold(slow);
        let heap = self.base(Base::Heap);
        let waiting = self.read(I64, Region::Heap, heap, at(WAITING));
        self.ins().brif(waiting, slow, &[], push, &[]);
        self.cursor.insert_block(push);
        let next = self.read(I64, Region::Heap, heap, at(free_list(class)));
        self.write(Region::Heap, next, place, 0);
        self.write(Region::Heap, object, heap, at(free_list(class)));
        self.ins().jump(done, &[]);
        self.cursor.insert_block(slow);
    }
}

fn made(value: Option<Value>) -> Result<Value, BackendError> {
    value.ok_or_else(|| BackendError::Internal("a call without result".into()))
}
