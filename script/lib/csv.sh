# Loads a CSV file into the database that a psql command reaches, and prints the reports on it:
#   csv.sh FILE [silence=DAYS] [dates=MDY|DMY|YMD] [as_of=TIME] [page=FILE] [ROLE=COLUMN...] -- PSQL...
# PSQL is quiet and stops at errors (-X -q -v ON_ERROR_STOP=1).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command_name=demo
lib=$root/script/lib

file=$1
shift
silence=90 dates= as_of=
columns=() page=()
while [ "$1" != -- ]; do
  case $1 in
    silence=*) silence=${1#*=} ;;
    dates=*) dates=${1#*=} ;;
    as_of=*) as_of=${1#*=} ;;
    page=*) page=(-v "$1" -v "name=${file##*/}") ;;
    *) columns+=("$1") ;;
  esac
  shift
done
shift
client=("$@")

said=$(perl "$lib/csv.pl" "$file" "${columns[@]}") || exit 1
eval "$said"
say "Reading $file: $summary ..."
list=$(seq -s, -f 'c%.0f' "$width")
"${client[@]}" -c "CREATE TABLE raw (line bigint GENERATED ALWAYS AS IDENTITY, ${list//,/ text, } text)"

# Blank lines at the end are no rows.
load_lines() { # ENCODING
  # From standard input: perl would run a file name that ends with a pipe.
  perl -0777 -pe 's/(\r\n|\r|\n)(?:[ \t]*(?:\r\n|\r|\n))*[ \t]*\z/$1/' <"$file" | "${client[@]}" 2>&1 \
    -c "COPY raw ($list) FROM STDIN (FORMAT csv, HEADER, DELIMITER E'${delimiter/$'\t'/\\t}', ENCODING '$1')"
}
# PostgreSQL names the line in its context: COPY raw, line 7, column c2: "..."
refuse_lines() {
  local message line
  message=$(printf '%s\n' "$1" | sed -n 's/^ERROR: *//p' | head -n 1)
  line=$(printf '%s\n' "$1" | sed -n 's/^CONTEXT: *COPY raw, \(line [0-9]*\).*/\1: /p' | head -n 1)
  case $message in
    'missing data for column'*) message="it has fewer columns than the header ($width)" ;;
    'extra data after last'*) message="it has more columns than the header ($width)" ;;
  esac
  fail "$file, $line$message"
}
if ! said=$(load_lines UTF8); then
  case $said in
    *'invalid byte sequence'*)
      say "note: $file is not UTF-8 and is read as Windows-1252"
      said=$(load_lines WIN1252) || refuse_lines "$said"
      ;;
    *) refuse_lines "$said" ;;
  esac
fi

role() { eval "printf %s \"\${col_$1:+c\$col_$1}\""; }
started=$(role start)
[ "$kind" = presence ] || started=$(role time)
# One session: the report uses what the loading found out. What psql says goes to standard error, made readable.
escaped=$(printf %s "$file" | sed 's/[&|\\]/\\&/g')
{
  cat "$lib/csv_load.sql" "$lib/csv_report.sql" "$lib/csv_page.sql" |
    "${client[@]}" -v kind="$kind" -v customer="$(role customer)" -v start="$started" -v end="$(role end)" \
      -v amount="$(role amount)" -v silence="$silence" -v dates="$dates" -v as_of="$as_of" "${page[@]}" 2>&1 >&3 |
    sed -u -e 's/[\x01-\x08\x0b-\x1f\x7f]/?/g' -e 's/^NOTICE: */note: /' -e "s|^ERROR: *|demo: $escaped, |" >&2
} 3>&1
