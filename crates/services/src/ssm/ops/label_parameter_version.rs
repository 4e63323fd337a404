//! `LabelParameterVersion`: puts labels on a version, from wherever they were.

use std::sync::Arc;

use landfall_api::ssm as api;
use landfall_store::{Tx, View};

use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};
use crate::ssm::record::{PARAMETERS, Parameter};
use crate::ssm::target::Target;
use crate::ssm::{rules, versions};

/// Labels to be put on a version.
#[derive(Debug)]
pub struct Request {
    target: Target,
    number: Option<i64>,
    labels: Vec<String>,
}

impl Resolve for api::LabelParameterVersion {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.name)?;
        let permission = target.permission("ssm:LabelParameterVersion");
        let request = Request { target, number: input.parameter_version, labels: input.labels };
        Ok(Checked::one(request, permission))
    }
}

/// The number of a version that there is.
///
/// # Errors
/// `ParameterVersionNotFound`
pub(super) fn existing_version(view: &View, target: &Target, number: Option<i64>) -> Result<u64, Failure> {
    let parameter = target.existing()?;
    // 0 stands for the newest, as clients send it that cannot leave a number out.
    let Some(number) = number.filter(|number| *number != 0) else { return Ok(parameter.newest) };
    let found = match u64::try_from(number) {
        Ok(number) => versions::get(view, &target.name.key, number)?.map(|_| number),
        Err(_) => None,
    };
    found.ok_or_else(|| rules::no_version(&number.to_string(), &target.name.text).into())
}

impl WriteHandler for api::LabelParameterVersion {
    fn run(
        _: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { target, number, labels } = request.into_request();
        let number = existing_version(tx, &target, number)?;
        let (labels, invalid): (Vec<_>, Vec<_>) =
            labels.into_iter().partition(|label| rules::is_label(label));
        let mut parameter = Parameter::clone(Arc::as_ref(target.existing()?));
        rules::attach_labels(&mut parameter, number, &labels)?;
        tx.put(&PARAMETERS, &target.name.key, parameter);
        Ok(api::LabelParameterVersionResult {
            invalid_labels: Some(invalid),
            parameter_version: i64::try_from(number).ok(),
        })
    }
}
