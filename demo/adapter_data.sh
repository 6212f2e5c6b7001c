#!/usr/bin/env bash
# Everything the shipped adapter was trained on, made anew: each training set of its line, with the code and the
# templates of the commit that made it. Fails unless every hash stands on the adapter's card.
#
#   adapter_data.sh BIN FOLDER             BIN holds `affidavit` and `python`
set -euo pipefail
bin=$(realpath "$1")
folder=$2
export AFFIDAVIT_USER="${AFFIDAVIT_USER:-${USER:-demo}}"

# What is shipped is the mean of the eighth adapter and of what that went on from, the mean of the sixth and the seventh.
# The commit that makes a training set, the adapters that were trained on it, and how its pairs are made.
training_sets=(
  "82e3d8b the fourth and the fifth|--count 15000 --seed 7"
  "187d495 the sixth|--count 18000 --seed 8 --phrasings 3 --template-share 0.7"
  "35de117 the seventh|--count 17000 --seed 9 --phrasings 3 --template-share 0.75"
  "6d513a8 the eighth|--count 17000 --seed 10 --phrasings 3 --template-share 0.75"
)

as_of_commit() { # commit: a checkout of it, and an `affidavit` that runs it; prints the path of the latter
  local tree=$folder/$1
  mkdir -p "$tree"
  git archive "$1" | tar -x -C "$tree"
  cat >"$tree/affidavit" <<END
#!/usr/bin/env bash
PYTHONPATH='$tree' exec '$bin/python' -P -c 'from tui.cli.main import main; raise SystemExit(main())' "\$@"
END
  chmod +x "$tree/affidavit"
  echo "$tree/affidavit"
}

cd "$(dirname "$0")/.."
card=demo/files/adapter/card.json
mkdir -p "$folder"
for training_set in "${training_sets[@]}"; do
  IFS='|' read -r about options <<<"$training_set"
  read -r commit adapters <<<"$about"
  git cat-file -e "$commit^{commit}" 2>/dev/null || {
    echo "This copy does not have commit $commit, which makes the training set of $adapters." >&2
    echo "Use a full clone: git fetch --unshallow" >&2
    exit 1
  }
  echo "== the training set of $adapters, as of $commit"
  affidavit=$(as_of_commit "$commit")
  workspace=$folder/$commit-demo
  "$affidavit" init --demo "$workspace"
  "$affidavit" memory sync -w "$workspace"
  # shellcheck disable=SC2086 (options are words)
  "$affidavit" pairs generate -w "$workspace" $options --workers 2
  "$affidavit" pairs dataset -w "$workspace"
  hash=$(sha256sum "$workspace/.affidavit/dataset/train.jsonl" | cut -d ' ' -f 1)
  grep -q "\"dataset_sha256\": \"$hash\"" "$card" || {
    echo "The hash $hash is not on the card, $card." >&2
    exit 1
  }
  echo "the same as on the card: $hash"
done
