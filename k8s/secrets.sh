#!/usr/bin/env bash
# Makes the Secrets that the manifests refer to, from the files of `setup keys` and `setup authority`: k8s/secrets.sh <namespace>
# <folder> (it has secrets/ and authority/). Repeatable. Optional files are taken when they are there: database-ca.pem, kafka-ca.pem,
# smtp-password, smtp-ca.pem; edge-certificate and edge-key must be.
set -euo pipefail
namespace=$1 folder=$2
secrets=$folder/secrets authority=$folder/authority

# $1 the Secret, then its files. Never an argument or a variable with what is in them.
secret() {
  local name=$1 file from=()
  shift
  for file in "$@"; do from+=("--from-file=${file##*/}=$file"); done
  kubectl -n "$namespace" create secret generic "$name" "${from[@]}" --dry-run=client -o yaml | kubectl -n "$namespace" apply -f -
}
# $1 the Secret and service, then names of files
service() {
  local name=$1 file files=()
  shift
  for file in "database-$name-app" "kafka-$name" "$@"; do files+=("$secrets/$file"); done
  for file in database-ca.pem kafka-ca.pem; do [ -f "$secrets/$file" ] && files+=("$secrets/$file"); done
  secret "$name" "${files[@]}"
  files=("$secrets/database-$name-owner")
  [ -f "$secrets/database-ca.pem" ] && files+=("$secrets/database-ca.pem")
  secret "$name-owner" "${files[@]}"
}
mail=()
for file in smtp-password smtp-ca.pem; do [ -f "$secrets/$file" ] && mail+=("$file"); done

secret service-keys "$secrets/service-jwks.json"
service issuance pepper data-key transport-master puk-master management-master \
  issuance.jwk acceptance.jwk.pub suspension.jwk.pub "${mail[@]}"
service acceptance acceptance-token.jwk pepper transport-master puk-master \
  acceptance.jwk issuance.jwk.pub suspension.jwk.pub pin-jobs.jwk
service suspension pepper suspension.jwk
service status-query status-query-token.jwk
service crl-publisher crl-publisher-token.jwk redis
# The root's key stays where the ceremony was.
secret authority-certificates "$authority"/{authority.json,root.cer,issuing.cer,card.cer,root.crl}
secret authority-issuing "$authority"/{issuing.key.pem,passphrase}
secret authority-card "$authority/card.key.pem"
kubectl -n "$namespace" create secret tls edge-tls --cert="$secrets/edge-certificate" --key="$secrets/edge-key" \
  --dry-run=client -o yaml | kubectl -n "$namespace" apply -f -

# With --stack: what the dev overlay's own PostgreSQL, Kafka and Redis, and its setup, read.
if [ "${3:-}" = --stack ]; then
  secret postgres "$secrets/postgres"
  secret kafka "$secrets/kafka-jaas.conf"
  secret redis "$secrets/redis"
  secret setup-database "$secrets/postgres" "$secrets"/database-*-{owner,app}
  secret setup-kafka "$secrets/kafka-admin"
fi
