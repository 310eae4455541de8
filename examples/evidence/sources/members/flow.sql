SELECT * FROM shop.members_flow WHERE status = 'observed' ORDER BY period_start
