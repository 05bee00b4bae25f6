#!/bin/bash
# PostgreSQL's server on Debian or Ubuntu, as root: what the test of a shared server and registry needs. None is started.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/postgresql-common
grep -qs '^create_main_cluster' /etc/postgresql-common/createcluster.conf \
  || echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf
apt-get -qq update
apt-get -qq -y --no-install-recommends install postgresql
ls /usr/lib/postgresql/*/bin/postgres
