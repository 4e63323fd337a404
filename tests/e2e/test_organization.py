"""Policies over accounts, who may do what, decided cases, and what is only recorded."""

import json
import urllib.request

import pytest

from harness import organization, raw
from harness.account import Account, allow, deny, trust, unique
from harness.errors import refused
from harness.organization import RCP, SCP
from harness.server import run

LIST = "secretsmanager:ListSecrets"


@pytest.fixture(scope="module")
def member(server):
    return organization.member(server)


def arn_of(who):
    return who.sts.get_caller_identity()["Arn"]


def scp_text(who, policy, action=LIST):
    about = "" if action == LIST else " on resource: *"
    return (
        f"User: {arn_of(who)} is not authorized to perform: {action}{about} with an explicit deny in a service "
        f"control policy: {policy['arn']}"
    )


# --- attach and detach ---


def test_a_policy_counts_from_the_very_next_call_until_it_is_detached(admin, member):
    member.secretsmanager.list_secrets()
    policy = organization.attach(admin, SCP, member.id, deny(LIST))
    with refused("AccessDeniedException", scp_text(member, policy)):
        member.secretsmanager.list_secrets()
    changed = organization.attach(admin, SCP, member.id, deny("logs:*"), policy["name"])
    assert changed["arn"] == policy["arn"]
    member.secretsmanager.list_secrets()
    with refused("AccessDeniedException", scp_text(member, policy, "logs:DescribeLogGroups").replace("*", log_groups(member), 1)):
        member.logs.describe_log_groups()
    organization.detach(admin, policy)
    member.logs.describe_log_groups()


def log_groups(who):
    return f"arn:aws:logs:us-east-1:{who.id}:log-group::log-stream:"


def test_the_root_limits_every_account_but_the_one_that_manages(admin, server, member, other_account):
    with organization.attached(admin, SCP, "root", deny(LIST)) as policy:
        for who in (member, other_account):
            with refused("AccessDeniedException", scp_text(who, policy)):
                who.secretsmanager.list_secrets()
        admin.secretsmanager.list_secrets()
        admin.user(allow("*")).secretsmanager.list_secrets()


def test_a_policy_on_the_managing_account_limits_nobody(admin):
    with organization.attached(admin, SCP, admin.id, deny("*")):
        admin.secretsmanager.list_secrets()


def test_every_level_has_to_allow(admin, member):
    text = f"User: {arn_of(member)} is not authorized to perform: {LIST} because no service control policy allows the {LIST} action"
    elsewhere, here = allow("sqs:*"), allow(LIST)
    with organization.attached(admin, SCP, "root", elsewhere), organization.without_full_access(admin, "root"):
        with organization.attached(admin, SCP, member.id, here), refused("AccessDeniedException", text):
            member.secretsmanager.list_secrets()
        with organization.attached(admin, SCP, "root", here):
            member.secretsmanager.list_secrets()
            with (
                organization.attached(admin, SCP, member.id, elsewhere),
                organization.without_full_access(admin, member.id),
                refused("AccessDeniedException", text),
            ):
                member.secretsmanager.list_secrets()
    member.secretsmanager.list_secrets()


def test_policies_are_listed_with_what_they_are_attached_to(admin, member):
    with organization.attached(admin, RCP, member.id, denied_to_all("s3:DeleteBucket")) as policy:
        listed = organization.call(admin, "ListOrganizationPolicies", targetId=member.id).json["policies"]
        names = {(it["type"], it["name"]) for it in listed}
        assert {(RCP, policy["name"]), (SCP, "FullAWSAccess")} <= names
        found = next(it for it in listed if it["name"] == policy["name"])
        assert json.loads(found["content"]) == denied_to_all("s3:DeleteBucket")


def denied_to_all(action):
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_resource_control_policy_reaches_strangers_too(admin, member):
    secret = member.secret("v")
    document = {"Effect": "Allow", "Principal": {"AWS": admin.id}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    member.secretsmanager.put_resource_policy(
        SecretId=secret, ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [document]})
    )
    action = "secretsmanager:GetSecretValue"
    with organization.attached(admin, RCP, member.id, denied_to_all(action)) as policy:
        for who in (member, admin):
            text = f"User: {arn_of(who)} is not authorized to perform: {action} on resource: {secret} with an explicit deny in a resource control policy: {policy['arn']}"
            with refused("AccessDeniedException", text):
                who.secretsmanager.get_secret_value(SecretId=secret)
    member.secretsmanager.get_secret_value(SecretId=secret)


def test_the_command_attaches_lists_and_detaches(server, admin, member, tmp_path):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(deny(LIST)))
    where = ("--target", member.id)
    done = server.command("organization", "attach", "scp", "no-lists", "--document", str(path), *where, "--json", check=True)
    policy = json.loads(done.stdout)
    assert (policy["kind"], policy["target"], policy["document"]) == ("scp", member.id, deny(LIST))
    with refused("AccessDeniedException", scp_text(member, policy)):
        member.secretsmanager.list_secrets()
    listed = server.command("organization", "list", *where, check=True).stdout.splitlines()
    assert f"{member.id}  scp  no-lists  {policy['arn']}" in listed
    server.command("organization", "detach", "scp", "no-lists", *where, check=True)
    member.secretsmanager.list_secrets()
    again = server.command("organization", "detach", "scp", "no-lists", *where)
    assert again.returncode != 0 and "no-lists" in again.stderr


# --- what cannot be attached and detached ---


def test_the_last_service_control_policy_stays(admin, member):
    body = {"type": SCP, "targetId": member.id, "name": "FullAWSAccess"}
    answer = organization.call(admin, "DeleteOrganizationPolicy", **body)
    text = f"`FullAWSAccess` is the last service control policy of `{member.id}`"
    assert (answer.status, answer.code, answer.message) == (400, "InvalidParameterException", text)


def refusal(account, **change):
    body = {"type": SCP, "targetId": "root", "name": unique("c"), "content": json.dumps(deny("sqs:*"))} | change
    answer = organization.call(account, "PutOrganizationPolicy", **body)
    return answer.status, answer.code, answer.message


def test_members_do_not_attach(admin, member):
    text = f"User: {arn_of(member)} is not authorized to perform: landfall:PutOrganizationPolicy on resource: * because only principals of account {admin.id} may do that"
    assert refusal(member) == (400, "AccessDeniedException", text)


def test_users_of_the_managing_account_need_the_permission(admin):
    user = admin.user()
    text = f"User: {arn_of(user)} is not authorized to perform: landfall:PutOrganizationPolicy on resource: * because no identity-based policy allows the landfall:PutOrganizationPolicy action"
    assert refusal(user) == (400, "AccessDeniedException", text)


def test_an_account_that_is_not_there(admin):
    text = "there is no account `999999999999`: expected the id of an account, or `root`"
    assert refusal(admin, targetId="999999999999") == (400, "InvalidParameterException", text)


def test_a_policy_that_is_too_long(admin):
    document = allow(["sqs:" + "a" * 100 + str(number) for number in range(60)])
    text = "the policy is longer than 5120 characters"
    assert refusal(admin, content=json.dumps(document)) == (400, "InvalidParameterException", text)


def test_a_policy_that_is_none(admin):
    status, code, message = refusal(admin, content="{")
    assert (status, code) == (400, "MalformedPolicyDocumentException"), message


def test_no_more_than_five_on_one_target(server, admin):
    target = organization.member(server).id
    made = [organization.attach(admin, SCP, target, deny(f"sqs:A{number}")) for number in range(4)]
    text = f"`{target}` has 5 policies of this kind: detach one first"
    assert refusal(admin, targetId=target) == (400, "InvalidParameterException", text)
    organization.attach(admin, SCP, target, deny("sqs:B"), made[0]["name"])
    organization.detach(admin, made[1])
    organization.attach(admin, SCP, target, deny("sqs:C"))


def test_a_policy_on_the_managing_account_is_warned_of(server, admin, tmp_path):
    document = tmp_path / "policy.json"
    document.write_text(json.dumps(deny("sqs:*")))
    for target, warned in ((admin.id, True), ("root", False)):
        attached = server.command(
            "organization", "attach", "scp", "warned", "--document", str(document), "--target", target, check=True
        )
        text = f"warning: the policy has no effect: account {admin.id} manages the organization"
        assert attached.stderr.startswith(text) == warned, attached.stderr
        server.command("organization", "detach", "scp", "warned", "--target", target, check=True)


# --- landfall iam who-can ---


def who_can(server, account, *arguments):
    done = server.command("iam", "who-can", *arguments, "--json", environment=account.env(), check=True)
    return {it["arn"]: it for it in json.loads(done.stdout)}


def test_who_can_tells_who_and_why(server, admin):
    secret = admin.secret("v")
    may, not_may = admin.user(allow("secretsmanager:Get*", secret)), admin.user()
    named = admin.user()
    document = {"Effect": "Allow", "Principal": {"AWS": arn_of(named)}, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    admin.secretsmanager.put_resource_policy(
        SecretId=secret, ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [document]})
    )
    found = who_can(server, admin, "secretsmanager:GetSecretValue", secret)
    assert found[arn_of(may)] == {"arn": arn_of(may), "layer": "identity", "deciding": "policy inline, statement 1"}
    assert found[arn_of(named)]["layer"] == "resource"
    assert arn_of(not_may) not in found
    assert f"arn:aws:iam::{admin.id}:root" in found
    lines = server.command("iam", "who-can", "secretsmanager:GetSecretValue", secret, check=True).stdout.splitlines()
    assert f"{arn_of(may)}  (identity: policy inline, statement 1)" in lines
    assert not any(line.startswith(arn_of(not_may)) for line in lines)


def test_everybody_of_the_organization_is_not_everybody(server, admin):
    """A stranger is of no account of the installation, not even of the default one, whose secret it is here."""
    secret = admin.secret("v")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}

    def everybody(**condition):
        document = {"Version": "2012-10-17", "Statement": [{**statement, **condition}]}
        admin.secretsmanager.put_resource_policy(SecretId=secret, ResourcePolicy=json.dumps(document))
        return who_can(server, admin, "secretsmanager:GetSecretValue", secret).get("*")

    for key, value in [("aws:PrincipalOrgID", "o-landfall"), ("aws:PrincipalAccount", admin.id)]:
        assert everybody(Condition={"StringEquals": {key: value}}) is None, key
    at = everybody(Condition={"StringEquals": {"aws:SourceVpce": "vpce-1"}})
    assert at["provided"].endswith("where `aws:SourceVpce` is `vpce-1`"), at
    assert everybody() is not None


def test_who_can_does_as_the_service_does(server, admin):
    """Nobody that the command names is refused, and nobody that it leaves out is let in."""
    secret = admin.secret("v")
    people = [
        admin.user(),
        admin.user(allow("secretsmanager:GetSecretValue", secret)),
        admin.user(allow("secretsmanager:GetSecretValue", secret[:-7])),
        admin.user(deny("secretsmanager:*")),
        admin.user(allow("*", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}})),
    ]
    found = who_can(server, admin, "secretsmanager:GetSecretValue", secret)
    for who in people:
        answer = raw.call_json(who, "secretsmanager", "GetSecretValue", {"SecretId": secret})
        assert (answer.status == 200) == (arn_of(who) in found), arn_of(who)


def test_who_can_knows_policies_of_repositories_and_the_organization(server, admin, other_account):
    ecr, name = admin.client("ecr"), unique("repository")
    repository = ecr.create_repository(repositoryName=name)["repository"]["repositoryArn"]
    named, inside, denied = admin.user(), admin.user(), admin.user(allow("ecr:*"))
    organization_id = {"aws:PrincipalOrgID": "o-landfall"}
    action = {"Action": "ecr:ListImages"}
    statements = [
        {"Effect": "Allow", "Principal": {"AWS": arn_of(named)}, **action},
        {"Effect": "Deny", "Principal": "*", **action, "Condition": {"StringNotEquals": organization_id}},
        {"Effect": "Deny", "Principal": {"AWS": arn_of(denied)}, **action},
    ]
    admin.iam.put_user_policy(
        UserName=arn_of(inside).rsplit("/", 1)[1],
        PolicyName="p",
        PolicyDocument=json.dumps(allow("ecr:ListImages", Condition={"StringEquals": organization_id})),
    )
    ecr.set_repository_policy(
        repositoryName=name, policyText=json.dumps({"Version": "2012-10-17", "Statement": statements})
    )
    found = who_can(server, admin, "ecr:ListImages", repository)
    assert found[arn_of(named)]["layer"] == "resource"
    for who in (named, inside, denied):
        if arn_of(who) in found:
            who.client("ecr").list_images(repositoryName=name)
            continue
        with refused("AccessDeniedException"):
            who.client("ecr").list_images(repositoryName=name)
    assert {arn_of(named), arn_of(inside)} <= set(found)
    assert arn_of(denied) not in found


def test_who_can_forgets_the_grant_of_a_role_that_was_made_again(server, admin):
    key = admin.kms.create_key()["KeyMetadata"]["Arn"]
    role = admin.role()
    admin.kms.create_grant(KeyId=key, GranteePrincipal=role, Operations=["Decrypt"])
    assert who_can(server, admin, "kms:Decrypt", key)[role]["layer"] == "grant"
    name, trusted = role.rsplit("/", 1)[1], json.dumps(trust("ecs-tasks.amazonaws.com"))
    admin.iam.delete_role(RoleName=name)
    admin.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)
    assert role not in who_can(server, admin, "kms:Decrypt", key)


def test_root_users_and_service_linked_roles_under_the_organization(server, admin, member):
    """Root of a member is bound by service control policies; the managing account's root and service-linked roles are not."""
    linked = member.iam.create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")["Role"]["Arn"]
    action, repository = "ecr:CreateRepository", f"arn:aws:ecr:us-east-1:{member.id}:repository/r"
    roots = [f"arn:aws:iam::{account.id}:root" for account in (member, admin)]
    before = who_can(server, member, action, repository)
    assert {roots[0], linked, arn_of(member)} <= set(before)
    with organization.attached(admin, SCP, "root", deny("ecr:*")):
        after = who_can(server, member, action, repository)
        assert linked in after
        assert roots[0] not in after and arn_of(member) not in after
        own = who_can(server, admin, action, f"arn:aws:ecr:us-east-1:{admin.id}:repository/r")
        assert roots[1] in own
    with organization.attached(admin, RCP, member.id, denied_to_all("ecr:*")):
        after = who_can(server, member, action, repository)
        assert set(after) == {linked}


def test_who_can_knows_the_resource_and_takes_what_is_given(server, admin):
    secret = admin.secret("v")
    admin.secretsmanager.tag_resource(SecretId=secret, Tags=[{"Key": "team", "Value": "red"}])
    action = "secretsmanager:GetSecretValue"
    tagged = admin.user(allow(action, Condition={"StringEquals": {"aws:ResourceTag/team": "red"}}))
    plain = admin.user(allow(action, Condition={"Bool": {"aws:SecureTransport": "false"}}))
    endpoint = admin.user(allow(action, Condition={"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}}))
    found = who_can(server, admin, action, secret)
    assert arn_of(tagged) in found and arn_of(endpoint) not in found
    answer = raw.call_json(plain, "secretsmanager", "GetSecretValue", {"SecretId": secret})
    assert (answer.status == 200) == (arn_of(plain) in found)
    given = ["--context", "aws:SourceVpce=vpce-1", "--context", "aws:ResourceTag/team=blue"]
    found = who_can(server, admin, action, secret, *given)
    assert arn_of(tagged) not in found and arn_of(endpoint) in found


def test_who_can_refuses_what_makes_no_sense(server, admin):
    done = server.command("iam", "who-can", "sts:GetSessionToken", arn_of(admin.user()))
    assert done.returncode != 0
    assert "`sts:GetSessionToken` is about no single resource: give `*` in place of an ARN" in done.stderr
    user = admin.user(deny("sts:*"))
    assert who_can(server, admin, "sts:GetSessionToken", "*")[arn_of(user)]["layer"] == "inherent"
    user.sts.get_session_token()
    done = server.command("iam", "who-can", "ecr:ListImages", "*", "--context", "nothing")
    assert done.returncode == 2 and "expected `KEY=VALUE`" in done.stderr


def test_who_can_names_services_other_accounts_and_everybody(server, admin):
    tasks = admin.role()
    assert who_can(server, admin, "sts:AssumeRole", tasks)["ecs-tasks.amazonaws.com"] == {
        "arn": "ecs-tasks.amazonaws.com",
        "layer": "role-trust",
        "deciding": "policy ResourcePolicy, statement 1",
    }
    secret = admin.secret("v")
    action = "secretsmanager:GetSecretValue"
    statement = {"Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    admin.secretsmanager.put_resource_policy(SecretId=secret, ResourcePolicy=document)
    lines = server.command("iam", "who-can", action, secret, check=True).stdout.splitlines()
    own = "as far as its own policies allow"
    assert f"account 222222222222, {own}  (resource: policy ResourcePolicy, statement 1)" in lines

    s3, bucket = admin.client("s3"), unique("open").lower()
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    lines = server.command("iam", "who-can", "s3:GetObject", f"arn:aws:s3:::{bucket}/k", check=True).stdout.splitlines()
    assert "everybody, also without credentials  (resource: policy ResourcePolicy, statement 1)" in lines
    assert urllib.request.urlopen(f"{server.endpoint}/{bucket}/k", timeout=30).status == 200
    done = server.command("iam", "who-can", "s3:GetObject", f"arn:aws:s3:::{bucket}")
    assert done.returncode != 0 and f"`s3:GetObject` cannot be about `arn:aws:s3:::{bucket}`" in done.stderr
    assert "it applies to " in done.stderr and "object (`arn:aws:s3:::BucketName/ObjectName`)" in done.stderr


def test_who_can_needs_an_arn(server):
    done = server.command("iam", "who-can", "ecr:ListImages", "repository")
    assert done.returncode != 0
    assert "resource `repository` is not an ARN: expected one, or `*`" in done.stderr


# --- landfall iam simulate ---


def case(identifier, *documents, **request):
    principal = {
        "type": "User",
        "arn": "arn:aws:iam::111122223333:user/alice",
        "account": "111122223333",
        "uniqueId": "AIDAALICE",
    }
    standard = {"principal": principal, "action": "ecr:ListImages", "resource": REPOSITORY, "context": {}}
    standard["resourceAccount"] = "111122223333"
    return {"id": identifier, "request": standard | request, "policies": {"identity": list(documents)}}


REPOSITORY = "arn:aws:ecr:us-east-1:111122223333:repository/app"
SILENT = f"User: arn:aws:iam::111122223333:user/alice is not authorized to perform: ecr:ListImages on resource: {REPOSITORY} because no identity-based policy allows the ecr:ListImages action"


def simulate(tmp_path, cases, *more):
    path = tmp_path / "cases.jsonl"
    path.write_text("".join(json.dumps(it) + "\n" for it in cases))
    done = run("iam", "simulate", "--cases", str(path), *more, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_one_line_a_case(tmp_path):
    checks = [{}, {"action": "iam:PassRole", "resource": "arn:aws:iam::111122223333:role/r"}]
    answers = simulate(
        tmp_path,
        [
            case("allowed", allow("ecr:*")),
            case("silent"),
            case("denied", allow("*"), deny("ecr:List*")),
            case("several", allow("ecr:*"), checks=checks),
        ],
    )
    assert answers[0] == {"id": "allowed", "decision": "Allow", "layer": "identity"}
    assert answers[1] == {"id": "silent", "decision": "ImplicitDeny", "layer": "identity", "message": SILENT}
    reason = "with an explicit deny in an identity-based policy"
    assert (answers[2]["decision"], answers[2]["message"]) == (
        "ExplicitDeny",
        SILENT.split(" because ")[0] + " " + reason,
    )
    assert (answers[3]["decision"], "iam:PassRole" in answers[3]["message"]) == ("ImplicitDeny", True)


def test_a_trace_has_a_fix_that_works(tmp_path):
    (answer,) = simulate(tmp_path, [case("silent", allow("ecr:ListImages", REPOSITORY + "x"))], "--trace")
    assert answer["message"] == SILENT
    assert answer["trace"]
    (fix,) = answer["fix"]
    statement = json.dumps(fix)
    assert "ecr:ListImages" in statement and REPOSITORY in statement


def test_one_fix_allows_all_checks(tmp_path):
    roles = [f"arn:aws:iam::111122223333:role/{name}" for name in "ab"]
    checks = [{"action": "iam:PassRole", "resource": role} for role in roles]
    (answer,) = simulate(tmp_path, [case("several", checks=checks)], "--trace")
    (fix,) = answer["fix"]
    statement = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": roles}
    assert [step["statement"] for step in fix["steps"]] == [statement]
    assert (fix["verified"], fix["smallest"]) == (True, True)
    (answer,) = simulate(tmp_path, [case("fixed", {"Version": "2012-10-17", "Statement": [statement]}, checks=checks)])
    assert answer["decision"] == "Allow"


def test_a_field_of_the_principal_that_nobody_reads_is_a_bad_line(tmp_path):
    wrong = case("wrong")
    wrong["request"]["principal"]["uniqueID"] = "AIDAALICE"
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(wrong))
    done = run("iam", "simulate", "--cases", str(path))
    assert done.returncode == 1
    assert f"line 1 of `{path}`: not a case: unknown field `uniqueID`, expected one of `type`, " in done.stderr


def test_a_line_that_is_no_case_is_named(tmp_path):
    path = tmp_path / "cases.jsonl"
    misspelt = case("two")
    misspelt["policies"]["boundry"] = misspelt["policies"].pop("identity")
    path.write_text("\n".join([json.dumps(case("one")), "{}", json.dumps(misspelt), json.dumps(case("three"))]))
    done = run("iam", "simulate", "--cases", str(path))
    assert done.returncode == 1
    assert f"line 2 of `{path}`: " in done.stderr
    one, nothing, two, three = (json.loads(line) for line in done.stdout.splitlines())
    assert (one["id"], three["id"], three["decision"]) == ("one", "three", "ImplicitDeny")
    assert (nothing["id"], nothing["line"]) == (None, 2) and nothing["error"].startswith("not a case: missing field `request`")
    text = "case `two`: `policies.boundry` is no layer: expected `identity`, `boundary`, `session`, `resource`, `vpce`, `scp`, `rcp`, `grants`"
    assert two == {"id": "two", "line": 3, "error": text}


def test_full_access_is_attached_without_a_document(server, admin, member):
    command = lambda *more: server.command("organization", *more, "--target", member.id, environment=admin.env())
    nothing = command("attach", "scp", "no-document")
    assert nothing.returncode != 0 and "policy `no-document` needs a document" in nothing.stderr
    with organization.attached(admin, SCP, member.id, allow("*")):
        assert command("detach", "scp", "FullAWSAccess").returncode == 0
        attached = command("attach", "scp", "FullAWSAccess")
        assert attached.returncode == 0, attached.stderr
        arn = "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
        assert attached.stdout == f"{member.id}  scp  FullAWSAccess  {arn}\n"


# --- landfall serve --auth audit ---


def audit_log(server):
    return (server.data_dir / "audit.log").read_text().splitlines()


def recorded(server):
    """The refusals of the audit log, as decisions."""
    lines = [line for line in audit_log(server) if " refused=" in line]
    return [json.loads(json.loads(line.split(" decision=", 1)[1])) for line in lines]


def attempts(owner):
    """Calls of several people, some of which enforcement refuses; each as (principal, action) or nothing."""
    secret = owner.secret("v")
    nobody, reader = owner.user(), owner.user(allow("secretsmanager:*"))
    denied = owner.user({"Version": "2012-10-17", "Statement": [*allow("*")["Statement"], *deny("iam:*")["Statement"]]})
    yield nobody, "secretsmanager:GetSecretValue", lambda: nobody.secretsmanager.get_secret_value(SecretId=secret)
    yield reader, None, lambda: reader.secretsmanager.get_secret_value(SecretId=secret)
    yield reader, "iam:ListUsers", lambda: reader.iam.list_users()
    yield denied, "iam:ListUsers", lambda: denied.iam.list_users()
    yield denied, None, lambda: denied.ecs.list_clusters()
    yield nobody, None, lambda: nobody.sts.get_caller_identity()


@pytest.mark.parametrize("mode", ["audit", "enforce"])
def test_the_audit_log_has_exactly_what_enforcement_refuses(make_server, mode):
    server = make_server("--auth", mode)
    owner = Account.from_env(server.env())
    expected = []
    for who, action, call in attempts(owner):
        if action and mode == "enforce":
            with refused("AccessDenied" if action.startswith("iam:") else "AccessDeniedException"):
                call()
        else:
            call()
        if action:
            expected.append((arn_of(who), action))
    decisions = recorded(server)
    assert [(it["principal"], it["action"]) for it in decisions] == expected
    assert all(not it["allowed"] and it["message"] and it["trace"] and it["layer"] == "identity" for it in decisions)
    silent, explicit = decisions[0], decisions[2]
    assert silent["message"].endswith(
        "because no identity-based policy allows the secretsmanager:GetSecretValue action"
    )
    assert silent["fix"] and silent["deciding"] is None
    assert explicit["deciding"] == "policy inline, statement 2"
    assert explicit["message"].endswith("with an explicit deny in an identity-based policy")
    would = [line for line in audit_log(server) if "would be refused" in line]
    assert len(would) == (len(expected) if mode == "audit" else 0)


def test_a_refusal_has_the_callers_keys_and_a_fix_for_the_whole_call(make_server):
    server = make_server()
    owner = Account.from_env(server.env())
    roles = [owner.role(), owner.role()]
    user = owner.user(allow("ecs:*"))
    arn, name = arn_of(user), arn_of(user).rsplit("/", 1)[1]
    owner.iam.tag_user(UserName=name, Tags=[{"Key": "team", "Value": "red"}])
    register = lambda: user.ecs.register_task_definition(
        family="app",
        containerDefinitions=[{"name": "a", "image": "x", "memory": 64}],
        executionRoleArn=roles[0],
        taskRoleArn=roles[1],
    )
    with refused("AccessDeniedException", contains=f"iam:PassRole on resource: {roles[0]} because"):
        register()
    (decision,) = recorded(server)
    context = {key: values for key, values in decision["context"]}
    assert context["aws:PrincipalArn"] == [arn] and context["aws:PrincipalTag/team"] == ["red"]
    assert context["aws:username"] == [name] and context["aws:userid"][0].startswith("AIDA")
    assert context["iam:PassedToService"] == ["ecs-tasks.amazonaws.com"]
    assert context["iam:AssociatedResourceArn"] == [f"arn:aws:ecs:us-east-1:{owner.id}:task-definition/app:*"]
    fix = decision["fix"]
    assert (fix["verified"], fix["smallest"]) == (True, True)
    assert [step["statement"] for step in fix["steps"]] == [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": roles}]
    document = {"Version": "2012-10-17", "Statement": [step["statement"] for step in fix["steps"]]}
    owner.iam.put_user_policy(UserName=name, PolicyName="fix", PolicyDocument=json.dumps(document))
    register()
