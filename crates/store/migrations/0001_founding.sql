-- Times are unix milliseconds. Secrets are kept as BLAKE3 hashes, passwords as argon2id.

CREATE TABLE accounts (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    -- The name in lower case: two people cannot be told apart by capitals alone.
    name_key TEXT NOT NULL UNIQUE,
    role     TEXT NOT NULL CHECK (role IN ('owner', 'player', 'guest')),
    password TEXT,
    created  INTEGER NOT NULL,
    seen     INTEGER
) STRICT;

CREATE TABLE invites (
    id      TEXT PRIMARY KEY,
    hash    TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('spectator', 'player')),
    seat    INTEGER,
    creator TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER,
    uses    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX invites_session ON invites (session);

-- A row belongs to an account, or to a visitor who came by an invite and sees one session only.
CREATE TABLE sign_ins (
    id         TEXT PRIMARY KEY,
    hash       TEXT NOT NULL UNIQUE,
    account    TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    visitor    TEXT,
    invite     TEXT REFERENCES invites (id) ON DELETE CASCADE,
    created    INTEGER NOT NULL,
    seen       INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    user_agent TEXT NOT NULL,
    CHECK ((account IS NULL) = (invite IS NOT NULL AND visitor IS NOT NULL))
) STRICT;
CREATE INDEX sign_ins_account ON sign_ins (account);
CREATE INDEX sign_ins_invite ON sign_ins (invite);
CREATE INDEX sign_ins_expires ON sign_ins (expires);

-- A code without an account is the one that a start of the program prints for its owner.
CREATE TABLE codes (
    hash    TEXT PRIMARY KEY,
    account TEXT REFERENCES accounts (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER
) STRICT;
CREATE INDEX codes_account ON codes (account);

CREATE TABLE title_settings (
    title   TEXT PRIMARY KEY,
    network INTEGER NOT NULL DEFAULT 0,
    hidden  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE plays (
    id         TEXT PRIMARY KEY,
    title      TEXT NOT NULL,
    account    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    started    INTEGER NOT NULL,
    ended      INTEGER,
    reason     TEXT,
    message    TEXT,
    last_words TEXT
) STRICT;
CREATE INDEX plays_account ON plays (account, started);
CREATE INDEX plays_started ON plays (started);

CREATE TABLE clips (
    id          TEXT PRIMARY KEY,
    account     TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    title       TEXT NOT NULL,
    session     TEXT NOT NULL,
    created     INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    path        TEXT NOT NULL
) STRICT;
CREATE INDEX clips_account ON clips (account, created);
