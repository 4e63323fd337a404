//! Refusals in AWS's words (IAM User Guide, "Troubleshoot access denied error messages").

use crate::choices::Choice;
use crate::evaluate::{Decision, Effect, Reason};
use crate::layers::Layer;
use crate::request::{Request, Values};

/// Points in which refusals differ over time.
#[derive(Debug, Clone, Copy)]
pub struct MessageStyle {
    /// An explicit deny ends in the ARN of its policy.
    pub policy_arn: bool,
}

impl Default for MessageStyle {
    fn default() -> Self {
        Self { policy_arn: Choice::ExplicitDenyNamesPolicy.holds() }
    }
}

impl Decision<'_> {
    /// The sentence of a refusal: `User: … is not authorized to perform: … on resource: … because …`.
    pub fn denial(&self, request: &Request<'_>) -> String {
        self.denial_with(request, MessageStyle::default())
    }

    /// The same in a given style.
    pub fn denial_with(&self, request: &Request<'_>, style: MessageStyle) -> String {
        self.sentence(request, Some(request.resource), style)
    }

    fn sentence(&self, request: &Request<'_>, resource: Option<&str>, style: MessageStyle) -> String {
        let quote = if request.service().eq_ignore_ascii_case("s3") { "\"" } else { "" };
        let on = resource.map(|resource| format!(" on resource: {quote}{resource}{quote}"));
        self.sentence_on(request, &on.unwrap_or_default(), style)
    }

    /// The sentence where nothing but a ciphertext tells which key it is about.
    pub fn denial_on_ciphertext(&self, request: &Request<'_>) -> String {
        self.sentence_on(request, " on the resource associated with this ciphertext", MessageStyle::default())
    }

    fn sentence_on(&self, request: &Request<'_>, on: &str, style: MessageStyle) -> String {
        if self.reason == Reason::RootMayNotAssume {
            return "Roles may not be assumed by root accounts.".to_owned();
        }
        let action = request.action;
        let mut text = format!(
            "User: {} is not authorized to perform: {action}{on} {}",
            request.principal.display(),
            self.clause(action),
        );
        if let Some(arn) = self.policy_arn().filter(|_| style.policy_arn) {
            text.push_str(": ");
            text.push_str(arn);
        }
        text
    }

    /// The sentence as a service's caller reads it: about `resource` as that service writes it, `None` where it names none.
    /// Of a check that was made in the caller's name Secrets Manager hides why KMS refused; other services pass the
    /// sentence on.
    pub fn denial_through_service(&self, request: &Request<'_>, resource: Option<&str>) -> String {
        let via = request.values("kms:ViaService").and_then(Values::single);
        if via.is_some_and(|service| service.starts_with("secretsmanager.")) {
            return "Access to KMS is not allowed".to_owned();
        }
        self.sentence(request, resource, MessageStyle::default())
    }

    fn clause(&self, action: &str) -> String {
        let name = layer_name(self.layer);
        let explicit = self.effect == Effect::ExplicitDeny;
        match (explicit, self.layer) {
            (true, Layer::RoleTrust) => format!("with an explicit deny in the {name}"),
            (true, Layer::Identity) => format!("with an explicit deny in an {name}"),
            (true, _) => format!("with an explicit deny in a {name}"),
            (false, _) => format!("because no {name} allows the {action} action"),
        }
    }

    fn policy_arn(&self) -> Option<&str> {
        let shown = !matches!(self.layer, Layer::Resource | Layer::RoleTrust | Layer::Endpoint);
        self.deciding
            .and_then(|statement| statement.arn)
            .filter(|_| self.effect == Effect::ExplicitDeny && shown)
    }
}

/// AWS's name for a kind of policy.
pub(crate) fn layer_name(layer: Layer) -> &'static str {
    match layer {
        Layer::ResourceControl => "resource control policy",
        Layer::ServiceControl => "service control policy",
        Layer::Endpoint => "VPC endpoint policy",
        Layer::Resource | Layer::Grant => "resource-based policy",
        Layer::RoleTrust => "role trust policy",
        Layer::Identity | Layer::Inherent => "identity-based policy",
        Layer::Boundary => "permissions boundary",
        Layer::Session => "session policy",
    }
}
