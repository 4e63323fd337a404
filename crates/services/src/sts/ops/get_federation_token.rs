//! `GetFederationToken`: temporary credentials that a user hands on. They may do what both the user and the policies of
//! the request allow; without policies in the request, nothing of their own.

use landfall_api::sts as api;
use landfall_base::Arn;
use landfall_iam::Principal;
use landfall_shape::ServiceError;
use landfall_store::View;

use crate::pipe::{
    Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve, SessionPolicyText,
};
use crate::sts::passed::check_keys;
use crate::sts::session::{packed_size, session_policies};
use crate::sts::token::Session;

/// Twelve hours, in seconds.
const DEFAULT_SECONDS: i32 = 43_200;

/// The longest session of a root user: one hour, in seconds.
const ROOT_SECONDS: i32 = 3_600;

/// A policy that adds nothing to what everybody may: sessions without policies may do no more.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}]}"#;

/// A session to hand on.
#[derive(Debug)]
pub struct Request {
    name: String,
    seconds: i32,
    inline_policy: Option<String>,
    managed_policies: Vec<api::PolicyDescriptorType>,
    tags: Vec<(String, String)>,
}

impl Resolve for api::GetFederationToken {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, _: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        let resource = format!("arn:aws:sts::{}:federated-user/{}", cx.account(), input.name);
        let arn: Arn = resource.parse().map_err(Failure::internal)?;
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone()));
        let tags: Vec<_> = tags.collect();
        check_keys(&tags)?;
        let on_user = |action| {
            let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            Permission::on(action, &arn).with_request_tags(tags)
        };
        let mut permissions = vec![on_user("sts:GetFederationToken")];
        permissions.extend((!tags.is_empty()).then(|| on_user("sts:TagSession")));
        let request = Request {
            name: input.name,
            seconds: input.duration_seconds.unwrap_or(DEFAULT_SECONDS),
            inline_policy: input.policy,
            managed_policies: input.policy_arns.unwrap_or_default(),
            tags,
        };
        Ok(Checked::all(request, permissions))
    }
}

impl ReadHandler for api::GetFederationToken {
    fn run(
        cx: &Context<'_>,
        view: &View,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let parent = &cx.caller.principal;
        if cx.caller.session.is_some() || !(parent.is_root() || parent.user_name().is_some()) {
            let text = "Cannot call GetFederationToken with session credentials";
            return Err(ServiceError::with_status("AccessDenied", 403, text).into());
        }
        let request = request.into_request();
        let mut session = new_session(cx, view, &request)?;
        let packed_policy_size = packed_size(&session)?;
        if session.policies.is_empty() {
            session.policies.push(SessionPolicyText::inline(NOTHING));
        }
        Ok(api::GetFederationTokenResponse {
            credentials: Some(session.credentials(cx.vault())?),
            federated_user: Some(api::FederatedUser {
                federated_user_id: format!("{}:{}", cx.account(), request.name),
                arn: session.principal.display().to_owned(),
            }),
            packed_policy_size,
        })
    }
}

fn new_session(cx: &Context<'_>, view: &View, request: &Request) -> Result<Session, Failure> {
    let parent = &cx.caller.principal;
    let arn = parent.arn().cloned().ok_or_else(|| Failure::internal("a user without ARN"))?;
    let id = parent.user_id().unwrap_or_default();
    let principal = Principal::federated_user(arn, cx.account(), id, &request.name);
    let longest = if parent.is_root() { ROOT_SECONDS } else { request.seconds };
    let seconds = request.seconds.min(longest);
    let mut session = Session::new(principal, cx.account().clone(), cx.now, seconds);
    let (inline, managed) = (request.inline_policy.as_deref(), &request.managed_policies);
    session.policies = session_policies(view, cx.account(), inline, managed)?;
    session.tags.clone_from(&request.tags);
    session.parent = Some(parent.clone());
    Ok(session)
}
