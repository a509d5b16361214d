-- What a channel made of the library is to play, as JSON.
CREATE TABLE schedules (
    channel    TEXT PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    definition TEXT NOT NULL,
    changed    INTEGER NOT NULL
) STRICT;

-- What follows from a schedule and the films there were, from a moment on, as JSON: kept, so that every start of the
-- program goes on with the same. The moment is in microseconds since 1970.
CREATE TABLE plans (
    channel TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    since   INTEGER NOT NULL,
    plan    TEXT NOT NULL,
    PRIMARY KEY (channel, since)
) STRICT;

-- What opens the guide and its channels to players that have no cookie, for reading alone.
CREATE TABLE guide_tokens (
    id      TEXT PRIMARY KEY,
    hash    TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name    TEXT NOT NULL,
    created INTEGER NOT NULL,
    used    INTEGER
) STRICT;
CREATE INDEX guide_tokens_account ON guide_tokens (account);

-- Lists of channels (M3U) and guides (XMLTV) of others.
CREATE TABLE guide_sources (
    id        TEXT PRIMARY KEY,
    owner     TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    -- Addresses; none of what was uploaded.
    playlist  TEXT,
    guide     TEXT,
    -- Whether addresses of this network may be asked.
    private   INTEGER NOT NULL,
    -- Validators of what was fetched last (RFC 9110, section 8.8.3).
    playlist_tag TEXT,
    guide_tag    TEXT,
    refreshed INTEGER,
    -- Why the last refresh did not work, in a sentence.
    error     TEXT,
    created   INTEGER NOT NULL
) STRICT;

-- Which source an external channel came from.
CREATE TABLE channel_sources (
    channel TEXT PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
    source  TEXT NOT NULL REFERENCES guide_sources (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX channel_sources_source ON channel_sources (source);

-- What others say is on.
CREATE TABLE programmes (
    channel     TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    start       INTEGER NOT NULL,
    stop        INTEGER NOT NULL,
    title       TEXT NOT NULL,
    subtitle    TEXT,
    description TEXT,
    category    TEXT,
    season      INTEGER,
    episode     INTEGER,
    PRIMARY KEY (channel, start)
) STRICT;

-- What is to be recorded beside single programmes: a series, or whatever has a word in it.
CREATE TABLE recording_rules (
    id         TEXT PRIMARY KEY,
    account    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('series', 'keyword')),
    words      TEXT NOT NULL,
    -- One channel, or all.
    channel    TEXT REFERENCES channels (id) ON DELETE CASCADE,
    pad_before INTEGER NOT NULL,
    pad_after  INTEGER NOT NULL,
    keep_days  INTEGER,
    created    INTEGER NOT NULL
) STRICT;
CREATE INDEX recording_rules_account ON recording_rules (account);

CREATE TABLE recordings (
    id          TEXT PRIMARY KEY,
    account     TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- A recording outlives its channel, and the rule that it came from.
    channel     TEXT REFERENCES channels (id) ON DELETE SET NULL,
    channel_name TEXT NOT NULL,
    rule        TEXT REFERENCES recording_rules (id) ON DELETE SET NULL,
    title       TEXT NOT NULL,
    subtitle    TEXT,
    description TEXT,
    -- The programme, without padding.
    start       INTEGER NOT NULL,
    stop        INTEGER NOT NULL,
    pad_before  INTEGER NOT NULL,
    pad_after   INTEGER NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('planned', 'recording', 'done', 'failed', 'skipped')),
    reason      TEXT,
    -- The film that it is.
    film        TEXT REFERENCES films (id) ON DELETE SET NULL,
    bytes       INTEGER NOT NULL,
    protected   INTEGER NOT NULL,
    keep_days   INTEGER,
    expires     INTEGER,
    created     INTEGER NOT NULL
) STRICT;
CREATE INDEX recordings_account ON recordings (account, start);
CREATE INDEX recordings_state ON recordings (state, start);
CREATE UNIQUE INDEX recordings_once ON recordings (account, channel, start);
