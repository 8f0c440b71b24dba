#!/usr/bin/env bash
# install-nats.sh: as printed, and it waits until the cluster is there.
set -euo pipefail
helm repo add nats https://nats-io.github.io/k8s/helm/charts
helm repo update
helm upgrade --install nats nats/nats \
  --namespace messaging \
  --create-namespace \
  --values nats-values.yaml \
  --wait
