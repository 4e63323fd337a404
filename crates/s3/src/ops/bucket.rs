//! Buckets and their settings.

use landfall_base::Region;
use landfall_services::s3::access::Ask;
use landfall_services::s3::record::{Bucket, ENFORCED, PublicAccess, Versioning};
use landfall_services::s3::{buckets, error};
use landfall_shape::ServiceError;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::{Answered, done};
use crate::convert;
use crate::front::Session;

pub(super) fn on<'a>(bucket: &'a str, owner: Option<&'a String>) -> Ask<'a> {
    Ask { bucket, expected_owner: owner.map(String::as_str), ..Ask::default() }
}

/// A setting that no bucket can have here: whoever may ask is told that there is none.
macro_rules! none {
    ($($run:ident, $name:literal, $input:ty, $output:ty, $error:ident;)*) => {
        impl Session {
            $(pub(super) async fn $run(&self, req: S3Request<$input>) -> Answered<$output> {
                self.allowed($name, &on(&req.input.bucket, req.input.expected_bucket_owner.as_ref()))?;
                Err(convert::error(error::$error()))
            })*
        }
    };
}

none! {
    run_get_bucket_replication, "GetBucketReplication", GetBucketReplicationInput, GetBucketReplicationOutput, no_such_replication;
    run_get_bucket_website, "GetBucketWebsite", GetBucketWebsiteInput, GetBucketWebsiteOutput, no_such_website;
    run_get_object_lock_configuration, "GetObjectLockConfiguration", GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput, no_such_object_lock;
}

/// Who may own the objects of a bucket.
const OWNERSHIPS: [&str; 3] = [ENFORCED, "BucketOwnerPreferred", "ObjectWriter"];

/// Where a new bucket is to be. Whoever asks us-east-1 may name every other Region; elsewhere it is the Region that is asked.
/// `home` is the installation's own, which may have a name that AWS does not know.
fn place_of(constraint: Option<&str>, here: &Region, home: &Region) -> Result<Region, ServiceError> {
    let first = here.as_str() == "us-east-1";
    let Some(text) = constraint else {
        return if first { Ok(here.clone()) } else { Err(incompatible("unspecified")) };
    };
    let name = if text == "EU" { "eu-west-1" } else { text };
    if !first && name != here.as_str() {
        return Err(incompatible(text));
    }
    let region: Region = name.parse().map_err(|_| error::invalid_location(text))?;
    if !region.is_of_aws() && region != *home || first && region == *here {
        return Err(error::invalid_location(text));
    }
    Ok(region)
}

fn incompatible(constraint: &str) -> ServiceError {
    let text = format!(
        "The {constraint} location constraint is incompatible for the region specific endpoint this request was sent to."
    );
    ServiceError::client("IllegalLocationConstraintException", text)
}

impl Session {
    /// The bucket of a request that reads one of its settings.
    pub(super) fn bucket(
        &self,
        name: &'static str,
        bucket: &str,
        owner: Option<&String>,
    ) -> S3Result<std::sync::Arc<Bucket>> {
        self.allowed(name, &on(bucket, owner))
    }

    pub(super) async fn change(
        &self,
        name: &'static str,
        bucket: &str,
        owner: Option<&String>,
        change: impl FnOnce(&mut Bucket) + Send,
    ) -> S3Result<()> {
        self.allowed(name, &on(bucket, owner))?;
        let change = |row: &mut Bucket| {
            change(row);
            Ok(())
        };
        self.write(name, |tx| buckets::update(tx, bucket, change)).await
    }

    pub(super) async fn run_create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> Answered<CreateBucketOutput> {
        let input = req.input;
        let constraint = input.create_bucket_configuration.and_then(|it| it.location_constraint);
        let place = constraint.as_ref().map(BucketLocationConstraint::as_str);
        let home = &self.installation.default_region;
        let region = place_of(place, &self.caller.region, home).map_err(convert::error)?;
        if input.object_lock_enabled_for_bucket == Some(true) {
            return Err(convert::error(error::not_implemented("Object Lock is not implemented")));
        }
        let mut ask = on(&input.bucket, None);
        ask.context.extend(constraint.as_ref().map(|it| ("s3:locationconstraint", it.as_str().to_owned())));
        self.checked("CreateBucket", &ask)?;
        if input.acl.as_ref().is_some_and(|acl| acl.as_str() != "private") {
            let text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
            return Err(convert::error(ServiceError::client("InvalidBucketAclWithObjectOwnership", text)));
        }
        let (owner, now) = (&self.caller.account, self.installation.clock.now());
        let ownership = input.object_ownership.map(|it| it.as_str().to_owned());
        self.write("CreateBucket", |tx| buckets::create(tx, now, owner, &region, &input.bucket, ownership))
            .await?;
        done(CreateBucketOutput { location: Some(format!("/{}", input.bucket)) })
    }

    pub(super) async fn run_delete_bucket(
        &self,
        req: S3Request<DeleteBucketInput>,
    ) -> Answered<DeleteBucketOutput> {
        let input = req.input;
        self.bucket("DeleteBucket", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let now = self.installation.clock.now();
        self.write("DeleteBucket", |tx| buckets::delete(tx, now, &input.bucket)).await?;
        Ok(S3Response::with_status(DeleteBucketOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> Answered<HeadBucketOutput> {
        let input = req.input;
        let region = buckets::region_of(&self.installation.store.view(), &input.bucket);
        match self.bucket("HeadBucket", &input.bucket, input.expected_bucket_owner.as_ref()) {
            Ok(row) => {
                let region = Some(row.region.to_string());
                let mut answer =
                    S3Response::new(HeadBucketOutput { bucket_region: region, ..Default::default() });
                let kind = http::HeaderValue::from_static("application/xml");
                answer.headers.insert(http::header::CONTENT_TYPE, kind);
                Ok(answer)
            }
            Err(mut refused) => {
                // Who may not look at a bucket may still know where it is: clients ask this way.
                let mut headers = http::HeaderMap::new();
                if let Some(value) = region.and_then(|it| http::HeaderValue::from_str(it.as_str()).ok()) {
                    headers.insert("x-amz-bucket-region", value);
                }
                refused.set_headers(headers);
                Err(refused)
            }
        }
    }

    pub(super) async fn run_list_buckets(
        &self,
        req: S3Request<ListBucketsInput>,
    ) -> Answered<ListBucketsOutput> {
        self.checked("ListBuckets", &Ask::default())?;
        let view = self.installation.store.view();
        let all = buckets::of_owner(&view, &self.caller.account).map_err(convert::failure)?;
        let input = req.input;
        let most = usize::try_from(input.max_buckets.unwrap_or(10_000)).unwrap_or(0).clamp(1, 10_000);
        let fits = |row: &&std::sync::Arc<Bucket>| {
            input.prefix.as_ref().is_none_or(|prefix| row.name.starts_with(prefix))
                && input.bucket_region.as_ref().is_none_or(|region| row.region.as_str() == region)
                && input.continuation_token.as_ref().is_none_or(|after| row.name > *after)
        };
        let mut rows: Vec<_> = all.iter().filter(fits).take(most + 1).collect();
        let more = rows.len() > most;
        rows.truncate(most);
        let token = rows.last().filter(|_| more).map(|row| row.name.clone());
        let buckets = rows.into_iter().map(|row| s3s::dto::Bucket {
            bucket_region: Some(row.region.to_string()),
            creation_date: Some(convert::time(row.created_at)),
            name: Some(row.name.clone()),
        });
        done(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            continuation_token: token,
            owner: Some(convert::owner(&self.caller.account)),
            prefix: input.prefix,
        })
    }

    pub(super) async fn run_get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> Answered<GetBucketLocationOutput> {
        let input = req.input;
        let row = self.bucket("GetBucketLocation", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let place = Some(row.region.to_string()).filter(|region| region != "us-east-1");
        done(GetBucketLocationOutput { location_constraint: place.map(BucketLocationConstraint::from) })
    }

    pub(super) async fn run_get_bucket_policy(
        &self,
        req: S3Request<GetBucketPolicyInput>,
    ) -> Answered<GetBucketPolicyOutput> {
        let input = req.input;
        let row = self.bucket("GetBucketPolicy", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let policy = row.policy.as_ref().ok_or_else(|| convert::error(error::no_such_bucket_policy()))?;
        let policy =
            buckets::shown_policy(&self.installation.store.view(), policy).map_err(convert::failure)?;
        done(GetBucketPolicyOutput { policy: Some(policy) })
    }

    pub(super) async fn run_put_bucket_policy(
        &self,
        req: S3Request<PutBucketPolicyInput>,
    ) -> Answered<PutBucketPolicyOutput> {
        let input = req.input;
        self.bucket("PutBucketPolicy", &input.bucket, input.expected_bucket_owner.as_ref())?;
        self.write("PutBucketPolicy", |tx| buckets::put_policy(tx, &input.bucket, &input.policy)).await?;
        Ok(S3Response::with_status(PutBucketPolicyOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_delete_bucket_policy(
        &self,
        req: S3Request<DeleteBucketPolicyInput>,
    ) -> Answered<DeleteBucketPolicyOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        self.change("DeleteBucketPolicy", &input.bucket, owner, |row| row.policy = None).await?;
        Ok(S3Response::with_status(DeleteBucketPolicyOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_get_bucket_policy_status(
        &self,
        req: S3Request<GetBucketPolicyStatusInput>,
    ) -> Answered<GetBucketPolicyStatusOutput> {
        let input = req.input;
        let row =
            self.bucket("GetBucketPolicyStatus", &input.bucket, input.expected_bucket_owner.as_ref())?;
        if row.policy.is_none() {
            return Err(convert::error(error::no_such_bucket_policy()));
        }
        let status = PolicyStatus { is_public: Some(buckets::has_public_policy(&row)) };
        done(GetBucketPolicyStatusOutput { policy_status: Some(status) })
    }

    pub(super) async fn run_get_public_access_block(
        &self,
        req: S3Request<GetPublicAccessBlockInput>,
    ) -> Answered<GetPublicAccessBlockOutput> {
        let input = req.input;
        let row = self.bucket("GetPublicAccessBlock", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let block = row.public_access.ok_or_else(|| convert::error(error::no_such_public_access_block()))?;
        done(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(PublicAccessBlockConfiguration {
                block_public_acls: Some(block.block_acls),
                block_public_policy: Some(block.block_policy),
                ignore_public_acls: Some(block.ignore_acls),
                restrict_public_buckets: Some(block.restrict),
            }),
        })
    }

    pub(super) async fn run_put_public_access_block(
        &self,
        req: S3Request<PutPublicAccessBlockInput>,
    ) -> Answered<PutPublicAccessBlockOutput> {
        let input = req.input;
        let asked = input.public_access_block_configuration;
        if asked == PublicAccessBlockConfiguration::default() {
            return Err(convert::error(error::invalid_request("Must specify at least one configuration.")));
        }
        let block = PublicAccess {
            block_acls: asked.block_public_acls.unwrap_or_default(),
            ignore_acls: asked.ignore_public_acls.unwrap_or_default(),
            block_policy: asked.block_public_policy.unwrap_or_default(),
            restrict: asked.restrict_public_buckets.unwrap_or_default(),
        };
        let owner = input.expected_bucket_owner.as_ref();
        self.change("PutPublicAccessBlock", &input.bucket, owner, |row| row.public_access = Some(block))
            .await?;
        done(PutPublicAccessBlockOutput::default())
    }

    pub(super) async fn run_delete_public_access_block(
        &self,
        req: S3Request<DeletePublicAccessBlockInput>,
    ) -> Answered<DeletePublicAccessBlockOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        self.change("DeletePublicAccessBlock", &input.bucket, owner, |row| row.public_access = None).await?;
        Ok(S3Response::with_status(DeletePublicAccessBlockOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_get_bucket_tagging(
        &self,
        req: S3Request<GetBucketTaggingInput>,
    ) -> Answered<GetBucketTaggingOutput> {
        let input = req.input;
        let row = self.bucket("GetBucketTagging", &input.bucket, input.expected_bucket_owner.as_ref())?;
        if row.tags.is_empty() {
            return Err(convert::error(error::no_such_tag_set()));
        }
        done(GetBucketTaggingOutput { tag_set: convert::tag_set(&row.tags) })
    }

    pub(super) async fn run_put_bucket_tagging(
        &self,
        req: S3Request<PutBucketTaggingInput>,
    ) -> Answered<PutBucketTaggingOutput> {
        let input = req.input;
        let tags = convert::tags(input.tagging.tag_set, 50)?;
        let owner = input.expected_bucket_owner.as_ref();
        self.change("PutBucketTagging", &input.bucket, owner, |row| row.tags = tags).await?;
        let answer = S3Response::new(PutBucketTaggingOutput::default());
        Ok(convert::with_status(answer, http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_delete_bucket_tagging(
        &self,
        req: S3Request<DeleteBucketTaggingInput>,
    ) -> Answered<DeleteBucketTaggingOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        self.change("DeleteBucketTagging", &input.bucket, owner, |row| row.tags.clear()).await?;
        Ok(S3Response::with_status(DeleteBucketTaggingOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> Answered<GetBucketVersioningOutput> {
        let input = req.input;
        let row = self.bucket("GetBucketVersioning", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let status = row.versioning.map(|it| BucketVersioningStatus::from_static(it.as_str()));
        done(GetBucketVersioningOutput { mfa_delete: None, status })
    }

    pub(super) async fn run_put_bucket_versioning(
        &self,
        req: S3Request<PutBucketVersioningInput>,
    ) -> Answered<PutBucketVersioningOutput> {
        let input = req.input;
        let status = match input.versioning_configuration.status.as_ref().map(BucketVersioningStatus::as_str)
        {
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            _ => return Err(convert::error(error::malformed_xml())),
        };
        let owner = input.expected_bucket_owner.as_ref();
        self.change("PutBucketVersioning", &input.bucket, owner, |row| row.versioning = Some(status)).await?;
        done(PutBucketVersioningOutput::default())
    }

    pub(super) async fn run_get_bucket_encryption(
        &self,
        req: S3Request<GetBucketEncryptionInput>,
    ) -> Answered<GetBucketEncryptionOutput> {
        let input = req.input;
        let row = self.bucket("GetBucketEncryption", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let by_default = ServerSideEncryptionByDefault {
            kms_master_key_id: row.encryption.key.clone(),
            sse_algorithm: ServerSideEncryption::from_static(row.encryption.algorithm()),
        };
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(by_default),
            bucket_key_enabled: Some(row.encryption.bucket_key),
        };
        let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
        done(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
    }

    pub(super) async fn run_put_bucket_encryption(
        &self,
        req: S3Request<PutBucketEncryptionInput>,
    ) -> Answered<PutBucketEncryptionOutput> {
        let input = req.input;
        let rule = input.server_side_encryption_configuration.rules.into_iter().next();
        let rule = rule.ok_or_else(|| convert::error(error::malformed_xml()))?;
        let by_default = rule.apply_server_side_encryption_by_default;
        let encryption = convert::encryption(
            by_default.as_ref().map(|it| &it.sse_algorithm),
            by_default.as_ref().and_then(|it| it.kms_master_key_id.as_deref()),
            rule.bucket_key_enabled,
        )?;
        let encryption = encryption.unwrap_or_default();
        let owner = input.expected_bucket_owner.as_ref();
        let change = |row: &mut Bucket| (row.encryption, row.encryption_set) = (encryption, true);
        self.change("PutBucketEncryption", &input.bucket, owner, change).await?;
        done(PutBucketEncryptionOutput::default())
    }

    pub(super) async fn run_delete_bucket_encryption(
        &self,
        req: S3Request<DeleteBucketEncryptionInput>,
    ) -> Answered<DeleteBucketEncryptionOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let change = |row: &mut Bucket| (row.encryption, row.encryption_set) = Default::default();
        self.change("DeleteBucketEncryption", &input.bucket, owner, change).await?;
        Ok(S3Response::with_status(DeleteBucketEncryptionOutput::default(), http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_get_bucket_ownership_controls(
        &self,
        req: S3Request<GetBucketOwnershipControlsInput>,
    ) -> Answered<GetBucketOwnershipControlsOutput> {
        let input = req.input;
        let row =
            self.bucket("GetBucketOwnershipControls", &input.bucket, input.expected_bucket_owner.as_ref())?;
        let ownership = row.ownership.clone().ok_or_else(|| convert::error(error::no_such_ownership()))?;
        let rules = vec![OwnershipControlsRule { object_ownership: ObjectOwnership::from(ownership) }];
        done(GetBucketOwnershipControlsOutput { ownership_controls: Some(OwnershipControls { rules }) })
    }

    pub(super) async fn run_put_bucket_ownership_controls(
        &self,
        req: S3Request<PutBucketOwnershipControlsInput>,
    ) -> Answered<PutBucketOwnershipControlsOutput> {
        let input = req.input;
        let rules = input.ownership_controls.rules;
        let [rule] = rules.as_slice() else { return Err(convert::error(error::malformed_xml())) };
        let ownership = rule.object_ownership.as_str().to_owned();
        if !OWNERSHIPS.contains(&ownership.as_str()) {
            return Err(convert::error(error::malformed_xml()));
        }
        let owner = input.expected_bucket_owner.as_ref();
        let change = |row: &mut Bucket| row.ownership = Some(ownership);
        self.change("PutBucketOwnershipControls", &input.bucket, owner, change).await?;
        done(PutBucketOwnershipControlsOutput::default())
    }

    pub(super) async fn run_delete_bucket_ownership_controls(
        &self,
        req: S3Request<DeleteBucketOwnershipControlsInput>,
    ) -> Answered<DeleteBucketOwnershipControlsOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let change = |row: &mut Bucket| row.ownership = None;
        self.change("DeleteBucketOwnershipControls", &input.bucket, owner, change).await?;
        let output = DeleteBucketOwnershipControlsOutput::default();
        Ok(S3Response::with_status(output, http::StatusCode::NO_CONTENT))
    }

    pub(super) async fn run_get_bucket_request_payment(
        &self,
        req: S3Request<GetBucketRequestPaymentInput>,
    ) -> Answered<GetBucketRequestPaymentOutput> {
        let input = req.input;
        self.bucket("GetBucketRequestPayment", &input.bucket, input.expected_bucket_owner.as_ref())?;
        done(GetBucketRequestPaymentOutput { payer: Some(Payer::from_static(Payer::BUCKET_OWNER)) })
    }

    pub(super) async fn run_get_bucket_logging(
        &self,
        req: S3Request<GetBucketLoggingInput>,
    ) -> Answered<GetBucketLoggingOutput> {
        let input = req.input;
        self.bucket("GetBucketLogging", &input.bucket, input.expected_bucket_owner.as_ref())?;
        done(GetBucketLoggingOutput::default())
    }

    pub(super) async fn run_get_bucket_accelerate_configuration(
        &self,
        req: S3Request<GetBucketAccelerateConfigurationInput>,
    ) -> Answered<GetBucketAccelerateConfigurationOutput> {
        let input = req.input;
        self.bucket("GetBucketAccelerateConfiguration", &input.bucket, input.expected_bucket_owner.as_ref())?;
        done(GetBucketAccelerateConfigurationOutput::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_new_buckets() {
        let invalid = Err("InvalidLocationConstraint");
        let illegal = Err("IllegalLocationConstraintException");
        let cases = [
            ("us-east-1", None, Ok("us-east-1")),
            ("us-east-1", Some("eu-west-1"), Ok("eu-west-1")),
            ("us-east-1", Some("EU"), Ok("eu-west-1")),
            ("us-east-1", Some("us-east-1"), invalid),
            ("us-east-1", Some("mars-1"), invalid),
            ("us-east-1", Some(""), invalid),
            ("us-east-1", Some("home-1"), Ok("home-1")),
            ("eu-west-1", None, illegal),
            ("eu-west-1", Some("eu-west-1"), Ok("eu-west-1")),
            ("eu-west-1", Some("us-east-1"), illegal),
            ("eu-west-1", Some("mars-1"), illegal),
            ("home-1", Some("home-1"), Ok("home-1")),
        ];
        let home = "home-1".parse().unwrap();
        for (here, constraint, expected) in cases {
            let found = place_of(constraint, &here.parse().unwrap(), &home).map_err(|error| error.code);
            assert_eq!(
                found.as_ref().map(Region::as_str).map_err(|code| *code),
                expected,
                "{here} {constraint:?}"
            );
        }
    }
}
