//! Parsing of modules. Any text gives a module or an error with its line; never panics.

use super::lex::{Cursor, Token, numbered, tokens};
use super::parse_op::{Head, parse_op};
use crate::module::{
    Block, BlockId, Capture, CaptureKind, Child, FuncId, FuncState, Function, Global, Inst, Jump,
    Leaf, LeafKind, Module, ShapeId, SigId, Signature, Term, ValueId,
};
use crate::op::Ty;
use crate::verify::types::op_types;
use attacca_rt::code::{CellSource, ObjectKind, SampleSource, Shape, Site, TapSource};
use attacca_rt::transport::TransportField;
use attacca_rt::voices::VoiceField;
use cranelift_entity::{EntityRef, PrimaryMap};
use smallvec::SmallVec;

/// Why a text is no module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ParseError {}

/// Reads a module. Names, numbers and types that the text leaves open must exist, the other rules
/// are [`crate::verify`]'s.
pub fn parse(text: &str) -> Result<Module, ParseError> {
    let tokens = tokens(text)?;
    let mut cursor = Cursor::new(&tokens);
    let mut module = Module::default();
    let mut bodies = Vec::new();
    while !cursor.done() {
        if cursor.eat_word("fn") {
            let (entry, params) = function_head(&mut cursor, &mut module)?;
            bodies.push((cursor.at, entry, params));
            skip_body(&mut cursor)?;
        } else {
            header_item(&mut cursor, &mut module)?;
        }
    }
    for (index, (at, entry, params)) in bodies.into_iter().enumerate() {
        cursor.at = at;
        let body = Body::parse(&mut cursor, &module, entry, params)?;
        let func = &mut module.funcs[FuncId::new(index)];
        func.entry = entry;
        body.put_into(func);
    }
    Ok(module)
}

// ---- the header ----

fn header_item(cursor: &mut Cursor<'_>, module: &mut Module) -> Result<(), ParseError> {
    let word = cursor.word("a header item or `fn`")?;
    match word {
        "rate" => module.rate = cursor.float()?,
        "inputs" => module.inputs = cursor.number("a count")?,
        "outputs" => module.outputs = cursor.number("a count")?,
        "words" => module.words = cursor.number("a count")?,
        "dsp_base" => module.dsp_base = cursor.number("a word address")?,
        "init" => module.init = Some(cursor.id("fn")?),
        "dsp" => module.dsp = Some(cursor.id("fn")?),
        "kernel" => module.kernel = Some(cursor.id("fn")?),
        "global" => {
            let global = global(cursor)?;
            module.globals.push(global);
        }
        "voices" => module.voices.push(cursor.number("a count")?),
        "block" => module.blocks.push((cursor.number("a word address")?, cursor.id("fn")?)),
        _ => return table_item(cursor, module, word),
    }
    Ok(())
}

fn global(cursor: &mut Cursor<'_>) -> Result<Global, ParseError> {
    let (word, ty, name) = (cursor.number("a word address")?, cursor.ty()?, cursor.text()?);
    let assigned = cursor.eat_word("assigned");
    let init_text = if cursor.eat_word("text") { cursor.number("a number")? } else { 0 };
    let site = site(cursor)?;
    Ok(Global { name, ty, word, assigned, init_text, site })
}

/// `shape0 …`, `sig0 …`, `cell0 …`, `site0 …`, `tap0 …`, `sample0 …`: numbered, in order.
fn table_item(cursor: &mut Cursor<'_>, module: &mut Module, word: &str) -> Result<(), ParseError> {
    if let Some(id) = numbered::<ShapeId>(word, "shape") {
        in_order(cursor, word, id.index(), module.shapes.len())?;
        let shape = shape(cursor)?;
        module.shapes.push(shape);
    } else if let Some(id) = numbered::<SigId>(word, "sig") {
        in_order(cursor, word, id.index(), module.sigs.len())?;
        let params = cursor.list(Cursor::ty)?;
        cursor.mark('>')?;
        let rets = cursor.list(Cursor::ty)?;
        module.sigs.push(Signature { params, rets });
    } else if let Some(index) = word.strip_prefix("cell").and_then(|n| n.parse::<usize>().ok()) {
        in_order(cursor, word, index, module.cells.len())?;
        module.cells.push(host_cell(cursor)?);
    } else if let Some(index) = word.strip_prefix("site").and_then(|n| n.parse::<usize>().ok()) {
        in_order(cursor, word, index, module.sites.len())?;
        let function = cursor.text()?;
        module.sites.push(site_at(cursor, function)?);
    } else if let Some(index) = word.strip_prefix("tap").and_then(|n| n.parse::<usize>().ok()) {
        in_order(cursor, word, index, module.taps.len())?;
        module.taps.push(TapSource { name: cursor.text()? });
    } else if let Some(index) = word.strip_prefix("sample").and_then(|n| n.parse::<usize>().ok()) {
        in_order(cursor, word, index, module.samples.len())?;
        module.samples.push(SampleSource {
            path: cursor.text()?,
            file: cursor.number("a file")?,
            site: cursor.number("a site")?,
        });
    } else {
        return Err(cursor.before(format!("expected a header item or `fn`, found `{word}`")));
    }
    Ok(())
}

fn in_order(cursor: &Cursor<'_>, word: &str, index: usize, next: usize) -> Result<(), ParseError> {
    if index == next {
        Ok(())
    } else {
        Err(cursor.before(format!("`{word}` is out of order, number {next} is next")))
    }
}

fn shape(cursor: &mut Cursor<'_>) -> Result<Shape, ParseError> {
    const KINDS: &str = "`closure`, `cell`, `variant` or `array`";
    let kind = match cursor.word(KINDS)? {
        "closure" => ObjectKind::Closure,
        "cell" => ObjectKind::Cell,
        "variant" => ObjectKind::Variant,
        "array" => ObjectKind::Array,
        other => return Err(cursor.before(format!("expected {KINDS}, found `{other}`"))),
    };
    let fields = cursor.list(|c| c.ty().map(Into::into))?;
    Ok(Shape { kind, fields })
}

fn host_cell(cursor: &mut Cursor<'_>) -> Result<CellSource, ParseError> {
    const SOURCES: &str = "the source of a host value, like `control` or `pitch`";
    Ok(match cursor.word(SOURCES)? {
        "control" => {
            let name = cursor.text()?;
            CellSource::Control {
                name,
                initial: cursor.float()?,
                min: cursor.float()?,
                max: cursor.float()?,
            }
        }
        "pitch" => {
            CellSource::MidiPitch { channel: cursor.number("a channel")?, initial: cursor.float()? }
        }
        "velocity" => CellSource::MidiVelocity {
            channel: cursor.number("a channel")?,
            initial: cursor.float()?,
        },
        "cc" => CellSource::Cc {
            channel: cursor.number("a channel")?,
            number: cursor.number("a controller")?,
            initial: cursor.float()?,
        },
        "bend" => CellSource::Bend { channel: cursor.number("a channel")? },
        "transport" => {
            let name = cursor.word("a field of the transport")?;
            let field = TransportField::ALL.iter().find(|(_, known)| *known == name);
            let field = field.map(|(field, _)| *field);
            let missing = || cursor.before(format!("the transport has no `{name}`"));
            CellSource::Transport(field.ok_or_else(missing)?)
        }
        "voice" => {
            let (group, voice) = (cursor.number("a group")?, cursor.number("a voice")?);
            let name = cursor.word("a field of a voice")?;
            let field = VoiceField::ALL.into_iter().find(|field| field.name() == name);
            let missing = || cursor.before(format!("a voice has no `{name}`"));
            CellSource::Voice { group, voice, field: field.ok_or_else(missing)? }
        }
        other => return Err(cursor.before(format!("expected {SOURCES}, found `{other}`"))),
    })
}

// ---- functions ----

type Params = Vec<(ValueId, Ty)>;

fn typed_value(cursor: &mut Cursor<'_>) -> Result<(ValueId, Ty), ParseError> {
    let value = cursor.id("v")?;
    cursor.mark(':')?;
    Ok((value, cursor.ty()?))
}

/// What follows a site's function: `0 1 5 bytes 10 20 copy 1`.
fn site_at(cursor: &mut Cursor<'_>, function: String) -> Result<Site, ParseError> {
    let mut number = || cursor.number("a number");
    let (file, line, column) = (number()?, number()?, number()?);
    let (start, end) = if cursor.eat_word("bytes") {
        (cursor.number("a number")?, cursor.number("a number")?)
    } else {
        (0, 0)
    };
    let copy = if cursor.eat_word("copy") { cursor.number("a number")? } else { 0 };
    Ok(Site { function, file, line, column, start, end, copy })
}

/// `fn3 "name"(v0: ref) -> (f64) closure site 2 value "x" f64 cell "y" ref entry bb1`: pushes a function whose types are known.
fn function_head(
    cursor: &mut Cursor<'_>,
    module: &mut Module,
) -> Result<(BlockId, Params), ParseError> {
    let id: FuncId = cursor.id("fn")?;
    in_order(cursor, &id.to_string(), id.index(), module.funcs.len())?;
    let name = cursor.text()?;
    let params = cursor.list(typed_value)?;
    cursor.mark('>')?;
    let mut func = Function::new(name, cursor.list(Cursor::ty)?);
    func.closure = cursor.eat_word("closure");
    if cursor.eat_word("site") {
        func.site = cursor.number("a site")?;
    }
    func.types = types(cursor)?;
    while let Some(kind) = CaptureKind::ALL.into_iter().find(|kind| cursor.eat_word(kind.name())) {
        let (name, ty) = (cursor.text()?, cursor.ty()?);
        func.captures.push(Capture { name, kind, ty, types: types(cursor)? });
    }
    let entry = if cursor.eat_word("entry") { cursor.id("bb")? } else { func.entry };
    let mut values = Values::default();
    for (value, ty) in &params {
        values.define(*value, *ty);
    }
    func.values = values.finish();
    // Until the body is read, the first block holds the parameters.
    func.blocks[func.entry].params = params.iter().map(|(value, _)| *value).collect();
    module.funcs.push(func);
    Ok((entry, params))
}

fn skip_body(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    cursor.mark('{')?;
    let mut depth = 1;
    while depth > 0 {
        match cursor.peek() {
            Some(Token::Mark('{')) => depth += 1,
            Some(Token::Mark('}')) => depth -= 1,
            Some(_) => {}
            None => return Err(cursor.expected("`}`")),
        }
        cursor.at += 1;
    }
    Ok(())
}

/// Types of values, in any order; values that nothing defines count as f64.
#[derive(Default)]
struct Values(Vec<Ty>);

impl Values {
    fn mention(&mut self, value: ValueId) {
        if self.0.len() <= value.index() {
            self.0.resize(value.index() + 1, Ty::F64);
        }
    }

    fn define(&mut self, value: ValueId, ty: Ty) {
        self.mention(value);
        self.0[value.index()] = ty;
    }

    fn finish(self) -> PrimaryMap<ValueId, Ty> {
        self.0.into_iter().collect()
    }
}

/// The inside of a function while it is read.
#[derive(Default)]
struct Body {
    blocks: PrimaryMap<BlockId, Block>,
    insts: PrimaryMap<crate::module::InstId, Inst>,
    values: Values,
    state: FuncState,
}

impl Body {
    fn put_into(self, func: &mut Function) {
        func.blocks = self.blocks;
        func.insts = self.insts;
        func.values = self.values.finish();
        func.state = self.state;
    }

    fn parse(
        cursor: &mut Cursor<'_>,
        module: &Module,
        entry: BlockId,
        params: Params,
    ) -> Result<Self, ParseError> {
        let mut body = Self::default();
        cursor.mark('{')?;
        if cursor.eat_word("state") {
            body.state = state(cursor)?;
        }
        while !cursor.eat('}') {
            let block: BlockId = cursor.id("bb")?;
            in_order(cursor, &block.to_string(), block.index(), body.blocks.len())?;
            let own = if block == entry {
                params.clone()
            } else if cursor.peek() == Some(&Token::Mark('(')) {
                cursor.list(typed_value)?
            } else {
                Vec::new()
            };
            cursor.mark(':')?;
            for (value, ty) in &own {
                body.values.define(*value, *ty);
            }
            let params = own.into_iter().map(|(value, _)| value).collect();
            let (insts, end) = body.statements(cursor, module)?;
            body.blocks.push(Block { params, insts, end });
        }
        if !body.blocks.is_valid(entry) {
            return Err(cursor.before(format!("the function has no entry block {entry}")));
        }
        Ok(body)
    }

    fn statements(
        &mut self,
        cursor: &mut Cursor<'_>,
        module: &Module,
    ) -> Result<(Vec<crate::module::InstId>, Term), ParseError> {
        let mut insts = Vec::new();
        loop {
            if let Some(end) = self.term(cursor)? {
                return Ok((insts, end));
            }
            insts.push(self.instruction(cursor, module)?);
        }
    }

    fn instruction(
        &mut self,
        cursor: &mut Cursor<'_>,
        module: &Module,
    ) -> Result<crate::module::InstId, ParseError> {
        let mut results: SmallVec<[ValueId; 2]> = SmallVec::new();
        if at_value(cursor) {
            results.push(cursor.id("v")?);
            while cursor.eat(',') {
                results.push(cursor.id("v")?);
            }
            cursor.mark('=')?;
        }
        let Head { op, args } = parse_op(cursor, module)?;
        let types = op_types(module, &op).map_err(|message| cursor.before(message))?;
        if types.results.len() != results.len() {
            let message = format!("gives {} results, not {}", types.results.len(), results.len());
            return Err(cursor.before(message));
        }
        for arg in &args {
            self.values.mention(*arg);
        }
        for (result, ty) in results.iter().zip(types.results) {
            self.values.define(*result, ty);
        }
        Ok(self.insts.push(Inst { op, args, results }))
    }

    fn term(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Term>, ParseError> {
        let end = if cursor.eat_word("jump") {
            Term::Jump(jump(cursor)?)
        } else if cursor.eat_word("branch") {
            let cond = cursor.id("v")?;
            cursor.mark(',')?;
            let then = jump(cursor)?;
            cursor.mark(',')?;
            Term::Branch { cond, then, other: jump(cursor)? }
        } else if cursor.eat_word("return") {
            let mut values = SmallVec::new();
            while at_value(cursor) {
                values.push(cursor.id("v")?);
                if !cursor.eat(',') {
                    break;
                }
            }
            Term::Return(values)
        } else if cursor.eat_word("open") {
            Term::Open
        } else {
            return Ok(None);
        };
        for value in end.uses() {
            self.values.mention(value);
        }
        Ok(Some(end))
    }
}

fn at_value(cursor: &Cursor<'_>) -> bool {
    matches!(cursor.peek(), Some(Token::Word(word)) if numbered::<ValueId>(word, "v").is_some())
}

fn jump(cursor: &mut Cursor<'_>) -> Result<Jump, ParseError> {
    let to = cursor.id("bb")?;
    let args = if cursor.peek() == Some(&Token::Mark('(')) {
        cursor.list(|c| c.id("v"))?
    } else {
        Vec::new()
    };
    Ok(Jump { to, args: SmallVec::from_vec(args) })
}

fn state(cursor: &mut Cursor<'_>) -> Result<FuncState, ParseError> {
    let mut state = FuncState { words: cursor.number("a count of words")?, ..FuncState::default() };
    cursor.mark('{')?;
    while !cursor.eat('}') {
        if cursor.eat_word("leaf") {
            let offset = cursor.number("an offset")?;
            let kind = leaf_kind(cursor)?;
            let (name, site) = (cursor.text()?, site(cursor)?);
            state.leaves.push(Leaf { offset, kind, name, site, types: types(cursor)? });
        } else if cursor.eat_word("child") {
            let (offset, func) = (cursor.number("an offset")?, cursor.id("fn")?);
            state.children.push(Child {
                offset,
                func,
                binding: cursor.text()?,
                site: site(cursor)?,
            });
        } else {
            return Err(cursor.expected("`leaf`, `child` or `}`"));
        }
    }
    Ok(state)
}

fn leaf_kind(cursor: &mut Cursor<'_>) -> Result<LeafKind, ParseError> {
    Ok(match cursor.word("`self`, `mem` or `line`")? {
        "self" => LeafKind::SelfValue { part: cursor.number("a part")?, ty: cursor.ty()? },
        "mem" => LeafKind::Mem,
        "line" => LeafKind::Line { len: cursor.number("a length")? },
        other => {
            return Err(cursor.before(format!("expected `self`, `mem` or `line`, found `{other}`")));
        }
    })
}

fn types(cursor: &mut Cursor<'_>) -> Result<u64, ParseError> {
    if cursor.eat_word("types") { cursor.number("a number") } else { Ok(0) }
}

fn site(cursor: &mut Cursor<'_>) -> Result<u32, ParseError> {
    if cursor.eat_word("site") { cursor.number("a site") } else { Ok(0) }
}
