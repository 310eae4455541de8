{# For post-hooks of models on PostgreSQL with the extension `retention`. Each can be run as often as you like. #}

{# A value as an SQL literal: none is NULL. #}
{% macro retention_literal(value) -%}
{{ "NULL" if value is none else "'" ~ (value | string | replace("'", "''")) ~ "'" }}
{%- endmacro %}

{# Registers the table of a model as the source `name`, or lets the source of that name read the new table. #}
{% macro retention_source(relation, name, kind, customer, started=none, ended=none, at=none, segments=[], amount=none,
                          reason=none, grid='month', filter=none, as_of=none, gone_after=none) -%}
SELECT retention_source({{ retention.retention_literal(name) }}, {{ retention.retention_literal(kind) }},
  {{ retention.retention_literal(relation) }}::regclass, {{ retention.retention_literal(customer) }},
  started => {{ retention.retention_literal(started) }}, ended => {{ retention.retention_literal(ended) }},
  at => {{ retention.retention_literal(at) }},
  segments => {{ retention.retention_literal('{' ~ (segments | join(',')) ~ '}') }},
  amount => {{ retention.retention_literal(amount) }}, reason => {{ retention.retention_literal(reason) }},
  grid => {{ retention.retention_literal(grid) }}, filter => {{ retention.retention_literal(filter) }},
  as_of => {{ retention.retention_literal(as_of) }}, gone_after => {{ retention.retention_literal(gone_after) }},
  replace => true)
{%- endmacro %}

{# Makes the views of a source, or renews them. #}
{% macro retention_create_views(name) -%}
SELECT retention_create_views({{ retention.retention_literal(name) }})
{%- endmacro %}

{# Lets a role read a source and its views. The table of the model is granted by dbt itself: config(grants=...). #}
{% macro retention_grant(name, role) -%}
SELECT retention_grant({{ retention.retention_literal(name) }}, {{ retention.retention_literal(role) }})
{%- endmacro %}
