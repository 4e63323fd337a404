//! Kinds of keys: what a key is made of, what it is for, and which algorithms that leaves (Developer Guide, "Key spec
//! reference").

use landfall_api::kms::{CreateKeyRequest, CustomerMasterKeySpec, KeySpec, error};
use landfall_shape::ServiceError;
use serde::{Deserialize, Serialize};

use super::rules::{unavailable, validation};

/// `KeySpec`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Spec {
    /// 256 bits for AES-256-GCM.
    #[default]
    #[serde(rename = "SYMMETRIC_DEFAULT")]
    Symmetric,
    /// RSA with 2048 bits.
    #[serde(rename = "RSA_2048")]
    Rsa2048,
    /// RSA with 3072 bits.
    #[serde(rename = "RSA_3072")]
    Rsa3072,
    /// RSA with 4096 bits.
    #[serde(rename = "RSA_4096")]
    Rsa4096,
    /// The curve P-256.
    #[serde(rename = "ECC_NIST_P256")]
    P256,
    /// The curve P-384.
    #[serde(rename = "ECC_NIST_P384")]
    P384,
    /// The curve P-521.
    #[serde(rename = "ECC_NIST_P521")]
    P521,
    /// The curve secp256k1.
    #[serde(rename = "ECC_SECG_P256K1")]
    P256K1,
    /// 224 bits for HMAC.
    #[serde(rename = "HMAC_224")]
    Hmac224,
    /// 256 bits for HMAC.
    #[serde(rename = "HMAC_256")]
    Hmac256,
    /// 384 bits for HMAC.
    #[serde(rename = "HMAC_384")]
    Hmac384,
    /// 512 bits for HMAC.
    #[serde(rename = "HMAC_512")]
    Hmac512,
}

/// `KeyUsage`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Usage {
    /// Encryption, decryption and data keys.
    #[default]
    #[serde(rename = "ENCRYPT_DECRYPT")]
    Encrypt,
    /// Signatures.
    #[serde(rename = "SIGN_VERIFY")]
    Sign,
    /// Message authentication codes.
    #[serde(rename = "GENERATE_VERIFY_MAC")]
    Mac,
}

/// What a key is, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kind {
    /// What it is made of.
    pub spec: Spec,
    /// What it is for.
    pub usage: Usage,
}

const SPECS: [(&str, Spec); 12] = [
    ("SYMMETRIC_DEFAULT", Spec::Symmetric),
    ("RSA_2048", Spec::Rsa2048),
    ("RSA_3072", Spec::Rsa3072),
    ("RSA_4096", Spec::Rsa4096),
    ("ECC_NIST_P256", Spec::P256),
    ("ECC_NIST_P384", Spec::P384),
    ("ECC_NIST_P521", Spec::P521),
    ("ECC_SECG_P256K1", Spec::P256K1),
    ("HMAC_224", Spec::Hmac224),
    ("HMAC_256", Spec::Hmac256),
    ("HMAC_384", Spec::Hmac384),
    ("HMAC_512", Spec::Hmac512),
];

const OAEP: &[&str] = &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"];
const RSA_SIGNATURES: &[&str] = &[
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
];

impl Spec {
    /// AWS's name.
    pub(super) fn as_str(self) -> &'static str {
        SPECS.iter().find(|(_, spec)| *spec == self).map_or("", |(name, _)| name)
    }

    /// By AWS's name; `None` for kinds that are not available.
    pub(super) fn parse(name: &str) -> Option<Self> {
        SPECS.iter().find(|(known, _)| *known == name).map(|(_, spec)| *spec)
    }

    fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }

    /// Whether it has a public half.
    pub(super) fn is_asymmetric(self) -> bool {
        self.is_rsa() || matches!(self, Self::P256 | Self::P384 | Self::P521 | Self::P256K1)
    }

    fn usages(self) -> &'static [Usage] {
        match self {
            Self::Symmetric => &[Usage::Encrypt],
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => &[Usage::Encrypt, Usage::Sign],
            Self::P256 | Self::P384 | Self::P521 | Self::P256K1 => &[Usage::Sign],
            Self::Hmac224 | Self::Hmac256 | Self::Hmac384 | Self::Hmac512 => &[Usage::Mac],
        }
    }
}

impl Usage {
    /// AWS's name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Encrypt => "ENCRYPT_DECRYPT",
            Self::Sign => "SIGN_VERIFY",
            Self::Mac => "GENERATE_VERIFY_MAC",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Encrypt, Self::Sign, Self::Mac].into_iter().find(|usage| usage.as_str() == name)
    }
}

impl Kind {
    /// The kind that a request asks for.
    ///
    /// # Errors
    /// `ValidationException` for what contradicts itself, `UnsupportedOperationException` for what is not available here.
    pub(super) fn asked(input: &CreateKeyRequest) -> Result<Self, ServiceError> {
        let spec = input.key_spec.as_ref().map(KeySpec::as_str);
        let old = input.customer_master_key_spec.as_ref().map(CustomerMasterKeySpec::as_str);
        if let (Some(spec), Some(old)) = (spec, old)
            && spec != old
        {
            let message = "You cannot specify KeySpec and CustomerMasterKeySpec with different values: leave out \
                           CustomerMasterKeySpec, which is deprecated.";
            return Err(validation(message));
        }
        let name = spec.or(old).unwrap_or(Spec::Symmetric.as_str());
        let spec = Spec::parse(name).ok_or_else(|| unavailable(&format!("KeySpec {name}")))?;
        let Some(usage) = &input.key_usage else {
            return if spec == Spec::Symmetric { Ok(Self::default()) } else { Err(no_usage()) };
        };
        let usage = usage.as_str();
        match Usage::parse(usage).filter(|usage| spec.usages().contains(usage)) {
            Some(usage) => Ok(Self { spec, usage }),
            None if usage == "KEY_AGREEMENT" && spec.is_asymmetric() && !spec.is_rsa() => {
                Err(unavailable("KeyUsage KEY_AGREEMENT"))
            }
            None => Err(validation(format!("KeyUsage {usage} is not compatible with KeySpec {name}"))),
        }
    }

    /// Algorithms of `Encrypt` and `Decrypt`.
    pub(super) fn encryption_algorithms(self) -> &'static [&'static str] {
        match (self.usage, self.spec) {
            (Usage::Encrypt, Spec::Symmetric) => &["SYMMETRIC_DEFAULT"],
            (Usage::Encrypt, _) => OAEP,
            _ => &[],
        }
    }

    /// Algorithms of `Sign` and `Verify`.
    pub(super) fn signing_algorithms(self) -> &'static [&'static str] {
        match (self.usage, self.spec) {
            (Usage::Sign, Spec::P256 | Spec::P256K1) => &["ECDSA_SHA_256"],
            (Usage::Sign, Spec::P384) => &["ECDSA_SHA_384"],
            (Usage::Sign, Spec::P521) => &["ECDSA_SHA_512"],
            (Usage::Sign, _) => RSA_SIGNATURES,
            _ => &[],
        }
    }

    /// Algorithms of `GenerateMac` and `VerifyMac`.
    pub(super) fn mac_algorithms(self) -> &'static [&'static str] {
        match self.spec {
            Spec::Hmac224 => &["HMAC_SHA_224"],
            Spec::Hmac256 => &["HMAC_SHA_256"],
            Spec::Hmac384 => &["HMAC_SHA_384"],
            Spec::Hmac512 => &["HMAC_SHA_512"],
            _ => &[],
        }
    }

    /// What a key can be granted for (Developer Guide, "Grant operations").
    pub(super) fn grant_operations(self) -> &'static [&'static str] {
        match (self.usage, self.spec) {
            (Usage::Encrypt, Spec::Symmetric) => &[
                "Decrypt",
                "Encrypt",
                "GenerateDataKey",
                "GenerateDataKeyWithoutPlaintext",
                "GenerateDataKeyPair",
                "GenerateDataKeyPairWithoutPlaintext",
                "ReEncryptFrom",
                "ReEncryptTo",
            ],
            (Usage::Encrypt, _) => &["Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "GetPublicKey"],
            (Usage::Sign, _) => &["Sign", "Verify", "GetPublicKey"],
            (Usage::Mac, _) => &["GenerateMac", "VerifyMac"],
        }
    }

    /// A key of this kind does `operation` with `algorithm`. `arn` is the key's.
    ///
    /// # Errors
    /// `InvalidKeyUsageException`
    pub(super) fn check(
        self,
        arn: &str,
        (usage, operation): (Usage, &str),
        algorithm: &str,
    ) -> Result<(), ServiceError> {
        if self.usage != usage {
            let is = self.usage.as_str();
            let message = format!("{arn} key usage is {is} which is not valid for {operation}.");
            return Err(error::invalid_key_usage_exception(message));
        }
        let algorithms = match usage {
            Usage::Encrypt => self.encryption_algorithms(),
            Usage::Sign => self.signing_algorithms(),
            Usage::Mac => self.mac_algorithms(),
        };
        if algorithms.contains(&algorithm) {
            return Ok(());
        }
        let spec = self.spec.as_str();
        let message = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
        Err(error::invalid_key_usage_exception(message))
    }
}

fn no_usage() -> ServiceError {
    validation("You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.")
}
