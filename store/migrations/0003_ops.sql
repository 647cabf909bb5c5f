CREATE SCHEMA IF NOT EXISTS ops;

COMMENT ON TABLE ops.migrations IS 'Migrations that made this file what it is.';
COMMENT ON COLUMN ops.migrations.name IS 'File of store/migrations';

CREATE TABLE ops.runs (
    run_id           VARCHAR PRIMARY KEY,
    flow             VARCHAR NOT NULL,
    parameters       JSON NOT NULL,
    started_at       TIMESTAMPTZ NOT NULL,
    ended_at         TIMESTAMPTZ,
    state            VARCHAR NOT NULL,
    rows_read        BIGINT NOT NULL,
    rows_changed     BIGINT NOT NULL,
    requests         BIGINT NOT NULL,
    retries          BIGINT NOT NULL,
    rate_limited     BIGINT NOT NULL,
    quarantined      BIGINT NOT NULL,
    commands_planned BIGINT NOT NULL,
    commands_done    BIGINT NOT NULL
);
COMMENT ON TABLE ops.runs IS 'Runs of rapproche.';
COMMENT ON COLUMN ops.runs.run_id IS 'Run';
COMMENT ON COLUMN ops.runs.flow IS 'Command or flow';
COMMENT ON COLUMN ops.runs.parameters IS 'What it was asked';
COMMENT ON COLUMN ops.runs.started_at IS 'When it began';
COMMENT ON COLUMN ops.runs.ended_at IS 'When it ended; null while it runs';
COMMENT ON COLUMN ops.runs.state IS 'running, completed, completed with quarantine, completed with concerns, failed or crashed';
COMMENT ON COLUMN ops.runs.rows_read IS 'Records read from the sources';
COMMENT ON COLUMN ops.runs.rows_changed IS 'Records stored because they were new or different';
COMMENT ON COLUMN ops.runs.requests IS 'HTTP requests sent';
COMMENT ON COLUMN ops.runs.retries IS 'Requests that were sent again';
COMMENT ON COLUMN ops.runs.rate_limited IS 'Answers 429';
COMMENT ON COLUMN ops.runs.quarantined IS 'Records quarantined';
COMMENT ON COLUMN ops.runs.commands_planned IS 'Commands planned';
COMMENT ON COLUMN ops.runs.commands_done IS 'Commands done';

CREATE TABLE ops.sync_state (
    source                       VARCHAR NOT NULL,
    stream                       VARCHAR NOT NULL,
    cursor                       TIMESTAMPTZ,
    last_full_crawl_at           TIMESTAMPTZ,
    last_synced_at               TIMESTAMPTZ,
    rows                         BIGINT NOT NULL,
    complete                     BOOLEAN NOT NULL,
    honours_updated_since        BOOLEAN,
    PRIMARY KEY (source, stream)
);
COMMENT ON TABLE ops.sync_state IS 'How far each stream was read.';
COMMENT ON COLUMN ops.sync_state.source IS 'boond, bill or declarations';
COMMENT ON COLUMN ops.sync_state.stream IS 'Stream of the source';
COMMENT ON COLUMN ops.sync_state.cursor IS 'Largest updatedAt stored, never later than the source''s own clock';
COMMENT ON COLUMN ops.sync_state.last_full_crawl_at IS 'When the stream was last read whole';
COMMENT ON COLUMN ops.sync_state.last_synced_at IS 'When it was last read; null forgets its freshness';
COMMENT ON COLUMN ops.sync_state.rows IS 'Records stored and not deleted';
COMMENT ON COLUMN ops.sync_state.complete IS 'Whether the last reading ended complete';
COMMENT ON COLUMN ops.sync_state.honours_updated_since IS 'Whether the source was seen to honour updatedSince; null when not known';

CREATE TABLE ops.outbox (
    command_id  VARCHAR PRIMARY KEY,
    kind        VARCHAR NOT NULL,
    target      VARCHAR NOT NULL,
    natural_key VARCHAR NOT NULL,
    subject_id  VARCHAR NOT NULL,
    payload     JSON NOT NULL,
    depends_on  VARCHAR[] NOT NULL,
    state       VARCHAR NOT NULL,
    attempts    INTEGER NOT NULL,
    vendor_id   VARCHAR,
    last_error  VARCHAR,
    planned_at  TIMESTAMPTZ NOT NULL,
    sent_at     TIMESTAMPTZ,
    settled_at  TIMESTAMPTZ,
    run_id      VARCHAR NOT NULL
);
COMMENT ON TABLE ops.outbox IS 'Commands to vendors and people: what is to be sent, and what came of it.';
COMMENT ON COLUMN ops.outbox.command_id IS 'Hash of kind, target and natural key';
COMMENT ON COLUMN ops.outbox.kind IS 'boond.cra.validate, boond.cra.invalidate, boond.invoice.create, boond.supplier_invoice.register, boond.supplier_invoice.flag, notify.email or notify.sms';
COMMENT ON COLUMN ops.outbox.target IS 'Object that it acts on';
COMMENT ON COLUMN ops.outbox.natural_key IS 'What makes it the same command';
COMMENT ON COLUMN ops.outbox.subject_id IS 'Break (row of recon) that asked for it';
COMMENT ON COLUMN ops.outbox.payload IS 'Body to send';
COMMENT ON COLUMN ops.outbox.depends_on IS 'Commands that must be done first';
COMMENT ON COLUMN ops.outbox.state IS 'planned, awaiting_approval, approved, sending, done, refused, unknown or cancelled';
COMMENT ON COLUMN ops.outbox.attempts IS 'Times that it was sent';
COMMENT ON COLUMN ops.outbox.vendor_id IS 'Id of the object at the vendor';
COMMENT ON COLUMN ops.outbox.last_error IS 'Last refusal or failure, or why it waits';
COMMENT ON COLUMN ops.outbox.planned_at IS 'When it was planned';
COMMENT ON COLUMN ops.outbox.sent_at IS 'When it was last sent';
COMMENT ON COLUMN ops.outbox.settled_at IS 'When it ended';
COMMENT ON COLUMN ops.outbox.run_id IS 'Run that touched it last';

CREATE TABLE ops.outbox_history (
    command_id  VARCHAR NOT NULL,
    state       VARCHAR NOT NULL,
    payload     JSON NOT NULL,
    attempts    INTEGER NOT NULL,
    last_error  VARCHAR,
    run_id      VARCHAR NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE ops.outbox_history IS 'What commands were before they were planned anew or changed state.';
COMMENT ON COLUMN ops.outbox_history.command_id IS 'Command';
COMMENT ON COLUMN ops.outbox_history.state IS 'State that it was in';
COMMENT ON COLUMN ops.outbox_history.payload IS 'Body that it had';
COMMENT ON COLUMN ops.outbox_history.attempts IS 'Times that it had been sent';
COMMENT ON COLUMN ops.outbox_history.last_error IS 'What had been said of it';
COMMENT ON COLUMN ops.outbox_history.run_id IS 'Run that had touched it';
COMMENT ON COLUMN ops.outbox_history.recorded_at IS 'When it was replaced';

CREATE TABLE ops.api_calls (
    called_at   TIMESTAMPTZ NOT NULL,
    run_id      VARCHAR NOT NULL,
    actor       VARCHAR NOT NULL,
    source      VARCHAR NOT NULL,
    method      VARCHAR NOT NULL,
    path        VARCHAR NOT NULL,
    status      INTEGER,
    duration_ms DOUBLE NOT NULL,
    attempt     INTEGER NOT NULL,
    bytes       BIGINT,
    cached      BOOLEAN NOT NULL
);
COMMENT ON TABLE ops.api_calls IS 'Audit of calls to vendors; never a body, a header or the value of a secret.';
COMMENT ON COLUMN ops.api_calls.called_at IS 'When the call began';
COMMENT ON COLUMN ops.api_calls.run_id IS 'Run';
COMMENT ON COLUMN ops.api_calls.actor IS 'Operating-system user of the run';
COMMENT ON COLUMN ops.api_calls.source IS 'boond or bill';
COMMENT ON COLUMN ops.api_calls.method IS 'HTTP method';
COMMENT ON COLUMN ops.api_calls.path IS 'Path without secrets';
COMMENT ON COLUMN ops.api_calls.status IS 'HTTP status; null when no answer came';
COMMENT ON COLUMN ops.api_calls.duration_ms IS 'Milliseconds until the answer was read';
COMMENT ON COLUMN ops.api_calls.attempt IS '1 for the first try';
COMMENT ON COLUMN ops.api_calls.bytes IS 'Bytes of the answer';
COMMENT ON COLUMN ops.api_calls.cached IS 'Whether the answer came from a cache';

CREATE TABLE ops.quarantine (
    source        VARCHAR NOT NULL,
    stream        VARCHAR NOT NULL,
    id            VARCHAR,
    payload       JSON NOT NULL,
    column_name   VARCHAR NOT NULL,
    check_name    VARCHAR NOT NULL,
    message       VARCHAR NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    run_id        VARCHAR NOT NULL,
    resolved_at   TIMESTAMPTZ
);
COMMENT ON TABLE ops.quarantine IS 'Rows that broke their contract and wait for a corrected version.';
COMMENT ON COLUMN ops.quarantine.source IS 'boond, bill or declarations';
COMMENT ON COLUMN ops.quarantine.stream IS 'Stream';
COMMENT ON COLUMN ops.quarantine.id IS 'Record, where its id could be read';
COMMENT ON COLUMN ops.quarantine.payload IS 'The record as served';
COMMENT ON COLUMN ops.quarantine.column_name IS 'Column that failed';
COMMENT ON COLUMN ops.quarantine.check_name IS 'Check that failed';
COMMENT ON COLUMN ops.quarantine.message IS 'What is wrong, in words';
COMMENT ON COLUMN ops.quarantine.first_seen_at IS 'When it was first quarantined';
COMMENT ON COLUMN ops.quarantine.run_id IS 'Run';
COMMENT ON COLUMN ops.quarantine.resolved_at IS 'When a corrected version was stored; null while it waits';

CREATE TABLE ops.approvals (
    command_id VARCHAR,
    break_id   VARCHAR,
    decision   VARCHAR NOT NULL,
    amount     DECIMAL(18,4),
    decided_by VARCHAR NOT NULL,
    os_user    VARCHAR NOT NULL,
    host       VARCHAR NOT NULL,
    reason     VARCHAR NOT NULL,
    decided_at TIMESTAMPTZ NOT NULL
);
COMMENT ON TABLE ops.approvals IS 'What people decided, and why.';
COMMENT ON COLUMN ops.approvals.command_id IS 'Command decided on';
COMMENT ON COLUMN ops.approvals.break_id IS 'Break decided on';
COMMENT ON COLUMN ops.approvals.decision IS 'approved or rejected';
COMMENT ON COLUMN ops.approvals.amount IS 'Amount up to which it was approved';
COMMENT ON COLUMN ops.approvals.decided_by IS 'Name that the person gave';
COMMENT ON COLUMN ops.approvals.os_user IS 'Operating-system user';
COMMENT ON COLUMN ops.approvals.host IS 'Machine';
COMMENT ON COLUMN ops.approvals.reason IS 'Why';
COMMENT ON COLUMN ops.approvals.decided_at IS 'When';
