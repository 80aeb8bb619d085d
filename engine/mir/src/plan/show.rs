//! A plan as a person reads it.

use super::{Named, StatePlan};
use std::fmt::{Display, Formatter, Result};

/// Most lines of one kind; of larger plans the rest is counted.
const MOST_LINES: usize = 100;

impl Display for StatePlan {
    /// A summary, then a line each: what goes on where it was, what moved, whose length changed, what
    /// starts fresh, what is dropped.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let counts = [self.words.len(), self.lines.len(), self.fresh.len(), self.dropped.len()];
        let [words, lines, fresh, dropped] = counts;
        writeln!(
            f,
            "keeps {words} words and {lines} delay lines, {fresh} start fresh, {dropped} are dropped"
        )?;
        let all = || {
            let words = self.words.iter().map(|word| (&word.what, &word.was));
            words.chain(self.lines.iter().map(|line| (&line.what, &line.was)))
        };
        let values = self.values.iter().chain(&self.variables);
        let here = all().filter(|(_, was)| was.is_none()).map(|(what, _)| what);
        list(f, "kept", here.chain(values).map(Named::to_string))?;
        let moved =
            all().filter_map(|(what, was)| was.as_ref().map(|was| format!("{what}, was {was}")));
        list(f, "moved", moved)?;
        let resized = self.lines.iter().filter(|line| line.old_len != line.new_len);
        let resized = resized
            .map(|line| format!("{} from {} to {} samples", line.what, line.old_len, line.new_len));
        list(f, "resized", resized)?;
        list(f, "fresh", self.fresh.iter().map(Named::to_string))?;
        list(f, "dropped", self.dropped.iter().map(Named::to_string))
    }
}

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.line {
            0 => f.write_str(&self.name),
            line => write!(f, "{} (line {line})", self.name),
        }
    }
}

/// Lines that begin alike; the words of one value are one line.
fn list(f: &mut Formatter<'_>, title: &str, lines: impl Iterator<Item = String>) -> Result {
    let mut lines: Vec<String> = lines.collect();
    lines.dedup();
    for line in lines.iter().take(MOST_LINES) {
        writeln!(f, "  {title} {line}")?;
    }
    match lines.len().saturating_sub(MOST_LINES) {
        0 => Ok(()),
        more => writeln!(f, "  {title} {more} more"),
    }
}
