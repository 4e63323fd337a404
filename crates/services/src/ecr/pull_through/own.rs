//! An upstream registry that is one of this installation's: another Region's or another account's. It is asked as the rule's
//! role, or as the service-linked one, whose permissions decide together with the upstream's policies (Amazon ECR User Guide,
//! "Setting up permissions for cross-account ECR to ECR PTC"). Blobs lie in one store, so that nothing is copied.

use landfall_api::ecr as api;
use landfall_base::{AccountId, Region};
use landfall_registry::{Digest, Manifest, Reference};
use landfall_store::View;

use super::credential::{self, SERVICE};
use super::{UpstreamImage, UpstreamManifest};
use crate::ecr::names::parse_aws_host;
use crate::ecr::record::RepositoryKey;
use crate::ecr::registry;
use crate::pipe::{CallName, Caller, Checked, Context, Failure, Installation, Permission, audit, authorize};

/// A repository of this installation, and who asks for its images.
pub(super) struct Own {
    key: RepositoryKey,
    caller: Caller,
}

/// Why it gives nothing.
#[derive(Debug)]
pub(super) enum OwnError {
    /// The role may not: a sentence of IAM or KMS, or that nobody may become it.
    Refused(String),
    /// There is no such image.
    NotFound(String),
    /// The server's own fault.
    Internal(Failure),
}

impl<E: Into<Failure>> From<E> for OwnError {
    fn from(error: E) -> Self {
        match error.into() {
            Failure::Service(refused) => Self::Refused(refused.message),
            internal => Self::Internal(internal),
        }
    }
}

/// The account and Region of a rule's upstream registry, if it is one of this installation's.
pub(super) fn place(rule: &api::PullThroughCacheRule) -> Option<(AccountId, Region)> {
    parse_aws_host(rule.upstream_registry_url.as_deref()?)
}

impl Own {
    /// Becomes the rule's role.
    pub(super) fn of(
        installation: &Installation,
        (account, region, _): &RepositoryKey,
        rule: &api::PullThroughCacheRule,
        (upstream_account, upstream_region): (AccountId, Region),
        image: &UpstreamImage,
    ) -> Result<Self, OwnError> {
        let view = installation.store.view();
        let caller = credential::reader(installation, &view, account, region, rule);
        let caller = caller.map_err(|failure| match failure {
            Failure::Service(_) => OwnError::Refused(format!(
                "the role {} cannot be assumed by {SERVICE}: check that it exists and its trust policy",
                rule.custom_role_arn.as_deref().unwrap_or("of the service")
            )),
            internal => OwnError::Internal(internal),
        })?;
        let caller = caller.in_region(&upstream_region);
        Ok(Self { key: (upstream_account, upstream_region, image.repository.clone()), caller })
    }

    /// What every pull begins with.
    pub(super) fn log_in(&self, installation: &Installation) -> Result<(), OwnError> {
        let view = installation.store.view();
        let permission = Permission::on_anything("ecr:GetAuthorizationToken");
        self.permit(installation, &view, "GetAuthorizationToken", vec![permission])
    }

    /// The manifest that a reference names.
    pub(super) async fn manifest(
        &self,
        installation: &Installation,
        reference: &Reference,
    ) -> Result<UpstreamManifest, OwnError> {
        self.log_in(installation)?;
        let view = installation.store.view();
        let wanted = ["ecr:BatchGetImage", "ecr:BatchImportUpstreamImage"];
        let wanted = wanted.into_iter().map(|action| registry::permission(&view, action, &self.key));
        self.permit(installation, &view, "BatchGetImage", wanted.collect::<Result<_, _>>()?)?;
        registry::check_key(&view, &self.key)?;
        let missing = || OwnError::NotFound(format!("`{}` has no such image", self.key.2));
        let image = registry::find_image(&view, &self.key, reference)?.ok_or_else(missing)?;
        let reader = installation.blobs.read(image.manifest.digest).await.map_err(Failure::internal)?;
        let bytes = reader.ok_or_else(missing)?.bytes().await.map_err(Failure::internal)?;
        Ok(UpstreamManifest { bytes, media_type: image.manifest.media_type.clone() })
    }

    /// Whether all that a manifest names may be had from here, and is there.
    pub(super) fn layers(&self, installation: &Installation, manifest: &Manifest) -> Result<(), OwnError> {
        let view = installation.store.view();
        let permission = registry::permission(&view, "ecr:GetDownloadUrlForLayer", &self.key)?;
        self.permit(installation, &view, "GetDownloadUrlForLayer", vec![permission])?;
        for blob in manifest.required_blobs() {
            if registry::layer_size(&view, &self.key, blob.digest)? != Some(blob.size) {
                return Err(OwnError::NotFound(format!("`{}` has no layer {}", self.key.2, blob.digest)));
            }
        }
        Ok(())
    }

    /// The image was pulled from here.
    pub(super) async fn note_pull(&self, installation: &Installation, digest: Digest) {
        registry::note_pull(installation, &self.key, digest).await;
    }

    fn permit(
        &self,
        installation: &Installation,
        view: &View,
        operation: &'static str,
        permissions: Vec<Permission>,
    ) -> Result<(), OwnError> {
        let call = CallName::new("ecr-registry", operation);
        let (context, mut checks) = (Context::new(installation, &self.caller, call), Vec::new());
        let decided = authorize(&context, view, &api::SERVICE, Checked::all((), permissions), &mut checks);
        let code = if decided.is_ok() { "ok" } else { "DENIED" };
        audit(call, &self.caller, code, &checks);
        Ok(decided.map(drop)?)
    }
}
