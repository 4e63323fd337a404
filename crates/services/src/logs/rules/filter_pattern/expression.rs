//! Conditions on fields, joined by `&&`, `||` and parentheses.

use super::InvalidPattern;
use super::operand::{Operand, number};
use super::scanner::Scanner;

/// How deep parentheses may go.
const DEPTH: usize = 32;

/// A condition on fields of the kind `F`.
#[derive(Debug)]
pub(super) enum Expression<F> {
    Check(F, Check),
    All(Vec<Expression<F>>),
    Any(Vec<Expression<F>>),
}

/// A condition on one field.
#[derive(Debug)]
pub(super) enum Check {
    Compare(Comparison, Operand),
    Null,
    True,
    False,
    Missing,
    Exists,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer ones first: `<` begins `<=`.
const COMPARISONS: &[(&str, Comparison)] = &[
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

type Parse<'p, F> = &'p dyn Fn(&mut Scanner<'_>) -> Result<F, InvalidPattern>;

impl<F> Expression<F> {
    /// Reads a condition; `field` reads what stands left of an operator.
    pub(super) fn parse(scanner: &mut Scanner<'_>, field: Parse<'_, F>) -> Result<Self, InvalidPattern> {
        Self::any(scanner, field, DEPTH)
    }

    fn any(scanner: &mut Scanner<'_>, field: Parse<'_, F>, depth: usize) -> Result<Self, InvalidPattern> {
        let mut parts = vec![Self::all(scanner, field, depth)?];
        while scanner.eat("||") {
            parts.push(Self::all(scanner, field, depth)?);
        }
        Ok(Self::Any(parts))
    }

    fn all(scanner: &mut Scanner<'_>, field: Parse<'_, F>, depth: usize) -> Result<Self, InvalidPattern> {
        let mut parts = vec![Self::one(scanner, field, depth)?];
        while scanner.eat("&&") {
            parts.push(Self::one(scanner, field, depth)?);
        }
        Ok(Self::All(parts))
    }

    fn one(scanner: &mut Scanner<'_>, field: Parse<'_, F>, depth: usize) -> Result<Self, InvalidPattern> {
        if !scanner.eat("(") {
            return Ok(Self::Check(field(scanner)?, Check::parse(scanner)?));
        }
        let inner = Self::any(scanner, field, depth.checked_sub(1).ok_or(InvalidPattern)?)?;
        scanner.expect(")")?;
        Ok(inner)
    }

    /// Whether it holds, when `satisfies` tells it of single checks.
    pub(super) fn holds(&self, satisfies: &dyn Fn(&F, &Check) -> bool) -> bool {
        match self {
            Self::Check(field, check) => satisfies(field, check),
            Self::All(parts) => parts.iter().all(|part| part.holds(satisfies)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(satisfies)),
        }
    }
}

impl Check {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Self, InvalidPattern> {
        if scanner.eat_word("IS") {
            let kinds = [("NULL", Self::Null), ("TRUE", Self::True), ("FALSE", Self::False)];
            let kind = kinds.into_iter().find(|(word, _)| scanner.eat_word(word));
            return kind.map(|(_, check)| check).ok_or(InvalidPattern);
        }
        if scanner.eat_word("NOT") {
            return if scanner.eat_word("EXISTS") { Ok(Self::Missing) } else { Err(InvalidPattern) };
        }
        if scanner.eat_word("EXISTS") {
            return Ok(Self::Exists);
        }
        let comparison = COMPARISONS.iter().find(|(text, _)| scanner.eat(text)).ok_or(InvalidPattern)?.1;
        let operand = Operand::parse(scanner)?;
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if is_equality || operand.number().is_some() {
            Ok(Self::Compare(comparison, operand))
        } else {
            Err(InvalidPattern)
        }
    }

    /// Whether a text that is there passes.
    pub(super) fn passes(&self, text: &str) -> bool {
        match self {
            Self::Compare(comparison, operand) => compare(*comparison, operand, text),
            Self::Exists => true,
            Self::Null | Self::True | Self::False | Self::Missing => false,
        }
    }
}

fn compare(comparison: Comparison, operand: &Operand, text: &str) -> bool {
    let ordered = |wanted: fn(&f64, &f64) -> bool| {
        number(text).zip(operand.number()).is_some_and(|(left, right)| wanted(&left, &right))
    };
    match comparison {
        Comparison::Equal => operand.equals(text),
        Comparison::NotEqual => !operand.equals(text),
        Comparison::Less => ordered(f64::lt),
        Comparison::LessOrEqual => ordered(f64::le),
        Comparison::Greater => ordered(f64::gt),
        Comparison::GreaterOrEqual => ordered(f64::ge),
    }
}
