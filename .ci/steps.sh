# Steps with their times, for .ci/run and .ci/test: step NAME COMMAND.. runs one, report prints all.
step_times=()
step() {
  local name=$1 began=$SECONDS
  shift
  echo "== $name"
  if ! "$@"; then
    step_times+=("$name|$((SECONDS - began))|failed")
    report
    exit 1
  fi
  step_times+=("$name|$((SECONDS - began))|ok")
}

report() {
  local row total=0
  echo "== times"
  for row in "${step_times[@]}"; do
    IFS='|' read -r name seconds result <<<"$row"
    printf '%6d s  %-7s %s\n' "$seconds" "$result" "$name"
    total=$((total + seconds))
  done
  printf '%6d s  %-7s %s\n' "$total" "" "together"
}
