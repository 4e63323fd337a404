//! `CreateTags`: tags on anything that has an id; those with the same keys are replaced.

use landfall_api::ec2 as api;
use landfall_store::{Tx, View};

use crate::ec2::errors::{Kind, unless_dry};
use crate::ec2::network::{Network, set_tags};
use crate::ec2::permissions::on;
use crate::ec2::record::Tags;
use crate::ec2::tagging;
use crate::pipe::{Authorized, Checked, Context, Failure, Resolve, WriteHandler};

/// Which tags on what.
#[derive(Debug)]
pub struct Request {
    resources: Vec<(Kind, String)>,
    tags: Tags,
    dry_run: Option<bool>,
}

impl Resolve for api::CreateTags {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let resources = tagging::resources(input.resources)?;
        let tags = tagging::of_request(Some(input.tags))?;
        let network = Network::load(view, cx.account(), cx.region())?;
        let pairs = || tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let ask = |(kind, id): &(Kind, String)| {
            on(cx, &network, "ec2:CreateTags", *kind, id).with_request_tags(pairs())
        };
        let permissions = resources.iter().map(ask).collect();
        Ok(Checked::all(Request { resources, tags, dry_run: input.dry_run }, permissions))
    }
}

impl WriteHandler for api::CreateTags {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { resources, tags, dry_run } = request.into_request();
        let network = Network::settle(tx, cx.account(), cx.region())?;
        for (kind, id) in &resources {
            let present = tagging::of_resource(&network, *kind, id)?;
            set_tags(tx, cx.account(), cx.region(), &network, (*kind, id), tagging::with(present, &tags)?);
        }
        unless_dry(dry_run)?;
        Ok(api::CreateTagsResponse {})
    }
}
