# f2p with everything that a Prefect server, a worker or a person at a shell needs of it. Built from the repository:
#   docker build -f infra/docker/f2p.Dockerfile -t f2p:0.1.0 .
# With the wheels of PyPI torch brings CUDA. For a machine without a GPU, give an index that has CPU builds:
#   docker build --build-arg PIP_EXTRA_INDEX_URL=... -f infra/docker/f2p.Dockerfile -t f2p:0.1.0-cpu .
# EXTRAS are those of pyproject.toml; the worker of a Kubernetes pool needs kubernetes as well.

FROM python:3.11.13-slim-bookworm AS build
ARG PIP_EXTRA_INDEX_URL=""
ARG EXTRAS="postgres,store"
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/f2p
WORKDIR /source
# The dependencies first: they change seldom, and their layer is the large one.
COPY pyproject.toml constraints.txt ./
COPY infra/docker/requirements.py ./
RUN /opt/f2p/bin/python requirements.py pyproject.toml "$EXTRAS" > requirements.txt \
 && /opt/f2p/bin/pip install --constraint constraints.txt --requirement requirements.txt
COPY README.md LICENSE THIRD_PARTY_NOTICES.md ./
COPY engine_bridge engine_bridge
COPY datasets datasets
COPY f2p_models f2p_models
COPY flows flows
RUN /opt/f2p/bin/pip install --no-deps .

FROM python:3.11.13-slim-bookworm
# OpenCV's two libraries. OpenMP comes with torch.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --create-home f2p \
 && install --directory --owner f2p --group f2p /home/f2p/data
COPY --from=build /opt/f2p /opt/f2p
ENV PATH=/opt/f2p/bin:$PATH \
    F2P_HOME=/home/f2p/data \
    DO_NOT_TRACK=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /home/f2p
VOLUME /home/f2p/data
CMD ["f2p", "doctor"]
