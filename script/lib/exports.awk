# Reads SQL scripts and prints the symbols that the library exports, in the format of PGXS's SHLIB_EXPORTS ("name
# number"): those that the server itself looks for, and each C function that CREATE FUNCTION names.
function export(name)
{
  if (!seen[name]++)
    print name, ++count
}
BEGIN {
  export("Pg_magic_func")
  export("_PG_init")
}
/^CREATE FUNCTION / {
  name = $3
  sub(/\(.*/, "", name)
  sub(/.*\./, "", name)
}
match($0, /AS '(MODULE_PATHNAME|[$]libdir\/retention)'/) {
  if (split(substr($0, RSTART + RLENGTH), part, "'") > 1)
    name = part[2]
  export(name)
  export("pg_finfo_" name)
}
