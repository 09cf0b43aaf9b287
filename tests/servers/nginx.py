"""nginx with a site of the docs. Only addresses, bucket and certificate are replaced."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from broker.local.process import LOOPBACK, ChildProcess, ServerNotInstalled, is_port_free
from tests.servers import START_TIMEOUT, start_on_free_port

CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    {site}
}}
"""


def nginx_binary() -> str:
    """Return the path of nginx; raise ServerNotInstalled."""
    for directory in (None, "/usr/sbin"):
        if found := shutil.which("nginx", path=directory):
            return found
    raise ServerNotInstalled("nginx is missing: apt-get install nginx")


@contextlib.contextmanager
def nginx(site: str, upstream_url: str, bucket: str) -> Iterator[str]:
    """Run nginx with a site in front of an S3 server; yield its URL."""
    binary = nginx_binary()
    with tempfile.TemporaryDirectory(prefix="nginx-") as name:
        directory = Path(name)

        def start(port: int) -> tuple[ChildProcess, int]:
            here = re.sub(r"listen 443 ssl;", f"listen {LOOPBACK}:{port};", site)
            here = re.sub(r"ssl_certificate\w* \S+;", "", here)
            here = re.sub(r"access_log \S+", f"access_log {directory}/media.log", here)
            here = here.replace("127.0.0.1:9000", urlsplit(upstream_url).netloc)
            here = here.replace("media-bucket", bucket)
            file = directory / "nginx.conf"
            file.write_text(CONFIGURATION.format(directory=directory, site=here))
            child = ChildProcess(
                [binary, "-p", name, "-c", str(file), "-e", "stderr"],
                log_file=directory / "nginx.log",
                cwd=directory,
                env={},
            )
            child.start(lambda: not is_port_free(port), START_TIMEOUT)
            return child, port

        child, port = start_on_free_port(start)
        try:
            yield f"http://{LOOPBACK}:{port}"
        finally:
            child.stop()
