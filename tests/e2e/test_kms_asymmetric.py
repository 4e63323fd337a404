"""Keys with a public half, HMAC keys and key pairs: what the service makes is checked outside by pyca/cryptography, and what
that makes is read by the service."""

import base64
import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from harness.account import Account, allow, unique
from harness.errors import denied, refused

MESSAGE = b"what is signed"
HASHES = {"224": hashes.SHA224, "256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}
RSA = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1,
    "ECC_NIST_P384": ec.SECP384R1,
    "ECC_NIST_P521": ec.SECP521R1,
    "ECC_SECG_P256K1": ec.SECP256K1,
}
RSA_SIGNATURES = [f"RSASSA_{scheme}_SHA_{bits}" for scheme in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)]
SIGNATURES = dict.fromkeys(RSA, RSA_SIGNATURES) | {
    "ECC_NIST_P256": ["ECDSA_SHA_256"],
    "ECC_NIST_P384": ["ECDSA_SHA_384"],
    "ECC_NIST_P521": ["ECDSA_SHA_512"],
    "ECC_SECG_P256K1": ["ECDSA_SHA_256"],
}
MACS = {f"HMAC_{bits}": f"HMAC_SHA_{bits}" for bits in HASHES}
OAEP = {"RSAES_OAEP_SHA_1": hashes.SHA1, "RSAES_OAEP_SHA_256": hashes.SHA256}


@pytest.fixture
def kms(admin):
    return admin.kms


def create(kms, spec, usage):
    return kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]


def public_half(kms, key):
    """The exported public key, as another library reads it."""
    return serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])


def hash_of(algorithm):
    return HASHES[algorithm[-3:]]()


def scheme(algorithm):
    """What else the algorithm of an RSA signature says; AWS's PSS has a salt as long as the digest."""
    if "PSS" not in algorithm:
        return [padding.PKCS1v15()]
    return [padding.PSS(mgf=padding.MGF1(hash_of(algorithm)), salt_length=padding.PSS.DIGEST_LENGTH)]


def verify_outside(public, algorithm, signature, message=MESSAGE, hashed=None):
    hashed = hashed or hash_of(algorithm)
    if isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, message, *scheme(algorithm), hashed)
    else:
        public.verify(signature, message, ec.ECDSA(hashed))


@pytest.mark.parametrize("spec", SIGNATURES)
def test_signatures_are_valid_outside(kms, spec):
    made = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]
    key = made["Arn"]
    assert (made["KeySpec"], made["CustomerMasterKeySpec"], made["KeyUsage"]) == (spec, spec, "SIGN_VERIFY")
    assert made["SigningAlgorithms"] == SIGNATURES[spec]
    assert "EncryptionAlgorithms" not in made and "MacAlgorithms" not in made
    exported = kms.get_public_key(KeyId=key)
    assert (exported["KeyId"], exported["KeySpec"], exported["KeyUsage"]) == (key, spec, "SIGN_VERIFY")
    assert exported["SigningAlgorithms"] == SIGNATURES[spec]
    public = serialization.load_der_public_key(exported["PublicKey"])
    if spec in RSA:
        assert (public.key_size, public.public_numbers().e) == (RSA[spec], 65537)
    else:
        assert isinstance(public.curve, CURVES[spec])
    for algorithm in SIGNATURES[spec]:
        asked = {"KeyId": key, "SigningAlgorithm": algorithm}
        signed = kms.sign(Message=MESSAGE, **asked)
        assert (signed["KeyId"], signed["SigningAlgorithm"]) == (key, algorithm)
        verify_outside(public, algorithm, signed["Signature"])
        with pytest.raises(InvalidSignature):
            verify_outside(public, algorithm, signed["Signature"], b"something else")
        answer = kms.verify(Message=MESSAGE, Signature=signed["Signature"], **asked)
        assert (answer["SignatureValid"], answer["KeyId"], answer["SigningAlgorithm"]) == (True, key, algorithm)
        with refused("KMSInvalidSignatureException"):
            kms.verify(Message=b"something else", Signature=signed["Signature"], **asked)


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P384", "ECC_SECG_P256K1"])
def test_a_digest_is_signed_as_it_is(kms, spec):
    """A message of any length: its digest is what the service is given."""
    key = create(kms, spec, "SIGN_VERIFY")
    public = public_half(kms, key)
    long = b"long" * 100_000
    for algorithm in SIGNATURES[spec]:
        hashed = hash_of(algorithm)
        digest = hashlib.new(hashed.name, long).digest()
        asked = {"KeyId": key, "SigningAlgorithm": algorithm, "MessageType": "DIGEST"}
        signature = kms.sign(Message=digest, **asked)["Signature"]
        verify_outside(public, algorithm, signature, long)
        verify_outside(public, algorithm, signature, digest, Prehashed(hashed))
        assert kms.verify(Message=digest, Signature=signature, **asked)["SignatureValid"] is True
        with refused("ValidationException", f"Digest is invalid length for algorithm {algorithm}."):
            kms.sign(Message=digest[1:], **asked)
    with refused("ValidationException", contains="'message' failed to satisfy constraint: Member must have length less than"):
        kms.sign(KeyId=key, SigningAlgorithm=SIGNATURES[spec][0], Message=long[:4097])


@pytest.mark.parametrize("spec", ["RSA_2048", "ECC_NIST_P256"])
def test_signatures_from_outside_are_judged(kms, spec):
    """A pair's private half signs outside; the service, whose key it is not, says so."""
    key, wrapping = create(kms, spec, "SIGN_VERIFY"), kms.create_key()["KeyMetadata"]["Arn"]
    pair = kms.generate_data_key_pair(KeyId=wrapping, KeyPairSpec=spec)
    private = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
    algorithm = SIGNATURES[spec][0]
    arguments = [*scheme(algorithm), hashes.SHA256()] if spec in RSA else [ec.ECDSA(hashes.SHA256())]
    with refused("KMSInvalidSignatureException"):
        kms.verify(KeyId=key, Message=MESSAGE, Signature=private.sign(MESSAGE, *arguments), SigningAlgorithm=algorithm)


@pytest.mark.parametrize("spec", RSA)
def test_what_the_public_half_encrypts_the_service_decrypts(kms, spec):
    key = create(kms, spec, "ENCRYPT_DECRYPT")
    public = public_half(kms, key)
    assert kms.get_public_key(KeyId=key)["EncryptionAlgorithms"] == list(OAEP)
    for algorithm, hashed in OAEP.items():
        oaep = padding.OAEP(mgf=padding.MGF1(hashed()), algorithm=hashed(), label=None)
        most = RSA[spec] // 8 - 2 - 2 * hashed.digest_size
        for text in (b"v", b"x" * most):
            asked = {"KeyId": key, "EncryptionAlgorithm": algorithm}
            read = kms.decrypt(CiphertextBlob=public.encrypt(text, oaep), **asked)
            assert (read["Plaintext"], read["KeyId"], read["EncryptionAlgorithm"]) == (text, key, algorithm)
            inside = kms.encrypt(Plaintext=text, **asked)
            assert (inside["KeyId"], inside["EncryptionAlgorithm"]) == (key, algorithm)
            assert kms.decrypt(CiphertextBlob=inside["CiphertextBlob"], **asked)["Plaintext"] == text
        message = f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} bytes."
        with refused("ValidationException", message):
            kms.encrypt(Plaintext=b"x" * (most + 1), **asked)
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=bytes(RSA[spec] // 8), **asked)
        with refused("InvalidCiphertextException"):
            kms.decrypt(CiphertextBlob=b"short", **asked)
    other = next(name for name in OAEP if name != algorithm)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=inside["CiphertextBlob"], KeyId=key, EncryptionAlgorithm=other)


def test_reencryption_between_kinds(kms):
    rsa_key, symmetric = create(kms, "RSA_2048", "ENCRYPT_DECRYPT"), kms.create_key()["KeyMetadata"]["Arn"]
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    outside = public_half(kms, rsa_key).encrypt(b"v", oaep)
    moved = kms.re_encrypt(
        CiphertextBlob=outside,
        SourceKeyId=rsa_key,
        SourceEncryptionAlgorithm="RSAES_OAEP_SHA_256",
        DestinationKeyId=symmetric,
        DestinationEncryptionContext={"a": "b"},
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (rsa_key, symmetric)
    assert moved["SourceEncryptionAlgorithm"] == "RSAES_OAEP_SHA_256"
    read = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert read["Plaintext"] == b"v"
    back = kms.re_encrypt(
        CiphertextBlob=moved["CiphertextBlob"],
        SourceEncryptionContext={"a": "b"},
        DestinationKeyId=rsa_key,
        DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_1",
    )
    read = kms.decrypt(CiphertextBlob=back["CiphertextBlob"], KeyId=rsa_key, EncryptionAlgorithm="RSAES_OAEP_SHA_1")
    assert read["Plaintext"] == b"v"


@pytest.mark.parametrize("spec", MACS)
def test_codes_are_as_long_as_their_hash_and_only_their_messages(kms, spec):
    made = kms.create_key(KeySpec=spec, KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]
    key, algorithm = made["Arn"], MACS[spec]
    assert made["MacAlgorithms"] == [algorithm]
    asked = {"KeyId": key, "MacAlgorithm": algorithm}
    code = kms.generate_mac(Message=MESSAGE, **asked)
    assert (code["KeyId"], code["MacAlgorithm"], len(code["Mac"]) * 8) == (key, algorithm, int(spec[-3:]))
    assert kms.generate_mac(Message=MESSAGE, **asked)["Mac"] == code["Mac"]
    answer = kms.verify_mac(Message=MESSAGE, Mac=code["Mac"], **asked)
    assert (answer["KeyId"], answer["MacValid"], answer["MacAlgorithm"]) == (key, True, algorithm)
    for message, mac in ((b"other", code["Mac"]), (MESSAGE, code["Mac"][:-1]), (MESSAGE, bytes(len(code["Mac"])))):
        with refused("KMSInvalidMacException"):
            kms.verify_mac(Message=message, Mac=mac, **asked)


@pytest.mark.parametrize("spec", [*RSA, *CURVES])
def test_a_pairs_private_half_is_used_outside(kms, spec):
    wrapping = kms.create_key()["KeyMetadata"]["Arn"]
    asked = {"KeyId": wrapping, "KeyPairSpec": spec, "EncryptionContext": {"a": "b"}}
    pair = kms.generate_data_key_pair(**asked)
    assert (pair["KeyId"], pair["KeyPairSpec"]) == (wrapping, spec)
    read = kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext={"a": "b"})["Plaintext"]
    assert read == pair["PrivateKeyPlaintext"]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])
    assert_a_pair(read, pair["PublicKey"])
    without = kms.generate_data_key_pair_without_plaintext(**asked)
    assert "PrivateKeyPlaintext" not in without and without["PublicKey"] != pair["PublicKey"]
    read = kms.decrypt(CiphertextBlob=without["PrivateKeyCiphertextBlob"], EncryptionContext={"a": "b"})["Plaintext"]
    assert_a_pair(read, without["PublicKey"])


def assert_a_pair(private, public):
    private = serialization.load_der_private_key(private, None)
    form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    assert private.public_key().public_bytes(*form) == public


def test_keys_do_only_what_they_are_for(kms):
    symmetric = kms.create_key()["KeyMetadata"]["Arn"]
    signing, encrypting = create(kms, "RSA_2048", "SIGN_VERIFY"), create(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    curve, coding = create(kms, "ECC_NIST_P256", "SIGN_VERIFY"), create(kms, "HMAC_256", "GENERATE_VERIFY_MAC")
    calls = {
        "Sign": lambda key: kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="RSASSA_PSS_SHA_256"),
        "Verify": lambda key: kms.verify(
            KeyId=key, Message=MESSAGE, Signature=b"s", SigningAlgorithm="RSASSA_PSS_SHA_256"
        ),
        "Encrypt": lambda key: kms.encrypt(KeyId=key, Plaintext=b"v"),
        "Decrypt": lambda key: kms.decrypt(KeyId=key, CiphertextBlob=b"c"),
        "GenerateDataKey": lambda key: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        "GenerateDataKeyPair": lambda key: kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256"),
        "GenerateMac": lambda key: kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256"),
        "VerifyMac": lambda key: kms.verify_mac(KeyId=key, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256", Mac=b"m"),
    }
    not_for = {
        symmetric: ("ENCRYPT_DECRYPT", ["Sign", "Verify", "GenerateMac", "VerifyMac"]),
        encrypting: ("ENCRYPT_DECRYPT", ["Sign", "Verify", "GenerateMac", "VerifyMac"]),
        signing: ("SIGN_VERIFY", ["Encrypt", "Decrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateMac"]),
        coding: ("GENERATE_VERIFY_MAC", ["Sign", "Verify", "Encrypt", "Decrypt", "GenerateDataKey"]),
    }
    for key, (usage, operations) in not_for.items():
        for operation in operations:
            with refused("InvalidKeyUsageException", f"{key} key usage is {usage} which is not valid for {operation}."):
                calls[operation](key)
    with refused("InvalidKeyUsageException", "Algorithm RSASSA_PSS_SHA_256 is incompatible with key spec ECC_NIST_P256."):
        calls["Sign"](curve)
    with refused("InvalidKeyUsageException", "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."):
        kms.generate_mac(KeyId=coding, Message=MESSAGE, MacAlgorithm="HMAC_SHA_512")
    with refused("InvalidKeyUsageException", "Algorithm SYMMETRIC_DEFAULT is incompatible with key spec RSA_2048."):
        calls["Encrypt"](encrypting)
    for key in (symmetric, coding):
        with refused("UnsupportedOperationException"):
            kms.get_public_key(KeyId=key)
    for key in (curve, coding, encrypting):
        for rotate in (kms.enable_key_rotation, kms.rotate_key_on_demand, kms.get_key_rotation_status):
            with refused("UnsupportedOperationException"):
                rotate(KeyId=key)


@pytest.mark.parametrize(
    ("spec", "usage", "code", "message"),
    [
        (
            "ECC_NIST_P256",
            None,
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
        ),
        (
            "ECC_NIST_P256",
            "ENCRYPT_DECRYPT",
            "ValidationException",
            "KeyUsage ENCRYPT_DECRYPT is not compatible with KeySpec ECC_NIST_P256",
        ),
        (
            "HMAC_256",
            "SIGN_VERIFY",
            "ValidationException",
            "KeyUsage SIGN_VERIFY is not compatible with KeySpec HMAC_256",
        ),
        (
            "SYMMETRIC_DEFAULT",
            "SIGN_VERIFY",
            "ValidationException",
            "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT",
        ),
        (
            "SM2",
            "SIGN_VERIFY",
            "UnsupportedOperationException",
            "KeySpec SM2 is not available in this installation.",
        ),
    ],
)
def test_kinds_that_are_refused(kms, spec, usage, code, message):
    more = {"KeyUsage": usage} if usage else {}
    with refused(code, message):
        kms.create_key(KeySpec=spec, **more)


def test_states_and_dry_runs(kms):
    curve, coding = create(kms, "ECC_NIST_P256", "SIGN_VERIFY"), create(kms, "HMAC_256", "GENERATE_VERIFY_MAC")
    sign = {"KeyId": curve, "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}
    code = {"KeyId": coding, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}
    uses = [
        (curve, lambda **more: kms.sign(**sign, **more)),
        (curve, lambda **more: kms.verify(**sign, Signature=b"s", **more)),
        (coding, lambda **more: kms.generate_mac(**code, **more)),
        (coding, lambda **more: kms.verify_mac(**code, Mac=b"m", **more)),
    ]
    for _, use in uses:
        with refused("DryRunOperationException", "The request would have succeeded, but the DryRun option is set."):
            use(DryRun=True)
    uses.append((curve, lambda: kms.get_public_key(KeyId=curve)))
    for key in (curve, coding):
        kms.disable_key(KeyId=key)
    for key, use in uses:
        with refused("DisabledException", f"{key} is disabled."):
            use()
    for key in (curve, coding):
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    for key, use in uses:
        with refused("KMSInvalidStateException", f"{key} is pending deletion."):
            use()
    for key in (curve, coding):
        kms.cancel_key_deletion(KeyId=key)
        kms.enable_key(KeyId=key)
    assert kms.sign(**sign)["KeyId"] == curve


def test_a_role_signs_with_the_algorithm_it_may(admin, kms):
    key = create(kms, "RSA_2048", "SIGN_VERIFY")
    condition = {"StringEquals": {"kms:SigningAlgorithm": "RSASSA_PSS_SHA_512", "kms:MessageType": "RAW"}}
    user = admin.user(allow("kms:Sign", key, Condition=condition))
    asked = {"KeyId": key, "Message": MESSAGE}
    assert user.kms.sign(SigningAlgorithm="RSASSA_PSS_SHA_512", **asked)["KeyId"] == key
    with refused("AccessDeniedException", contains=denied("kms:Sign", key)):
        user.kms.sign(SigningAlgorithm="RSASSA_PSS_SHA_256", **asked)
    with refused("AccessDeniedException", contains=denied("kms:GetPublicKey", key)):
        user.kms.get_public_key(KeyId=key)


def written(number):
    """A number as a file could hold it: bytes, base64, hexadecimal digits."""
    bytes_ = number.to_bytes((number.bit_length() + 7) // 8, "big")
    # Base64 depends on what stands before: the middle of each of the three ways.
    coded = [base64.b64encode(b"\0" * shift + bytes_)[8:-8] for shift in range(3)]
    return [bytes_, bytes_.hex().encode(), bytes_.hex().upper().encode(), *coded]


def assert_nowhere(directory, number):
    """In one piece: half of it is looked for, in case that a page ends in between."""
    for text in written(number):
        for file in (path for path in directory.rglob("*") if path.is_file()):
            content = file.read_bytes()
            assert text[: len(text) // 2] not in content and text[len(text) // 2 :] not in content, file


def test_keys_are_the_same_after_a_restart_and_sealed_on_disk(make_server):
    server = make_server()
    kms = Account.from_env(server.env()).client("kms")
    signing, encrypting = create(kms, "RSA_2048", "SIGN_VERIFY"), create(kms, "RSA_2048", "ENCRYPT_DECRYPT")
    curve, coding = create(kms, "ECC_NIST_P521", "SIGN_VERIFY"), create(kms, "HMAC_512", "GENERATE_VERIFY_MAC")
    mark = unique("what-is-not-sealed-is-found")
    wrapping = kms.create_key(Description=mark)["KeyMetadata"]["Arn"]
    before = {key: kms.get_public_key(KeyId=key) for key in (signing, encrypting, curve)}
    code = kms.generate_mac(KeyId=coding, Message=MESSAGE, MacAlgorithm="HMAC_SHA_512")["Mac"]
    oaep = {"KeyId": encrypting, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}
    ciphertext = kms.encrypt(Plaintext=b"v", **oaep)["CiphertextBlob"]
    sign = {"KeyId": curve, "SigningAlgorithm": "ECDSA_SHA_512", "Message": MESSAGE}
    signature = kms.sign(**sign)["Signature"]
    pair = kms.generate_data_key_pair(KeyId=wrapping, KeyPairSpec="RSA_2048")

    server.kill()
    assert any(mark.encode() in file.read_bytes() for file in server.data_dir.rglob("*") if file.is_file())
    # A private key is never without its modulus or its point; the public halves alone are not kept.
    for key in (signing, encrypting):
        assert_nowhere(server.data_dir, load(before[key]).public_numbers().n)
    point = load(before[curve]).public_numbers()
    for number in (point.x, point.y):
        assert_nowhere(server.data_dir, number)
    numbers = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None).private_numbers()
    for number in (numbers.p, numbers.q, numbers.d):
        assert_nowhere(server.data_dir, number)
    server.start()

    for key, exported in before.items():
        assert kms.get_public_key(KeyId=key)["PublicKey"] == exported["PublicKey"]
    assert kms.generate_mac(KeyId=coding, Message=MESSAGE, MacAlgorithm="HMAC_SHA_512")["Mac"] == code
    assert kms.decrypt(CiphertextBlob=ciphertext, **oaep)["Plaintext"] == b"v"
    assert kms.verify(Signature=signature, **sign)["SignatureValid"] is True
    assert kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"] == pair["PrivateKeyPlaintext"]
    verify_outside(load(before[curve]), "ECDSA_SHA_512", kms.sign(**sign)["Signature"])


def load(exported):
    return serialization.load_der_public_key(exported["PublicKey"])


def test_an_alias_signs(kms):
    key, alias = create(kms, "ECC_NIST_P256", "SIGN_VERIFY"), f"alias/{unique('signer')}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    signed = kms.sign(KeyId=alias, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
    assert signed["KeyId"] == key
    verify_outside(public_half(kms, alias), "ECDSA_SHA_256", signed["Signature"])
