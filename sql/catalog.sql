-- The frozen list of public objects: what a user sees, and what the planner knows of it.
\pset footer off
-- kind: a aggregate, f function, s set of rows. strict, volatility (i, s, v), parallel (s, r, u).
SELECT CASE WHEN prokind = 'a' THEN 'a' WHEN proretset THEN 's' ELSE 'f' END AS kind, p.oid::regprocedure AS object,
  CASE WHEN proretset AND proargmodes IS NOT NULL THEN 'rows' ELSE prorettype::regtype::text END AS result,
  proisstrict AS strict, provolatile AS volatility, proparallel AS parallel, d.description AS comment
FROM pg_depend e JOIN pg_proc p ON p.oid = e.objid LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_proc'::regclass AND e.deptype = 'e'
  AND e.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'retention')
ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text COLLATE "C";

-- Argument names and defaults of functions that are not aggregates or I/O
SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ')' AS call
FROM pg_depend e JOIN pg_proc p ON p.oid = e.objid
WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_proc'::regclass AND e.deptype = 'e' AND prokind = 'f'
  AND proargnames IS NOT NULL
  AND e.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'retention')
ORDER BY p.proname COLLATE "C", p.oid::regprocedure::text COLLATE "C";

-- Everything else that the extension owns (some versions also list array types and the row types of tables)
SELECT pg_describe_object(classid, objid, 0) AS object, obj_description(objid, classid::regclass::text::name) AS comment
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND classid <> 'pg_proc'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'retention')
  AND NOT (classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.oid = objid AND (t.typcategory = 'A' OR c.relkind <> 'c')))
ORDER BY pg_describe_object(classid, objid, 0) COLLATE "C";

-- Rules. Each query lists what breaks it: no rows.
CREATE TEMP VIEW own AS SELECT p.* FROM pg_depend e JOIN pg_proc p ON p.oid = e.objid
WHERE e.refclassid = 'pg_extension'::regclass AND e.classid = 'pg_proc'::regclass AND e.deptype = 'e'
  AND e.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'retention');
-- a comment on everything; nothing runs as its definer; nothing in C is unsafe in a parallel plan
SELECT oid::regprocedure AS no_comment FROM own WHERE obj_description(oid, 'pg_proc') IS NULL;
SELECT oid::regprocedure AS definer FROM own WHERE prosecdef;
SELECT own.oid::regprocedure AS not_parallel_safe FROM own JOIN pg_language l ON l.oid = prolang
WHERE proparallel <> 's' AND lanname NOT IN ('sql', 'plpgsql');
-- a function in SQL or PL/pgSQL sets its search_path (a procedure that ends transactions cannot)
SELECT own.oid::regprocedure AS search_path FROM own JOIN pg_language l ON l.oid = prolang
WHERE lanname IN ('sql', 'plpgsql') AND prokind <> 'p' AND NOT coalesce(proconfig @> '{"search_path=pg_catalog, pg_temp"}', false);
-- an aggregate has a real type as its state, a combine function and no serialisation of its own
SELECT a.aggfnoid::regprocedure AS state FROM own JOIN pg_aggregate a ON a.aggfnoid = own.oid
WHERE aggtranstype = 'internal'::regtype OR aggcombinefn = 0 OR aggserialfn <> 0;
-- an aggregate with a polymorphic argument has an overload without one, for Citus, which evaluates aggregates piecewise
SELECT own.oid::regprocedure AS polymorphic FROM own
WHERE prokind = 'a' AND EXISTS (SELECT FROM unnest(proargtypes) t WHERE t::regtype::text ~ '^"?any')
  AND NOT EXISTS (SELECT FROM own twin WHERE twin.prokind = 'a' AND twin.proname = own.proname
    AND twin.pronargs = own.pronargs
    AND NOT EXISTS (SELECT FROM unnest(twin.proargtypes) t WHERE t::regtype::text ~ '^"?any'));
-- no binary-coercible cast to or from a type of ours
SELECT castsource::regtype, casttarget::regtype FROM pg_cast
WHERE castmethod = 'b' AND (castsource::regtype::text ~ '^retention_' OR casttarget::regtype::text ~ '^retention_');
-- the user's schema holds no support function of a type, an operator, an aggregate or the planner
SELECT DISTINCT own.oid::regprocedure AS machinery FROM own
LEFT JOIN pg_type t ON own.oid IN (typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze, typsubscript)
LEFT JOIN pg_operator o ON own.oid IN (oprcode, oprrest, oprjoin)
LEFT JOIN pg_amproc m ON own.oid = amproc
LEFT JOIN pg_aggregate a ON own.oid IN (aggtransfn, aggfinalfn, aggcombinefn, aggmtransfn, aggminvtransfn, aggmfinalfn)
LEFT JOIN pg_proc s ON own.oid = s.prosupport
WHERE own.pronamespace <> 'retention_internal'::regnamespace
  AND (num_nonnulls(t.oid, o.oid, m.oid, a.aggfnoid, s.oid) > 0 OR own.prorettype = 'trigger'::regtype
    OR 'internal'::regtype = ANY (own.proargtypes) OR 'cstring'::regtype = ANY (own.proargtypes));
-- names there: a function over the server's types only begins with a word of the field, none has the name of a function
-- of PostgreSQL, and types and tables begin with retention_
SELECT own.oid::regprocedure AS plain_word FROM own
WHERE own.pronamespace <> 'retention_internal'::regnamespace AND prokind <> 'a'
  AND proname !~ '^(retention|rate|churn|cohort|compound|customer|landmark|person_time|rfm)_' AND proname <> ALL ('{against_benchmark,monthly_amount,net_revenue_retention,gross_revenue_retention,quick_ratio,simple_lifetime_value}')
  AND NOT EXISTS (SELECT FROM unnest(proargtypes) a JOIN pg_type t ON t.oid = a OR t.typarray = a
    WHERE t.typname ~ '^retention_');
SELECT DISTINCT own.proname AS as_in_postgresql FROM own JOIN pg_proc p USING (proname)
WHERE own.pronamespace <> 'retention_internal'::regnamespace AND p.pronamespace = 'pg_catalog'::regnamespace;
CREATE TEMP VIEW own_name AS SELECT coalesce(typname, relname) AS name FROM pg_depend d
LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typcategory <> 'A'
LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension
  WHERE extname = 'retention')
  AND coalesce(typnamespace, relnamespace) <> 'retention_internal'::regnamespace;
SELECT name AS without_prefix FROM own_name WHERE name !~ '^retention_';
-- at most 200 names, types and tables included
SELECT count(DISTINCT name) <= 200 AS few_names
FROM (SELECT proname FROM own WHERE pronamespace <> 'retention_internal'::regnamespace UNION ALL SELECT name
  FROM own_name) n (name);
-- everybody may use the other schema, nobody may put anything into it
SELECT nspname, has_schema_privilege('public', oid, 'USAGE') AS everybody_uses, has_schema_privilege('public', oid, 'CREATE') AS everybody_creates
FROM pg_namespace WHERE nspname = 'retention_internal';
