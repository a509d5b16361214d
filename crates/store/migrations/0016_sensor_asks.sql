-- Crops that sensors sent to the house's larger model: what was asked and answered, never the picture.
CREATE TABLE sensor_asks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sensor INTEGER NOT NULL REFERENCES sensors (key) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    track INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    asked TEXT NOT NULL,
    answer TEXT
) STRICT;
CREATE INDEX sensor_asks_of ON sensor_asks (sensor, id);
