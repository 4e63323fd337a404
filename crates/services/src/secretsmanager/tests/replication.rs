//! Replicas in other Regions: how they come, follow, refuse, go and stand alone.

use landfall_api::kms;
use landfall_base::Region;

use super::*;
use crate::secretsmanager::record::REPLICATION_QUEUE;
use crate::secretsmanager::replicate;

const REPLICA: &str =
    "Operation not permitted on a replica secret. Call must be made in primary secret's region.";

fn fixture() -> Fixture {
    Fixture(TestInstallation::new(&[OPERATIONS, crate::kms::OPERATIONS]))
}

fn there() -> Region {
    "us-east-2".parse().unwrap()
}

fn root_there() -> Caller {
    root().in_region(&there())
}

fn to(region: &str, kms_key_id: Option<&str>) -> Option<Vec<api::ReplicaRegionType>> {
    Some(vec![api::ReplicaRegionType {
        region: Some(region.to_owned()),
        kms_key_id: kms_key_id.map(str::to_owned),
    }])
}

fn replicated(name: &str) -> api::CreateSecretRequest {
    api::CreateSecretRequest { add_replica_regions: to("us-east-2", None), ..create(name) }
}

fn replicate_to(name: &str, region: &str, key: Option<&str>) -> api::ReplicateSecretToRegionsRequest {
    api::ReplicateSecretToRegionsRequest {
        secret_id: name.to_owned(),
        add_replica_regions: to(region, key).unwrap(),
        force_overwrite_replica_secret: None,
    }
}

fn id(name: &str) -> String {
    name.to_owned()
}

impl Fixture {
    fn replicate(&self) {
        replicate(self.0.call.installation()).unwrap();
    }

    fn there<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(&root_there(), input).unwrap()
    }

    fn value_there(&self, name: &str) -> String {
        text(self.there::<api::GetSecretValue>(get(name)).secret_string)
    }

    fn describe_there(&self, name: &str) -> api::DescribeSecretResponse {
        self.there::<api::DescribeSecret>(api::DescribeSecretRequest { secret_id: name.to_owned() })
    }

    /// Status and message of the only replica.
    fn replica(&self, name: &str) -> (String, String) {
        let replicas = self.describe(name).replication_status.unwrap();
        let [replica] = replicas.as_slice() else { panic!("{replicas:?}") };
        let status = replica.status.as_ref().unwrap().as_str().to_owned();
        (status, replica.status_message.clone().unwrap_or_default())
    }

    fn key_in(&self, caller: &Caller) -> String {
        let made = self.call::<kms::CreateKey>(caller, kms::CreateKeyRequest::default()).unwrap();
        made.key_metadata.unwrap().arn.unwrap()
    }
}

fn in_sync() -> (String, String) {
    ("InSync".to_owned(), "Replication succeeded".to_owned())
}

fn failed(reason: &str) -> (String, String) {
    ("Failed".to_owned(), format!("Replication failed: {reason}."))
}

fn invalid(message: &str) -> (String, String) {
    ("InvalidParameterException".to_owned(), message.to_owned())
}

#[test]
fn a_replica_is_made_and_read_in_its_region() {
    let fixture = fixture();
    let made = fixture.root::<api::CreateSecret>(replicated("a"));
    let status = &made.replication_status.unwrap()[0];
    assert_eq!(status.status, Some(api::StatusType::InProgress));
    assert_eq!(status.kms_key_id.as_deref(), Some("alias/aws/secretsmanager"));
    let arn = made.arn.unwrap();
    assert_eq!(fixture.denied::<api::GetSecretValue>(&root_there(), get("a")).0, "ResourceNotFoundException");
    fixture.replicate();
    assert_eq!(fixture.replica("a"), in_sync());
    let read = fixture.there::<api::GetSecretValue>(get("a"));
    assert_eq!(read.arn, Some(arn.replace("us-east-1", "us-east-2")));
    assert_eq!(read.version_id, Some(token(1)));
    assert_eq!(text(read.secret_string), "v1");
    for description in [fixture.describe("a"), fixture.describe_there("a")] {
        assert_eq!(description.primary_region.as_deref(), Some("us-east-1"));
    }
    assert_eq!(fixture.describe_there("a").replication_status, None);
    fixture.secret("b");
    assert_eq!(fixture.describe("b").primary_region, None);
    assert_eq!(fixture.replicas_last_access("a"), Some(START.day()));
}

impl Fixture {
    fn replicas_last_access(&self, name: &str) -> Option<Timestamp> {
        self.describe(name).replication_status.unwrap()[0].last_accessed_date
    }
}

#[test]
fn a_replica_follows_every_change() {
    let fixture = fixture();
    fixture.root::<api::CreateSecret>(replicated("a"));
    fixture.replicate();
    let same = |fixture: &Fixture| {
        assert_eq!(fixture.replica("a").0, "InProgress");
        fixture.replicate();
        assert_eq!(fixture.replica("a"), in_sync());
        let (here, there) = (fixture.describe("a"), fixture.describe_there("a"));
        assert_eq!(here.tags, there.tags);
        assert_eq!(here.description, there.description);
        assert_eq!(here.version_ids_to_stages, there.version_ids_to_stages);
        assert_eq!(here.last_changed_date, there.last_changed_date);
        assert_eq!(fixture.value("a"), fixture.value_there("a"));
        let policy = |caller: &Caller| {
            let input = api::GetResourcePolicyRequest { secret_id: id("a") };
            fixture.call::<api::GetResourcePolicy>(caller, input).unwrap().resource_policy
        };
        assert_eq!(policy(&root()), policy(&root_there()));
    };
    fixture.put("a", 2);
    same(&fixture);
    fixture.root::<api::UpdateSecret>(api::UpdateSecretRequest {
        secret_id: id("a"),
        description: Some("d".to_owned()),
        ..Default::default()
    });
    same(&fixture);
    let tag = api::Tag { key: Some(id("k")), value: Some(id("v")) };
    fixture.root::<api::TagResource>(api::TagResourceRequest { secret_id: id("a"), tags: vec![tag] });
    same(&fixture);
    fixture.root::<api::UntagResource>(api::UntagResourceRequest {
        secret_id: id("a"),
        tag_keys: vec![id("k")],
    });
    same(&fixture);
    let everybody = r#"{"Effect":"Deny","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*",
        "Condition":{"StringEquals":{"aws:PrincipalTag/no":"no"}}}"#;
    fixture.put_policy("a", everybody);
    same(&fixture);
    fixture.root::<api::DeleteResourcePolicy>(api::DeleteResourcePolicyRequest { secret_id: id("a") });
    same(&fixture);
    fixture.root::<api::UpdateSecretVersionStage>(api::UpdateSecretVersionStageRequest {
        secret_id: id("a"),
        version_stage: id("AWSCURRENT"),
        remove_from_version_id: Some(token(2)),
        move_to_version_id: Some(token(1)),
    });
    same(&fixture);
}

#[test]
fn a_replica_refuses_to_be_changed() {
    let fixture = fixture();
    let arn = fixture.root::<api::CreateSecret>(replicated("a")).arn.unwrap();
    fixture.replicate();
    let there = root_there();
    let refusals = [
        fixture.denied::<api::PutSecretValue>(&there, put("a", 2)),
        fixture.denied::<api::UpdateSecret>(
            &there,
            api::UpdateSecretRequest { secret_id: id("a"), description: Some(id("d")), ..Default::default() },
        ),
        fixture.denied::<api::UpdateSecretVersionStage>(
            &there,
            api::UpdateSecretVersionStageRequest {
                secret_id: id("a"),
                version_stage: id("X"),
                move_to_version_id: Some(token(1)),
                ..Default::default()
            },
        ),
        fixture.denied::<api::TagResource>(
            &there,
            api::TagResourceRequest { secret_id: id("a"), tags: Vec::new() },
        ),
        fixture.denied::<api::UntagResource>(
            &there,
            api::UntagResourceRequest { secret_id: id("a"), tag_keys: Vec::new() },
        ),
        fixture.denied::<api::PutResourcePolicy>(&there, policy("a", "[]")),
        fixture.denied::<api::DeleteResourcePolicy>(
            &there,
            api::DeleteResourcePolicyRequest { secret_id: id("a") },
        ),
        fixture.denied::<api::DeleteSecret>(&there, delete("a")),
        fixture.denied::<api::DeleteSecret>(
            &there,
            api::DeleteSecretRequest { force_delete_without_recovery: Some(true), ..delete("a") },
        ),
        fixture.denied::<api::RestoreSecret>(&there, api::RestoreSecretRequest { secret_id: id("a") }),
        fixture.denied::<api::ReplicateSecretToRegions>(&there, replicate_to("a", "eu-west-1", None)),
        fixture.denied::<api::RemoveRegionsFromReplication>(
            &there,
            api::RemoveRegionsFromReplicationRequest {
                secret_id: id("a"),
                remove_replica_regions: vec![id("us-east-2")],
            },
        ),
    ];
    for (number, refusal) in refusals.into_iter().enumerate() {
        assert_eq!(refusal, invalid(REPLICA), "case {number}");
    }
    let text = format!("You can't delete secret {arn} that still has replica regions [us-east-2].");
    assert_eq!(fixture.refused::<api::DeleteSecret>(delete("a")), invalid(&text));
    let force = api::DeleteSecretRequest { force_delete_without_recovery: Some(true), ..delete("a") };
    assert_eq!(fixture.refused::<api::DeleteSecret>(force), invalid(&text));
    let stop = api::StopReplicationToReplicaRequest { secret_id: id("a") };
    assert_eq!(fixture.refused::<api::StopReplicationToReplica>(stop).0, "InvalidParameterException");
}

#[test]
fn regions_that_cannot_have_a_replica() {
    let fixture = fixture();
    fixture.secret("a");
    for region in ["us-east-1", "cn-north-1", "mars-1"] {
        let refusal = fixture.refused::<api::ReplicateSecretToRegions>(replicate_to("a", region, None));
        assert_eq!(refusal, invalid("Invalid replica region."));
        let input = api::CreateSecretRequest { add_replica_regions: to(region, None), ..create("b") };
        assert_eq!(fixture.refused::<api::CreateSecret>(input), invalid("Invalid replica region."));
        assert!(fixture.row("b").is_none());
    }
}

#[test]
fn a_name_that_is_taken_there() {
    let fixture = fixture();
    fixture.secret("a");
    fixture
        .call::<api::CreateSecret>(
            &root_there(),
            api::CreateSecretRequest { secret_string: Some(Sensitive::from("other")), ..create("a") },
        )
        .unwrap();
    fixture.root::<api::ReplicateSecretToRegions>(replicate_to("a", "us-east-2", None));
    fixture.replicate();
    assert_eq!(fixture.replica("a"), failed("Secret name a already exists in region us-east-2"));
    assert_eq!(fixture.value_there("a"), "other");
    // What is removed then is the entry, not the other secret.
    let remove = || api::RemoveRegionsFromReplicationRequest {
        secret_id: id("a"),
        remove_replica_regions: vec![id("us-east-2")],
    };
    fixture.root::<api::RemoveRegionsFromReplication>(remove());
    assert_eq!(fixture.value_there("a"), "other");
    assert_eq!(fixture.describe("a").replication_status, None);
    let input = api::ReplicateSecretToRegionsRequest {
        force_overwrite_replica_secret: Some(true),
        ..replicate_to("a", "us-east-2", None)
    };
    fixture.root::<api::ReplicateSecretToRegions>(input);
    fixture.replicate();
    assert_eq!((fixture.replica("a"), fixture.value_there("a")), (in_sync(), id("v1")));
    fixture.root::<api::RemoveRegionsFromReplication>(remove());
    assert_eq!(fixture.denied::<api::GetSecretValue>(&root_there(), get("a")).0, "ResourceNotFoundException");
    fixture.root::<api::RemoveRegionsFromReplication>(remove());
    fixture.root::<api::DeleteSecret>(delete("a"));
}

#[test]
fn a_primary_does_not_make_way_for_a_replica() {
    let fixture = fixture();
    fixture.secret("a");
    let input = api::CreateSecretRequest { add_replica_regions: to("eu-west-1", None), ..create("a") };
    fixture.call::<api::CreateSecret>(&root_there(), input).unwrap();
    fixture.root::<api::ReplicateSecretToRegions>(api::ReplicateSecretToRegionsRequest {
        force_overwrite_replica_secret: Some(true),
        ..replicate_to("a", "us-east-2", None)
    });
    fixture.replicate();
    assert_eq!(fixture.replica("a"), failed("Secret name a already exists in region us-east-2"));
}

#[test]
fn a_replica_stands_alone() {
    let fixture = fixture();
    fixture.root::<api::CreateSecret>(replicated("a"));
    fixture.replicate();
    let input = api::StopReplicationToReplicaRequest { secret_id: id("a") };
    fixture.there::<api::StopReplicationToReplica>(input);
    assert_eq!(fixture.describe("a").replication_status, None);
    assert_eq!(fixture.describe_there("a").primary_region, None);
    fixture.there::<api::PutSecretValue>(put("a", 2));
    fixture.put("a", 3);
    fixture.replicate();
    assert_eq!((fixture.value("a"), fixture.value_there("a")), (id("v3"), id("v2")));
    // Two secrets that have nothing to do with each other any more.
    fixture.root::<api::DeleteSecret>(delete("a"));
    assert_eq!(fixture.value_there("a"), "v2");
}

#[test]
fn a_replica_has_a_key_of_its_own() {
    let fixture = fixture();
    let (here, away) = (fixture.key_in(&root()), fixture.key_in(&root_there()));
    fixture.root::<api::CreateSecret>(api::CreateSecretRequest {
        kms_key_id: Some(here.clone()),
        add_replica_regions: to("us-east-2", Some(&away)),
        ..create("a")
    });
    fixture.replicate();
    assert_eq!(fixture.value_there("a"), "v1");
    assert_eq!(fixture.describe_there("a").kms_key_id, Some(away.clone()));
    let versions = fixture.there::<api::ListSecretVersionIds>(api::ListSecretVersionIdsRequest {
        secret_id: id("a"),
        ..Default::default()
    });
    assert_eq!(versions.versions.unwrap()[0].kms_key_ids, Some(vec![away.clone()]));
    // A key that cannot be used fails the replica only, and it follows again once it can.
    let disable = kms::DisableKeyRequest { key_id: away.clone() };
    fixture.there::<kms::DisableKey>(disable);
    fixture.put("a", 2);
    fixture.replicate();
    assert_eq!(fixture.replica("a").0, "Failed");
    assert_eq!(fixture.value("a"), "v2");
    fixture.there::<kms::EnableKey>(kms::EnableKeyRequest { key_id: away });
    assert_eq!(fixture.value_there("a"), "v1");
    fixture.put("a", 3);
    fixture.replicate();
    assert_eq!((fixture.replica("a"), fixture.value_there("a")), (in_sync(), id("v3")));
    // The key is the one thing that can be changed in the replica's Region.
    fixture.there::<api::UpdateSecret>(api::UpdateSecretRequest {
        secret_id: id("a"),
        kms_key_id: Some(String::new()),
        ..Default::default()
    });
    assert_eq!(fixture.describe_there("a").kms_key_id, None);
    let status = fixture.describe("a").replication_status.unwrap();
    assert_eq!(status[0].kms_key_id.as_deref(), Some("alias/aws/secretsmanager"));
    fixture.put("a", 4);
    fixture.replicate();
    assert_eq!((fixture.replica("a"), fixture.value_there("a")), (in_sync(), id("v4")));
}

#[test]
fn a_key_that_is_not_there() {
    let fixture = fixture();
    fixture.secret("a");
    let key = "alias/none";
    fixture.root::<api::ReplicateSecretToRegions>(replicate_to("a", "us-east-2", Some(key)));
    fixture.replicate();
    let (status, message) = fixture.replica("a");
    assert_eq!(status, "Failed");
    assert!(message.contains("invalid KMS key"), "{message}");
    assert_eq!(fixture.denied::<api::GetSecretValue>(&root_there(), get("a")).0, "ResourceNotFoundException");
}

#[test]
fn who_asks_for_a_replica_needs_the_keys() {
    let replicate = r#"{"Effect":"Allow","Action":"secretsmanager:ReplicateSecretToRegions","Resource":"*"}"#;
    let decrypt = r#"{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}"#;
    let encrypt = r#"{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Encrypt"],"Resource":"*","Condition":
        {"StringEquals":{"kms:ViaService":"secretsmanager.us-east-2.amazonaws.com"}}}"#;
    let cases = [
        (vec![replicate, decrypt, encrypt], in_sync()),
        (vec![replicate, decrypt], failed("Access to KMS is not allowed")),
        (vec![replicate, encrypt], failed("Access to KMS is not allowed")),
    ];
    for (number, (statements, wanted)) in cases.into_iter().enumerate() {
        let fixture = fixture();
        let (here, away) = (fixture.key_in(&root()), fixture.key_in(&root_there()));
        fixture.root::<api::CreateSecret>(api::CreateSecretRequest { kms_key_id: Some(here), ..create("a") });
        let user = fixture.user(&account(), "u", &format!("[{}]", statements.join(",")));
        let input = replicate_to("a", "us-east-2", Some(&away));
        fixture.call::<api::ReplicateSecretToRegions>(&user, input).unwrap();
        fixture.replicate();
        assert_eq!(fixture.replica("a"), wanted, "case {number}");
        // A refusal stays one, whoever changes the secret.
        fixture.put("a", 2);
        fixture.replicate();
        assert_eq!(fixture.replica("a"), wanted, "case {number}");
    }
}

#[test]
fn conditions_on_replication() {
    let fixture = fixture();
    fixture.secret("a");
    let regions = r#"{"Effect":"Allow","Action":"secretsmanager:ReplicateSecretToRegions","Resource":"*","Condition":
        {"ForAllValues:StringEquals":{"secretsmanager:AddReplicaRegions":["us-east-2"]},
         "BoolIfExists":{"secretsmanager:ForceOverwriteReplicaSecret":"false"}}}"#;
    let user = fixture.user(&account(), "u", regions);
    let forced = api::ReplicateSecretToRegionsRequest {
        force_overwrite_replica_secret: Some(true),
        ..replicate_to("a", "us-east-2", None)
    };
    for (input, allowed) in [
        (replicate_to("a", "us-east-2", None), true),
        (replicate_to("a", "eu-west-1", None), false),
        (forced, false),
    ] {
        assert_eq!(fixture.call::<api::ReplicateSecretToRegions>(&user, input).is_ok(), allowed);
    }
    let creator = r#"{"Effect":"Allow","Action":"secretsmanager:CreateSecret","Resource":"*"}"#;
    let creator = fixture.user(&account(), "creator", creator);
    let (code, message) = fixture.denied::<api::CreateSecret>(&creator, replicated("b"));
    assert_eq!(code, "AccessDeniedException");
    assert!(message.contains("secretsmanager:ReplicateSecretToRegions"), "{message}");
}

#[test]
fn what_is_queued_is_done_once() {
    let fixture = fixture();
    fixture.root::<api::CreateSecret>(replicated("a"));
    fixture.put("a", 2);
    let installation = fixture.0.call.installation();
    assert_eq!(replicate(installation).unwrap(), 1);
    assert_eq!(replicate(installation).unwrap(), 0);
    assert_eq!(installation.store.view().scan(&REPLICATION_QUEUE, ()).count(), 0);
}

#[test]
fn filters_by_primary_region() {
    let fixture = fixture();
    fixture.secret("alone");
    fixture.root::<api::CreateSecret>(replicated("a"));
    fixture.replicate();
    let list = |caller: &Caller, region: &str| {
        let filter = api::Filter {
            key: Some(api::FilterNameStringType::PrimaryRegion),
            values: Some(vec![region.to_owned()]),
        };
        let input = api::ListSecretsRequest { filters: Some(vec![filter]), ..Default::default() };
        let listed = fixture.call::<api::ListSecrets>(caller, input).unwrap().secret_list.unwrap();
        listed.into_iter().map(|it| (it.name.unwrap(), it.primary_region.unwrap())).collect::<Vec<_>>()
    };
    let wanted = vec![(id("a"), id("us-east-1"))];
    assert_eq!(list(&root(), "us-east-1"), wanted);
    assert_eq!(list(&root(), "us-east-2"), []);
    assert_eq!(list(&root_there(), "us-east-1"), wanted);
}
