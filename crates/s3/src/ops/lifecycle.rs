//! Lifecycle rules of a bucket.

use landfall_base::random;
use landfall_services::s3::lifecycle::{
    self, Expiration, Filter, Lifecycle, Noncurrent, Rule, Transition as Move, When,
};
use landfall_services::s3::record::{LIFECYCLES, Object, Version};
use landfall_services::s3::{access, error};
use landfall_shape::ServiceError;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

use super::{Answered, done};
use crate::convert;
use crate::front::Session;

/// Small objects do not move, or move to archives only.
const ALL_128K: &str = "all_storage_classes_128K";
const BY_CLASS: &str = "varies_by_storage_class";

fn read_rule(rule: LifecycleRule) -> Result<Rule, ServiceError> {
    let enabled = match rule.status.as_str() {
        ExpirationStatus::ENABLED => true,
        ExpirationStatus::DISABLED => false,
        _ => return Err(error::malformed_xml()),
    };
    let transitions = rule.transitions.unwrap_or_default().into_iter().map(read_transition);
    let older = rule.noncurrent_version_transitions.unwrap_or_default().into_iter().map(|it| {
        let noncurrent = noncurrent(it.noncurrent_days, it.newer_noncurrent_versions)?;
        Ok((noncurrent, class(it.storage_class)?))
    });
    let ends = rule.noncurrent_version_expiration;
    let ends = ends.map(|it| noncurrent(it.noncurrent_days, it.newer_noncurrent_versions));
    let aborts = rule.abort_incomplete_multipart_upload;
    let aborts = aborts.map(|it| it.days_after_initiation.ok_or_else(error::malformed_xml));
    Ok(Rule {
        // S3 gives a rule without a name one.
        id: rule.id.unwrap_or_else(|| random::alphanumeric(48)),
        enabled,
        prefix: rule.prefix,
        filter: rule.filter.map(read_filter).transpose()?,
        expiration: rule.expiration.map(read_expiration).transpose()?,
        transitions: transitions.collect::<Result<_, _>>()?,
        noncurrent_expiration: ends.transpose()?,
        noncurrent_transitions: older.collect::<Result<_, ServiceError>>()?,
        abort_after: aborts.transpose()?,
    })
}

fn size(size: Option<i64>) -> Result<Option<u64>, ServiceError> {
    size.map(|size| u64::try_from(size).map_err(|_| error::malformed_xml())).transpose()
}

fn pair(tag: Tag) -> (String, String) {
    (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())
}

fn read_filter(filter: LifecycleRuleFilter) -> Result<Filter, ServiceError> {
    let alone = Filter {
        prefix: filter.prefix,
        tags: filter.tag.into_iter().map(pair).collect(),
        above: size(filter.object_size_greater_than)?,
        below: size(filter.object_size_less_than)?,
        and: false,
    };
    let Some(and) = filter.and else { return Ok(alone) };
    if alone != Filter::default() {
        return Err(error::malformed_xml());
    }
    Ok(Filter {
        prefix: and.prefix,
        tags: and.tags.unwrap_or_default().into_iter().map(pair).collect(),
        above: size(and.object_size_greater_than)?,
        below: size(and.object_size_less_than)?,
        and: true,
    })
}

fn when(days: Option<i32>, date: Option<Timestamp>) -> Result<When, ServiceError> {
    match (days, date) {
        (Some(days), None) => Ok(When::Days(days)),
        (None, Some(date)) => Ok(When::Date(moment(&date))),
        _ => Err(error::malformed_xml()),
    }
}

fn moment(date: &Timestamp) -> landfall_base::Timestamp {
    landfall_base::Timestamp::from_millis(convert::seconds(date).saturating_mul(1000))
}

fn read_expiration(expiration: LifecycleExpiration) -> Result<Expiration, ServiceError> {
    match (expiration.days, expiration.date, expiration.expired_object_delete_marker) {
        (None, None, Some(ends)) => Ok(Expiration::Markers(ends)),
        (days, date, None) => when(days, date).map(Expiration::At),
        _ => Err(error::malformed_xml()),
    }
}

fn class(class: Option<TransitionStorageClass>) -> Result<String, ServiceError> {
    class.map(|it| it.as_str().to_owned()).ok_or_else(error::malformed_xml)
}

fn read_transition(it: Transition) -> Result<Move, ServiceError> {
    Ok(Move { when: when(it.days, it.date)?, class: class(it.storage_class)? })
}

fn noncurrent(days: Option<i32>, keep: Option<i32>) -> Result<Noncurrent, ServiceError> {
    Ok(Noncurrent { days: days.ok_or_else(error::malformed_xml)?, keep })
}

fn split(when: When) -> (Option<i32>, Option<Timestamp>) {
    match when {
        When::Days(days) => (Some(days), None),
        When::Date(date) => (None, Some(convert::time(date))),
    }
}

fn shown(rule: &Rule) -> LifecycleRule {
    let expiration = rule.expiration.map(|it| match it {
        Expiration::Markers(ends) => {
            LifecycleExpiration { expired_object_delete_marker: Some(ends), ..Default::default() }
        }
        Expiration::At(when) => {
            let (days, date) = split(when);
            LifecycleExpiration { days, date, expired_object_delete_marker: None }
        }
    });
    let transitions = rule.transitions.iter().map(|it| {
        let (days, date) = split(it.when);
        Transition { days, date, storage_class: Some(TransitionStorageClass::from(it.class.clone())) }
    });
    let older = rule.noncurrent_transitions.iter().map(|(it, class)| NoncurrentVersionTransition {
        newer_noncurrent_versions: it.keep,
        noncurrent_days: Some(it.days),
        storage_class: Some(TransitionStorageClass::from(class.clone())),
    });
    let aborts = |days| AbortIncompleteMultipartUpload { days_after_initiation: Some(days) };
    LifecycleRule {
        abort_incomplete_multipart_upload: rule.abort_after.map(aborts),
        expiration,
        filter: rule.filter.as_ref().map(shown_filter),
        id: Some(rule.id.clone()),
        noncurrent_version_expiration: rule.noncurrent_expiration.map(|it| NoncurrentVersionExpiration {
            newer_noncurrent_versions: it.keep,
            noncurrent_days: Some(it.days),
        }),
        noncurrent_version_transitions: some(older.collect()),
        prefix: rule.prefix.clone(),
        status: ExpirationStatus::from_static(if rule.enabled {
            ExpirationStatus::ENABLED
        } else {
            ExpirationStatus::DISABLED
        }),
        transitions: some(transitions.collect()),
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn shown_filter(filter: &Filter) -> LifecycleRuleFilter {
    let bytes = |size: Option<u64>| size.and_then(|size| i64::try_from(size).ok());
    let (above, below) = (bytes(filter.above), bytes(filter.below));
    let mut tags = convert::tag_set(&filter.tags);
    if filter.and {
        let and = LifecycleRuleAndOperator {
            object_size_greater_than: above,
            object_size_less_than: below,
            prefix: filter.prefix.clone(),
            tags: some(tags),
        };
        return LifecycleRuleFilter { and: Some(and), ..Default::default() };
    }
    LifecycleRuleFilter {
        and: None,
        object_size_greater_than: above,
        object_size_less_than: below,
        prefix: filter.prefix.clone(),
        tag: tags.pop(),
    }
}

fn minimum(archives_small: bool) -> TransitionDefaultMinimumObjectSize {
    TransitionDefaultMinimumObjectSize::from_static(if archives_small { BY_CLASS } else { ALL_128K })
}

impl Session {
    /// What an answer says of an object's end.
    pub(super) fn expiration_of(&self, bucket: &str, key: &str, version: &Version) -> Option<String> {
        let object = version.object.as_ref()?;
        self.expiration(bucket, key, object, version.modified_at)
    }

    pub(super) fn expiration(
        &self,
        bucket: &str,
        key: &str,
        object: &Object,
        modified_at: landfall_base::Timestamp,
    ) -> Option<String> {
        let lifecycle = self.installation.store.view().get(&LIFECYCLES, bucket).ok()??;
        let (moment, id) = lifecycle::expiry(&lifecycle, key, object, modified_at)?;
        let id = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        Some(format!("expiry-date=\"{}\", rule-id=\"{id}\"", moment.http_date()))
    }

    pub(super) async fn run_get_bucket_lifecycle_configuration(
        &self,
        req: S3Request<GetBucketLifecycleConfigurationInput>,
    ) -> Answered<GetBucketLifecycleConfigurationOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        self.bucket("GetBucketLifecycleConfiguration", &input.bucket, owner)?;
        let kept = self.installation.store.view().get(&LIFECYCLES, input.bucket.as_str());
        let kept = kept.map_err(|error| convert::failure(error.into()))?;
        let lifecycle = kept.ok_or_else(|| convert::error(error::no_such_lifecycle()))?;
        done(GetBucketLifecycleConfigurationOutput {
            rules: Some(lifecycle.rules.iter().map(shown).collect()),
            transition_default_minimum_object_size: Some(minimum(lifecycle.archives_small)),
        })
    }

    pub(super) async fn run_put_bucket_lifecycle_configuration(
        &self,
        req: S3Request<PutBucketLifecycleConfigurationInput>,
    ) -> Answered<PutBucketLifecycleConfigurationOutput> {
        let input = req.input;
        let archives_small = match input
            .transition_default_minimum_object_size
            .as_ref()
            .map(s3s::dto::TransitionDefaultMinimumObjectSize::as_str)
        {
            None | Some(ALL_128K) => false,
            Some(BY_CLASS) => true,
            Some(_) => {
                let text = "The transition default minimum object size you specified is not valid";
                return Err(convert::error(error::invalid_argument(text)));
            }
        };
        let rules = input.lifecycle_configuration.map(|it| it.rules).unwrap_or_default();
        let rules = rules.into_iter().map(read_rule).collect::<Result<Vec<_>, _>>();
        let rules = rules.map_err(convert::error)?;
        lifecycle::check(&rules).map_err(convert::error)?;
        let owner = input.expected_bucket_owner.as_ref();
        self.bucket("PutBucketLifecycleConfiguration", &input.bucket, owner)?;
        let lifecycle = Lifecycle { rules, archives_small, applied_at: None };
        self.set_lifecycle("PutBucketLifecycleConfiguration", &input.bucket, Some(lifecycle)).await?;
        done(PutBucketLifecycleConfigurationOutput {
            transition_default_minimum_object_size: Some(minimum(archives_small)),
        })
    }

    pub(super) async fn run_delete_bucket_lifecycle(
        &self,
        req: S3Request<DeleteBucketLifecycleInput>,
    ) -> Answered<DeleteBucketLifecycleOutput> {
        let input = req.input;
        let owner = input.expected_bucket_owner.as_ref();
        self.bucket("DeleteBucketLifecycle", &input.bucket, owner)?;
        self.set_lifecycle("DeleteBucketLifecycle", &input.bucket, None).await?;
        let output = DeleteBucketLifecycleOutput::default();
        Ok(S3Response::with_status(output, http::StatusCode::NO_CONTENT))
    }

    async fn set_lifecycle(
        &self,
        name: &'static str,
        bucket: &str,
        lifecycle: Option<Lifecycle>,
    ) -> S3Result<()> {
        self.write(name, |tx| {
            access::bucket(tx, bucket)?;
            match lifecycle {
                Some(lifecycle) => tx.put(&LIFECYCLES, bucket, lifecycle),
                None => {
                    tx.delete(&LIFECYCLES, bucket);
                }
            }
            Ok(())
        })
        .await
    }
}
