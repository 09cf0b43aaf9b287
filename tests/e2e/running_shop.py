"""The shop of `examples/django`, its broker, bucket and worker, as its README starts them."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from dotenv import dotenv_values

from broker.local.process import free_ports
from tests.e2e.shop import FOLDER, Shop, new_webhook_secret
from tests.e2e.test_dev import broker_dev
from tests.http.client import token

ROOT = FOLDER.parent.parent


@dataclass(frozen=True)
class Running:
    """A broker, and a shop whose server may be stopped."""

    broker: httpx.Client  # as a service
    broker_environment: dict[str, str]
    shop: Shop
    webhook_secret: str


@contextmanager
def running_shop(data: Path, directory: Path) -> Iterator[Running]:
    """Start what the README starts, except the server of Django. `data` is the broker's."""
    broker_port, s3_port, shop_port = free_ports(3)
    secret = new_webhook_secret()
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AWS_", "BROKER_")):
                patch.delenv(name)
        for name, value in exports_of_the_readme().items():
            patch.setenv(name, value.replace(":8000/", f":{shop_port}/"))
        patch.setenv("BROKER_WEBHOOK_SECRET", secret)
        with broker_dev(data, broker_port, s3_port) as lines:
            ready = next(line for line in lines if line.startswith("ready "))
            url = ready.removeprefix("ready ")
            environment = {k: v for k, v in dotenv_values(data / "dev.env").items() if v}
            key = environment["BROKER_JWT_SECRET"]
            service = token("shop", secret=key, role="service", iss="shop")
            headers = {"Authorization": f"Bearer {service}"}
            with httpx.Client(base_url=url, headers=headers) as broker:
                shop = Shop(directory, shop_port, url, key, secret)
                shop.manage("pull_events")
                yield Running(broker, environment, shop, secret)


def block_of_the_readme(word: str) -> str:
    """Return the only block of shell commands that contains a word."""
    text = (FOLDER / "README.md").read_text()
    (block,) = [one for one in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) if word in one]
    return block


def exports_of_the_readme() -> dict[str, str]:
    """Return the settings with which the README starts the broker."""
    lines = re.findall(r"^export (.*)", block_of_the_readme("broker dev"), re.MULTILINE)
    found = dict(pair.split("=", 1) for line in lines for pair in line.split(" "))
    assert set(found) == {"BROKER_PROFILES_FILE", "BROKER_JWT_ISSUER", "BROKER_WEBHOOK_URL"}
    return {**found, "BROKER_PROFILES_FILE": str(ROOT / found["BROKER_PROFILES_FILE"])}
