//! An installation with one of everything, and the sample principals.

use landfall_api::{ecr, ecs, iam as api, kms, landfall, lightsail, logs, secretsmanager, ssm};
use landfall_base::AccountId;
use landfall_iam::Principal;
pub(crate) use landfall_services::TABLES;
use landfall_services::lightsail::{self as lightsail_service, HealthBoard};
use landfall_services::pipe::{Caller, Installation};
use landfall_services::s3::record::{Bucket, Encryption};
use landfall_services::testing::{TestInstallation, account, caller, nobody};
use landfall_shape::{Entries, Operation, Structure, Value};

use crate::samples::{ANYTHING, GRANT, KEY, TASK, TRUST};

/// Lets an image puller in.
const PULL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"ROLE"},
    "Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}"#;

/// The installation.
pub(crate) struct World {
    installation: TestInstallation,
    pub(crate) administrator: Caller,
    /// Things have all that one can have: a permissions boundary, a customer's key.
    rich: bool,
    key: Key,
    /// What samples call the key; its ARN if nothing else.
    alias: Option<&'static str>,
    task: Option<String>,
}

/// What there is of a KMS key that samples cannot know beforehand.
#[derive(Default)]
struct Key {
    arn: String,
    grant: String,
    ciphertext: Vec<u8>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::made(false, None)
    }

    /// One with plain things, one where they have all that they can have, and one where the key goes by its alias.
    pub(crate) fn every() -> [Self; 3] {
        [Self::new(), Self::made(true, None), Self::made(true, Some("alias/sample"))]
    }

    fn made(rich: bool, alias: Option<&'static str>) -> Self {
        let installation = TestInstallation::new(TABLES);
        let administrator = user(&installation, &account(), "administrator");
        let mut world = Self { installation, administrator, rich, key: Key::default(), alias, task: None };
        world.add_principals();
        world.key = world.add_key();
        world.add_resources();
        world.let_puller_in();
        if rich {
            world.rotate_secret();
            world.cache_images();
        }
        world.task = rich.then(|| world.run_task());
        world
    }

    /// Runs a task on Fargate; its ARN.
    fn run_task(&self) -> String {
        let network = ecs::AwsVpcConfiguration { subnets: vec!["subnet-1".to_owned()], ..Default::default() };
        let input = ecs::RunTaskRequest {
            cluster: Some("sample".to_owned()),
            task_definition: "sample".to_owned(),
            launch_type: Some(ecs::LaunchType::Fargate),
            network_configuration: Some(ecs::NetworkConfiguration { awsvpc_configuration: Some(network) }),
            tags: Some(vec![ecs::Tag { key: Some("team".to_owned()), value: Some("a".to_owned()) }]),
            ..Default::default()
        };
        self.ok::<ecs::RunTask>(input).tasks.unwrap().remove(0).task_arn.unwrap()
    }

    /// Has the secret `sample` rotate by itself.
    fn rotate_secret(&self) {
        let function = landfall::PutRotationFunctionRequest {
            name: "sample".to_owned(),
            role_arn: "arn:aws:iam::111122223333:role/sample".to_owned(),
            command: Some(vec!["/bin/true".to_owned()]),
            ..Default::default()
        };
        let function = self.ok::<landfall::PutRotationFunction>(function).function;
        self.ok::<secretsmanager::RotateSecret>(secretsmanager::RotateSecretRequest {
            secret_id: "sample".to_owned(),
            client_request_token: Some("00000000-0000-0000-0000-000000000001".to_owned()),
            rotation_lambda_arn: Some(function.arn),
            rotation_rules: Some(secretsmanager::RotationRulesType {
                automatically_after_days: Some(30),
                ..Default::default()
            }),
            rotate_immediately: Some(false),
            ..Default::default()
        });
    }

    /// Has every image that is not here come from another registry. Where the key goes by its alias, the repository is yet to be
    /// made, too.
    fn cache_images(&self) {
        self.ok::<ecr::CreatePullThroughCacheRule>(ecr::CreatePullThroughCacheRuleRequest {
            ecr_repository_prefix: "ROOT".to_owned(),
            upstream_registry_url: "public.ecr.aws".to_owned(),
            ..Default::default()
        });
        if self.alias.is_some() {
            let repository_name = "sample".to_owned();
            self.ok::<ecr::DeleteRepository>(ecr::DeleteRepositoryRequest {
                repository_name,
                ..Default::default()
            });
        }
    }

    /// The ARN of the key, for things that are under a customer's key.
    fn customer_key(&self) -> Option<String> {
        self.rich.then(|| self.key.arn.clone())
    }

    pub(crate) fn installation(&self) -> &Installation {
        self.installation.call.installation()
    }

    /// The columns of the matrix.
    pub(crate) fn samples(&self) -> [(&'static str, Caller); 6] {
        let other = "444455556666".parse().unwrap();
        [
            ("administrator", self.administrator.clone()),
            ("read-only", self.role("read-only", "arn:aws:iam::aws:policy/ReadOnlyAccess")),
            (
                "execution",
                self.role(
                    "execution",
                    "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
                ),
            ),
            ("puller", self.puller()),
            ("other", user(&self.installation, &other, "administrator")),
            ("nobody", nobody()),
        ]
    }

    fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        let result = self.installation.call.call::<O>(&self.administrator, input).result;
        result.unwrap_or_else(|error| panic!("{}: {error}", O::SCHEMA.name))
    }

    /// Makes a role with one policy, and acts as a session of it.
    fn role(&self, name: &str, policy: &str) -> Caller {
        let create = api::CreateRoleRequest {
            role_name: name.to_owned(),
            assume_role_policy_document: TRUST.to_owned(),
            ..Default::default()
        };
        let role = self.ok::<api::CreateRole>(create).role;
        let attach =
            api::AttachRolePolicyRequest { role_name: name.to_owned(), policy_arn: policy.to_owned() };
        self.ok::<api::AttachRolePolicy>(attach);
        caller(Principal::role_session(role.arn.parse().unwrap(), &account(), role.role_id, "sample"))
    }

    /// The ARN of the image puller of the container service `sample`.
    fn puller_arn(&self) -> String {
        let input = lightsail::GetContainerServicesRequest { service_name: Some("sample".to_owned()) };
        let service = self.ok::<lightsail::GetContainerServices>(input).container_services.unwrap().remove(0);
        service.private_registry_access.unwrap().ecr_image_puller_role.unwrap().principal_arn.unwrap()
    }

    /// Has the policy of the repository `sample` let the image puller in.
    fn let_puller_in(&self) {
        self.ok::<ecr::SetRepositoryPolicy>(ecr::SetRepositoryPolicyRequest {
            repository_name: "sample".to_owned(),
            policy_text: PULL.replace("ROLE", &self.puller_arn()),
            ..Default::default()
        });
    }

    fn puller(&self) -> Caller {
        let (arn, owner) = (self.puller_arn(), lightsail_service::owner());
        let role = api::GetRoleRequest { role_name: arn.rsplit('/').next().unwrap().to_owned() };
        let root = caller(Principal::root(owner));
        let role = self.installation.call.call::<api::GetRole>(&root, role).result.unwrap().role;
        caller(Principal::role_session(role.arn.parse().unwrap(), owner, role.role_id, "sample"))
    }

    /// A bucket of the sample account.
    pub(crate) fn bucket(&self) -> Bucket {
        Bucket {
            name: "sample".to_owned(),
            owner: account(),
            region: "us-east-1".parse().unwrap(),
            created_at: self.installation.call.installation().clock.now(),
            versioning: None,
            tags: Vec::new(),
            policy: None,
            public_access: None,
            encryption: Encryption::default(),
            encryption_set: false,
            cors: Vec::new(),
            ownership: None,
        }
    }

    fn add_principals(&self) {
        let tags = || Some(vec![api::Tag { key: "team".to_owned(), value: "a".to_owned() }]);
        self.ok::<api::CreatePolicy>(api::CreatePolicyRequest {
            policy_name: "sample".to_owned(),
            policy_document: ANYTHING.to_owned(),
            tags: tags(),
            ..Default::default()
        });
        let boundary = || self.rich.then(|| "arn:aws:iam::111122223333:policy/sample".to_owned());
        self.ok::<api::CreateUser>(api::CreateUserRequest {
            user_name: "sample".to_owned(),
            permissions_boundary: boundary(),
            tags: tags(),
            ..Default::default()
        });
        self.ok::<api::CreateRole>(api::CreateRoleRequest {
            role_name: "sample".to_owned(),
            assume_role_policy_document: TRUST.to_owned(),
            permissions_boundary: boundary(),
            tags: tags(),
            ..Default::default()
        });
        self.ok::<api::CreateGroup>(api::CreateGroupRequest {
            group_name: "sample".to_owned(),
            ..Default::default()
        });
        self.ok::<api::CreateInstanceProfile>(api::CreateInstanceProfileRequest {
            instance_profile_name: "sample".to_owned(),
            tags: tags(),
            ..Default::default()
        });
    }

    /// Makes a key, with something encrypted and a grant.
    fn add_key(&self) -> Key {
        let tag = kms::Tag { tag_key: "team".to_owned(), tag_value: "a".to_owned() };
        let create = kms::CreateKeyRequest { tags: Some(vec![tag]), ..Default::default() };
        let arn = self.ok::<kms::CreateKey>(create).key_metadata.unwrap().arn.unwrap();
        let alias =
            kms::CreateAliasRequest { alias_name: "alias/sample".to_owned(), target_key_id: arn.clone() };
        self.ok::<kms::CreateAlias>(alias);
        let encrypt = kms::EncryptRequest {
            key_id: arn.clone(),
            plaintext: landfall_base::Sensitive::new(b"s".to_vec()),
            ..Default::default()
        };
        let ciphertext = self.ok::<kms::Encrypt>(encrypt).ciphertext_blob.unwrap().0;
        let grant = kms::CreateGrantRequest {
            key_id: arn.clone(),
            grantee_principal: "arn:aws:iam::111122223333:role/sample".to_owned(),
            operations: vec![kms::GrantOperation::Decrypt],
            ..Default::default()
        };
        let grant = self.ok::<kms::CreateGrant>(grant).grant_id.unwrap();
        Key { arn, grant, ciphertext }
    }

    /// Puts what is only known here into a sample.
    pub(crate) fn fill(&self, sample: Value) -> Value {
        match sample {
            Value::String(text) if text == KEY => {
                Value::String(self.alias.unwrap_or(&self.key.arn).to_owned())
            }
            Value::String(text) if text == TASK => {
                Value::String(self.task.clone().unwrap_or_else(|| "sample".to_owned()))
            }
            Value::String(text) if text == GRANT => Value::String(self.key.grant.clone()),
            Value::Blob(_) => Value::Blob(self.key.ciphertext.clone()),
            Value::List(items) => Value::List(items.into_iter().map(|item| self.fill(item)).collect()),
            Value::Structure(members) => {
                let mut filled = Structure::new();
                members.iter().for_each(|(name, value)| filled.push(name, self.fill(value.clone())));
                Value::Structure(filled)
            }
            other => other,
        }
    }

    fn add_resources(&self) {
        let sample = || "sample".to_owned();
        let tags = vec![ecs::Tag { key: Some("team".to_owned()), value: Some("a".to_owned()) }];
        self.ok::<ecs::CreateCluster>(ecs::CreateClusterRequest {
            cluster_name: Some(sample()),
            tags: Some(tags.clone()),
            ..Default::default()
        });
        self.ok::<ecs::RegisterTaskDefinition>(ecs::RegisterTaskDefinitionRequest {
            family: sample(),
            execution_role_arn: Some(sample()),
            task_role_arn: Some(sample()),
            container_definitions: vec![ecs::ContainerDefinition {
                name: Some(sample()),
                image: Some(sample()),
                memory: Some(64),
                ..Default::default()
            }],
            network_mode: self.rich.then_some(ecs::NetworkMode::Awsvpc),
            requires_compatibilities: self.rich.then(|| vec![ecs::Compatibility::Fargate]),
            cpu: self.rich.then(|| "256".to_owned()),
            memory: self.rich.then(|| "512".to_owned()),
            tags: Some(tags),
            ..Default::default()
        });
        self.ok::<secretsmanager::CreateSecret>(secretsmanager::CreateSecretRequest {
            name: sample(),
            secret_string: Some("s".into()),
            kms_key_id: self.customer_key(),
            client_request_token: Some("00000000-0000-0000-0000-000000000000".to_owned()),
            tags: Some(vec![secretsmanager::Tag {
                key: Some("team".to_owned()),
                value: Some("a".to_owned()),
            }]),
            ..Default::default()
        });
        self.ok::<ssm::PutParameter>(ssm::PutParameterRequest {
            name: sample(),
            value: "s".into(),
            r#type: Some(ssm::ParameterType::SecureString),
            key_id: self.customer_key(),
            tags: Some(vec![ssm::Tag { key: "team".to_owned(), value: "a".to_owned() }]),
            ..Default::default()
        });
        self.ok::<ssm::PutParameter>(ssm::PutParameterRequest {
            name: "/sample/below".to_owned(),
            value: "s".into(),
            r#type: Some(ssm::ParameterType::SecureString),
            key_id: self.customer_key(),
            ..Default::default()
        });
        self.ok::<logs::CreateLogGroup>(logs::CreateLogGroupRequest {
            log_group_name: sample(),
            tags: Some(Entries(vec![("team".to_owned(), "a".to_owned())])),
            ..Default::default()
        });
        self.ok::<lightsail::CreateContainerService>(lightsail::CreateContainerServiceRequest {
            service_name: sample(),
            power: lightsail::ContainerServicePowerName::Nano,
            scale: 1,
            private_registry_access: Some(lightsail::PrivateRegistryAccessRequest {
                ecr_image_puller_role: Some(lightsail::ContainerServiceECRImagePullerRoleRequest {
                    is_active: Some(true),
                }),
            }),
            tags: Some(vec![lightsail::Tag { key: Some("team".to_owned()), value: Some("a".to_owned()) }]),
            ..Default::default()
        });
        self.installation.clock.advance_seconds(3);
        lightsail_service::reconcile(self.installation(), &HealthBoard::default());
        self.ok::<lightsail::CreateCertificate>(lightsail::CreateCertificateRequest {
            certificate_name: sample(),
            domain_name: "example.com".to_owned(),
            ..Default::default()
        });
        self.ok::<ecr::CreateRepository>(ecr::CreateRepositoryRequest {
            repository_name: sample(),
            tags: Some(vec![ecr::Tag { key: "team".to_owned(), value: "a".to_owned() }]),
            ..Default::default()
        });
    }
}

/// Makes a user who may do everything in an account.
fn user(installation: &TestInstallation, account: &AccountId, name: &str) -> Caller {
    let root = caller(Principal::root(account));
    let create = api::CreateUserRequest { user_name: name.to_owned(), ..Default::default() };
    let made = installation.call.call::<api::CreateUser>(&root, create).result.unwrap().user.unwrap();
    let attach = api::AttachUserPolicyRequest {
        user_name: name.to_owned(),
        policy_arn: "arn:aws:iam::aws:policy/AdministratorAccess".to_owned(),
    };
    installation.call.call::<api::AttachUserPolicy>(&root, attach).result.unwrap();
    caller(Principal::user(made.arn.parse().unwrap(), account, made.user_id))
}
