//! `GetContainerServiceMetricData`: use of CPU and memory, from the nodes' control groups.

use std::collections::BTreeMap;

use landfall_api::lightsail::{self as api, error};
use landfall_base::Timestamp;
use landfall_store::View;

use crate::lightsail::metrics;
use crate::lightsail::target::Target;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Most data points of an answer.
const MOST: i64 = 1440;

/// A service and what is asked for.
#[derive(Debug)]
pub struct Request {
    target: Target,
    input: api::GetContainerServiceMetricDataRequest,
}

impl Resolve for api::GetContainerServiceMetricData {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.service_name)?;
        let permission = Permission::on_everything(cx, "lightsail:GetContainerServiceMetricData");
        Ok(Checked::one(Request { target, input }, permission))
    }
}

impl ReadHandler for api::GetContainerServiceMetricData {
    fn run(
        _: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, input } = request.into_request();
        target.existing()?;
        let period = i64::from(input.period);
        if !(60..=86_400).contains(&period) || period % 60 != 0 {
            return Err(refuse("`period` must be a multiple of 60 seconds, from 60 to 86400.").into());
        }
        // As CloudWatch does: periods begin at whole minutes.
        let from = Timestamp::from_millis(input.start_time.millis().div_euclid(60_000) * 60_000);
        let to = input.end_time;
        if from >= to {
            return Err(refuse("`startTime` must be before `endTime`.").into());
        }
        if (to.whole_seconds() - from.whole_seconds()) / period > MOST {
            return Err(refuse("More than 1440 data points were asked for: choose a longer period.").into());
        }
        let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for sample in metrics::between(view, &target.key, from, to)? {
            let value = match input.metric_name {
                api::ContainerServiceMetricName::MemoryUtilization => sample.memory,
                _ => sample.cpu,
            };
            let begin =
                (sample.at.whole_seconds() - from.whole_seconds()) / period * period + from.whole_seconds();
            periods.entry(begin).or_default().push(value);
        }
        let points = periods.into_iter().map(|(begin, values)| point(begin, &values, &input.statistics));
        Ok(api::GetContainerServiceMetricDataResult {
            metric_data: Some(points.collect()),
            metric_name: Some(input.metric_name),
        })
    }
}

fn point(begin: i64, values: &[f64], statistics: &[api::MetricStatistic]) -> api::MetricDatapoint {
    let sum: f64 = values.iter().sum();
    let count = values.len() as f64;
    let given =
        |statistic: api::MetricStatistic, value: f64| statistics.contains(&statistic).then_some(value);
    api::MetricDatapoint {
        average: given(api::MetricStatistic::Average, sum / count),
        maximum: given(api::MetricStatistic::Maximum, values.iter().copied().fold(f64::MIN, f64::max)),
        minimum: given(api::MetricStatistic::Minimum, values.iter().copied().fold(f64::MAX, f64::min)),
        sample_count: given(api::MetricStatistic::SampleCount, count),
        sum: given(api::MetricStatistic::Sum, sum),
        timestamp: Some(Timestamp::from_millis(begin * 1000)),
        unit: Some(api::MetricUnit::Percent),
    }
}

fn refuse(message: &str) -> landfall_shape::ServiceError {
    error::invalid_input_exception(message)
}
