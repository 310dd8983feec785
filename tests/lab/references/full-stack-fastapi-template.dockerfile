# After fastapi/full-stack-fastapi-template's backend/Dockerfile. It starts `fastapi run --workers 4`: this is the server
# that this starts, with one worker. (On the slim image, so that the sizes above the base can be compared.)
FROM python:3.14-slim-trixie
ENV PYTHONUNBUFFERED=1
WORKDIR /app/
COPY --from=ghcr.io/astral-sh/uv:python3.14-trixie-slim /usr/local/bin/uv /bin/
ENV PATH="/app/.venv/bin:$PATH"
ENV UV_COMPILE_BYTECODE=1
ENV UV_LINK_MODE=copy
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    uv sync --locked --no-install-project --no-dev
ENV PYTHONPATH=/app
COPY ./pyproject.toml ./uv.lock /app/
COPY ./hello /app/hello
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --locked --no-dev
CMD ["uvicorn", "hello.main:app", "--host", "0.0.0.0", "--workers", "1"]
