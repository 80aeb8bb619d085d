//! Bytecode as text, for people and golden tests.
//!
//! One line an op: index, name, operands. `r3` is a register, `#7` a number, `->12` a jump target.
//! Any bytecode prints, broken code included.

use crate::code::{Bytecode, FuncCode, List, Opcode, Role, length, split};
use std::fmt::{self, Display, Formatter};

impl Display for Bytecode {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, func) in self.funcs.iter().enumerate().filter(|(_, func)| func.len > 0) {
            let kernel = if self.kernel == Some(number as u32) { " kernel" } else { "" };
            writeln!(
                f,
                "fn{number} \"{}\" params {} results {} frame {}{kernel}",
                func.name, func.params, func.rets, func.frame
            )?;
            self.code_of(func, f)?;
        }
        Ok(())
    }
}

impl Bytecode {
    fn code_of(&self, func: &FuncCode, f: &mut Formatter<'_>) -> fmt::Result {
        let end = (func.entry as usize).saturating_add(func.len as usize).min(self.ops.len());
        let mut at = func.entry as usize;
        while at < end {
            let Some((op, operands, list)) = split(&self.ops[at..end]) else {
                writeln!(f, "{at:5}  ?")?;
                at += 1;
                continue;
            };
            write!(f, "{at:5}  {}", op.name())?;
            self.operands(op, &operands, f)?;
            write_list(op, &operands, &list, f)?;
            writeln!(f)?;
            at += length(op, &list);
        }
        Ok(())
    }

    fn operands(&self, op: Opcode, operands: &[u16], f: &mut Formatter<'_>) -> fmt::Result {
        let wide = |at: usize| u32::from(operands[at]) | u32::from(operands[at + 1]) << 16;
        for (at, role) in op.roles().enumerate() {
            match role {
                Role::Dst | Role::Src => write!(f, " r{}", operands[at])?,
                Role::Imm => write!(f, " #{}", operands[at])?,
                Role::Wide if op == Opcode::Consts => self.constants(wide(at), operands[1], f)?,
                Role::Wide => write!(f, " #{}", wide(at))?,
                Role::Target => write!(f, " ->{}", wide(at))?,
                Role::Ext => {
                    let name = self.ext.get(usize::from(operands[at]));
                    write!(f, " {}", name.map_or("?", String::as_str))?;
                }
                Role::High | Role::Unused => {}
            }
        }
        Ok(())
    }

    fn constants(&self, first: u32, count: u16, f: &mut Formatter<'_>) -> fmt::Result {
        let all = (first as usize)..(first as usize).saturating_add(usize::from(count));
        for bits in self.consts.get(all).unwrap_or_default() {
            // Small numbers are integers; as floats they would be denormal.
            match *bits {
                small if (small as i64).unsigned_abs() < 1 << 52 => {
                    write!(f, " {}i", small as i64)?
                }
                bits => write!(f, " {:?}", f64::from_bits(bits))?,
            }
        }
        Ok(())
    }
}

fn write_list(op: Opcode, operands: &[u16], list: &[u16], f: &mut Formatter<'_>) -> fmt::Result {
    let arrow = match op.list() {
        List::Call => Some(usize::from(operands[1])),
        List::None | List::Return | List::Fields | List::Moves => None,
    };
    for (at, register) in list.iter().enumerate() {
        if arrow == Some(at) {
            write!(f, " =>")?;
        }
        write!(f, " r{register}")?;
    }
    Ok(())
}
