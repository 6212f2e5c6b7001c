#!/usr/bin/env bash
# The whole loop on the demo workspace. Every step is safe to repeat: what is there already is not made again.
set -euo pipefail
affidavit=$1
workspace=$2
answers="$workspace/.affidavit/demo-answers.txt"
export AFFIDAVIT_USER="${AFFIDAVIT_USER:-${USER:-demo}}"

"$affidavit" init --demo "$workspace"
"$affidavit" models fetch -w "$workspace"
"$affidavit" memory sync -w "$workspace"

if [ -s "$answers" ]; then
  echo "Asked before; these are the recorded answers (delete $answers to ask again):"
  cat "$answers"
else
  "$affidavit" ask -w "$workspace" \
    "Which product category had the highest sales revenue in 2023?" \
    "What was the late shipment rate by shipper in 2022?" \
    "Top 5 customers by gross profit" | tee "$answers.partial"
  mv "$answers.partial" "$answers"
fi

cat <<EOF

Every step is on the record:     $affidavit runs list -w $workspace
                                 $affidavit audit verify -w $workspace
Ask your own, and sign answers:  $affidavit chat -w $workspace
EOF
