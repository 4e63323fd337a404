"""What ECR does behind the calls' backs: images expire, replicas are made."""

import json

from harness import ecr
from harness.account import Account, unique
from harness.waiting import until


def test_a_lifecycle_policy_expires_images(make_server):
    """What is due by the clock is done when the server starts, too: the test need not wait for it."""
    server = make_server()
    account = Account.from_env(server.env())
    client = account.client("ecr")
    made = ecr.repository(account)
    name = made["repositoryName"]
    for number in (1, 2, 3):
        ecr.Registry.of(account).push(ecr.several_layers(unique("old")), made["repositoryUri"], f"v{number}")
    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
        "action": {"type": "expire"},
    }
    client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps({"rules": [rule]}))
    server.stop()
    server.start()

    def tags():
        return [it["imageTag"] for it in client.list_images(repositoryName=name)["imageIds"]]

    until("the older images to expire", lambda: tags() == ["v3"], 20)


def test_an_image_is_replicated_to_another_region(make_server):
    server = make_server()
    account = Account.from_env(server.env())
    destination = {"region": "eu-west-1", "registryId": account.id}
    account.client("ecr").put_replication_configuration(
        replicationConfiguration={"rules": [{"destinations": [destination]}]}
    )
    made = ecr.repository(account)
    name = made["repositoryName"]
    digest = ecr.Registry.of(account).push(ecr.several_layers(unique("twin")), made["repositoryUri"], "v1")
    there = account.client("ecr", region="eu-west-1")

    def copied():
        try:
            return there.describe_images(repositoryName=name)["imageDetails"][0]["imageDigest"] == digest
        except there.exceptions.RepositoryNotFoundException:
            return False

    until("the replica", copied, 20)
