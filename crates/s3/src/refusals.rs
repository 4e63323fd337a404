//! Refusals of callers, in S3's words and with what S3 says beside them. Session tokens are in none of them.

use landfall_base::Timestamp;
use landfall_services::s3::error::{about, access_denied};
use landfall_shape::ServiceError;
use landfall_wire::auth::{AuthFailure, Dialect, auth_error};
use landfall_wire::sigv2::Refusal;
use landfall_wire::sigv4::{Claim, ClaimError, SignatureError};

const SKEW: &str = "900000";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your key and \
                        signing method.";

fn auth(failure: &AuthFailure) -> ServiceError {
    auth_error(failure, Dialect::S3)
}

pub(crate) fn unknown_key(id: &str) -> ServiceError {
    about(auth(&AuthFailure::UnknownKey), "AWSAccessKeyId", id)
}

pub(crate) fn expired_token() -> ServiceError {
    ServiceError { message: "The provided token has expired.".to_owned(), ..auth(&AuthFailure::Expired) }
}

pub(crate) fn of_claim(error: ClaimError) -> ServiceError {
    match error {
        ClaimError::Expires => ServiceError::client(
            "AuthorizationQueryParametersError",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 \
             seconds",
        ),
        error => auth(&error.into()),
    }
}

pub(crate) fn of_scope(error: &SignatureError) -> ServiceError {
    auth(&AuthFailure::from(error.clone()))
}

pub(crate) fn of_signature(claim: &Claim, error: SignatureError, now: Timestamp) -> ServiceError {
    match error {
        SignatureError::PresignedExpired { .. } => {
            let seconds = claim.expires.unwrap_or_default();
            let error = about(expired(), "X-Amz-Expires", seconds.to_string());
            let error = about(error, "Expires", claim.date.plus_seconds(seconds).iso8601());
            about(error, "ServerTime", now.iso8601())
        }
        SignatureError::Expired { signed, .. } | SignatureError::NotYetCurrent { signed, .. } => {
            about(about(skewed(), "RequestTime", signed), "ServerTime", now.iso8601())
        }
        SignatureError::Mismatch { canonical, string_to_sign } => {
            let error = mismatch(&claim.access_key_id, &string_to_sign, &claim.signature);
            about(error, "CanonicalRequest", canonical)
        }
        error => auth(&error.into()),
    }
}

pub(crate) fn of_v2(id: Option<&str>, refusal: Refusal) -> ServiceError {
    let text = refusal.to_string();
    match refusal {
        Refusal::Parameters | Refusal::Date(_) | Refusal::NoDate => {
            ServiceError { message: text, ..access_denied() }
        }
        Refusal::Header => {
            about(ServiceError::client("InvalidArgument", text), "ArgumentName", "Authorization")
        }
        Refusal::Expired { expires, now } => about(about(expired(), "Expires", expires), "ServerTime", now),
        Refusal::Skewed => skewed(),
        Refusal::Mismatch { string_to_sign, provided } => {
            mismatch(id.unwrap_or_default(), &string_to_sign, &provided)
        }
    }
}

fn expired() -> ServiceError {
    ServiceError { message: "Request has expired".to_owned(), ..access_denied() }
}

fn skewed() -> ServiceError {
    let text = "The difference between the request time and the current time is too large.";
    about(ServiceError::with_status("RequestTimeTooSkewed", 403, text), "MaxAllowedSkewMilliseconds", SKEW)
}

fn mismatch(id: &str, string_to_sign: &str, provided: &str) -> ServiceError {
    let error = ServiceError::with_status("SignatureDoesNotMatch", 403, MISMATCH);
    let error = about(error, "AWSAccessKeyId", id);
    about(about(error, "StringToSign", string_to_sign), "SignatureProvided", provided)
}
