#!/usr/bin/env bash
# Everything the shipped adapter was trained on, made anew; fails unless its hash is the one on the adapter's card.
set -euo pipefail
affidavit=$1
workspace=$2
export AFFIDAVIT_USER="${AFFIDAVIT_USER:-${USER:-demo}}"

"$affidavit" init --demo "$workspace"
"$affidavit" memory sync -w "$workspace"
"$affidavit" pairs generate -w "$workspace" --count 18000 --seed 8 --phrasings 3 --template-share 0.7 --workers 2
"$affidavit" pairs dataset -w "$workspace" --like demo
