-- A channel is a live stream that can be shifted in time, wherever its pictures come from.
CREATE TABLE channels (
    id             TEXT PRIMARY KEY,
    owner          TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name           TEXT NOT NULL,
    -- Published to us by key; pulled by us from an address; made of the library by a schedule; somebody else's,
    -- found in an imported list.
    kind           TEXT NOT NULL CHECK (kind IN ('push', 'pull', 'schedule', 'external')),
    -- The address of what is pulled or somebody else's.
    source         TEXT,
    -- Where it stands in the guide.
    number         INTEGER UNIQUE,
    -- The heading it stands under.
    category       TEXT,
    -- The address of a logo, and the channel's id in guides (XMLTV).
    logo           TEXT,
    guide_id       TEXT,
    -- Whether a second publisher takes over instead of being refused.
    replace_publisher INTEGER NOT NULL DEFAULT 0,
    -- How far back one can go.
    window_seconds INTEGER NOT NULL DEFAULT 7200,
    created        INTEGER NOT NULL
) STRICT;
CREATE INDEX channels_owner ON channels (owner);

-- What a publisher proves itself by. The key itself is told once and not kept.
CREATE TABLE stream_keys (
    id      TEXT PRIMARY KEY,
    channel TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    hash    TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    created INTEGER NOT NULL,
    used    INTEGER
) STRICT;
CREATE INDEX stream_keys_channel ON stream_keys (channel);
