//! What to do about an image that the pull-through cache did not get from its upstream registry. Pushing it is no remedy: it
//! comes from there.

use landfall_acs::{Cause, Fix};

use super::super::plan::{Step, Work};
use super::Advice;
use super::secret::name_of;
use super::text::quote;
use crate::ecr::pull_through::{Missed, Why};

/// A credential of an upstream registry, with words to be filled in.
const CREDENTIAL: &str = r#"{"username":"USERNAME","accessToken":"ACCESS_TOKEN"}"#;

pub(super) fn missed(step: &Step, missed: &Missed) -> Advice {
    let cause = if missed.why == Why::Failed { Cause::Network } else { Cause::Registry };
    let image = match &step.work {
        Work::EcrImage(image) => format!("{}:{}", image.repository, image.reference()),
        _ => step.resource.clone(),
    };
    let upstream = &missed.upstream;
    let headline = format!("`{image}` did not come from the upstream registry `{upstream}`: {}", missed.said);
    Advice::new(cause, headline, fix(step, missed))
}

fn fix(step: &Step, missed: &Missed) -> Fix {
    let Missed { upstream, prefix, .. } = missed;
    match (missed.why, &missed.credential, &missed.role) {
        (Why::Refused, Some(secret), _) => Fix::command(
            format!("give the secret `{}` a credential that `{upstream}` accepts", name_of(secret)),
            format!(
                "aws secretsmanager put-secret-value --secret-id {} --region {} --secret-string {}",
                quote(secret),
                step.region,
                quote(CREDENTIAL)
            ),
        ),
        (Why::Refused, None, Some(role)) => Fix::advice(format!(
            "let the role `{role}` of the pull-through cache rule `{prefix}` read `{upstream}`, by its own policies and by the \
             upstream repository's"
        )),
        (Why::Refused, None, None) => Fix::command(
            format!(
                "keep a credential for `{upstream}` in a secret whose name begins with `ecr-pullthroughcache/`, and give the rule its ARN"
            ),
            set_credential(step, prefix),
        ),
        (Why::TooManyRequests, None, _) => Fix::command(
            format!(
                "wait, or give the rule a credential for `{upstream}`: registries limit those less who log in"
            ),
            set_credential(step, prefix),
        ),
        (Why::TooManyRequests, Some(_), _) => {
            Fix::advice(format!("wait until `{upstream}` takes requests again"))
        }
        (Why::Failed | Why::NotFound, ..) => Fix::command(
            format!("check that `{upstream}` can be reached from this server"),
            format!(
                "aws ecr validate-pull-through-cache-rule --ecr-repository-prefix {} --region {}",
                quote(prefix),
                step.region
            ),
        ),
    }
}

fn set_credential(step: &Step, prefix: &str) -> String {
    let region = &step.region;
    format!(
        "aws ecr update-pull-through-cache-rule --ecr-repository-prefix {} --region {region} --credential-arn $(aws secretsmanager \
         create-secret --name {} --region {region} --secret-string {} --query ARN --output text)",
        quote(prefix),
        quote(&format!("ecr-pullthroughcache/{prefix}")),
        quote(CREDENTIAL)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ecr::pull_through::Said;
    use crate::ecs::launch::plan::{TaskFacts, plan};
    use crate::ecs::launch::stage;

    fn advice(why: Why, credential: Option<&str>, role: Option<&str>) -> Advice {
        let image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/hub/app:1";
        let definition = stage::definition(&serde_json::json!([{"name": "app", "image": image}]));
        let task = stage::task(&definition, landfall_acs::LaunchKind::Fargate);
        let plan = plan(&TaskFacts::from(&task), &definition);
        let step = plan.steps.iter().find(|step| matches!(step.work, Work::EcrImage(_))).unwrap();
        missed(
            step,
            &Missed {
                why,
                said: Said { message: "ECR's words.".to_owned(), detail: "it answered 401".to_owned() },
                upstream: "registry.example".to_owned(),
                prefix: "hub".to_owned(),
                credential: credential.map(str::to_owned),
                role: role.map(str::to_owned),
            },
        )
    }

    #[test]
    fn nobody_is_told_to_push_an_image_that_comes_from_elsewhere() {
        let secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:ecr-pullthroughcache/hub-AbCdEf";
        let role = "arn:aws:iam::111122223333:role/cache";
        for (why, credential, role, expected) in [
            (Why::Refused, Some(secret), None, "`ecr-pullthroughcache/hub`"),
            (Why::Refused, None, Some(role), role),
            (Why::Refused, None, None, "create-secret --name ecr-pullthroughcache/hub"),
            (Why::TooManyRequests, None, None, "--credential-arn"),
            (Why::TooManyRequests, Some(secret), None, "wait until `registry.example`"),
            (Why::Failed, None, None, "`registry.example` can be reached"),
        ] {
            let told = advice(why, credential, role);
            assert_eq!(
                told.headline,
                "`hub/app:1` did not come from the upstream registry `registry.example`: ECR's words. (it answered 401)"
            );
            let line = told.remedy.unwrap().fix().line();
            assert!(line.contains(expected) && !line.contains("push"), "{line}");
        }
    }
}
