//! Layout of expressions, patterns and types.

use super::doc::Doc;
use super::{Layout, first_offset, parts};
use crate::deep::with_room;
use crate::syntax::SyntaxElement;
use crate::syntax::SyntaxKind::{self, *};
use crate::syntax::SyntaxNode;

impl Layout {
    pub(super) fn node(&mut self, node: &SyntaxNode) -> Doc {
        with_room(|| self.node_kind(node))
    }

    fn node_kind(&mut self, node: &SyntaxNode) -> Doc {
        match node.kind() {
            FnDef => self.fn_def(node),
            ModDef => self.mod_def(node),
            UseStmt => self.use_stmt(node),
            TypeDef => self.type_def(node),
            LetStmt | LetrecStmt | TypeAlias | RetType | AssignExpr | RecordField
            | RecordPatField | Param | LambdaParam | RecordTypeField | MatchArm | UnionType => {
                self.binding(node)
            }
            Block => self.block(node),
            BinExpr => self.chain(node),
            PrefixExpr => self.prefix(node),
            ProjExpr | FieldExpr => self.member(node),
            LambdaExpr => self.lambda(node),
            IfExpr => {
                let doc = self.choice(node);
                Doc::group(doc)
            }
            MatchExpr => self.match_expr(node),
            ArgList | TupleExpr | ArrayExpr | RecordExpr | RecordUpdateExpr | ParamList
            | TuplePat | RecordPat | UseList | TupleType | RecordType => self.list(&parts(node)),
            Variant | FnType => self.with_list(node),
            // Names, literals, calls, `( .. )`, quotes and splices: side by side.
            _ => self.glue(node),
        }
    }

    /// `Name(A, B)`, `(A, B) -> C`.
    fn with_list(&mut self, node: &SyntaxNode) -> Doc {
        let parts = parts(node);
        let open = parts.iter().position(|part| part.kind() == LParen).unwrap_or(parts.len());
        let close = parts.iter().position(|part| part.kind() == RParen).map_or(open, |at| at + 1);
        let (head, rest) = parts.split_at(open);
        let (list, tail) = rest.split_at(close.saturating_sub(open).min(rest.len()));
        let mut docs: Vec<Doc> = head.iter().map(|part| self.element(part)).collect();
        docs.push(self.list(list));
        for part in tail {
            docs.push(Doc::space());
            docs.push(self.element(part));
        }
        Doc::concat(docs)
    }

    /// `-x`; two signs must not touch.
    fn prefix(&mut self, node: &SyntaxNode) -> Doc {
        let mut docs = Vec::new();
        for part in parts(node) {
            if !docs.is_empty() && part.kind() == PrefixExpr {
                docs.push(Doc::space());
            }
            docs.push(self.element(&part));
        }
        Doc::concat(docs)
    }

    /// `r.name`, `t.0`; a number in front would swallow the `.`.
    fn member(&mut self, node: &SyntaxNode) -> Doc {
        let mut docs = Vec::new();
        for part in parts(node) {
            let number = part.kind() == Literal;
            docs.push(self.element(&part));
            if number {
                docs.push(Doc::space());
            }
        }
        Doc::concat(docs)
    }

    /// Operators of one strength: pipes and logic on lines of their own when one must break, others
    /// fill their lines.
    fn chain(&mut self, node: &SyntaxNode) -> Doc {
        let (first, links) = unchain(node);
        let fills = !links.iter().any(|(op, _)| own_lines(op.kind()));
        let pipes = links.iter().any(|(op, _)| matches!(op.kind(), PipeOp | PipeMacro));
        let mut docs = vec![self.element(&first)];
        for (op, operand) in links {
            let broken = pipes && (self.after_break(&op) || self.after_break(&operand));
            let tight = op.kind() == At;
            docs.extend(self.trailing(first_offset(&op)));
            let (before_op, _) = self.lead(first_offset(&op));
            let (before_operand, _) = self.lead(first_offset(&operand));
            let line = if tight { Doc::nil() } else { Doc::line() };
            let mut link = vec![line, before_op, before_operand];
            if broken {
                link.push(Doc::force());
            }
            link.push(self.element(&op));
            link.push(if tight { Doc::nil() } else { Doc::space() });
            link.push(self.element(&operand));
            let link = Doc::indent(Doc::concat(link));
            docs.push(if fills { Doc::group(link) } else { link });
        }
        Doc::group(Doc::concat(docs))
    }

    /// `|a, b| body`. Its parameters stay on a line: a `|` on the next one would not close them.
    fn lambda(&mut self, node: &SyntaxNode) -> Doc {
        let mut docs = Vec::new();
        let mut bars = 0;
        let parts = parts(node);
        for (index, part) in parts.iter().enumerate() {
            let kind = part.kind();
            if kind == Bar {
                bars += 1;
            }
            let before = index.checked_sub(1).and_then(|before| parts.get(before));
            let before = before.map(|part| part.kind());
            let empty = bars == 2 && kind == Bar && before == Some(Bar);
            if empty || before == Some(Comma) || (bars == 2 && kind != Bar) {
                docs.push(Doc::space());
            }
            docs.push(self.element(part));
        }
        Doc::concat(docs)
    }

    /// `if` and all its `else if`, whose lines break together.
    fn choice(&mut self, node: &SyntaxNode) -> Doc {
        let mut docs = Vec::new();
        let mut stage = IfKw;
        let mut after_block = false;
        for part in parts(node) {
            match (&part, stage) {
                (SyntaxElement::Token(token), _) if token.kind() == ElseKw => {
                    docs.push(if after_block { Doc::space() } else { Doc::line() });
                    docs.push(self.element(&part));
                    stage = ElseKw;
                }
                (SyntaxElement::Token(_), _) => docs.push(self.element(&part)),
                (SyntaxElement::Node(_), IfKw) => {
                    docs.extend([Doc::space(), self.element(&part)]);
                    stage = Block;
                }
                (SyntaxElement::Node(body), _) if body.kind() == Block => {
                    docs.extend([Doc::space(), self.loose_block(body)]);
                    after_block = true;
                }
                (SyntaxElement::Node(next), ElseKw) if next.kind() == IfExpr => {
                    docs.extend([Doc::space(), self.choice(next)]);
                }
                (SyntaxElement::Node(_), ElseKw) if after_block => {
                    docs.extend([Doc::space(), self.element(&part)]);
                }
                (SyntaxElement::Node(_), _) => {
                    // Only the line break keeps a bracket from being a call of the condition.
                    let glues = stage == Block && begins_with_bracket(&part);
                    let line = if glues { Doc::hard() } else { Doc::line() };
                    let body = self.element(&part);
                    docs.push(Doc::indent(Doc::concat(vec![line, body])));
                }
            }
        }
        Doc::concat(docs)
    }

    /// `match value { arms }`: on one line only if the writer had it there.
    fn match_expr(&mut self, node: &SyntaxNode) -> Doc {
        let parts = parts(node);
        let open = parts.iter().position(|part| part.kind() == LBrace).unwrap_or(0);
        let (head, body) = parts.split_at(open);
        let [open, arms @ .., close] = body else { return self.spaced(&parts) };
        let head = self.spaced(head);
        let broken = arms.first().is_some_and(|arm| self.after_break(arm));
        let open = self.element(open);
        let mut docs = Vec::new();
        let mut comma = true;
        for part in arms {
            if part.kind() == Comma {
                docs.push(self.element(part));
                comma = true;
                continue;
            }
            let (lead, blank) = self.lead(first_offset(part));
            docs.push(match comma {
                _ if docs.is_empty() => {
                    if broken {
                        Doc::hard()
                    } else {
                        Doc::line()
                    }
                }
                _ if blank => Doc::empty(),
                true => Doc::line(),
                false => Doc::hard(),
            });
            docs.push(lead);
            docs.push(self.element(part));
            comma = false;
        }
        docs.extend(self.dangling(first_offset(close), docs.is_empty()));
        let space = if docs.is_empty() { Doc::nil() } else { Doc::line() };
        let close = self.element(close);
        let body = Doc::concat(vec![open, Doc::indent(Doc::concat(docs)), space, close]);
        Doc::concat(vec![head, Doc::space(), Doc::group(body)])
    }
}

/// Whether links of this kind go on lines of their own rather than fill lines.
fn own_lines(kind: SyntaxKind) -> bool {
    matches!(kind, PipeOp | PipeMacro | OrOr | AndAnd)
}

/// The first operand, and each operator with its right operand.
fn unchain(node: &SyntaxNode) -> (SyntaxElement, Vec<(SyntaxElement, SyntaxElement)>) {
    let mut links = Vec::new();
    let mut current = node.clone();
    loop {
        let mut parts = parts(&current).into_iter();
        let (Some(left), Some(op), Some(right)) = (parts.next(), parts.next(), parts.next()) else {
            links.reverse();
            return (current.into(), links);
        };
        let power = op.kind().binding_power();
        links.push((op, right));
        match left {
            SyntaxElement::Node(left) if continues(&left, power) => current = left,
            left => {
                links.reverse();
                return (left, links);
            }
        }
    }
}

/// Whether a left operand belongs to the chain.
fn continues(left: &SyntaxNode, power: Option<u8>) -> bool {
    let parts = parts(left);
    left.kind() == BinExpr
        && parts.len() == 3
        && parts.get(1).is_some_and(|op| op.kind().binding_power() == power)
}

/// Whether the first token of a body could be taken for a call or an index.
fn begins_with_bracket(part: &SyntaxElement) -> bool {
    let first = match part {
        SyntaxElement::Node(node) => node.first_token(),
        SyntaxElement::Token(token) => Some(token.clone()),
    };
    first.is_some_and(|token| matches!(token.kind(), LParen | LBracket))
}
