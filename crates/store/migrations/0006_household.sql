-- People who share an account. The account's own is the first one, under the account's id.
CREATE TABLE profiles (
    id        TEXT PRIMARY KEY,
    account   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name      TEXT NOT NULL,
    -- Films are seen up to this age; nothing is no limit.
    age_limit INTEGER,
    -- As argon2id, like passwords.
    pin       TEXT,
    -- BCP 47. Nothing leaves it to the browser, to the film, and without subtitles.
    language  TEXT,
    audio     TEXT,
    subtitles TEXT,
    -- Whether the next episode begins by itself.
    autoplay  INTEGER NOT NULL DEFAULT 1,
    created   INTEGER NOT NULL
) STRICT;
CREATE INDEX profiles_account ON profiles (account, created);

INSERT INTO profiles (id, account, name, created) SELECT id, id, name, created FROM accounts;

-- No account is without a profile, however it came to be.
CREATE TRIGGER accounts_first_profile AFTER INSERT ON accounts BEGIN
    INSERT INTO profiles (id, account, name, created) VALUES (new.id, new.id, new.name, new.created);
END;

-- The first profile goes by the account's name until it gets one of its own.
CREATE TRIGGER accounts_renamed AFTER UPDATE OF name ON accounts BEGIN
    UPDATE profiles SET name = new.name WHERE id = new.id AND name = old.name;
END;

-- Streams that an account may watch at a time; nothing is what the house gives everybody.
ALTER TABLE accounts ADD COLUMN streams INTEGER;

-- Who watches on a device, and what people call it.
ALTER TABLE sign_ins ADD COLUMN profile TEXT REFERENCES profiles (id) ON DELETE SET NULL;
ALTER TABLE sign_ins ADD COLUMN device TEXT;
UPDATE sign_ins SET profile = account;

-- A new device begins with the first profile that opens without a PIN, if there is one.
CREATE TRIGGER sign_ins_first_profile AFTER INSERT ON sign_ins WHEN new.account IS NOT NULL BEGIN
    UPDATE sign_ins SET profile =
        (SELECT id FROM profiles WHERE account = new.account AND pin IS NULL ORDER BY created, id <> account, id LIMIT 1)
    WHERE id = new.id;
END;

-- From which age on a film is for; nothing is not known.
ALTER TABLE films ADD COLUMN age INTEGER;

-- How far a profile has watched a film: what the account had is its first profile's.
ALTER TABLE positions RENAME TO positions_of_accounts;
DROP INDEX positions_film;
CREATE TABLE positions (
    profile  TEXT NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    film     TEXT NOT NULL REFERENCES films (id) ON DELETE CASCADE,
    seconds  REAL NOT NULL,
    finished INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (profile, film)
) STRICT;
INSERT INTO positions (profile, film, seconds, finished, at)
    SELECT account, film, seconds, finished, at FROM positions_of_accounts;
DROP TABLE positions_of_accounts;
CREATE INDEX positions_film ON positions (film);
