//! Log groups under a KMS key: their events are on disk under a data key of it (CloudWatch Logs User Guide, "Encrypt log
//! data in CloudWatch Logs using AWS Key Management Service").
//!
//! The service asks KMS in its own name, so the key policy has to let `logs.<region>.amazonaws.com` in. It is asked for
//! every call: a key that is disabled, deleted or closed shuts its events away at once. An event names its key by
//! position in the group's row, so events stay readable when a group goes over to another key or to none.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall_api::kms::SERVICE as KMS;
use landfall_api::logs::error;
use landfall_base::{Arn, Sensitive};
use landfall_iam::Principal;
use landfall_shape::ServiceError;
use landfall_store::View;

use super::names::GroupName;
use super::record::{GroupKey, LogGroup, LogStream};
use super::view;
use crate::kms::{Cipher, EncryptionContext, ServiceKey};
use crate::pipe::{Caller, Context, Failure, is_allowed};

const SERVICE: &str = "logs";

/// The first byte of an encrypted event. Texts are UTF-8, where it never is.
const ENCRYPTED: u8 = 0xff;

/// Makes the group's new events be under a key. A group that had the key before goes on with the data key that it had.
///
/// # Errors
/// `InvalidParameterException` for what is no key's ARN and for a key that is disabled or on its way out,
/// `AccessDeniedException` for one that is not there or does not let the service in.
pub(super) fn associate(
    cx: &Context<'_>,
    view: &View,
    name: &GroupName,
    row: &mut LogGroup,
    key_id: &str,
) -> Result<(), Failure> {
    let arn: Arn = key_id.parse().map_err(|_| no_key_arn(key_id))?;
    if arn.service() != "kms" || !arn.resource().starts_with("key/") {
        return Err(no_key_arn(key_id).into());
    }
    let key = service_key(cx, view, name, &arn, &["kms:GenerateDataKey", "kms:Decrypt"])?;
    key.usable().map_err(|state| error::invalid_parameter_exception(state.message))?;
    let known = row.keys.iter().position(|known| known.arn == arn);
    let place = match known {
        Some(place) => place,
        None => {
            let made = key.generate_data_key(cx, &context(name))?;
            row.keys.push(GroupKey { arn, data_key: STANDARD.encode(made.ciphertext) });
            row.keys.len() - 1
        }
    };
    row.key = Some(u32::try_from(place).map_err(Failure::internal)?);
    Ok(())
}

fn no_key_arn(key_id: &str) -> ServiceError {
    error::invalid_parameter_exception(format!("`{key_id}` is not the ARN of a KMS key."))
}

/// The encryption context that CloudWatch Logs gives to KMS.
fn context(name: &GroupName) -> EncryptionContext {
    EncryptionContext::from([("aws:logs:arn", name.arn().as_str())])
}

/// A key that lets the service in, for a group.
fn service_key(
    cx: &Context<'_>,
    view: &View,
    name: &GroupName,
    arn: &Arn,
    actions: &[&'static str],
) -> Result<ServiceKey, Failure> {
    let principal = Principal::service(format!("{SERVICE}.{}.amazonaws.com", name.region));
    let caller = Caller::internal(principal, name.account.clone(), name.region.clone());
    let caller = caller.without_saying(cx.caller.unsaid.clone());
    let service = cx.as_caller(&caller);
    let key = ServiceKey::find(&service, view, SERVICE, &name.account, arn.as_str());
    let key = key.map_err(|failure| refused(failure, name))?;
    key.existing().map_err(|failure| refused(failure.into(), name))?;
    for action in actions {
        let permission = key
            .own_permission(&service, action, &context(name))?
            .with("aws:SourceAccount", name.account.as_str())
            .with("aws:SourceArn", name.arn().as_str());
        is_allowed(&service, view, &KMS, &permission).map_err(|failure| refused(failure, name))?;
    }
    Ok(key)
}

/// What KMS refuses, in the one sentence that CloudWatch Logs has for it.
fn refused(failure: Failure, name: &GroupName) -> Failure {
    let Failure::Service(_) = failure else { return failure };
    let text = format!(
        "The specified KMS key does not exist or is not allowed to be used with Arn '{}'",
        name.arn()
    );
    error::access_denied_exception(text).into()
}

/// The data keys of a group: those that KMS opens, and what it says of the others.
#[derive(Debug)]
pub(super) struct GroupKeys(Vec<Result<Sensitive<Vec<u8>>, ServiceError>>);

impl GroupKeys {
    /// Has KMS open the data keys of a group.
    ///
    /// # Errors
    /// A row cannot be read. A key that is refused is no error as long as nothing under it is read or written.
    pub(super) fn of(
        cx: &Context<'_>,
        view: &View,
        name: &GroupName,
        row: &LogGroup,
    ) -> Result<Self, Failure> {
        let opened = row.keys.iter().map(|key| match open(cx, view, name, key) {
            Ok(data_key) => Ok(Ok(data_key)),
            Err(Failure::Service(error)) => Ok(Err(error)),
            Err(failure) => Err(failure),
        });
        Ok(Self(opened.collect::<Result<_, Failure>>()?))
    }

    /// The keys of one stream of the group.
    ///
    /// # Errors
    /// The cryptographic library refuses.
    pub(super) fn of_stream(&self, stream: &LogStream) -> Result<StreamKeys, Failure> {
        let derive = |key: &Result<Sensitive<Vec<u8>>, ServiceError>| match key {
            Ok(key) => Cipher::derived(key, &stream.number.to_be_bytes()).map(Ok),
            Err(error) => Ok(Err(error.clone())),
        };
        Ok(StreamKeys(self.0.iter().map(derive).collect::<Result<_, Failure>>()?))
    }
}

fn open(
    cx: &Context<'_>,
    view: &View,
    name: &GroupName,
    key: &GroupKey,
) -> Result<Sensitive<Vec<u8>>, Failure> {
    let found = service_key(cx, view, name, &key.arn, &["kms:Decrypt"])?;
    let ciphertext = STANDARD.decode(&key.data_key).map_err(Failure::internal)?;
    found.decrypt(cx, &context(name), &ciphertext).map_err(|failure| refused(failure, name))
}

/// The keys of one stream, which has ciphers of its own: one lasts for more events than a stream will have.
#[derive(Debug)]
pub(super) struct StreamKeys(Vec<Result<Cipher, ServiceError>>);

impl StreamKeys {
    fn cipher(&self, number: u32) -> Result<&Cipher, Failure> {
        let cipher = usize::try_from(number).ok().and_then(|number| self.0.get(number));
        let cipher =
            cipher.ok_or_else(|| Failure::internal("an event is under a key that its group never had"))?;
        cipher.as_ref().map_err(|error| error.clone().into())
    }

    /// What is kept of an event: its text, or that encrypted under the key with a number.
    ///
    /// # Errors
    /// KMS refuses the key.
    pub(super) fn payload(&self, key: Option<u32>, message: String) -> Result<Vec<u8>, Failure> {
        let Some(number) = key else { return Ok(message.into_bytes()) };
        let sealed = self.cipher(number)?.seal(message.as_bytes())?;
        let mut payload = Vec::with_capacity(5 + sealed.len());
        payload.push(ENCRYPTED);
        payload.extend_from_slice(&number.to_be_bytes());
        payload.extend_from_slice(&sealed);
        Ok(payload)
    }

    /// An event's text.
    ///
    /// # Errors
    /// KMS refuses the key that the event is under.
    pub(super) fn message(&self, payload: Vec<u8>) -> Result<String, Failure> {
        let Some((&ENCRYPTED, rest)) = payload.split_first() else { return Ok(view::message(payload)) };
        let damaged = || Failure::internal("an encrypted event is too short");
        let (number, sealed) = rest.split_first_chunk().ok_or_else(damaged)?;
        Ok(view::message(self.cipher(u32::from_be_bytes(*number))?.open(sealed)?))
    }
}
