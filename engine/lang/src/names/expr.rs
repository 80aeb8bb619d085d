//! Expressions: names to bindings, operators and pipes to calls.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only a few kinds of tokens and trees are special at each place"
)]

use rustc_hash::FxHashSet;
use smol_str::SmolStr;

use super::Resolve;
use super::item::WrittenParam;
use super::lookup::{Found, PathFound};
use crate::builtins::Builtin;
use crate::deep::with_room;
use crate::diag::Diagnostic;
use crate::hir::{BindingId, BindingKind, ExprId, ExprKind, Pattern, Stage, Stmt};
use crate::source::Span;
use crate::syntax::ast::{self, Node};
use crate::syntax::{SyntaxKind, SyntaxToken};

/// Macros of the host.
pub(super) const MACROS: &[&str] =
    &["Control", "Probe", "ProbeValueWith", "Sampler_mono", "midi_note_mono"];

impl Resolve<'_> {
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> ExprId {
        with_room(|| self.expr_kind(expr))
    }

    fn expr_kind(&mut self, expr: &ast::Expr) -> ExprId {
        let span = self.span_of(expr.syntax());
        match expr {
            ast::Expr::Literal(it) => self.literal_expr(it, span),
            ast::Expr::PathExpr(it) => self.path(it, span),
            ast::Expr::SelfExpr(_) => self.self_value(span),
            ast::Expr::NowExpr(_) => self.audio_only("now", ExprKind::Now, span),
            ast::Expr::SamplerateExpr(_) => {
                self.audio_only("samplerate", ExprKind::SampleRate, span)
            }
            ast::Expr::ParenExpr(it) => self.maybe(it.expr(), span),
            ast::Expr::Block(it) => self.block(it),
            ast::Expr::BinExpr(it) => self.binary(it, span),
            ast::Expr::PrefixExpr(it) => self.prefix(it, span),
            ast::Expr::CallExpr(it) => self.call(it, span),
            ast::Expr::FieldExpr(it) => self.field(it, span),
            ast::Expr::ProjExpr(it) => self.proj(it, span),
            ast::Expr::TupleExpr(it) => self.tuple(it, span),
            ast::Expr::RecordExpr(it) => self.record(it, span),
            ast::Expr::RecordUpdateExpr(it) => self.record_update(it, span),
            ast::Expr::AssignExpr(it) => self.assign(it, span),
            ast::Expr::LambdaExpr(it) => self.lambda_expr(it, span),
            ast::Expr::IfExpr(it) => self.if_expr(it, span),
            ast::Expr::MacroCall(it) => self.macro_call(it),
            ast::Expr::PlaceholderExpr(_) => self.placeholder(span),
            ast::Expr::MatchExpr(it) => self.match_expr(it, span),
            ast::Expr::ArrayExpr(it) => self.array(it, span),
            ast::Expr::IndexExpr(it) => self.index(it, span),
            ast::Expr::QuoteExpr(it) => self.quote(it, span),
            ast::Expr::SpliceExpr(it) => self.splice(it, span),
        }
    }

    /// An expression, or what a broken text lacks.
    pub(super) fn maybe(&mut self, expr: Option<ast::Expr>, span: Span) -> ExprId {
        match expr {
            Some(expr) => self.expr(&expr),
            None => self.error(span),
        }
    }

    fn literal_expr(&mut self, literal: &ast::Literal, span: Span) -> ExprId {
        let kind = match (literal.number(), literal.string()) {
            (Some(number), _) => ExprKind::Number(number),
            (None, Some(text)) => ExprKind::Str(text.into()),
            (None, None) => ExprKind::Error,
        };
        self.add(kind, span)
    }

    fn self_value(&mut self, span: Span) -> ExprId {
        if self.stage == Stage::Macro {
            return self.audio_only("self", ExprKind::Error, span);
        }
        let Some(lambda) = self.self_lambda else {
            let error =
                Diagnostic::error("self-outside", span, "`self` stands outside of any function");
            self.report(
                error.help("`self` is what the function around it returned one sample ago"),
            );
            return self.error(span);
        };
        self.program.lambdas[lambda].uses_self = true;
        self.add(ExprKind::SelfValue(lambda), span)
    }

    fn placeholder(&mut self, span: Span) -> ExprId {
        let error = Diagnostic::error("misplaced-placeholder", span, "`_` has no meaning here");
        self.report(error.help("`_` stands for the piped value in a call on the right of `||>`"));
        self.error(span)
    }

    // Names.

    pub(super) fn path(&mut self, path: &ast::PathExpr, span: Span) -> ExprId {
        let Some(token) = path.plain() else { return self.module_member(path, span) };
        match self.find(token.text()) {
            Found::Nothing => {
                match token.prev_token().map(|before| before.kind()) {
                    Some(SyntaxKind::Integer | SyntaxKind::Float) => {
                        self.number_with_letters(&token, span);
                    }
                    Some(_) | None => self.unknown_name(token.text(), span),
                }
                self.error(span)
            }
            found => self.found(&found, span),
        }
    }

    /// `m::f`.
    fn module_member(&mut self, path: &ast::PathExpr, span: Span) -> ExprId {
        let segments: Vec<SyntaxToken> = path.segments().collect();
        match (self.find_path(&segments), segments.last()) {
            (PathFound::Found(found), _) => return self.found(&found, span),
            (PathFound::NoMember(module), Some(name)) => {
                self.no_member(module, name, "public function");
            }
            (PathFound::NoModule | PathFound::NoMember(_), _) => self.no_module(&segments),
        }
        self.error(span)
    }

    /// The expression of a name's meaning.
    fn found(&mut self, found: &Found, span: Span) -> ExprId {
        let kind = match found {
            Found::Binding(binding) => {
                self.mention(*binding);
                self.stage_fits(*binding, span).then_some(ExprKind::Var(*binding))
            }
            Found::Constructor(ty, index) => Some(ExprKind::Construct(*ty, *index)),
            Found::Builtin(builtin) => {
                self.builtin_fits(*builtin, span).then_some(ExprKind::Builtin(*builtin))
            }
            Found::Private(private) => {
                self.private(private, span);
                None
            }
            Found::Nothing => None,
        };
        self.add(kind.unwrap_or(ExprKind::Error), span)
    }

    // Operators and pipes.

    fn builtin_call(
        &mut self,
        builtin: Builtin,
        at: Span,
        args: Vec<ExprId>,
        span: Span,
    ) -> ExprId {
        let callee = self.add(ExprKind::Builtin(builtin), at);
        self.add(ExprKind::Call { callee, args }, span)
    }

    fn prefix(&mut self, prefix: &ast::PrefixExpr, span: Span) -> ExprId {
        let operand = self.maybe(prefix.operand(), span);
        let Some(op) = prefix.op() else { return operand };
        let at = self.token_span(&op);
        if op.kind() == SyntaxKind::Plus {
            let error = Diagnostic::error("prefix-plus", at, "there is no prefix `+`");
            self.report(error.help("leave the `+` out"));
            return self.error(span);
        }
        let zero = self.add(ExprKind::Number(0.0), at);
        self.builtin_call(Builtin::Sub, at, vec![zero, operand], span)
    }

    fn binary(&mut self, expr: &ast::BinExpr, span: Span) -> ExprId {
        let Some(op) = expr.op() else { return self.error(span) };
        match op.kind() {
            SyntaxKind::PipeOp => {
                let value = self.maybe(expr.left(), span);
                if let Some(right) = expr.right().filter(|it| direct_placeholders(it) > 0) {
                    return self.placeholder_in_pipe(&right, span);
                }
                let callee = self.maybe(expr.right(), span);
                self.add(ExprKind::Call { callee, args: vec![value] }, span)
            }
            SyntaxKind::PipeMacro => self.macro_pipe(expr, span),
            SyntaxKind::At => self.schedule(expr, &op, span),
            _ => self.operator(expr, &op, None, span),
        }
    }

    /// `x |> f(_, e)` where `||>` was meant.
    fn placeholder_in_pipe(&mut self, right: &ast::Expr, span: Span) -> ExprId {
        let at = self.span_of(right.syntax());
        let error = Diagnostic::error("misplaced-placeholder", at, "`|>` takes no `_`");
        self.report(error.help("write `||>`: it puts the piped value in the place of `_`"));
        self.error(span)
    }

    /// An operator as a call. `hole` is what a `_` operand stands for.
    fn operator(
        &mut self,
        expr: &ast::BinExpr,
        op: &SyntaxToken,
        hole: Option<ExprId>,
        span: Span,
    ) -> ExprId {
        let left = self.argument(expr.left(), hole, span);
        let right = self.argument(expr.right(), hole, span);
        match operator(op.kind()) {
            Some(builtin) => {
                self.builtin_call(builtin, self.token_span(op), vec![left, right], span)
            }
            None => self.error(span),
        }
    }

    /// `f@t` calls a built-in with time and function.
    fn schedule(&mut self, expr: &ast::BinExpr, op: &SyntaxToken, span: Span) -> ExprId {
        let at = self.token_span(op);
        if !self.builtin_fits(Builtin::ScheduleAt, at) {
            return self.error(span);
        }
        let function = self.maybe(expr.left(), span);
        let time = self.maybe(expr.right(), span);
        self.builtin_call(Builtin::ScheduleAt, at, vec![time, function], span)
    }

    /// `x ||> f(_, e)` is `f(x, e)`; without `_` it is `f(x)`.
    fn macro_pipe(&mut self, expr: &ast::BinExpr, span: Span) -> ExprId {
        let value = self.maybe(expr.left(), span);
        let Some(right) = expr.right() else { return self.error(span) };
        let at = self.span_of(right.syntax());
        let holes = direct_placeholders(&right);
        if holes > 1 {
            let error =
                Diagnostic::error("misplaced-placeholder", at, "only one `_` can stand here");
            self.report(error.help("bind the value with `let` and use its name"));
            return self.error(span);
        }
        match &right {
            ast::Expr::CallExpr(call) if holes == 1 => {
                let callee = self.maybe(call.callee(), at);
                let args = call.args().map(|arg| self.argument(Some(arg), Some(value), at));
                let args = args.collect();
                self.add(ExprKind::Call { callee, args }, span)
            }
            ast::Expr::BinExpr(bin) if holes == 1 => match bin.op() {
                Some(op) => self.operator(bin, &op, Some(value), span),
                None => self.error(span),
            },
            _ => {
                let callee = self.expr(&right);
                self.add(ExprKind::Call { callee, args: vec![value] }, span)
            }
        }
    }

    /// An argument, which may be the `_` of a macro pipe.
    fn argument(&mut self, arg: Option<ast::Expr>, hole: Option<ExprId>, span: Span) -> ExprId {
        match (arg, hole) {
            (Some(ast::Expr::PlaceholderExpr(_)), Some(hole)) => hole,
            (arg, _) => self.maybe(arg, span),
        }
    }

    // Compound values.

    fn call(&mut self, call: &ast::CallExpr, span: Span) -> ExprId {
        let misplaced = self.misplaced;
        let callee = self.maybe(call.callee(), span);
        let misplaced = self.misplaced > misplaced;
        // Of a call that was found wrong: a quoted argument shows that a macro was meant.
        let wrong = matches!(self.program.exprs[callee].kind, ExprKind::Error);
        let quoted = wrong && call.args().any(|arg| matches!(arg, ast::Expr::QuoteExpr(_)));
        let args = match self.stage {
            Stage::Audio if quoted || misplaced => {
                self.at_stage(Stage::Macro, |cx| call.args().map(|arg| cx.expr(&arg)).collect())
            }
            Stage::Audio | Stage::Macro => call.args().map(|arg| self.expr(&arg)).collect(),
        };
        self.add(ExprKind::Call { callee, args }, span)
    }

    fn field(&mut self, expr: &ast::FieldExpr, span: Span) -> ExprId {
        let base = self.maybe(expr.base(), span);
        let Some(name) = expr.name() else { return self.error(span) };
        let at = self.token_span(&name);
        self.add(ExprKind::Field(base, name.text().into(), at), span)
    }

    fn proj(&mut self, expr: &ast::ProjExpr, span: Span) -> ExprId {
        let base = self.maybe(expr.base(), span);
        let index = expr.index().map(|index| index.text().parse().unwrap_or(u32::MAX));
        let Some(index) = index else { return self.error(span) };
        self.add(ExprKind::Proj(base, index), span)
    }

    fn tuple(&mut self, expr: &ast::TupleExpr, span: Span) -> ExprId {
        let parts: Vec<ExprId> = expr.parts().map(|part| self.expr(&part)).collect();
        let kind = if parts.is_empty() { ExprKind::Error } else { ExprKind::Tuple(parts) };
        self.add(kind, span)
    }

    /// Fields of a record literal or update, in source order, each name once.
    fn fields(&mut self, fields: impl Iterator<Item = ast::RecordField>) -> Vec<Field> {
        let mut out: Vec<Field> = Vec::new();
        let mut names = FxHashSet::default();
        for field in fields {
            let Some(name) = field.name() else { continue };
            let at = self.token_span(&name);
            let value = self.maybe(field.value(), at);
            if !names.insert(SmolStr::new(name.text())) {
                self.duplicate_field(&name);
                continue;
            }
            out.push(Field { name: name.text().into(), at, value });
        }
        out
    }

    fn record(&mut self, expr: &ast::RecordExpr, span: Span) -> ExprId {
        let mut fields = self.fields(expr.fields());
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let fields = fields.into_iter().map(|field| (field.name, field.value)).collect();
        let complete = !expr.is_incomplete();
        let kind = if complete { ExprKind::Record(fields) } else { ExprKind::Incomplete(fields) };
        self.add(kind, span)
    }

    /// `{r <- x = e}` is `{ let copy = r; copy.x = e; copy }`.
    fn record_update(&mut self, expr: &ast::RecordUpdateExpr, span: Span) -> ExprId {
        let base = expr.base().map(ast::Expr::PathExpr);
        let at = base.as_ref().map_or(span, |base| self.span_of(base.syntax()));
        let copied = self.maybe(base, span);
        let copy = self.declare("copy", at, BindingKind::Local);
        self.program.bindings[copy].assigned = true;
        let mut stmts = vec![Stmt::Let { pattern: Pattern::Bind(copy), ty: None, value: copied }];
        for field in self.fields(expr.fields()) {
            let span = field.at.cover(self.program.exprs[field.value].span);
            let fields = vec![(field.name, field.at)];
            let kind = ExprKind::Assign { target: copy, fields, value: field.value };
            stmts.push(Stmt::Expr(self.add(kind, span)));
        }
        let value = Some(self.add(ExprKind::Var(copy), at));
        self.add(ExprKind::Block { stmts, value }, span)
    }

    // Control and binding.

    fn lambda_expr(&mut self, expr: &ast::LambdaExpr, span: Span) -> ExprId {
        let params: Vec<WrittenParam> = expr
            .params()
            .map(|it| WrittenParam { name: it.name(), ty: it.ty(), default: None })
            .collect();
        let defaults = vec![None; params.len()];
        let body = expr.body();
        let lambda = self.lambda(span, &params, defaults, |cx| (None, cx.maybe(body, span)));
        self.add(ExprKind::Lambda(lambda), span)
    }

    fn if_expr(&mut self, expr: &ast::IfExpr, span: Span) -> ExprId {
        let cond = self.maybe(expr.cond(), span);
        let then = self.maybe(expr.then(), span);
        let other = expr.has_else().then(|| self.maybe(expr.other(), span));
        self.add(ExprKind::If { cond, then, other }, span)
    }

    fn assign(&mut self, expr: &ast::AssignExpr, span: Span) -> ExprId {
        let value = self.maybe(expr.value(), span);
        let Some(place) = expr.place() else { return self.error(span) };
        let mut fields = Vec::new();
        let record = written_like_a_record(expr);
        let Some(target) = self.place(&place, &mut fields, record) else {
            return self.error(span);
        };
        self.mention(target);
        if !self.stage_fits(target, self.span_of(place.syntax())) {
            return self.error(span);
        }
        self.program.bindings[target].assigned = true;
        self.add(ExprKind::Assign { target, fields, value }, span)
    }

    /// The variable on the left of a `=`, and the fields below it.
    fn place(
        &mut self,
        place: &ast::Expr,
        fields: &mut Vec<(SmolStr, Span)>,
        braces: Braces,
    ) -> Option<BindingId> {
        let span = self.span_of(place.syntax());
        match place {
            ast::Expr::FieldExpr(it) => {
                let target = self.place(&it.base()?, fields, braces)?;
                let name = it.name()?;
                fields.push((name.text().into(), self.token_span(&name)));
                return Some(target);
            }
            ast::Expr::PathExpr(it) => match it.plain() {
                Some(name) => return self.target(name.text(), span, braces),
                None => {
                    let help = "members of modules are fixed; assign a variable defined by `let`";
                    self.not_assignable(span, &cannot_assign(place), help);
                }
            },
            ast::Expr::IndexExpr(_) => {
                let help = "make a new array that differs in this element";
                self.not_assignable(span, "elements of an array can't be assigned", help);
            }
            ast::Expr::ProjExpr(_) => {
                let help = "assign a new tuple to the whole variable: t = (.., ..)";
                self.not_assignable(span, "elements of a tuple can't be assigned", help);
            }
            ast::Expr::TupleExpr(it) => {
                self.perhaps_bound(it);
                let help = "assign one variable a line, or bind new ones: let (a, b) = ..";
                self.not_assignable(span, "a tuple of variables can't be assigned", help);
            }
            ast::Expr::SelfExpr(_) => {
                let help = "`self` is the function's last result; make the new value its result";
                self.not_assignable(span, &cannot_assign(place), help);
            }
            ast::Expr::NowExpr(_) | ast::Expr::SamplerateExpr(_) => {
                let help = "to compare, write `==`; to keep a value, bind it with `let`";
                self.not_assignable(span, &cannot_assign(place), help);
            }
            _ => {
                let help = "to compare, write `==`; to keep a value, bind it with `let`";
                self.not_assignable(span, "only variables and their fields can be assigned", help);
            }
        }
        None
    }

    /// `(a, (b, c)) = ..`: perhaps these names were to be bound.
    fn perhaps_bound(&mut self, tuple: &ast::TupleExpr) {
        let mut todo: Vec<ast::Expr> = tuple.parts().collect();
        while let Some(part) = todo.pop() {
            match part {
                ast::Expr::TupleExpr(inner) => todo.extend(inner.parts()),
                ast::Expr::PathExpr(path) => {
                    let name = path.plain().map(|name| SmolStr::new(name.text()));
                    self.foreign.extend(name);
                }
                _ => {}
            }
        }
    }

    fn target(&mut self, name: &str, span: Span, braces: Braces) -> Option<BindingId> {
        let found = self.find(name);
        if let Found::Binding(binding) = found {
            return Some(binding);
        }
        if let Found::Builtin(_) = found {
            let message = format!("`{name}` is built in and can't be assigned");
            self.not_assignable(span, &message, "bind a variable with `let` and assign that");
            return None;
        }
        if let Found::Constructor(..) = found {
            let message = format!("`{name}` is a constructor and can't be assigned");
            self.not_assignable(span, &message, "bind a variable with `let` and assign that");
            return None;
        }
        let help = match braces {
            Braces::LikeARecord => format!(
                "these braces are a block; a record here has two pairs: {{ {{{name} = ..}} }}"
            ),
            Braces::None => format!("to define it here, write: let {name} = .."),
        };
        self.unknown_name_or(name, span, &help);
        None
    }

    fn not_assignable(&mut self, span: Span, message: &str, help: &str) {
        self.report(Diagnostic::error("not-assignable", span, message).help(help));
    }
}

fn cannot_assign(place: &ast::Expr) -> String {
    format!("`{}` can't be assigned", place.syntax().text())
}

/// Whether an assignment looks like the inside of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Braces {
    /// It is the only statement of its block.
    LikeARecord,
    None,
}

fn written_like_a_record(expr: &ast::AssignExpr) -> Braces {
    let parents = expr.syntax().ancestors().skip(1).take(2).map(|node| node.kind());
    let siblings = expr.syntax().parent().and_then(|it| it.parent());
    let alone = siblings.is_some_and(|block| block.children().count() == 1);
    match parents.collect::<Vec<_>>().as_slice() {
        [SyntaxKind::ExprStmt, SyntaxKind::Block] if alone => Braces::LikeARecord,
        _ => Braces::None,
    }
}

/// A field of a record literal.
struct Field {
    name: SmolStr,
    at: Span,
    value: ExprId,
}

/// The built-in function of an infix operator.
fn operator(kind: SyntaxKind) -> Option<Builtin> {
    Some(match kind {
        SyntaxKind::Plus => Builtin::Add,
        SyntaxKind::Minus => Builtin::Sub,
        SyntaxKind::Star => Builtin::Mult,
        SyntaxKind::Slash => Builtin::Div,
        SyntaxKind::Percent => Builtin::Modulo,
        SyntaxKind::Caret => Builtin::Pow,
        SyntaxKind::EqEq => Builtin::Eq,
        SyntaxKind::BangEq => Builtin::Ne,
        SyntaxKind::Less => Builtin::Lt,
        SyntaxKind::LessEq => Builtin::Le,
        SyntaxKind::Greater => Builtin::Gt,
        SyntaxKind::GreaterEq => Builtin::Ge,
        SyntaxKind::AndAnd => Builtin::And,
        SyntaxKind::OrOr => Builtin::Or,
        _ => return None,
    })
}

/// How many arguments or operands of an expression are a plain `_`.
fn direct_placeholders(expr: &ast::Expr) -> usize {
    let is_hole = |arg: &ast::Expr| matches!(arg, ast::Expr::PlaceholderExpr(_));
    match expr {
        ast::Expr::CallExpr(call) => call.args().filter(is_hole).count(),
        ast::Expr::BinExpr(bin) => {
            bin.left().into_iter().chain(bin.right()).filter(is_hole).count()
        }
        _ => 0,
    }
}
