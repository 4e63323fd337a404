//! Keys with a public half, and HMAC keys: made, and used. The cryptography is aws-lc's; private keys are PKCS #8.

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};
use landfall_api::kms::{MessageType, error};
use landfall_base::Sensitive;
use landfall_shape::ServiceError;

use super::kind::Spec;
use super::material::random_bytes;
use super::rules::{unavailable, validation};
use crate::pipe::Failure;

/// Makes the secret half of a key. RSA keys take up to a second: never in a transaction.
///
/// # Errors
/// The cryptographic library's.
pub(super) fn new_secret(spec: Spec) -> Result<Sensitive<Vec<u8>>, Failure> {
    match spec {
        Spec::Symmetric | Spec::Hmac256 => Ok(random_bytes(32)),
        Spec::Hmac224 => Ok(random_bytes(28)),
        Spec::Hmac384 => Ok(random_bytes(48)),
        Spec::Hmac512 => Ok(random_bytes(64)),
        Spec::Rsa2048 => rsa_secret(KeySize::Rsa2048),
        Spec::Rsa3072 => rsa_secret(KeySize::Rsa3072),
        Spec::Rsa4096 => rsa_secret(KeySize::Rsa4096),
        Spec::P256 | Spec::P384 | Spec::P521 | Spec::P256K1 => {
            let pair = EcdsaKeyPair::generate(curve(spec)?.0).map_err(Failure::internal)?;
            let der = pair.to_pkcs8v1().map_err(Failure::internal)?;
            Ok(Sensitive::new(der.as_ref().to_vec()))
        }
    }
}

fn rsa_secret(size: KeySize) -> Result<Sensitive<Vec<u8>>, Failure> {
    let pair = RsaKeyPair::generate(size).map_err(Failure::internal)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(Failure::internal)?;
    Ok(Sensitive::new(der.as_ref().to_vec()))
}

type Curve = (&'static EcdsaSigningAlgorithm, &'static dyn VerificationAlgorithm, &'static digest::Algorithm);

fn curve(spec: Spec) -> Result<Curve, Failure> {
    match spec {
        Spec::P256 => Ok((
            &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
            &signature::ECDSA_P256_SHA256_ASN1,
            &digest::SHA256,
        )),
        Spec::P384 => Ok((
            &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            &signature::ECDSA_P384_SHA384_ASN1,
            &digest::SHA384,
        )),
        Spec::P521 => Ok((
            &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            &signature::ECDSA_P521_SHA512_ASN1,
            &digest::SHA512,
        )),
        Spec::P256K1 => Ok((
            &signature::ECDSA_P256K1_SHA256_ASN1_SIGNING,
            &signature::ECDSA_P256K1_SHA256_ASN1,
            &digest::SHA256,
        )),
        _ => Err(Failure::internal("a key is on no curve")),
    }
}

type Padding = (&'static dyn RsaEncoding, &'static dyn VerificationAlgorithm, &'static digest::Algorithm);

fn padding(algorithm: &str) -> Result<Padding, Failure> {
    match algorithm {
        "RSASSA_PSS_SHA_256" => {
            Ok((&signature::RSA_PSS_SHA256, &signature::RSA_PSS_2048_8192_SHA256, &digest::SHA256))
        }
        "RSASSA_PSS_SHA_384" => {
            Ok((&signature::RSA_PSS_SHA384, &signature::RSA_PSS_2048_8192_SHA384, &digest::SHA384))
        }
        "RSASSA_PSS_SHA_512" => {
            Ok((&signature::RSA_PSS_SHA512, &signature::RSA_PSS_2048_8192_SHA512, &digest::SHA512))
        }
        "RSASSA_PKCS1_V1_5_SHA_256" => {
            Ok((&signature::RSA_PKCS1_SHA256, &signature::RSA_PKCS1_2048_8192_SHA256, &digest::SHA256))
        }
        "RSASSA_PKCS1_V1_5_SHA_384" => {
            Ok((&signature::RSA_PKCS1_SHA384, &signature::RSA_PKCS1_2048_8192_SHA384, &digest::SHA384))
        }
        "RSASSA_PKCS1_V1_5_SHA_512" => {
            Ok((&signature::RSA_PKCS1_SHA512, &signature::RSA_PKCS1_2048_8192_SHA512, &digest::SHA512))
        }
        _ => Err(Failure::internal("not an RSA signing algorithm")),
    }
}

/// A private key, ready for use.
enum Private {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Private {
    fn open(spec: Spec, secret: &Sensitive<Vec<u8>>) -> Result<Self, Failure> {
        match spec {
            Spec::Rsa2048 | Spec::Rsa3072 | Spec::Rsa4096 => {
                RsaKeyPair::from_pkcs8(secret.expose()).map(Self::Rsa).map_err(Failure::internal)
            }
            _ => EcdsaKeyPair::from_pkcs8(curve(spec)?.0, secret.expose())
                .map(Self::Ec)
                .map_err(Failure::internal),
        }
    }
}

/// The public half as `SubjectPublicKeyInfo`.
///
/// # Errors
/// The key has none, or the cryptographic library's.
pub(super) fn public_key(spec: Spec, secret: &Sensitive<Vec<u8>>) -> Result<Vec<u8>, Failure> {
    let der: PublicKeyX509Der<'_> = match Private::open(spec, secret)? {
        Private::Rsa(pair) => pair.public_key().as_der().map_err(Failure::internal)?,
        Private::Ec(pair) => pair.public_key().as_der().map_err(Failure::internal)?,
    };
    Ok(der.as_ref().to_vec())
}

/// What is signed: the digest of a message, or a digest as it was given.
///
/// # Errors
/// `ValidationException` for a digest of another length, `UnsupportedOperationException` for other types of message.
pub(super) fn digest_of(
    algorithm: &str,
    kind: Option<&MessageType>,
    message: &[u8],
) -> Result<Digest, ServiceError> {
    let with = match algorithm.rsplit('_').next() {
        Some("384") => &digest::SHA384,
        Some("512") => &digest::SHA512,
        _ => &digest::SHA256,
    };
    match kind {
        None | Some(MessageType::Raw) => Ok(digest::digest(with, message)),
        Some(MessageType::Digest) => Digest::import_less_safe(message, with)
            .map_err(|_| validation(format!("Digest is invalid length for algorithm {algorithm}."))),
        Some(other) => Err(unavailable(&format!("MessageType {}", other.as_str()))),
    }
}

/// Signs a digest. The algorithm is one of the key's.
///
/// # Errors
/// The cryptographic library's.
pub(super) fn sign(
    spec: Spec,
    secret: &Sensitive<Vec<u8>>,
    algorithm: &str,
    digest: &Digest,
) -> Result<Vec<u8>, Failure> {
    match Private::open(spec, secret)? {
        Private::Rsa(pair) => {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign_digest(padding(algorithm)?.0, digest, &mut signature).map_err(Failure::internal)?;
            Ok(signature)
        }
        Private::Ec(pair) => Ok(pair.sign_digest(digest).map_err(Failure::internal)?.as_ref().to_vec()),
    }
}

/// The signature is the key's, for this digest.
///
/// # Errors
/// `KMSInvalidSignatureException`
pub(super) fn verify(
    spec: Spec,
    secret: &Sensitive<Vec<u8>>,
    algorithm: &str,
    digest: &Digest,
    signature: &[u8],
) -> Result<(), Failure> {
    let verified = match Private::open(spec, secret)? {
        Private::Rsa(pair) => {
            padding(algorithm)?.1.verify_digest_sig(pair.public_key().as_ref(), digest, signature)
        }
        Private::Ec(pair) => curve(spec)?.1.verify_digest_sig(pair.public_key().as_ref(), digest, signature),
    };
    verified.map_err(|_| error::kms_invalid_signature_exception("").into())
}

fn oaep(algorithm: &str) -> &'static OaepAlgorithm {
    if algorithm == "RSAES_OAEP_SHA_1" { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 }
}

/// Encrypts a short text with an RSA key's public half.
///
/// # Errors
/// `ValidationException` when it is too long for the key.
pub(super) fn encrypt(
    spec: Spec,
    secret: &Sensitive<Vec<u8>>,
    algorithm: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, Failure> {
    let private = PrivateDecryptingKey::from_pkcs8(secret.expose()).map_err(Failure::internal)?;
    let public = OaepPublicEncryptingKey::new(private.public_key()).map_err(Failure::internal)?;
    let most = public.max_plaintext_size(oaep(algorithm));
    if plaintext.len() > most {
        let spec = spec.as_str();
        let message = format!(
            "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} bytes."
        );
        return Err(validation(message).into());
    }
    let mut bytes = vec![0; public.ciphertext_size()];
    let made = public.encrypt(oaep(algorithm), plaintext, &mut bytes, None).map_err(Failure::internal)?;
    Ok(made.to_vec())
}

/// Decrypts what somebody encrypted with an RSA key's public half.
///
/// # Errors
/// `InvalidCiphertextException`
pub(super) fn decrypt(
    secret: &Sensitive<Vec<u8>>,
    algorithm: &str,
    ciphertext: &[u8],
) -> Result<Sensitive<Vec<u8>>, Failure> {
    let private = PrivateDecryptingKey::from_pkcs8(secret.expose()).map_err(Failure::internal)?;
    let private = OaepPrivateDecryptingKey::new(private).map_err(Failure::internal)?;
    let mut bytes = vec![0; private.min_output_size()];
    let opened = private.decrypt(oaep(algorithm), ciphertext, &mut bytes, None);
    let length = opened.map_err(|_| error::invalid_ciphertext_exception(""))?.len();
    bytes.truncate(length);
    Ok(Sensitive::new(bytes))
}

fn mac_key(secret: &Sensitive<Vec<u8>>, algorithm: &str) -> hmac::Key {
    let algorithm = match algorithm {
        "HMAC_SHA_224" => hmac::HMAC_SHA224,
        "HMAC_SHA_384" => hmac::HMAC_SHA384,
        "HMAC_SHA_512" => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    hmac::Key::new(algorithm, secret.expose())
}

/// The message authentication code of a message.
pub(super) fn mac(secret: &Sensitive<Vec<u8>>, algorithm: &str, message: &[u8]) -> Vec<u8> {
    hmac::sign(&mac_key(secret, algorithm), message).as_ref().to_vec()
}

/// The code is the message's. The comparison takes the same time for all codes.
///
/// # Errors
/// `KMSInvalidMacException`
pub(super) fn verify_mac(
    secret: &Sensitive<Vec<u8>>,
    algorithm: &str,
    message: &[u8],
    mac: &[u8],
) -> Result<(), ServiceError> {
    hmac::verify(&mac_key(secret, algorithm), message, mac).map_err(|_| error::kms_invalid_mac_exception(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2; one key for all hashes.
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = Sensitive::new(b"Jefe".to_vec());
        let codes = [
            ("HMAC_SHA_224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"),
            ("HMAC_SHA_256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                "HMAC_SHA_384",
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                "HMAC_SHA_512",
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd\
                 caeab1a34d4a6b4b636e070a38bce737",
            ),
        ];
        for (algorithm, code) in codes {
            assert_eq!(hex::encode(mac(&key, algorithm, b"what do ya want for nothing?")), code);
        }
    }
}
