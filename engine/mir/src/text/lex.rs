//! Tokens of the text format, with their lines, and a cursor over them.

use super::parse::ParseError;
use crate::op::Ty;
use cranelift_entity::EntityRef;

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or number.
    Word(String),
    /// A quoted name.
    Text(String),
    /// Punctuation; `>` stands for `->`.
    Mark(char),
}

/// Most values, blocks and the like that a text may number.
const MOST: u32 = 1 << 22;

/// Splits a text in tokens with their lines, from 1.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, u32)>, ParseError> {
    let mut out = Vec::new();
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() => {}
            ';' => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' => {
                let at = line;
                out.push((Token::Text(quoted(&mut chars, &mut line)?), at));
            }
            '-' if chars.next_if_eq(&'>').is_some() => out.push((Token::Mark('>'), line)),
            c if c == '-' || is_word(c) => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| is_word(*c)) {
                    word.push(c);
                    if c == 'e' && word.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
                        word.extend(chars.next_if_eq(&'-'));
                    }
                }
                out.push((Token::Word(word), line));
            }
            '(' | ')' | '{' | '}' | ',' | ':' | '=' | '+' => out.push((Token::Mark(c), line)),
            other => {
                return Err(ParseError { line, message: format!("`{other}` means nothing here") });
            }
        }
    }
    Ok(out)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

fn quoted(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    line: &mut u32,
) -> Result<String, ParseError> {
    let start = *line;
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(text),
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some(c) => text.push(c),
                None => break,
            },
            c => {
                *line += u32::from(c == '\n');
                text.push(c);
            }
        }
    }
    Err(ParseError { line: start, message: "the name has no closing quote".into() })
}

/// A place in the tokens.
pub(super) struct Cursor<'t> {
    tokens: &'t [(Token, u32)],
    /// Index of the next token.
    pub(super) at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(tokens: &'t [(Token, u32)]) -> Self {
        Self { tokens, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'t Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    pub(super) fn done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// An error at the next token, or at the last one when none is left.
    pub(super) fn error(&self, message: impl Into<String>) -> ParseError {
        let line = self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(_, line)| *line);
        ParseError { line, message: message.into() }
    }

    pub(super) fn expected(&self, what: &str) -> ParseError {
        match self.peek() {
            Some(Token::Word(word)) => self.error(format!("expected {what}, found `{word}`")),
            Some(Token::Text(text)) => self.error(format!("expected {what}, found \"{text}\"")),
            Some(Token::Mark('>')) => self.error(format!("expected {what}, found `->`")),
            Some(Token::Mark(mark)) => self.error(format!("expected {what}, found `{mark}`")),
            None => self.error(format!("expected {what}, found the end")),
        }
    }

    pub(super) fn word(&mut self, what: &str) -> Result<&'t str, ParseError> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word)
            }
            Some(Token::Text(_) | Token::Mark(_)) | None => Err(self.expected(what)),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, ParseError> {
        match self.peek() {
            Some(Token::Text(text)) => {
                self.at += 1;
                Ok(text.clone())
            }
            Some(Token::Word(_) | Token::Mark(_)) | None => Err(self.expected("a name in quotes")),
        }
    }

    pub(super) fn mark(&mut self, mark: char) -> Result<(), ParseError> {
        if self.eat(mark) {
            Ok(())
        } else {
            Err(self.expected(&if mark == '>' { "`->`".into() } else { format!("`{mark}`") }))
        }
    }

    pub(super) fn eat(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Token::Mark(mark));
        self.at += usize::from(found);
        found
    }

    pub(super) fn eat_word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(found);
        found
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, ParseError> {
        let word = self.word(what)?;
        word.parse().map_err(|_| self.before(format!("expected {what}, found `{word}`")))
    }

    /// An error at the token just read.
    pub(super) fn before(&self, message: String) -> ParseError {
        Cursor { tokens: self.tokens, at: self.at.saturating_sub(1) }.error(message)
    }

    pub(super) fn float(&mut self) -> Result<f64, ParseError> {
        let word = self.word("a float")?;
        let bits = match word.strip_prefix("nan_") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            None if word == "nan" => Some(f64::NAN.to_bits()),
            None => word.parse::<f64>().ok().map(f64::to_bits),
        };
        bits.map(f64::from_bits)
            .ok_or_else(|| self.before(format!("expected a float, found `{word}`")))
    }

    pub(super) fn ty(&mut self) -> Result<Ty, ParseError> {
        let word = self.word("a type")?;
        super::print::ty_named(word)
            .ok_or_else(|| self.before(format!("expected a type, found `{word}`")))
    }

    /// `fn3`, `bb2`, `v12`: an id with its prefix.
    pub(super) fn id<T: EntityRef>(&mut self, prefix: &str) -> Result<T, ParseError> {
        let what = format!("`{prefix}` and a number");
        let word = self.word(&what)?;
        numbered(word, prefix)
            .ok_or_else(|| self.before(format!("expected {what}, found `{word}`")))
    }

    /// `(item, item)`.
    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        self.mark('(')?;
        let mut items = Vec::new();
        while !self.eat(')') {
            if !items.is_empty() {
                self.mark(',')?;
            }
            items.push(item(self)?);
        }
        Ok(items)
    }
}

/// The id that a word like `fn3` names.
pub(super) fn numbered<T: EntityRef>(word: &str, prefix: &str) -> Option<T> {
    let number: u32 = word.strip_prefix(prefix)?.parse().ok()?;
    (number < MOST).then(|| T::new(number as usize))
}
