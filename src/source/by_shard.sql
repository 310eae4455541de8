
-- Citus: summaries made shard by shard.

CREATE FUNCTION retention_by_shard(relation regclass, customer name, query text, summary anyelement)
RETURNS SETOF anyelement
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 32 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  method text;
  distributed_by name;
  shard record;
BEGIN
  IF relation IS NULL OR customer IS NULL OR query IS NULL THEN
    PERFORM retention_internal.refuse('22004', 'the table, the customer and the query must not be null');
  END IF;
  IF NOT EXISTS (SELECT FROM pg_attribute AS a
      WHERE a.attrelid = relation AND a.attname = customer AND a.attnum > 0 AND NOT a.attisdropped) THEN
    PERFORM retention_internal.refuse('42703', format('%s has no column %s', relation, quote_ident(customer)));
  END IF;
  IF strpos(replace(query, '%%', ''), '%s') = 0 THEN
    PERFORM retention_internal.refuse('22023', 'the query does not say where the name of the table stands',
      NULL, 'Write %s for it, as in ''SELECT cohort_retention(customer_id, at, …) FROM %s'', and any other % as %%.');
  END IF;
  IF to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL THEN
    EXECUTE 'SELECT p.partmethod::text, column_to_column_name(p.logicalrelid, p.partkey) '
      'FROM pg_catalog.pg_dist_partition AS p WHERE p.logicalrelid::oid = $1'
    INTO method, distributed_by USING relation;
  END IF;
  IF method IS NULL OR method = 'n' THEN
    PERFORM retention_internal.refuse('22023', format('%s is not distributed by Citus', relation), NULL,
      'Call the aggregate over the table itself.');
  ELSIF distributed_by IS DISTINCT FROM customer THEN
    PERFORM retention_internal.refuse('22023',
      format('%s is distributed by %s, not by %s', relation, quote_ident(distributed_by), quote_ident(customer)),
      'Rows of one customer are in several shards, so their summaries must not be added.',
      'Call the aggregate over the whole table: Citus then merges the customers.');
  ELSE
    FOR shard IN EXECUTE 'SELECT r.shardid, r.success, r.result FROM pg_catalog.run_command_on_shards($1, $2) AS r'
      USING relation, query
    LOOP
      IF shard.success IS NOT TRUE THEN
        PERFORM retention_internal.refuse('22023',
          format('the query failed on shard %s of %s', shard.shardid, relation), shard.result);
      END IF;
      IF shard.result <> '' THEN
        EXECUTE format('SELECT $1::%s', pg_typeof(summary)) INTO summary USING shard.result;
        RETURN NEXT summary;
      END IF;
    END LOOP;
  END IF;
END $$;
COMMENT ON FUNCTION retention_by_shard(regclass, name, text, anyelement) IS
'Citus: one summary from each shard of a table that is distributed by its customers; add them with rollup()';
