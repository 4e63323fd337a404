//! `CreateLogGroup`

use landfall_api::logs::{self as api, error};
use landfall_shape::Entries;
use landfall_store::{Tx, View};

use crate::logs::encryption;
use crate::logs::lookup::Group;
use crate::logs::record::{GROUPS, LogGroup};
use crate::logs::rules::tags;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};

/// A group to create.
#[derive(Debug)]
pub struct Request {
    group: Group,
    row: LogGroup,
    key_id: Option<String>,
}

impl Resolve for api::CreateLogGroup {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let tags = input.tags.unwrap_or_default();
        tags::check(&tags.0)?;
        let group = Group::named(cx, view, input.log_group_name)?;
        let permissions = permissions(&group, &tags);
        let class = input.log_group_class.unwrap_or(api::LogGroupClass::Standard);
        let row = LogGroup {
            created_at: cx.now,
            class: class.as_str().to_owned(),
            retention_days: None,
            deletion_protection: input.deletion_protection_enabled.unwrap_or_default(),
            tags: tags.0,
            keys: Vec::new(),
            key: None,
            stored_bytes: 0,
            checked_at: None,
        };
        Ok(Checked::all(Request { group, row, key_id: input.kms_key_id }, permissions))
    }
}

/// With tags AWS also demands `logs:TagResource`.
fn permissions(group: &Group, tags: &Entries<String>) -> Vec<Permission> {
    let request_tags = || tags.iter().map(|(key, value)| (key, value.as_str()));
    let create = group.permission("logs:CreateLogGroup").with_request_tags(request_tags());
    let tag = || group.tagging_permission("logs:TagResource").with_request_tags(request_tags());
    let tag = (!tags.0.is_empty()).then(tag);
    [Some(create), tag].into_iter().flatten().collect()
}

impl WriteHandler for api::CreateLogGroup {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let Request { group, mut row, key_id } = request.into_request();
        if group.exists() {
            let text = "The specified log group already exists";
            return Err(error::resource_already_exists_exception(text).into());
        }
        if let Some(key_id) = key_id {
            encryption::associate(cx, tx, &group.name, &mut row, &key_id)?;
        }
        tx.put(&GROUPS, &group.key(), row);
        Ok(api::CreateLogGroupResponse {})
    }
}
