-- RFM: scores, and the segments that they make.

CREATE FUNCTION rfm_score(
  cuts retention_rfm_cuts,
  recency double precision,
  frequency bigint,
  amount numeric,
  OUT r integer,
  OUT f integer,
  OUT m integer
)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION rfm_score(retention_rfm_cuts, double precision, bigint, numeric) IS
'the scores of a customer by kept cuts; the highest are the best, also of recency';

CREATE TABLE retention_rfm_segment (
  position integer PRIMARY KEY,
  segment text NOT NULL,
  r_from integer,
  r_to integer,
  f_from integer,
  f_to integer,
  m_from integer,
  m_to integer,
  built_in boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE retention_rfm_segment IS
'rules by which scores make a segment: the first that holds; rows of your own survive dump and restore';
COMMENT ON COLUMN retention_rfm_segment.position IS
'the order of the rules; those that came with the extension are at 100, 200, and so on';
COMMENT ON COLUMN retention_rfm_segment.segment IS 'the name';
COMMENT ON COLUMN retention_rfm_segment.r_from IS 'the lowest score of recency; NULL: any';
COMMENT ON COLUMN retention_rfm_segment.r_to IS 'the highest score of recency; NULL: any';
COMMENT ON COLUMN retention_rfm_segment.f_from IS 'the lowest score of frequency; NULL: any';
COMMENT ON COLUMN retention_rfm_segment.f_to IS 'the highest score of frequency; NULL: any';
COMMENT ON COLUMN retention_rfm_segment.m_from IS 'the lowest score of amount; NULL: any';
COMMENT ON COLUMN retention_rfm_segment.m_to IS 'the highest score of amount; NULL: any';
COMMENT ON COLUMN retention_rfm_segment.built_in IS
'came with the extension and is created again with it, so it is not dumped';

-- The map of recency and frequency from 1 to 5 as it is widely used; who has other scores is in the last row.
INSERT INTO retention_rfm_segment (position, segment, r_from, r_to, f_from, f_to, built_in) VALUES
  (100, 'champions', 5, 5, 4, 5, true),
  (200, 'loyal', 3, 4, 4, 5, true),
  (300, 'potential loyalists', 4, 5, 2, 3, true),
  (400, 'new', 5, 5, 1, 1, true),
  (500, 'promising', 4, 4, 1, 1, true),
  (600, 'need attention', 3, 3, 3, 3, true),
  (700, 'about to sleep', 3, 3, 1, 2, true),
  (800, 'cannot lose', 1, 2, 5, 5, true),
  (900, 'at risk', 1, 2, 3, 4, true),
  (1000, 'hibernating', 1, 2, 1, 2, true),
  (1000000, 'other', NULL, NULL, NULL, NULL, true);

SELECT pg_catalog.pg_extension_config_dump('retention_rfm_segment', 'WHERE NOT built_in');
GRANT SELECT, INSERT ON retention_rfm_segment TO PUBLIC;
CREATE TRIGGER check_extension_owner BEFORE INSERT ON retention_rfm_segment
FOR EACH STATEMENT EXECUTE FUNCTION retention_internal.check_extension_owner();
COMMENT ON TRIGGER check_extension_owner ON retention_rfm_segment IS 'rows are added by the owner of the extension';

CREATE FUNCTION rfm_segment(r integer, f integer, m integer) RETURNS text
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
  SELECT s.segment FROM @extschema@.retention_rfm_segment AS s
  WHERE (s.r_from IS NULL OR $1 >= s.r_from) AND (s.r_to IS NULL OR $1 <= s.r_to)
    AND (s.f_from IS NULL OR $2 >= s.f_from) AND (s.f_to IS NULL OR $2 <= s.f_to)
    AND (s.m_from IS NULL OR $3 >= s.m_from) AND (s.m_to IS NULL OR $3 <= s.m_to)
  ORDER BY s.position
  LIMIT 1
$$;
COMMENT ON FUNCTION rfm_segment(integer, integer, integer) IS
'the segment that three scores make: the first rule of retention_rfm_segment that holds';
