//! `GetContainerAPIMetadata`: which version of the push plug-in goes with this API.

use landfall_api::lightsail as api;
use landfall_shape::Entries;
use landfall_store::View;

use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// The plug-in asks for an update if it is older than this.
const PLUGIN_VERSION: &str = "1.0.0";

impl Resolve for api::GetContainerAPIMetadata {
    type Request = Checked<()>;

    fn resolve(cx: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_everything(cx, "lightsail:GetContainerAPIMetadata")))
    }
}

impl ReadHandler for api::GetContainerAPIMetadata {
    fn run(_: &Context<'_>, _: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let version = Entries(vec![entry("name", "lightsailctlVersion"), entry("value", PLUGIN_VERSION)]);
        Ok(api::GetContainerAPIMetadataResult { metadata: Some(vec![version]) })
    }
}
