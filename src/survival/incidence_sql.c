/*
 * incidence_sql.c
 *		cumulative_incidence() and its curve, as SQL calls them.
 */
#include "retention.h"

#include <math.h>

#include "base/check.h"
#include "catalog/pg_type.h"
#include "survival/incidence.h"
#include "survival/survival.h"
#include "survival/times_sql.h"
#include "utils/array.h"
#include "utils/builtins.h"

static const StoredType incidence_type =
	TIMES_TYPE("retention_incidence", WIRE_INCIDENCE, "incidence_curve()");

STORED_TYPE_FUNCTIONS(retention_incidence, incidence_type)
STORED_TYPE_ORDER(retention_incidence, incidence_type)

/* (state, duration, cause): one customer. A NULL cause means still there; it is a text, or with any of
 * any type. */
static Datum
incidence(FunctionCallInfo fcinfo, bool any)
{
	TimeTable *table = stored_type_state(fcinfo, &incidence_type);
	Tag here = {NULL, -1};
	double duration;
	int cell;

	if (PG_ARGISNULL(1))
		RETURN_STATE_UNCHANGED();
	duration = check_time(PG_GETARG_FLOAT8(1), "duration");
	if (table == NULL)
		table = times_new(WIRE_INCIDENCE);
	cell = times_find_cell(&table, tag_argument(fcinfo, 2, any), here);
	times_count(&table, duration, cell, PG_ARGISNULL(2) ? TIME_CENSORED : TIME_CHURNED, WEIGHT_ONE);
	PG_RETURN_POINTER(table);
}

RETENTION_FORWARD(incidence_transfn, incidence(fcinfo, false))

RETENTION_FORWARD(incidence_any_transfn, incidence(fcinfo, true))

STORED_TYPE_COMBINE(incidence_combine, incidence_type)

RETENTION_FORWARD(incidence_final, times_finish(fcinfo, WIRE_INCIDENCE))

static void
emit_incidence(Emitter *emitter, Datum cause, IncidencePoint point, CurveScale scale, double z)
{
	Datum values[6];
	bool nulls[6] = {false};
	Limits limits = {NAN, NAN};

	if (point.incidence < 1)
		limits = curve_limits(scale, point.incidence, point.std_error, z);
	values[0] = cause;
	put_number(values, nulls, 1, point.time);
	put_number(values, nulls, 2, point.incidence);
	put_number(values, nulls, 3, point.std_error);
	put_number(values, nulls, 4, limits.low);
	put_number(values, nulls, 5, limits.high);
	emit_row(emitter, values, nulls);
}

/* The curve at a time; NaN after the last time seen, if some customers were still there then. */
static IncidencePoint
incidence_at(const Incidence *curve, double time)
{
	IncidencePoint point = {.time = time};
	int reached = points_reached(curve->point, sizeof(IncidencePoint), curve->points, time);

	if (reached > 0)
	{
		point = curve->point[reached - 1];
		if (reached == curve->points && time > point.time && curve->survival > 0)
			point.incidence = point.std_error = NAN;
		point.time = time;
	}
	return point;
}

RETENTION_FUNCTION(incidence_curve);
Datum
incidence_curve(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	Incidence curve = {0};
	const TimeTable *table;
	CurveScale scale;
	double z;
	double *times = NULL;
	int asked = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return (Datum) 0;
	table = times_open(PG_GETARG_DATUM(0), WIRE_INCIDENCE);
	scale = curve_scale(text_argument(fcinfo, 1));
	z = two_sided_z(check_confidence(PG_GETARG_FLOAT8(2)));
	if (!PG_ARGISNULL(3))
		times = times_argument(fcinfo, 3, &asked);

	for (int cell = 0; cell < table->base.items; cell++)
	{
		Tag cause = times_group(table, cell);
		Datum name;

		if (cause.length < 0)
			continue;
		name = PointerGetDatum(cstring_to_text_with_len(cause.bytes, cause.length));
		incidence_of(table, cell, &curve);
		if (times != NULL)
			for (int i = 0; i < asked; i++)
				emit_incidence(&emitter, name, incidence_at(&curve, times[i]), scale, z);
		else
			for (int i = 0; i < curve.points; i++)
				emit_incidence(&emitter, name, curve.point[i], scale, z);
	}
	return (Datum) 0;
}
