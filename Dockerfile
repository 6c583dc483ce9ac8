# Two images from one wheel: `service` for the API and migrations, without PyTorch, and `worker` with
# it. docker-compose.yml names the target of each container. The documentation is generated from the
# installed code.

FROM python:3.12.13-slim-bookworm AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY store store
COPY service service
COPY worker worker
COPY lab lab
COPY extrapolab extrapolab
COPY docs docs
COPY mkdocs.yml ./
RUN pip install --no-cache-dir --editable '.[service,docs]' && python -m mkdocs build --quiet --strict
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.12.13-slim-bookworm AS base
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 lab
WORKDIR /home/lab
COPY --from=wheel /wheel /wheel

FROM base AS service
# Its matrices are small, so more threads would only compete, and each thread and arena takes memory.
ENV OPENBLAS_NUM_THREADS=1 MALLOC_ARENA_MAX=1
RUN pip install "$(echo /wheel/*.whl)[service]"
USER lab
# It answers other machines, which other containers are, only with EXTRAPOLAB_ALLOW_ANYONE=1.
CMD ["uvicorn", "--factory", "service.app:create", "--host", "0.0.0.0", "--port", "8000", \
     "--http", "service.http.header_limits:LimitedHttpProtocol", "--no-access-log", "--timeout-graceful-shutdown", "3"]

FROM base AS worker
# The build of PyTorch, and an extra index for it: pip's usual index may hold only builds for GPUs.
ARG TORCH=torch==2.13.0
ARG PIP_EXTRA_INDEX_URL=
RUN pip install "$TORCH"
RUN pip install "$(echo /wheel/*.whl)[worker]"
USER lab
CMD ["extrapolab", "worker", "--device", "cpu"]
