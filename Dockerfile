# One image for each service: docker build --build-arg SERVICE=ingest -t spikewatch/ingest:0.1.0 .
# SERVICE is ingest, enrichment, alerts or directory; the image holds that service, the two shared packages and nothing else.
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG SERVICE
WORKDIR /build
# Without a service there is nothing to build; said here rather than as a missing file further down.
RUN test -n "${SERVICE}" || { echo "give --build-arg SERVICE=ingest|enrichment|alerts|directory" >&2; exit 1; }
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/build.txt requirements/${SERVICE}.txt requirements/
# Two environments: one builds, the other is carried over and has no pip. Every download is checked against its hash.
RUN python -m venv /opt/build \
    && python -m venv --without-pip /opt/spikewatch \
    && /opt/build/bin/python -m pip install --require-hashes --no-deps -r requirements/build.txt \
    && /opt/build/bin/python -m pip --python /opt/spikewatch/bin/python install --require-hashes --only-binary :all: -r "requirements/${SERVICE}.txt"
COPY packages/contracts packages/contracts
COPY packages/chassis packages/chassis
COPY services/${SERVICE} services/${SERVICE}
RUN /opt/build/bin/python -m pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /build/wheels \
        ./packages/contracts ./packages/chassis "./services/${SERVICE}" \
    && /opt/build/bin/python -m pip --python /opt/spikewatch/bin/python install --no-deps --no-index /build/wheels/*.whl \
    && /opt/spikewatch/bin/python -m compileall -q /opt/spikewatch/lib

FROM ${PYTHON_IMAGE}
ARG SERVICE
LABEL org.opencontainers.image.title="spikewatch-${SERVICE}" org.opencontainers.image.licenses="Apache-2.0"
# No installer stays in the image. The account has no shell and no home that could be written to.
RUN python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel \
    && useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin spikewatch
COPY --from=build /opt/spikewatch /opt/spikewatch
ENV PATH=/opt/spikewatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SERVICE=${SERVICE} \
    SPIKEWATCH_HEALTH_HOST=0.0.0.0 \
    SPIKEWATCH_HEALTH_PORT=8081
USER 10001:10001
WORKDIR /tmp
EXPOSE 8081
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['SPIKEWATCH_HEALTH_PORT'] + '/ready', timeout=2)"]
# exec: the service itself is process 1 and gets SIGTERM, so that it drains.
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"spikewatch.${SERVICE}\""]
