//! The types of built-ins, as their table writes them: `([a], a) -> [a]`.
//!
//! Letters are type parameters, new ones at each use. The texts are our own; what they can't say
//! is a bug that the test below finds.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::table::Table;
use super::ty::Ty;

/// Reads a type.
pub(super) fn read(text: &str, table: &mut Table) -> Ty {
    let mut reader =
        Reader { chars: text.chars().peekable(), letters: FxHashMap::default(), table };
    reader.ty().unwrap_or(Ty::Error)
}

struct Reader<'t, 'c> {
    chars: Peekable<Chars<'c>>,
    letters: FxHashMap<SmolStr, Ty>,
    table: &'t mut Table,
}

impl Reader<'_, '_> {
    fn skip(&mut self) {
        while self.chars.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.skip();
        self.chars.next_if_eq(&wanted).is_some()
    }

    fn word(&mut self) -> SmolStr {
        self.skip();
        let mut word = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_alphanumeric()) {
            word.push(c);
        }
        word.into()
    }

    fn ty(&mut self) -> Option<Ty> {
        if self.eat('`') {
            return Some(Ty::Code(Arc::new(self.ty()?)));
        }
        if self.eat('[') {
            let of = self.ty()?;
            return self.eat(']').then(|| Ty::Array(Arc::new(of)));
        }
        if self.eat('{') {
            return self.record();
        }
        if self.eat('(') {
            return self.list();
        }
        let word = self.word();
        Some(match word.as_str() {
            "float" => Ty::Number,
            "string" => Ty::Str,
            "" => return None,
            _ => {
                let table = &mut *self.table;
                self.letters.entry(word).or_insert_with(|| table.fresh()).clone()
            }
        })
    }

    fn record(&mut self) -> Option<Ty> {
        let mut fields = Vec::new();
        while !self.eat('}') {
            let name = self.word();
            let ty = if self.eat(':') { self.ty()? } else { return None };
            fields.push((name, ty));
            self.eat(',');
        }
        Some(Ty::record(fields))
    }

    /// A list in parentheses: arguments of a function, or a tuple, or one type.
    fn list(&mut self) -> Option<Ty> {
        let mut parts = Vec::new();
        while !self.eat(')') {
            parts.push(self.ty()?);
            self.eat(',');
        }
        if self.eat('-') {
            let ret = if self.eat('>') { self.ty()? } else { return None };
            return Some(Ty::func(Ty::pack(parts), ret));
        }
        Some(Ty::pack(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::builtins::Builtin;
    use crate::types::table::Table;
    use crate::types::ty::{Printer, Rows};

    #[test]
    fn every_built_in_has_a_type() {
        for builtin in Builtin::ALL {
            let Some(text) = builtin.written_type() else { continue };
            let ty = read(text, &mut Table::default());
            let rows = Rows::default();
            assert_eq!(Printer::new(&rows).show(&ty), text, "{}", builtin.name());
        }
    }
}
