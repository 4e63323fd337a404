//! `PutParameter`: a new parameter, or a new version of one.

use std::sync::Arc;

use landfall_api::ssm as api;
use landfall_base::{Sensitive, Timestamp};
use landfall_shape::ServiceError;
use landfall_store::{Tx, View};

use crate::kms::ensure_default_key;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::ssm::encryption::{DEFAULT_KEY, SERVICE, SealingKey};
use crate::ssm::names::check_new;
use crate::ssm::record::{Content, Kind, Parameter, Policy, Tier, Version};
use crate::ssm::target::Target;
use crate::ssm::{policies, rules, settings, versions};

/// A version to be made.
#[derive(Debug)]
pub struct Request {
    target: Target,
    previous: Option<Arc<Version>>,
    value: Sensitive<String>,
    kind: Option<Kind>,
    tier: Result<Tier, ServiceError>,
    sealing: SealingKey,
    key_id: Option<String>,
    tags: Vec<(String, String)>,
    policies: Vec<Policy>,
    description: Option<String>,
    allowed_pattern: Option<String>,
    data_type: String,
    overwrite: bool,
}

impl Resolve for api::PutParameter {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let overwrite = input.overwrite.unwrap_or_default();
        let own_tags = rules::tags(input.tags.clone().unwrap_or_default())?;
        check_form(&input, overwrite, &own_tags)?;
        let target = Target::at(cx, view, check_new(&input.name, cx.account(), cx.region())?)?;
        let permissions = permissions(&target, &input, overwrite, &own_tags);
        let request = plan(cx, view, target, input, own_tags, overwrite)?;
        with_key(cx, request, permissions)
    }
}

fn check_form(
    input: &api::PutParameterRequest,
    overwrite: bool,
    tags: &[(String, String)],
) -> Result<(), ServiceError> {
    rules::check_value(input.value.expose())?;
    if overwrite && !tags.is_empty() {
        return Err(rules::validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
             overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
             RemoveTagsFromResource.",
        ));
    }
    Ok(())
}

fn permissions(
    target: &Target,
    input: &api::PutParameterRequest,
    overwrite: bool,
    tags: &[(String, String)],
) -> Vec<Permission> {
    let pairs = || tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let put = target
        .permission("ssm:PutParameter")
        .with("ssm:Overwrite", overwrite.to_string())
        .with_some("ssm:Policies", input.policies.as_deref())
        .with_request_tags(pairs());
    let tag = || target.permission("ssm:AddTagsToResource").with_request_tags(pairs());
    [put].into_iter().chain((!tags.is_empty()).then(tag)).collect()
}

/// Everything about the new version that follows from the request and what there is. What an overwriting request leaves
/// out stays as it is.
fn plan(
    cx: &Context<'_>,
    view: &View,
    target: Target,
    input: api::PutParameterRequest,
    tags: Vec<(String, String)>,
    overwrite: bool,
) -> Result<Request, Failure> {
    let previous = match target.parameter() {
        Some(parameter) => versions::get(view, &target.name.key, parameter.newest)?,
        None => None,
    };
    let before = previous.as_deref();
    let kept = |of: fn(&Version) -> Option<String>| before.and_then(of);
    let kind = input.r#type.as_ref().and_then(rules::kind).or(before.map(|before| before.kind));
    let policies = match &input.policies {
        Some(text) => policies::parse(text, cx.now)?,
        None => before.map(|before| before.policies.clone()).unwrap_or_default(),
    };
    let tier = tier(cx, view, &target, &input, !policies.is_empty())?;
    let was_secure = before.is_some_and(|before| before.kind == Kind::SecureString);
    let key_id = input.key_id.or_else(|| kept(|it| it.key_id.clone()).filter(|_| was_secure));
    let sealing = SealingKey::find(cx, view, cx.account(), key_id.as_deref())?;
    Ok(Request {
        kind,
        tier,
        sealing,
        key_id,
        tags,
        policies,
        description: input.description.or_else(|| kept(|it| it.description.clone())),
        allowed_pattern: input
            .allowed_pattern
            .or_else(|| kept(|it| it.allowed_pattern.clone()))
            .filter(|pattern| !pattern.is_empty()),
        data_type: input
            .data_type
            .or_else(|| kept(|it| Some(it.data_type.clone())))
            .unwrap_or_else(|| "text".to_owned()),
        value: input.value,
        overwrite,
        previous,
        target,
    })
}

fn tier(
    cx: &Context<'_>,
    view: &View,
    target: &Target,
    input: &api::PutParameterRequest,
    policies: bool,
) -> Result<Result<Tier, ServiceError>, Failure> {
    let default = settings::default_tier(view, cx.account(), cx.region())?;
    let asked = input.tier.as_ref().or_else(|| default.as_ref().filter(|_| target.parameter().is_none()));
    let question = rules::TierQuestion {
        asked,
        existing: target.parameter().map(|parameter| parameter.tier),
        size: input.value.expose().len(),
        policies,
        counts: versions::counts(view, cx.account(), cx.region())?,
    };
    Ok(question.answer())
}

fn with_key(
    cx: &Context<'_>,
    request: Request,
    mut permissions: Vec<Permission>,
) -> Result<Checked<Request>, Failure> {
    if request.kind == Some(Kind::SecureString) {
        let tier = request.tier.as_ref().copied().unwrap_or(Tier::Standard);
        permissions.extend(request.sealing.permission(cx, &request.target.name.arn, tier)?);
    }
    Ok(Checked::all(request, permissions))
}

impl WriteHandler for api::PutParameter {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        let kind = check(&request)?;
        let tier = request.tier.clone()?;
        let key = &request.target.name.key;
        let parameter = parameter(&request, tier)?;
        let number = parameter.newest;
        if kind == Kind::SecureString && matches!(request.sealing, SealingKey::Default) {
            ensure_default_key(cx, tx, (&key.0, &key.1), SERVICE)?;
        }
        let version = version(cx, request.content(cx, kind, number, tier)?, &request, kind, tier, cx.now);
        versions::add(tx, key, parameter, &version)?;
        Ok(api::PutParameterResult { version: i64::try_from(number).ok(), tier: Some(tier.as_str().into()) })
    }
}

/// The kind of the new version, if it may be made.
fn check(request: &Request) -> Result<Kind, ServiceError> {
    let missing = || rules::validation("A parameter type is required when you create a parameter.");
    if request.previous.is_some() && !request.overwrite {
        return Err(api::error::parameter_already_exists(
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        ));
    }
    let kind = request.kind.ok_or_else(missing)?;
    if kind != Kind::SecureString && request.key_id.is_some() && request.previous.is_none() {
        return Err(rules::validation("KeyId can be used with parameters of type SecureString only."));
    }
    let value = request.value.expose();
    rules::check_data_type(&request.data_type, kind, &request.target.name.key.2, value)?;
    rules::check_pattern(request.allowed_pattern.as_deref(), value)?;
    Ok(kind)
}

/// The parameter as it is with the new version.
fn parameter(request: &Request, tier: Tier) -> Result<Parameter, ServiceError> {
    if let Some(before) = request.target.parameter() {
        return Ok(Parameter { newest: before.newest + 1, ..Parameter::clone(before) });
    }
    let mut tags = Vec::new();
    rules::set_tags(&mut tags, request.tags.clone())?;
    Ok(Parameter {
        name: request.target.name.text.clone(),
        newest: 1,
        oldest: 1,
        tags,
        labels: Default::default(),
        tier,
        expires_at: None,
    })
}

impl Request {
    fn content(&self, cx: &Context<'_>, kind: Kind, number: u64, tier: Tier) -> Result<Content, Failure> {
        match kind {
            Kind::SecureString => {
                self.sealing.seal(cx, &self.target.name.arn, number, tier, self.value.expose())
            }
            Kind::String | Kind::StringList => Ok(Content::Plain(self.value.expose().clone())),
        }
    }
}

fn version(
    cx: &Context<'_>,
    content: Content,
    request: &Request,
    kind: Kind,
    tier: Tier,
    now: Timestamp,
) -> Version {
    let default = || DEFAULT_KEY.to_owned();
    Version {
        content,
        kind,
        key_id: (kind == Kind::SecureString).then(|| request.key_id.clone().unwrap_or_else(default)),
        description: request.description.clone().filter(|text| !text.is_empty()),
        allowed_pattern: request.allowed_pattern.clone(),
        data_type: request.data_type.clone(),
        tier,
        policies: request.policies.clone(),
        modified_at: now,
        modified_by: cx.caller.arn(),
    }
}
