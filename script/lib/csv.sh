# Loads a CSV file into the database that a psql command reaches, and prints the reports on it:
#   csv.sh FILE [silence=DAYS] [dates=MDY|DMY|YMD] [as_of=TIME] [page=FILE] [title=TEXT] [ROLE=COLUMN...] -- PSQL...
# PSQL is quiet and stops at errors (-X -q -v ON_ERROR_STOP=1).
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command_name=demo
lib=$root/script/lib

file=$1
shift
silence=90 dates= as_of= title=${file##*/}
columns=() page=()
while [ "$1" != -- ]; do
  case $1 in
    silence=*) silence=${1#*=} ;;
    dates=*) dates=${1#*=} ;;
    as_of=*) as_of=${1#*=} ;;
    page=*) page=(-v "$1") ;;
    title=*) title=${1#*=} ;;
    *) columns+=("$1") ;;
  esac
  shift
done
shift
client=("$@")

said=$(perl "$lib/csv.pl" "$file" "${columns[@]}") || exit 1
eval "$said"
say "Reading $file: $summary ..."
[ "$encoding" = UTF-8 ] || say "note: $file is not UTF-8 and is read as $encoding"

# One session: the report uses what the loading found out. What psql says goes to standard error, made readable.
escaped=$(printf %s "$file" | sed 's/[&|\\]/\\&/g')
{
  {
    say 'CREATE TABLE raw (line bigint, fault text, customer text, started text, ended text, amount text, plan text,'
    say '  country text);'
    say 'COPY raw FROM STDIN;'
    perl "$lib/csv.pl" --rows "$file" "${columns[@]}"
    say '\.'
    cat "$lib/csv_load.sql" "$lib/csv_report.sql" "$lib/csv_page.sql"
  } |
    "${client[@]}" -v kind="$kind" -v segments="${segments// /,}" -v has_amount="$has_amount" -v silence="$silence" \
      -v dates="$dates" -v as_of="$as_of" "${page[@]}" -v name="$title" 2>&1 >&3 |
    sed -u -e 's/[\x01-\x08\x0b-\x1f\x7f]/?/g' -e 's/^NOTICE: */note: /' -e "s|^ERROR: *|demo: $escaped, |" >&2
} 3>&1
