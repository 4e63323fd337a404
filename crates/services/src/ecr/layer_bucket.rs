//! Where AWS keeps the bytes of layers: a bucket of its own in each Region. Layers do not lie there here; but the way to it
//! decides on AWS whether a task in a VPC gets them: the policy of its endpoint for S3 has to let them through.

use landfall_base::Region;

use crate::ec2::Way;
use crate::pipe::{
    CallName, Caller, CheckRecord, Checked, Context, Failure, Installation, Permission, authorize,
};
use crate::{lightsail, root_of, s3};

/// What the audit log calls it when a layer is fetched.
const FETCH: CallName = s3::access::call("GetObject");

/// What AWS calls the bucket.
pub fn bucket(region: &Region) -> String {
    format!("prod-{region}-starport-layer-bucket")
}

/// The address of a layer there, without its signature.
pub fn address(region: &Region, digest: &str) -> String {
    let name = digest.trim_start_matches("sha256:");
    format!("https://{}.s3.{region}.amazonaws.com/{name}", bucket(region))
}

/// Whether an endpoint lets layers through. The address of a layer is signed by ECR, in an account of AWS's: nobody else's
/// policy has a say.
///
/// # Errors
/// The endpoint's policy does not allow it, or a row cannot be read.
pub fn check(
    installation: &Installation,
    region: &Region,
    way: Way,
    checks: &mut Vec<CheckRecord>,
) -> Result<(), Failure> {
    let owner = lightsail::owner();
    let caller = Caller::internal(root_of(owner), owner.clone(), region.clone()).through(Some(way));
    let layers = s3::names::object_arn(&bucket(region), "*");
    let permission = Permission { account: Some(owner.clone()), ..Permission::on("s3:GetObject", &layers) };
    let (context, view) = (Context::new(installation, &caller, FETCH), installation.store.view());
    let made = checks.len();
    let decided = authorize(&context, &view, &s3::access::SERVICE, Checked::one((), permission), checks);
    for check in checks.iter_mut().skip(made) {
        "ecr.amazonaws.com".clone_into(&mut check.principal);
    }
    decided.map(drop)
}
