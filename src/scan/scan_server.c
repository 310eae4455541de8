/*
 * scan_server.c
 *		The server's own aggregates in a batch scan.
 *
 * Their functions are called as the server's aggregation calls them: the transition function for each row, then, in
 * several processes, the serial and the combine function, then the final function. They ask whether an aggregation
 * calls them and where its memory is: an AggState that has nothing else tells them. Only aggregates of the list below
 * are computed so. Counts are added up here.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type_d.h"
#include "scan/scan_state.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

struct ServerAggregate
{
	bool counts; /* rows, or values that are not NULL */
	int narguments;
	Oid collation;
	FmgrInfo transition;
	FmgrInfo final; /* fn_oid is 0 where there is none, as in the next ones */
	FmgrInfo combine;
	FmgrInfo serial;
	FmgrInfo deserial;
	int16 length; /* of a state */
	bool by_value;
	ServerState initial;
};

/* No float, whose sum depends on the order, no maximum of values that are equal but not the same, such as numeric. */
static const Oid server_aggregates[] = {
	F_COUNT_,		   F_COUNT_ANY, F_SUM_INT2, F_SUM_INT4,		 F_SUM_INT8,		F_SUM_NUMERIC,
	F_AVG_INT2,		   F_AVG_INT4,	F_AVG_INT8, F_AVG_NUMERIC,	 F_MIN_INT2,		F_MIN_INT4,
	F_MIN_INT8,		   F_MIN_DATE,	F_MIN_TIME, F_MIN_TIMESTAMP, F_MIN_TIMESTAMPTZ, F_MIN_TEXT,
	F_MAX_INT2,		   F_MAX_INT4,	F_MAX_INT8, F_MAX_DATE,		 F_MAX_TIME,		F_MAX_TIMESTAMP,
	F_MAX_TIMESTAMPTZ, F_MAX_TEXT};

bool
scan_is_server_aggregate(const Aggref *aggregate)
{
	for (size_t i = 0; i < lengthof(server_aggregates); i++)
		if (aggregate->aggfnoid == server_aggregates[i])
			return !OidIsValid(aggregate->inputcollid) ||
				   get_collation_isdeterministic(aggregate->inputcollid);
	return false;
}

static void
find_function(Oid function, FmgrInfo *info)
{
	if (OidIsValid(function))
		fmgr_info(function, info);
}

void
scan_server_begin(BatchScan *scan, ScanAggregate *aggregate, const Aggref *aggref)
{
	ServerAggregate *server = palloc0(sizeof(ServerAggregate));
	HeapTuple tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggref->aggfnoid));
	Form_pg_aggregate form;
	Datum initial;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggref->aggfnoid);
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	scan_require_privileges(aggref->aggfnoid,
							(Oid[]){form->aggfinalfn, form->aggtransfn, form->aggcombinefn,
									form->aggserialfn, form->aggdeserialfn},
							5);
	server->counts = aggref->aggfnoid == F_COUNT_ || aggref->aggfnoid == F_COUNT_ANY;
	server->narguments = list_length(aggref->args);
	server->collation = aggref->inputcollid;
	find_function(form->aggtransfn, &server->transition);
	find_function(form->aggfinalfn, &server->final);
	find_function(form->aggcombinefn, &server->combine);
	find_function(form->aggserialfn, &server->serial);
	find_function(form->aggdeserialfn, &server->deserial);
	get_typlenbyval(form->aggtranstype, &server->length, &server->by_value);
	initial =
		SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &server->initial.isnull);
	if (!server->initial.isnull)
	{
		Oid input;
		Oid parameter;

		getTypeInputInfo(form->aggtranstype, &input, &parameter);
		server->initial.value =
			OidInputFunctionCall(input, TextDatumGetCString(initial), parameter, -1);
	}
	ReleaseSysCache(tuple);

	aggregate->server = server;
	if (scan->server_caller == NULL)
	{
		scan->server_caller = makeNode(AggState);
		scan->server_caller->curaggcontext = makeNode(ExprContext);
		scan->call_context = AllocSetContextCreate(scan->css.ss.ps.state->es_query_cxt,
												   "retention calls", ALLOCSET_DEFAULT_SIZES);
	}
}

ServerState *
scan_server_states(BatchScan *scan)
{
	ServerState *states;
	MemoryContext old;

	if (scan->server_caller == NULL)
		return NULL;
	old = MemoryContextSwitchTo(scan->data);
	states = palloc0(scan->naggregates * sizeof(ServerState));
	for (int i = 0; i < scan->naggregates; i++)
	{
		const ServerAggregate *server = scan->aggregates[i].server;

		if (server == NULL)
			continue;
		states[i] = server->initial;
		if (!server->initial.isnull)
			states[i].value = datumCopy(server->initial.value, server->by_value, server->length);
	}
	MemoryContextSwitchTo(old);
	return states;
}

/* ---- calls ---- */

/* Call a function as an aggregation whose memory is in memory would. */
static Datum
call_function(BatchScan *scan, const ServerAggregate *server, const FmgrInfo *function,
			  MemoryContext memory, int narguments, NullableDatum first, NullableDatum second,
			  bool *isnull)
{
	LOCAL_FCINFO(call, 2);
	Datum value;

	*isnull = true;
	if (function->fn_strict && (first.isnull || (narguments > 1 && second.isnull)))
		return (Datum) 0;
	scan->server_caller->curaggcontext->ecxt_per_tuple_memory = memory;
	InitFunctionCallInfoData(*call, unconstify(FmgrInfo *, function), narguments, server->collation,
							 (Node *) scan->server_caller, NULL);
	call->args[0] = first;
	call->args[1] = second;
	value = FunctionCallInvoke(call);
	*isnull = call->isnull;
	return value;
}

static NullableDatum
not_null(Datum value)
{
	return (NullableDatum){.value = value};
}

/* ---- rows ---- */

static void
count_rows(const ServerAggregate *server, const BatchColumn *column, ServerState *state,
		   const uint16 *rows, int count)
{
	int64 seen = count;

	if (server->narguments > 0)
		for (int r = 0; r < count; r++)
			seen -= column->nulls[rows[r]];
	state->value = Int64GetDatum(DatumGetInt64(state->value) + seen);
}

/* A new state is kept in the scan's memory, where that of a state by reference is not the same pointer. */
static void
set_state(BatchScan *scan, const ServerAggregate *server, ServerState *state, Datum value,
		  bool isnull)
{
	MemoryContext old;

	if (!server->by_value && !(state->isnull || isnull) &&
		DatumGetPointer(value) == DatumGetPointer(state->value))
		return;
	old = MemoryContextSwitchTo(scan->data);
	if (!server->by_value && !isnull)
		value = datumCopy(value, false, server->length);
	MemoryContextSwitchTo(old);
	if (!server->by_value && !state->isnull)
		pfree(DatumGetPointer(state->value));
	*state = (ServerState){value, isnull};
}

void
scan_server_add(BatchScan *scan, ScanAggregate *aggregate, ServerState *state, const uint16 *rows,
				int count)
{
	const ServerAggregate *server = aggregate->server;
	const BatchColumn *column = &aggregate->columns[0];
	MemoryContext old;

	if (server->counts)
	{
		count_rows(server, column, state, rows, count);
		return;
	}
	old = MemoryContextSwitchTo(scan->call_context);
	for (int r = 0; r < count; r++)
	{
		NullableDatum argument = {column->values[rows[r]], column->nulls[rows[r]]};
		Datum value;
		bool isnull;

		if (server->transition.fn_strict && (argument.isnull || state->isnull))
		{
			/* The first value is the first state. */
			if (!argument.isnull)
				set_state(scan, server, state, argument.value, false);
			continue;
		}
		value = call_function(scan, server, &server->transition, scan->data, 2,
							  (NullableDatum){state->value, state->isnull}, argument, &isnull);
		set_state(scan, server, state, value, isnull);
		/* Values that are out of line were fetched into it. */
		if (MemoryContextMemAllocated(scan->call_context, false) >= SCAN_BYTES)
			MemoryContextReset(scan->call_context);
	}
	MemoryContextReset(scan->call_context);
	MemoryContextSwitchTo(old);
}

/* ---- summaries: a state as a value of variable length ---- */

static struct varlena *
pack_state(BatchScan *scan, const ServerAggregate *server, Datum value)
{
	struct varlena *packed;
	bool isnull;

	if (OidIsValid(server->serial.fn_oid))
	{
		value = call_function(scan, server, &server->serial, CurrentMemoryContext, 1,
							  not_null(value), not_null((Datum) 0), &isnull);
		return PG_DETOAST_DATUM(value);
	}
	if (!server->by_value)
		return PG_DETOAST_DATUM_COPY(value);
	packed = palloc(VARHDRSZ + sizeof(Datum));
	SET_VARSIZE(packed, VARHDRSZ + sizeof(Datum));
	memcpy(VARDATA(packed), &value, sizeof(Datum));
	return packed;
}

static Datum
unpack_state(BatchScan *scan, const ServerAggregate *server, const struct varlena *packed)
{
	Datum value;
	bool isnull;

	if (OidIsValid(server->deserial.fn_oid))
		return call_function(scan, server, &server->deserial, CurrentMemoryContext, 2,
							 not_null(PointerGetDatum(packed)), not_null((Datum) 0), &isnull);
	if (!server->by_value)
		return PointerGetDatum(packed);
	memcpy(&value, VARDATA(packed), sizeof(Datum));
	return value;
}

struct varlena *
scan_server_summary(BatchScan *scan, const ScanAggregate *aggregate, const ServerState *state)
{
	return state->isnull ? NULL : pack_state(scan, aggregate->server, state->value);
}

struct varlena *
scan_server_merge(BatchScan *scan, const ScanAggregate *aggregate, struct varlena *into,
				  const struct varlena *other)
{
	const ServerAggregate *server = aggregate->server;
	bool isnull;
	Datum sum = call_function(scan, server, &server->combine, CurrentMemoryContext, 2,
							  not_null(unpack_state(scan, server, into)),
							  not_null(unpack_state(scan, server, other)), &isnull);

	return pack_state(scan, server, sum);
}

void
scan_server_receive(BatchScan *scan, const ScanAggregate *aggregate, ServerState *state,
					const struct varlena *packed)
{
	const ServerAggregate *server = aggregate->server;
	MemoryContext old = MemoryContextSwitchTo(scan->call_context);
	Datum value = unpack_state(scan, server, packed);
	bool isnull = false;

	if (!server->combine.fn_strict || !state->isnull)
		value =
			call_function(scan, server, &server->combine, scan->data, 2,
						  (NullableDatum){state->value, state->isnull}, not_null(value), &isnull);
	set_state(scan, server, state, value, isnull);
	MemoryContextReset(scan->call_context);
	MemoryContextSwitchTo(old);
}

Datum
scan_server_finish(BatchScan *scan, const ScanAggregate *aggregate, struct varlena *summary,
				   bool *isnull)
{
	const ServerAggregate *server = aggregate->server;
	NullableDatum state = {server->initial.value, server->initial.isnull};

	if (summary != NULL)
		state = not_null(unpack_state(scan, server, summary));
	if (OidIsValid(server->final.fn_oid))
		return call_function(scan, server, &server->final, CurrentMemoryContext, 1, state,
							 not_null((Datum) 0), isnull);
	*isnull = state.isnull;
	return state.value;
}
