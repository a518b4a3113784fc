"""Validates an RO-Crate without a network: `python validate_crate.py FOLDER PROFILE`, where roc-validator is installed.

The validator asks for the vocabulary of RO-Crate 1.1 at its address. Here it gets the copy that the package rocrate
has, which is a later one: a prefix is written as it was in 1.1.
"""

import email.message
import io
import sys
import urllib.request
from pathlib import Path
from urllib.response import addinfourl

import requests
import rocrate

ADDRESS = "ro/crate/1.1/context"

VOCABULARY = (Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_bytes()
VOCABULARY = VOCABULARY.replace(b"https://bioschemas.org/terms/", b"https://bioschemas.org/")

_open, _request = urllib.request.OpenerDirector.open, requests.Session.request


def open_url(self, asked, *arguments, **options):
    url = asked if isinstance(asked, str) else asked.full_url
    if ADDRESS not in url:
        return _open(self, asked, *arguments, **options)
    headers = email.message.Message()
    headers["Content-Type"] = "application/ld+json"
    return addinfourl(io.BytesIO(VOCABULARY), headers, url, 200)


def request(self, method, url, **options):
    if ADDRESS not in url:
        return _request(self, method, url, **options)
    answer = requests.Response()
    answer.status_code, answer._content, answer.url = 200, VOCABULARY, url
    answer.headers["Content-Type"] = "application/ld+json"
    return answer


urllib.request.OpenerDirector.open, requests.Session.request = open_url, request

from rocrate_validator import models, services  # noqa: E402 (after what it imports was changed)

settings = models.ValidationSettings(
    rocrate_uri=sys.argv[1], profile_identifier=sys.argv[2], requirement_severity=models.Severity.REQUIRED
)
result = services.validate(settings)
for issue in result.get_issues():
    print(issue.severity.name, issue.check.identifier, issue.message, issue.violatingEntity)
sys.exit(0 if result.passed() else 1)
