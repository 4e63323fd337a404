//! RSA, elliptic curve and HMAC keys, and key pairs.

use super::*;

const MESSAGE: &[u8] = b"text";

fn create(fixture: &Fixture, spec: &str, usage: &str) -> api::KeyMetadata {
    let input = api::CreateKeyRequest {
        key_spec: Some(spec.into()),
        key_usage: Some(usage.into()),
        ..Default::default()
    };
    fixture.root::<api::CreateKey>(input).key_metadata.unwrap()
}

fn sign(key: &str, algorithm: &str, kind: Option<&str>, message: &[u8]) -> api::SignRequest {
    api::SignRequest {
        key_id: key.to_owned(),
        message: Sensitive::new(message.to_vec()),
        message_type: kind.map(Into::into),
        grant_tokens: None,
        signing_algorithm: algorithm.into(),
        dry_run: None,
    }
}

fn verify(key: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> api::VerifyRequest {
    api::VerifyRequest {
        key_id: key.to_owned(),
        message: Sensitive::new(message.to_vec()),
        message_type: None,
        signature: Blob(signature.to_vec()),
        signing_algorithm: algorithm.into(),
        grant_tokens: None,
        dry_run: None,
    }
}

fn mac(key: &str, algorithm: &str, message: &[u8]) -> api::GenerateMacRequest {
    api::GenerateMacRequest {
        message: Sensitive::new(message.to_vec()),
        key_id: key.to_owned(),
        mac_algorithm: algorithm.into(),
        grant_tokens: None,
        dry_run: None,
    }
}

fn pair(code: &str, message: impl Into<String>) -> (String, String) {
    (code.to_owned(), message.into())
}

#[test]
fn every_signing_algorithm_of_every_kind_verifies_and_nothing_else_does() {
    let fixture = Fixture::new();
    for spec in ["RSA_2048", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"] {
        let made = create(&fixture, spec, "SIGN_VERIFY");
        assert_eq!((made.key_spec, made.encryption_algorithms), (Some(spec.into()), None));
        assert_eq!(made.current_key_material_id, None);
        let key = made.arn.unwrap();
        for algorithm in made.signing_algorithms.unwrap() {
            let algorithm = algorithm.as_str();
            let signed = fixture.root::<api::Sign>(sign(&key, algorithm, None, MESSAGE)).signature.unwrap().0;
            let answer = fixture.root::<api::Verify>(verify(&key, algorithm, MESSAGE, &signed));
            assert_eq!(answer.signature_valid, Some(true), "{spec} {algorithm}");
            let invalid = pair("KMSInvalidSignatureException", "");
            assert_eq!(fixture.refused::<api::Verify>(verify(&key, algorithm, b"other", &signed)), invalid);
            let mut changed = signed.clone();
            changed[20] ^= 1;
            assert_eq!(fixture.refused::<api::Verify>(verify(&key, algorithm, MESSAGE, &changed)), invalid);
        }
    }
}

#[test]
fn a_digest_is_signed_as_the_message_that_it_is_of() {
    use aws_lc_rs::digest::{SHA384, digest};
    let fixture = Fixture::new();
    let key = create(&fixture, "ECC_NIST_P384", "SIGN_VERIFY").arn.unwrap();
    let hash = digest(&SHA384, MESSAGE);
    let input = sign(&key, "ECDSA_SHA_384", Some("DIGEST"), hash.as_ref());
    let signed = fixture.root::<api::Sign>(input).signature.unwrap().0;
    fixture.root::<api::Verify>(verify(&key, "ECDSA_SHA_384", MESSAGE, &signed));
    let short = fixture.refused::<api::Sign>(sign(&key, "ECDSA_SHA_384", Some("DIGEST"), b"short"));
    assert_eq!(short, pair("ValidationException", "Digest is invalid length for algorithm ECDSA_SHA_384."));
    let long = fixture.refused::<api::Sign>(sign(&key, "ECDSA_SHA_384", None, &[0; 4097]));
    let message = "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have \
                   length less than or equal to 4096";
    assert_eq!(long, pair("ValidationException", message));
}

#[test]
fn a_dry_run_signs_nothing() {
    let fixture = Fixture::new();
    let key = create(&fixture, "ECC_NIST_P256", "SIGN_VERIFY").arn.unwrap();
    let input = api::SignRequest { dry_run: Some(true), ..sign(&key, "ECDSA_SHA_256", None, MESSAGE) };
    let message = "The request would have succeeded, but the DryRun option is set.";
    assert_eq!(fixture.refused::<api::Sign>(input), pair("DryRunOperationException", message));
}

#[test]
fn keys_do_only_what_they_are_for() {
    let fixture = Fixture::new();
    let symmetric = fixture.key();
    let rsa = create(&fixture, "RSA_2048", "ENCRYPT_DECRYPT").arn.unwrap();
    let curve = create(&fixture, "ECC_NIST_P256", "SIGN_VERIFY").arn.unwrap();
    let code = "InvalidKeyUsageException";
    let sign = |key: &str, algorithm| fixture.refused::<api::Sign>(sign(key, algorithm, None, MESSAGE));
    let usage = |key: &str, usage: &str, operation: &str| {
        pair(code, format!("{key} key usage is {usage} which is not valid for {operation}."))
    };
    assert_eq!(sign(&symmetric, "ECDSA_SHA_256"), usage(&symmetric, "ENCRYPT_DECRYPT", "Sign"));
    assert_eq!(sign(&rsa, "RSASSA_PSS_SHA_256"), usage(&rsa, "ENCRYPT_DECRYPT", "Sign"));
    let other = "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256.";
    assert_eq!(sign(&curve, "ECDSA_SHA_384"), pair(code, other));
    let plain = fixture.refused::<api::Encrypt>(encrypt(&rsa, "v"));
    assert_eq!(plain, pair(code, "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."));
    let on_curve = fixture.refused::<api::Encrypt>(encrypt(&curve, "v"));
    assert_eq!(on_curve, usage(&curve, "SIGN_VERIFY", "Encrypt"));
    let coded = fixture.refused::<api::GenerateMac>(mac(&curve, "HMAC_SHA_256", MESSAGE));
    assert_eq!(coded, usage(&curve, "SIGN_VERIFY", "GenerateMac"));
    let rotation = api::EnableKeyRotationRequest { key_id: rsa.clone(), rotation_period_in_days: None };
    let refused = fixture.refused::<api::EnableKeyRotation>(rotation);
    assert_eq!(refused.0, "UnsupportedOperationException");
    let public = api::GetPublicKeyRequest { key_id: symmetric, grant_tokens: None };
    assert_eq!(fixture.refused::<api::GetPublicKey>(public).0, "UnsupportedOperationException");
}

#[test]
fn kinds_that_contradict_themselves_or_are_not_there() {
    let fixture = Fixture::new();
    let refused = |spec: &str, usage: Option<&str>| {
        fixture.refused::<api::CreateKey>(api::CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: usage.map(Into::into),
            ..Default::default()
        })
    };
    let none = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
    assert_eq!(refused("RSA_2048", None), pair("ValidationException", none));
    assert_eq!(
        refused("ECC_NIST_P256", Some("ENCRYPT_DECRYPT")),
        pair("ValidationException", "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec ECC_NIST_P256")
    );
    assert_eq!(
        refused("SM2", Some("SIGN_VERIFY")),
        pair("UnsupportedOperationException", "KeySpec SM2 is not available in this installation.")
    );
}

#[test]
fn rsa_keys_encrypt_within_their_size_and_reencrypt_to_others() {
    let fixture = Fixture::new();
    let rsa = create(&fixture, "RSA_2048", "ENCRYPT_DECRYPT").arn.unwrap();
    let symmetric = fixture.key();
    for (algorithm, most) in [("RSAES_OAEP_SHA_1", 214), ("RSAES_OAEP_SHA_256", 190)] {
        let input = |length: usize| api::EncryptRequest {
            encryption_algorithm: Some(algorithm.into()),
            ..encrypt(&rsa, &"x".repeat(length))
        };
        let sealed = fixture.root::<api::Encrypt>(input(most)).ciphertext_blob.unwrap().0;
        let open = |ciphertext: &[u8]| api::DecryptRequest {
            key_id: Some(rsa.clone()),
            encryption_algorithm: Some(algorithm.into()),
            ..decrypt(ciphertext)
        };
        let read = fixture.root::<api::Decrypt>(open(&sealed));
        assert_eq!((text(&read), read.key_material_id), ("x".repeat(most), None));
        let mut changed = sealed.clone();
        changed[9] ^= 1;
        assert_eq!(fixture.refused::<api::Decrypt>(open(&changed)), pair("InvalidCiphertextException", ""));
        let message = format!(
            "Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {most} bytes."
        );
        assert_eq!(fixture.refused::<api::Encrypt>(input(most + 1)), pair("ValidationException", message));
        let again = fixture.root::<api::ReEncrypt>(api::ReEncryptRequest {
            ciphertext_blob: Some(Blob(sealed)),
            source_key_id: Some(rsa.clone()),
            source_encryption_algorithm: Some(algorithm.into()),
            destination_key_id: symmetric.clone(),
            ..Default::default()
        });
        let read = fixture.root::<api::Decrypt>(decrypt(&again.ciphertext_blob.unwrap().0));
        assert_eq!(text(&read), "x".repeat(most));
    }
}

#[test]
fn codes_are_a_messages_own() {
    let fixture = Fixture::new();
    for (bits, length) in [(224, 28), (256, 32), (384, 48), (512, 64)] {
        let key = create(&fixture, &format!("HMAC_{bits}"), "GENERATE_VERIFY_MAC").arn.unwrap();
        let algorithm = format!("HMAC_SHA_{bits}");
        let made = fixture.root::<api::GenerateMac>(mac(&key, &algorithm, MESSAGE)).mac.unwrap().0;
        assert_eq!(made.len(), length);
        let verify = |message: &[u8]| api::VerifyMacRequest {
            message: Sensitive::new(message.to_vec()),
            key_id: key.clone(),
            mac_algorithm: algorithm.as_str().into(),
            mac: Blob(made.clone()),
            grant_tokens: None,
            dry_run: None,
        };
        assert_eq!(fixture.root::<api::VerifyMac>(verify(MESSAGE)).mac_valid, Some(true));
        assert_eq!(fixture.refused::<api::VerifyMac>(verify(b"other")), pair("KMSInvalidMacException", ""));
    }
}

#[test]
fn the_private_half_of_a_pair_comes_back() {
    let fixture = Fixture::new();
    let key = fixture.key();
    let input = api::GenerateDataKeyPairRequest {
        encryption_context: context(&[("a", "b")]),
        key_id: key,
        key_pair_spec: "ECC_NIST_P256".into(),
        grant_tokens: None,
        recipient: None,
        dry_run: None,
    };
    let made = fixture.root::<api::GenerateDataKeyPair>(input);
    let sealed = made.private_key_ciphertext_blob.unwrap().0;
    let input = api::DecryptRequest { encryption_context: context(&[("a", "b")]), ..decrypt(&sealed) };
    assert_eq!(fixture.root::<api::Decrypt>(input).plaintext, made.private_key_plaintext);
}

#[test]
fn keys_are_listed_page_by_page() {
    let fixture = Fixture::new();
    let mut wanted: Vec<String> = (0..5).map(|_| fixture.key()).collect();
    wanted.sort();
    let (mut listed, mut marker) = (Vec::new(), None);
    loop {
        let page = fixture.root::<api::ListKeys>(api::ListKeysRequest { limit: Some(2), marker });
        listed.extend(page.keys.unwrap().into_iter().map(|key| key.key_arn.unwrap()));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(listed, wanted);
}
