//! Cross-origin rules of a bucket. [`crate::cors`] answers browsers by them.

use landfall_services::s3::cors::{self, Rule};
use landfall_services::s3::error;
use landfall_services::s3::record::Bucket;
use s3s::dto::*;
use s3s::{S3Request, S3Response};

use super::{Answered, done};
use crate::convert;
use crate::front::Session;

fn rule(rule: CORSRule) -> Rule {
    Rule {
        id: rule.id,
        origins: rule.allowed_origins,
        methods: rule.allowed_methods,
        headers: rule.allowed_headers.unwrap_or_default(),
        exposed: rule.expose_headers.unwrap_or_default(),
        max_age: rule.max_age_seconds,
    }
}

fn shown(rule: &Rule) -> CORSRule {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    CORSRule {
        allowed_headers: some(&rule.headers),
        allowed_methods: rule.methods.clone(),
        allowed_origins: rule.origins.clone(),
        expose_headers: some(&rule.exposed),
        id: rule.id.clone(),
        max_age_seconds: rule.max_age,
    }
}

impl Session {
    pub(super) async fn run_get_bucket_cors(
        &self,
        req: S3Request<GetBucketCorsInput>,
    ) -> Answered<GetBucketCorsOutput> {
        let input = req.input;
        let row = self.bucket("GetBucketCors", &input.bucket, input.expected_bucket_owner.as_ref())?;
        if row.cors.is_empty() {
            return Err(convert::error(error::no_such_cors()));
        }
        done(GetBucketCorsOutput { cors_rules: Some(row.cors.iter().map(shown).collect()) })
    }

    pub(super) async fn run_put_bucket_cors(
        &self,
        req: S3Request<PutBucketCorsInput>,
    ) -> Answered<PutBucketCorsOutput> {
        let input = req.input;
        let rules: Vec<_> = input.cors_configuration.cors_rules.into_iter().map(rule).collect();
        cors::check(&rules).map_err(convert::error)?;
        let owner = input.expected_bucket_owner.as_ref();
        self.change("PutBucketCors", &input.bucket, owner, |row| row.cors = rules).await?;
        done(PutBucketCorsOutput::default())
    }

    pub(super) async fn run_delete_bucket_cors(
        &self,
        req: S3Request<DeleteBucketCorsInput>,
    ) -> Answered<DeleteBucketCorsOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        let change = |row: &mut Bucket| row.cors.clear();
        self.change("DeleteBucketCors", &input.bucket, owner, change).await?;
        Ok(S3Response::with_status(DeleteBucketCorsOutput::default(), http::StatusCode::NO_CONTENT))
    }
}
