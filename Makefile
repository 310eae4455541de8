# retention: customer retention and churn inside PostgreSQL.
#
#   make [PG_CONFIG=...] && make install      the plain build
#   make installcheck                         regress and isolation, on a running server (script/test runs all tests)
#   make dist                                 retention-VERSION.zip of what is committed
#   make SANITIZE=1                           the build that the tests use (UBSan; SANITIZE=address: AddressSanitizer, too)
# An out-of-tree build is `make -f /path/to/Makefile` in any other folder.
# Every list below is explicit: a file that is not named here is not part of the project.

MODULE_big = retention
EXTENSION = retention

here := $(dir $(abspath $(firstword $(MAKEFILE_LIST))))
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(here)retention.control)

# Lower modules first: a file may only include headers of lower modules.
OBJS = \
	src/retention.o \
	src/base/aggregate.o \
	src/base/attributes.o \
	src/base/check.o \
	src/base/counted.o \
	src/base/choice.o \
	src/base/emit.o \
	src/base/memory.o \
	src/base/number.o \
	src/base/sort.o \
	src/base/suppress.o \
	src/base/text_sql.o \
	src/base/type_sql.o \
	src/base/wire.o \
	src/math/bgbb.o \
	src/math/bins.o \
	src/math/compare.o \
	src/math/fit.o \
	src/math/integral.o \
	src/math/interval.o \
	src/math/pareto.o \
	src/math/purchase.o \
	src/math/ldl.o \
	src/math/quantile.o \
	src/math/renewal.o \
	src/math/spend.o \
	src/time/elapsed.o \
	src/time/grid.o \
	src/time/grid_sql.o \
	src/time/grid_text.o \
	src/time/lookup.o \
	src/time/request.o \
	src/time/span.o \
	src/time/span_sql.o \
	src/time/zone.o \
	src/history/activity.o \
	src/history/activity_coarsen.o \
	src/history/activity_sql.o \
	src/history/history.o \
	src/population/amount.o \
	src/population/batch.o \
	src/population/population.o \
	src/population/population_cell.o \
	src/population/population_entry.o \
	src/population/population_events_sql.o \
	src/population/population_flat.o \
	src/population/population_form.o \
	src/population/population_hash.o \
	src/population/population_key.o \
	src/population/population_large.o \
	src/population/population_ledger.o \
	src/population/population_log.o \
	src/population/population_page.o \
	src/population/population_rows.o \
	src/population/population_share.o \
	src/population/population_shared.o \
	src/population/population_sql.o \
	src/population/population_table.o \
	src/rates/rates.o \
	src/rates/rates_sql.o \
	src/revenue/contract.o \
	src/revenue/money_sql.o \
	src/revenue/mrr.o \
	src/revenue/mrr_sql.o \
	src/revenue/revenue.o \
	src/revenue/revenue_answer_sql.o \
	src/revenue/revenue_read.o \
	src/revenue/revenue_sql.o \
	src/revenue/trials.o \
	src/revenue/trials_sql.o \
	src/flow/flow.o \
	src/flow/flow_customer_sql.o \
	src/flow/flow_rate.o \
	src/flow/flow_sql.o \
	src/cohort/cohort.o \
	src/cohort/cohort_batch.o \
	src/cohort/cohort_build.o \
	src/cohort/cohort_cells.o \
	src/cohort/cohort_count.o \
	src/cohort/cohort_curve.o \
	src/cohort/cohort_member.o \
	src/cohort/cohort_member_sql.o \
	src/cohort/cohort_rate_sql.o \
	src/cohort/cohort_sql.o \
	src/cohort/cohort_suppress.o \
	src/value/cohort_value.o \
	src/value/cohort_value_sql.o \
	src/value/purchases.o \
	src/value/purchases_sql.o \
	src/value/rfm.o \
	src/value/rfm_sql.o \
	src/value/value.o \
	src/value/value_sql.o \
	src/customer/customer_sql.o \
	src/customer/gaps.o \
	src/customer/rolling.o \
	src/customer/rolling_sql.o \
	src/customer/status.o \
	src/survival/incidence.o \
	src/survival/incidence_sql.o \
	src/survival/landmark_sql.o \
	src/survival/logrank.o \
	src/survival/logrank_sql.o \
	src/survival/survival.o \
	src/survival/survival_customer_sql.o \
	src/survival/survival_sql.o \
	src/survival/times.o \
	src/survival/times_sql.o \
	src/cox/cox.o \
	src/cox/cox_after.o \
	src/cox/cox_data.o \
	src/cox/cox_model.o \
	src/cox/cox_model_sql.o \
	src/cox/cox_rows.o \
	src/cox/cox_sql.o \
	src/cox/logit.o \
	src/cox/logit_sql.o \
	src/cox/newton.o \
	src/drivers/driver_values.o \
	src/drivers/drivers.o \
	src/drivers/drivers_sql.o \
	src/drivers/survival_drivers.o \
	src/drivers/survival_drivers_sql.o \
	src/model/comparison_sql.o \
	src/model/fit_sql.o \
	src/model/model.o \
	src/model/model_sql.o \
	src/model/predict_sql.o \
	src/model/renewals.o \
	src/model/renewals_sql.o \
	src/scan/scan.o \
	src/scan/scan_aggregate.o \
	src/scan/scan_cost.o \
	src/scan/scan_estimate.o \
	src/scan/scan_group.o \
	src/scan/scan_input.o \
	src/scan/scan_partition.o \
	src/scan/scan_plan.o \
	src/scan/scan_send.o \
	src/scan/scan_server.o \
	src/scan/scan_share.o \
	src/scan/scan_sql.o \
	src/scan/scan_stream.o \
	src/source/facts_link.o \
	src/source/facts_note.o \
	src/source/facts_shape.o \
	src/source/facts_sql.o \
	src/source/source_sql.o

# The SQL objects, in the order of the modules: joined into retention--VERSION.sql. A table of overloads stands for types
# and aggregates with the functions around them; script/lib/overloads.pl explains its format.
MODULE_SQL = \
	src/retention.sql \
	src/time/grid.overloads \
	src/time/grid.sql \
	src/time/span.sql \
	src/rates/rates.sql \
	src/population/population.overloads \
	src/population/population.sql \
	src/population/arguments.overloads \
	src/scan/scan.sql \
	src/population/population_events.overloads \
	src/revenue/revenue.overloads \
	src/revenue/revenue.sql \
	src/revenue/trials.overloads \
	src/revenue/trials.sql \
	src/flow/flow.overloads \
	src/flow/flow.sql \
	src/flow/flow_member.sql \
	src/history/activity.overloads \
	src/history/activity.sql \
	src/cohort/cohort.overloads \
	src/cohort/cohort.sql \
	src/cohort/cohort_member.sql \
	src/value/value.overloads \
	src/value/value.sql \
	src/customer/customer.overloads \
	src/customer/customer.sql \
	src/value/cohort_value.overloads \
	src/value/cohort_value.sql \
	src/value/rfm.overloads \
	src/value/rfm.sql \
	src/survival/survival.overloads \
	src/survival/survival.sql \
	src/survival/logrank.sql \
	src/survival/logrank.overloads \
	src/survival/incidence.overloads \
	src/survival/incidence.sql \
	src/survival/landmark.sql \
	src/cox/cox.overloads \
	src/cox/cox.sql \
	src/cox/logit.overloads \
	src/cox/logit.sql \
	src/drivers/drivers.overloads \
	src/drivers/drivers.sql \
	src/drivers/survival_drivers.sql \
	src/model/model.sql \
	src/model/fit.sql \
	src/model/model.overloads \
	src/source/source.sql \
	src/source/check.sql \
	src/source/query.sql \
	src/source/register.sql \
	src/source/progress.sql \
	src/source/example.sql \
	src/source/guess.sql \
	src/source/by_shard.sql \
	src/source/views.sql \
	src/source/grant.sql \
	src/source/views_forecast.sql \
	src/source/views_words.sql \
	src/source/views_suppress.sql \
	src/source/views_cohorts.sql \
	src/source/views_flow.sql \
	src/source/views_segments.sql \
	src/source/views_customers.sql \
	src/source/views_value.sql \
	src/source/views_revenue.sql \
	src/source/facts.sql \
	src/source/refresh.sql \
	src/report/template.sql \
	src/report/plot.sql \
	src/report/heatmap.sql \
	src/report/picture.sql \
	src/report/suppress.sql \
	src/report/report.sql \
	src/report/revenue.sql \
	src/report/money.sql \
	src/report/page.sql \
	src/report/lists.sql \
	src/report/run.sql \
	src/report/schedule.sql

# HTML, CSS and SVG: joined into one SQL function.
TEMPLATES = \
	src/report/page.html \
	src/report/page_parts.html \
	src/report/page.css \
	src/report/plot.css \
	src/report/plot.svg

DATA_built = retention--$(EXTVERSION).sql

# Scripts of earlier versions: sql/updates/retention--OLD.sql, the install script as it was released, and
# sql/updates/retention--OLD--NEW.sql, which updates it. Nothing has been released yet.
DATA =

# The library exports what SQL calls and nothing else.
SHLIB_EXPORTS = exports.txt
EXPORTING_SQL = $(DATA_built) $(addprefix $(here),$(DATA))

REGRESS = grid rates revenue flow flow_customer as_of activity cohort customers population batch_scan batch_scan_hostile survival cox value cohort_value rfm drivers model source facts facts_trust views plot report value_views example entry_points untrusted stored_types hostile other_schema catalog
REGRESS_OPTS = --inputdir=$(here) --load-extension=retention
ISOLATION = rollup batch_scan_snapshot refresh source_lock report_runs
ISOLATION_OPTS = --inputdir=$(here) --load-extension=retention

PG_CPPFLAGS = -I$(here)src -DRETENTION_VERSION='"$(EXTVERSION)"'
# The headers of 19 need a later C standard.
C_STANDARD = $(if $(filter 15 16 17 18,$(MAJORVERSION)),gnu11,gnu23)
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -std=$(C_STANDARD) -fvisibility=hidden
PG_CXXFLAGS = -Wall -Wextra -std=gnu++14 -fvisibility=hidden
SHLIB_LINK = -lnlopt -lstdc++ -lm

ifdef SANITIZE
SANITIZERS = -fsanitize=undefined -fno-sanitize-recover=undefined $(if $(filter address,$(SANITIZE)),-fsanitize=address)
PG_CFLAGS += $(SANITIZERS) -g
PG_CXXFLAGS += $(SANITIZERS) -g
SHLIB_LINK += $(SANITIZERS)
endif

# For script/fuzz: clang's sanitizers and libFuzzer, and two more C functions.
ifdef FUZZ
OBJS += test/fuzz/fuzz.o
EXPORTING_SQL += $(here)test/fuzz/fuzz.sql
FUZZ_FLAGS = -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -shared-libasan -O1 -g
PG_CFLAGS += $(FUZZ_FLAGS)
PG_CXXFLAGS += $(FUZZ_FLAGS)
# The runtime of the sanitizers has empty functions with the names of libFuzzer's, and is loaded first.
SHLIB_LINK += $(FUZZ_FLAGS) -Wl,-Bsymbolic $(shell clang -print-file-name=libclang_rt.fuzzer_no_main-x86_64.a)
endif

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
EXTRA_CLEAN = retention--*.sql exports.txt
include $(PGXS)

# Makes the folders of an out-of-tree build before any rule runs (VPATH would find those of the source).
$(shell mkdir -p $(dir $(OBJS)))

.DELETE_ON_ERROR:

# A changed header rebuilds everything: there are few files.
$(OBJS): $(wildcard $(here)src/*.h $(here)src/*/*.h) $(here)retention.control

retention--$(EXTVERSION).sql: $(addprefix $(here),$(MODULE_SQL) $(TEMPLATES) script/lib/overloads.pl \
  script/lib/templates.awk Makefile)
	{ printf '%s\n' '\echo Use "CREATE EXTENSION retention" to load this file. \quit' && \
	  perl $(here)script/lib/overloads.pl $(addprefix $(here),$(MODULE_SQL)) && \
	  $(AWK) -f $(here)script/lib/templates.awk $(addprefix $(here),$(TEMPLATES)); } > $@

exports.txt: $(EXPORTING_SQL) $(here)script/lib/exports.awk
	$(AWK) -f $(here)script/lib/exports.awk $(EXPORTING_SQL) > $@

.DELETE_ON_ERROR:

.PHONY: dist
dist:
	git -C $(here) archive --format=zip --prefix=retention-$(EXTVERSION)/ HEAD > retention-$(EXTVERSION).zip
