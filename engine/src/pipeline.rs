//! The order of the passes, once.
//!
//! Takes a text and options, gives a [`Compiled`]: a program ready to be instantiated, or what is
//! wrong with the text. Holds the flush-to-zero guard throughout, so that folding computes what the
//! running program would. Never panics: a panic of a pass is caught and reported as our bug.

use crate::dump::Keep;
pub use crate::dump::{Leave, Nobody, Pass, Stage, Watch};
use crate::loader::{Files, Loader, is_embedded};
use crate::message::Message;
use crate::program::Program;
use crate::samples;
use crate::target::Target;
use attacca_lang::diag::{Diagnostic, Diagnostics};
use attacca_lang::hir::ExprKind;
use attacca_lang::source::{FileId, LineColumn, SourceMap, Span};
use attacca_lang::{lower, names, stage, syntax, types, words};
use attacca_mir::backend::{Backend as _, BackendError};
use attacca_mir::cancel::Cancel;
use attacca_mir::module::Module;
use attacca_mir::opt;
use attacca_mir::state_tree::{MOST_NODES, StateTree};
use attacca_mir::verify;
use attacca_rt::code::{CellSource, Code, Dropped, Image, Site};
use attacca_rt::ftz::Guard;
use attacca_rt::param::SLOTS;
use attacca_rt::sample::Sample;
use attacca_rt::voices::{MAX_GROUPS, MAX_VOICES};
use attacca_rt::{Hz, MAX_CHANNELS};
use attacca_vm::globals::GlobalsError;
use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Code of the warning about a control that the host has no parameter for.
pub(crate) const TOO_MANY_CONTROLS: &str = "too-many-controls";

/// Blocks that a function may have as it is lowered; an `if` takes three.
const MOST_BLOCKS: usize = 24_000;

/// How to compile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The backend.
    pub target: Target,
    /// The sample rate the code is for.
    pub rate: Hz,
    /// How number literals are read.
    pub literals: Literals,
}

/// How number literals are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Literals {
    /// As written.
    #[default]
    Exact,
    /// Rounded as mimium 4.1 rounds them, for comparing with it.
    Mimium,
}

impl Default for Options {
    fn default() -> Self {
        Self { target: Target::default(), rate: Hz(48_000.0), literals: Literals::default() }
    }
}

/// The outcome of a compile.
#[derive(Debug)]
pub struct Compiled {
    /// The texts that spans point into.
    pub sources: SourceMap,
    /// The program's own text.
    file: FileId,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
    /// The program, unless there are errors.
    pub program: Option<Arc<Program>>,
    /// The program as lowered, in sample form and complete: what the oracle reads.
    pub sample: Option<Module>,
    /// The controls with their first places, in the order of the text.
    pub controls: Vec<(String, Span)>,
    /// The sound files of the module, in order; those that cannot be read are empty.
    pub samples: Vec<Arc<Sample>>,
    /// What macro code printed.
    pub printed: String,
    /// Time from the text to code.
    pub time: Duration,
}

impl Compiled {
    /// The start of the program's own text.
    pub(crate) fn start(&self) -> Span {
        Span::new(self.file, 0, 0)
    }

    /// The names of the files it was made of, the program's own first, and whether each is of the
    /// embedded library.
    pub fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.sources.iter().map(|(_, source)| (source.name(), is_embedded(source.name())))
    }

    /// Errors and warnings as plain data, in the order of their places.
    pub fn messages(&self) -> Vec<Message> {
        let sorted = self.diagnostics.sorted();
        sorted.into_iter().map(|diagnostic| Message::of(diagnostic, &self.sources)).collect()
    }
}

/// Compiles a text that uses no files but the library.
pub fn compile(name: &str, text: &str, options: &Options) -> Compiled {
    compile_with(name, text, options, &Files::library())
}

/// Compiles a text; `loader` finds the files it uses.
pub fn compile_with(name: &str, text: &str, options: &Options, loader: &dyn Loader) -> Compiled {
    compile_watched(name, text, options, loader, &mut Nobody)
}

/// Compiles a text; `watch` sees each intermediate.
pub fn compile_watched(
    name: &str,
    text: &str,
    options: &Options,
    loader: &dyn Loader,
    watch: &mut dyn Watch,
) -> Compiled {
    let start = Instant::now();
    let mut text = Text::new(name, text);
    text.cancel = watch.cancel();
    text.diagnostics = Diagnostics::of(text.cancel.clone());
    let program = text.guarded(|text| {
        let module = text.front(options.literals, loader, watch)?;
        text.back(module, options, watch)
    });
    text.compiled(program, start)
}

/// Compiles a module in sample form, as lowering leaves it.
pub fn compile_module(module: Module, options: &Options) -> Compiled {
    let start = Instant::now();
    let mut text = Text::new("module", "");
    text.sounds = module.samples.iter().map(|sound| vec![sound.path.clone()]).collect();
    let program = text.guarded(|text| text.back(module, options, &mut Nobody));
    text.compiled(program, start)
}

/// Checks a text without making code: what an editor shows while one types.
pub fn check(name: &str, text: &str) -> Compiled {
    let start = Instant::now();
    let mut text = Text::new(name, text);
    text.guarded(|text| text.front(Literals::Exact, &Files::library(), &mut Nobody));
    text.compiled(None, start)
}

/// Compiles a text and prints one intermediate, if the compiler gets that far.
pub fn dump(
    name: &str,
    text: &str,
    options: &Options,
    loader: &dyn Loader,
    stage: Stage,
) -> (Option<String>, Compiled) {
    let mut keep = Keep::new(stage);
    let target = match stage {
        Stage::Bytecode => Target::Vm,
        Stage::Clif | Stage::Asm => Target::Jit,
        Stage::Tokens
        | Stage::Tree
        | Stage::Names
        | Stage::Types
        | Stage::Staged
        | Stage::Mir
        | Stage::Image
        | Stage::State
        | Stage::Opt
        | Stage::Wat => options.target,
    };
    let compiled = compile_watched(name, text, &Options { target, ..*options }, loader, &mut keep);
    (keep.into_text(), compiled)
}

/// A text on its way.
struct Text {
    sources: SourceMap,
    file: FileId,
    diagnostics: Diagnostics,
    sample: Option<Module>,
    controls: Vec<(String, Span)>,
    samples: Vec<Arc<Sample>>,
    /// Where each sound file may be.
    sounds: Vec<Vec<String>>,
    printed: String,
    /// Where `dsp` is defined.
    dsp: Option<Span>,
    cancel: Cancel,
}

impl Text {
    fn new(name: &str, text: &str) -> Self {
        let mut sources = SourceMap::new();
        let file = sources.add(name, text);
        Self {
            sources,
            file,
            diagnostics: Diagnostics::new(),
            sample: None,
            controls: Vec::new(),
            samples: Vec::new(),
            sounds: Vec::new(),
            printed: String::new(),
            dsp: None,
            cancel: Cancel::default(),
        }
    }

    fn compiled(self, program: Option<Program>, start: Instant) -> Compiled {
        let Self { sources, file, diagnostics, sample, controls, samples, printed, .. } = self;
        let (program, time) = (program.map(Arc::new), start.elapsed());
        Compiled { sources, file, diagnostics, program, sample, controls, samples, printed, time }
    }

    /// Text to MIR in sample form; `None` if there are errors.
    fn front(
        &mut self,
        literals: Literals,
        loader: &dyn Loader,
        watch: &mut dyn Watch,
    ) -> Option<Module> {
        let text = self.sources.text(self.file).to_owned();
        let start = self.start();
        let diags = &mut self.diagnostics;
        watch.see(Stage::Tokens, &|| tokens(&text));
        enter(Pass::Parse, watch, start, diags)?;
        let parse = syntax::parse(&text, self.file, diags);
        watch.see(Stage::Tree, &|| format!("{:#?}", parse.syntax()));
        enter(Pass::Names, watch, start, diags)?;
        let mut named = names::resolve_files(&parse, loader, &mut self.sources, diags);
        match literals {
            Literals::Exact => {}
            Literals::Mimium => named.round_literals(),
        }
        watch.see(Stage::Names, &|| format!("{named:#?}\n"));
        enter(Pass::Types, watch, start, diags)?;
        let typed = types::check(named, diags);
        watch.see(Stage::Types, &|| show_types(&typed));
        enter(Pass::Stage, watch, start, diags)?;
        let typed = stage::run(typed, diags);
        self.printed.clone_from(&typed.program.printed);
        watch.see(Stage::Staged, &|| format!("{:#?}\n", typed.program));
        let bindings = &typed.program.bindings;
        self.dsp = typed.program.dsp.and_then(|dsp| bindings.get(dsp)).map(|dsp| dsp.span);
        if diags.has_errors() {
            return None;
        }
        enter(Pass::Lower, watch, start, diags)?;
        let module = lower::to_mir(&typed, &self.sources, diags);
        if diags.has_errors() {
            return None;
        }
        self.controls = controls(&typed);
        for (name, at) in self.controls.iter().skip(SLOTS) {
            diags.push(no_slot(name, *at));
        }
        for sound in &module.samples {
            let from = self.sources.name(FileId::from_u32(sound.file));
            self.sounds.push(loader.sound_places(from, &sound.path));
        }
        watch.see(Stage::Mir, &|| module.to_string());
        Some(module)
    }

    /// MIR in sample form to a program.
    fn back(
        &mut self,
        mut module: Module,
        options: &Options,
        watch: &mut dyn Watch,
    ) -> Option<Program> {
        if module.inputs.max(module.outputs) as usize > MAX_CHANNELS {
            let at = self.dsp.unwrap_or(self.start());
            let message =
                format!("`dsp` can have at most {MAX_CHANNELS} inputs and {MAX_CHANNELS} outputs");
            return self.reject_at("too-many-channels", at, &message);
        }
        if module.voices.len() > MAX_GROUPS
            || module.voices.iter().any(|count| *count as usize > MAX_VOICES)
        {
            let message = format!(
                "a program can have at most {MAX_GROUPS} groups of {MAX_VOICES} voices each"
            );
            return self.reject("too-many-voices", &message);
        }
        self.count_branches(&module)?;
        module.rate = options.rate.0;
        self.load(&module);
        self.enter(Pass::Globals, watch)?;
        opt::prepare(&mut module);
        let image = self.globals(&mut module)?;
        watch.see(Stage::Image, &|| show_image(&image));
        self.enter(Pass::State, watch)?;
        let mut tree = StateTree::of(&module, &image);
        if tree.nodes.len() > MOST_NODES {
            let message =
                format!("the program uses functions with state at more than {MOST_NODES} places");
            return self.reject("state-too-large", &message);
        }
        tree.text = words::of(&self.sources);
        watch.see(Stage::State, &|| tree.to_string());
        self.enter(Pass::Optimise, watch)?;
        opt::run(&mut module, &image);
        self.enter(Pass::Code, watch)?;
        let code = match options.target {
            Target::Vm => vm(module, watch),
            Target::Jit => jit(module, watch),
        };
        match code {
            Ok(code) => {
                let samples = self.samples.clone();
                Some(Program { code, image, tree, rate: options.rate, samples })
            }
            Err(BackendError::TooLarge(what)) => self.too_large(&what),
            Err(error) => {
                let code = match error {
                    BackendError::Unsupported(_) => "not-supported-yet",
                    BackendError::TooLarge(_) => "program-too-large",
                    BackendError::Internal(_) => "compiler-bug",
                };
                self.reject(code, &error.to_string())
            }
        }
    }

    /// Runs the global code; the module learns what it made.
    fn globals(&mut self, module: &mut Module) -> Option<Image> {
        let mut counted = module.clone();
        opt::rc::run(&mut counted);
        let run = attacca_vm::globals::run_unless(&self.cancel, &counted, &self.samples);
        self.sample = Some(counted);
        match run {
            Ok(run) => {
                if let Some(dropped) = run.image.dropped {
                    self.warn_of_dropped(dropped);
                }
                module.blocks.extend(run.blocks);
                module.words = run.words;
                Some(run.image)
            }
            Err(GlobalsError::Backend(BackendError::TooLarge(what))) => self.too_large(&what),
            Err(error) => {
                let at = self.fault_span(&error).unwrap_or(self.start());
                self.reject_at("global-fault", at, &error.to_string())
            }
        }
    }

    /// Runs passes under the guard; a panic becomes a diagnostic.
    fn guarded<T>(&mut self, passes: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let _mode = Guard::new();
        match catch_unwind(AssertUnwindSafe(|| passes(self))) {
            Ok(result) => result,
            Err(panic) => {
                let bug = bug(self.start(), panic.as_ref());
                self.diagnostics.push(bug);
                None
            }
        }
    }

    fn enter(&mut self, pass: Pass, watch: &mut dyn Watch) -> Option<()> {
        enter(pass, watch, self.start(), &mut self.diagnostics)
    }

    /// Rejects functions with so many branches that the backends would take very long.
    fn count_branches(&mut self, module: &Module) -> Option<()> {
        let large = module.funcs.values().find(|func| func.blocks.len() > MOST_BLOCKS);
        let Some(large) = large else { return Some(()) };
        let site = module.sites.get(large.site as usize);
        let at = site.and_then(|site| self.site_span(site)).unwrap_or(self.start());
        let message =
            format!("`{}` has too many branches: more than {}", large.name, MOST_BLOCKS / 3);
        let error = Diagnostic::error("program-too-large", at, message);
        self.diagnostics
            .push(error.help("divide it into several functions, or look values up in arrays"));
        None
    }

    /// The program cannot be made for this backend: something in it is too large.
    fn too_large<T>(&mut self, what: &str) -> Option<T> {
        let at = self.dsp.unwrap_or(self.start());
        let message = format!("the program is too large: {what}");
        let error = Diagnostic::error("program-too-large", at, message);
        self.diagnostics.push(
            error.help(
                "divide what is long into several functions, or make arrays of fewer elements",
            ),
        );
        None
    }

    /// An error that has no place in the text.
    fn reject<T>(&mut self, code: &'static str, message: &str) -> Option<T> {
        self.reject_at(code, self.start(), message)
    }

    fn reject_at<T>(&mut self, code: &'static str, at: Span, message: &str) -> Option<T> {
        self.diagnostics.push(Diagnostic::error(code, at, message));
        None
    }

    fn start(&self) -> Span {
        Span::new(self.file, 0, 0)
    }

    /// Loads the sound files of a module; those that cannot be read are empty, and a warning.
    fn load(&mut self, module: &Module) {
        for (source, places) in module.samples.iter().zip(std::mem::take(&mut self.sounds)) {
            let site = module.sites.get(source.site as usize);
            let at = site.and_then(|site| self.site_span(site)).unwrap_or(self.start());
            let sample = samples::load(samples::locate(&places)).unwrap_or_else(|why| {
                let message = format!("the sound file `{}` cannot be read: {why}", source.path);
                let warning = Diagnostic::warning("sample-not-read", at, message)
                    .help("it plays as silence and has length 0");
                self.diagnostics.push(warning);
                Arc::default()
            });
            self.samples.push(sample);
        }
    }

    fn warn_of_dropped(&mut self, dropped: Dropped) {
        let site = self.sample.as_ref().and_then(|module| module.sites.get(dropped.site as usize));
        let at = site.and_then(|site| self.site_span(site)).unwrap_or(self.start());
        let message = match dropped.count {
            1 => {
                "a task is scheduled for a time that is not in the future; it is dropped".to_owned()
            }
            count => format!(
                "{count} tasks are scheduled for times that are not in the future; they are dropped"
            ),
        };
        let warning = Diagnostic::warning("task-too-late", at, message)
            .help("global code runs at time 0: the first time a task can have is 1");
        self.diagnostics.push(warning);
    }

    /// The place that a fault of the global code names.
    fn fault_span(&self, error: &GlobalsError) -> Option<Span> {
        let GlobalsError::Fault(fault) = error else { return None };
        self.site_span(self.sample.as_ref()?.sites.get(fault.site as usize)?)
    }

    fn site_span(&self, site: &Site) -> Option<Span> {
        let file = FileId::from_u32(site.file);
        let place = LineColumn { line: site.line, column: site.column };
        let offset = self.sources.get(file)?.offset(place);
        Some(Span::new(file, offset, offset))
    }
}

/// What is said of a panic.
pub(crate) fn bug(at: Span, panic: &(dyn Any + Send)) -> Diagnostic {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words");
    let message = format!("the compiler met an error of its own: {words}");
    Diagnostic::error("compiler-bug", at, message)
}

/// Asks whether to go on; `None`, and an error, if not.
fn enter(pass: Pass, watch: &mut dyn Watch, start: Span, diags: &mut Diagnostics) -> Option<()> {
    let error = match watch.enter(pass) {
        Ok(()) => return Some(()),
        Err(Leave::Newer) => {
            Diagnostic::error("compile-left", start, "a newer text is compiled instead of this one")
        }
        Err(Leave::TooLong) => {
            Diagnostic::error("compile-too-long", start, "compiling this program takes too long")
                .help("make it smaller: fewer functions, shorter arrays, fewer copies by macros")
        }
    };
    diags.push(error);
    None
}

fn vm(mut module: Module, watch: &mut dyn Watch) -> Result<Arc<dyn Code>, BackendError> {
    finish(&mut module, watch)?;
    watch.see(Stage::Bytecode, &|| match attacca_vm::emit::emit(&module) {
        Ok(code) => code.to_string(),
        Err(error) => error.to_string(),
    });
    attacca_vm::Vm.compile(&module)
}

#[cfg(feature = "jit")]
fn jit(mut module: Module, watch: &mut dyn Watch) -> Result<Arc<dyn Code>, BackendError> {
    opt::lower_math(&mut module);
    finish(&mut module, watch)?;
    let jit = attacca_jit::Jit::new()?;
    let words = |text: Result<String, BackendError>| text.unwrap_or_else(|error| error.to_string());
    watch.see(Stage::Clif, &|| words(jit.clif(&module)));
    watch.see(Stage::Asm, &|| words(jit.disasm(&module)));
    jit.compile(&module)
}

#[cfg(not(feature = "jit"))]
fn jit(_: Module, _: &mut dyn Watch) -> Result<Arc<dyn Code>, BackendError> {
    Err(BackendError::Unsupported("programs: the jit is not part of this build".to_owned()))
}

/// The last passes of every backend.
fn finish(module: &mut Module, watch: &mut dyn Watch) -> Result<(), BackendError> {
    opt::rc::run(module);
    watch.see(Stage::Opt, &|| module.to_string());
    verify::verify(module).map_err(|errors| BackendError::Internal(verify::report(&errors)))
}

/// The controls of a program with their first places, in the order of the text.
fn controls(typed: &types::Typed) -> Vec<(String, Span)> {
    let mut uses: Vec<_> = typed
        .program
        .exprs
        .values()
        .filter_map(|expr| {
            let ExprKind::Cell(source) = &expr.kind else { return None };
            let CellSource::Control { name, .. } = &**source else { return None };
            Some((name.as_str(), expr.span))
        })
        .collect();
    uses.sort_by_key(|(_, span)| *span);
    let mut seen = BTreeSet::new();
    uses.retain(|(name, _)| seen.insert(*name));
    uses.into_iter().map(|(name, span)| (name.to_owned(), span)).collect()
}

/// The warning about a control that the host has no parameter for.
pub(crate) fn no_slot(name: &str, at: Span) -> Diagnostic {
    let message =
        format!("all {SLOTS} parameters are taken; the control `{name}` keeps its initial value");
    Diagnostic::warning(TOO_MANY_CONTROLS, at, message)
}

fn tokens(text: &str) -> String {
    let mut at = 0;
    let line = |token: &syntax::lexer::Token| {
        let start = at;
        at += token.len as usize;
        format!("{start:>5} {:?} {:?}\n", token.kind, text.get(start..at).unwrap_or_default())
    };
    syntax::lexer::lex(text).iter().map(line).collect()
}

fn show_types(typed: &types::Typed) -> String {
    let line = |(id, binding): (_, &attacca_lang::hir::Binding)| {
        format!("{}: {}\n", binding.name, typed.show_binding(id))
    };
    typed.program.bindings.iter().map(line).collect()
}

fn show_image(image: &Image) -> String {
    let mut text = format!("words {}\n", image.words.len());
    for (at, word) in image.words.iter().enumerate().filter(|(_, word)| **word != 0) {
        text += &format!("  w{at} = {word:#018x}  {}\n", f64::from_bits(*word));
    }
    text += &format!("heap {}\n", image.heap.len());
    for (at, word) in image.heap.iter().enumerate().filter(|(_, word)| **word != 0) {
        text += &format!("  h{at} = {word:#018x}\n");
    }
    text += &format!("lines {}\n", image.lines.len());
    for line in &image.lines {
        text += &format!("  w{} = {:?}\n", line.word, line.samples);
    }
    text
}
