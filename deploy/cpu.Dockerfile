# The light part of kdsl: everything that needs no torch, `kdsl serve` first of all. From the repository's root:
#   docker build --file deploy/cpu.Dockerfile --tag kdsl:cpu .

FROM debian:bookworm-slim AS build
# Versions of Debian's packages are not pinned: its mirrors keep the newest patch of a release only.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/kdsl \
    && /opt/kdsl/bin/pip install --no-cache-dir --constraint constraints.txt '.[serve,otel]' \
    && /opt/kdsl/bin/pip uninstall --yes pip setuptools

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home kdsl \
    && install --directory --owner kdsl --group kdsl /bundles /state
COPY --from=build /opt/kdsl /opt/kdsl
# Caches lie where a read-only container has a tmpfs; messages are UTF-8 whatever the locale.
ENV PATH=/opt/kdsl/bin:$PATH KDSL_CACHE=/tmp/kdsl MPLCONFIGDIR=/tmp/matplotlib PYTHONUTF8=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /bundles
VOLUME ["/bundles", "/state"]
EXPOSE 8000
HEALTHCHECK --start-period=60s --timeout=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["kdsl"]
# Listening for others needs a key (`kdsl keys add NAME --role predict --state /state`); without one it does not start.
CMD ["serve", "--bundle", "/bundles/current", "--state", "/state", "--host", "0.0.0.0"]
