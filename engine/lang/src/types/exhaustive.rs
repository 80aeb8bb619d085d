//! Which arms of a `match` are reached, and which cases no arm takes.
//!
//! Usefulness of pattern rows (L. Maranget, "Warnings for pattern matching", JFP 17, 2007). Takes
//! patterns that fit their type. Tuples are never reported as incomplete: the language takes zero.

#![expect(clippy::wildcard_enum_match_arm, reason = "only a few kinds are special at each place")]

use super::ty::Ty;
use crate::hir::{MatchPattern, MemberType, Program};
use crate::source::Span;

/// What is wrong with the arms.
pub(super) enum Fault {
    /// This arm is never taken.
    Unreachable(Span),
    /// No arm takes these.
    Missing(Vec<String>),
}

/// What a pattern asks for.
#[derive(Clone, Debug, PartialEq)]
enum Head {
    Number(i64),
    Variant(u32),
    Member(MemberType),
    Tuple(usize),
}

/// Most steps; beyond, nothing is reported.
const MAX_STEPS: u32 = 20_000;

/// Looks through the arms of one `match`.
pub(super) fn check(program: &Program, found: &Ty, arms: &[&MatchPattern]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut rows: Vec<Vec<&MatchPattern>> = Vec::new();
    let mut steps = 0;
    for arm in arms {
        let row = vec![*arm];
        if !useful(program, &rows, &row, &mut steps) {
            faults.push(Fault::Unreachable(span(arm)));
        }
        rows.push(row);
    }
    let heads: Vec<Head> = arms.iter().filter_map(|arm| head(arm)).collect();
    let open = arms.iter().all(|arm| head(arm).is_some());
    let missing: Vec<String> = match found {
        Ty::Variant(id, _) if open => {
            let variants = program.types.get(*id).map_or(&[][..], |def| &def.variants);
            let missing =
                (0..).zip(variants).filter(|(at, _)| !heads.contains(&Head::Variant(*at)));
            missing.map(|(_, variant)| format!("`{}`", variant.name)).collect()
        }
        Ty::Union(members) if open => {
            let missing = members.iter().filter(|ty| !heads.iter().any(|it| names(it, ty)));
            missing.map(|ty| format!("`{}`", word(ty))).collect()
        }
        _ => Vec::new(),
    };
    if !missing.is_empty() {
        faults.push(Fault::Missing(missing));
    }
    faults
}

fn word(ty: &Ty) -> &'static str {
    match ty {
        Ty::Number => "float",
        Ty::Int => "int",
        Ty::Str => "string",
        _ => "_",
    }
}

fn names(head: &Head, ty: &Ty) -> bool {
    matches!(
        (head, ty),
        (Head::Member(MemberType::Float), Ty::Number)
            | (Head::Member(MemberType::Int), Ty::Int)
            | (Head::Member(MemberType::Str), Ty::Str)
    )
}

fn head(pattern: &MatchPattern) -> Option<Head> {
    match pattern {
        MatchPattern::Number(value, _) => Some(Head::Number(value.trunc() as i64)),
        MatchPattern::Variant(_, index, ..) => Some(Head::Variant(*index)),
        MatchPattern::Member(member, ..) => Some(Head::Member(*member)),
        MatchPattern::Tuple(parts, _) => Some(Head::Tuple(parts.len())),
        MatchPattern::Any(_) | MatchPattern::Error(_) => None,
    }
}

fn span(pattern: &MatchPattern) -> Span {
    match pattern {
        MatchPattern::Number(_, at)
        | MatchPattern::Any(at)
        | MatchPattern::Variant(_, _, _, at)
        | MatchPattern::Member(_, _, at)
        | MatchPattern::Tuple(_, at)
        | MatchPattern::Error(at) => *at,
    }
}

/// Whether some value is taken by `row` and by none of `rows`.
fn useful<'p>(
    program: &Program,
    rows: &[Vec<&'p MatchPattern>],
    row: &[&'p MatchPattern],
    steps: &mut u32,
) -> bool {
    *steps += 1;
    if *steps > MAX_STEPS {
        return true;
    }
    let Some((first, rest)) = row.split_first() else { return rows.is_empty() };
    if let Some(head) = head(first) {
        return useful(program, &specialised(rows, &head), &opened(first, rest), steps);
    }
    let mut heads: Vec<(Head, &MatchPattern)> = Vec::new();
    for row in rows {
        if let Some(pattern) = row.first()
            && let Some(found) = head(pattern)
            && heads.iter().all(|(known, _)| *known != found)
        {
            heads.push((found, pattern));
        }
    }
    if !complete(program, &heads) {
        let rest_of = |row: &Vec<&'p MatchPattern>| match row.split_first() {
            Some((first, rest)) if head(first).is_none() => Some(rest.to_vec()),
            Some(_) | None => None,
        };
        let others: Vec<_> = rows.iter().filter_map(rest_of).collect();
        return useful(program, &others, rest, steps);
    }
    heads.iter().any(|(head, _)| {
        let wild = vec![*first; arity(head)];
        let row: Vec<_> = wild.into_iter().chain(rest.iter().copied()).collect();
        useful(program, &specialised(rows, head), &row, steps)
    })
}

/// Whether these heads are all there are.
fn complete(program: &Program, heads: &[(Head, &MatchPattern)]) -> bool {
    match heads.first() {
        None | Some((Head::Number(_) | Head::Member(_), _)) => false,
        Some((Head::Tuple(_), _)) => true,
        Some((Head::Variant(_), pattern)) => {
            let MatchPattern::Variant(id, ..) = pattern else { return false };
            program.types.get(*id).is_some_and(|def| def.variants.len() == heads.len())
        }
    }
}

fn arity(head: &Head) -> usize {
    match head {
        Head::Tuple(parts) => *parts,
        Head::Number(_) | Head::Variant(_) | Head::Member(_) => 0,
    }
}

/// The parts of a pattern in front of the rest of its row.
fn opened<'p>(pattern: &'p MatchPattern, rest: &[&'p MatchPattern]) -> Vec<&'p MatchPattern> {
    let parts = if let MatchPattern::Tuple(parts, _) = pattern { &parts[..] } else { &[] };
    parts.iter().chain(rest.iter().copied()).collect()
}

/// The rows that fit a head, with its parts in front.
fn specialised<'p>(rows: &[Vec<&'p MatchPattern>], of: &Head) -> Vec<Vec<&'p MatchPattern>> {
    let fit = |row: &Vec<&'p MatchPattern>| {
        let (first, rest) = row.split_first()?;
        match head(first) {
            Some(found) if found == *of => Some(opened(first, rest)),
            Some(_) => None,
            None => {
                let wild = vec![*first; arity(of)];
                Some(wild.into_iter().chain(rest.iter().copied()).collect())
            }
        }
    };
    rows.iter().filter_map(fit).collect()
}
