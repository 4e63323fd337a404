//! `fakecloud-iam` (AGPL-3.0-or-later: measured here, never shipped).

use fakecloud_core::auth::{ConditionContext, Principal, PrincipalType};
use fakecloud_iam::evaluator::{
    EvalRequest, PolicyDocument, evaluate_with_resource_policy_and_gates_and_scps,
};

use super::measure::{Figures, measure};
use super::{ACCOUNT, ADDRESS, Asked, REGION, SESSION};

pub(crate) struct Engine {
    layers: [Vec<PolicyDocument>; 4],
    principal: Principal,
}

impl Engine {
    pub(crate) fn new(document: &str) -> Self {
        Self {
            layers: std::array::from_fn(|_| vec![PolicyDocument::parse(document)]),
            principal: Principal {
                arn: SESSION.to_owned(),
                user_id: "AROAEXEC:s1".to_owned(),
                account_id: ACCOUNT.to_owned(),
                principal_type: PrincipalType::AssumedRole,
                source_identity: None,
                tags: None,
            },
        }
    }

    pub(crate) fn decide(&self, asked: &[Asked]) -> Figures {
        let requests: Vec<_> = asked.iter().map(|asked| self.request(asked)).collect();
        let [identity, boundary, session, scp] = &self.layers;
        measure(requests.len(), |at| {
            let decision = evaluate_with_resource_policy_and_gates_and_scps(
                identity,
                Some(boundary),
                Some(session),
                Some(scp),
                None,
                &requests[at],
                ACCOUNT,
            );
            assert!(decision.is_allow());
        })
    }

    fn request(&self, asked: &Asked) -> EvalRequest<'_> {
        EvalRequest {
            principal: &self.principal,
            action: asked.action.to_owned(),
            resource: asked.resource.clone(),
            context: ConditionContext {
                aws_requested_region: Some(REGION.to_owned()),
                aws_source_ip: ADDRESS.parse().ok(),
                aws_secure_transport: Some(true),
                ..ConditionContext::default()
            },
        }
    }
}
