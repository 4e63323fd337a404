//! `BatchGetSecretValue`: the current values of several secrets. What cannot be read is listed beside what could.

use landfall_api::secretsmanager as api;
use landfall_shape::{Operation, ServiceError};
use landfall_store::View;

use super::get_secret_value::{permissions as permissions_of, read_value};
use crate::pipe::{
    Authorized, Caller, Context, Failure, Guarded, Later, Permission, ReadHandler, Resolve, is_allowed,
};
use crate::secretsmanager::filters::Filters;
use crate::secretsmanager::listing::{Listing, Order, decode_token};
use crate::secretsmanager::target::Target;

const PAGE: i32 = 20;

/// Which secrets, and what has to be allowed for the call and for each of them.
#[derive(Debug)]
pub struct Request {
    permissions: Vec<Permission>,
    caller: Caller,
    items: Vec<(String, Result<Item, Failure>)>,
    next_token: Option<String>,
}

/// One secret.
#[derive(Debug)]
struct Item {
    target: Target,
    permissions: Vec<Permission>,
}

impl Guarded for Request {
    fn permissions(&self) -> &[Permission] {
        &self.permissions
    }

    fn later(&self) -> Vec<Later> {
        let items = self.items.iter().filter_map(|(_, item)| item.as_ref().ok());
        let later =
            |permission: &Permission| Later { caller: self.caller.clone(), permission: permission.clone() };
        items.flat_map(|item| &item.permissions).map(later).collect()
    }
}

impl Resolve for api::BatchGetSecretValue {
    type Request = Request;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let mut permissions = vec![Permission::on_anything("secretsmanager:BatchGetSecretValue")];
        let (targets, next_token) = match named(&input)? {
            Some(ids) => {
                let find = |id: String| {
                    let target = Target::find(cx, view, &id);
                    (id, target)
                };
                (ids.into_iter().map(find).collect(), None)
            }
            None => {
                permissions.push(Permission::on_anything("secretsmanager:ListSecrets"));
                filtered(cx, view, input)?
            }
        };
        let item =
            |target: Target| Ok(Item { permissions: permissions_of(cx, view, &target, None, None)?, target });
        let items = targets.into_iter().map(|(id, target)| (id, target.and_then(item))).collect();
        Ok(Request { permissions, caller: cx.caller.clone(), items, next_token })
    }
}

type Found = (String, Result<Target, Failure>);

/// A page of the secrets that pass filters.
fn filtered(
    cx: &Context<'_>,
    view: &View,
    input: api::BatchGetSecretValueRequest,
) -> Result<(Vec<Found>, Option<String>), Failure> {
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
    let page = listing.page(view)?;
    let found = |(key, secret)| {
        let target = Target::found(cx, key, secret);
        (target.arn.to_string(), Ok(target))
    };
    Ok((page.secrets.into_iter().map(found).collect(), page.next_token))
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
        let Request { items, next_token, .. } = request.into_inner();
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for (id, item) in items {
            match item.and_then(|item| read(cx, view, &item)) {
                Ok(value) => values.push(value),
                Err(Failure::Service(error)) => errors.push(entry(id, error)),
                Err(failure) => return Err(failure),
            }
        }
        Ok(api::BatchGetSecretValueResponse { secret_values: Some(values), next_token, errors: Some(errors) })
    }
}

fn read(cx: &Context<'_>, view: &View, item: &Item) -> Result<api::SecretValueEntry, Failure> {
    for permission in &item.permissions {
        is_allowed(cx, view, api::BatchGetSecretValue::SERVICE, permission)?;
    }
    let read = read_value(cx, view, &item.target, None, None)?;
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
