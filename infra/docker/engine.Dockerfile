# An engine that dials f2p: Panda3D with the engine's side of f2p alone, no torch and no Prefect. From the repository:
#   docker build -f infra/docker/engine.Dockerfile -t f2p-engine:0.1.0 .
# F2P_BRIDGE_URL and F2P_BRIDGE_TOKEN say whom to dial. An engine of your own takes this file's place.

FROM python:3.11.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/engine
WORKDIR /source
COPY constraints.txt ./
COPY engine_bridge engine_bridge
RUN /opt/engine/bin/pip install --constraint constraints.txt './engine_bridge[panda3d]'

FROM python:3.11.13-slim-bookworm
# OpenCV's libraries, for the textures.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --create-home engine
COPY --from=build /opt/engine /opt/engine
ENV PATH=/opt/engine/bin:$PATH \
    NUMBA_CACHE_DIR=/home/engine/numba \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /home/engine
CMD ["python", "-P", "-m", "engine_bridge.engines.panda3d"]
