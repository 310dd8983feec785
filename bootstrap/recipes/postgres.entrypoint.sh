#!/bin/bash
# First start: make the database, its superuser and its first tables. Every start: run the server,
# as the user postgres, in the foreground. The variables are those of the official image.
set -euo pipefail

fail() {
  printf 'Error: %s\n' "$*" >&2
  exit 1
}

# from_file NAME [DEFAULT]: the value of NAME, or what the file that NAME_FILE names holds, or DEFAULT.
from_file() {
  local name=$1 file_name=${1}_FILE
  [ -z "${!name:-}" ] || [ -z "${!file_name:-}" ] || fail "$name and $file_name are both set: choose one"
  if [ -n "${!file_name:-}" ]; then
    printf -v "$name" '%s' "$(<"${!file_name}")"
  fi
  printf -v "$name" '%s' "${!name:-${2:-}}"
  export "${name?}"
  unset "$file_name"
}

sql() { PGHOST='' PGHOSTADDR='' psql --set ON_ERROR_STOP=1 --no-psqlrc --no-password --username "$POSTGRES_USER" "$@"; }

initialise() {
  if [ -z "$POSTGRES_PASSWORD" ] && [ "${POSTGRES_HOST_AUTH_METHOD:-}" != trust ]; then
    fail "the database is new and its superuser has no password: set POSTGRES_PASSWORD (or POSTGRES_HOST_AUTH_METHOD=trust to let everybody in, which is not recommended)"
  fi
  # initdb's arguments are a shell line, as in the official image: they may be quoted.
  local -a arguments
  eval "arguments=(${POSTGRES_INITDB_ARGS:-})"
  [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || arguments+=(--waldir "$POSTGRES_INITDB_WALDIR")
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${arguments[@]}"
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "${@:2}")}" >>"$PGDATA/pg_hba.conf"

  # Nobody can connect over the network until the first start has come to its end.
  export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
  PGUSER=$POSTGRES_USER NOTIFY_SOCKET='' pg_ctl --wait --options="$(printf '%q ' "${@:2}" -c listen_addresses= -p "${PGPORT:-5432}")" start
  if [ -z "$(sql --dbname postgres --tuples-only --set name="$POSTGRES_DB" <<<"SELECT 1 FROM pg_database WHERE datname = :'name'")" ]; then
    sql --dbname postgres --set name="$POSTGRES_DB" <<<'CREATE DATABASE :"name"'
  fi
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh)
        echo "running $file"
        # shellcheck source=/dev/null
        if [ -x "$file" ]; then "$file"; else . "$file"; fi
        ;;
      *.sql) echo "running $file"; sql --dbname "$POSTGRES_DB" --file "$file" ;;
      *.sql.gz) echo "running $file"; gunzip --stdout "$file" | sql --dbname "$POSTGRES_DB" ;;
      *.sql.xz) echo "running $file"; xzcat "$file" | sql --dbname "$POSTGRES_DB" ;;
      *.sql.zst) echo "running $file"; zstd --decompress --stdout "$file" | sql --dbname "$POSTGRES_DB" ;;
      */\*) ;;
      *) echo "ignoring $file" ;;
    esac
  done
  PGUSER=$POSTGRES_USER pg_ctl --mode fast --wait stop
  unset PGPASSWORD
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

# An option is meant for the server.
[ "${1:0:1}" != - ] || set -- postgres "$@"

serves=no
if [ "${1:-}" = postgres ]; then
  serves=yes
  for argument; do
    case "$argument" in --help | -\? | --version | -V | --describe-config) serves=no ;; esac
  done
fi

if [ "$serves" = yes ]; then
  mkdir -p "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"}
  if [ "$(id -u)" -eq 0 ]; then
    # A mounted volume belongs to root at first.
    find "$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} ! -user postgres -exec chown postgres '{}' +
    chmod 700 "$PGDATA"
    # The secret's file may be root's alone: read it before root is given up.
    from_file POSTGRES_PASSWORD
    exec gosu postgres "$0" "$@"
  fi
  chmod 700 "$PGDATA" 2>/dev/null || true # where the user is not its owner, the server will say so
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  if [ -s "$PGDATA/PG_VERSION" ]; then
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  else
    initialise "$@"
  fi
fi
exec "$@"
