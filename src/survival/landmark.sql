-- Landmarks: what was known some time after the start.

CREATE FUNCTION landmark_duration(duration double precision, landmark double precision) RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'landmark_duration';
COMMENT ON FUNCTION landmark_duration(double precision, double precision) IS
'duration counted from a landmark; NULL, which survival() ignores, for customers who were not seen after it';

CREATE FUNCTION landmark_start(started date, ended date, landmark interval) RETURNS date
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'landmark_start';
COMMENT ON FUNCTION landmark_start(date, date, interval) IS
'the day of a landmark after the start, from which to count; NULL for customers who have left by then';

CREATE FUNCTION landmark_known(happened double precision, landmark double precision) RETURNS boolean
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'landmark_known';
COMMENT ON FUNCTION landmark_known(double precision, double precision) IS
'whether something had happened by the landmark; false if it never did';

CREATE FUNCTION landmark_known(happened date, started date, landmark interval) RETURNS boolean
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'known_at_landmark_date';
COMMENT ON FUNCTION landmark_known(date, date, interval) IS
'whether something had happened by the day of the landmark after the start; false if it never did';
