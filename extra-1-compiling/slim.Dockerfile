# export: Poetry turns the lock file into three lists, one for each group of packages.
FROM python:3.14-slim-trixie AS export
RUN pip install poetry==2.5.1 poetry-plugin-export==1.10.1
WORKDIR /app
COPY pyproject.toml poetry.lock ./
RUN poetry export --output main.txt && poetry export --only prod --output prod.txt && \
    poetry export --only dev --output dev.txt


# frontend: Node makes one small script and one stylesheet. Only dist/ leaves this stage.
FROM node:24-trixie-slim AS frontend
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY rollup.config.mjs ./
COPY frontend frontend
RUN npm run build


# base: do not copy this. It shows how many people repair a build that finds no compiler on slim: they install one in
# `base`. Production starts from `base`, too, so the compiler is in the image that is deployed.
FROM python:3.14-slim-trixie AS base
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev libpcre2-dev libpq-dev \
 && rm -rf /var/lib/apt/lists/*
ENV PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1 \
    PATH=/venv/bin:$PATH
# `docker compose watch` copies files as this user, and USER takes its group: both need an entry in /etc/passwd.
RUN useradd --uid 10001 app
WORKDIR /app


# build: the image's pip installs the packages into /venv, and compiles those that have no wheel.
FROM base AS build
RUN python -m venv --without-pip /venv
# prod.txt first: uWSGI takes longest to compile, and a change of main.txt does not compile it again.
COPY --from=export /app/prod.txt ./
RUN pip --python /venv install --require-hashes -r prod.txt
COPY --from=export /app/main.txt ./
RUN pip --python /venv install --require-hashes -r main.txt


# production: this becomes the image. It has no Node, no Poetry and no tests.
FROM base AS production
COPY --from=build /venv /venv
COPY entrypoint.sh uwsgi.ini mime.types ./
COPY --from=frontend /app/dist dist
COPY src src
# Django loads its settings for this command, too, and they want secrets. Development's known ones will do here.
RUN chmod -R a+rX . && ENVIRONMENT=development python src/manage.py collectstatic --no-input
# These two values change with every build, so they come after everything that takes long.
ARG GIT_COMMIT=unknown BUILD_TIME=unknown
RUN python -c "import json, os; print(json.dumps({'commit': os.environ['GIT_COMMIT'], 'built': os.environ['BUILD_TIME']}))" >version.json
ENV STEP=extra-1-compiling PORT=8000 WORKERS=2 THREADS=4
USER 10001
HEALTHCHECK --interval=30s --timeout=3s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import http.client, os; \
        c = http.client.HTTPConnection('127.0.0.1', os.environ.get('PORT') or 8000); \
        c.request('GET', '/health'); exit(c.getresponse().status >= 500)"]
ENTRYPOINT ["/app/entrypoint.sh"]
CMD ["web"]
