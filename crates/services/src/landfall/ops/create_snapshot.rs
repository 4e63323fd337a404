//! `CreateSnapshot`: what dry launches need of the installation, and no secret, as one file.

use landfall_api::landfall::{self as api, error};
use landfall_base::AccountId;
use landfall_shape::Blob;
use landfall_store::View;

use super::{denied, is_of_default_account};
use crate::iam::record::ACCOUNTS;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};
use crate::snapshot;

const ACTION: &str = "landfall:CreateSnapshot";

impl Resolve for api::CreateSnapshot {
    type Request = Checked<Option<Vec<AccountId>>>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if !is_of_default_account(cx) {
            return Err(denied(cx, ACTION).into());
        }
        let accounts = input.account_ids.filter(|ids| !ids.is_empty());
        let accounts = accounts.map(|ids| ids.iter().map(|id| account(id)).collect()).transpose()?;
        Ok(Checked::one(accounts, Permission::on_anything(ACTION)))
    }
}

fn account(id: &str) -> Result<AccountId, Failure> {
    id.parse().map_err(|_| {
        let text = format!("`{id}` is not an account id: expected twelve digits");
        error::invalid_parameter_exception(text).into()
    })
}

impl ReadHandler for api::CreateSnapshot {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let accounts = request.into_request();
        let mut missing = accounts.iter().flatten().filter(|account| !view.contains(&ACCOUNTS, *account));
        if let Some(account) = missing.next() {
            return Err(error::invalid_parameter_exception(format!("There is no account {account}.")).into());
        }
        let taken = snapshot::take(cx.installation, accounts.as_deref())?;
        let content = |(kind, count): &(&str, u64)| api::SnapshotContent {
            kind: (*kind).to_owned(),
            count: i64::try_from(*count).unwrap_or(i64::MAX),
        };
        Ok(api::CreateSnapshotResponse {
            contents: taken.contents.iter().map(content).collect(),
            account_ids: taken.accounts.iter().map(ToString::to_string).collect(),
            snapshot: Blob(taken.file),
        })
    }
}
