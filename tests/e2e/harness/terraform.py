"""The real Terraform with the real AWS provider, against a server of ours."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from harness.server import bare_environment

# Where providers are that were downloaded before, laid out as Terraform's `filesystem_mirror` wants it.
MIRROR = Path(os.environ.get("LANDFALL_TERRAFORM_MIRROR", "/opt/tf-plugins"))

HEAD = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  skip_requesting_account_id = false
}
"""


def is_there():
    """Whether Terraform and the provider are on this machine: neither is in Debian, and the provider has 700 MB."""
    return bool(shutil.which("terraform")) and any(MIRROR.glob("**/terraform-provider-aws_*"))


class Terraform:
    """A directory with a configuration."""

    def __init__(self, directory, account):
        self.directory = Path(directory)
        (self.directory / "rc").write_text(
            f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path = "{MIRROR}"\n  }}\n}}\n'
        )
        variables = {
            **account.env(),
            "TF_CLI_CONFIG_FILE": str(self.directory / "rc"),
            "TF_IN_AUTOMATION": "1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.environment = bare_environment(**variables)
        self.ready = False

    def write(self, text):
        """Replaces the configuration."""
        (self.directory / "main.tf").write_text(HEAD + text)
        if not self.ready:
            self.run("init")
            self.ready = True

    def run(self, *arguments, check=True, timeout=300):
        """Runs a command; the completed process."""
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=timeout,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"terraform {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done

    def apply(self):
        """Applies, and plans again: what was applied must be what is there."""
        self.run("apply", "-auto-approve", "-input=false")
        again = self.run("plan", "-detailed-exitcode", "-input=false", check=False)
        assert again.returncode == 0, f"a second plan changes something\n{again.stdout}\n{again.stderr}"

    def state(self):
        """`terraform show -json`"""
        return json.loads(self.run("show", "-json").stdout)
