//! The kinds of tokens and tree nodes.
//!
//! Owns one table; names as printed, spellings and keywords are derived from it.

macro_rules! kinds {
    (
        trivia { $($trivia:ident $trivia_name:literal,)* }
        keywords { $($key:ident $key_text:literal,)* }
        symbols { $($symbol:ident $symbol_text:literal,)* }
        other { $($other:ident $other_name:literal,)* }
        nodes { $($(#[$doc:meta])* $node:ident,)* }
    ) => {
        /// The kind of a token or of a node of the tree.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum SyntaxKind {
            $(#[doc = $trivia_name] $trivia,)*
            $(#[doc = concat!("The reserved word `", $key_text, "`.")] $key,)*
            $(#[doc = concat!("The token `", $symbol_text, "`.")] $symbol,)*
            $(#[doc = $other_name] $other,)*
            $($(#[$doc])* $node,)*
        }

        impl SyntaxKind {
            /// All kinds, in the order of their numbers.
            pub const ALL: &'static [Self] = &[
                $(Self::$trivia,)* $(Self::$key,)* $(Self::$symbol,)* $(Self::$other,)*
                $(Self::$node,)*
            ];

            /// The reserved words with their spellings.
            pub const KEYWORDS: &'static [(&'static str, Self)] = &[$(($key_text, Self::$key),)*];

            /// The operators and punctuation with their spellings, longest match first.
            pub const SYMBOLS: &'static [(&'static str, Self)] =
                &[$(($symbol_text, Self::$symbol),)*];

            /// The spelling of a reserved word or symbol; how messages name any other token.
            pub fn spelling(self) -> Option<&'static str> {
                match self {
                    $(Self::$key => Some($key_text),)*
                    $(Self::$symbol => Some($symbol_text),)*
                    $(Self::$trivia => Some($trivia_name),)*
                    $(Self::$other => Some($other_name),)*
                    $(Self::$node)|* => None,
                }
            }

            /// Whether the grammar never sees it (white space, line breaks, comments).
            pub fn is_trivia(self) -> bool {
                match self {
                    $(Self::$trivia)|* => true,
                    $(Self::$key)|* | $(Self::$symbol)|* | $(Self::$other)|* | $(Self::$node)|* => false,
                }
            }

            /// Whether it is a reserved word, `_` included.
            pub fn is_keyword(self) -> bool {
                match self {
                    $(Self::$key)|* => true,
                    $(Self::$trivia)|* | $(Self::$symbol)|* | $(Self::$other)|* | $(Self::$node)|* => false,
                }
            }
        }
    };
}

kinds! {
    trivia {
        Whitespace "white space",
        Newline "a line break",
        Comment "a comment",
    }
    keywords {
        FnKw "fn",
        MacroKw "macro",
        SelfKw "self",
        NowKw "now",
        SamplerateKw "samplerate",
        LetKw "let",
        LetrecKw "letrec",
        IfKw "if",
        ElseKw "else",
        MatchKw "match",
        FloatKw "float",
        IntKw "int",
        StringKw "string",
        StructKw "struct",
        IncludeKw "include",
        StageKw "stage",
        MainKw "main",
        ModKw "mod",
        UseKw "use",
        PubKw "pub",
        TypeKw "type",
        AliasKw "alias",
        RecKw "rec",
        Underscore "_",
    }
    symbols {
        PipeMacro "||>",
        ThinArrow "->",
        LeftArrow "<-",
        FatArrow "=>",
        EqEq "==",
        BangEq "!=",
        LessEq "<=",
        GreaterEq ">=",
        AndAnd "&&",
        OrOr "||",
        PipeOp "|>",
        ColonColon "::",
        DotDot "..",
        Plus "+",
        Minus "-",
        Star "*",
        Slash "/",
        Percent "%",
        Caret "^",
        At "@",
        Less "<",
        Greater ">",
        Eq "=",
        Bang "!",
        Dot ".",
        Comma ",",
        Colon ":",
        LParen "(",
        RParen ")",
        LBracket "[",
        RBracket "]",
        LBrace "{",
        RBrace "}",
        Backtick "`",
        Dollar "$",
        Hash "#",
        Bar "|",
    }
    other {
        Ident "a name",
        Integer "a number",
        Float "a decimal number",
        Str "a string",
        Unknown "a character that means nothing here",
        Eof "the end of the text",
    }
    nodes {
        /// The whole text.
        Root,
        /// Tokens that fit nowhere.
        Error,
        /// `fn name(..) -> type { .. }`.
        FnDef,
        /// `( .. )` of an [`FnDef`](Self::FnDef).
        ParamList,
        /// `name: type = default`.
        Param,
        /// `-> type`.
        RetType,
        /// `mod name { .. }` or `mod name`.
        ModDef,
        /// `use a::b::{c, d}`.
        UseStmt,
        /// `{c, d}` of a [`UseStmt`](Self::UseStmt).
        UseList,
        /// `include("file")`.
        Include,
        /// `#stage(macro)`.
        StageDecl,
        /// `type alias name = type`.
        TypeAlias,
        /// `type name = A | B(float)`.
        TypeDef,
        /// One constructor of a [`TypeDef`](Self::TypeDef).
        Variant,
        /// `let pattern: type = value`.
        LetStmt,
        /// `letrec name = value`.
        LetrecStmt,
        /// An expression as a statement.
        ExprStmt,
        /// A name in a pattern.
        NamePat,
        /// `_` in a pattern.
        WildcardPat,
        /// `(p, q)`.
        TuplePat,
        /// `{field = p}`.
        RecordPat,
        /// `field = p` of a [`RecordPat`](Self::RecordPat).
        RecordPatField,
        /// `{ .. }` with statements.
        Block,
        /// `place = value`.
        AssignExpr,
        /// `a + b`, pipes and `@` included.
        BinExpr,
        /// `-a`, `+a`.
        PrefixExpr,
        /// `` `a``.
        QuoteExpr,
        /// `$a`.
        SpliceExpr,
        /// `f(a, b)`.
        CallExpr,
        /// `(a, b)` of a call.
        ArgList,
        /// `r.name`.
        FieldExpr,
        /// `t.0`.
        ProjExpr,
        /// `a[i]`.
        IndexExpr,
        /// A number or a string.
        Literal,
        /// `self`.
        SelfExpr,
        /// `now`.
        NowExpr,
        /// `samplerate`.
        SamplerateExpr,
        /// `_` as an expression.
        PlaceholderExpr,
        /// `a::b`, or a plain name.
        PathExpr,
        /// `name!(a)`.
        MacroCall,
        /// `|a, b| body`.
        LambdaExpr,
        /// `a: type` of a lambda.
        LambdaParam,
        /// `if cond then else other`.
        IfExpr,
        /// `match value { .. }`.
        MatchExpr,
        /// `pattern => body`.
        MatchArm,
        /// `(a)`.
        ParenExpr,
        /// `(a, b)`, `(a,)`.
        TupleExpr,
        /// `[a, b]`.
        ArrayExpr,
        /// `{x = a}`, `{x = a, ..}`, `{..}`.
        RecordExpr,
        /// `{r <- x = a}`.
        RecordUpdateExpr,
        /// `x = a` of a record.
        RecordField,
        /// A number in a `match` pattern.
        NumberPat,
        /// A constructor or type name in a `match` pattern, with its payload.
        CtorPat,
        /// `float` and its like, alone.
        PrimType,
        /// `()`.
        UnitType,
        /// `(A)`.
        ParenType,
        /// `(A, B)`.
        TupleType,
        /// `(A, B) -> C`.
        FnType,
        /// `A | B`.
        UnionType,
        /// `{x: A}`.
        RecordType,
        /// `x: A` of a record type.
        RecordTypeField,
        /// `[A]`.
        ArrayType,
        /// `` `A``.
        CodeType,
        /// A name or `m::Name`.
        PathType,
    }
}

impl SyntaxKind {
    /// How a message names a token of this kind: `` `+` ``, `a name`.
    pub fn described(self) -> String {
        match self.spelling() {
            Some(text) if self.is_keyword() || self.is_symbol() => format!("`{text}`"),
            Some(text) => text.to_owned(),
            None => "something else".to_owned(),
        }
    }

    /// Whether it is an operator or punctuation.
    pub fn is_symbol(self) -> bool {
        Self::SYMBOLS.iter().any(|(_, kind)| *kind == self)
    }

    /// How tightly a binary operator binds, from weak to strong; all are left-associative.
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever is no binary operator")]
    pub fn binding_power(self) -> Option<u8> {
        Some(match self {
            Self::PipeOp | Self::PipeMacro => 2,
            Self::OrOr => 3,
            Self::AndAnd => 4,
            Self::EqEq | Self::BangEq => 5,
            Self::Less | Self::LessEq | Self::Greater | Self::GreaterEq => 6,
            Self::Plus | Self::Minus => 7,
            Self::Star | Self::Slash | Self::Percent => 8,
            Self::Caret => 9,
            Self::At => 10,
            _ => return None,
        })
    }

    /// The reserved word with this spelling.
    pub fn keyword(text: &str) -> Option<Self> {
        Self::KEYWORDS.iter().find(|(spelling, _)| *spelling == text).map(|(_, kind)| *kind)
    }
}

impl From<SyntaxKind> for rowan::SyntaxKind {
    fn from(kind: SyntaxKind) -> Self {
        Self(kind as u16)
    }
}

/// The language of the tree, for rowan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attacca {}

impl rowan::Language for Attacca {
    type Kind = SyntaxKind;

    fn kind_from_raw(raw: rowan::SyntaxKind) -> SyntaxKind {
        SyntaxKind::ALL.get(usize::from(raw.0)).copied().unwrap_or(SyntaxKind::Error)
    }

    fn kind_to_raw(kind: SyntaxKind) -> rowan::SyntaxKind {
        kind.into()
    }
}

/// A node of the tree.
pub type SyntaxNode = rowan::SyntaxNode<Attacca>;
/// A token of the tree.
pub type SyntaxToken = rowan::SyntaxToken<Attacca>;
/// A node or a token of the tree.
pub type SyntaxElement = rowan::SyntaxElement<Attacca>;
