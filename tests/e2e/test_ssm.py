"""Parameter Store through boto3 and the AWS CLI: values, versions, `SecureString`, hierarchies, secrets by reference, Terraform's calls."""

import base64
import json

import pytest

from harness import sensitive
from harness.account import allow, unique
from harness.errors import denied, refused


@pytest.fixture
def ssm(admin):
    return admin.client("ssm")


def test_a_string_and_its_versions(ssm, account_id):
    name = f"/{unique('app')}/greeting"
    made = ssm.put_parameter(Name=name, Value="hello", Type="String", Tags=[{"Key": "team", "Value": "a"}])
    assert (made["Version"], made["Tier"]) == (1, "Standard")
    with refused("ParameterAlreadyExists"):
        ssm.put_parameter(Name=name, Value="x", Type="String")
    assert ssm.put_parameter(Name=name, Value="bye", Overwrite=True)["Version"] == 2
    read = ssm.get_parameter(Name=name)["Parameter"]
    assert (read["Name"], read["Value"], read["Version"]) == (name, "bye", 2)
    assert read["ARN"] == f"arn:aws:ssm:us-east-1:{account_id}:parameter{name}"
    ssm.label_parameter_version(Name=name, ParameterVersion=1, Labels=["prod"])
    assert ssm.get_parameter(Name=f"{name}:prod")["Parameter"]["Value"] == "hello"
    history = ssm.get_parameter_history(Name=name)["Parameters"]
    assert [(it["Version"], it["Labels"]) for it in history] == [(1, ["prod"]), (2, [])]
    ssm.delete_parameter(Name=name)
    with refused("ParameterNotFound", ""):
        ssm.get_parameter(Name=name)


def test_a_secure_string_is_on_disk_encrypted_only(ssm):
    # The harness looks for what `sensitive` made in data directory and log.
    name, value = unique("password"), sensitive.password()
    ssm.put_parameter(Name=name, Value=value, Type="SecureString")
    assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == value
    assert value not in ssm.get_parameter(Name=name)["Parameter"]["Value"]
    shown = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [name]}])["Parameters"]
    assert [it["KeyId"] for it in shown] == ["alias/aws/ssm"]


def test_a_customers_key_decides_too(admin, ssm, account_id):
    key = admin.kms.create_key()["KeyMetadata"]["Arn"]
    name, value = unique("password"), sensitive.password()
    ssm.put_parameter(Name=name, Value=value, Type="SecureString", KeyId=key)
    user = admin.user(allow(["ssm:GetParameter", "ssm:GetParameters"]))
    with refused("AccessDeniedException", contains=denied("kms:Decrypt", key)):
        user.client("ssm").get_parameters(Names=[name], WithDecryption=True)
    ciphertext = base64.b64decode(user.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    context = {"PARAMETER_ARN": f"arn:aws:ssm:us-east-1:{account_id}:parameter/{name}"}
    opened = admin.kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=context)
    assert opened["Plaintext"].decode() == value
    admin.kms.disable_key(KeyId=key)
    with refused("InvalidKeyId"):
        ssm.get_parameter(Name=name, WithDecryption=True)


def test_hierarchies_page_by_page(ssm):
    root = f"/{unique('tree')}"
    names = [f"{root}/{letter}/{number}" for letter in "ab" for number in range(6)] + [f"{root}/top"]
    for name in names:
        ssm.put_parameter(Name=name, Value="v", Type="String")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=root, Recursive=True, MaxResults=5)
    assert sorted(it["Name"] for page in pages for it in page["Parameters"]) == sorted(names)
    assert [it["Name"] for it in ssm.get_parameters_by_path(Path=root)["Parameters"]] == [f"{root}/top"]
    filters = [{"Key": "Path", "Option": "Recursive", "Values": [f"{root}/a"]}]
    pages = ssm.get_paginator("describe_parameters").paginate(ParameterFilters=filters, MaxResults=4)
    assert len([it for page in pages for it in page["Parameters"]]) == 6


def test_a_secret_by_reference(admin, ssm):
    name, value = unique("team/db"), sensitive.password()
    admin.secretsmanager.create_secret(Name=name, SecretString=value)
    reference = f"/aws/reference/secretsmanager/{name}"
    read = ssm.get_parameters(Names=[reference], WithDecryption=True)["Parameters"][0]
    assert read["Value"] == value
    assert json.loads(read["SourceResult"])["Name"] == name
    user = admin.user(allow("ssm:GetParameters"))
    with refused("AccessDeniedException", contains="secretsmanager:GetSecretValue"):
        user.client("ssm").get_parameters(Names=[reference], WithDecryption=True)


def test_the_command_line(admin):
    name, value = f"/{unique('cli')}/p", sensitive.password()
    admin.aws("ssm", "put-parameter", "--name", name, "--value", value, "--type", "SecureString")
    read = admin.aws("ssm", "get-parameters", "--names", name, "none", "--with-decryption")
    assert [it["Value"] for it in read["Parameters"]] == [value]
    assert read["InvalidParameters"] == ["none"]


def test_terraforms_sequence(ssm):
    name = f"/{unique('tf')}/p"
    put = {"Name": name, "Type": "String", "AllowedPattern": "", "Description": "d", "Tier": "Standard", "DataType": "text"}
    ssm.put_parameter(Value="one", Tags=[{"Key": "a", "Value": "b"}], **put)
    resource = {"ResourceType": "Parameter", "ResourceId": name}
    described = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}])["Parameters"]
    assert (described[0]["Description"], described[0]["Tier"], described[0]["DataType"]) == ("d", "Standard", "text")
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "a", "Value": "b"}]
    ssm.put_parameter(Value="two", Overwrite=True, **put)
    ssm.add_tags_to_resource(Tags=[{"Key": "c", "Value": "d"}], **resource)
    ssm.remove_tags_from_resource(TagKeys=["a"], **resource)
    assert ssm.list_tags_for_resource(**resource)["TagList"] == [{"Key": "c", "Value": "d"}]
    assert ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "two"
    ssm.delete_parameter(Name=name)
    with refused("ParameterNotFound"):
        ssm.get_parameter(Name=name, WithDecryption=True)
