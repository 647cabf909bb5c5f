ALTER TABLE ops.outbox_history ADD COLUMN planned_at TIMESTAMPTZ;
COMMENT ON COLUMN ops.outbox_history.planned_at IS 'When it had been planned; null for what was replaced before this was kept';

COMMENT ON COLUMN ops.runs.commands_planned IS 'Commands planned; alarms to operations are not counted';
COMMENT ON COLUMN ops.runs.commands_done IS 'Commands done, to vendors and to people; alarms to operations are not counted';

COMMENT ON TABLE core.history IS 'Every version of every record that rapproche has seen; links of names and parties, and declarations, have versions too.';
COMMENT ON COLUMN core.history.content IS 'The record as the source served it; `_deleted_at` in it says since when the source has it no more';
