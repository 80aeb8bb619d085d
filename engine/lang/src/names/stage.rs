//! The two stages: quotes, splices, macro calls, and what is seen where.

use super::expr::MACROS;
use super::import::Public;
use super::lookup::Found;
use super::suggest::nearest;
use super::{Resolve, Stages};
use crate::builtins::{Builtin, Stages as Where};
use crate::diag::Diagnostic;
use crate::hir::{BindingId, ExprId, ExprKind, LambdaId, Stage};
use crate::source::Span;
use crate::syntax::ast::{self, Node};
use smol_str::SmolStr;

impl Resolve<'_> {
    /// Reports what stands at the wrong stage, if the stages are known.
    fn wrong_stage(&mut self, diagnostic: Diagnostic) {
        self.misplaced += 1;
        match self.stages {
            Stages::Known => self.report(diagnostic),
            Stages::Unknown => {}
        }
    }

    /// Runs `inside` at another stage; `self` of functions around does not reach there.
    pub(super) fn at_stage<T>(&mut self, stage: Stage, inside: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.stage, stage);
        let own: Option<LambdaId> = self.self_lambda.take();
        let result = inside(self);
        (self.stage, self.self_lambda) = (outer, own);
        result
    }

    /// `` `e``.
    pub(super) fn quote(&mut self, expr: &ast::QuoteExpr, span: Span) -> ExprId {
        if self.stage == Stage::Audio {
            let head = self.head_span(expr);
            let error = Diagnostic::error("misplaced-quote", head, "code is quoted only in macros");
            self.wrong_stage(error.help("macros stand behind `#stage(macro)`, or in `$(..)`"));
            return self.error(span);
        }
        let inner = self.at_stage(Stage::Audio, |cx| cx.maybe(expr.expr(), span));
        self.add(ExprKind::Quote(inner), span)
    }

    /// `$e`.
    pub(super) fn splice(&mut self, expr: &ast::SpliceExpr, span: Span) -> ExprId {
        if self.stage == Stage::Macro {
            let head = self.head_span(expr);
            let error = Diagnostic::error(
                "misplaced-splice",
                head,
                "`$` puts code into the audio program, and this runs while compiling",
            );
            self.wrong_stage(error.help("leave the `$` out, or quote what is around it: `(..)"));
            return self.error(span);
        }
        let inner = self.at_stage(Stage::Macro, |cx| cx.maybe(expr.expr(), span));
        self.add(ExprKind::Splice(inner), span)
    }

    /// `m!(a, b)` is `$(m(a, b))`.
    pub(super) fn macro_call(&mut self, call: &ast::MacroCall) -> ExprId {
        let span = self.span_of(call.syntax());
        if self.stage == Stage::Macro {
            let head = self.head_span(call);
            let error = Diagnostic::error(
                "misplaced-splice",
                head,
                "`!` puts code into the audio program, and this runs while compiling",
            );
            self.wrong_stage(
                error.help("call it without the `!`, or quote what is around it: `(..)"),
            );
            return self.error(span);
        }
        let inner = self.at_stage(Stage::Macro, |cx| {
            let callee = match call.path() {
                Some(path) => cx.macro_name(&path),
                None => cx.error(span),
            };
            let args = call.args().map(|arg| cx.expr(&arg)).collect();
            cx.add(ExprKind::Call { callee, args }, span)
        });
        self.add(ExprKind::Splice(inner), span)
    }

    fn macro_name(&mut self, path: &ast::PathExpr) -> ExprId {
        let span = self.span_of(path.syntax());
        let Some(name) = path.plain() else { return self.path(path, span) };
        let name = name.text();
        let known = !matches!(self.find(name), Found::Nothing);
        if known || self.may_be_foreign(name) {
            return self.path(path, span);
        }
        if !self.tell_once(name) {
            return self.error(span);
        }
        let message = format!("there is no macro `{name}!`");
        let error = Diagnostic::error("unknown-name", span, message);
        if self.has_said_enough() {
            self.report(error);
            return self.error(span);
        }
        let small = name.to_lowercase();
        let near = MACROS.iter().copied().find(|it| it.to_lowercase() == small);
        let library = self.library_hint(name);
        if let Some(known) = library.as_ref().filter(|known| known.name == name) {
            let module = &known.module;
            let help = format!("it is in the library; write at the top: use {module}::*");
            self.report(error.help(help));
            return self.error(span);
        }
        let visible = self.visible_names();
        let names = visible.iter().map(SmolStr::as_str).chain(MACROS.iter().copied());
        let near = near.or_else(|| nearest(name, names)).map(str::to_owned);
        self.report(match (near, library) {
            (Some(near), _) => error.help(format!("did you mean `{near}!`?")),
            (None, Some(Public { name: near, module, .. })) => error.help(format!(
                "did you mean `{near}!` of the library? Then write at the top: use {module}::*"
            )),
            (None, None) => {
                error.help("macros are functions behind `#stage(macro)`, or of a library")
            }
        });
        self.error(span)
    }

    /// Whether a variable can be used at this stage; says so if not.
    pub(super) fn stage_fits(&mut self, binding: BindingId, span: Span) -> bool {
        let Some(data) = self.program.bindings.get(binding) else { return true };
        if data.stage == self.stage {
            return true;
        }
        let (name, at) = (data.name.clone(), data.span);
        let (message, help) = match self.stage {
            Stage::Audio => (
                format!("`{name}` is known while compiling only, this runs while sound runs"),
                if self.values.contains(&binding) {
                    format!("to put what it computes here, write $(lift({name}(..)))")
                } else {
                    format!(
                        "to put its value here, write $(lift({name})), or {name}!(..) for a macro"
                    )
                },
            ),
            Stage::Macro => (
                format!("`{name}` is known while sound runs only, this runs while compiling"),
                format!("to pass it as code, quote it: `{name}"),
            ),
        };
        let error = Diagnostic::error("wrong-stage", span, message);
        self.wrong_stage(error.also(at, "defined here").help(help));
        false
    }

    /// Whether a built-in can be used at this stage; says so if not.
    pub(super) fn builtin_fits(&mut self, builtin: Builtin, span: Span) -> bool {
        let name = builtin.name();
        let (message, help) = match (builtin.stages(), self.stage) {
            (Where::Both, _) | (Where::Macro, Stage::Macro) | (Where::Audio, Stage::Audio) => {
                return true;
            }
            (Where::Macro, Stage::Audio) => (
                format!("`{name}` works while compiling only"),
                if MACROS.contains(&name) {
                    format!("it is called with `!`: {name}!(..)")
                } else {
                    "compute it in a macro, and put the result here with `$`".to_owned()
                },
            ),
            (Where::Audio, Stage::Macro) => (
                format!("`{name}` works while sound runs only, this runs while compiling"),
                "quote it, to make it part of the audio program".to_owned(),
            ),
        };
        self.wrong_stage(Diagnostic::error("wrong-stage", span, message).help(help));
        false
    }

    /// `now`, `samplerate` and `self` need sound that runs.
    pub(super) fn audio_only(&mut self, name: &str, kind: ExprKind, span: Span) -> ExprId {
        if self.stage == Stage::Audio {
            return self.add(kind, span);
        }
        let message = format!("`{name}` works while sound runs only, this runs while compiling");
        let error = Diagnostic::error("wrong-stage", span, message);
        self.wrong_stage(error.help("quote it, to make it part of the audio program"));
        self.error(span)
    }
}
