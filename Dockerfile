# Two images: `docker build --target worker .` for `broker background` and `broker worker`, and by
# default the API's, which contains no image decoder. What builds stays behind: they have the locked
# libraries and the broker, no S3 server, no test.
FROM python:3.13-slim AS build-api
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv --without-pip /opt/broker
COPY requirements.txt requirements-build.txt ./
RUN pip --python /opt/broker install --require-hashes -r requirements.txt \
    && pip install --require-hashes -r requirements-build.txt
COPY . .
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && pip --python /opt/broker install --no-deps --no-index /wheel/*.whl

FROM build-api AS build-worker
RUN pip --python /opt/broker install --require-hashes -r requirements-worker.txt

FROM python:3.13-slim AS base
ENV PATH=/opt/broker/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
# The image of Python has no bytecode of the standard library. Without it, the worker's child process
# compiles what it imports again for each image, which takes 160 ms of CPU.
RUN python -m compileall -q -x site-packages /usr/local/lib/python3.* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin broker
# Nothing is written but below /tmp: run it read-only, with a tmpfs there (docker-compose.yml).
USER 10001

FROM base AS worker
COPY --from=build-worker /opt/broker /opt/broker
EXPOSE 9103
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9103/metrics', timeout=2)"]
CMD ["broker", "background", "--metrics-host", "0.0.0.0", "--metrics-port", "9103"]

FROM base AS api
COPY --from=build-api /opt/broker /opt/broker
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# `broker serve` ends what comes after `--` so that no request is lost; it needs up to
# BROKER_DRAIN_SECONDS + BROKER_STOP_SECONDS for it.
CMD ["broker", "serve", "--", "granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "2", "--respawn-failed-workers", "wsgi:app"]
