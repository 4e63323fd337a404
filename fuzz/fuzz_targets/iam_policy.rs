//! Policy documents of every kind: no text makes parser, validation or compilation panic, and a policy that was accepted
//! can be stored and read back.
#![no_main]

use landfall_iam::{Policy, PolicyKind, ResourceService};
use libfuzzer_sys::fuzz_target;

const KINDS: [PolicyKind; 13] = [
    PolicyKind::Identity,
    PolicyKind::Boundary,
    PolicyKind::Session,
    PolicyKind::RoleTrust,
    PolicyKind::ServiceControl,
    PolicyKind::ResourceControl,
    PolicyKind::Endpoint,
    PolicyKind::Resource(ResourceService::EcrRepository),
    PolicyKind::Resource(ResourceService::EcrRegistry),
    PolicyKind::Resource(ResourceService::KmsKey),
    PolicyKind::Resource(ResourceService::Secret),
    PolicyKind::Resource(ResourceService::Bucket),
    PolicyKind::Resource(ResourceService::Other),
];

fuzz_target!(|input: (u8, &str)| {
    let (kind, text) = input;
    let Some(kind) = KINDS.get(usize::from(kind) % KINDS.len()).copied() else { return };
    let parsed = Policy::parse(text, kind).map_err(|error| error.message());
    let stored = Policy::stored(text, kind);
    if let Ok(policy) = parsed {
        assert_eq!(policy.text(), text);
        assert!(stored.is_ok(), "what may be written can be read");
        let _ = policy.resolve_principals(|arn| Some(arn.chars().rev().collect()));
    }
});
