//! `UnlabelParameterVersion`: takes labels off a version.

use std::sync::Arc;

use landfall_api::ssm as api;
use landfall_store::{Tx, View};

use super::label_parameter_version::existing_version;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::ssm::record::{PARAMETERS, Parameter};
use crate::ssm::target::Target;

/// Labels to be taken off a version.
#[derive(Debug)]
pub struct Request {
    target: Target,
    number: i64,
    labels: Vec<String>,
}

impl Resolve for api::UnlabelParameterVersion {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.name)?;
        let permission = target.permission("ssm:UnlabelParameterVersion");
        let request = Request { target, number: input.parameter_version, labels: input.labels };
        Ok(Checked::one(request, permission))
    }
}

impl WriteHandler for api::UnlabelParameterVersion {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, number, labels } = request.into_request();
        let number = existing_version(tx, &target, Some(number))?;
        let mut parameter = Parameter::clone(Arc::as_ref(target.existing()?));
        let on_it = |label: &String| parameter.labels.get(label) == Some(&number);
        let (removed, invalid): (Vec<_>, Vec<_>) = labels.into_iter().partition(on_it);
        for label in &removed {
            parameter.labels.remove(label);
        }
        tx.put(&PARAMETERS, &target.name.key, parameter);
        Ok(api::UnlabelParameterVersionResult {
            removed_labels: Some(removed),
            invalid_labels: Some(invalid),
        })
    }
}
