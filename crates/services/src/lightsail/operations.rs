//! What was done to resources, by id: clients such as Terraform ask for the operations that an answer names.

use landfall_api::lightsail as api;
use landfall_base::random;
use landfall_store::{Tx, View};

use super::record::PAST;
use super::view;
use crate::pipe::{Context, Failure};
use crate::stored::Stored;

/// Most operations that are kept of an account in a Region: as many as `GetOperations` shows.
const MOST: usize = 200;

/// Notes an operation that is over already.
pub(super) fn note(
    cx: &Context<'_>,
    tx: &mut Tx,
    kind: impl Into<api::OperationType>,
    resource: (&str, api::ResourceType),
) -> Result<api::Operation, Failure> {
    let (account, region, id) = (cx.account(), cx.region(), random::uuid());
    let operation = api::Operation {
        id: Some(id.clone()),
        resource_name: Some(resource.0.to_owned()),
        resource_type: Some(resource.1),
        created_at: Some(cx.now),
        location: Some(view::location(region)),
        is_terminal: Some(true),
        operation_details: Some(String::new()),
        operation_type: Some(kind.into()),
        status: Some(api::OperationStatus::Succeeded),
        status_changed_at: Some(cx.now),
        error_code: None,
        error_details: None,
    };
    let known = tx.list(&PAST, (account, region))?;
    for ((.., at, id), _) in known.iter().take((known.len() + 1).saturating_sub(MOST)) {
        tx.delete(&PAST, &(account, region, *at, id.as_str()));
    }
    tx.put(&PAST, &(account, region, cx.now, id.as_str()), Stored(operation.clone()));
    Ok(operation)
}

/// The operations of the caller's account and Region, the oldest first.
pub(super) fn all(cx: &Context<'_>, view: &View) -> Result<Vec<api::Operation>, Failure> {
    let rows = view.list(&PAST, (cx.account(), cx.region()))?;
    Ok(rows.into_iter().map(|(_, row)| row.0.clone()).collect())
}

/// All operations fit on one page.
///
/// # Errors
/// `InvalidInputException` for any page token.
pub(super) fn only_page(token: Option<&String>) -> Result<(), Failure> {
    match token {
        Some(_) => Err(api::error::invalid_input_exception("The page token is not valid.").into()),
        None => Ok(()),
    }
}
