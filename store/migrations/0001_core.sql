CREATE SCHEMA raw;
CREATE SCHEMA core;

CREATE TABLE raw.boond_consultants (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.boond_consultants IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.boond_consultants.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.boond_consultants.payload IS 'The record as served';
COMMENT ON COLUMN raw.boond_consultants.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.boond_consultants.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.boond_consultants.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.boond_consultants.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.boond_consultants.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.boond_consultants.run_id IS 'Run that stored this version';

CREATE TABLE raw.boond_clients (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.boond_clients IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.boond_clients.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.boond_clients.payload IS 'The record as served';
COMMENT ON COLUMN raw.boond_clients.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.boond_clients.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.boond_clients.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.boond_clients.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.boond_clients.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.boond_clients.run_id IS 'Run that stored this version';

CREATE TABLE raw.boond_contracts (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.boond_contracts IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.boond_contracts.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.boond_contracts.payload IS 'The record as served';
COMMENT ON COLUMN raw.boond_contracts.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.boond_contracts.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.boond_contracts.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.boond_contracts.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.boond_contracts.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.boond_contracts.run_id IS 'Run that stored this version';

CREATE TABLE raw.boond_cras (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.boond_cras IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.boond_cras.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.boond_cras.payload IS 'The record as served';
COMMENT ON COLUMN raw.boond_cras.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.boond_cras.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.boond_cras.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.boond_cras.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.boond_cras.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.boond_cras.run_id IS 'Run that stored this version';

CREATE TABLE raw.boond_client_invoices (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.boond_client_invoices IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.boond_client_invoices.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.boond_client_invoices.payload IS 'The record as served';
COMMENT ON COLUMN raw.boond_client_invoices.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.boond_client_invoices.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.boond_client_invoices.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.boond_client_invoices.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.boond_client_invoices.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.boond_client_invoices.run_id IS 'Run that stored this version';

CREATE TABLE raw.boond_suppliers (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.boond_suppliers IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.boond_suppliers.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.boond_suppliers.payload IS 'The record as served';
COMMENT ON COLUMN raw.boond_suppliers.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.boond_suppliers.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.boond_suppliers.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.boond_suppliers.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.boond_suppliers.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.boond_suppliers.run_id IS 'Run that stored this version';

CREATE TABLE raw.boond_purchase_orders (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.boond_purchase_orders IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.boond_purchase_orders.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.boond_purchase_orders.payload IS 'The record as served';
COMMENT ON COLUMN raw.boond_purchase_orders.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.boond_purchase_orders.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.boond_purchase_orders.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.boond_purchase_orders.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.boond_purchase_orders.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.boond_purchase_orders.run_id IS 'Run that stored this version';

CREATE TABLE raw.boond_supplier_invoices (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.boond_supplier_invoices IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.boond_supplier_invoices.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.boond_supplier_invoices.payload IS 'The record as served';
COMMENT ON COLUMN raw.boond_supplier_invoices.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.boond_supplier_invoices.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.boond_supplier_invoices.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.boond_supplier_invoices.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.boond_supplier_invoices.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.boond_supplier_invoices.run_id IS 'Run that stored this version';

CREATE TABLE raw.bill_invoices (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.bill_invoices IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.bill_invoices.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.bill_invoices.payload IS 'The record as served';
COMMENT ON COLUMN raw.bill_invoices.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.bill_invoices.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.bill_invoices.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.bill_invoices.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.bill_invoices.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.bill_invoices.run_id IS 'Run that stored this version';

CREATE TABLE raw.bill_vendors (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.bill_vendors IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.bill_vendors.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.bill_vendors.payload IS 'The record as served';
COMMENT ON COLUMN raw.bill_vendors.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.bill_vendors.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.bill_vendors.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.bill_vendors.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.bill_vendors.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.bill_vendors.run_id IS 'Run that stored this version';

CREATE TABLE raw.bill_payments (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.bill_payments IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.bill_payments.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.bill_payments.payload IS 'The record as served';
COMMENT ON COLUMN raw.bill_payments.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.bill_payments.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.bill_payments.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.bill_payments.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.bill_payments.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.bill_payments.run_id IS 'Run that stored this version';

CREATE TABLE raw.declarations_files (
    id                VARCHAR PRIMARY KEY,
    payload           JSON NOT NULL,
    content_hash      VARCHAR NOT NULL,
    vendor_updated_at TIMESTAMPTZ,
    first_seen_at     TIMESTAMPTZ NOT NULL,
    last_seen_at      TIMESTAMPTZ NOT NULL,
    deleted_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE raw.declarations_files IS 'What the source served for one stream, as it was served.';
COMMENT ON COLUMN raw.declarations_files.id IS 'Identifier as the source has it';
COMMENT ON COLUMN raw.declarations_files.payload IS 'The record as served';
COMMENT ON COLUMN raw.declarations_files.content_hash IS 'SHA-256 of the payload without insignificant white space; equal hash, equal record';
COMMENT ON COLUMN raw.declarations_files.vendor_updated_at IS 'When the source says the record last changed';
COMMENT ON COLUMN raw.declarations_files.first_seen_at IS 'When a run first read the record';
COMMENT ON COLUMN raw.declarations_files.last_seen_at IS 'When a run last read the record';
COMMENT ON COLUMN raw.declarations_files.deleted_at IS 'When the source answered 404 for the record; null while it exists';
COMMENT ON COLUMN raw.declarations_files.run_id IS 'Run that stored this version';

CREATE TABLE core.consultants (
    id                       VARCHAR PRIMARY KEY,
    type_resource            VARCHAR NOT NULL,
    first_name               VARCHAR NOT NULL,
    last_name                VARCHAR NOT NULL,
    email                    VARCHAR,
    phone                    VARCHAR,
    profile                  VARCHAR,
    supplier_id              VARCHAR,
    manager_id               VARCHAR,
    manager_email            VARCHAR,
    main_contract_id         VARCHAR,
    main_contract_start_date DATE,
    main_contract_end_date   DATE,
    main_contract_status     VARCHAR,
    skills                   JSON,
    availability             VARCHAR,
    deleted_at               TIMESTAMPTZ,
    updated_at               TIMESTAMPTZ,
    run_id                   VARCHAR NOT NULL
);
COMMENT ON TABLE core.consultants IS 'Consultants (BoondManager resources): employees and externals.';
COMMENT ON COLUMN core.consultants.id IS 'Consultant id in BoondManager';
COMMENT ON COLUMN core.consultants.type_resource IS 'employee or external';
COMMENT ON COLUMN core.consultants.first_name IS 'Given name';
COMMENT ON COLUMN core.consultants.last_name IS 'Family name';
COMMENT ON COLUMN core.consultants.email IS 'E-mail address';
COMMENT ON COLUMN core.consultants.phone IS 'Telephone number';
COMMENT ON COLUMN core.consultants.profile IS 'Job profile; picks a contract rate that names nobody';
COMMENT ON COLUMN core.consultants.supplier_id IS 'Supplier whose employee an external consultant is';
COMMENT ON COLUMN core.consultants.manager_id IS 'Manager''s id';
COMMENT ON COLUMN core.consultants.manager_email IS 'Manager''s e-mail address';
COMMENT ON COLUMN core.consultants.main_contract_id IS 'Employment contract';
COMMENT ON COLUMN core.consultants.main_contract_start_date IS 'First day of the employment contract';
COMMENT ON COLUMN core.consultants.main_contract_end_date IS 'Last day of the employment contract; null while open';
COMMENT ON COLUMN core.consultants.main_contract_status IS 'Status of the employment contract';
COMMENT ON COLUMN core.consultants.skills IS 'List of skills';
COMMENT ON COLUMN core.consultants.availability IS 'Availability as BoondManager words it';
COMMENT ON COLUMN core.consultants.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.consultants.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.consultants.run_id IS 'Run that stored this version';

CREATE TABLE core.clients (
    id              VARCHAR PRIMARY KEY,
    reference       VARCHAR NOT NULL,
    name            VARCHAR NOT NULL,
    billing_address JSON,
    billing_country VARCHAR,
    contacts        JSON,
    vat_number      VARCHAR,
    deleted_at      TIMESTAMPTZ,
    updated_at      TIMESTAMPTZ,
    run_id          VARCHAR NOT NULL
);
COMMENT ON TABLE core.clients IS 'Clients that are billed by the day.';
COMMENT ON COLUMN core.clients.id IS 'Client id in BoondManager';
COMMENT ON COLUMN core.clients.reference IS 'Client reference';
COMMENT ON COLUMN core.clients.name IS 'Client name';
COMMENT ON COLUMN core.clients.billing_address IS 'Billing address as served';
COMMENT ON COLUMN core.clients.billing_country IS 'Country of the billing address';
COMMENT ON COLUMN core.clients.contacts IS 'List of {name, email, role}';
COMMENT ON COLUMN core.clients.vat_number IS 'VAT number; its first two letters are the country';
COMMENT ON COLUMN core.clients.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.clients.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.clients.run_id IS 'Run that stored this version';

CREATE TABLE core.contracts (
    id                VARCHAR PRIMARY KEY,
    client_id         VARCHAR NOT NULL,
    reference         VARCHAR NOT NULL,
    start_date        DATE NOT NULL,
    end_date          DATE,
    status            VARCHAR,
    billing_frequency VARCHAR,
    billing_deadline  DATE,
    payment_terms     VARCHAR,
    tax_rate          DECIMAL(9,4),
    deleted_at        TIMESTAMPTZ,
    updated_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE core.contracts IS 'Contracts under which clients are billed.';
COMMENT ON COLUMN core.contracts.id IS 'Contract id in BoondManager';
COMMENT ON COLUMN core.contracts.client_id IS 'Client';
COMMENT ON COLUMN core.contracts.reference IS 'Contract reference, part of our invoice references';
COMMENT ON COLUMN core.contracts.start_date IS 'First day';
COMMENT ON COLUMN core.contracts.end_date IS 'Last day; null while open';
COMMENT ON COLUMN core.contracts.status IS 'active or ended';
COMMENT ON COLUMN core.contracts.billing_frequency IS 'monthly, quarterly or end';
COMMENT ON COLUMN core.contracts.billing_deadline IS 'Day by which the client must be billed';
COMMENT ON COLUMN core.contracts.payment_terms IS 'Payment terms as worded, such as 30 days';
COMMENT ON COLUMN core.contracts.tax_rate IS 'Tax rate as a fraction (0.20 is 20 %)';
COMMENT ON COLUMN core.contracts.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.contracts.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.contracts.run_id IS 'Run that stored this version';

CREATE TABLE core.contract_rates (
    contract_id   VARCHAR NOT NULL,
    line_no       INTEGER NOT NULL,
    profile       VARCHAR,
    daily_rate    DECIMAL(18,4) NOT NULL,
    currency      VARCHAR,
    consultant_id VARCHAR,
    updated_at    TIMESTAMPTZ,
    run_id        VARCHAR NOT NULL
);
COMMENT ON TABLE core.contract_rates IS 'Daily rates of a contract.';
COMMENT ON COLUMN core.contract_rates.contract_id IS 'Contract';
COMMENT ON COLUMN core.contract_rates.line_no IS 'Position in the contract, from 1';
COMMENT ON COLUMN core.contract_rates.profile IS 'Job profile that the rate is for';
COMMENT ON COLUMN core.contract_rates.daily_rate IS 'Price of one day, in currency';
COMMENT ON COLUMN core.contract_rates.currency IS 'ISO 4217 code; null where the contract names none';
COMMENT ON COLUMN core.contract_rates.consultant_id IS 'Consultant whom the rate names';
COMMENT ON COLUMN core.contract_rates.updated_at IS 'When the source says it last changed (the parent record)';
COMMENT ON COLUMN core.contract_rates.run_id IS 'Run that stored this version';

CREATE TABLE core.cras (
    id                    VARCHAR PRIMARY KEY,
    consultant_id         VARCHAR NOT NULL,
    consultant_first_name VARCHAR,
    consultant_last_name  VARCHAR,
    resource_id           VARCHAR,
    resource_label        VARCHAR,
    client_id             VARCHAR,
    contract_id           VARCHAR,
    purchase_order_id     VARCHAR,
    period_start_date     DATE NOT NULL,
    period_end_date       DATE NOT NULL,
    due_date              DATE,
    total_days            DECIMAL(9,4) NOT NULL,
    status                VARCHAR NOT NULL,
    validation_date       TIMESTAMPTZ,
    validator             VARCHAR,
    deleted_at            TIMESTAMPTZ,
    updated_at            TIMESTAMPTZ,
    run_id                VARCHAR NOT NULL
);
COMMENT ON TABLE core.cras IS 'Activity reports (CRA) of consultants.';
COMMENT ON COLUMN core.cras.id IS 'CRA id in BoondManager';
COMMENT ON COLUMN core.cras.consultant_id IS 'Consultant who reports';
COMMENT ON COLUMN core.cras.consultant_first_name IS 'Given name as the CRA has it';
COMMENT ON COLUMN core.cras.consultant_last_name IS 'Family name as the CRA has it';
COMMENT ON COLUMN core.cras.resource_id IS 'Mission id';
COMMENT ON COLUMN core.cras.resource_label IS 'Mission label';
COMMENT ON COLUMN core.cras.client_id IS 'Client worked for';
COMMENT ON COLUMN core.cras.contract_id IS 'Contract worked under';
COMMENT ON COLUMN core.cras.purchase_order_id IS 'Purchase order that the days count for';
COMMENT ON COLUMN core.cras.period_start_date IS 'First day of the report';
COMMENT ON COLUMN core.cras.period_end_date IS 'Last day of the report';
COMMENT ON COLUMN core.cras.due_date IS 'Day by which it had to be submitted';
COMMENT ON COLUMN core.cras.total_days IS 'Days that BoondManager says are in its production lines';
COMMENT ON COLUMN core.cras.status IS 'draft, submitted, validated, rejected or invalidated';
COMMENT ON COLUMN core.cras.validation_date IS 'When it was validated';
COMMENT ON COLUMN core.cras.validator IS 'Who validated it';
COMMENT ON COLUMN core.cras.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.cras.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.cras.run_id IS 'Run that stored this version';

CREATE TABLE core.cra_days (
    cra_id     VARCHAR NOT NULL,
    line_no    INTEGER NOT NULL,
    date       DATE NOT NULL,
    duration   DECIMAL(9,4) NOT NULL,
    type_code  VARCHAR NOT NULL,
    comment    VARCHAR,
    updated_at TIMESTAMPTZ,
    run_id     VARCHAR NOT NULL
);
COMMENT ON TABLE core.cra_days IS 'Lines of the activity reports, one a date and kind of activity.';
COMMENT ON COLUMN core.cra_days.cra_id IS 'Activity report';
COMMENT ON COLUMN core.cra_days.line_no IS 'Position in the report, from 1';
COMMENT ON COLUMN core.cra_days.date IS 'Day of the activity';
COMMENT ON COLUMN core.cra_days.duration IS 'Share of the day: 0.25, 0.5, 0.75 or 1';
COMMENT ON COLUMN core.cra_days.type_code IS 'production, absence or internal';
COMMENT ON COLUMN core.cra_days.comment IS 'Consultant''s comment';
COMMENT ON COLUMN core.cra_days.updated_at IS 'When the source says it last changed (the parent record)';
COMMENT ON COLUMN core.cra_days.run_id IS 'Run that stored this version';

CREATE TABLE core.suppliers (
    id                  VARCHAR PRIMARY KEY,
    name                VARCHAR NOT NULL,
    vat_number          VARCHAR,
    registration_number VARCHAR,
    email               VARCHAR,
    iban                VARCHAR,
    deleted_at          TIMESTAMPTZ,
    updated_at          TIMESTAMPTZ,
    run_id              VARCHAR NOT NULL
);
COMMENT ON TABLE core.suppliers IS 'Suppliers of subcontracted days, as BoondManager has them.';
COMMENT ON COLUMN core.suppliers.id IS 'Supplier id in BoondManager';
COMMENT ON COLUMN core.suppliers.name IS 'Supplier name';
COMMENT ON COLUMN core.suppliers.vat_number IS 'VAT number';
COMMENT ON COLUMN core.suppliers.registration_number IS 'Company registration number (SIREN or SIRET)';
COMMENT ON COLUMN core.suppliers.email IS 'E-mail address';
COMMENT ON COLUMN core.suppliers.iban IS 'Bank account on the supplier''s record';
COMMENT ON COLUMN core.suppliers.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.suppliers.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.suppliers.run_id IS 'Run that stored this version';

CREATE TABLE core.purchase_orders (
    id           VARCHAR PRIMARY KEY,
    reference    VARCHAR NOT NULL,
    supplier_id  VARCHAR NOT NULL,
    start_date   DATE NOT NULL,
    end_date     DATE NOT NULL,
    total_amount DECIMAL(18,4),
    currency     VARCHAR,
    status       VARCHAR NOT NULL,
    deleted_at   TIMESTAMPTZ,
    updated_at   TIMESTAMPTZ,
    run_id       VARCHAR NOT NULL
);
COMMENT ON TABLE core.purchase_orders IS 'Purchase orders to suppliers.';
COMMENT ON COLUMN core.purchase_orders.id IS 'Purchase order id in BoondManager';
COMMENT ON COLUMN core.purchase_orders.reference IS 'Purchase order number';
COMMENT ON COLUMN core.purchase_orders.supplier_id IS 'Supplier';
COMMENT ON COLUMN core.purchase_orders.start_date IS 'First day ordered';
COMMENT ON COLUMN core.purchase_orders.end_date IS 'Last day ordered';
COMMENT ON COLUMN core.purchase_orders.total_amount IS 'Total ordered, in currency';
COMMENT ON COLUMN core.purchase_orders.currency IS 'ISO 4217 code; null where the order names none';
COMMENT ON COLUMN core.purchase_orders.status IS 'draft, approved, closed or cancelled';
COMMENT ON COLUMN core.purchase_orders.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.purchase_orders.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.purchase_orders.run_id IS 'Run that stored this version';

CREATE TABLE core.purchase_order_lines (
    purchase_order_id VARCHAR NOT NULL,
    line_no           INTEGER NOT NULL,
    id                VARCHAR,
    consultant        VARCHAR,
    consultant_id     VARCHAR,
    daily_rate        DECIMAL(18,4) NOT NULL,
    estimated_days    DECIMAL(9,4) NOT NULL,
    updated_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE core.purchase_order_lines IS 'Lines of the purchase orders: a consultant, a daily rate and days.';
COMMENT ON COLUMN core.purchase_order_lines.purchase_order_id IS 'Purchase order';
COMMENT ON COLUMN core.purchase_order_lines.line_no IS 'Position in the order, from 1';
COMMENT ON COLUMN core.purchase_order_lines.id IS 'Line id in BoondManager, where it has one';
COMMENT ON COLUMN core.purchase_order_lines.consultant IS 'Name of the consultant as written';
COMMENT ON COLUMN core.purchase_order_lines.consultant_id IS 'Consultant, where the line says the id';
COMMENT ON COLUMN core.purchase_order_lines.daily_rate IS 'Price of one day, in the order''s currency';
COMMENT ON COLUMN core.purchase_order_lines.estimated_days IS 'Days ordered';
COMMENT ON COLUMN core.purchase_order_lines.updated_at IS 'When the source says it last changed (the parent record)';
COMMENT ON COLUMN core.purchase_order_lines.run_id IS 'Run that stored this version';

CREATE TABLE core.client_invoices (
    id             VARCHAR PRIMARY KEY,
    reference      VARCHAR NOT NULL,
    client_id      VARCHAR NOT NULL,
    contract_id    VARCHAR,
    issue_date     DATE NOT NULL,
    due_date       DATE,
    total_excl_tax DECIMAL(18,4) NOT NULL,
    total_tax      DECIMAL(18,4),
    total_incl_tax DECIMAL(18,4),
    currency       VARCHAR,
    status         VARCHAR NOT NULL,
    paid_amount    DECIMAL(18,4),
    deleted_at     TIMESTAMPTZ,
    updated_at     TIMESTAMPTZ,
    run_id         VARCHAR NOT NULL
);
COMMENT ON TABLE core.client_invoices IS 'Invoices to clients in BoondManager, ours and others''.';
COMMENT ON COLUMN core.client_invoices.id IS 'Invoice id in BoondManager';
COMMENT ON COLUMN core.client_invoices.reference IS 'Invoice reference; ours begin with RAP-';
COMMENT ON COLUMN core.client_invoices.client_id IS 'Client';
COMMENT ON COLUMN core.client_invoices.contract_id IS 'Contract';
COMMENT ON COLUMN core.client_invoices.issue_date IS 'Day of issue';
COMMENT ON COLUMN core.client_invoices.due_date IS 'Day by which it is to be paid';
COMMENT ON COLUMN core.client_invoices.total_excl_tax IS 'Total without tax, in currency';
COMMENT ON COLUMN core.client_invoices.total_tax IS 'Tax, in currency';
COMMENT ON COLUMN core.client_invoices.total_incl_tax IS 'Total with tax, in currency';
COMMENT ON COLUMN core.client_invoices.currency IS 'ISO 4217 code; null where the invoice names none';
COMMENT ON COLUMN core.client_invoices.status IS 'draft, sent, paid or cancelled';
COMMENT ON COLUMN core.client_invoices.paid_amount IS 'Paid so far, in currency';
COMMENT ON COLUMN core.client_invoices.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.client_invoices.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.client_invoices.run_id IS 'Run that stored this version';

CREATE TABLE core.client_invoice_lines (
    client_invoice_id VARCHAR NOT NULL,
    line_no           INTEGER NOT NULL,
    description       VARCHAR,
    quantity          DECIMAL(9,4),
    unit_price        DECIMAL(18,4),
    total_excl_tax    DECIMAL(18,4) NOT NULL,
    updated_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE core.client_invoice_lines IS 'Lines of the invoices to clients.';
COMMENT ON COLUMN core.client_invoice_lines.client_invoice_id IS 'Invoice';
COMMENT ON COLUMN core.client_invoice_lines.line_no IS 'Position in the invoice, from 1';
COMMENT ON COLUMN core.client_invoice_lines.description IS 'Text of the line';
COMMENT ON COLUMN core.client_invoice_lines.quantity IS 'Days';
COMMENT ON COLUMN core.client_invoice_lines.unit_price IS 'Price of one day';
COMMENT ON COLUMN core.client_invoice_lines.total_excl_tax IS 'Line total without tax';
COMMENT ON COLUMN core.client_invoice_lines.updated_at IS 'When the source says it last changed (the parent record)';
COMMENT ON COLUMN core.client_invoice_lines.run_id IS 'Run that stored this version';

CREATE TABLE core.supplier_invoices (
    id                VARCHAR PRIMARY KEY,
    supplier_id       VARCHAR NOT NULL,
    purchase_order_id VARCHAR,
    reference         VARCHAR NOT NULL,
    issue_date        DATE,
    due_date          DATE,
    total_excl_tax    DECIMAL(18,4),
    total_tax         DECIMAL(18,4),
    total_incl_tax    DECIMAL(18,4),
    currency          VARCHAR,
    status            VARCHAR NOT NULL,
    deleted_at        TIMESTAMPTZ,
    updated_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE core.supplier_invoices IS 'Supplier invoices registered in BoondManager.';
COMMENT ON COLUMN core.supplier_invoices.id IS 'Supplier invoice id in BoondManager';
COMMENT ON COLUMN core.supplier_invoices.supplier_id IS 'Supplier';
COMMENT ON COLUMN core.supplier_invoices.purchase_order_id IS 'Purchase order';
COMMENT ON COLUMN core.supplier_invoices.reference IS 'The supplier''s own invoice number';
COMMENT ON COLUMN core.supplier_invoices.issue_date IS 'Day of issue';
COMMENT ON COLUMN core.supplier_invoices.due_date IS 'Day by which it is to be paid';
COMMENT ON COLUMN core.supplier_invoices.total_excl_tax IS 'Total without tax, in currency';
COMMENT ON COLUMN core.supplier_invoices.total_tax IS 'Tax, in currency';
COMMENT ON COLUMN core.supplier_invoices.total_incl_tax IS 'Total with tax, in currency';
COMMENT ON COLUMN core.supplier_invoices.currency IS 'ISO 4217 code; null where the invoice names none';
COMMENT ON COLUMN core.supplier_invoices.status IS 'registered, flagged_for_payment, paid or cancelled';
COMMENT ON COLUMN core.supplier_invoices.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.supplier_invoices.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.supplier_invoices.run_id IS 'Run that stored this version';

CREATE TABLE core.supplier_invoice_lines (
    supplier_invoice_id VARCHAR NOT NULL,
    line_no             INTEGER NOT NULL,
    description         VARCHAR,
    quantity            DECIMAL(9,4),
    unit_price          DECIMAL(18,4),
    total_excl_tax      DECIMAL(18,4),
    updated_at          TIMESTAMPTZ,
    run_id              VARCHAR NOT NULL
);
COMMENT ON TABLE core.supplier_invoice_lines IS 'Lines of the registered supplier invoices.';
COMMENT ON COLUMN core.supplier_invoice_lines.supplier_invoice_id IS 'Supplier invoice';
COMMENT ON COLUMN core.supplier_invoice_lines.line_no IS 'Position in the invoice, from 1';
COMMENT ON COLUMN core.supplier_invoice_lines.description IS 'Text of the line';
COMMENT ON COLUMN core.supplier_invoice_lines.quantity IS 'Days';
COMMENT ON COLUMN core.supplier_invoice_lines.unit_price IS 'Price of one day';
COMMENT ON COLUMN core.supplier_invoice_lines.total_excl_tax IS 'Line total without tax';
COMMENT ON COLUMN core.supplier_invoice_lines.updated_at IS 'When the source says it last changed (the parent record)';
COMMENT ON COLUMN core.supplier_invoice_lines.run_id IS 'Run that stored this version';

CREATE TABLE core.vendors (
    id                VARCHAR PRIMARY KEY,
    name              VARCHAR NOT NULL,
    email             VARCHAR,
    phone             VARCHAR,
    address           VARCHAR,
    tax_id            VARCHAR,
    is_active         BOOLEAN,
    created_time      TIMESTAMPTZ,
    incomplete_fields VARCHAR[] NOT NULL,
    deleted_at        TIMESTAMPTZ,
    updated_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE core.vendors IS 'Vendors as Bill.com has them; matched to suppliers by core.party_links.';
COMMENT ON COLUMN core.vendors.id IS 'Vendor id in Bill.com';
COMMENT ON COLUMN core.vendors.name IS 'Vendor name';
COMMENT ON COLUMN core.vendors.email IS 'E-mail address';
COMMENT ON COLUMN core.vendors.phone IS 'Telephone number';
COMMENT ON COLUMN core.vendors.address IS 'Postal address as served';
COMMENT ON COLUMN core.vendors.tax_id IS 'Tax or registration number';
COMMENT ON COLUMN core.vendors.is_active IS 'Whether the vendor is active in Bill.com';
COMMENT ON COLUMN core.vendors.created_time IS 'When it was created in Bill.com';
COMMENT ON COLUMN core.vendors.incomplete_fields IS 'Fields that Bill.com left out';
COMMENT ON COLUMN core.vendors.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.vendors.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.vendors.run_id IS 'Run that stored this version';

CREATE TABLE core.bills (
    id                    VARCHAR PRIMARY KEY,
    invoice_number        VARCHAR,
    vendor_id             VARCHAR NOT NULL,
    vendor_name           VARCHAR,
    invoice_date          DATE NOT NULL,
    due_date              DATE,
    amount                DECIMAL(18,4) NOT NULL,
    currency              VARCHAR,
    status                VARCHAR NOT NULL,
    description           VARCHAR,
    purchase_order_number VARCHAR,
    approval_status       VARCHAR,
    approved_by           VARCHAR,
    created_time          TIMESTAMPTZ,
    remaining_balance     DECIMAL(18,4),
    incomplete_fields     VARCHAR[] NOT NULL,
    deleted_at            TIMESTAMPTZ,
    updated_at            TIMESTAMPTZ,
    run_id                VARCHAR NOT NULL
);
COMMENT ON TABLE core.bills IS 'Supplier invoices as Bill.com has them (Bill.com calls them bills).';
COMMENT ON COLUMN core.bills.id IS 'Bill id in Bill.com';
COMMENT ON COLUMN core.bills.invoice_number IS 'The supplier''s own invoice number';
COMMENT ON COLUMN core.bills.vendor_id IS 'Vendor';
COMMENT ON COLUMN core.bills.vendor_name IS 'Vendor name as the bill has it';
COMMENT ON COLUMN core.bills.invoice_date IS 'Date of the supplier''s invoice';
COMMENT ON COLUMN core.bills.due_date IS 'Day by which it is to be paid';
COMMENT ON COLUMN core.bills.amount IS 'Total without tax, in currency';
COMMENT ON COLUMN core.bills.currency IS 'ISO 4217 code; null where the bill names none';
COMMENT ON COLUMN core.bills.status IS 'draft, sent, viewed, approved or paid';
COMMENT ON COLUMN core.bills.description IS 'Text of the bill';
COMMENT ON COLUMN core.bills.purchase_order_number IS 'Purchase order number as the supplier wrote it';
COMMENT ON COLUMN core.bills.approval_status IS 'Bill.com''s own approval';
COMMENT ON COLUMN core.bills.approved_by IS 'Who approved it in Bill.com';
COMMENT ON COLUMN core.bills.created_time IS 'When it was created in Bill.com';
COMMENT ON COLUMN core.bills.remaining_balance IS 'Still to be paid, in currency';
COMMENT ON COLUMN core.bills.incomplete_fields IS 'Fields that Bill.com left out';
COMMENT ON COLUMN core.bills.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.bills.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.bills.run_id IS 'Run that stored this version';

CREATE TABLE core.bill_lines (
    bill_id     VARCHAR NOT NULL,
    line_no     INTEGER NOT NULL,
    description VARCHAR,
    quantity    DECIMAL(9,4),
    unit_price  DECIMAL(18,4),
    amount      DECIMAL(18,4) NOT NULL,
    updated_at  TIMESTAMPTZ,
    run_id      VARCHAR NOT NULL
);
COMMENT ON TABLE core.bill_lines IS 'Lines of the bills.';
COMMENT ON COLUMN core.bill_lines.bill_id IS 'Bill';
COMMENT ON COLUMN core.bill_lines.line_no IS 'Position in the bill, from 1';
COMMENT ON COLUMN core.bill_lines.description IS 'Text of the line';
COMMENT ON COLUMN core.bill_lines.quantity IS 'Days; null where the line says none';
COMMENT ON COLUMN core.bill_lines.unit_price IS 'Price of one day; null where the line says none';
COMMENT ON COLUMN core.bill_lines.amount IS 'Line amount without tax';
COMMENT ON COLUMN core.bill_lines.updated_at IS 'When the source says it last changed (the parent record)';
COMMENT ON COLUMN core.bill_lines.run_id IS 'Run that stored this version';

CREATE TABLE core.payments (
    id                VARCHAR PRIMARY KEY,
    bill_id           VARCHAR NOT NULL,
    amount            DECIMAL(18,4) NOT NULL,
    date              DATE,
    status            VARCHAR,
    method            VARCHAR,
    recorded_by       VARCHAR,
    incomplete_fields VARCHAR[] NOT NULL,
    deleted_at        TIMESTAMPTZ,
    updated_at        TIMESTAMPTZ,
    run_id            VARCHAR NOT NULL
);
COMMENT ON TABLE core.payments IS 'Payments of bills in Bill.com.';
COMMENT ON COLUMN core.payments.id IS 'Payment id in Bill.com';
COMMENT ON COLUMN core.payments.bill_id IS 'Bill that it pays';
COMMENT ON COLUMN core.payments.amount IS 'Amount, in the bill''s currency';
COMMENT ON COLUMN core.payments.date IS 'Day of the payment';
COMMENT ON COLUMN core.payments.status IS 'Status as Bill.com words it';
COMMENT ON COLUMN core.payments.method IS 'Means of payment';
COMMENT ON COLUMN core.payments.recorded_by IS 'Who recorded it';
COMMENT ON COLUMN core.payments.incomplete_fields IS 'Fields that Bill.com left out';
COMMENT ON COLUMN core.payments.deleted_at IS 'When the source was found to have it no more; null while it exists';
COMMENT ON COLUMN core.payments.updated_at IS 'When the source says it last changed';
COMMENT ON COLUMN core.payments.run_id IS 'Run that stored this version';

CREATE TABLE core.declarations (
    id         VARCHAR PRIMARY KEY,
    file_name  VARCHAR NOT NULL,
    file_time  TIMESTAMPTZ NOT NULL,
    sent_at    TIMESTAMPTZ,
    format     VARCHAR NOT NULL,
    status     VARCHAR NOT NULL,
    updated_at TIMESTAMPTZ,
    run_id     VARCHAR NOT NULL
);
COMMENT ON TABLE core.declarations IS 'Files in which clients declare days; one row a file content.';
COMMENT ON COLUMN core.declarations.id IS 'SHA-256 of the file''s content';
COMMENT ON COLUMN core.declarations.file_name IS 'Name of the file';
COMMENT ON COLUMN core.declarations.file_time IS 'Modification time of the file';
COMMENT ON COLUMN core.declarations.sent_at IS 'When the client sent it, where the file says';
COMMENT ON COLUMN core.declarations.format IS 'csv';
COMMENT ON COLUMN core.declarations.status IS 'read, partial (some lines unreadable) or unreadable';
COMMENT ON COLUMN core.declarations.updated_at IS 'When it was last written';
COMMENT ON COLUMN core.declarations.run_id IS 'Run that stored this version';

CREATE TABLE core.declaration_lines (
    declaration_id VARCHAR NOT NULL,
    line_no        INTEGER NOT NULL,
    client         VARCHAR,
    consultant     VARCHAR,
    contract       VARCHAR,
    period         VARCHAR,
    days           DECIMAL(9,4),
    amount         DECIMAL(18,4),
    currency       VARCHAR,
    sent_at        TIMESTAMPTZ,
    confidence     DECIMAL(9,4),
    line_text      VARCHAR NOT NULL,
    problem        VARCHAR,
    updated_at     TIMESTAMPTZ,
    run_id         VARCHAR NOT NULL
);
COMMENT ON TABLE core.declaration_lines IS 'Days that clients declare, one line of a file each.';
COMMENT ON COLUMN core.declaration_lines.declaration_id IS 'File';
COMMENT ON COLUMN core.declaration_lines.line_no IS 'Line of the file, from 1, the header not counted';
COMMENT ON COLUMN core.declaration_lines.client IS 'Client as declared: id, reference or name';
COMMENT ON COLUMN core.declaration_lines.consultant IS 'Consultant as declared';
COMMENT ON COLUMN core.declaration_lines.contract IS 'Contract as declared: id or reference';
COMMENT ON COLUMN core.declaration_lines.period IS 'Month declared, YYYY-MM';
COMMENT ON COLUMN core.declaration_lines.days IS 'Days declared';
COMMENT ON COLUMN core.declaration_lines.amount IS 'Amount declared, in currency';
COMMENT ON COLUMN core.declaration_lines.currency IS 'ISO 4217 code as declared';
COMMENT ON COLUMN core.declaration_lines.sent_at IS 'When the client sent the line, where the file says';
COMMENT ON COLUMN core.declaration_lines.confidence IS 'How sure the reading is, 0 to 1; 1 for a CSV line';
COMMENT ON COLUMN core.declaration_lines.line_text IS 'The line as written';
COMMENT ON COLUMN core.declaration_lines.problem IS 'Why the line could not be read; null when it was';
COMMENT ON COLUMN core.declaration_lines.updated_at IS 'When it was last written';
COMMENT ON COLUMN core.declaration_lines.run_id IS 'Run that stored this version';

CREATE TABLE core.party_links (
    vendor_id   VARCHAR NOT NULL,
    supplier_id VARCHAR NOT NULL,
    method      VARCHAR NOT NULL,
    score       DECIMAL(9,4),
    decided_by  VARCHAR NOT NULL,
    os_user     VARCHAR,
    host        VARCHAR,
    reason      VARCHAR,
    decided_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ,
    run_id      VARCHAR NOT NULL
);
COMMENT ON TABLE core.party_links IS 'Which supplier in BoondManager a Bill.com vendor is.';
COMMENT ON COLUMN core.party_links.vendor_id IS 'Vendor in Bill.com';
COMMENT ON COLUMN core.party_links.supplier_id IS 'Supplier in BoondManager';
COMMENT ON COLUMN core.party_links.method IS 'tax_id, name, legal_form, fuzzy or person';
COMMENT ON COLUMN core.party_links.score IS 'Likeness of the names, 0 to 100';
COMMENT ON COLUMN core.party_links.decided_by IS 'rapproche, or the name of the person';
COMMENT ON COLUMN core.party_links.os_user IS 'Operating-system user who decided';
COMMENT ON COLUMN core.party_links.host IS 'Machine on which it was decided';
COMMENT ON COLUMN core.party_links.reason IS 'Why';
COMMENT ON COLUMN core.party_links.decided_at IS 'When';
COMMENT ON COLUMN core.party_links.updated_at IS 'When it was last written';
COMMENT ON COLUMN core.party_links.run_id IS 'Run that stored this version';

CREATE TABLE core.person_links (
    client_id     VARCHAR,
    declared_name VARCHAR NOT NULL,
    consultant_id VARCHAR NOT NULL,
    method        VARCHAR NOT NULL,
    score         DECIMAL(9,4),
    decided_by    VARCHAR NOT NULL,
    os_user       VARCHAR,
    host          VARCHAR,
    reason        VARCHAR,
    decided_at    TIMESTAMPTZ NOT NULL,
    updated_at    TIMESTAMPTZ,
    run_id        VARCHAR NOT NULL
);
COMMENT ON TABLE core.person_links IS 'Which consultant a declared name is.';
COMMENT ON COLUMN core.person_links.client_id IS 'Client in whose declarations the name stands; null for all';
COMMENT ON COLUMN core.person_links.declared_name IS 'Name as declared';
COMMENT ON COLUMN core.person_links.consultant_id IS 'Consultant in BoondManager';
COMMENT ON COLUMN core.person_links.method IS 'exact, fuzzy or person';
COMMENT ON COLUMN core.person_links.score IS 'Likeness of the names, 0 to 100';
COMMENT ON COLUMN core.person_links.decided_by IS 'rapproche, or the name of the person';
COMMENT ON COLUMN core.person_links.os_user IS 'Operating-system user who decided';
COMMENT ON COLUMN core.person_links.host IS 'Machine on which it was decided';
COMMENT ON COLUMN core.person_links.reason IS 'Why';
COMMENT ON COLUMN core.person_links.decided_at IS 'When';
COMMENT ON COLUMN core.person_links.updated_at IS 'When it was last written';
COMMENT ON COLUMN core.person_links.run_id IS 'Run that stored this version';

CREATE TABLE core.history (
    table_name VARCHAR NOT NULL,
    id         VARCHAR NOT NULL,
    version    INTEGER NOT NULL,
    valid_from TIMESTAMPTZ NOT NULL,
    valid_to   TIMESTAMPTZ,
    content    JSON NOT NULL
);
COMMENT ON TABLE core.history IS 'Every version of every record that rapproche has seen.';
COMMENT ON COLUMN core.history.table_name IS 'Table of core that holds the current version';
COMMENT ON COLUMN core.history.id IS 'Record';
COMMENT ON COLUMN core.history.version IS 'Number of the version, from 1';
COMMENT ON COLUMN core.history.valid_from IS 'When the version was stored';
COMMENT ON COLUMN core.history.valid_to IS 'When the next version replaced it; null for the current one';
COMMENT ON COLUMN core.history.content IS 'The record as the source served it';
