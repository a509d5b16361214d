-- Codings that renditions are made in beside H.264, with commas between them: `hevc,av1`.
ALTER TABLE renderings ADD COLUMN also TEXT NOT NULL DEFAULT '';

-- Whether lower qualities of a live channel are made while there is capacity.
ALTER TABLE channels ADD COLUMN ladder INTEGER NOT NULL DEFAULT 0;
