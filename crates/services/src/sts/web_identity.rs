//! Who comes with a token of an OpenID Connect provider: what the token says, and whether the provider has signed it
//! (IAM User Guide, "OIDC federation").
//!
//! The keys of the provider are fetched by whoever calls [`Token::verify`]: nothing here touches the network.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use landfall_api::sts::error;
use landfall_base::{AccountId, Arn, Region, Timestamp};
use landfall_iam::Principal;
use landfall_shape::ServiceError;
use landfall_store::View;
use serde::Deserialize;
use serde_json::Value;

use crate::iam::record::OidcProvider;
use crate::iam::{host_and_path, oidc_provider};
use crate::pipe::{Caller, Failure};

/// What AWS takes (AWS STS API Reference, `AssumeRoleWithWebIdentity`).
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::ES256, Algorithm::ES384];

const NO_JWT: &str =
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)";

/// A token that was not verified yet, and the provider that should have signed it.
#[derive(Debug)]
pub struct Token {
    text: landfall_base::Sensitive<String>,
    algorithm: Algorithm,
    key_id: Option<String>,
    account: AccountId,
    arn: Arn,
    provider: Arc<OidcProvider>,
}

/// What a token says.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Texts>,
    azp: Option<String>,
    amr: Option<Texts>,
    exp: Option<f64>,
    iat: Option<f64>,
    nbf: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Texts {
    fn all(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Several(texts) => texts,
        }
    }
}

/// Somebody whose token is good.
#[derive(Debug)]
pub struct Verified {
    account: AccountId,
    arn: Arn,
    issuer: String,
    subject: String,
    /// The client that the token was issued for.
    client: String,
    audience: Vec<String>,
    azp: Option<String>,
    methods: Vec<String>,
}

impl Token {
    /// Reads a token that somebody presents for a role, without believing it.
    ///
    /// # Errors
    /// `InvalidIdentityToken` for what is no token, or of a provider that the role's account does not have.
    pub fn read(view: &View, role_arn: &str, text: &str) -> Result<Self, Failure> {
        let no_role = || ServiceError::client("ValidationError", format!("{role_arn} is invalid"));
        let role: Arn = role_arn.parse().map_err(|_| no_role())?;
        let account = role.account_id().filter(|_| role.service() == "iam").ok_or_else(no_role)?;
        let no_jwt = || error::invalid_identity_token_exception(NO_JWT);
        let header = jsonwebtoken::decode_header(text).map_err(|_| no_jwt())?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(no_jwt().into());
        }
        let issuer = unverified_issuer(text).ok_or_else(no_jwt)?;
        let unknown = || {
            let text = format!("No OpenIDConnect provider found in your account for {issuer}");
            error::invalid_identity_token_exception(text)
        };
        let (arn, provider) = oidc_provider(view, &account, &issuer)?.ok_or_else(unknown)?;
        let (algorithm, key_id) = (header.alg, header.kid);
        Ok(Self { text: text.to_owned().into(), algorithm, key_id, account, arn, provider })
    }

    /// The URL of the provider.
    pub fn provider_url(&self) -> &str {
        &self.provider.url
    }

    /// Checks signature, times and audience against the provider's key set.
    ///
    /// # Errors
    /// `InvalidIdentityToken`, `ExpiredTokenException`
    pub fn verify(&self, keys: &[u8], now: Timestamp) -> Result<Verified, ServiceError> {
        let keys: JwkSet = serde_json::from_slice(keys).map_err(|_| no_key())?;
        let key = keys.keys.iter().find(|key| self.key_id.is_none() || key.common.key_id == self.key_id);
        let key = DecodingKey::from_jwk(key.ok_or_else(no_key)?).map_err(|_| no_key())?;
        let mut validation = Validation::new(self.algorithm);
        // Times and audience are checked below, in AWS's words and by our clock.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Claims>(self.text.expose(), &key, &validation);
        let unsigned =
            |_| error::invalid_identity_token_exception("The signature of the ID Token is not valid.");
        self.check(claims.map_err(unsigned)?.claims, now)
    }

    fn check(&self, claims: Claims, now: Timestamp) -> Result<Verified, ServiceError> {
        let missing =
            |name: &str| error::invalid_identity_token_exception(format!("Missing a required claim: {name}"));
        let expires = claims.exp.ok_or_else(|| missing("exp"))?;
        claims.iat.ok_or_else(|| missing("iat"))?;
        let (subject, issuer) =
            (claims.sub.ok_or_else(|| missing("sub"))?, claims.iss.ok_or_else(|| missing("iss"))?);
        let audience = claims.aud.as_ref().map(|aud| aud.all().to_vec()).filter(|aud| !aud.is_empty());
        let audience = audience.ok_or_else(|| missing("aud"))?;
        let seconds = seconds(now);
        if expires <= seconds {
            let text = format!(
                "Token expired: current date/time {seconds:.0} must be before the expiration date/time {expires:.0}"
            );
            return Err(error::expired_token_exception(text));
        }
        if claims.nbf.is_some_and(|begins| begins > seconds) {
            return Err(error::invalid_identity_token_exception("Token is not valid yet."));
        }
        // The party that a token was issued to counts before those that it is for.
        let candidates = claims.azp.as_ref().map_or(audience.as_slice(), std::slice::from_ref);
        let client = candidates.iter().find(|it| self.provider.client_ids.contains(it));
        let client =
            client.ok_or_else(|| error::invalid_identity_token_exception("Incorrect token audience"))?;
        Ok(Verified {
            account: self.account.clone(),
            arn: self.arn.clone(),
            issuer,
            subject,
            client: client.clone(),
            azp: claims.azp.clone(),
            audience,
            methods: claims.amr.map(|amr| amr.all().to_vec()).unwrap_or_default(),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
fn seconds(now: Timestamp) -> f64 {
    now.whole_seconds() as f64
}

fn unverified_issuer(text: &str) -> Option<String> {
    use base64::Engine;
    let payload = text.split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let payload: Value = serde_json::from_slice(&payload).ok()?;
    payload.get("iss")?.as_str().map(str::to_owned)
}

/// The provider's keys cannot be had, or the token's is not among them.
pub fn no_key() -> ServiceError {
    let text = "Couldn't retrieve verification key from your identity provider,  please reference \
                AssumeRoleWithWebIdentity documentation for requirements";
    error::invalid_identity_token_exception(text)
}

impl Verified {
    /// The caller: the provider, with what the token says as condition keys.
    pub fn caller(self, region: Region, like: Caller) -> Caller {
        let host = host_and_path(&self.issuer).to_owned();
        let mut via = like.via.clone();
        let mut key = |name: &str, values: Vec<String>| via.push((format!("{host}:{name}"), values));
        key("sub", vec![self.subject]);
        key("aud", vec![self.client]);
        if let Some(azp) = self.azp {
            key("azp", vec![azp]);
            key("oaud", self.audience);
        }
        if !self.methods.is_empty() {
            key("amr", self.methods);
        }
        key("iss", vec![self.issuer]);
        Caller {
            principal: Principal::web_identity(self.arn.as_str()),
            account: self.account,
            region,
            via,
            ..like
        }
    }
}

/// What a caller's token said, by the name of the claim.
pub(super) fn claim<'a>(caller: &'a Caller, name: &str) -> Option<&'a str> {
    let provider = caller.principal.web_identity_provider()?;
    let host = provider.split_once("oidc-provider/").map_or(provider, |(_, host)| host);
    let found = caller.via.iter().find(|(key, _)| *key == format!("{host}:{name}"));
    found.and_then(|(_, values)| values.first()).map(String::as_str)
}
