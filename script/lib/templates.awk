# Joins the templates of pages and pictures into one SQL function:
#   awk -f templates.awk page.html page.css plot.svg ... > templates.sql
# A file is one template, called by the name of the file. A file with <template id="NAME"> ... </template>, each of these
# tags on a line of its own, holds several. Indentation and comments that fill whole lines are dropped; so are line ends,
# but between words, where they are a blank. A style sheet is packed. What could end the quotes around a template, or would
# be read differently by a server of another encoding, is refused.
BEGIN {
  print ""
  print "CREATE FUNCTION retention_internal.template(name text) RETURNS text"
  print "LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE"
  print "SET search_path = pg_catalog, pg_temp"
  print "AS $templates$"
  print "BEGIN"
  print "  CASE name"
}

FNR == 1 {
  finish()
  file = FILENAME
  sub(/^.*\//, "", file)
  is_style = file ~ /\.css$/
  name = file
}
/[$\\]|@extschema|MODULE_PATHNAME|[^ -~]/ { fail("a template holds only ASCII, no $ and no \\") }
{
  sub(/^ +/, "")
  sub(/ +$/, "")
}
/^<!--/ || /^\/\*/ { in_comment = 1 }
in_comment {
  if (/-->$/ || /\*\/$/)
    in_comment = 0
  next
}
/^<template id="[a-z_]+">$/ {
  finish()
  name = $0
  gsub(/^<template id="|">$/, "", name)
  next
}
/^<\/template>$/ {
  finish()
  next
}
is_style {
  gsub(/ *[{] */, "{")
  gsub(/ *[}] */, "}")
  gsub(/: +/, ":")
  gsub(/, +/, ",")
  gsub(/; +/, ";")
}
$0 != "" {
  if (name == "")
    fail("this line is in no template")
  text = text (!is_style && text ~ /[^>}]$/ && /^[^<]/ ? " " : "") $0
}

END {
  if (failed)
    exit 1
  finish()
  print "  END CASE;"
  print "END"
  print "$templates$;"
  print "COMMENT ON FUNCTION retention_internal.template(text) IS"
  print "'a template of a page or a picture by its name, as script/lib/templates.awk joined it';"
}

function finish() {
  if (is_style)
    gsub(/;[}]/, "}", text)
  if (text != "") {
    if (name in seen)
      fail("there are two templates " name)
    seen[name] = 1
    printf "    WHEN '%s' THEN\n      RETURN $template$%s$template$;\n", name, text
  }
  name = text = ""
}

function fail(message) {
  printf "%s:%d: %s\n", FILENAME, FNR, message > "/dev/stderr"
  failed = 1
  exit 1
}
