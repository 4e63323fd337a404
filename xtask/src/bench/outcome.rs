//! What became of one row: measured so often, or not run and why.

use super::stats::Samples;

/// A series of measurements that ends with the first failure.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    /// What was measured.
    pub(super) samples: Samples,
    failure: Option<String>,
}

impl Series {
    /// Takes in the result of one repetition.
    pub(super) fn take(&mut self, result: anyhow::Result<f64>) {
        match result {
            Ok(value) => self.samples.add(value),
            Err(error) => self.fail(&error),
        }
    }

    /// No more repetitions, for this reason.
    pub(super) fn fail(&mut self, error: &anyhow::Error) {
        self.failure.get_or_insert_with(|| one_line(error));
    }

    /// Is it worth trying again?
    pub(super) fn goes_on(&self) -> bool {
        self.failure.is_none()
    }

    /// Why nothing, or not everything, was measured.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// The same in another unit.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self { samples: self.samples.scaled(factor), failure: self.failure.clone() }
    }

    /// The median, where there is one.
    pub(super) fn median(&self) -> Option<f64> {
        self.samples.median()
    }
}

/// An error with its causes on one line that fits into a table.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    let text = format!("{error:#}").replace('|', "/");
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_series_ends_with_the_first_failure() {
        let mut series = Series::default();
        series.take(Ok(1.0));
        series.take(Err(anyhow!("first\nreason | here")));
        series.take(Err(anyhow!("second")));
        assert!(!series.goes_on());
        assert_eq!((series.median(), series.failure()), (Some(1.0), Some("first reason / here")));
    }
}
