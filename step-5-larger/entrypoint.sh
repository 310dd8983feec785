#!/bin/sh
# Every container starts this script with a command: web (the default), dev, test, manage ..., or any other program.
set -e

prepare_database() {
    # As process 1, this shell would ignore SIGTERM. It runs a trap at once only during `wait`, which needs the `&`.
    trap 'exit 143' TERM
    python src/manage.py prepare_database &
    wait $!
}

case "$1" in
    web)
        prepare_database
        set -- uwsgi --ini uwsgi.ini
        ;;
    dev)
        prepare_database
        export DEBUG=1
        set -- python src/manage.py runserver "0.0.0.0:$PORT"
        ;;
    test)
        shift
        set -- python -m pytest "$@"
        ;;
    manage)
        shift
        set -- python src/manage.py "$@"
        ;;
esac
# exec lets the command take the place of this shell: it becomes process 1 and gets the signals itself.
exec "$@"
