#!/usr/bin/env bash
# Everything the shipped adapter was trained on, made anew; fails unless its hash is the one on the adapter's card.
set -euo pipefail
affidavit=$1
workspace=$2
export AFFIDAVIT_USER="${AFFIDAVIT_USER:-${USER:-demo}}"

"$affidavit" init --demo "$workspace"
"$affidavit" memory sync -w "$workspace"
"$affidavit" pairs generate -w "$workspace" --count 15000 --seed 7 --workers 2
"$affidavit" pairs dataset -w "$workspace" --like demo
