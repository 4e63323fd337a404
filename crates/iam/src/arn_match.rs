//! ARN patterns, compared segment by segment: a wildcard before the fifth colon does not cross a colon, one behind it
//! does (IAM User Guide, "Resource" and "ARN condition operators").

use crate::choices::Choice;
use crate::pattern::{Case, NullVariable, Pattern, Syntax, variable_length};
use crate::request::Request;

/// An ARN split at its first five colons.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ArnParts<'a> {
    text: &'a str,
    pub(crate) head: [&'a str; 5],
    pub(crate) tail: &'a str,
}

impl<'a> ArnParts<'a> {
    /// `None` if the text has fewer than six fields.
    pub(crate) fn split(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(6, ':');
        let mut head = [""; 5];
        for field in &mut head {
            *field = fields.next()?;
        }
        Some(Self { text, head, tail: fields.next()? })
    }

    /// The text up to the fifth colon, with it.
    pub(crate) fn before_tail(&self) -> &'a str {
        self.text.get(..self.text.len() - self.tail.len()).unwrap_or_default()
    }
}

/// Where variables may stand in a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variables {
    Nowhere,
    /// Behind the fifth colon only, as in the `Resource` element.
    InResourcePart,
    /// As in the value of an ARN operator.
    Anywhere,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArnPattern {
    Everything,
    /// Literal text with all five colons, and whether more may follow: one comparison instead of six.
    Literal {
        text: Box<str>,
        open: bool,
    },
    /// One variable is the whole pattern and holds a whole ARN.
    Whole(Pattern),
    Segments(Box<Segments>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segments {
    head: [Pattern; 5],
    tail: Pattern,
    /// The reading in which a trailing `*` crosses colons.
    loose: Option<Pattern>,
}

impl ArnPattern {
    /// The pattern of a `Resource` element.
    pub(crate) fn resource(text: &str, variables: bool) -> Self {
        let variables = if variables { Variables::InResourcePart } else { Variables::Nowhere };
        Self::compile(text, variables, Choice::ShortArnStarCrossesColons.holds())
    }

    /// The value of an ARN condition operator.
    pub(crate) fn condition(text: &str, variables: bool) -> Self {
        let variables = if variables { Variables::Anywhere } else { Variables::Nowhere };
        Self::compile(text, variables, false)
    }

    fn compile(text: &str, variables: Variables, allow_loose: bool) -> Self {
        if text == "*" {
            return Self::Everything;
        }
        let everywhere = Syntax { wildcards: true, variables: variables != Variables::Nowhere };
        let in_head = Syntax { wildcards: true, variables: variables == Variables::Anywhere };
        let whole = Pattern::compile(text, everywhere);
        if variables == Variables::Anywhere && whole.is_lone_variable() {
            return Self::Whole(whole);
        }
        let fields = split_fields(text);
        let short = fields.len() < 6 && fields.iter().any(|field| field.ends_with('*'));
        let field = |index: usize, syntax| match fields.get(index) {
            Some(field) => Pattern::compile(field, syntax),
            None => Pattern::Everything,
        };
        let head = [0, 1, 2, 3, 4].map(|index| field(index, in_head));
        let tail = field(5, everywhere);
        if fields.len() == 6
            && Choice::ArnBeginningHasCase.holds()
            && let (literal, whole) = tail.literal()
            && (whole || tail.is_prefix())
            && head.iter().all(|field| field.literal().1)
        {
            let start: String = head.iter().flat_map(|field| [field.literal().0, ":"]).collect();
            return Self::Literal { text: (start + literal).into(), open: !whole };
        }
        Self::Segments(Box::new(Segments { head, tail, loose: (allow_loose && short).then_some(whole) }))
    }

    /// Whether the resource of a request matches. `arn` is `None` for `*`, which only `*` matches.
    pub(crate) fn matches(
        &self,
        arn: Option<&ArnParts<'_>>,
        request: &Request<'_>,
    ) -> Result<bool, NullVariable> {
        match (self, arn) {
            (Self::Everything, _) => Ok(true),
            (_, None) => Ok(false),
            (Self::Literal { text, open: false }, Some(arn)) => Ok(arn.text == text.as_ref()),
            (Self::Literal { text, open: true }, Some(arn)) => Ok(arn.text.starts_with(text.as_ref())),
            (Self::Whole(pattern), Some(arn)) => pattern.matches(arn.text, Case::Sensitive, request),
            (Self::Segments(segments), Some(arn)) => segments.matches(arn, request),
        }
    }
}

/// The literal text of a pattern, by which an index finds it, and whether it is the whole pattern.
#[derive(Debug)]
pub(crate) enum ArnLiteral<'a> {
    /// There is none to go by.
    None,
    /// The ARN from its beginning.
    Text(String, bool),
    /// The part behind the fifth colon.
    Tail(&'a str, bool),
}

impl ArnPattern {
    /// A literal pattern in two parts, up to the fifth colon and behind it, and whether more may follow.
    pub(crate) fn literal_parts(&self) -> Option<(&str, &str, bool)> {
        let Self::Literal { text, open } = self else { return None };
        let parts = ArnParts::split(text)?;
        Some((parts.before_tail(), parts.tail, *open))
    }

    pub(crate) fn literal(&self) -> ArnLiteral<'_> {
        match self {
            Self::Literal { text, open } => ArnLiteral::Text(text.to_string(), !open),
            Self::Segments(segments) if segments.loose.is_none() => segments.literal(),
            _ => ArnLiteral::None,
        }
    }
}

impl Segments {
    /// The tail tells more than the beginning, unless all segments before it are literal.
    fn literal(&self) -> ArnLiteral<'_> {
        let mut text = String::new();
        let mut fields = self.head.iter();
        for (field, _) in fields.by_ref().map(Pattern::literal).take_while(|(_, whole)| *whole) {
            text.push_str(field);
            text.push(':');
        }
        let literal_head = self.head.iter().all(|field| field.literal().1);
        if !Choice::ArnBeginningHasCase.holds() {
            return match self.tail.literal() {
                ("", _) => ArnLiteral::None,
                (tail, whole) => ArnLiteral::Tail(tail, whole),
            };
        }
        match self.tail.literal() {
            (tail, whole) if literal_head => ArnLiteral::Text(text + tail, whole),
            ("", _) => ArnLiteral::Text(text, false),
            (tail, whole) => ArnLiteral::Tail(tail, whole),
        }
    }

    fn matches(&self, arn: &ArnParts<'_>, request: &Request<'_>) -> Result<bool, NullVariable> {
        if let Some(loose) = &self.loose
            && loose.matches(arn.text, Case::Sensitive, request)?
        {
            return Ok(true);
        }
        // From the back: account and resource differ more often than the partition.
        if !self.tail.matches(arn.tail, Case::Sensitive, request)? {
            return Ok(false);
        }
        let case = if Choice::ArnBeginningHasCase.holds() { Case::Sensitive } else { Case::Insensitive };
        for (pattern, text) in self.head.iter().zip(arn.head).rev() {
            if !pattern.matches(text, case, request)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Splits at the first five colons that are not inside `${…}`.
fn split_fields(text: &str) -> Vec<&str> {
    let mut fields = Vec::with_capacity(6);
    let (mut start, mut at) = (0, 0);
    while fields.len() < 5 {
        let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { break };
        if let Some(length) = variable_length(rest) {
            at += length;
        } else if rest.starts_with(':') {
            fields.push(text.get(start..at).unwrap_or_default());
            at += 1;
            start = at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    fields.push(text.get(start..).unwrap_or_default());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, Principal};

    fn matches(pattern: &ArnPattern, text: &str) -> bool {
        let (principal, context) = (Principal::anonymous(), Context::new().with("k:arn", "arn:aws:s3:::b"));
        let request = Request {
            principal: &principal,
            action: "a:b",
            resource: text,
            resource_account: None,
            context: &context,
        };
        pattern.matches(ArnParts::split(text).as_ref(), &request) == Ok(true)
    }

    #[test]
    fn resource_patterns() {
        let repository = "arn:aws:ecr:us-east-1:111122223333:repository/app";
        let table = [
            ("*", "*", true),
            ("arn:aws:ecr:*:*:*", "*", false),
            ("*", repository, true),
            ("arn:aws:ecr", repository, true),
            ("arn:aws:ecr:*:repository/app", repository, true),
            ("arn:aws:ecr:*:*:repository/*", repository, true),
            ("arn:aws:*:*:repository/app", repository, true),
            ("arn:aws:ecr:us-*-1:111122223333:repository/app", repository, true),
            ("arn:aws:ecr:u*3:111122223333:repository/app", repository, false),
            ("arn:aws:ecr:us-east-1:*:other", repository, false),
            ("arn:aws:ecr:us-east-1:111122223333:repository/App", repository, false),
            ("arn:aws:logs:r:a:log-group:g:*", "arn:aws:logs:r:a:log-group:g:log-stream:s", true),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(matches(&ArnPattern::resource(pattern, true), text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn condition_values_never_cross_colons_before_the_fifth() {
        let actual = "arn:aws:x:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
        let pattern = ArnPattern::condition("arn:aws:x:*:111122223333:finance/*", true);
        assert!(!matches(&pattern, actual));
        assert!(matches(&ArnPattern::condition("${k:arn}", true), "arn:aws:s3:::b"));
        assert!(!matches(&ArnPattern::condition("${k:arn}", true), "arn:aws:s3:::c"));
    }
}
