-- For the tests of several modules.

-- Whether two figures agree, as far as double precision can.
CREATE FUNCTION near(a float8, b float8) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(abs(a - b) <= 1e-9 * greatest(abs(a), abs(b)) + 1e-14, a IS NULL AND b IS NULL) $$;

-- Runs a statement and shows how it fails.
CREATE FUNCTION fails(statement text) RETURNS TABLE (code text, message text, detail text, hint text)
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  RETURN QUERY SELECT 'none', 'no error', '', '';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  code = SQLSTATE;
  RETURN NEXT;
END $$;
