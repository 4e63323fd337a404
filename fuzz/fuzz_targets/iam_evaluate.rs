//! Policies against requests: no panic, trace and fix agree with the decision, and the
//! same request has the same decision.
#![no_main]

use landfall_iam::{
    Attached, Context, Layers, Policy, PolicyKind, Principal, Request, ResourceLayer, ResourceService,
    evaluate, explain, suggest_fix, trace,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str, &str, &str, &str)| {
    let (identity, resource, action, arn, key, value) = input;
    let Ok(identity) = Policy::stored(identity, PolicyKind::Identity) else { return };
    let Ok(resource) = Policy::stored(resource, PolicyKind::Resource(ResourceService::Other)) else { return };
    let (Ok(role), Ok(account)) = ("arn:aws:iam::111122223333:role/path/exec".parse(), "111122223333".parse())
    else {
        return;
    };
    let principal = Principal::role_session(role, &account, "AROAEXEC", "s1");
    let context = Context::new().with("aws:CurrentTime", value).with(key, value);
    let request =
        Request { principal: &principal, action, resource: arn, resource_account: Some(&account), context: &context };
    let own = [Attached::to_resource("resource", &resource)];
    let attached = [Attached::inline("a", &identity), Attached::inline("b", &identity)];
    let layers = Layers {
        identity: &attached,
        boundary: &attached[..1],
        resource: Some(ResourceLayer::ordinary(&own)),
        ..Layers::default()
    };
    let decision = evaluate(&request, &layers);
    assert_eq!(decision, evaluate(&request, &layers));
    let trace = trace(&request, &layers);
    assert_eq!(trace.effect, decision.effect);
    assert_eq!(explain(&trace).is_empty(), decision.is_allowed());
    assert_eq!(suggest_fix(&request, &layers).is_none(), decision.is_allowed());
});
