-- Fails where the customers at the end of a month are not those at its start, and those who came, less those who left.
{{ config(enabled=var('retention_example')) }}
-- depends_on: {{ ref('fct_members') }}
SELECT period_start, at_start, gained, reactivated, lost, at_end
FROM {{ target.schema }}.dbt_members_flow
WHERE at_start + gained + reactivated - lost <> at_end
