# status.sh JOB: say what Snakemake wants to know of a job that submit.sh named: success, failed or running
set -eu
case $(kubectl get "$1" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}') in
    *Complete*) echo success ;;
    *Failed*) echo failed ;;
    *) echo running ;;
esac
