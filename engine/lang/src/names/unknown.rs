//! Names that nothing defines: what was probably meant, and which of them are news.

use smol_str::SmolStr;

use super::import::Public;
use super::suggest::nearest;
use super::{Resolve, Speech, Types};
use crate::builtins::Builtin;
use crate::diag::Diagnostic;
use crate::hir::Stage;
use crate::source::Span;
use crate::syntax::SyntaxToken;
use crate::syntax::number::behind_a_number;

/// Words of other languages, and what is written here.
const WORDS: &[(&str, &str)] = &[
    ("const", "a variable is defined by: let x = .."),
    ("def", "a function is defined by: fn name(x) { .. }"),
    ("elif", "further conditions are written: else if (c) { .. }"),
    ("false", "truth values are the numbers 1 and 0"),
    (
        "for",
        "there are no loops; a function can call itself, and `self` goes from sample to sample",
    ),
    ("func", "a function is defined by: fn name(x) { .. }"),
    ("function", "a function is defined by: fn name(x) { .. }"),
    ("lambda", "a function without a name is written: |x| .."),
    ("null", "there is no empty value; use a number"),
    ("return", "the last expression of a function is its result"),
    ("then", "a choice is written: if (c) { .. } else { .. }"),
    ("true", "truth values are the numbers 1 and 0"),
    ("var", "a variable is defined by: let x = .."),
    (
        "while",
        "there are no loops; a function can call itself, and `self` goes from sample to sample",
    ),
];

impl Resolve<'_> {
    /// `1e3`, `440Hz`, `2x`: a number and, without a space, a name that is not defined.
    pub(super) fn number_with_letters(&mut self, name: &SyntaxToken, span: Span) {
        let message = format!("`{}` right behind a number means nothing", name.text());
        let error = Diagnostic::error("unknown-name", span, message);
        let before = name.prev_token();
        let sign = name.next_token();
        let digits = sign.as_ref().and_then(SyntaxToken::next_token);
        let text = |token: &Option<SyntaxToken>| -> SmolStr {
            token.as_ref().map_or_else(SmolStr::default, |token| token.text().into())
        };
        let help = behind_a_number(&text(&before), name.text(), &text(&sign), &text(&digits));
        self.report(error.help(help));
    }

    /// Whether a name may be defined by what is not understood.
    pub(super) fn may_be_foreign(&self, name: &str) -> bool {
        let constructor = self.types == Types::Unknown && name.starts_with(char::is_uppercase);
        self.foreign_any || constructor || self.foreign.contains(name)
    }

    /// Notes that the functions around use something unknown.
    fn unclear(&mut self) {
        let mut around = self.lambda;
        while let Some(lambda) = around {
            self.program.unclear.insert(lambda);
            around = self.program.lambdas[lambda].parent;
        }
    }

    /// Whether a mistake of this name is news.
    pub(super) fn tell_once(&mut self, name: &str) -> bool {
        self.speech == Speech::Silent || self.told.insert(name.into())
    }

    pub(super) fn unknown_name(&mut self, name: &str, span: Span) {
        self.unknown_name_or(name, span, "define it with `let` or `fn` before its first use");
    }

    /// Reports a name that nothing defines; `otherwise` is the advice when no cause is evident.
    pub(super) fn unknown_name_or(&mut self, name: &str, span: Span, otherwise: &str) {
        if self.may_be_foreign(name) {
            return;
        }
        self.unclear();
        if !self.tell_once(name) {
            return;
        }
        let message = format!("`{name}` is not defined here");
        let error = Diagnostic::error("unknown-name", span, message);
        if self.has_said_enough() {
            return self.report(error);
        }
        if let Some((_, help)) = WORDS.iter().find(|(word, _)| *word == name) {
            self.report(error.help(*help));
            if !matches!(name, "true" | "false" | "null" | "return") {
                // What such a word begins is not understood, nor what it defines.
                self.speech = Speech::Silent;
                self.foreign_any = true;
            }
            return;
        }
        let later = self.later.get(&(self.module, name.into())).copied();
        let later = later.filter(|later| later.file == span.file && later.start > span.start);
        if let Some(later) = later {
            let error = error.also(later, "defined further down");
            return self.report(error.help("move the definition in front of its first use"));
        }
        if self.defining.iter().any(|defining| defining == name) {
            return self.report(
                error.help("a `let` can't use its own name; write `letrec` or `fn` for recursion"),
            );
        }
        if let Some(gone) = self.gone.get(name).copied() {
            let error = error.also(gone, "this one is seen only in its own block or function");
            return self.report(error.help("define it where both places see it, or pass it on"));
        }
        let library = self.library_hint(name);
        if let Some(known) = library.as_ref().filter(|known| known.name == name) {
            let module = &known.module;
            let import = format!("it is in the library; write at the top: use {module}::*");
            return self.report(match &known.for_macros {
                Some(params) if self.stage == Stage::Audio => error.help(format!(
                    "{name}({params}) of the library computes while compiling: use {module}::* at the top, and \
                     in macro code or here $(lift({name}(..)))"
                )),
                Some(_) | None => error.help(import),
            });
        }
        if let Some(help) = self.type_hint(name) {
            return self.report(error.help(help));
        }
        let visible = self.visible_names();
        let builtins = Builtin::ALL.iter().filter(|builtin| !builtin.is_internal());
        let builtins = builtins.map(|builtin| builtin.name());
        let near = nearest(name, visible.iter().map(SmolStr::as_str).chain(builtins));
        self.report(match (near, library) {
            (Some(near), _) => error.help(format!("did you mean `{near}`?")),
            (None, Some(Public { name: near, module, .. })) => error.help(format!(
                "did you mean `{near}` of the library? Then write at the top: use {module}::*"
            )),
            (None, None) => error.help(otherwise),
        });
    }
}
