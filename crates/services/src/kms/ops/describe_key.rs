//! `DescribeKey`: what a key is. Asked for the default key of a service that did not need it yet, it makes it.

use landfall_api::kms as api;
use landfall_store::{View, WriteError};

use crate::kms::keys;
use crate::kms::target::Target;
use crate::kms::view;
use crate::pipe::{Authorized, AwaitingHandler, Checked, Context, Failure, Resolve, Surroundings};

/// The key.
#[derive(Debug)]
pub struct Request {
    target: Target,
}

impl Resolve for api::DescribeKey {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let target = Target::find(cx, view, &input.key_id)?;
        let permission = target.permission(cx, "kms:DescribeKey")?;
        Ok(Checked::one(Request { target }, permission))
    }
}

impl AwaitingHandler for api::DescribeKey {
    async fn run(cx: Surroundings<'_>, request: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let Request { target } = request.into_request();
        let target = match target.to_be_made(&cx.caller.account).filter(|_| !cx.dry) {
            Some(service) => make(cx, &target, service).await?,
            None => target,
        };
        let metadata = view::metadata(&target.place, target.existing()?);
        Ok(api::DescribeKeyResponse { key_metadata: Some(metadata) })
    }
}

/// Makes the default key of a service. Returns the key that its alias stands for.
async fn make(surroundings: Surroundings<'_>, target: &Target, service: &str) -> Result<Target, Failure> {
    let (account, region, alias) = &target.place;
    let written = surroundings.installation.store.write_async("DescribeKey", |tx| {
        let cx = surroundings.context();
        keys::ensure_managed(&cx, tx, (account, region), service)?;
        Target::find(&cx, tx, alias)
    });
    written.await.map_err(WriteError::flatten)
}
