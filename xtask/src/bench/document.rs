//! `docs/benchmarks.md`: a hand-written introduction, and tables that are wholly made by the run.

use landfall_base::{Clock as _, SystemClock};

use super::machine::Facts;
use super::outcome::{Series, one_line};

const INTRODUCTION: &str = "\
# Benchmarks

Landfall beside what people use instead of it, and beside the simplest program that could do the same work. Everything runs on
one machine, over loopback; each section in one run, and those that were measured by themselves say when. Repetitions are interleaved (first of everybody, second of everybody, …), so that whatever
else the machine does meets all alike. Each figure is the **median** of its repetitions, with the smallest and the largest in brackets.

Read the ratios, and where the machine had other work (the load is below) the CPU time for each request before them; absolute figures are those of the machine below. Nothing here is a limit that a test enforces.

This page is written by `cargo xtask bench`. To change its words, change `xtask/src/bench/`.
";

/// One part of the document.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) title: &'static str,
    /// What is measured, and what each party does for it.
    pub(super) text: String,
    pub(super) tables: Vec<Table>,
    /// A row's name, and one sentence on what bounds it.
    pub(super) bounds: Vec<(String, String)>,
}

impl Section {
    /// A part that could not be measured at all.
    pub(super) fn did_not_run(title: &'static str, error: &anyhow::Error) -> Self {
        Self { title, text: format!("Did not run: {}.", one_line(error)), ..Self::default() }
    }
}

/// Rows under a heading.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table.
    pub(super) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&column| column.to_owned()).collect(), rows: Vec::new() }
    }

    /// A row of which only the reason is known why it is empty.
    pub(super) fn did_not_run(&mut self, name: &str, reason: &str) {
        let mut row = vec![name.to_owned(), format!("did not run: {reason}")];
        row.resize(self.columns.len().max(2), String::new());
        self.rows.push(row);
    }

    fn render(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: Vec<String> =
            (0..self.columns.len()).map(|at| if at == 0 { "---" } else { "---:" }.to_owned()).collect();
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}{}{rows}", line(&self.columns), line(&rule))
    }
}

/// The whole document.
pub(super) fn render(machine: &Facts, sections: &[Section]) -> String {
    let mut text = format!("{INTRODUCTION}\n## This run\n\n");
    let command: Vec<String> =
        std::env::args().skip(1).take_while(|argument| argument != "--landfall").collect();
    text.push_str(&format!("- **Date**: {}\n", SystemClock.now().iso8601()));
    text.push_str(&format!("- **Command**: `cargo xtask {}`\n", command.join(" ")));
    for (name, value) in machine {
        text.push_str(&format!("- **{name}**: {value}\n"));
    }
    for section in sections {
        text.push_str(&render_section(section));
    }
    text
}

/// The document with one part measured anew: the part says when, and what else the machine did.
pub(super) fn with_section(document: &str, machine: &Facts, section: &Section) -> String {
    let heading = format!("\n## {}\n", section.title);
    let (before, rest) = document.split_once(&heading).unwrap_or((document, ""));
    let behind = rest.find("\n## ").and_then(|at| rest.get(at..)).unwrap_or_default();
    let fact = |wanted: &str| machine.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value);
    let run = format!(
        "*Measured by itself on {}; load before the run {}; {}.*",
        SystemClock.now().iso8601(),
        fact("Load before the run"),
        fact("CPU")
    );
    let rendered = render_section(section).replacen(&heading, &format!("{heading}\n{run}\n"), 1);
    format!("{}\n{rendered}{behind}", before.trim_end_matches('\n'))
}

fn render_section(section: &Section) -> String {
    let mut text = format!("\n## {}\n\n{}\n", section.title, section.text);
    for table in &section.tables {
        text.push_str(&format!("\n{}", table.render()));
    }
    if !section.bounds.is_empty() {
        text.push_str("\nWhat bounds each row:\n\n");
    }
    for (name, sentence) in &section.bounds {
        text.push_str(&format!("- **{name}**: {sentence}\n"));
    }
    text
}

/// `12.3 (11.9–14.0)`, and the reason where the series ended early; empty for nothing.
pub(super) fn cell(series: &Series, decimals: usize) -> String {
    let (Some(median), Some((least, most))) = (series.median(), series.samples.range()) else {
        return series.failure().map_or_else(String::new, |reason| format!("did not run: {reason}"));
    };
    let note = series.failure().map_or_else(String::new, |reason| format!("; then failed: {reason}"));
    if series.samples.len() == 1 {
        return format!("{}{note}", number(median, decimals));
    }
    format!("{} ({}–{}){note}", number(median, decimals), number(least, decimals), number(most, decimals))
}

/// `1.8×`; a dash where one of the two is missing.
pub(super) fn ratio(above: Option<f64>, below: Option<f64>) -> String {
    match (above, below) {
        (Some(above), Some(below)) if below > 0.0 && above / below >= 9.95 => {
            format!("{:.0}×", above / below)
        }
        (Some(above), Some(below)) if below > 0.0 => format!("{:.2}×", above / below),
        _ => "–".to_owned(),
    }
}

/// With commas between thousands.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, fraction) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, part)| (whole, Some(part)));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        let left = whole.len() - at;
        if at > 0 && left % 3 == 0 && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    fraction.map_or(grouped.clone(), |fraction| format!("{grouped}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_part_takes_the_place_of_the_same_part() {
        let part = |title, text: &str| Section { title, text: text.to_owned(), ..Section::default() };
        let document =
            format!("# Head\n{}{}", render_section(&part("One", "old")), render_section(&part("Two", "2")));
        let machine = vec![("Load before the run", "0.1".to_owned())];
        let replaced = with_section(&document, &machine, &part("One", "new"));
        assert!(replaced.starts_with("# Head\n\n## One\n\n*Measured by itself on "), "{replaced}");
        assert!(replaced.contains("load before the run 0.1"), "{replaced}");
        assert!(replaced.ends_with("\n\nnew\n\n## Two\n\n2\n"), "{replaced}");
        let added = with_section(&document, &machine, &part("Three", "3"));
        assert!(added.starts_with(&document) && added.ends_with("\n\n3\n"), "{added}");
    }

    #[test]
    fn numbers_have_commas() {
        for (value, decimals, expected) in [
            (0.0, 0, "0"),
            (999.4, 0, "999"),
            (1234.56, 1, "1,234.6"),
            (1_234_567.0, 0, "1,234,567"),
            (-1234.0, 0, "-1,234"),
        ] {
            assert_eq!(number(value, decimals), expected);
        }
    }

    #[test]
    fn ratios_need_both_sides() {
        for (above, below, expected) in [
            (Some(3.0), Some(2.0), "1.50×"),
            (Some(30.0), Some(2.0), "15×"),
            (Some(3.0), Some(0.0), "–"),
            (None, Some(1.0), "–"),
            (Some(1.0), None, "–"),
        ] {
            assert_eq!(ratio(above, below), expected);
        }
    }

    #[test]
    fn a_failure_is_never_left_out() {
        let mut series = Series::default();
        assert_eq!(cell(&series, 1), "");
        series.take(Ok(1.0));
        series.take(Ok(3.0));
        assert_eq!(cell(&series, 1), "2.0 (1.0–3.0)");
        series.take(Err(anyhow!("no more")));
        assert_eq!(cell(&series, 1), "2.0 (1.0–3.0); then failed: no more");
        let mut series = Series::default();
        series.take(Err(anyhow!("not here")));
        assert_eq!(cell(&series, 1), "did not run: not here");
    }

    #[test]
    fn tables_are_markdown() {
        let mut table = Table::new(&["What", "ms"]);
        table.rows.push(vec!["a".into(), "1".into()]);
        table.did_not_run("b", "why");
        assert_eq!(table.render(), "| What | ms |\n| --- | ---: |\n| a | 1 |\n| b | did not run: why |\n");
    }
}
