"""Errors of the service, seen through boto3."""

from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


class Caught:
    """The error that was raised inside the block."""

    code = None
    message = None
    status = None


@contextmanager
def refused(code, message=None, contains=None):
    """Expects the service to refuse, with this code and this text (whole, or a part of it)."""
    caught = Caught()
    with pytest.raises(ClientError) as error:
        yield caught
    answer = error.value.response
    caught.code = answer["Error"]["Code"]
    caught.message = answer["Error"].get("Message", "")
    caught.status = answer["ResponseMetadata"]["HTTPStatusCode"]
    assert caught.code == code, f"{caught.code}: {caught.message}"
    if message is not None:
        assert caught.message == message
    if contains is not None:
        assert contains in caught.message


def denied(action, resource=None, reason=None):
    """The text with which AWS refuses an action."""
    text = f"is not authorized to perform: {action}"
    if resource:
        text += f" on resource: {resource}"
        text += f" because {reason or f'no identity-based policy allows the {action} action'}"
    return text
