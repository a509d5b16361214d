-- A film that browsers do not play is made playable once. The row is the truth; what is done of it lies on the disk.
CREATE TABLE renderings (
    film           TEXT PRIMARY KEY REFERENCES films (id) ON DELETE CASCADE,
    -- What the file held that it is made of, as in `films`.
    print          TEXT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    -- Why it waits, failed, or was ended, in a sentence.
    reason         TEXT,
    created        INTEGER NOT NULL,
    -- It is not tried again before that.
    not_before     INTEGER NOT NULL DEFAULT 0,
    started        INTEGER,
    ended          INTEGER,
    -- Bytes of the renditions, and of their indices.
    bytes          INTEGER,
    index_bytes    INTEGER,
    -- How many renditions there are, and what their ladder saves against a fixed one.
    renditions     INTEGER,
    saving_percent REAL
) STRICT;
CREATE INDEX renderings_state ON renderings (state, created);

-- What is known of a film, and made of it, besides what plays.
CREATE TABLE extras (
    film     TEXT PRIMARY KEY REFERENCES films (id) ON DELETE CASCADE,
    print    TEXT NOT NULL,
    -- A hash of the names, sizes and dates of what lies beside the film.
    beside   TEXT NOT NULL,
    made     INTEGER NOT NULL,
    -- JSON: chapters, texts, notes, and how small pictures lie on their sheets.
    chapters TEXT NOT NULL,
    texts    TEXT NOT NULL,
    notes    TEXT NOT NULL,
    sprites  TEXT NOT NULL,
    -- Years that somebody should have to see it.
    age      INTEGER,
    -- Bytes of what was made.
    bytes    INTEGER NOT NULL
) STRICT;
