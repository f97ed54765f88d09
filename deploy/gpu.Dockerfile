# kdsl with its base models, for an NVIDIA GPU. From the repository's root:
#   docker build --file deploy/gpu.Dockerfile --tag kdsl:gpu .
#   docker run --gpus all --volume BUNDLES:/bundles --volume STATE:/state --volume MODELS:/models kdsl:gpu ...
# torch's wheels bring CUDA along; from the host comes the driver alone, with NVIDIA's container toolkit.

FROM debian:bookworm-slim AS build
# Versions of Debian's packages are not pinned: its mirrors keep the newest patch of a release only.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN python3 -m venv /opt/kdsl \
    && /opt/kdsl/bin/pip install --no-cache-dir --constraint constraints.txt '.[serve,otel,gpu]' \
    && /opt/kdsl/bin/pip uninstall --yes pip

FROM debian:bookworm-slim
# A compiler with Python's headers: triton compiles its launchers on the machine it runs on.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev python3 python3-dev \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home kdsl \
    && install --directory --owner kdsl --group kdsl /bundles /models /state
COPY --from=build /opt/kdsl /opt/kdsl
# Base models that are named by a hub's id are looked for, and kept, in /models.
ENV PATH=/opt/kdsl/bin:$PATH HF_HOME=/models KDSL_CACHE=/tmp/kdsl MPLCONFIGDIR=/tmp/matplotlib \
    TRITON_CACHE_DIR=/tmp/triton PYTHONUTF8=1 PYTHONUNBUFFERED=1
USER 10001
WORKDIR /bundles
VOLUME ["/bundles", "/models", "/state"]
EXPOSE 8000
HEALTHCHECK --start-period=600s --timeout=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
ENTRYPOINT ["kdsl"]
# Listening for others needs a key (`kdsl keys add NAME --role predict --state /state`); without one it does not start.
CMD ["serve", "--bundle", "/bundles/current", "--state", "/state", "--host", "0.0.0.0"]
