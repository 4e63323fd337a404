//! What each kind of step asks of the services.

use landfall_acs::{ContainerSheet, RegistryCredential};
use landfall_api::logs::{self, CreateLogGroupRequest, CreateLogStreamRequest};
use landfall_api::secretsmanager::{self as secrets, GetSecretValueRequest, GetSecretValueResponse};
use landfall_api::{ecr, ssm};
use landfall_base::{AccountId, Sensitive};
use landfall_shape::ServiceError;
use serde_json::Value;

use super::advice::{CurrentVersion, example, put_secret};
use super::circumstances::{is_credential, json_keys, wanted_keys};
use super::execute::{Run, Taken};
use super::json::{self, Document};
use super::log_destination::is_name_option;
use super::mend::{Mend, mended};
use super::plan::{ContainerFiles, S3Object, Step, Target, TargetKind, WantedParameter, Work};
use super::problem::{EnvFileProblem, Problem};
use super::value_from::SecretReference;
use super::{credential, env_file, go};
use crate::ec2::{Service, Way};
use crate::ecr::layer_bucket;
use crate::ecr::pull_through::{self, Fetched, Refused, Why};
use crate::ecr::registry::token_through;
use crate::ecs::image_host::EcrImage;
use crate::ecs::rules::log_lines;
use crate::pipe::{Caller, CheckRecord, Failure, Outcome, Unsaid};
use crate::s3;
use crate::snapshot::NOT_ASKED;

/// What a pull accepts: single images and indexes.
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

impl Run<'_> {
    pub(super) fn work(&mut self, caller: &Caller, step: &Step) -> Taken {
        match &step.work {
            Work::AssumeRole { .. } | Work::AssumeTaskRole { .. } | Work::AssumeInstanceRole(_) => {
                Taken::new(Vec::new(), Ok(()))
            }
            Work::RegistryCredential { parameter } => self.registry_credential(caller, step, parameter),
            Work::Secret { reference: None, .. } => Taken::failed(Problem::MalformedArn),
            Work::Secret { reference: Some(reference), targets, .. } => {
                self.secret(caller, step, reference, targets)
            }
            Work::EcrToken { registry } => self.ecr_token(caller, step, registry),
            Work::EcrImage(image) => self.ecr_image(caller, step, image),
            Work::Parameters(wanted) => self.parameters(caller, wanted),
            Work::BucketLocation { bucket, .. } => self.bucket_location(caller, step, bucket),
            Work::EnvironmentFile { bucket, key } => self.environment_file(caller, step, bucket, key),
            Work::LogStream { .. } | Work::LogGroup { .. } if self.is_named_by_unknown_secrets(step) => {
                let note = format!("{NOT_ASKED}whether the log group is there that a secret names");
                Taken::new(Vec::new(), Ok(())).noting(vec![note])
            }
            Work::LogStream { group, stream, create_group } => match self.check_log_options(step) {
                Ok(()) => {
                    let notes = self.unknown_log_options(step);
                    self.log_stream(caller, group, stream, *create_group).noting(notes)
                }
                Err(problem) => Taken::failed(problem),
            },
            Work::LogGroup { group } => self.log_group(caller, group),
        }
    }

    fn registry_credential(&mut self, caller: &Caller, step: &Step, parameter: &str) -> Taken {
        let asked = GetSecretValueRequest { secret_id: parameter.to_owned(), ..Default::default() };
        let Outcome { result, checks } = self.calls.call::<secrets::GetSecretValue>(caller, asked.clone());
        let secret = match result {
            Ok(secret) => secret,
            Err(error) => {
                let mut taken = Taken::new(checks, Err(Problem::Refused(error)));
                match self.read_instead(caller, asked, &taken) {
                    Some(Ok(secret)) => {
                        let finding = credential::read(text_of(&secret));
                        taken.mends = finding.mends;
                        taken.beside = finding.result.err().map(Problem::Credential);
                        return taken.noting(finding.notes);
                    }
                    Some(Err(error)) => taken.beside = Some(Problem::Refused(error)),
                    None => {}
                }
                return taken;
            }
        };
        let finding = credential::read(text_of(&secret));
        let result = finding.result.map_err(Problem::Credential);
        let replace = Some(put_secret(step, &example(&wanted_keys(self.plan, step))));
        let result = result
            .map(|credential| self.give_credential(step, &RegistryCredential { replace, ..credential }));
        let mut taken = Taken::new(checks, result).noting(finding.notes);
        taken.mends = finding.mends;
        taken
    }

    /// Who only looks, where the role was refused: what is missing is missing for everybody.
    fn reader_of_refused(&self, caller: &Caller, taken: &Taken) -> Option<Caller> {
        let reader = self.reader?;
        taken.checks.iter().find(|check| !check.allowed)?;
        Some(reader.in_region(&caller.region).without_saying(caller.unsaid.clone()))
    }

    /// Who only looks may know the content of a secret that the role may not read, if he may read it; and that there is
    /// none.
    fn read_instead(
        &self,
        caller: &Caller,
        asked: GetSecretValueRequest,
        taken: &Taken,
    ) -> Option<Result<GetSecretValueResponse, ServiceError>> {
        let reader = self.reader?;
        taken.checks.iter().find(|check| !check.allowed)?;
        let asked = self.calls.call::<secrets::GetSecretValue>(&reader.in_region(&caller.region), asked);
        match asked.result {
            Err(error) if error.code != "ResourceNotFoundException" => None,
            result => Some(result),
        }
    }

    fn give_credential(&mut self, step: &Step, credential: &RegistryCredential) {
        let named = |sheet: &&mut ContainerSheet| step.containers.contains(&sheet.name);
        for sheet in self.sheets.iter_mut().filter(named) {
            sheet.registry = Some(credential.clone());
        }
    }

    fn give(&mut self, targets: &[Target], value: &Sensitive<String>) -> Result<(), Problem> {
        fits(targets, value)?;
        for Target { container, name, kind } in targets {
            match kind {
                TargetKind::Variable => {
                    if let Some(sheet) = self.sheets.iter_mut().find(|sheet| sheet.name == *container) {
                        sheet.environment.push((name.clone(), value.clone()));
                    }
                }
                TargetKind::LogOption => {
                    self.log_options
                        .entry(container.clone())
                        .or_default()
                        .push((name.clone(), value.clone()));
                }
            }
        }
        Ok(())
    }

    fn secret(
        &mut self,
        caller: &Caller,
        step: &Step,
        reference: &SecretReference,
        targets: &[Target],
    ) -> Taken {
        let asked = value_request(reference);
        let Outcome { result, checks } = self.calls.call::<secrets::GetSecretValue>(caller, asked.clone());
        let mut taken = match result {
            Ok(secret) => {
                let notes = credential::keys_of(text_of(&secret)).filter(|_| reference.json_key.is_some());
                let value = value_of(&secret, reference, self.is_fargate());
                let result = value.and_then(|value| self.give(targets, &value));
                let mut taken = Taken::new(checks, result).noting(notes.into_iter().collect());
                (taken.mends, taken.anew) = self.adding(&secret, step, reference);
                taken
            }
            Err(error) => Taken::new(checks, Err(Problem::Refused(error))),
        };
        let mut reader = None;
        match self.read_instead(caller, asked, &taken) {
            Some(Ok(secret)) => {
                let value = value_of(&secret, reference, self.is_fargate());
                taken.beside = value.and_then(|value| fits(targets, &value)).err();
                (taken.mends, taken.anew) = self.adding(&secret, step, reference);
                reader = self.reader;
            }
            Some(Err(error)) => taken.beside = Some(Problem::Refused(error)),
            None => {}
        }
        if taken.result.is_err() && reference.names_version() {
            let caller = reader.map_or_else(|| caller.clone(), |reader| reader.in_region(&caller.region));
            taken.current = self.current_version(&caller, step, reference);
        }
        taken.noting(named(targets))
    }

    /// Whether a reference without its version would do. A look that leaves nothing behind.
    fn current_version(
        &self,
        caller: &Caller,
        step: &Step,
        reference: &SecretReference,
    ) -> Option<CurrentVersion> {
        let reference = reference.current();
        let asked = self.calls.dry().call::<secrets::GetSecretValue>(caller, value_request(&reference));
        let secret = asked.result.ok()?;
        let holds = value_of(&secret, &reference, self.is_fargate()).is_ok();
        Some(CurrentVersion { holds, mends: self.adding(&secret, step, &reference).0 })
    }

    /// What makes a secret hold the JSON keys that its steps want, and whether it has to be written anew. Where it is a registry
    /// credential, too, that is mended first: a key that only has another name there is not to be added.
    fn adding(
        &self,
        secret: &GetSecretValueResponse,
        step: &Step,
        wanted: &SecretReference,
    ) -> (Vec<Mend>, bool) {
        let Some(text) = text_of(secret) else { return (Vec::new(), false) };
        let credential = is_credential(self.plan, step).then(|| mended(text));
        let (mut mends, better) = match credential {
            Some(None) => return (Vec::new(), true),
            Some(Some((mends, better))) => (mends, better),
            None => (Vec::new(), text.into()),
        };
        let lacks = |keys: &[&str]| Mend::add(better.expose(), keys);
        let own = wanted.json_key.as_deref().and_then(|key| lacks(&[key]));
        mends.extend(own.and_then(|own| lacks(&json_keys(self.plan, step)).or(Some(own))));
        (mends, false)
    }

    /// Values are found by what was asked for: a parameter is called by its name or by its ARN, with or without a version
    /// or label.
    fn parameters(&mut self, caller: &Caller, wanted: &[WantedParameter]) -> Taken {
        let names = wanted.iter().map(|it| it.value_from.clone()).collect();
        let asked = ssm::GetParametersRequest { names, with_decryption: Some(true) };
        let Outcome { result, checks } = self.calls.call::<ssm::GetParameters>(caller, asked.clone());
        let notes: Vec<String> = wanted.iter().flat_map(|it| named(&it.targets)).collect();
        let answer = match result {
            Ok(answer) => answer,
            Err(error) => {
                let mut taken = Taken::new(checks, Err(Problem::Refused(error))).noting(notes);
                taken.beside = self.missing_beside(caller, asked, &taken);
                return taken;
            }
        };
        let mut invalid = answer.invalid_parameters.unwrap_or_default();
        let found = answer.parameters.unwrap_or_default();
        let mut unfit = None;
        for parameter in wanted {
            let value = found.iter().find(|it| is_called(it, &parameter.value_from));
            match value.and_then(|it| it.value.as_ref()) {
                Some(value) => unfit = unfit.or(self.give(&parameter.targets, value).err()),
                None if invalid.contains(&parameter.value_from) => {}
                None => invalid.push(parameter.value_from.clone()),
            }
        }
        let result = match unfit {
            _ if !invalid.is_empty() => Err(Problem::InvalidParameters(invalid)),
            Some(problem) => Err(problem),
            None => Ok(()),
        };
        Taken::new(checks, result).noting(notes)
    }

    /// Parameters that are missing beside those that the role may not read.
    fn missing_beside(
        &self,
        caller: &Caller,
        asked: ssm::GetParametersRequest,
        taken: &Taken,
    ) -> Option<Problem> {
        let reader = self.reader?.in_region(&caller.region);
        taken.checks.iter().find(|check| !check.allowed)?;
        let asked = ssm::GetParametersRequest { with_decryption: Some(false), ..asked };
        let answer = self.calls.call::<ssm::GetParameters>(&reader, asked).result.ok()?;
        answer.invalid_parameters.filter(|names| !names.is_empty()).map(Problem::InvalidParameters)
    }

    /// The container agent asks where the bucket lies before it fetches from there.
    fn bucket_location(&self, caller: &Caller, step: &Step, bucket: &str) -> Taken {
        let Outcome { result, checks } = s3::get_bucket_location(self.calls.installation(), caller, bucket);
        let notes = result.as_ref().map(|region| format!("`{bucket}` is in {region}")).ok();
        let taken = Taken::new(checks, result.map(drop).map_err(Problem::Refused));
        self.or_in_new_bucket(caller, step, "GetBucketLocation", taken.noting(notes.into_iter().collect()))
    }

    /// S3 tells everybody that a bucket is not there. Who only looks tells beside that what the role may not do once it is.
    fn or_in_new_bucket(&self, caller: &Caller, step: &Step, operation: &'static str, taken: Taken) -> Taken {
        let (Work::BucketLocation { bucket, key } | Work::EnvironmentFile { bucket, key }) = &step.work
        else {
            return taken;
        };
        let missing = matches!(&taken.result, Err(Problem::Refused(error)) if error.code == "NoSuchBucket");
        let by_role = self.reader.is_some() && !self.is_asked_by_the_reader(step);
        if !missing || !by_role || !s3::names::is_bucket_name(bucket) {
            return taken;
        }
        let asked = s3::would_be_allowed(self.calls.installation(), caller, operation, (bucket, key));
        match asked.result {
            Ok(()) => taken,
            Err(error) => Taken {
                beside: taken.result.err(),
                notes: taken.notes,
                ..Taken::new(asked.checks, Err(Problem::Refused(error)))
            },
        }
    }

    /// The trace tells how many variables there are and not their names: a line that is no variable at all may look like
    /// one, as the end of a key in Base64 does.
    fn environment_file(&mut self, caller: &Caller, step: &Step, bucket: &str, key: &str) -> Taken {
        let installation = self.calls.installation();
        let Outcome { result, checks } =
            s3::get_object_for(installation, caller, bucket, key, env_file::LARGEST);
        let variables = read_file(result);
        let notes = variables.as_ref().map(|variables| format!("{} variables", variables.len())).ok();
        let object = S3Object { bucket: bucket.to_owned(), key: key.to_owned() };
        let result = variables.map(|variables| drop(self.files.insert(object, variables)));
        let mut taken = Taken::new(checks, result).noting(notes.into_iter().collect());
        taken.beside = self.file_beside(caller, &taken, bucket, key);
        self.or_in_new_bucket(caller, step, "GetObject", taken)
    }

    /// What is wrong with a file that the role may not read.
    fn file_beside(&self, caller: &Caller, taken: &Taken, bucket: &str, key: &str) -> Option<Problem> {
        let reader = self.reader_of_refused(caller, taken)?;
        let installation = self.calls.installation();
        let read = s3::get_object_for(installation, &reader, bucket, key, env_file::LARGEST).result;
        let of_content = |problem: &Problem| match problem {
            Problem::Refused(error) => matches!(error.code, "NoSuchKey" | "NoSuchBucket"),
            _ => true,
        };
        read_file(read).err().filter(of_content)
    }

    /// Behind the secrets, which count before files. Each container has an order of its own.
    pub(super) fn give_files(&mut self) {
        for ContainerFiles { container, files } in &self.plan.files {
            let Some(sheet) = self.sheets.iter_mut().find(|sheet| sheet.name == *container) else { continue };
            for variables in files.iter().filter_map(|file| self.files.get(file)) {
                env_file::add(&mut sheet.environment, variables);
            }
        }
    }

    fn ecr_token(&mut self, caller: &Caller, step: &Step, registry: &AccountId) -> Taken {
        let asked = ecr::GetAuthorizationTokenRequest { registry_ids: Some(vec![registry.to_string()]) };
        let Outcome { result, checks } = self.calls.call::<ecr::GetAuthorizationToken>(caller, asked);
        let way = self.way(&caller.region, Service::EcrRegistry).ok().flatten();
        let token = result.map_err(Problem::Refused).and_then(|answer| {
            let data = answer.authorization_data.unwrap_or_default();
            let token = data.into_iter().find_map(|data| data.authorization_token);
            token.as_deref().and_then(credential::of_token).ok_or_else(|| {
                Problem::Refused(ServiceError::client("ServerException", "the registry gave no token"))
            })
        });
        let result = token.map(|credential| {
            let credential = self.with_way(credential, way);
            self.give_credential(step, &credential);
        });
        Taken::new(checks, result)
    }

    /// The registry learns from the credential how the task's pulls come.
    fn with_way(&self, credential: RegistryCredential, way: Option<Way>) -> RegistryCredential {
        let Some(way) = way else { return credential };
        let vault = &self.calls.installation().vault;
        match token_through(vault, &credential.password, way) {
            Ok(Some(password)) => RegistryCredential { password, ..credential },
            Ok(None) => credential,
            Err(error) => {
                tracing::error!(%error, "the way of a task's pulls was not noted");
                credential
            }
        }
    }

    /// As a pull asks: the manifest, and of an index the one of an image too; then where a layer can be had.
    fn ecr_image(&mut self, caller: &Caller, step: &Step, image: &EcrImage) -> Taken {
        let mut checks = Vec::new();
        let result = self.find_in_ecr(caller, image, &mut checks);
        let address = image.address(&self.calls.installation().registry);
        let named = |sheet: &&mut ContainerSheet| step.containers.contains(&sheet.name);
        let manifest = result.as_ref().ok().and_then(|found| found.as_ref()?.1.clone());
        for sheet in self.sheets.iter_mut().filter(named) {
            sheet.image = Some(address.clone());
            sheet.manifest.clone_from(&manifest);
        }
        let notes = result.as_ref().ok().map(|found| match found {
            Some((digest, _)) => format!("is {digest}"),
            None => format!("{NOT_ASKED}whether the upstream registry has `{}`", image.image),
        });
        Taken::new(checks, result.map(drop)).noting(notes.into_iter().collect())
    }

    /// The image's digest, and the manifest for this machine.
    fn find_in_ecr(
        &self,
        caller: &Caller,
        image: &EcrImage,
        checks: &mut Vec<CheckRecord>,
    ) -> Result<Option<(String, Option<String>)>, Problem> {
        match self.through_the_cache(caller, image, image.reference(), checks)? {
            Fetched::No => {}
            Fetched::Dry(digest) => return Ok(Some((digest, None))),
            Fetched::NotAsked => return Ok(None),
        }
        let id = ecr::ImageIdentifier { image_digest: image.digest.clone(), image_tag: image.tag.clone() };
        let (digest, mut manifest) = self.manifest(caller, image, id, checks)?;
        if let Some(child) = child_of(&manifest) {
            if self.through_the_cache(caller, image, &child, checks)? == Fetched::NotAsked {
                return Ok(Some((digest, None)));
            }
            let id = ecr::ImageIdentifier { image_digest: Some(child), image_tag: None };
            (_, manifest) = self.manifest(caller, image, id, checks)?;
        }
        let layer = manifest.pointer("/layers/0/digest").or_else(|| manifest.pointer("/config/digest"));
        let Some(layer) = layer.and_then(Value::as_str) else { return Ok(Some((digest, None))) };
        let asked = ecr::GetDownloadUrlForLayerRequest {
            registry_id: Some(image.account.to_string()),
            repository_name: image.repository.clone(),
            layer_digest: layer.to_owned(),
        };
        let answer = self.calls.call::<ecr::GetDownloadUrlForLayer>(caller, asked);
        checks.extend(answer.checks);
        answer.result.map_err(|error| Problem::NoLayer { digest: layer.to_owned(), error })?;
        self.ask_bucket(image, layer, checks)?;
        Ok(Some((digest, Some(manifest.to_string()))))
    }

    /// On AWS layers come from S3: where the task's VPC has an endpoint for it, that has to let them through.
    fn ask_bucket(
        &self,
        image: &EcrImage,
        layer: &str,
        checks: &mut Vec<CheckRecord>,
    ) -> Result<(), Problem> {
        let internal = |failure: Failure| Problem::Refused(failure.into_service_error("ecr"));
        let Some(way) = self.way(&image.region, Service::S3).map_err(internal)? else { return Ok(()) };
        match layer_bucket::check(self.calls.installation(), &image.region, way, checks) {
            Ok(()) => Ok(()),
            Err(Failure::Service(_)) => {
                Err(Problem::LayerAtS3 { address: layer_bucket::address(&image.region, layer) })
            }
            Err(failure) => Err(internal(failure)),
        }
    }

    /// An image of the pull-through cache is fetched first, if that has to be. Of a dry run nothing remains: the digest that
    /// it would have is the answer, and there is nothing more to ask here.
    fn through_the_cache(
        &self,
        caller: &Caller,
        image: &EcrImage,
        reference: &str,
        checks: &mut Vec<CheckRecord>,
    ) -> Result<Fetched, Problem> {
        let (installation, dry) = (self.calls.installation(), self.calls.is_dry());
        let key = (image.account.clone(), image.region.clone(), image.repository.clone());
        let caller = caller.in_region(&image.region);
        pull_through::for_task(installation, &caller, &key, reference, dry, checks).map_err(|refused| {
            match refused {
                Refused::ByIam(error) => Problem::Refused(error),
                Refused::ByUpstream(missed) if missed.why == Why::NotFound => {
                    Problem::NoImage(missed.said.message)
                }
                Refused::ByUpstream(missed) => Problem::Upstream(missed),
            }
        })
    }

    /// An image's digest and manifest.
    fn manifest(
        &self,
        caller: &Caller,
        image: &EcrImage,
        id: ecr::ImageIdentifier,
        checks: &mut Vec<CheckRecord>,
    ) -> Result<(String, Value), Problem> {
        let asked = ecr::BatchGetImageRequest {
            registry_id: Some(image.account.to_string()),
            repository_name: image.repository.clone(),
            image_ids: vec![id],
            accepted_media_types: Some(MANIFESTS.iter().map(|&it| it.to_owned()).collect()),
        };
        let answer = self.calls.call::<ecr::BatchGetImage>(caller, asked);
        checks.extend(answer.checks);
        let answer = answer.result.map_err(Problem::Refused)?;
        let Some(found) = answer.images.unwrap_or_default().into_iter().next() else {
            return Err(no_image(answer.failures.unwrap_or_default().into_iter().next()));
        };
        let digest = found.image_id.and_then(|id| id.image_digest).unwrap_or_default();
        let manifest = found.image_manifest.and_then(|text| serde_json::from_str(&text).ok());
        Ok((digest, manifest.unwrap_or_default()))
    }

    /// What came from secrets was not checked when the definition was registered. The driver's words quote a value, which
    /// nobody is to read.
    fn check_log_options(&self, step: &Step) -> Result<(), Problem> {
        if !self.unknown_log_options(step).is_empty() {
            return Ok(());
        }
        let Some(configuration) = self.log_configuration(step) else { return Ok(()) };
        let Err(mut wrong) = log_lines::check_driver(&configuration, self.plan.drops_log_lines) else {
            return Ok(());
        };
        let options = step.containers.first().and_then(|name| self.log_options.get(name));
        let from_secret = options.into_iter().flatten().any(|(name, _)| *name == wrong.name);
        if from_secret {
            wrong.value = Unsaid::MASK.to_owned();
        }
        Err(Problem::LogOption { wrong, from_secret })
    }

    /// A snapshot has no values that the driver could be asked about.
    fn unknown_log_options(&self, step: &Step) -> Vec<String> {
        let from_secrets = step.containers.iter().any(|name| self.log_options.contains_key(name));
        let unknown = self.calls.installation().origin.is_some() && from_secrets;
        let note = || format!("{NOT_ASKED}whether the log driver takes the options that come from secrets");
        unknown.then(note).into_iter().collect()
    }

    /// Nor names that could be looked up.
    fn is_named_by_unknown_secrets(&self, step: &Step) -> bool {
        let names = |container| {
            let options = self.log_options.get(container).into_iter().flatten();
            options.map(|(name, _)| name.as_str()).any(is_name_option)
        };
        self.calls.installation().origin.is_some() && step.containers.iter().any(names)
    }

    fn log_stream(&mut self, caller: &Caller, group: &str, stream: &str, create_group: bool) -> Taken {
        let asked =
            CreateLogStreamRequest { log_group_name: group.to_owned(), log_stream_name: stream.to_owned() };
        let Outcome { result, checks } = self.calls.call::<logs::CreateLogStream>(caller, asked.clone());
        let again = std::mem::take(&mut self.group_missing);
        let mut taken = existing_is_fine(result.map(drop), checks);
        if let Some(reader) = self.reader_of_refused(caller, &taken)
            && let Err(error) = self.calls.call::<logs::CreateLogStream>(&reader, asked).result
            && error.code == "ResourceNotFoundException"
            && !again
        {
            self.group_missing = create_group;
            taken.beside = (!create_group).then_some(Problem::Refused(error));
        }
        let missing = matches!(&taken.result,
            Err(Problem::Refused(error)) if error.code == "ResourceNotFoundException");
        if missing && create_group {
            self.group_missing = true;
            taken.notes.push(
                "the log group does not exist; `awslogs-create-group` is set: it is created".to_owned(),
            );
            taken.result = Ok(());
        } else if missing && again && self.calls.is_dry() {
            taken.notes.push("the log group would have been created".to_owned());
            taken.result = Ok(());
        }
        taken
    }

    fn log_group(&mut self, caller: &Caller, group: &str) -> Taken {
        let asked = CreateLogGroupRequest { log_group_name: group.to_owned(), ..Default::default() };
        let Outcome { result, checks } = self.calls.call::<logs::CreateLogGroup>(caller, asked);
        existing_is_fine(result.map(drop), checks)
    }
}

/// The image of an index that stands for the others here: the one for this machine, or the first.
fn child_of(manifest: &Value) -> Option<String> {
    let all = manifest["manifests"].as_array()?;
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let fits =
        |it: &&Value| it["platform"]["architecture"] == architecture && it["platform"]["os"] == "linux";
    let chosen = all.iter().find(fits).or(all.first())?;
    chosen["digest"].as_str().map(str::to_owned)
}

fn read_file(
    result: Result<Sensitive<Vec<u8>>, ServiceError>,
) -> Result<Vec<(String, Sensitive<String>)>, Problem> {
    let variables =
        result.map_err(unread).and_then(|bytes| env_file::read(bytes.expose()).map_err(Problem::EnvFile))?;
    match variables.iter().find(|(name, value)| name.contains('\0') || value.expose().contains('\0')) {
        Some((name, _)) => Err(Problem::zero_byte(name)),
        None => Ok(variables),
    }
}

/// A log driver takes every text, a program's environment does not.
fn fits(targets: &[Target], value: &Sensitive<String>) -> Result<(), Problem> {
    let zero = value.expose().contains('\0');
    let variable = targets.iter().find(|it| zero && it.kind == TargetKind::Variable);
    variable.map_or(Ok(()), |it| Err(Problem::zero_byte(&it.name)))
}

/// Why a file was not read. S3's words for what is too large are about uploads.
fn unread(error: ServiceError) -> Problem {
    match error.code {
        "EntityTooLarge" => Problem::EnvFile(EnvFileProblem::TooLarge),
        _ => Problem::Refused(error),
    }
}

fn named(targets: &[Target]) -> Vec<String> {
    let text = |target: &Target| match target.kind {
        TargetKind::Variable => format!("`{}` of `{}`", target.name, target.container),
        TargetKind::LogOption => format!("log option `{}` of `{}`", target.name, target.container),
    };
    targets.iter().map(text).collect()
}

/// Whether a parameter is the one that was asked for.
fn is_called(parameter: &ssm::Parameter, wanted: &str) -> bool {
    let selector = parameter.selector.as_deref().unwrap_or_default();
    let names = [parameter.name.as_deref(), parameter.arn.as_deref()];
    names.into_iter().flatten().any(|name| {
        name == wanted
            || wanted.strip_prefix(name).is_some_and(|rest| rest == selector)
            || wanted
                .strip_suffix(name)
                .is_some_and(|rest| rest.ends_with(":parameter") || rest.ends_with(":parameter/"))
    })
}

fn existing_is_fine(result: Result<(), ServiceError>, checks: Vec<CheckRecord>) -> Taken {
    match result {
        Err(error) if error.code == "ResourceAlreadyExistsException" => {
            Taken::new(checks, Ok(())).noting(vec!["it exists already".to_owned()])
        }
        result => Taken::new(checks, result.map_err(Problem::Refused)),
    }
}

fn text_of(secret: &GetSecretValueResponse) -> Option<&str> {
    secret.secret_string.as_ref().map(|text| text.expose().as_str())
}

fn value_request(reference: &SecretReference) -> GetSecretValueRequest {
    GetSecretValueRequest {
        secret_id: reference.secret_id.clone(),
        version_id: reference.version_id.clone(),
        version_stage: reference.version_stage.clone(),
    }
}

fn missing_key(key: &str, members: &[(String, &serde_json::value::RawValue)]) -> Problem {
    let meant = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    Problem::MissingKey { key: key.to_owned(), meant: meant.map(|(name, _)| name.clone()) }
}

/// The value of a secret or of one member of it. A member that is no text is JSON on Fargate; the container agent prints
/// it as Go does.
fn value_of(
    secret: &GetSecretValueResponse,
    wanted: &SecretReference,
    fargate: bool,
) -> Result<Sensitive<String>, Problem> {
    let text = text_of(secret).unwrap_or_default();
    let Some(key) = &wanted.json_key else { return Ok(text.into()) };
    let members = match json::read(text).map_err(Problem::NotJson)? {
        Document::Object(members) => members,
        Document::Null => Vec::new(),
        Document::Other(kind) => return Err(Problem::NotObject(kind)),
    };
    let member = members.iter().rev().find(|(name, _)| name == key);
    let (_, raw) = member.ok_or_else(|| missing_key(key, &members))?;
    let unreadable = |_| Problem::NotJson(json::NotJson::Start);
    match json::kind(raw) {
        "string" => serde_json::from_str::<String>(raw.get()).map(Sensitive::new).map_err(unreadable),
        _ if fargate => Ok(raw.get().into()),
        _ => serde_json::from_str(raw.get()).map(|value| go::text(&value).into()).map_err(unreadable),
    }
}

/// Why `BatchGetImage` has no manifest.
fn no_image(failure: Option<ecr::ImageFailure>) -> Problem {
    let ecr::ImageFailure { failure_code, failure_reason, .. } = failure.unwrap_or_default();
    let reason = failure_reason.unwrap_or_else(|| "Requested image not found".to_owned());
    match failure_code {
        Some(ecr::ImageFailureCode::KmsError) => Problem::Refused(ecr::error::kms_exception(reason)),
        _ => Problem::NoImage(reason),
    }
}
