//! Byte ranges: the part of a blob that is asked for, and the part of an upload that is sent.

use std::ops::Range;

/// What a `Range` header asks of content of a given size (RFC 9110 §14.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// No range, or one that may be ignored: malformed, of another unit, or several.
    Whole,
    /// One range.
    Part(Range<u64>),
    /// A range that begins past the end.
    Unsatisfiable,
}

pub(super) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some((first, last)) =
        header.and_then(|text| text.strip_prefix("bytes=")).and_then(|text| text.split_once('-'))
    else {
        return Wanted::Whole;
    };
    match (number(first), number(last)) {
        (None, Some(0)) if first.trim().is_empty() => Wanted::Unsatisfiable,
        (None, Some(suffix)) if first.trim().is_empty() => part(size.saturating_sub(suffix), size, size),
        (Some(start), None) if last.trim().is_empty() => part(start, size, size),
        (Some(start), Some(end)) if start <= end => part(start, end.saturating_add(1), size),
        _ => Wanted::Whole,
    }
}

fn part(start: u64, end: u64, size: u64) -> Wanted {
    if start < size { Wanted::Part(start..end.min(size)) } else { Wanted::Unsatisfiable }
}

/// Reads the `Content-Range` of a chunk: `0-99` as the OCI specification has it, or with `bytes ` before and `/total`
/// after, as RFC 9110 does.
pub(super) fn sent(header: &str) -> Option<Range<u64>> {
    let text = header.trim();
    let text = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches([' ', '=']));
    let (first, last) = text.split('/').next()?.split_once('-')?;
    let (start, last) = (number(first)?, number(last)?);
    (start <= last).then_some(start..last.checked_add(1)?)
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_ranges() {
        let cases = [
            (None, Wanted::Whole),
            (Some("bytes=0-0"), Wanted::Part(0..1)),
            (Some("bytes=2-"), Wanted::Part(2..10)),
            (Some("bytes=-3"), Wanted::Part(7..10)),
            (Some("bytes=-30"), Wanted::Part(0..10)),
            (Some("bytes=9-99"), Wanted::Part(9..10)),
            (Some("bytes=10-"), Wanted::Unsatisfiable),
            (Some("bytes=-0"), Wanted::Unsatisfiable),
            (Some("bytes=5-4"), Wanted::Whole),
            (Some("bytes=0-1,3-4"), Wanted::Whole),
            (Some("bytes=a-b"), Wanted::Whole),
            (Some("bytes=-"), Wanted::Whole),
            (Some("items=0-1"), Wanted::Whole),
            (Some("bytes=99999999999999999999-"), Wanted::Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(wanted(header, 10), expected, "{header:?}");
        }
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
        assert_eq!(wanted(Some("bytes=0-18446744073709551615"), 10), Wanted::Part(0..10));
    }

    #[test]
    fn sent_ranges() {
        for good in ["0-9", "bytes 0-9", "bytes 0-9/10", "bytes=0-9/*"] {
            assert_eq!(sent(good), Some(0..10), "{good}");
        }
        for bad in ["", "9-0", "-9", "0-", "a-b", "0-18446744073709551615", "+0-9"] {
            assert_eq!(sent(bad), None, "{bad}");
        }
    }
}
