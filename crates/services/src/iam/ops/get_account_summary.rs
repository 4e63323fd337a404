//! `GetAccountSummary`: how much of everything there is, and how much there may be.

use landfall_api::iam as api;
use landfall_shape::Entries;
use landfall_store::View;

use crate::iam::groups::GROUPS_PER_USER;
use crate::iam::record::{GROUPS, INSTANCE_PROFILES, POLICIES, POLICY_VERSIONS, ROLES, USERS};
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, ReadHandler, Resolve};

/// Quotas (IAM User Guide, "IAM and AWS STS quotas").
const QUOTAS: &[(&str, i32)] = &[
    ("UsersQuota", 5_000),
    ("GroupsQuota", 300),
    ("RolesQuota", 1_000),
    ("PoliciesQuota", 1_500),
    ("InstanceProfilesQuota", 1_000),
    ("ServerCertificatesQuota", 20),
    ("UserPolicySizeQuota", 2_048),
    ("GroupPolicySizeQuota", 5_120),
    ("RolePolicySizeQuota", 10_240),
    ("PolicySizeQuota", 6_144),
    ("AssumeRolePolicySizeQuota", 2_048),
    ("AccessKeysPerUserQuota", 2),
    ("SigningCertificatesPerUserQuota", 2),
    ("AttachedPoliciesPerUserQuota", 10),
    ("AttachedPoliciesPerGroupQuota", 10),
    ("AttachedPoliciesPerRoleQuota", 10),
    ("VersionsPerPolicyQuota", 5),
    ("PolicyVersionsInUseQuota", 10_000),
    ("GlobalEndpointTokenVersion", 1),
];

/// What does not exist here.
const NONE: &[&str] = &[
    "ServerCertificates",
    "MFADevices",
    "MFADevicesInUse",
    "AccountMFAEnabled",
    "AccountAccessKeysPresent",
    "AccountPasswordPresent",
    "AccountSigningCertificatesPresent",
    "Providers",
];

impl Resolve for api::GetAccountSummary {
    type Request = Checked<()>;

    fn resolve(_: &Context<'_>, _: &View, _: Self::Input) -> Result<Self::Request, Failure> {
        Ok(Checked::one((), Permission::on_anything("iam:GetAccountSummary")))
    }
}

impl ReadHandler for api::GetAccountSummary {
    fn run(cx: &Context<'_>, view: &View, _: Authorized<Self::Request>) -> Result<Self::Output, Failure> {
        let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let account = cx.account();
        let counts = [
            ("Users", view.count(&USERS, (account,))),
            ("Groups", view.count(&GROUPS, (account,))),
            ("Roles", view.count(&ROLES, (account,))),
            ("Policies", view.count(&POLICIES, (account,))),
            ("PolicyVersionsInUse", view.count(&POLICY_VERSIONS, (account,))),
            ("InstanceProfiles", view.count(&INSTANCE_PROFILES, (account,))),
            ("GroupsPerUserQuota", GROUPS_PER_USER),
        ];
        let counts = counts.into_iter().map(|(name, count)| (name.to_owned(), number(count)));
        let none = NONE.iter().map(|name| ((*name).to_owned(), 0));
        let quotas = QUOTAS.iter().map(|(name, quota)| ((*name).to_owned(), *quota));
        let entries = counts.chain(none).chain(quotas).collect();
        Ok(api::GetAccountSummaryResponse { summary_map: Some(Entries(entries)) })
    }
}
