#!/bin/sh
# Runs inside the image that postgres.Dockerfile made; prints the Dockerfile lines that only it can know.
postgres --version | sed 's/.*(Debian \(.*\))/ENV PG_VERSION=\1/'
