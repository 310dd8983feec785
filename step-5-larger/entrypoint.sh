#!/bin/sh
# What the container does: web (the default), dev, test, manage COMMAND, or any other command as given.
set -e

prepare_database() {
    # As PID 1 this shell would ignore SIGTERM while it waits: leave at once instead. exec drops the trap.
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
# exec: the command becomes PID 1 and gets the signals itself.
exec "$@"
