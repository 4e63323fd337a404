//! `CreateSecret`: a new secret, with or without a first value.

use landfall_api::secretsmanager as api;
use landfall_base::Arn;
use landfall_store::{Tx, View};

use crate::kms::ensure_default_key;
use crate::pipe::{Authorized, Checked, Context, Failure, Permission, Resolve, WriteHandler};
use crate::secretsmanager::encryption::{SERVICE, SealingKey};
use crate::secretsmanager::names::{arn_of_name, is_name, new_arn};
use crate::secretsmanager::record::{BY_CREATION, SECRETS, Secret, SecretKey};
use crate::secretsmanager::stages::Stages;
use crate::secretsmanager::value::SecretValue;
use crate::secretsmanager::versions::{self, NewVersion};
use crate::secretsmanager::{replication, rules};

/// A secret to be made.
#[derive(Debug)]
pub struct Request {
    key: SecretKey,
    description: Option<String>,
    tags: Vec<(String, String)>,
    version: Option<NewVersion>,
    kms_key_id: Option<String>,
    arn: Arn,
    sealing: SealingKey,
    replicas: Vec<api::ReplicaRegionType>,
    overwrite: bool,
}

impl Resolve for api::CreateSecret {
    type Request = Checked<Request>;

    fn resolve(cx: &Context<'_>, view: &View, input: Self::Input) -> Result<Self::Request, Failure> {
        if !is_name(&input.name) {
            return Err(rules::invalid_name().into());
        }
        let key = (cx.account().clone(), cx.region().clone(), input.name.clone());
        let tags = rules::tags(input.tags.as_deref().unwrap_or_default())?;
        let sealing = SealingKey::find(cx, view, cx.account(), input.kms_key_id.as_deref())?;
        let mut permissions = permissions(&arn_of_name(&key), &input, &tags, &sealing);
        super::update_secret::refuse_type(input.r#type.as_deref())?;
        let value = SecretValue::of(input.secret_string, input.secret_binary)?;
        let version = NewVersion::of(value, input.client_request_token)?;
        let arn = new_arn(&key);
        permissions.extend(sealing.validation(cx, &arn)?);
        if let Some(version) = &version {
            permissions.extend(sealing.permissions(cx, &arn, &version.id)?);
        }
        let request = Request {
            key,
            description: input.description.filter(|text| !text.is_empty()),
            tags,
            version,
            kms_key_id: input.kms_key_id.filter(|_| !matches!(sealing, SealingKey::Default)),
            arn,
            sealing,
            replicas: input.add_replica_regions.unwrap_or_default(),
            overwrite: input.force_overwrite_replica_secret.unwrap_or_default(),
        };
        Ok(Checked::all(request, permissions))
    }
}

fn permissions(
    arn: &Arn,
    input: &api::CreateSecretRequest,
    tags: &[(String, String)],
    sealing: &SealingKey,
) -> Vec<Permission> {
    let pairs = || tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    // There is no ARN yet that a refusal could name.
    let on_secret = |action| Permission::on(action, arn).shown_as(&input.name);
    let create = on_secret("secretsmanager:CreateSecret")
        .with("secretsmanager:Name", &input.name)
        .with_some("secretsmanager:Description", input.description.as_deref())
        .with_some("secretsmanager:KmsKeyId", input.kms_key_id.as_deref())
        .with_some("secretsmanager:KmsKeyArn", sealing.arn())
        .with_request_tags(pairs());
    let create = replication::with_keys(
        create,
        input.add_replica_regions.as_deref(),
        input.force_overwrite_replica_secret,
    );
    let tag = || on_secret("secretsmanager:TagResource").with_request_tags(pairs());
    let tag = (!tags.is_empty()).then(tag);
    let replicate = input.add_replica_regions.as_deref().map(|replicas| {
        let permission = on_secret("secretsmanager:ReplicateSecretToRegions")
            .with("secretsmanager:SecretId", arn.as_str())
            .with("secretsmanager:SecretPrimaryRegion", arn.region());
        replication::with_keys(permission, Some(replicas), input.force_overwrite_replica_secret)
    });
    [create].into_iter().chain(tag).chain(replicate).collect()
}

impl WriteHandler for api::CreateSecret {
    fn run(
        cx: &Context<'_>,
        tx: &mut Tx,
        request: Authorized<Self::Request>,
    ) -> Result<Self::Output, Failure> {
        let request = request.into_request();
        if let Some(secret) = tx.get(&SECRETS, &request.key)? {
            return repeated(cx, tx, &request, &secret);
        }
        request.sealing.check()?;
        let secret = create(cx, tx, &request)?;
        answer(tx, &request, &secret)
    }
}

/// The same call again is answered as the first was; any other that takes the name is refused.
fn repeated(
    cx: &Context<'_>,
    view: &View,
    request: &Request,
    secret: &Secret,
) -> Result<api::CreateSecretResponse, Failure> {
    if secret.deletion.is_some() {
        let message =
            "You can't create this secret because a secret with this name is already scheduled for deletion.";
        return Err(api::error::invalid_request_exception(message).into());
    }
    if let Some(version) = &request.version {
        match versions::repeats(cx, view, &request.key, secret, version)? {
            Some(true) => return answer(view, request, secret),
            Some(false) => return Err(versions::token_taken(&version.id, secret).into()),
            None => {}
        }
    }
    let message = format!("The operation failed because the secret {} already exists.", secret.name);
    Err(api::error::resource_exists_exception(message).into())
}

fn create(cx: &Context<'_>, tx: &mut Tx, request: &Request) -> Result<Secret, Failure> {
    let key = &request.key;
    let mut secret = Secret {
        arn: request.arn.clone(),
        name: key.2.clone(),
        description: request.description.clone(),
        kms_key_id: request.kms_key_id.clone(),
        tags: Vec::new(),
        policy: None,
        created_at: cx.now,
        changed_at: cx.now,
        accessed_on: None,
        deletion: None,
        added: 0,
        stages: Stages::default(),
        primary: None,
        replicas: Vec::new(),
        rotation: None,
    };
    rules::set_tags(&mut secret.tags, request.tags.clone())?;
    if let Some(version) = &request.version {
        versions::add(cx, tx, key, &mut secret, &request.sealing, version)?;
    }
    let (account, region, name) = key;
    if matches!(request.sealing, SealingKey::Default) {
        ensure_default_key(cx, tx, (account, region), SERVICE)?;
    }
    tx.put(&BY_CREATION, &(account, region, cx.now, name.as_str()), ());
    replication::add(cx, tx, key, &mut secret, &request.replicas, request.overwrite)?;
    replication::put(tx, key, &mut secret);
    Ok(secret)
}

fn answer(view: &View, request: &Request, secret: &Secret) -> Result<api::CreateSecretResponse, Failure> {
    Ok(api::CreateSecretResponse {
        arn: Some(secret.arn.to_string()),
        name: Some(secret.name.clone()),
        version_id: request.version.as_ref().map(|version| version.id.clone()),
        replication_status: replication::status(view, &request.key, secret)?,
    })
}
