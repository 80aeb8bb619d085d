//! Edits made from a program by rule: another number, another level, a part more. Takes and gives texts.
//!
//! Also part of `cargo xtask bench --swap`. Relies on the standard form of programs (`cargo xtask fmt`).

#![allow(unreachable_pub, reason = "public in the tests' library, a part of xtask")]

/// The program with its output at half the level; `None` if it has no `dsp` in the standard form.
pub fn halved(text: &str) -> Option<String> {
    let [before, result, after] = parts(text)?;
    Some(format!("{before}({result}) * 0.5{after}"))
}

/// The program with a part more: its level comes and goes, slowly; `None` as for [`halved`].
pub fn extended(text: &str) -> Option<String> {
    let [before, result, after] = parts(text)?;
    let dsp = before.rfind("\nfn dsp(")? + 1;
    let (head, before) = before.split_at(dsp);
    let part = "fn added_phase() { self + 0.0004 }\n";
    Some(format!("{head}{part}{before}({result}) * (0.5 + 0.4 * cos(added_phase() + 1.0)){after}"))
}

/// The text before the result of `dsp`, the result, and the text after it.
fn parts(text: &str) -> Option<[&str; 3]> {
    let dsp = text.find("\nfn dsp(")? + 1;
    let body = text.get(dsp..)?;
    let (start, end) = match body.trim_end().lines().count() {
        1 => (body.find("{ ")? + 2, body.rfind(" }")?),
        _ => {
            // The result is the last thing of the block that starts at its level.
            let starts = body.match_indices("\n  ").map(|(at, _)| at + 3);
            let own = |at: &usize| {
                body.get(*at..).is_some_and(|rest| !rest.starts_with([' ', ')', '}', '/']))
            };
            (starts.filter(own).last()?, body.rfind("\n}")?)
        }
    };
    Some([text.get(..dsp + start)?, body.get(start..end)?, body.get(end..)?])
}

/// The program with the `nth` of its numbers that have a point a tenth larger; `None` if there are not so many.
pub fn renumbered(text: &str, nth: usize) -> Option<String> {
    let mut found = 0;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.split("//").next().unwrap_or_default();
        for (at, number) in numbers(code) {
            if found == nth {
                let (from, to) = (start + at, start + at + number.len());
                let value: f64 = number.parse().ok()?;
                return Some(format!("{}{:?}{}", text.get(..from)?, value * 1.1, text.get(to..)?));
            }
            found += 1;
        }
        start += line.len();
    }
    None
}

/// The program with every delay whose length is written in it twice as long; `None` if it has none.
pub fn lengthened(text: &str) -> Option<String> {
    let (mut rest, mut made, mut found) = (text, String::new(), false);
    while let Some(at) =
        ["delay(", "delay!("].iter().filter_map(|name| Some(rest.find(name)? + name.len())).min()
    {
        let (before, after) = rest.split_at(at);
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(digits);
        made += before;
        match number.parse::<u32>() {
            Ok(length) => {
                made += &(length * 2).to_string();
                found = true;
            }
            Err(_) => made += number,
        }
        rest = after;
    }
    found.then(|| made + rest)
}

/// The numbers with a point in a line, with their places. Texts have none by their look: `0.5` in quotes is
/// taken for one, which is another text then.
fn numbers(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = line.get(at..)?;
            let start = at + rest.find(|c: char| c.is_ascii_digit())?;
            let whole = line.get(start..)?;
            let end = whole.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(whole.len());
            at = start + end;
            let number = whole.get(..end)?;
            let before = line.get(..start)?.chars().next_back();
            let in_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
            if !in_name && number.matches('.').count() == 1 && !number.ends_with('.') {
                return Some((start, number));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_change_one_at_a_time() {
        let text = "fn f2() { x1.5 } // 1.5\nfn dsp() {\n  f(0.5, 3, a[1]) + 2.0\n}\n";
        let second = "fn f2() { x1.5 } // 1.5\nfn dsp() {\n  f(0.5, 3, a[1]) + 2.2\n}\n";
        assert_eq!(renumbered(text, 1).as_deref(), Some(second));
        assert_eq!(renumbered(text, 2), None);
    }

    #[test]
    fn delays_become_twice_as_long() {
        let text = "fn dsp() { delay(40, mydelay(x, 1), 3) + fdelay!(100)(x, 50) }";
        let long = "fn dsp() { delay(80, mydelay(x, 1), 3) + fdelay!(200)(x, 50) }";
        assert_eq!(lengthened(text).as_deref(), Some(long));
        assert_eq!(lengthened("fn dsp() { x }"), None);
    }

    #[test]
    fn levels_are_halved_at_the_end_of_the_block() {
        let text = "let a = 1\nfn dsp() {\n  let x = f(\n    1\n  )\n  (\n    x,\n    x\n  )\n}\n";
        let half =
            "let a = 1\nfn dsp() {\n  let x = f(\n    1\n  )\n  ((\n    x,\n    x\n  )) * 0.5\n}\n";
        assert_eq!(halved(text).as_deref(), Some(half));
        let text = "use a\nfn dsp() { f(2) }\n";
        let half = "use a\nfn dsp() { (f(2)) * 0.5 }\n";
        assert_eq!(halved(text).as_deref(), Some(half));
    }
}
