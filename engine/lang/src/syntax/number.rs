//! What to say about letters right behind a number: there are no exponents, units or hexadecimal digits.
//!
//! Takes the texts of tokens, gives an advice. Reports nothing.

/// What to write for `1e3`, `2.5e-4`, `0x1f`, `440Hz`. `sign` and `digits` are the texts behind the letters,
/// whatever they are.
pub(crate) fn behind_a_number(number: &str, letters: &str, sign: &str, digits: &str) -> String {
    let hexadecimal = letters.starts_with(['x', 'X']) && letters.len() > 1;
    match exponent(letters, sign, digits) {
        Some(power) => written_out(number, power),
        None if hexadecimal => "numbers are written with decimal digits".to_owned(),
        None => "numbers have no units; to multiply, write `*`".to_owned(),
    }
}

/// The exponent that is meant, if it is one.
fn exponent(letters: &str, sign: &str, digits: &str) -> Option<i64> {
    let own = letters.strip_prefix(['e', 'E'])?;
    match own {
        "" if matches!(sign, "+" | "-") => format!("{sign}{digits}").parse().ok(),
        own if own.starts_with(|c: char| c.is_ascii_digit()) => own.parse().ok(),
        _ => None,
    }
}

fn written_out(number: &str, power: i64) -> String {
    let value: f64 = format!("{number}e{power}").parse().unwrap_or(f64::NAN);
    if value.is_infinite() {
        return "no number is that large; infinity is what 1.0 / 0.0 gives".to_owned();
    }
    let written = if (1e-9..1e15).contains(&value) {
        value.to_string()
    } else if power < 0 {
        format!("{number} / 10.0 ^ {}", power.unsigned_abs())
    } else {
        format!("{number} * 10.0 ^ {power}")
    };
    format!("numbers have no exponents; write {written}")
}

#[cfg(test)]
mod tests {
    use super::behind_a_number;

    #[test]
    fn exponents_are_written_out() {
        for (tokens, want) in [
            (["1", "e3", "", ""], "write 1000"),
            (["2.5", "E", "-", "4"], "write 0.00025"),
            (["6", "e23", ")", ""], "write 6 * 10.0 ^ 23"),
            (["1", "e", "-", "30"], "write 1 / 10.0 ^ 30"),
            (["0", "e5", "", ""], "write 0 * 10.0 ^ 5"),
            (["1", "e309", "", ""], "no number is that large"),
            (["1", "e99999999999999999999", "", ""], "no units"),
            (["2", "e", "-", "x"], "no units"),
            (["440", "Hz", "", ""], "no units"),
            (["0", "x1f", "", ""], "decimal digits"),
        ] {
            let [number, letters, sign, digits] = tokens;
            let help = behind_a_number(number, letters, sign, digits);
            assert!(help.contains(want), "{tokens:?}: {help}");
        }
    }
}
