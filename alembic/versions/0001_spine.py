"""The spine: tenants, identity, catalog, ledger and feeds, behind row-level security."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE categories (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_categories PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_categories_tenant_id_name UNIQUE (tenant_id, name)
);

CREATE TABLE changes (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    revision BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
    product_ids UUID[] NOT NULL,
    CONSTRAINT pk_changes PRIMARY KEY (tenant_id, store_id, revision)
);

CREATE TABLE directory (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    tenant_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    CONSTRAINT pk_directory PRIMARY KEY (kind, name),
    CONSTRAINT ck_directory_kind CHECK (kind in ('login', 'store'))
);

CREATE TABLE movements (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    store_id UUID NOT NULL,
    actor_id UUID NOT NULL,
    key UUID NOT NULL,
    channel TEXT,
    reason TEXT,
    note TEXT,
    document TEXT,
    sale_id UUID,
    reverses_id UUID,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_movements PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ix_movements_sale ON movements (tenant_id, sale_id) WHERE sale_id is not null;
CREATE INDEX ix_movements_store ON movements (tenant_id, store_id, id);
CREATE UNIQUE INDEX uq_movements_reverses
    ON movements (tenant_id, reverses_id)
    WHERE reverses_id is not null;

CREATE TABLE requests (
    tenant_id UUID NOT NULL,
    actor_id UUID NOT NULL,
    key UUID NOT NULL,
    fingerprint BYTEA NOT NULL,
    result_id UUID NOT NULL,
    CONSTRAINT pk_requests PRIMARY KEY (tenant_id, actor_id, key)
);

CREATE TABLE staff (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    login TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    removed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_staff PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX uq_staff_login ON staff (tenant_id, login) WHERE removed_at is null;

CREATE TABLE stores (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    timezone TEXT DEFAULT 'Asia/Shanghai' NOT NULL,
    few_threshold INTEGER DEFAULT '5' NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_stores PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_stores_tenant_id_code UNIQUE (tenant_id, code)
);

CREATE TABLE tenants (
    tenant_id UUID NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_tenants PRIMARY KEY (tenant_id)
);

CREATE TABLE api_keys (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    name TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    scopes TEXT[] NOT NULL,
    created_by UUID NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_api_keys PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_api_keys_tenant_id_created_by FOREIGN KEY(tenant_id, created_by)
        REFERENCES staff (tenant_id, id)
        ON DELETE RESTRICT
);

CREATE TABLE entries (
    tenant_id UUID NOT NULL,
    movement_id UUID NOT NULL,
    line INTEGER NOT NULL,
    product_id UUID NOT NULL,
    from_store UUID NOT NULL,
    from_bin TEXT NOT NULL,
    to_store UUID NOT NULL,
    to_bin TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    scale BIGINT NOT NULL,
    unit_cost BIGINT,
    from_seq BIGINT,
    from_after BIGINT,
    to_seq BIGINT,
    to_after BIGINT,
    CONSTRAINT pk_entries PRIMARY KEY (tenant_id, movement_id, line),
    CONSTRAINT fk_entries_tenant_id_movement_id FOREIGN KEY(tenant_id, movement_id)
        REFERENCES movements (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_entries_quantity CHECK (quantity > 0),
    CONSTRAINT ck_entries_places CHECK (from_store <> to_store or from_bin <> to_bin)
);
CREATE UNIQUE INDEX uq_entries_from
    ON entries (tenant_id, from_store, product_id, from_seq)
    WHERE from_seq is not null;
CREATE UNIQUE INDEX uq_entries_to
    ON entries (tenant_id, to_store, product_id, to_seq)
    WHERE to_seq is not null;

CREATE TABLE feeds (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    revision BIGINT DEFAULT '0' NOT NULL,
    CONSTRAINT pk_feeds PRIMARY KEY (tenant_id, store_id),
    CONSTRAINT fk_feeds_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT
) WITH (fillfactor = 50);

CREATE TABLE products (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    sku TEXT NOT NULL,
    name TEXT NOT NULL,
    spec TEXT DEFAULT '' NOT NULL,
    kind TEXT NOT NULL,
    unit TEXT NOT NULL,
    scale BIGINT NOT NULL,
    category_id UUID,
    price BIGINT,
    image_url TEXT,
    reorder_point BIGINT DEFAULT '0' NOT NULL,
    overstock_point BIGINT,
    search TEXT NOT NULL,
    pinyin TEXT NOT NULL,
    archived_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_products PRIMARY KEY (tenant_id, id),
    CONSTRAINT uq_products_tenant_id_sku UNIQUE (tenant_id, sku),
    CONSTRAINT fk_products_tenant_id_category_id FOREIGN KEY(tenant_id, category_id)
        REFERENCES categories (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_products_scale CHECK (scale > 0),
    CONSTRAINT ck_products_price CHECK (price >= 0),
    CONSTRAINT ck_products_reorder_point CHECK (reorder_point >= 0)
);
CREATE INDEX ix_products_category ON products (tenant_id, category_id, pinyin);
CREATE INDEX ix_products_pinyin ON products (tenant_id, pinyin, id);

CREATE TABLE sessions (
    tenant_id UUID NOT NULL,
    id UUID NOT NULL,
    staff_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    previous_hash BYTEA,
    rotated_at TIMESTAMP WITH TIME ZONE,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (tenant_id, id),
    CONSTRAINT fk_sessions_tenant_id_staff_id FOREIGN KEY(tenant_id, staff_id)
        REFERENCES staff (tenant_id, id)
        ON DELETE RESTRICT
);
CREATE INDEX ix_sessions_staff ON sessions (tenant_id, staff_id);

CREATE TABLE staff_stores (
    tenant_id UUID NOT NULL,
    staff_id UUID NOT NULL,
    store_id UUID NOT NULL,
    CONSTRAINT pk_staff_stores PRIMARY KEY (tenant_id, staff_id, store_id),
    CONSTRAINT fk_staff_stores_tenant_id_staff_id FOREIGN KEY(tenant_id, staff_id)
        REFERENCES staff (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_staff_stores_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT
);

CREATE TABLE barcodes (
    tenant_id UUID NOT NULL,
    code TEXT NOT NULL,
    product_id UUID NOT NULL,
    pack_quantity BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_barcodes PRIMARY KEY (tenant_id, code),
    CONSTRAINT fk_barcodes_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_barcodes_pack_quantity CHECK (pack_quantity > 0)
);
CREATE INDEX ix_barcodes_product ON barcodes (tenant_id, product_id);

CREATE TABLE levels (
    tenant_id UUID NOT NULL,
    store_id UUID NOT NULL,
    product_id UUID NOT NULL,
    shelf BIGINT DEFAULT '0' NOT NULL,
    reserved BIGINT DEFAULT '0' NOT NULL,
    quarantine BIGINT DEFAULT '0' NOT NULL,
    transit BIGINT DEFAULT '0' NOT NULL,
    version BIGINT DEFAULT '0' NOT NULL,
    scale BIGINT NOT NULL,
    reorder_point BIGINT DEFAULT '0' NOT NULL,
    reorder_point_own BOOLEAN DEFAULT false NOT NULL,
    overstock_point BIGINT,
    received_at TIMESTAMP WITH TIME ZONE,
    status TEXT GENERATED ALWAYS AS (
        case
        when shelf = 0 then 'OUT'
        when reorder_point > 0 and shelf <= reorder_point then 'LOW'
        when overstock_point is not null and shelf > overstock_point then 'OVERSTOCKED'
        else 'NORMAL'
        end
    ) STORED NOT NULL,
    CONSTRAINT pk_levels PRIMARY KEY (tenant_id, store_id, product_id),
    CONSTRAINT fk_levels_tenant_id_store_id FOREIGN KEY(tenant_id, store_id)
        REFERENCES stores (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT fk_levels_tenant_id_product_id FOREIGN KEY(tenant_id, product_id)
        REFERENCES products (tenant_id, id)
        ON DELETE RESTRICT,
    CONSTRAINT ck_levels_shelf CHECK (shelf >= 0),
    CONSTRAINT ck_levels_reserved CHECK (reserved >= 0),
    CONSTRAINT ck_levels_quarantine CHECK (quarantine >= 0),
    CONSTRAINT ck_levels_transit CHECK (transit >= 0)
) WITH (fillfactor = 70);
CREATE INDEX ix_levels_product ON levels (tenant_id, product_id, store_id);
CREATE INDEX ix_levels_status ON levels (tenant_id, store_id, status, product_id);
"""

# The names a product is found by; short patterns scan one tenant's rows only.
SEARCH = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX ix_products_search ON products USING gin (tenant_id, search gin_trgm_ops);
"""

# I1: entries and their heads are never changed, whatever the caller's rights.
APPEND_ONLY = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the ledger is append-only: reverse the movement instead';
    END $$
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON movements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)

# The app's role owns nothing and cannot pass row-level security. Whoever migrates may become it.
ROLE = (
    """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kucun_app') THEN
            CREATE ROLE kucun_app NOLOGIN;
        END IF;
        IF NOT pg_has_role(current_user, 'kucun_app', 'SET') THEN
            EXECUTE format('GRANT kucun_app TO %I', current_user);
        END IF;
    END $$
    """,
    "GRANT USAGE ON SCHEMA public TO kucun_app",
)

RIGHTS = {
    "tenants": "SELECT, INSERT, UPDATE",
    "directory": "SELECT, INSERT, UPDATE, DELETE",
    "stores": "SELECT, INSERT, UPDATE",
    "staff": "SELECT, INSERT, UPDATE",
    "staff_stores": "SELECT, INSERT, DELETE",
    "sessions": "SELECT, INSERT, UPDATE, DELETE",
    "api_keys": "SELECT, INSERT, UPDATE",
    "categories": "SELECT, INSERT, UPDATE",
    "products": "SELECT, INSERT, UPDATE",
    "barcodes": "SELECT, INSERT, DELETE",
    "levels": "SELECT, INSERT, UPDATE",
    "movements": "SELECT, INSERT",
    "entries": "SELECT, INSERT",
    "requests": "SELECT, INSERT, DELETE",
    "feeds": "SELECT, INSERT, UPDATE",
    "changes": "SELECT, INSERT",
}

MINE = "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid"


def upgrade() -> None:
    for statement in (TABLES + SEARCH).strip().split(";\n"):
        op.execute(statement)
    for statement in (*APPEND_ONLY, *ROLE):
        op.execute(statement)
    for table, rights in RIGHTS.items():
        op.execute(f"GRANT {rights} ON {table} TO kucun_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({MINE}) WITH CHECK ({MINE})")
    # The directory is what leads to a tenant, so it is read before one is known.
    op.execute("CREATE POLICY reading ON directory FOR SELECT USING (true)")
