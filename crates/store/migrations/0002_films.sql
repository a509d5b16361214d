-- A film is a file in a folder of films. It keeps its id when it is moved, and its record when it is missing.
CREATE TABLE films (
    id          TEXT PRIMARY KEY,
    -- The folder of films as the configuration names it, and the path in it with `/` between its parts.
    folder      TEXT NOT NULL,
    path        TEXT NOT NULL,
    size        INTEGER NOT NULL,
    modified    INTEGER NOT NULL,
    -- BLAKE3 of the size, the head and the tail of the file.
    print       TEXT NOT NULL,
    title       TEXT NOT NULL,
    year        INTEGER,
    show        TEXT,
    season      INTEGER,
    episode     INTEGER,
    duration_ms INTEGER,
    width       INTEGER,
    height      INTEGER,
    -- The tracks as JSON.
    codecs      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('ready', 'unplayable', 'missing')),
    -- Why it cannot be played, in a sentence.
    reason      TEXT,
    added       INTEGER NOT NULL
) STRICT;
CREATE INDEX films_place ON films (folder, path);

-- How far an account has watched a film.
CREATE TABLE positions (
    account  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    film     TEXT NOT NULL REFERENCES films (id) ON DELETE CASCADE,
    seconds  REAL NOT NULL,
    finished INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (account, film)
) STRICT;
CREATE INDEX positions_film ON positions (film);
