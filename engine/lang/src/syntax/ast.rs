//! The typed view of the tree: what each node holds, by name.
//!
//! Nothing is copied. What a broken text lacks is `None`; nothing here reports or panics.

use super::kind::{SyntaxKind, SyntaxNode, SyntaxToken};

/// A node of a known kind.
pub trait Node: Sized {
    /// This view of a node, if the kind fits.
    fn cast(node: SyntaxNode) -> Option<Self>;
    /// The node itself.
    fn syntax(&self) -> &SyntaxNode;

    /// The first token; where to point for a construct of many lines.
    fn first_token(&self) -> Option<SyntaxToken> {
        self.syntax().first_token()
    }
}

fn child<N: Node>(of: &SyntaxNode) -> Option<N> {
    of.children().find_map(N::cast)
}

fn children<N: Node>(of: &SyntaxNode) -> impl Iterator<Item = N> + use<N> {
    of.children().filter_map(N::cast)
}

fn token(of: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxToken> {
    of.children_with_tokens().filter_map(|it| it.into_token()).find(|it| it.kind() == kind)
}

/// The first child token that is a name; a reserved word in its place counts, it was reported.
fn name_after(of: &SyntaxNode, introducers: &[SyntaxKind]) -> Option<SyntaxToken> {
    of.children_with_tokens()
        .filter_map(|it| it.into_token())
        .filter(|it| !it.kind().is_trivia() && !introducers.contains(&it.kind()))
        .find(|it| it.kind() == SyntaxKind::Ident || it.kind().is_keyword())
}

macro_rules! nodes {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(SyntaxNode);

        impl Node for $name {
            fn cast(node: SyntaxNode) -> Option<Self> {
                (node.kind() == SyntaxKind::$name).then_some(Self(node))
            }

            fn syntax(&self) -> &SyntaxNode {
                &self.0
            }
        }
    )* };
}

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident,)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $(
            #[doc = concat!("See [`", stringify!($variant), "`].")]
            $variant($variant),
        )* }

        impl Node for $name {
            fn cast(node: SyntaxNode) -> Option<Self> {
                None$(.or_else(|| $variant::cast(node.clone()).map(Self::$variant)))*
            }

            fn syntax(&self) -> &SyntaxNode {
                match self { $(Self::$variant(it) => it.syntax(),)* }
            }
        }
    )* };
}

nodes! {
    /// The whole text.
    Root;
    /// Tokens that fit nowhere.
    Error;
    /// `fn name(..) -> type { .. }`.
    FnDef;
    /// `( .. )` of an [`FnDef`].
    ParamList;
    /// `name: type = default`.
    Param;
    /// `-> type`.
    RetType;
    /// `mod name { .. }`.
    ModDef;
    /// `use a::b`.
    UseStmt;
    /// `{c, d}` of a [`UseStmt`].
    UseList;
    /// `include("file")`.
    Include;
    /// `#stage(macro)`.
    StageDecl;
    /// `type alias name = type`.
    TypeAlias;
    /// `type name = A | B(float)`.
    TypeDef;
    /// A constructor of a [`TypeDef`].
    Variant;
    /// `let pattern: type = value`.
    LetStmt;
    /// `letrec name = value`.
    LetrecStmt;
    /// An expression as a statement.
    ExprStmt;
    /// A name in a pattern.
    NamePat;
    /// `_` in a pattern.
    WildcardPat;
    /// `(p, q)`.
    TuplePat;
    /// `{field = p}`.
    RecordPat;
    /// `field = p`.
    RecordPatField;
    /// `{ .. }` with statements.
    Block;
    /// `place = value`.
    AssignExpr;
    /// `a + b`.
    BinExpr;
    /// `-a`.
    PrefixExpr;
    /// `` `a``.
    QuoteExpr;
    /// `$a`.
    SpliceExpr;
    /// `f(a, b)`.
    CallExpr;
    /// `(a, b)` of a call.
    ArgList;
    /// `r.name`.
    FieldExpr;
    /// `t.0`.
    ProjExpr;
    /// `a[i]`.
    IndexExpr;
    /// A number or a string.
    Literal;
    /// `self`.
    SelfExpr;
    /// `now`.
    NowExpr;
    /// `samplerate`.
    SamplerateExpr;
    /// `_`.
    PlaceholderExpr;
    /// `a::b`, or a plain name.
    PathExpr;
    /// `name!(a)`.
    MacroCall;
    /// `|a, b| body`.
    LambdaExpr;
    /// `a: type` of a lambda.
    LambdaParam;
    /// `if cond then else other`.
    IfExpr;
    /// `match value { .. }`.
    MatchExpr;
    /// `pattern => body`.
    MatchArm;
    /// A number in a pattern of `match`.
    NumberPat;
    /// A constructor in a pattern of `match`.
    CtorPat;
    /// `(a)`.
    ParenExpr;
    /// `(a, b)`.
    TupleExpr;
    /// `[a, b]`.
    ArrayExpr;
    /// `{x = a}`.
    RecordExpr;
    /// `{r <- x = a}`.
    RecordUpdateExpr;
    /// `x = a`.
    RecordField;
    /// `float`, `int`, `string`.
    PrimType;
    /// `()`.
    UnitType;
    /// `(A)`.
    ParenType;
    /// `(A, B)`.
    TupleType;
    /// `(A, B) -> C`.
    FnType;
    /// `A | B`.
    UnionType;
    /// `{x: A}`.
    RecordType;
    /// `x: A`.
    RecordTypeField;
    /// `[A]`.
    ArrayType;
    /// `` `A``.
    CodeType;
    /// A name or `m::Name`.
    PathType;
}

choices! {
    /// A definition or statement, of a text or of a block.
    Stmt {
        FnDef,
        ModDef,
        UseStmt,
        Include,
        StageDecl,
        TypeAlias,
        TypeDef,
        LetStmt,
        LetrecStmt,
        ExprStmt,
    }
    /// An expression.
    Expr {
        AssignExpr,
        BinExpr,
        PrefixExpr,
        QuoteExpr,
        SpliceExpr,
        CallExpr,
        FieldExpr,
        ProjExpr,
        IndexExpr,
        Literal,
        SelfExpr,
        NowExpr,
        SamplerateExpr,
        PlaceholderExpr,
        PathExpr,
        MacroCall,
        LambdaExpr,
        IfExpr,
        MatchExpr,
        ParenExpr,
        TupleExpr,
        ArrayExpr,
        RecordExpr,
        RecordUpdateExpr,
        Block,
    }
    /// The left side of a `let`.
    Pattern {
        NamePat,
        WildcardPat,
        TuplePat,
        RecordPat,
    }
    /// A pattern of `match`.
    MatchPattern {
        NumberPat,
        WildcardPat,
        CtorPat,
        TuplePat,
    }
    /// A type.
    Type {
        PrimType,
        UnitType,
        ParenType,
        TupleType,
        FnType,
        UnionType,
        RecordType,
        ArrayType,
        CodeType,
        PathType,
    }
}

impl Root {
    /// The view of a root node.
    pub fn new(node: SyntaxNode) -> Self {
        Self(node)
    }

    /// Definitions and statements in order.
    pub fn stmts(&self) -> impl Iterator<Item = Stmt> + use<> {
        children(&self.0)
    }
}

impl FnDef {
    /// Whether it begins with `pub`.
    pub fn is_public(&self) -> bool {
        token(&self.0, SyntaxKind::PubKw).is_some()
    }

    /// The function's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[SyntaxKind::PubKw, SyntaxKind::FnKw, SyntaxKind::MacroKw])
    }

    /// Its parameters.
    pub fn params(&self) -> impl Iterator<Item = Param> + use<> {
        child::<ParamList>(&self.0).into_iter().flat_map(|list| children(&list.0))
    }

    /// The annotated result.
    pub fn ret(&self) -> Option<Type> {
        child::<RetType>(&self.0).and_then(|ret| child(&ret.0))
    }

    /// The body.
    pub fn body(&self) -> Option<Block> {
        child(&self.0)
    }
}

impl Param {
    /// The parameter's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[])
    }

    /// Its annotation.
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }

    /// Its default value.
    pub fn default(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl ModDef {
    /// The module's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[SyntaxKind::PubKw, SyntaxKind::ModKw])
    }

    /// Whether its members stand here, in braces; else they are in a file.
    pub fn is_inline(&self) -> bool {
        token(&self.0, SyntaxKind::LBrace).is_some()
    }

    /// Its members.
    pub fn stmts(&self) -> impl Iterator<Item = Stmt> + use<> {
        children(&self.0)
    }
}

fn idents(of: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> + use<> {
    let tokens = of.children_with_tokens().filter_map(|it| it.into_token());
    tokens.filter(|it| it.kind() == SyntaxKind::Ident)
}

impl UseStmt {
    /// The names between the `::`, up to `*` or `{`.
    pub fn segments(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        idents(&self.0)
    }

    /// Whether it ends with `*`.
    pub fn is_wildcard(&self) -> bool {
        token(&self.0, SyntaxKind::Star).is_some()
    }

    /// What stands in braces at its end.
    pub fn list(&self) -> Option<UseList> {
        child(&self.0)
    }

    /// Whether it begins with `pub`.
    pub fn is_public(&self) -> bool {
        token(&self.0, SyntaxKind::PubKw).is_some()
    }
}

impl UseList {
    /// The names.
    pub fn names(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        idents(&self.0)
    }
}

impl Include {
    /// The path and its place, without the quotes.
    pub fn path(&self) -> Option<(String, SyntaxToken)> {
        let token = token(&self.0, SyntaxKind::Str)?;
        let body = token.text().strip_prefix('"')?;
        Some((body.strip_suffix('"').unwrap_or(body).to_owned(), token))
    }
}

impl StageDecl {
    /// Whether what follows is macro code.
    pub fn is_macro(&self) -> bool {
        token(&self.0, SyntaxKind::MacroKw).is_some()
    }
}

impl TypeAlias {
    /// Whether it begins with `pub`.
    pub fn is_public(&self) -> bool {
        token(&self.0, SyntaxKind::PubKw).is_some()
    }

    /// The type's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[SyntaxKind::PubKw, SyntaxKind::TypeKw, SyntaxKind::AliasKw])
    }

    /// What it stands for.
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }
}

impl TypeDef {
    /// Whether it begins with `pub`.
    pub fn is_public(&self) -> bool {
        token(&self.0, SyntaxKind::PubKw).is_some()
    }

    /// Whether it may mention itself.
    pub fn is_recursive(&self) -> bool {
        token(&self.0, SyntaxKind::RecKw).is_some()
    }

    /// The type's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[SyntaxKind::PubKw, SyntaxKind::TypeKw, SyntaxKind::RecKw])
    }

    /// Its constructors.
    pub fn variants(&self) -> impl Iterator<Item = Variant> + use<> {
        children(&self.0)
    }
}

impl Variant {
    /// The constructor's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[])
    }

    /// The types it holds.
    pub fn types(&self) -> impl Iterator<Item = Type> + use<> {
        children(&self.0)
    }
}

impl LetStmt {
    /// What is bound.
    pub fn pattern(&self) -> Option<Pattern> {
        child(&self.0)
    }

    /// The annotation.
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }

    /// The value.
    pub fn value(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl LetrecStmt {
    /// The bound name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[SyntaxKind::PubKw, SyntaxKind::LetrecKw])
    }

    /// The value.
    pub fn value(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl ExprStmt {
    /// The expression.
    pub fn expr(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl NamePat {
    /// The name.
    pub fn name(&self) -> Option<SyntaxToken> {
        self.0.first_token()
    }
}

impl TuplePat {
    /// The parts in a pattern of `match`.
    pub fn match_parts(&self) -> impl Iterator<Item = MatchPattern> + use<> {
        children(&self.0)
    }

    /// The parts.
    pub fn parts(&self) -> impl Iterator<Item = Pattern> + use<> {
        children(&self.0)
    }
}

impl RecordPat {
    /// The fields.
    pub fn fields(&self) -> impl Iterator<Item = RecordPatField> + use<> {
        children(&self.0)
    }
}

impl RecordPatField {
    /// The field's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[])
    }

    /// What the field is bound to.
    pub fn pattern(&self) -> Option<Pattern> {
        child(&self.0)
    }
}

impl Block {
    /// The statements.
    pub fn stmts(&self) -> impl Iterator<Item = Stmt> + use<> {
        children(&self.0)
    }
}

/// The expressions directly in a node, in order.
fn exprs(of: &SyntaxNode) -> impl Iterator<Item = Expr> + use<> {
    children(of)
}

impl AssignExpr {
    /// What is assigned.
    pub fn place(&self) -> Option<Expr> {
        exprs(&self.0).next()
    }

    /// The new value.
    pub fn value(&self) -> Option<Expr> {
        exprs(&self.0).nth(1)
    }
}

impl BinExpr {
    /// The left operand.
    pub fn left(&self) -> Option<Expr> {
        exprs(&self.0).next()
    }

    /// The operator.
    pub fn op(&self) -> Option<SyntaxToken> {
        let mut tokens = self.0.children_with_tokens().filter_map(|it| it.into_token());
        tokens.find(|it| it.kind().is_symbol())
    }

    /// The right operand.
    pub fn right(&self) -> Option<Expr> {
        exprs(&self.0).nth(1)
    }
}

impl PrefixExpr {
    /// `-` or `+`.
    pub fn op(&self) -> Option<SyntaxToken> {
        self.0.first_token()
    }

    /// The operand.
    pub fn operand(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl QuoteExpr {
    /// The quoted expression.
    pub fn expr(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl SpliceExpr {
    /// The spliced expression.
    pub fn expr(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl CallExpr {
    /// What is called.
    pub fn callee(&self) -> Option<Expr> {
        child(&self.0)
    }

    /// The arguments.
    pub fn args(&self) -> impl Iterator<Item = Expr> + use<> {
        child::<ArgList>(&self.0).into_iter().flat_map(|list| exprs(&list.0))
    }
}

impl FieldExpr {
    /// The record.
    pub fn base(&self) -> Option<Expr> {
        child(&self.0)
    }

    /// The field's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[])
    }
}

impl ProjExpr {
    /// The tuple.
    pub fn base(&self) -> Option<Expr> {
        child(&self.0)
    }

    /// The index.
    pub fn index(&self) -> Option<SyntaxToken> {
        token(&self.0, SyntaxKind::Integer)
    }
}

impl IndexExpr {
    /// The array.
    pub fn base(&self) -> Option<Expr> {
        exprs(&self.0).next()
    }

    /// The index.
    pub fn index(&self) -> Option<Expr> {
        exprs(&self.0).nth(1)
    }
}

impl Literal {
    /// Its only token.
    pub fn token(&self) -> Option<SyntaxToken> {
        self.0.first_token()
    }

    /// The number; `None` for a string.
    pub fn number(&self) -> Option<f64> {
        let token = self.token()?;
        let is_number = matches!(token.kind(), SyntaxKind::Integer | SyntaxKind::Float);
        is_number.then(|| token.text().parse().ok()).flatten()
    }

    /// The text between the quotes; `None` for a number.
    pub fn string(&self) -> Option<String> {
        let token = self.token()?;
        let body = token.text().strip_prefix('"')?;
        Some(body.strip_suffix('"').unwrap_or(body).to_owned())
    }
}

impl PathExpr {
    /// The names between the `::`.
    pub fn segments(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        let tokens = self.0.children_with_tokens().filter_map(|it| it.into_token());
        tokens.filter(|it| it.kind() == SyntaxKind::Ident || it.kind().is_keyword())
    }

    /// The name, unless there is a `::`.
    pub fn plain(&self) -> Option<SyntaxToken> {
        let mut segments = self.segments();
        let first = segments.next()?;
        (segments.next().is_none() && token(&self.0, SyntaxKind::ColonColon).is_none())
            .then_some(first)
    }
}

impl MacroCall {
    /// The macro's name.
    pub fn path(&self) -> Option<PathExpr> {
        child(&self.0)
    }

    /// The arguments.
    pub fn args(&self) -> impl Iterator<Item = Expr> + use<> {
        child::<ArgList>(&self.0).into_iter().flat_map(|list| exprs(&list.0))
    }
}

impl LambdaExpr {
    /// The parameters.
    pub fn params(&self) -> impl Iterator<Item = LambdaParam> + use<> {
        children(&self.0)
    }

    /// The annotated result.
    pub fn ret(&self) -> Option<Type> {
        child::<RetType>(&self.0).and_then(|ret| child(&ret.0))
    }

    /// The body.
    pub fn body(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl LambdaParam {
    /// The parameter's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[])
    }

    /// Its annotation.
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }
}

impl IfExpr {
    /// The condition.
    pub fn cond(&self) -> Option<Expr> {
        exprs(&self.0).next()
    }

    /// What is evaluated when it is true.
    pub fn then(&self) -> Option<Expr> {
        exprs(&self.0).nth(1)
    }

    /// What is evaluated else.
    pub fn other(&self) -> Option<Expr> {
        exprs(&self.0).nth(2)
    }

    /// Whether there is an `else`.
    pub fn has_else(&self) -> bool {
        token(&self.0, SyntaxKind::ElseKw).is_some()
    }
}

impl MatchExpr {
    /// What is looked at.
    pub fn scrutinee(&self) -> Option<Expr> {
        child(&self.0)
    }

    /// The arms.
    pub fn arms(&self) -> impl Iterator<Item = MatchArm> + use<> {
        children(&self.0)
    }
}

impl MatchArm {
    /// When it is taken.
    pub fn pattern(&self) -> Option<MatchPattern> {
        child(&self.0)
    }

    /// Its value.
    pub fn body(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl NumberPat {
    /// The number, if it can be read.
    pub fn number(&self) -> Option<f64> {
        self.0.first_token()?.text().parse().ok()
    }
}

impl CtorPat {
    /// The constructor's name, or `float`, `int`, `string`.
    pub fn name(&self) -> Option<SyntaxToken> {
        self.0.first_token()
    }

    /// What binds what it holds.
    pub fn payload(&self) -> Option<TuplePat> {
        child(&self.0)
    }
}

impl ParenExpr {
    /// What is in the parentheses.
    pub fn expr(&self) -> Option<Expr> {
        child(&self.0)
    }
}

impl TupleExpr {
    /// The elements.
    pub fn parts(&self) -> impl Iterator<Item = Expr> + use<> {
        exprs(&self.0)
    }
}

impl ArrayExpr {
    /// The elements.
    pub fn parts(&self) -> impl Iterator<Item = Expr> + use<> {
        exprs(&self.0)
    }
}

impl RecordExpr {
    /// The fields.
    pub fn fields(&self) -> impl Iterator<Item = RecordField> + use<> {
        children(&self.0)
    }

    /// Whether it ends with `..`.
    pub fn is_incomplete(&self) -> bool {
        token(&self.0, SyntaxKind::DotDot).is_some()
    }
}

impl RecordUpdateExpr {
    /// The record that is changed in a copy.
    pub fn base(&self) -> Option<PathExpr> {
        child(&self.0)
    }

    /// The changed fields.
    pub fn fields(&self) -> impl Iterator<Item = RecordField> + use<> {
        children(&self.0)
    }
}

impl RecordField {
    /// The field's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[])
    }

    /// Its value.
    pub fn value(&self) -> Option<Expr> {
        child(&self.0)
    }
}

/// The types directly in a node, in order.
fn types(of: &SyntaxNode) -> impl Iterator<Item = Type> + use<> {
    children(of)
}

impl ParenType {
    /// What is in the parentheses.
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }
}

impl TupleType {
    /// The elements.
    pub fn parts(&self) -> impl Iterator<Item = Type> + use<> {
        types(&self.0)
    }
}

impl FnType {
    /// The parameters.
    pub fn params(&self) -> Vec<Type> {
        let mut all: Vec<_> = types(&self.0).collect();
        all.pop();
        all
    }

    /// The result.
    pub fn ret(&self) -> Option<Type> {
        types(&self.0).last()
    }
}

impl UnionType {
    /// The alternatives.
    pub fn parts(&self) -> impl Iterator<Item = Type> + use<> {
        types(&self.0)
    }
}

impl RecordType {
    /// The fields.
    pub fn fields(&self) -> impl Iterator<Item = RecordTypeField> + use<> {
        children(&self.0)
    }
}

impl RecordTypeField {
    /// The field's name.
    pub fn name(&self) -> Option<SyntaxToken> {
        name_after(&self.0, &[])
    }

    /// Its type.
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }
}

impl PrimType {
    /// `float`, `int` or `string`.
    pub fn kind(&self) -> Option<SyntaxKind> {
        self.0.first_token().map(|token| token.kind())
    }
}

impl ArrayType {
    /// The type of the elements.
    pub fn element(&self) -> Option<Type> {
        child(&self.0)
    }
}

impl CodeType {
    /// The type of what the code computes.
    pub fn ty(&self) -> Option<Type> {
        child(&self.0)
    }
}

impl PathType {
    /// The names between the `::`.
    pub fn segments(&self) -> impl Iterator<Item = SyntaxToken> + use<> {
        let tokens = self.0.children_with_tokens().filter_map(|it| it.into_token());
        tokens.filter(|it| it.kind() == SyntaxKind::Ident)
    }
}
