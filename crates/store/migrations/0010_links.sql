-- A token may open one film or channel alone, and end by itself: that is what somebody gives to another player.
ALTER TABLE guide_tokens ADD COLUMN only TEXT;
ALTER TABLE guide_tokens ADD COLUMN until INTEGER;
