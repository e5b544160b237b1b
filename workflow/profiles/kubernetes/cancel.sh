#!/bin/sh
# cancel.sh JOB...: end jobs that submit.sh named
exec kubectl delete --ignore-not-found "$@"
