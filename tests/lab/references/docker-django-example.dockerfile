# After nickjj/docker-django-example's Dockerfile, without its frontend, its database library and curl. Its gunicorn
# writes an access log, too.
FROM python:3.14-slim-trixie AS app-build
WORKDIR /app
RUN groupadd -g 1000 python \
    && useradd --create-home --no-log-init -u 1000 -g 1000 python \
    && chown python:python -R /app
COPY --from=ghcr.io/astral-sh/uv:python3.14-trixie-slim /usr/local/bin/uv /usr/local/bin/
USER python
COPY --chown=python:python pyproject.toml uv.lock* ./
ENV PYTHONUNBUFFERED="true" \
    PYTHONPATH="." \
    UV_COMPILE_BYTECODE=1 \
    UV_PROJECT_ENVIRONMENT="/home/python/.local" \
    PATH="${PATH}:/home/python/.local/bin" \
    USER="python"
RUN uv sync --frozen --no-install-project --no-dev
CMD ["bash"]

FROM python:3.14-slim-trixie AS app
WORKDIR /app
RUN groupadd -g 1000 python \
    && useradd --create-home --no-log-init -u 1000 -g 1000 python \
    && chown python:python -R /app
USER python
ENV PYTHONUNBUFFERED="true" \
    PYTHONPATH="." \
    UV_PROJECT_ENVIRONMENT="/home/python/.local" \
    PATH="${PATH}:/home/python/.local/bin" \
    USER="python"
COPY --chown=python:python --from=app-build /home/python/.local /home/python/.local
COPY --from=app-build /usr/local/bin/uv /usr/local/bin/
COPY --chown=python:python . .
CMD ["gunicorn", "hello.main:app", "--bind=0.0.0.0:8000", "--worker-class=uvicorn_worker.UvicornWorker", "--workers=1", "--access-logfile=-"]
