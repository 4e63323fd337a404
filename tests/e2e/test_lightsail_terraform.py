"""Lightsail container services through the real Terraform: a private image from nothing to a page, and back to nothing."""

import json

import pytest

from harness import ecr, terraform
from harness.account import unique
from harness.terraform import Terraform
from test_lightsail import fetch, page

pytestmark = pytest.mark.skipif(not terraform.is_there(), reason="no Terraform with the AWS provider on this machine")

# As in the provider's documentation of `private_registry_access`.
CONFIGURATION = """
resource "aws_ecr_repository" "app" {
  name         = "%(repository)s"
  force_delete = true
}

resource "aws_lightsail_certificate" "site" {
  name                      = "%(name)s"
  domain_name               = "%(name)s.example.com"
  subject_alternative_names = ["www.%(name)s.example.com"]
}

resource "aws_lightsail_container_service" "web" {
  name  = "%(name)s"
  power = "nano"
  scale = %(scale)d
  tags  = { team = "%(team)s" }
  private_registry_access {
    ecr_image_puller_role { is_active = true }
  }
  public_domain_names {
    certificate {
      certificate_name = aws_lightsail_certificate.site.name
      domain_names     = ["%(name)s.example.com"]
    }
  }
}

data "aws_iam_policy_document" "pull" {
  statement {
    sid    = "AllowLightsailPull"
    effect = "Allow"
    principals {
      type        = "AWS"
      identifiers = [aws_lightsail_container_service.web.private_registry_access[0].ecr_image_puller_role[0].principal_arn]
    }
    actions = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
  }
}

resource "aws_ecr_repository_policy" "pull" {
  repository = aws_ecr_repository.app.name
  policy     = data.aws_iam_policy_document.pull.json
}
"""

DEPLOYMENT = """
resource "aws_lightsail_container_service_deployment_version" "web" {
  service_name = aws_lightsail_container_service.web.name
  container {
    container_name = "app"
    image          = "%(image)s"
    command        = ["sh", "-c", "httpd -p 80 -h /www; trap exit TERM; while :; do sleep 1 & wait $!; done"]
    environment    = { COLOUR = "blue" }
    ports          = { 80 = "HTTP" }
  }
  public_endpoint {
    container_name = "app"
    container_port = 80
    health_check {
      path          = "/"
      success_codes = "200-299"
    }
  }
  depends_on = [aws_ecr_repository_policy.pull]
}
"""


def test_a_private_image_from_nothing_to_a_page(server, admin, tmp_path):
    name, repository = unique("tf"), unique("tf-app")
    tf = Terraform(tmp_path, admin)
    values = {"name": name, "repository": repository, "scale": 1, "team": "a"}
    tf.write(CONFIGURATION % values)
    tf.apply()
    ecr.Registry.of(admin).push(page("from terraform"), admin.client("ecr").describe_repositories(
        repositoryNames=[repository])["repositories"][0]["repositoryUri"], "v1")  # fmt: skip
    image = f"{admin.id}.dkr.ecr.us-east-1.amazonaws.com/{repository}:v1"
    values["image"] = image
    tf.write((CONFIGURATION + DEPLOYMENT) % values)
    plan = tmp_path / "plan"
    tf.run("plan", "-input=false", f"-out={plan}")
    shown = tf.run("show", "-json", str(plan)).stdout
    checked = server.command("check", "-", "--json", input=shown, environment=admin.env())
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (found,) = json.loads(checked.stdout)["deployments"]
    assert found["would_start"] and not found["findings"], found
    tf.apply()
    client = admin.client("lightsail")
    service = client.get_container_services(serviceName=name)["containerServices"][0]
    assert service["state"] == "RUNNING" and service["currentDeployment"]["version"] == 1
    assert fetch(server, service["url"]) == "from terraform"
    assert fetch(server, f"https://{name}.example.com/") == "from terraform"
    # Tags, scale and a new version are changed in place.
    values |= {"scale": 2, "team": "b"}
    tf.write((CONFIGURATION + DEPLOYMENT).replace('"blue"', '"red"') % values)
    tf.apply()
    service = client.get_container_services(serviceName=name)["containerServices"][0]
    assert service["scale"] == 2 and service["tags"] == [{"key": "team", "value": "b"}]
    assert service["currentDeployment"]["version"] == 2
    assert service["currentDeployment"]["containers"]["app"]["environment"] == {"COLOUR": "red"}
    tf.run("destroy", "-auto-approve", "-input=false")
    names = [it["containerServiceName"] for it in client.get_container_services()["containerServices"]]
    assert name not in names
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_certificates(certificateName=name)
