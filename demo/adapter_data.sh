#!/usr/bin/env bash
# Everything the shipped adapter was trained on, made anew: its own training set, and those of the adapters it went on
# from, each with the code and the templates of its time. Fails unless every hash is the one on that adapter's card.
#
#   adapter_data.sh BIN FOLDER [--own]     BIN holds `affidavit` and `python`; --own leaves the ancestors out
set -euo pipefail
bin=$(realpath "$1")
folder=$2
only_own=${3:-}
export AFFIDAVIT_USER="${AFFIDAVIT_USER:-${USER:-demo}}"

# The training sets that the adapter's parents were trained on: the commit that makes each, and how.
ancestors=(
  "82e3d8b --count 15000 --seed 7"
  "187d495 --count 18000 --seed 8 --phrasings 3 --template-share 0.7"
)

make_data() { # affidavit, workspace, options of `pairs generate`...
  local affidavit=$1 workspace=$2; shift 2
  "$affidavit" init --demo "$workspace"
  "$affidavit" memory sync -w "$workspace"
  "$affidavit" pairs generate -w "$workspace" "$@" --workers 2
  "$affidavit" pairs dataset -w "$workspace" --like demo
}

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

mkdir -p "$folder"
if [ "$only_own" != --own ]; then
  for ancestor in "${ancestors[@]}"; do
    read -r commit options <<<"$ancestor"
    git cat-file -e "$commit^{commit}" 2>/dev/null || {
      echo "This copy does not have commit $commit, which makes a training set of an earlier adapter." >&2
      echo "Use a full clone (git fetch --unshallow), or see to the last training set alone: $0 $1 $folder --own" >&2
      exit 1
    }
    echo "== a training set of the adapter's parents, as of $commit"
    # shellcheck disable=SC2086 (options are words)
    make_data "$(as_of_commit "$commit")" "$folder/$commit-demo" $options
  done
fi
echo "== the training set of the adapter itself"
make_data "$bin/affidavit" "$folder/demo" --count 17000 --seed 9 --phrasings 3 --template-share 0.75
