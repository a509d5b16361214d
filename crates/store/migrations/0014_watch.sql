-- How loud the sounds of what plays of a film are, as JSON, with what was measured.
ALTER TABLE extras ADD COLUMN loudness TEXT;

-- Plans: bundles of what an account may have. What is left out is what the house gives everybody.
CREATE TABLE account_plans (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    name_key        TEXT NOT NULL UNIQUE,
    -- Films and channels at a time.
    streams         INTEGER,
    recording_hours INTEGER,
    created         INTEGER NOT NULL
) STRICT;

-- What accounts were given by a number becomes a plan of that number.
ALTER TABLE accounts ADD COLUMN plan TEXT REFERENCES account_plans (id) ON DELETE SET NULL;
INSERT INTO account_plans (id, name, name_key, streams, created)
SELECT 'streams-' || streams, name, name, streams, unixepoch() * 1000
FROM (SELECT DISTINCT streams, streams || CASE streams WHEN 1 THEN ' stream' ELSE ' streams' END AS name
      FROM accounts WHERE streams IS NOT NULL);
UPDATE accounts SET plan = 'streams-' || streams WHERE streams IS NOT NULL;
ALTER TABLE accounts DROP COLUMN streams;
