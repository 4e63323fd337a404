//! Medians and spreads of repeated measurements.

/// Values of one quantity, one for each repetition.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Samples(Vec<f64>);

impl Samples {
    /// Takes in one more.
    pub(super) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The middle one; `None` where nothing was measured.
    pub(super) fn median(&self) -> Option<f64> {
        percentile(&mut self.0.clone(), 50.0)
    }

    /// The same in another unit.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        Self(self.0.iter().map(|value| value * factor).collect())
    }

    /// The smallest and the largest.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        let smallest = self.0.iter().copied().reduce(f64::min)?;
        let largest = self.0.iter().copied().reduce(f64::max)?;
        Some((smallest, largest))
    }
}

/// The value below which `percent` of all values lie, by linear interpolation between neighbours. Sorts the values.
pub(super) fn percentile(values: &mut [f64], percent: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let position = percent / 100.0 * last as f64;
    let (below, above) = (values.get(position.floor() as usize)?, values.get(position.ceil() as usize)?);
    Some(below + (above - below) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_interpolated() {
        for (values, percent, expected) in [
            (vec![], 50.0, None),
            (vec![7.0], 50.0, Some(7.0)),
            (vec![7.0], 99.0, Some(7.0)),
            (vec![3.0, 1.0, 2.0], 50.0, Some(2.0)),
            (vec![4.0, 1.0, 2.0, 3.0], 50.0, Some(2.5)),
            (vec![0.0, 10.0], 99.0, Some(9.9)),
            (vec![5.0, 1.0], 0.0, Some(1.0)),
            (vec![5.0, 1.0], 100.0, Some(5.0)),
        ] {
            assert_eq!(percentile(&mut values.clone(), percent), expected, "{values:?} {percent}");
        }
    }

    #[test]
    fn samples_know_their_range() {
        let mut samples = Samples::default();
        assert_eq!((samples.median(), samples.range()), (None, None));
        for value in [2.0, 9.0, 4.0] {
            samples.add(value);
        }
        assert_eq!((samples.len(), samples.median(), samples.range()), (3, Some(4.0), Some((2.0, 9.0))));
    }
}
