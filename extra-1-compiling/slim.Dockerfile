# export: Poetry turns the lock file into a list of packages for each of its groups.
FROM python:3.14-slim-trixie AS export
RUN pip install poetry==2.5.1 poetry-plugin-export==1.10.1
WORKDIR /app
COPY pyproject.toml poetry.lock ./
RUN poetry export --output main.txt && poetry export --only prod --output prod.txt && \
    poetry export --only dev --output dev.txt


# frontend: Node bundles and minifies. Only dist/ leaves this stage.
FROM node:24-slim AS frontend
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY rollup.config.mjs ./
COPY frontend frontend
RUN npm run build


# base: not to be copied. The slim image as many people fix it: the build fails for want of a compiler,
# so they install one in `base`, which production starts from, too: it is in the image that goes there.
FROM python:3.14-slim-trixie AS base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev libpcre2-dev libpq-dev \
 && rm -rf /var/lib/apt/lists/*
ENV PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1 \
    PATH=/venv/bin:$PATH
WORKDIR /app


# build: the packages in a virtual environment, compiled where there is no wheel to download. The image's pip fills it.
FROM base AS build
RUN python -m venv --without-pip /venv
# A list at a time, the slowest first: when only another one changes, it is not compiled again.
COPY --from=export /app/prod.txt ./
RUN pip --python /venv install --require-hashes -r prod.txt
COPY --from=export /app/main.txt ./
RUN pip --python /venv install --require-hashes -r main.txt


# production: no Node, no Poetry, no tests.
FROM base AS production
COPY --from=build /venv /venv
COPY entrypoint.sh uwsgi.ini mime.types ./
COPY --from=frontend /app/dist dist
COPY src src
# Django wants its secrets for every command. The development defaults are good enough for this one.
RUN chmod -R a+rX . && ENVIRONMENT=development python src/manage.py collectstatic --no-input
# Last, because these two change with every build.
ARG GIT_COMMIT=unknown BUILD_TIME=unknown
RUN python -c "import json, os; print(json.dumps({'commit': os.environ['GIT_COMMIT'], 'built': os.environ['BUILD_TIME']}))" >version.json
ENV STEP=extra-1-compiling PORT=8000 WORKERS=2 THREADS=4
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import http.client, os; \
        c = http.client.HTTPConnection('127.0.0.1', os.environ.get('PORT') or 8000); \
        c.request('GET', '/health'); exit(c.getresponse().status >= 500)"]
ENTRYPOINT ["/app/entrypoint.sh"]
CMD ["web"]
