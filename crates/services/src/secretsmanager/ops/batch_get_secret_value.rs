//! `BatchGetSecretValue`: the current values of several secrets. What cannot be read is listed beside what could.

use landfall_api::secretsmanager as api;
use landfall_shape::{Operation, ServiceError};
use landfall_store::View;

use super::get_secret_value::{permissions, read_value};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve, is_allowed};
use crate::secretsmanager::filters::Filters;
use crate::secretsmanager::listing::{Listing, Order, decode_token};
use crate::secretsmanager::target::Target;

const PAGE: i32 = 20;

/// Which secrets.
#[derive(Debug)]
pub enum Request {
    /// These.
    Named(Vec<String>),
    /// Those that pass filters.
    Filtered(Listing),
}

impl Resolve for api::BatchGetSecretValue {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let own = Permission::on_anything("secretsmanager:BatchGetSecretValue");
        if let Some(ids) = named(&input)? {
            return Ok(Checked::one(Request::Named(ids), own));
        }
        let listing = Listing {
            account: cx.account().clone(),
            region: cx.region().clone(),
            filters: Filters::of(input.filters)?,
            include_deleted: false,
            order: Order::Created,
            descending: false,
            cursor: decode_token(input.next_token.as_deref())?,
            limit: usize::try_from(input.max_results.unwrap_or(PAGE)).unwrap_or(1),
        };
        let list = Permission::on_anything("secretsmanager:ListSecrets");
        Ok(Checked::all(Request::Filtered(listing), vec![own, list]))
    }
}

/// The list of names, or `None` for filters.
fn named(input: &api::BatchGetSecretValueRequest) -> Result<Option<Vec<String>>, ServiceError> {
    let message = match (&input.secret_id_list, &input.filters) {
        (Some(_), None) if input.max_results.is_some() || input.next_token.is_some() => {
            "You can't use MaxResults or NextToken with SecretIdList."
        }
        (Some(ids), None) => return Ok(Some(ids.clone())),
        (None, Some(_)) => return Ok(None),
        _ => "You must provide either SecretIdList or Filters, but not both.",
    };
    Err(api::error::invalid_parameter_exception(message))
}

impl ReadHandler for api::BatchGetSecretValue {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let (targets, next_token) = targets(cx, view, request.into_request())?;
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for (id, target) in targets {
            match target.and_then(|target| read(cx, view, &target)) {
                Ok(value) => values.push(value),
                Err(Failure::Service(error)) => errors.push(entry(id, error)),
                Err(failure) => return Err(failure),
            }
        }
        Ok(api::BatchGetSecretValueResponse { secret_values: Some(values), next_token, errors: Some(errors) })
    }
}

type Found = (String, Result<Target, Failure>);

fn targets(cx: &Context<'_>, view: &View, request: Request) -> Result<(Vec<Found>, Option<String>), Failure> {
    match request {
        Request::Named(ids) => {
            let find = |id: String| {
                let target = Target::find(cx, view, &id);
                (id, target)
            };
            Ok((ids.into_iter().map(find).collect(), None))
        }
        Request::Filtered(listing) => {
            let page = listing.page(view)?;
            let secrets = page.secrets.into_iter();
            let found = |(key, secret)| {
                let target = Target::found(cx, key, secret);
                (target.arn.to_string(), Ok(target))
            };
            Ok((secrets.map(found).collect(), page.next_token))
        }
    }
}

fn read(cx: &Context<'_>, view: &View, target: &Target) -> Result<api::SecretValueEntry, Failure> {
    for permission in permissions(cx, view, target, None, None)? {
        is_allowed(cx, view, api::BatchGetSecretValue::SERVICE, &permission)?;
    }
    let read = read_value(cx, view, target, None, None)?;
    let (secret_string, secret_binary) = read.value.into_members();
    Ok(api::SecretValueEntry {
        arn: Some(read.secret.arn.to_string()),
        name: Some(read.secret.name.clone()),
        version_stages: Some(read.secret.stages.labels(&read.version_id)),
        version_id: Some(read.version_id),
        secret_binary,
        secret_string,
        created_date: Some(read.version.created_at),
    })
}

fn entry(secret_id: String, error: ServiceError) -> api::APIErrorType {
    api::APIErrorType {
        secret_id: Some(secret_id),
        error_code: Some(error.code.to_owned()),
        message: Some(error.message),
    }
}
