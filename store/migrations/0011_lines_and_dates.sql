ALTER TABLE core.cra_days ADD COLUMN contract_id VARCHAR;
COMMENT ON COLUMN core.cra_days.contract_id IS 'Contract of the line, where the report names none for all of its lines; null where it does';

ALTER TABLE core.contract_rates ADD COLUMN start_date DATE;
COMMENT ON COLUMN core.contract_rates.start_date IS 'First day of the rate; null: as the contract';
ALTER TABLE core.contract_rates ADD COLUMN end_date DATE;
COMMENT ON COLUMN core.contract_rates.end_date IS 'Last day of the rate; null: as the contract';
