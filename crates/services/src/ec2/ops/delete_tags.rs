//! `DeleteTags`: takes tags off. What is not there is no mistake.

use landfall_api::ec2 as api;
use landfall_store::{Tx, View};

use crate::ec2::errors::{Kind, unless_dry};
use crate::ec2::network::{Network, set_tags};
use crate::ec2::permissions::on;
use crate::ec2::tagging;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// Which tags of what.
#[derive(Debug)]
pub struct Request {
    resources: Vec<(Kind, String)>,
    tags: Option<Vec<api::Tag>>,
    dry_run: Option<bool>,
}

impl Resolve for api::DeleteTags {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let resources = tagging::resources(input.resources)?;
        let network = Network::load(view, cx.account(), cx.region())?;
        let keys: Vec<_> = input.tags.iter().flatten().filter_map(|tag| tag.key.clone()).collect();
        let ask = |(kind, id): &(Kind, String)| -> Permission {
            let permission = on(cx, &network, "ec2:DeleteTags", *kind, id);
            match keys.is_empty() {
                true => permission,
                false => permission.with_all("aws:TagKeys", keys.clone()),
            }
        };
        let permissions = resources.iter().map(ask).collect();
        Ok(Checked::all(Request { resources, tags: input.tags, dry_run: input.dry_run }, permissions))
    }
}

impl WriteHandler for api::DeleteTags {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { resources, tags, dry_run } = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        for (kind, id) in &resources {
            let present = tagging::of_resource(&network, *kind, id)?;
            let left = tagging::without(present, tags.as_deref());
            set_tags(tx, cx.account(), cx.region(), &network, (*kind, id), left);
        }
        unless_dry(dry_run)?;
        Ok(api::DeleteTagsResponse {})
    }
}
