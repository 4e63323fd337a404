//! From tokens to a query.

use super::aggregate::Aggregate;
use super::ast::{Command, Comparison, Expr, Named, Parse, Query};
use super::function::Function;
use super::glob;
use super::lexer::{Kind, SyntaxError, Token, tokens, unexpected};
use super::time;
use super::value::Value;

/// How deep expressions may go.
const DEPTH: usize = 64;

/// Most commands of a query.
const COMMANDS: usize = 64;

/// Most rows of a result.
const ROWS: f64 = 10_000.0;

type Parsed<T> = Result<T, SyntaxError>;

struct Parser<'q> {
    query: &'q str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Calls of aggregates, while `stats` is read.
    calls: Option<Vec<(Aggregate, Vec<Expr>)>>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) fn parse(query: &str) -> Parsed<Self> {
        let mut parser = Parser { query, tokens: tokens(query)?, at: 0, depth: 0, calls: None };
        let mut commands = vec![parser.command()?];
        while parser.eat("|") {
            commands.push(parser.command()?);
        }
        if parser.peek().is_some() || commands.len() > COMMANDS {
            return Err(parser.error());
        }
        Ok(Self { commands })
    }
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn next(&mut self) -> Option<Kind> {
        let kind = self.peek().cloned();
        self.at += 1;
        kind
    }

    fn error(&self) -> SyntaxError {
        self.error_at(self.at)
    }

    fn error_at(&self, at: usize) -> SyntaxError {
        let end = self.query.len();
        let (start, end) = self.tokens.get(at).map_or((end, end), |token| (token.start, token.end));
        unexpected(self.query, start, end)
    }

    /// Takes a symbol if it comes next.
    fn eat(&mut self, symbol: &str) -> bool {
        let comes = matches!(self.peek(), Some(Kind::Symbol(next)) if *next == symbol);
        self.at += usize::from(comes);
        comes
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.error()) }
    }

    fn sees_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Name { text, quoted: false }) if text.eq_ignore_ascii_case(word))
    }

    /// Takes a keyword, in any case, if it comes next.
    fn eat_word(&mut self, word: &str) -> bool {
        let comes = self.sees_word(word);
        self.at += usize::from(comes);
        comes
    }

    /// The query's text from a token to the one before the next.
    fn text_from(&self, start: usize) -> String {
        let first = self.tokens.get(start).map_or(0, |token| token.start);
        let last =
            self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(first, |token| token.end);
        self.query.get(first..last).unwrap_or_default().trim_matches('`').to_owned()
    }

    fn command(&mut self) -> Parsed<Command> {
        let Some(Kind::Name { text, quoted: false }) = self.peek().cloned() else { return Err(self.error()) };
        self.at += 1;
        match text.to_ascii_lowercase().as_str() {
            "fields" => self.list(Self::named).map(Command::Fields),
            "display" => self.list(Self::named).map(Command::Display),
            "filter" => self.expression().map(Command::Filter),
            "parse" => self.parse().map(Command::Parse),
            "stats" => self.stats(),
            "sort" => self.sort(),
            "order" if self.eat_word("by") => self.sort(),
            "limit" | "head" => self.limit(),
            "dedup" => self.list(Self::expression).map(Command::Dedup),
            _ => Err(self.error_at(self.at - 1)),
        }
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// An expression with a name: behind `as`, or its own text.
    fn named(&mut self) -> Parsed<Named> {
        let start = self.at;
        let expr = self.expression()?;
        let text = self.text_from(start);
        let name = if self.eat_word("as") { self.name()? } else { text };
        Ok(Named { name, expr })
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Kind::Name { text, .. }) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.error()),
        }
    }

    fn limit(&mut self) -> Parsed<Command> {
        match self.peek() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range is checked"
            )]
            Some(Kind::Number(number)) if (1.0..=ROWS).contains(number) && number.fract() == 0.0 => {
                let limit = *number as usize;
                self.at += 1;
                Ok(Command::Limit(limit))
            }
            _ => Err(self.error()),
        }
    }

    fn sort(&mut self) -> Parsed<Command> {
        let key = |parser: &mut Self| {
            let expr = parser.sort_key()?;
            let descending = parser.eat_word("desc");
            if !descending {
                parser.eat_word("asc");
            }
            Ok((expr, descending))
        };
        let mut keys = vec![key(self)?];
        while self.eat(",") {
            keys.push(key(self)?);
        }
        Ok(Command::Sort(keys))
    }

    /// `sort count(*)` and `sort bin(5m)` are about columns of those names.
    fn sort_key(&mut self) -> Parsed<Expr> {
        let start = self.at;
        if let Some(Kind::Name { text, quoted: false }) = self.peek()
            && (Aggregate::named(text).is_some() || text.eq_ignore_ascii_case("bin"))
            && matches!(self.tokens.get(self.at + 1), Some(Token { kind: Kind::Symbol("("), .. }))
        {
            let outer = self.calls.replace(Vec::new());
            self.expression()?;
            self.calls = outer;
            return Ok(Expr::Field(self.text_from(start)));
        }
        self.expression()
    }

    fn parse(&mut self) -> Parsed<Parse> {
        let source = match self.peek() {
            Some(Kind::Text(_) | Kind::Regex(_)) => Expr::Field("@message".to_owned()),
            _ => self.sum()?,
        };
        let at = self.at;
        match self.next() {
            Some(Kind::Text(pattern)) => {
                let regex = glob::regex_of(&pattern).ok_or_else(|| self.error_at(at))?;
                if !self.eat_word("as") {
                    return Err(self.error());
                }
                let names = self.list(Self::name)?;
                if names.len() + 1 != regex.captures_len() {
                    return Err(self.error_at(at));
                }
                Ok(Parse { source, regex, names: (1..).zip(names).collect() })
            }
            Some(Kind::Regex(pattern)) => {
                let regex = glob::compile(&pattern).ok_or_else(|| self.error_at(at))?;
                let given = if self.eat_word("as") { self.list(Self::name)? } else { Vec::new() };
                let named =
                    regex.capture_names().enumerate().filter_map(|(at, name)| Some((at, name?.to_owned())));
                let names: Vec<_> =
                    if given.is_empty() { named.collect() } else { (1..).zip(given).collect() };
                if names.is_empty() || names.iter().any(|(at, _)| *at >= regex.captures_len()) {
                    return Err(self.error_at(at));
                }
                Ok(Parse { source, regex, names })
            }
            _ => Err(self.error_at(at)),
        }
    }

    fn stats(&mut self) -> Parsed<Command> {
        self.calls = Some(Vec::new());
        let start = self.at;
        let aggregates = self.list(Self::named)?;
        let calls = self.calls.take().unwrap_or_default();
        if calls.is_empty() || aggregates.iter().any(|named| !is_aggregated(&named.expr)) {
            return Err(self.error_at(start));
        }
        let by = if self.eat_word("by") { self.list(Self::named)? } else { Vec::new() };
        Ok(Command::Stats { aggregates, calls, by })
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error());
        }
        let mut left = self.conjunction()?;
        while self.eat_word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.conjunction()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn conjunction(&mut self) -> Parsed<Expr> {
        let mut left = self.negation()?;
        while self.eat_word("and") {
            left = Expr::And(Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Parsed<Expr> {
        let mut negated = false;
        while self.eat_word("not") {
            negated = !negated;
        }
        let inner = self.comparison()?;
        Ok(if negated { Expr::Not(Box::new(inner)) } else { inner })
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.sum()?;
        const COMPARISONS: &[(&str, Comparison)] = &[
            ("==", Comparison::Equal),
            ("=", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (symbol, comparison) in COMPARISONS {
            if self.eat(symbol) {
                return Ok(Expr::Compare(*comparison, Box::new(left), Box::new(self.sum()?)));
            }
        }
        if self.eat("=~") {
            return self.pattern(left);
        }
        if self.eat("!~") {
            return self.pattern(left).map(|it| Expr::Not(Box::new(it)));
        }
        let negated = self.sees_word("not") && self.is_operator_next();
        self.at += usize::from(negated);
        let test = if self.eat_word("like") {
            self.pattern(left)?
        } else if self.eat_word("in") {
            self.expect("[")?;
            let items = self.list(Self::sum)?;
            self.expect("]")?;
            Expr::In(Box::new(left), items)
        } else {
            return Ok(left);
        };
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }

    /// Whether `like` or `in` stand behind the next word.
    fn is_operator_next(&self) -> bool {
        matches!(self.tokens.get(self.at + 1), Some(Token { kind: Kind::Name { text, quoted: false }, .. })
            if text.eq_ignore_ascii_case("like") || text.eq_ignore_ascii_case("in"))
    }

    /// What stands behind `like` and `=~`: an expression, or a text that is contained.
    fn pattern(&mut self, left: Expr) -> Parsed<Expr> {
        match self.peek().cloned() {
            Some(Kind::Regex(text)) => {
                let regex = glob::compile(&text).ok_or_else(|| self.error())?;
                self.at += 1;
                Ok(Expr::Matches(Box::new(left), regex))
            }
            _ => Ok(Expr::Contains(Box::new(left), Box::new(self.sum()?))),
        }
    }

    fn sum(&mut self) -> Parsed<Expr> {
        self.binary(&['+', '-'], |parser| {
            parser.binary(&['*', '/', '%'], |parser| parser.binary(&['^'], Self::primary))
        })
    }

    fn binary(&mut self, operators: &[char], inner: impl Fn(&mut Self) -> Parsed<Expr>) -> Parsed<Expr> {
        let mut left = inner(self)?;
        while let Some(operator) =
            operators.iter().find(|operator| self.eat(operator.encode_utf8(&mut [0; 4])))
        {
            left = Expr::Arithmetic(*operator, Box::new(left), Box::new(inner(self)?));
        }
        Ok(left)
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let start = self.at;
        match self.next() {
            Some(Kind::Number(number)) => Ok(Expr::Literal(Value::Number(number))),
            Some(Kind::Text(text)) => Ok(Expr::Literal(Value::Text(text))),
            Some(Kind::Symbol("(")) => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Some(Kind::Symbol("-")) => {
                self.depth += 1;
                if self.depth > DEPTH {
                    return Err(self.error());
                }
                let zero = Box::new(Expr::Literal(Value::Number(0.0)));
                let negative = Expr::Arithmetic('-', zero, Box::new(self.primary()?));
                self.depth -= 1;
                Ok(negative)
            }
            Some(Kind::Name { text, quoted: false }) if self.eat("(") => self.call(&text, start),
            Some(Kind::Name { text, quoted: false }) if is_keyword(&text) => Err(self.error_at(start)),
            Some(Kind::Name { text, .. }) => Ok(Expr::Field(text)),
            _ => Err(self.error_at(start)),
        }
    }

    fn call(&mut self, name: &str, start: usize) -> Parsed<Expr> {
        if self.calls.is_some()
            && let Some((kind, wanted)) = Aggregate::named(name)
        {
            return self.aggregate(kind, wanted, start);
        }
        let (function, wanted) = Function::named(name).ok_or_else(|| self.error_at(start))?;
        let mut arguments = Vec::new();
        if !self.eat(")") {
            loop {
                arguments.push(self.argument()?);
                if self.eat(")") {
                    break;
                }
                self.expect(",")?;
            }
        }
        if !wanted.contains(&arguments.len()) {
            return Err(self.error_at(start));
        }
        if function == Function::Bin {
            arguments.insert(0, Expr::Field("@timestamp".to_owned()));
        }
        Ok(Expr::Call(function, arguments))
    }

    fn aggregate(
        &mut self,
        kind: Aggregate,
        wanted: std::ops::RangeInclusive<usize>,
        start: usize,
    ) -> Parsed<Expr> {
        // Calls do not nest.
        let outer = self.calls.take();
        let mut arguments = Vec::new();
        let is_of_all = kind == Aggregate::Count && self.eat("*");
        let is_empty = is_of_all || matches!(self.peek(), Some(Kind::Symbol(")")));
        if !is_empty {
            arguments = self.list(Self::expression)?;
        }
        self.expect(")")?;
        self.calls = outer;
        let rank_is_fixed =
            kind != Aggregate::Pct || matches!(arguments.get(1), Some(Expr::Literal(Value::Number(_))));
        if !wanted.contains(&arguments.len()) || !rank_is_fixed {
            return Err(self.error_at(start));
        }
        let calls = self.calls.get_or_insert_default();
        calls.push((kind, arguments));
        Ok(Expr::Aggregated(calls.len() - 1))
    }

    /// An argument: a period such as `5m`, which becomes milliseconds, or an expression.
    fn argument(&mut self) -> Parsed<Expr> {
        if let Some(Kind::Number(count)) = self.peek()
            && let Some(Token { kind: Kind::Name { text, quoted: false }, .. }) = self.tokens.get(self.at + 1)
        {
            let millis = time::period(*count, text).ok_or_else(|| self.error_at(self.at + 1))?;
            self.at += 2;
            #[expect(clippy::cast_precision_loss, reason = "periods are below 2^53")]
            return Ok(Expr::Literal(Value::Number(millis as f64)));
        }
        self.expression()
    }
}

fn is_keyword(text: &str) -> bool {
    ["and", "or", "not", "like", "in", "as", "by"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether an expression is of aggregates and constants only.
fn is_aggregated(expr: &Expr) -> bool {
    match expr {
        Expr::Aggregated(_) | Expr::Literal(_) => true,
        Expr::Field(_) => false,
        Expr::Not(inner) | Expr::Matches(inner, _) => is_aggregated(inner),
        Expr::And(left, right)
        | Expr::Or(left, right)
        | Expr::Compare(_, left, right)
        | Expr::Arithmetic(_, left, right)
        | Expr::Contains(left, right) => is_aggregated(left) && is_aggregated(right),
        Expr::In(left, items) => is_aggregated(left) && items.iter().all(is_aggregated),
        Expr::Call(_, arguments) => arguments.iter().all(is_aggregated),
    }
}
