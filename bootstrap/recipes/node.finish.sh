#!/bin/sh
# Runs inside the image that node.Dockerfile made; prints the Dockerfile lines that only it can know.
node --print '"ENV NODE_VERSION=" + process.versions.node'
