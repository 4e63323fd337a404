//! Launches of tasks in VPCs: the endpoint of the task's subnet for a service decides, and tells the condition keys.

use landfall_acs::{LaunchKind, StepOutcome, StepRecord};
use landfall_api::{ec2, ecr};
use landfall_base::Sensitive;
use landfall_registry::{Digest, Manifest};
use serde_json::json;

use super::stage::{Stage, definition, task};
use super::{Execution, TaskFacts, execute, plan};
use crate::ecr::registry::{self, token_caller};
use crate::ecs::record::NetworkConfiguration;
use crate::testing::{START, account, region, root};

const IMAGE: &str = "111122223333.dkr.ecr.us-east-1.amazonaws.com/app:v1";

/// A stage with the repository `app`, whose default VPC the task is in.
struct Placed(Stage);

impl Placed {
    fn new() -> Self {
        let stage = Stage::new();
        let input = ecr::CreateRepositoryRequest { repository_name: "app".to_owned(), ..Default::default() };
        stage.call::<ecr::CreateRepository>(&root(), input);
        Self(stage)
    }

    fn vpc(&self) -> String {
        let all = self.0.call::<ec2::DescribeVpcs>(&root(), ec2::DescribeVpcsRequest::default());
        all.vpcs.unwrap()[0].vpc_id.clone().unwrap()
    }

    /// An image in the repository, as a push leaves it.
    fn image(&self) {
        let blob = |text: &str| json!({"mediaType": "application/x", "digest": Digest::of(text.as_bytes()), "size": text.len()});
        let text = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": blob("config"), "layers": [blob("layer")]
        })
        .to_string();
        let (installation, key) = (self.0.it.call.installation(), (account(), region(), "app".to_owned()));
        let manifest = Manifest::parse(text.as_bytes(), None).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(installation.blobs.put(text.into())).unwrap();
        let written = installation.store.write("push", |tx| {
            let repository = registry::find_repository(tx, &key)?.unwrap();
            for blob in manifest.required_blobs() {
                registry::link_layer(tx, &key, blob.digest, blob.size);
            }
            registry::put_image(tx, &key, &repository, &manifest, Some(&"v1".parse().unwrap()), START)
        });
        written.unwrap();
    }

    /// An endpoint for S3 in the default VPC's route table.
    fn gateway(&self, policy: Option<&str>) -> String {
        let tables =
            self.0.call::<ec2::DescribeRouteTables>(&root(), ec2::DescribeRouteTablesRequest::default());
        let table = tables.route_tables.unwrap()[0].route_table_id.clone().unwrap();
        let input = ec2::CreateVpcEndpointRequest {
            vpc_id: self.vpc(),
            service_name: Some("com.amazonaws.us-east-1.s3".to_owned()),
            vpc_endpoint_type: Some(ec2::VpcEndpointType::Gateway),
            route_table_ids: Some(vec![table]),
            policy_document: policy.map(str::to_owned),
            ..Default::default()
        };
        let made = self.0.call::<ec2::CreateVpcEndpoint>(&root(), input);
        made.vpc_endpoint.unwrap().vpc_endpoint_id.unwrap()
    }

    fn endpoint(&self, service: &str, policy: Option<&str>) -> String {
        let input = ec2::CreateVpcEndpointRequest {
            vpc_id: self.vpc(),
            service_name: Some(format!("com.amazonaws.us-east-1.{service}")),
            vpc_endpoint_type: Some(ec2::VpcEndpointType::Interface),
            policy_document: policy.map(str::to_owned),
            ..Default::default()
        };
        let made = self.0.call::<ec2::CreateVpcEndpoint>(&root(), input);
        made.vpc_endpoint.unwrap().vpc_endpoint_id.unwrap()
    }

    /// The policy of the guide: pulls only through one endpoint of one VPC.
    fn only_through(&self, endpoint: &str) {
        let condition = json!({"StringEquals": {"aws:sourceVpce": endpoint, "aws:sourceVpc": self.vpc()}});
        let pull = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"];
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {"Effect": "Allow", "Action": pull, "Resource": "*", "Condition": condition}
        ]});
        self.0.policy("pull", &document.to_string());
    }

    fn start(&self) -> Execution {
        let definition = definition(&json!([{"name": "app", "image": IMAGE}]));
        let mut task = task(&definition, LaunchKind::Fargate);
        let subnets = vec!["subnet-12345678".to_owned()];
        task.network = Some(NetworkConfiguration { subnets, ..NetworkConfiguration::default() });
        execute(self.0.it.call.calls(), &plan(&TaskFacts::from(&task), &definition))
    }
}

fn step<'a>(execution: &'a Execution, name: &str) -> &'a StepRecord {
    execution.steps.iter().find(|it| it.name == name).unwrap()
}

fn key<'a>(step: &'a StepRecord, key: &str) -> Option<&'a str> {
    step.context.iter().find(|(it, _)| it == key).map(|(_, value)| value.as_str())
}

fn outcome(step: &StepRecord) -> &str {
    match &step.outcome {
        StepOutcome::Failed(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pulls_carry_vpc_and_endpoint_and_the_token_neither() {
    let placed = Placed::new();
    let endpoint = placed.endpoint("ecr.dkr", None);
    placed.endpoint("ecr.api", None);
    placed.only_through(&endpoint);
    let execution = placed.start();
    let token = step(&execution, "fetch ECR token");
    assert_eq!((&token.outcome, key(token, "aws:SourceVpce")), (&StepOutcome::Done, None));
    // The role may; the image was never pushed.
    let pull = step(&execution, "find image in ECR");
    assert_eq!(key(pull, "aws:SourceVpce"), Some(endpoint.as_str()));
    assert_eq!(key(pull, "aws:SourceVpc"), Some(placed.vpc().as_str()));
    assert_eq!(outcome(pull), "Requested image not found");
}

#[test]
fn without_the_endpoint_the_condition_does_not_hold() {
    let placed = Placed::new();
    placed.only_through("vpce-0123456789abcdef0");
    let execution = placed.start();
    assert_eq!(step(&execution, "fetch ECR token").outcome, StepOutcome::Done);
    let pull = step(&execution, "find image in ECR");
    let message = outcome(pull);
    assert!(
        message.ends_with("because no identity-based policy allows the ecr:BatchGetImage action"),
        "{message}"
    );
    let finding = pull.finding.clone().unwrap();
    assert_eq!(
        finding.headline,
        "the role `exec` may `ecr:BatchGetImage` on `repository/app` only through a VPC endpoint, and the call came \
         through none"
    );
    assert_eq!(
        finding.fix.unwrap().command.unwrap(),
        "aws ec2 create-vpc-endpoint --region us-east-1 --vpc-endpoint-type Interface --vpc-id VPC --subnet-ids SUBNET \
         --service-name com.amazonaws.us-east-1.ecr.dkr"
    );
    // Another endpoint than the one that the policy names.
    let other = placed.endpoint("ecr.dkr", None);
    let headline = step(&placed.start(), "find image in ECR").finding.clone().unwrap().headline;
    assert!(headline.contains(&format!("only on another way than through `{other}`")), "{headline}");
}

#[test]
fn the_policy_of_the_endpoint_has_to_allow() {
    let placed = Placed::new();
    let policy =
        r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:ListImages","Resource":"*"}]}"#;
    let endpoint = placed.endpoint("ecr.dkr", Some(policy));
    placed.only_through(&endpoint);
    let execution = placed.start();
    let pull = step(&execution, "find image in ECR");
    let message = outcome(pull);
    assert!(
        message.ends_with("because no VPC endpoint policy allows the ecr:BatchGetImage action"),
        "{message}"
    );
    let command = pull.finding.clone().unwrap().fix.unwrap().command.unwrap();
    let wanted = format!(
        "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} --region us-east-1 --policy-document "
    );
    assert!(command.starts_with(&wanted) && command.contains("ecr:ListImages"), "{command}");
}

#[test]
fn the_password_tells_the_registry_which_way_pulls_come() {
    let placed = Placed::new();
    let endpoint = placed.endpoint("ecr.dkr", None);
    placed.only_through(&endpoint);
    let definition = definition(&json!([{"name": "app", "image": IMAGE}]));
    let mut task = task(&definition, LaunchKind::Fargate);
    task.network = Some(NetworkConfiguration::default());
    let plan = plan(&TaskFacts::from(&task), &definition);
    let looked = super::look(placed.0.it.call.calls(), &plan, &root(), super::execute::RoleToBe::default());
    let password: Sensitive<String> = looked.sheets[0].registry.as_ref().unwrap().password.clone();
    let installation = placed.0.it.call.installation();
    let caller = token_caller(installation, &installation.store.view(), &password).unwrap();
    assert_eq!(caller.way.unwrap().endpoint_id(), endpoint);
}

/// As the step wants an image of ECR, and nothing more.
const PULL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ecr:GetAuthorizationToken","ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"],"Resource":"*"}]}"#;

fn statement(resource: &str) -> String {
    json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resource}]}).to_string()
}

#[test]
fn layers_come_through_the_endpoint_for_s3() {
    for (policy, expected) in [
        (None, None),
        (Some(statement("arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*")), None),
        (Some(statement("arn:aws:s3:::mine/*")), Some("does not let layers of ECR through")),
        (
            Some(statement("arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*")),
            Some("does not let layers of ECR through"),
        ),
    ] {
        let placed = Placed::new();
        placed.image();
        placed.0.policy("pull", PULL);
        let endpoint = placed.gateway(policy.as_deref());
        let execution = placed.start();
        let pull = step(&execution, "find image in ECR");
        let Some(expected) = expected else {
            assert_eq!(pull.outcome, StepOutcome::Done, "{policy:?}");
            continue;
        };
        let layer = Digest::of(b"layer").to_string();
        let address = format!(
            "https://prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com/{}",
            layer.trim_start_matches("sha256:")
        );
        let finding = pull.finding.clone().unwrap();
        assert_eq!(
            finding.message,
            format!(
                "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: \
                 unexpected status code {address}: 403 Forbidden"
            )
        );
        assert!(
            finding.headline.contains(expected) && finding.headline.contains(&endpoint),
            "{}",
            finding.headline
        );
        let command = finding.fix.unwrap().command.unwrap();
        let wanted = format!(
            "aws ec2 modify-vpc-endpoint --vpc-endpoint-id {endpoint} --region us-east-1 --policy-document "
        );
        assert!(command.starts_with(&wanted), "{command}");
        assert!(command.contains("arn:aws:s3:::prod-us-east-1-starport-layer-bucket/*"), "{command}");
    }
}

#[test]
fn a_layer_that_the_role_may_not_have() {
    let placed = Placed::new();
    placed.image();
    placed.0.policy("pull", &PULL.replace(r#","ecr:GetDownloadUrlForLayer""#, ""));
    let execution = placed.start();
    let message = step(&execution, "find image in ECR").finding.clone().unwrap().message;
    let blob =
        format!("https://111122223333.dkr.ecr.us-east-1.amazonaws.com/v2/app/blobs/{}", Digest::of(b"layer"));
    let beginning = format!(
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: failed open: unexpected \
         status code {blob}: 403 Forbidden - Server message: denied: User: arn:aws:sts::111122223333:assumed-role/exec/"
    );
    assert!(message.starts_with(&beginning), "{message}");
    assert!(
        message.ends_with("because no identity-based policy allows the ecr:GetDownloadUrlForLayer action"),
        "{message}"
    );
}
