# submit.sh CPUS MEGABYTES GPUS MINUTES SCRIPT: run Snakemake's job script in a pod, print the job's name.
# Set these to yours:
image=${CAMFUSE_IMAGE:-python:3.11} # with the Python that .venv was made with
claim=${CAMFUSE_CLAIM:-camfuse}     # the PersistentVolumeClaim
mount=${CAMFUSE_MOUNT:-/data}       # its path, here and in the pods
set -eu
gpus=''
[ "$3" = 0 ] || gpus=", nvidia.com/gpu: $3"
kubectl create -o name -f - <<END
apiVersion: batch/v1
kind: Job
metadata: {generateName: camfuse-}
spec:
  backoffLimit: 0
  activeDeadlineSeconds: $(($4 * 60))
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: job
          image: $image
          workingDir: $PWD
          command: [sh, "$5"]
          resources:
            requests: {cpu: $1, memory: $2M}
            limits: {memory: $2M$gpus}
          volumeMounts: [{name: data, mountPath: $mount}]
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: $claim}
END
