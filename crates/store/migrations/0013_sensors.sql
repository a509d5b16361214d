-- Sensors: who is enrolled, and the two halves of each one's twin. `key` is what the tables of observations know a sensor by.
CREATE TABLE sensors (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    grouped TEXT,
    created INTEGER NOT NULL,
    enrolled INTEGER,
    expires INTEGER,
    serials TEXT NOT NULL DEFAULT '[]',
    revoked INTEGER,
    seen INTEGER,
    version INTEGER NOT NULL DEFAULT 1,
    settings TEXT NOT NULL,
    reported TEXT
) STRICT;

-- Codes by which sensors are enrolled: once for a sensor, or so many times for a fleet, whose sensors are made as they come.
-- Used and old ones stay for a day, so that it can be said why they do not work.
CREATE TABLE sensor_codes (
    hash TEXT PRIMARY KEY,
    sensor INTEGER REFERENCES sensors (key) ON DELETE CASCADE,
    name TEXT,
    grouped TEXT,
    settings TEXT,
    count INTEGER NOT NULL DEFAULT 1,
    used INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX sensor_codes_of ON sensor_codes (sensor);

-- Up to which number each life of a sensor's outbox is here.
CREATE TABLE sensor_marks (
    sensor INTEGER NOT NULL REFERENCES sensors (key) ON DELETE CASCADE,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    touched INTEGER NOT NULL,
    PRIMARY KEY (sensor, epoch)
) STRICT, WITHOUT ROWID;

-- What sensors saw. `sent` is the time that the sensor gave where it was not believed; `void` says that it was taken back.
CREATE TABLE observations (
    sensor INTEGER NOT NULL REFERENCES sensors (key) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sent INTEGER,
    kind TEXT NOT NULL,
    area INTEGER,
    track INTEGER,
    what TEXT NOT NULL,
    void INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (sensor, at, epoch, seq)
) STRICT, WITHOUT ROWID;

-- Crossings by minute (`span` 60000) and hour (3600000).
CREATE TABLE crossings (
    sensor INTEGER NOT NULL REFERENCES sensors (key) ON DELETE CASCADE,
    span INTEGER NOT NULL,
    at INTEGER NOT NULL,
    line INTEGER NOT NULL,
    ins INTEGER NOT NULL,
    outs INTEGER NOT NULL,
    PRIMARY KEY (sensor, span, at, line)
) STRICT, WITHOUT ROWID;

-- What was in zones, by minute and hour: `present` is the sum over things of the milliseconds that each was there.
CREATE TABLE stays (
    sensor INTEGER NOT NULL REFERENCES sensors (key) ON DELETE CASCADE,
    span INTEGER NOT NULL,
    at INTEGER NOT NULL,
    zone INTEGER NOT NULL,
    most INTEGER NOT NULL,
    present INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    exited INTEGER NOT NULL,
    dwelt INTEGER NOT NULL,
    PRIMARY KEY (sensor, span, at, zone)
) STRICT, WITHOUT ROWID;

-- How many are in each zone since when, as was told last.
CREATE TABLE occupancies (
    sensor INTEGER NOT NULL REFERENCES sensors (key) ON DELETE CASCADE,
    zone INTEGER NOT NULL,
    count INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (sensor, zone)
) STRICT, WITHOUT ROWID;

-- Where things stood, by hour and cell, in tenths of a second.
CREATE TABLE heats (
    sensor INTEGER NOT NULL REFERENCES sensors (key) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    columns INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    cell INTEGER NOT NULL,
    tenths INTEGER NOT NULL,
    PRIMARY KEY (sensor, at, columns, rows, cell)
) STRICT, WITHOUT ROWID;

-- What may be taken back: a larger model says that a track was nothing.
CREATE INDEX crossed_by ON observations (sensor, epoch, track) WHERE kind = 'crossed';

-- Models and apps for sensors: their bytes lie in the data folder by their hash; here is what is said of them.
CREATE TABLE sensor_files (
    hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    card TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

-- Models and apps on their way to sensors, a part of them first.
CREATE TABLE rollouts (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    hash TEXT NOT NULL,
    name TEXT NOT NULL,
    grouped TEXT,
    canary INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    stage TEXT NOT NULL,
    why TEXT,
    created INTEGER NOT NULL,
    staged INTEGER NOT NULL
) STRICT;

-- Which sensors a rollout has reached: what each had before, and how it was.
CREATE TABLE rollout_sensors (
    rollout TEXT NOT NULL REFERENCES rollouts (id) ON DELETE CASCADE,
    sensor TEXT NOT NULL,
    version INTEGER NOT NULL,
    before TEXT NOT NULL,
    PRIMARY KEY (rollout, sensor)
) STRICT, WITHOUT ROWID;

-- What is done when something is seen: rules as JSON.
CREATE TABLE sensor_rules (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

-- What rules told of, for pages.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL,
    name TEXT NOT NULL,
    sensor TEXT NOT NULL,
    at INTEGER NOT NULL,
    figure REAL NOT NULL,
    text TEXT NOT NULL
) STRICT;

-- Calls of other people's addresses that rules make, until they are done or given up.
CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule TEXT NOT NULL,
    url TEXT NOT NULL,
    body TEXT NOT NULL,
    created INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next INTEGER,
    done INTEGER,
    why TEXT
) STRICT;
CREATE INDEX webhooks_next ON webhooks (next) WHERE next IS NOT NULL;
