/*
 * model_sql.c
 *		Models as values, and their parameters, as SQL calls them.
 */
#include "retention.h"

#include "access/htup_details.h"
#include "base/check.h"
#include "base/choice.h"
#include "catalog/pg_type.h"
#include "math/interval.h"
#include "model/model_sql.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/typcache.h"

static const char *const use_names[] = {"model", "model of purchases", "model of spend",
										"model of renewals"};

/* The numbers of an array without nulls, of one dimension and that length; else 22023. */
static void
numbers_of(Datum datum, int count, double *numbers, const char *what)
{
	ArrayType *array = DatumGetArrayTypeP(datum);

	if (ARR_ELEMTYPE(array) != FLOAT8OID || ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != count ||
		array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a one-dimensional array of %d numbers", what, count)));
	memcpy(numbers, ARR_DATA_PTR(array), sizeof(double) * count);
}

static void
check_parameters(int kind, const double *parameters)
{
	const ModelShape *shape = &model_shapes[kind];

	/* Beyond these nothing of what follows from them is a number that means anything. */
	for (int i = 0; i < shape->parameters; i++)
		if (!(parameters[i] >= 1e-12 && parameters[i] <= 1e12))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("parameter %s of model %s must be from 1e-12 to 1e+12, not %g",
								   shape->parameter[i], shape->name, parameters[i])));
}

static int
kind_of(const char *name)
{
	return choice("model", name, model_names, lengthof(model_names));
}

/* A composite value as it may come from anywhere. */
static void
read_model(HeapTupleHeader record, Model *model)
{
	static const Oid types[MODEL_COLUMNS] = {TEXTOID, FLOAT8ARRAYOID, FLOAT8ARRAYOID,
											 INT8OID, FLOAT8OID,	  BOOLOID,
											 INT4OID, TEXTOID,		  FLOAT8OID};
	TupleDesc columns =
		lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(record), HeapTupleHeaderGetTypMod(record));
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(record), .t_data = record};
	Datum *values;
	bool *nulls;
	bool fits = columns->natts >= MODEL_COLUMNS;

	for (int i = 0; fits && i < MODEL_COLUMNS; i++)
		fits = TupleDescAttr(columns, i)->atttypid == types[i];
	if (!fits)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("the model does not have the columns of a retention_model")));
	values = palloc(sizeof(Datum) * columns->natts);
	nulls = palloc(sizeof(bool) * columns->natts);
	heap_deform_tuple(&tuple, columns, values, nulls);
	ReleaseTupleDesc(columns);

	memset(model, 0, sizeof(*model));
	if (nulls[MODEL_NAME])
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("the name of a model must not be null")));
	model->kind = kind_of(TextDatumGetCString(values[MODEL_NAME]));
	model->is_known = !nulls[MODEL_PARAMETERS];
	if (model->is_known)
	{
		int count = model_shapes[model->kind].parameters;

		numbers_of(values[MODEL_PARAMETERS], count, model->parameters, "parameters");
		check_parameters(model->kind, model->parameters);
		model->has_covariance = !nulls[MODEL_COVARIANCE];
		if (model->has_covariance)
			numbers_of(values[MODEL_COVARIANCE], count * count, model->covariance, "covariance");
		if (model->kind < PURCHASE_MODELS)
			model->purchases = process_of((PurchaseModel) model->kind, model->parameters);
	}
	model->unit_days = nulls[MODEL_UNIT_DAYS] ? NAN : DatumGetFloat8(values[MODEL_UNIT_DAYS]);
}

/* A model that was read, and the bytes that it was read from. */
typedef struct KeptModel
{
	Size size;
	char *bytes;
	Model model;
} KeptModel;

typedef struct KeptModels
{
	KeptModel of_argument[2];
} KeptModels;

Model *
model_argument(FunctionCallInfo fcinfo, int number, ModelUse use)
{
	HeapTupleHeader record = PG_GETARG_HEAPTUPLEHEADER(number);
	Size size = HeapTupleHeaderGetDatumLength(record);
	KeptModels *kept = fcinfo->flinfo->fn_extra;
	KeptModel *one;
	int group;

	if (kept == NULL)
	{
		kept = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(KeptModels));
		fcinfo->flinfo->fn_extra = kept;
	}
	one = &kept->of_argument[number];
	if (one->bytes == NULL || one->size != size || memcmp(one->bytes, record, size) != 0)
	{
		Model model;

		read_model(record, &model);
		if (one->bytes != NULL)
			pfree(one->bytes);
		one->bytes = NULL;
		one->bytes = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, size);
		memcpy(one->bytes, record, size);
		one->size = size;
		one->model = model;
	}
	group = one->model.kind < PURCHASE_MODELS	   ? USE_PURCHASES
			: one->model.kind == MODEL_GAMMA_GAMMA ? USE_SPEND
												   : USE_RENEWALS;
	if (use != USE_ANY && use != group)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s is no %s", model_shapes[one->model.kind].name, use_names[use])));
	return &one->model;
}

static Datum
array_of(const double *numbers, int count)
{
	Datum *elements = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		elements[i] = Float8GetDatum(numbers[i]);
	return PointerGetDatum(construct_array(elements, count, FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum
model_unfit(FunctionCallInfo fcinfo, int kind, int64 customers, double unit_days, const char *note)
{
	Datum values[MODEL_COLUMNS];
	bool nulls[MODEL_COLUMNS] = {false};

	values[MODEL_NAME] = CStringGetTextDatum(model_shapes[kind].name);
	nulls[MODEL_PARAMETERS] = nulls[MODEL_COVARIANCE] = nulls[MODEL_LOG_LIKELIHOOD] = true;
	values[MODEL_PARAMETERS] = values[MODEL_COVARIANCE] = values[MODEL_LOG_LIKELIHOOD] = (Datum) 0;
	values[MODEL_CUSTOMERS] = Int64GetDatum(customers);
	values[MODEL_CONVERGED] = BoolGetDatum(false);
	values[MODEL_ITERATIONS] = Int32GetDatum(0);
	put_text(values, nulls, MODEL_NOTE, note);
	put_number(values, nulls, MODEL_UNIT_DAYS, unit_days);
	return emit_one(fcinfo, values, nulls);
}

Datum
model_result(FunctionCallInfo fcinfo, int kind, FitEnd end, const FitResult *result,
			 int64 customers, double unit_days, const char *note)
{
	int count = model_shapes[kind].parameters;
	double parameters[FIT_PARAMETERS];
	Datum values[MODEL_COLUMNS];
	bool nulls[MODEL_COLUMNS] = {false};
	const char *of_end = model_fit_note(kind, end, result);

	if (of_end != NULL)
		note = of_end;
	if (end != FIT_CONVERGED && end != FIT_FLAT)
		return model_unfit(fcinfo, kind, customers, unit_days, note);
	for (int i = 0; i < count; i++)
		parameters[i] = exp(result->logs[i]);
	values[MODEL_NAME] = CStringGetTextDatum(model_shapes[kind].name);
	values[MODEL_PARAMETERS] = array_of(parameters, count);
	nulls[MODEL_COVARIANCE] = end != FIT_CONVERGED;
	values[MODEL_COVARIANCE] = array_of(result->covariance, count * count);
	values[MODEL_CUSTOMERS] = Int64GetDatum(customers);
	put_number(values, nulls, MODEL_LOG_LIKELIHOOD, result->log_likelihood);
	values[MODEL_CONVERGED] = BoolGetDatum(end == FIT_CONVERGED);
	values[MODEL_ITERATIONS] = Int32GetDatum(result->iterations);
	put_text(values, nulls, MODEL_NOTE, note);
	put_number(values, nulls, MODEL_UNIT_DAYS, unit_days);
	return emit_one(fcinfo, values, nulls);
}

/* (name, parameters) */
RETENTION_FUNCTION(retention_model_of);
Datum
retention_model_of(PG_FUNCTION_ARGS)
{
	int kind = kind_of(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	int count = model_shapes[kind].parameters;
	double parameters[FIT_PARAMETERS];
	Datum values[MODEL_COLUMNS] = {0};
	bool nulls[MODEL_COLUMNS];

	numbers_of(PG_GETARG_DATUM(1), count, parameters,
			   psprintf("the parameters of model %s", model_shapes[kind].name));
	check_parameters(kind, parameters);
	memset(nulls, true, sizeof(nulls));
	nulls[MODEL_NAME] = nulls[MODEL_PARAMETERS] = false;
	values[MODEL_NAME] = CStringGetTextDatum(model_shapes[kind].name);
	values[MODEL_PARAMETERS] = array_of(parameters, count);
	return emit_one(fcinfo, values, nulls);
}

/* (model, confidence) */
RETENTION_FUNCTION(model_parameters);
Datum
model_parameters(PG_FUNCTION_ARGS)
{
	Emitter emitter = emit_begin(fcinfo);
	const Model *model;
	const ModelShape *shape;
	double reach;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	reach = two_sided_z(check_confidence(PG_GETARG_FLOAT8(1)));
	model = model_argument(fcinfo, 0, USE_ANY);
	shape = &model_shapes[model->kind];
	for (int i = 0; i < shape->parameters; i++)
	{
		double estimate = model->is_known ? model->parameters[i] : NAN;
		/* Of the logarithm; by the delta method that of the parameter is as many times larger as it is. */
		double error =
			model->has_covariance ? sqrt(model->covariance[i * shape->parameters + i]) : NAN;
		Datum values[5];
		bool nulls[5] = {false};

		values[0] = CStringGetTextDatum(shape->parameter[i]);
		put_number(values, nulls, 1, estimate);
		put_number(values, nulls, 2, estimate * error);
		put_number(values, nulls, 3, estimate * exp(-reach * error));
		put_number(values, nulls, 4, estimate * exp(reach * error));
		emit_row(&emitter, values, nulls);
	}
	return (Datum) 0;
}
