{{ config(materialized='table', grants={'select': ['dashboard']}, post_hook=[
    "{{ retention.retention_source(this, this.schema ~ '.dbt_members', 'subscriptions', 'customer_id',
          started='started', ended='ended', segments=['plan'], reason='reason', grid='month; time_zone=UTC') }}",
    "{{ retention.retention_create_views(this.schema ~ '.dbt_members') }}",
    "{{ retention.retention_grant(this.schema ~ '.dbt_members', 'dashboard') }}"]) }}
SELECT customer_id, plan, started, ended, monthly_price, reason
FROM {{ source('shop', 'subscriptions') }}
